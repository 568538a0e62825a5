"""The names that a policy speaks of: subjects, objects and actions.

A name is `kind:id` in one strict grammar. It has no wildcard, no blank and no separator of any
policy file format, so a name can neither widen a rule nor break one apart.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NewType, get_args

from acl.errors import BadName, BadRule

Subject = NewType("Subject", str)  # user:anna, group:finance, role:everyone, svc:importer
Obj = NewType("Obj", str)  # root:all, coll:contracts, folder:…, doc:…, owner:…, label:…
UserId = NewType("UserId", str)  # user:anna
NodeId = NewType("NodeId", str)  # coll:contracts, folder:…
DocumentId = NewType("DocumentId", str)  # doc:…

Action = Literal["read", "write", "share", "manage", "send", "audit"]
Effect = Literal["allow", "deny"]

ROOT: Final = Obj("root:all")
EVERYONE: Final = Subject("role:everyone")
ACTIONS: Final[frozenset[str]] = frozenset(get_args(Action))
ANY_ACTION: Final = "*"
SUBJECT_KINDS: Final = frozenset({"user", "group", "role", "svc"})
OBJECT_KINDS: Final = frozenset({"root", "coll", "folder", "doc", "owner", "label", "provider", "app"})

_NAME: Final = re.compile(r"[a-z]{1,16}:[A-Za-z0-9._-]{1,120}", re.ASCII)


def parse_name(text: str, kinds: frozenset[str]) -> str:
    """Check a `kind:id` name against the grammar and the kinds that may stand here.

    Raises:
        BadName: The text is no such name; the message says what one looks like.
    """
    if not _NAME.fullmatch(text) or text.partition(":")[0] not in kinds:
        wanted = ", ".join(sorted(kinds))
        raise BadName(f"{text!r} is not a name here: write KIND:ID with a kind of {wanted}, and letters, digits, . _ -")
    return text


def parse_collection(name: str) -> NodeId:
    """Give the collection of a name as people write it: alone, without `coll:`.

    Raises:
        BadName: The text is no such name; the message says what one looks like.
    """
    collection = f"coll:{name}"
    if not _NAME.fullmatch(collection):
        raise BadName(f"{name!r}: write the collection's name alone: letters, digits, . _ -, at most 120 of them")
    return NodeId(collection)


def parse_action(text: str) -> Action:
    """Read an action by its exact name.

    Raises:
        BadRule: There is none of this name.
    """
    for action in get_args(Action):
        if text == action:
            known: Action = action
            return known
    raise BadRule(f"{text!r} is no action: write one of {', '.join(sorted(ACTIONS))}")
