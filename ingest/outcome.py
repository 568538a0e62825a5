"""What became of the files of a folder, one by one and in all, and who wants to hear of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, Literal, Protocol

if TYPE_CHECKING:
    from typing import Self

What = Literal["added", "changed", "unchanged", "removed", "held", "failed"]
GOOD: Final[tuple[What, ...]] = ("added", "changed", "unchanged", "removed")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file, or of one attachment of a mail."""

    relative: str
    what: What
    chunks: int = 0
    reasons: tuple[str, ...] = ()  # why it is held, or was not read; they hold nothing of its text
    notes: tuple[str, ...] = ()  # what was left out of it
    attached: bool = False  # to a mail, and no file of its own

    @property
    def format(self) -> str:
        """Its suffix, in lower case and without the dot."""
        return PurePosixPath(self.relative).suffix.lower().removeprefix(".") or "none"


@dataclass(slots=True)
class Summary:
    """What became of all of them."""

    counts: Counter[What] = field(default_factory=Counter)
    formats: dict[str, Counter[What]] = field(default_factory=dict)
    chunks: int = 0
    failed: dict[str, str] = field(default_factory=dict)  # file -> reason
    held: dict[str, tuple[str, ...]] = field(default_factory=dict)  # file -> reasons
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)  # file -> what was left out of it
    passed_over: int = 0  # hidden, or named by an .ntkignore
    warnings: list[str] = field(default_factory=list)  # of the run as a whole: what was not done, and what to do

    def add(self, outcome: Outcome) -> None:
        """Count one more."""
        self.counts[outcome.what] += 1
        self.formats.setdefault(outcome.format, Counter())[outcome.what] += 1
        self.chunks += outcome.chunks
        if outcome.what == "failed":
            self.failed[outcome.relative] = "; ".join(outcome.reasons)
        if outcome.what == "held":
            self.held[outcome.relative] = outcome.reasons
        if outcome.notes:
            self.notes[outcome.relative] = outcome.notes

    def __iadd__(self, other: Self) -> Self:
        """Count those of another run as well."""
        self.counts += other.counts
        for name, counts in other.formats.items():
            self.formats[name] = self.formats.get(name, Counter()) + counts
        self.chunks += other.chunks
        self.failed |= other.failed
        self.held |= other.held
        self.notes |= other.notes
        self.passed_over += other.passed_over
        self.warnings += other.warnings
        return self

    @property
    def added(self) -> int:
        return self.counts["added"]

    @property
    def changed(self) -> int:
        return self.counts["changed"]

    @property
    def unchanged(self) -> int:
        return self.counts["unchanged"]

    @property
    def removed(self) -> int:
        return self.counts["removed"]

    @property
    def is_whole(self) -> bool:
        """Say whether everything was done: nothing failed, is held, or was left undone."""
        return not (self.failed or self.held or self.warnings)

    @property
    def is_nothing(self) -> bool:
        """Say whether no file was taken in."""
        return not any(self.counts[what] for what in GOOD)


class Progress(Protocol):
    """Who wants to see how far it is."""

    def started(self, files: int) -> None:
        """So many files will be looked at."""
        ...

    def finished(self, outcome: Outcome) -> None:
        """One file, or one attachment, is done."""
        ...
