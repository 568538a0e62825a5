"""Which kinds of identities a prompt may not hold: it follows from where the prompt goes, and how sensitive it is.

| where it goes | public, internal | confidential, restricted |
|---|---|---|
| it stays here | what identifies by itself | what identifies by itself |
| it leaves | what identifies by itself | that, and what identifies only together with more |

Secrets are removed everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from acl.labels import Level
from redaction.types import DIRECT, EVERY

if TYPE_CHECKING:
    from acl.labels import Label
    from egress.route import Route
    from redaction.types import Kind


def kinds_for(route: Route, label: Label) -> frozenset[Kind]:
    """Tell which kinds are replaced in a prompt that takes this route.

    Args:
        route: Where it goes.
        label: The most restrictive one of what it is made of.
    """
    return kinds_outside(label) if route.leaves else DIRECT


def kinds_outside(label: Label) -> frozenset[Kind]:
    """Tell which kinds are replaced in a prompt that leaves, whose most restrictive part has this label."""
    return EVERY if label.level >= Level.CONFIDENTIAL or label.compartments else DIRECT
