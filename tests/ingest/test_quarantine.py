"""What may not answer yet: held back for a reason, let out by two people, or kept out for good."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from acl.admin.authority import Actor
from acl.admin.edits import RejectDocument, ReleaseDocument, SetLabel
from acl.admin.gate import Done, Waiting, administer
from acl.admin.second import approve
from acl.errors import NoSuchApproval, NotAllowed, UnknownName
from acl.insight.replay import current, differences, replay
from acl.labels import Compartment, Label, Level
from acl.names import DocumentId, NodeId, UserId
from audit.ledger import records
from ingest.foresee import foresee
from ingest.quarantine import held_document, held_documents
from ingest.reading import read
from ingest.versions import finish_released
from redaction.detect import Finding
from store import schema
from store.engine import snapshot
from tests.intake import TAKER, Quiet, edges_of, mail, take_in

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.outcome import Summary
    from ingest.types import Reading
    from tests.worlds import World

HOUSE = NodeId("coll:house")
PCI = Label(Level.CONFIDENTIAL, frozenset({Compartment("pci")}))
FIRST, SECOND = UserId("user:first"), UserId("user:second")


def reading(data: bytes, name: str) -> Reading:
    """Read as ever; whatever says "card" calls for a label."""
    made = read(data, name)
    return dataclasses.replace(
        made, findings=(Finding("card number", PCI, data.count(b"card")),) if b"card" in data else ()
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "share"
    root.mkdir()
    (root / "gate.md").write_text("# Gate\n\nThe gate closes at ten in the evening.\n", "utf-8")
    (root / "till.md").write_text("# Till\n\nThe card of the till lies in the blue drawer.\n", "utf-8")
    return root


@pytest.fixture
def house(world: World) -> World:
    world.collection("house", Label(Level.INTERNAL))
    world.allow_everyone(HOUSE)
    for name in ("first", "second", "anna"):
        world.user(name, clearance=Level.RESTRICTED, compartments=["pci"])
    for administrator in (FIRST, SECOND):
        world.allow(administrator, action="manage")
    return world


def run(world: World, folder: Path) -> Summary:
    return take_in(world, folder, HOUSE, edges=edges_of(world, reading=reading))


def texts(world: World, question: str) -> str:
    return "\n".join(snippet.text for snippet in world.find(question, UserId("user:anna")).snippets)


def held(world: World) -> DocumentId:
    with snapshot(world.store.engine) as connection:
        (one,) = held_documents(connection, Actor.of(connection, FIRST), world.store.keys)
    return one.document


def rows(world: World, document: DocumentId) -> int:
    with snapshot(world.store.engine) as connection:
        of = select(func.count()).select_from(schema.chunk).where(schema.chunk.c.document_id == document)
        return connection.scalar(of) or 0


def let_out(world: World, document: DocumentId) -> None:
    asked = administer(world.store.engine, world.ledger, FIRST, [ReleaseDocument(document)], reason="it is a key card")
    assert isinstance(asked, Waiting)
    approve(world.store.engine, world.ledger, SECOND, asked.approval)
    assert finish_released(edges_of(world)) == 1


def test_what_its_label_does_not_cover_waits_and_the_rest_comes_in(house: World, folder: Path) -> None:
    made = run(house, folder)
    assert (made.added, list(made.held), made.failed) == (1, ["till.md"], {})
    assert made.held["till.md"] == ("1 x card number: calls for confidential+pci",)
    assert not made.is_whole
    assert "gate" in texts(house, "gate closes")
    assert "drawer" not in texts(house, "card drawer")
    assert house.index.count() == 1


def test_what_its_label_covers_comes_in(house: World, folder: Path) -> None:
    administer(house.store.engine, house.ledger, FIRST, [SetLabel(HOUSE, PCI)])
    assert run(house, folder).held == {}
    assert "drawer" in texts(house, "card drawer")


def test_a_label_that_is_raised_afterwards_lets_it_in_with_the_next_run(house: World, folder: Path) -> None:
    run(house, folder)
    administer(house.store.engine, house.ledger, FIRST, [SetLabel(HOUSE, PCI)])
    made = run(house, folder)
    assert (made.added, made.unchanged, made.held) == (1, 1, {})
    assert "drawer" in texts(house, "card drawer")


def lower(world: World, label: Label) -> None:
    asked = administer(world.store.engine, world.ledger, FIRST, [SetLabel(HOUSE, label)])
    if isinstance(asked, Waiting):
        approve(world.store.engine, world.ledger, SECOND, asked.approval)


def test_a_label_that_is_lowered_afterwards_holds_back_what_it_no_longer_covers(house: World, folder: Path) -> None:
    """The file is the same: only what it calls for tells that its label was too low all at once."""
    administer(house.store.engine, house.ledger, FIRST, [SetLabel(HOUSE, PCI)])
    assert run(house, folder).held == {}
    lower(house, Label(Level.INTERNAL))
    made = run(house, folder)
    assert (made.unchanged, made.held) == (1, {"till.md": ("1 x card number: calls for confidential+pci",)})
    assert "drawer" not in texts(house, "card drawer")
    assert house.index.count() == 1
    administer(house.store.engine, house.ledger, FIRST, [SetLabel(HOUSE, PCI)])
    assert run(house, folder).held == {}
    assert "drawer" in texts(house, "card drawer")


def test_a_label_that_is_lowered_and_covers_all_the_same_holds_nothing_back(house: World, folder: Path) -> None:
    administer(house.store.engine, house.ledger, FIRST, [SetLabel(HOUSE, Label(Level.RESTRICTED, PCI.compartments))])
    run(house, folder)
    lower(house, PCI)
    assert run(house, folder).unchanged == 2
    assert "drawer" in texts(house, "card drawer")


def test_what_two_people_let_out_stays_out_under_a_lower_label(house: World, folder: Path) -> None:
    run(house, folder)
    let_out(house, held(house))
    lower(house, Label(Level.PUBLIC))
    assert run(house, folder).unchanged == 2
    assert "drawer" in texts(house, "card drawer")


def test_what_is_attached_to_a_mail_is_held_back_with_it_under_a_lower_label(house: World, folder: Path) -> None:
    (folder / "shed.eml").write_bytes(mail("The shed is green.", code="The card of the shed lies in the drawer."))
    administer(house.store.engine, house.ledger, FIRST, [SetLabel(HOUSE, PCI)])
    assert run(house, folder).held == {}
    lower(house, Label(Level.INTERNAL))
    assert set(run(house, folder).held) == {"till.md", "shed.eml", "shed.eml/001 code.txt"}
    assert "shed" not in texts(house, "green shed drawer")


def test_a_run_that_lowers_a_label_foresees_and_holds_back_what_it_no_longer_covers(house: World, folder: Path) -> None:
    (folder / "till").mkdir()
    (folder / "till.md").rename(folder / "till" / "till.md")
    declaration = folder / "till" / ".ntk.yaml"
    declaration.write_text("level: confidential\ncompartments: [pci]\n", "utf-8")
    assert run(house, folder).held == {}
    declaration.write_text("level: internal\ncompartments: [pci]\n", "utf-8")
    foreseen = foresee(folder, HOUSE, TAKER, edges_of(house, reading=reading), Quiet())
    assert list(foreseen.summary.held) == ["till/till.md"]
    (waiting,) = run(house, folder).warnings
    approve(house.store.engine, house.ledger, FIRST, waiting.rsplit(" ", 1)[-1])
    made = run(house, folder)
    assert list(made.held) == ["till/till.md"]
    assert "drawer" not in texts(house, "card drawer")


def test_it_takes_a_second_person_to_let_something_out(house: World, folder: Path) -> None:
    run(house, folder)
    asked = administer(house.store.engine, house.ledger, FIRST, [ReleaseDocument(held(house))])
    assert isinstance(asked, Waiting)
    with pytest.raises(NoSuchApproval):
        approve(house.store.engine, house.ledger, FIRST, asked.approval)
    assert finish_released(edges_of(house)) == 0
    approve(house.store.engine, house.ledger, SECOND, asked.approval)
    assert "drawer" not in texts(house, "card drawer")  # its points are not there yet
    assert finish_released(edges_of(house)) == 1
    assert "drawer" in texts(house, "card drawer")


def test_what_was_let_out_stays_out_while_it_is_the_same(house: World, folder: Path) -> None:
    run(house, folder)
    let_out(house, held(house))
    assert run(house, folder).unchanged == 2
    (folder / "till.md").write_text("# Till\n\nThe card of the till lies in the red drawer.\n", "utf-8")
    made = run(house, folder)
    assert list(made.held) == ["till.md"]
    assert "drawer" not in texts(house, "card drawer")  # neither the new version nor the old one answers
    assert house.index.count() == 1


def test_what_was_rejected_stays_away_and_its_text_is_gone(house: World, folder: Path) -> None:
    run(house, folder)
    document = held(house)
    assert rows(house, document) == 1
    assert isinstance(administer(house.store.engine, house.ledger, FIRST, [RejectDocument(document)]), Done)
    assert rows(house, document) == 0
    with snapshot(house.store.engine) as connection:
        kept = connection.execute(select(schema.document).where(schema.document.c.id == document)).one()
    assert (kept.state, kept.wrapped_key, kept.sealed_title, kept.sealed_source) == ("rejected", b"", b"", b"")
    assert run(house, folder).unchanged == 2
    assert "drawer" not in texts(house, "card drawer")


def test_another_content_of_a_rejected_file_is_looked_at_again(house: World, folder: Path) -> None:
    run(house, folder)
    administer(house.store.engine, house.ledger, FIRST, [RejectDocument(held(house))])
    (folder / "till.md").write_text("# Till\n\nThe till has a blue drawer.\n", "utf-8")
    assert run(house, folder).added == 1
    assert "drawer" in texts(house, "till drawer")


def test_only_who_may_fill_or_manage_the_place_sees_and_decides(house: World, folder: Path) -> None:
    run(house, folder)
    document = held(house)
    with snapshot(house.store.engine) as connection:
        anna = Actor.of(connection, UserId("user:anna"))
        assert held_documents(connection, anna, house.store.keys) == []
        with pytest.raises(UnknownName):
            held_document(connection, anna, house.store.keys, document)
    for kind in (ReleaseDocument, RejectDocument):
        with pytest.raises(NotAllowed):
            administer(house.store.engine, house.ledger, UserId("user:anna"), [kind(document)])
    house.allow("user:anna", HOUSE, "write")
    with snapshot(house.store.engine) as connection:
        (seen,) = held_documents(connection, Actor.of(connection, UserId("user:anna")), house.store.keys)
    assert (seen.document, seen.name, seen.intake) == (document, "till.md", HOUSE)


def test_who_manages_and_may_not_read_sees_no_name(house: World, folder: Path) -> None:
    run(house, folder)
    house.deny(FIRST, HOUSE)
    with snapshot(house.store.engine) as connection:
        (seen,) = held_documents(connection, Actor.of(connection, FIRST), house.store.keys)
    assert seen.name == ""


@pytest.mark.parametrize("kind", [ReleaseDocument, RejectDocument])
def test_only_what_is_in_quarantine_can_be_decided_on(
    house: World, folder: Path, kind: type[ReleaseDocument | RejectDocument]
) -> None:
    run(house, folder)
    (live,) = house.find("gate closes", UserId("user:anna")).snippets
    for document in (live.document, DocumentId("doc:absent")):
        with pytest.raises((UnknownName, NotAllowed)):
            administer(house.store.engine, house.ledger, FIRST, [kind(document)])


def test_the_records_make_the_tables_through_all_of_it(house: World, folder: Path) -> None:
    run(house, folder)
    let_out(house, held(house))
    (folder / "till.md").write_text("# Till\n\nThe card of the till lies in the red drawer.\n", "utf-8")
    run(house, folder)
    (folder / "gate.md").unlink()
    run(house, folder)
    with snapshot(house.store.engine) as connection:
        recorded = replay(records(connection))
        assert recorded.odd == []
        assert differences(recorded, current(connection, house.ledger.pseudonym)) == []
    assert recorded.documents == {}
