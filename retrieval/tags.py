"""What the index keeps of a document's rights: the tags that its points carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieval.filter import OWN, SCOPE, of_key
from retrieval.types import Tags

if TYPE_CHECKING:
    from acl.decision import What
    from acl.names import Obj


def tags_of(what: What) -> Tags:
    """Give the tags that a document's points share with those of its neighbours."""
    return Tags(of_key(SCOPE, what.scopes), what.path, what.label)


def own_of(what: What) -> frozenset[Obj]:
    """Give the policy objects that are a document's own."""
    return of_key(OWN, what.scopes)
