"""What holds for the documents of a folder, by the declarations on the way to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.declared import DECLARATION_NAME, Declaration, Faulty

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from acl.names import Subject, UserId

Declarations = Mapping[tuple[str, ...], Declaration | Faulty]
"""What the folders of a tree declare, by the names that lead to each; of the top folder, by ()."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds for the documents of one folder by the declarations on the way to it.

    Label and readers are not here: each folder has its own, and its place in the tree adds those above.
    With a fault, its documents wait in quarantine.
    """

    owner: UserId | None  # the nearest that is named
    faults: tuple[str, ...]  # each with the declaration that has it, and what to do


def standing_of(
    folder: tuple[str, ...],
    declarations: Declarations,
    *,
    default_owner: UserId | None = None,
    unknown: AbstractSet[Subject] = frozenset(),
) -> Standing:
    """Fold the declarations on the way to a folder.

    Args:
        folder: The names that lead to it.
        declarations: Of the whole tree.
        default_owner: Who owns what nobody is named for; none may.
        unknown: Those of `names_in` whom nobody knows.
    """
    owner, faults = default_owner, list[str]()
    for depth in range(len(folder) + 1):
        match declarations.get(folder[:depth]):
            case Faulty(reason):
                faults.append(f"{_path(folder[:depth])}: {reason}")
            case Declaration() as above:
                faults += [f"{_path(folder[:depth])}: {why}" for why in _faults(above, unknown)]
                owner = above.owner or (None if above.inherit is False else owner)
    if owner is None and not faults:
        faults.append(f"nobody owns it: name an owner in {_path(folder)}, or in a folder above")
    return Standing(owner, tuple(faults))


def names_in(declarations: Declarations) -> frozenset[Subject]:
    """Give all owners and readers that are named anywhere, to look them up at once."""
    return frozenset().union(*(each.names for each in declarations.values() if isinstance(each, Declaration)))


def _faults(declared: Declaration, unknown: AbstractSet[Subject]) -> Iterator[str]:
    has = {"owner": declared.owner is not None, "level": declared.level is not None, "readers": bool(declared.readers)}
    missing = [key for key, there in has.items() if not there]
    if missing and declared.inherit is False:
        yield f"it inherits nothing and does not say {' nor '.join(missing)}: add that, or write inherit: true"
    if strangers := sorted(declared.names & unknown):
        yield f"nobody knows {', '.join(strangers)}: correct the name, or make it known first"


def _path(folder: tuple[str, ...]) -> str:
    return "/".join((*folder, DECLARATION_NAME))
