"""Runs of digits in groups, as numbers are written, and the parts of them that could be one number."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re
    from collections.abc import Collection, Iterator


def parts(
    run: re.Match[str], shortest: int, longest: int, *, group: int = 1, begins: Collection[str] | None = None
) -> Iterator[tuple[int, int, str]]:
    """Give start, end and digits of every part of a run that begins and ends with a group and has so many digits.

    A run may begin with a year and end with the next number, so the whole of it says little.

    Args:
        run: The run.
        shortest: Digits of a part at least.
        longest: And at most.
        group: Digits at least of each of its groups but the last.
        begins: What its first `shortest` digits may be; without it, anything.
    """
    places = [at for at, sign in enumerate(run[0], run.start()) if sign.isdigit()]
    breaks = [n for n, at in enumerate(places) if n == 0 or places[n - 1] < at - 1] + [len(places)]
    digits = "".join([run.string[at] for at in places])
    whole = 0  # groups from the first on that are followed by none that is too short to be inside
    for nth, begin in enumerate(breaks[:-1], start=1):
        if begins is not None and digits[begin : begin + shortest] not in begins:
            continue
        whole = max(whole, nth)
        while whole < len(breaks) - 1 and breaks[whole] - breaks[whole - 1] >= group:
            whole += 1
        first, last = bisect_left(breaks, begin + shortest, nth), bisect_right(breaks, begin + longest, nth)
        for end in breaks[first : min(last, whole + 1)]:
            yield places[begin], places[end - 1] + 1, digits[begin:end]
