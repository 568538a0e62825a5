"""What is wrong with a file that was to be imported: every fault with its place, so that one reading mends them all."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from acl.errors import BadFile, PolicyError
from acl.insight.simulate import faults

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Engine

    from acl.admin.edits import Edit

MAX_CHARACTERS: Final = 8_000_000  # of a file; more is no policy and no directory, but a mistake or an attack
MOST_SHOWN: Final = 20


@dataclass(slots=True)
class Faults:
    """The faults of one file, in the order in which they are found."""

    shown: list[str] = field(default_factory=list)
    number: int = 0

    def add(self, where: str, what: object) -> None:
        """Note that something is wrong at a place, such as `line 3`."""
        self.number += 1
        if len(self.shown) < MOST_SHOWN:
            self.shown.append(f"{where}: {what}")

    @contextmanager
    def noting(self, where: str) -> Iterator[None]:
        """Note what the block finds wrong, and go on behind it."""
        try:
            yield
        except PolicyError as error:
            self.add(where, error)

    def refuse(self) -> None:
        """Refuse the file if anything is wrong with it.

        Raises:
            BadFile: The message has a line for each fault, up to 20.
        """
        if self.number > len(self.shown):
            self.shown.append(f"and {self.number - len(self.shown)} more")
        if self.shown:
            raise BadFile("\n".join(["nothing was imported", *self.shown]))


def try_edits(engine: Engine, placed: Sequence[tuple[str, Edit]], found: Faults) -> None:
    """Try edits one after the other, undo them all, and note those that make no sense as things stand.

    Args:
        engine: Where the policy is.
        placed: Each with the place in the file that asks for it.
        found: What was found before; such as a circle of groups, with what is there already, is added.
    """
    for number, error in faults(engine, [edit for _, edit in placed], most=MOST_SHOWN):
        found.add(placed[number][0], error)


def require_size(text: str) -> None:
    """Refuse a text that is far too long, before anything is done with it.

    Raises:
        BadFile: It is.
    """
    if len(text) > MAX_CHARACTERS:
        raise BadFile(f"nothing was imported\nthe file has {len(text):,} characters: at most {MAX_CHARACTERS:,}")
