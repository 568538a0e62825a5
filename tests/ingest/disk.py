"""A process that takes a folder in on a disk with little room, and then asks.

    unshare --user --map-root-user --mount python -m tests.ingest.disk PLACE FREE

PLACE is an empty folder, on which a disk of memory is mounted; FREE is how many bytes of it are left when the
second folder comes in. What happened is printed as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from acl.admin.change import policy_change
from acl.admin.gate import CONSOLE
from acl.admin.people import Person, add_user
from acl.decision import Principal
from acl.labels import Label, Level
from acl.names import Obj, UserId
from api.founding import found
from api.ingesting import Target, ingest_folder
from api.wiring import House, missing_points, open_house
from egress.answer import answer, new_ask_id
from egress.types import Ask
from ingest.outcome import Summary
from ingest.reading import read
from store.errors import StoreError
from tests.conftest import _hash_embed
from tests.intake import Quiet

SIZE: Final = 900_000_000  # bytes of the disk
ANNA: Final = UserId("user:anna")


def main(place: Path, free: int) -> dict[str, Any]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", place], check=True)
    data, first, second = place / "data", place / "first", place / "second"
    for folder, number in ((first, 3), (second, 40)):
        folder.mkdir()
        for each in range(number):
            text = f"# Lamp {each}\n\n" + f"The {folder.name} lamp number {each} is green. " * 60
            (folder / f"{each}.md").write_text(text, "utf-8")
    found(data)
    told: dict[str, Any] = {}
    with open_house(data, _hash_embed, read) as house:
        with policy_change(house.store.engine, house.ledger, CONSOLE) as change:
            add_user(change, Person(ANNA, "Anna", clearance=Level.CONFIDENTIAL))
        run(house, first)
        filler = place / "filler"
        disk = os.statvfs(place)
        with filler.open("wb") as file:
            if (taken := disk.f_bavail * disk.f_frsize - free) > 0:
                os.posix_fallocate(file.fileno(), 0, taken)
        try:
            told["added"] = run(house, second).added
        except StoreError as error:
            told["error"] = f"{type(error).__name__}: {error}"
        told["answered"] = asked(house)
        told["missing"] = missing_points(house.store, house.index)
        filler.unlink()
        made = run(house, second)
        told["afterwards"] = made.added + made.unchanged
        told["whole"] = made.is_whole and house.index.count() > 0 and not missing_points(house.store, house.index)
    return told


def run(house: House, folder: Path) -> Summary:
    target = Target(folder.name, ["role:everyone"], Label(Level.INTERNAL))
    made = ingest_folder(house, folder, target, actor=CONSOLE, progress=Quiet())
    assert isinstance(made, Summary)
    return made


def asked(house: House) -> str:
    ask = Ask(Principal(ANNA, Obj("app:tests")), "What colour is the first lamp number 2?", new_ask_id())
    try:
        return answer(ask, house.answering).outcome
    except Exception as error:  # noqa: BLE001 - what the parent is told
        return type(error).__name__


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
