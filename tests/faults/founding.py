"""A process that makes a data folder and opens it for the first time, and says what it has acknowledged.

python -m tests.faults.founding PLACE
"""

from __future__ import annotations

import sys
from pathlib import Path

from api.founding import found
from api.wiring import open_house
from ingest.reading import read
from tests.conftest import _hash_embed
from tests.faults.power import say


def main(place: Path) -> None:
    found(place / "data")
    say("is", "data", "founded")
    with open_house(place / "data", _hash_embed, read):
        say("is", "data", "opened")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
