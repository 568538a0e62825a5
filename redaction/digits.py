"""Runs of digits in groups, as numbers are written, and the parts of them that could be one number."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator


def parts(run: re.Match[str], shortest: int, longest: int) -> Iterator[tuple[int, int, str]]:
    """Give start, end and digits of every part of a run that begins and ends with a group and has so many digits.

    A run may begin with a year and end with the next number, so the whole of it says little.
    """
    places = [at for at in range(run.start(), run.end()) if run.string[at].isdigit()]
    breaks = [n for n, at in enumerate(places) if n == 0 or places[n - 1] < at - 1] + [len(places)]
    digits = "".join(run.string[at] for at in places)
    for nth, (begin, _) in enumerate(pairwise(breaks)):
        for end in breaks[nth + 1 : nth + 1 + longest]:
            if shortest <= end - begin <= longest:
                yield places[begin], places[end - 1] + 1, digits[begin:end]
