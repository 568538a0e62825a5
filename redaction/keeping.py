"""For how long what was said is kept: the higher its level, the shorter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from acl.labels import Level

MOST_DAYS: Final = 30
_LEFT: Final = timedelta(days=1)  # of a conversation in which nothing is kept: to go on with it, each time anew


@dataclass(frozen=True, slots=True)
class Keeping:
    """For how many days conversations, and requests that wait, are kept, by their level; 0: not at all."""

    public: int = MOST_DAYS
    internal: int = MOST_DAYS
    confidential: int = 7
    restricted: int = 0

    def __post_init__(self) -> None:
        """Refuse days that are none.

        Raises:
            ValueError: They are too many, or a higher level would be kept for longer than a lower one.
        """
        days = [self.days(level) for level in Level]
        if not all(0 <= each <= MOST_DAYS for each in days):
            raise ValueError(f"a level is kept for 0 to {MOST_DAYS} days")
        if days != sorted(days, reverse=True):
            raise ValueError("a higher level is kept for at most as long as a lower one")

    def days(self, level: Level) -> int:
        """Give the days of a level."""
        return (self.public, self.internal, self.confidential, self.restricted)[level]

    def lifetime(self, level: Level) -> timedelta:
        """Give for how long a conversation of a level may be gone on with."""
        return timedelta(days=self.days(level)) or _LEFT
