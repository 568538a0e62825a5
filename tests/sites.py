"""A small installation with two people, made by the parts that make a real one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from acl.admin.change import policy_change
from acl.admin.gate import CONSOLE
from acl.admin.groups import join_group
from acl.admin.keys import new_api_key
from acl.admin.people import Person, add_user
from acl.labels import Label, Level
from acl.names import UserId
from api.founding import found
from api.ingesting import Target, ingest_folder
from api.wiring import House, open_house
from egress.brakes.quotas import Quotas, set_quotas
from egress.contract.forms import validated
from ingest.reading import read
from tests.intake import Quiet

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval.embed import Embed

HOTELS: Final = """# Travel

## Hotels

Hotels are paid up to 180 euros a night. Ask Jane Doe, jane.doe@company.example, for more.
"""


@dataclass(frozen=True, slots=True)
class Site:
    """A data folder with a document that Anna may read and Ben may not, and their keys."""

    data: Path
    anna: str
    ben: str


def lift_quotas(house: House) -> None:
    """Let everybody ask as often as a test does; no answer tells a count, so that two can be the same to the byte."""
    record = {"limits": [{"measure": "requests", "per": "application", "window": "day", "most": 10**9}],
              "reading": {"per_day": {"default": 10**6}}}  # fmt: skip
    set_quotas(house.store.engine, house.ledger, CONSOLE, validated(Quotas, record, "quotas"))


def make_site(folder: Path, embed: Embed, text: str = HOTELS) -> Site:
    """Make the installation in `folder / "data"` with some embedding model, and close it.

    Args:
        folder: Where it and its documents are put.
        embed: Makes the vectors. Open the installation with the same one.
        text: The one document, in Markdown.
    """
    data = folder / "data"
    found(data)
    documents = folder / "documents"
    documents.mkdir()
    (documents / "travel.md").write_text(text, "utf-8")
    with open_house(data, embed, read) as house:
        lift_quotas(house)
        anna, ben = _settle(house)
        ingest_folder(
            house,
            documents,
            Target("finance", ["group:finance"], Label(Level.CONFIDENTIAL)),
            actor=CONSOLE,
            progress=Quiet(),
        )
    return Site(data, anna, ben)


def _settle(house: House) -> tuple[str, str]:
    # Jane is in the directory, so that her name is known and masked; she may read nothing.
    with policy_change(house.store.engine, house.ledger, "svc:test") as change:
        for name in ("anna", "ben"):
            add_user(change, Person(UserId(f"user:{name}"), name.title(), clearance=Level.CONFIDENTIAL))
        add_user(change, Person(UserId("user:jane"), "Jane Doe", "jane.doe@company.example"))
        join_group(change, "user:anna", "group:finance")
        return new_api_key(change, UserId("user:anna")), new_api_key(change, UserId("user:ben"))
