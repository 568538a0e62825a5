"""Near-identical texts of one collection count once, and only among what the reader may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from acl.labels import Label, Level
from acl.names import UserId
from store import schema
from store.engine import snapshot
from tests.intake import take_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds import World

SAID = "This page is for members of the pier club only; ask the warden, before you copy it."
AGAIN = "THIS PAGE is for members of the Pier Club only. Ask the warden before you copy it!"
ANNA, BEN = UserId("user:anna"), UserId("user:ben")


@pytest.fixture
def club(world: World, tmp_path: Path) -> World:
    """Two collections; the first says the same three times, once in a folder that is for Ben alone."""
    for name in ("anna", "ben"):
        world.user(name)
    for collection, files in (("club", ("a.txt", "b.txt", "own/c.txt")), ("other", ("d.txt",))):
        folder = tmp_path / collection
        (folder / "own").mkdir(parents=True)
        for name in files:
            (folder / name).write_text(AGAIN if name == "b.txt" else SAID, "utf-8")
        take_in(world, folder, world.collection(collection, Label(Level.INTERNAL)))
    return world


def found(world: World, user: UserId) -> int:
    return sum("warden" in one.text.lower() for one in world.find("members of the pier club", user).snippets)


def test_what_is_said_on_every_page_of_a_collection_is_found_once(club: World) -> None:
    club.allow(ANNA, "coll:club")
    assert found(club, ANNA) == 1
    assert club.index.count() == 4  # each has its point: another reader may see another copy


def test_what_another_collection_says_is_another_matter(club: World) -> None:
    club.allow_everyone()
    assert found(club, ANNA) == 2


def test_a_copy_that_somebody_may_not_see_stands_in_for_nothing(club: World) -> None:
    """AZ-21: who may see one copy alone finds that one."""
    with snapshot(club.store.engine) as connection:
        documents = connection.scalars(select(schema.document.c.id)).all()
    assert len(documents) == 4
    for document in documents:
        club.allow(BEN, document)
        assert found(club, BEN) == 1
        club.withdraw(BEN, document)
        assert found(club, BEN) == 0


def test_a_figure_makes_another_text(world: World, tmp_path: Path) -> None:
    """Two limits that differ are two answers, not one."""
    world.user("anna")
    folder = tmp_path / "limits"
    folder.mkdir()
    for number in (180, 250):
        (folder / f"{number}.txt").write_text(f"Hotels of the pier club are paid up to {number} euros.", "utf-8")
    take_in(world, folder, world.collection("club", Label(Level.INTERNAL)))
    world.allow_everyone()
    assert len(world.find("hotels of the pier club", ANNA).snippets) == 2
