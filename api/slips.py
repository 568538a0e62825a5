"""Slips: what the server says of a folder at the beginning, and is told again with each file of it.

So it need not remember who is taking in what. A slip is sealed by a keyed hash: it says for whom it was made, for
which folder, whose its documents are and why they are held back, and none of that can be changed.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from acl.labels import parse_label
from acl.names import NodeId, UserId
from api.errors import BadRequest
from store.envelope import mac

if TYPE_CHECKING:
    from collections.abc import Collection

    from acl.labels import Label
    from store.keys import Keys

_MOST_FAULTS: Final = 10
_LONGEST_FAULT: Final = 500  # characters, as in the database


@dataclass(frozen=True, slots=True)
class Slip:
    """What holds for the files of one folder that one person takes in."""

    user: UserId
    collection: NodeId
    folder: str
    owner: UserId | None
    faults: tuple[str, ...] = ()
    label: Label | None = None  # of the folder, if its files are only to be looked at


def to_text(slip: Slip, keys: Keys, key_id: str) -> str:
    """Seal a slip, by the master key of this id."""
    faults = [fault[:_LONGEST_FAULT] for fault in slip.faults[:_MOST_FAULTS]]
    label = None if slip.label is None else str(slip.label)
    said = json.dumps([slip.user, slip.collection, slip.folder, slip.owner, faults, label], separators=(",", ":"))
    return f"{base64.urlsafe_b64encode(said.encode()).decode()}.{key_id}.{mac(keys.slips(key_id), 'slip', said)}"


def to_slip(text: str, keys: Keys, user: UserId, known: Collection[str]) -> Slip:
    """Open a slip that was made for this person.

    Args:
        text: The slip.
        keys: What it was sealed with.
        user: Who sends it.
        known: Ids of the master keys that are not retired; none other seals a slip.

    Raises:
        BadRequest: It was made for somebody else, or not here.
    """
    encoded, _, sealed = text.partition(".")
    key_id, _, seal = sealed.partition(".")
    try:
        said = base64.b64decode(encoded, altchars="-_", validate=True).decode()
    except (binascii.Error, ValueError):
        said = ""
    if key_id not in known:
        raise _none()
    if not hmac.compare_digest(seal.encode(), mac(keys.slips(key_id), "slip", said).encode()):
        raise _none()
    whose, collection, folder, owner, faults, label = json.loads(said)
    if whose != user:
        raise _none()
    return Slip(
        UserId(whose),
        NodeId(collection),
        folder,
        None if owner is None else UserId(owner),
        tuple(faults),
        None if label is None else parse_label(label),
    )


def _none() -> BadRequest:
    return BadRequest("this is no slip of yours: begin again, and send with each file the slip of its folder")
