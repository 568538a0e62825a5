"""What a review looks like in a spreadsheet, and when somebody may sign it."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pytest
from sqlalchemy import select

from acl.errors import BadExport, PolicyMoved, UnknownName
from acl.insight.review import review
from acl.insight.signoff import COLUMNS, Export, last_review, read_export, sign, to_csv
from acl.labels import Label, Level
from acl.names import UserId
from audit.ledger import records
from store.engine import snapshot, write
from store.schema import access_review
from tests.acl.changes import tables

if TYPE_CHECKING:
    from acl.insight.signoff import SignOff
    from tests.worlds import World

AT: Final = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
BOSS: Final = UserId("user:boss")


def export(world: World, *, at: datetime = AT, everything: bool = False) -> Export:
    with snapshot(world.store.engine) as connection:
        return to_csv(review(connection, everything=everything), at)


def signed(world: World, seen: Export, signer: UserId = BOSS) -> SignOff:
    with write(world.store.engine) as connection:
        return sign(connection, world.ledger, signer, seen)


def signed_twice(world: World, seen: Export, *signers: UserId) -> None:
    with write(world.store.engine) as connection:
        for signer in signers:
            sign(connection, world.ledger, signer, seen)


def rows_of(seen: Export) -> list[list[str]]:
    return list(csv.reader(io.StringIO(seen.content.decode("utf-8"), newline=""), strict=True))


# --- the export --------------------------------------------------------------------------------


def test_the_export_says_what_it_is_and_has_a_row_for_each_line(world: World) -> None:
    anna = world.user("anna", groups=["payroll"], full_name='Anna "Ann", A')
    world.user("bert")
    folder = world.folder(world.collection("staff"), "Wages", Label(Level.CONFIDENTIAL))
    world.document(world.collection("b"), "text", owner=anna)
    world.allow("group:payroll", "coll:staff")
    world.allow(anna, "owner:anna", "*")
    seen = export(world)
    head, columns, *lines = rows_of(seen)
    assert head[:9] == [
        *("access review", "policy epoch", str(seen.epoch), "action", "read"),
        *("of", "whoever has access", "at", "2026-03-01T09:30:00+00:00"),
    ]
    assert tuple(columns) == COLUMNS
    person = ["user:anna", 'Anna "Ann", A', "yes", "internal"]
    rule, chain = "group:payroll, coll:staff, read, allow", "user:anna -> group:payroll"
    owned = "1 yes: user:anna, owner:anna, *, allow (user:anna)"
    assert lines == [
        [*person, "coll:b", "coll:b", "b", "public", "part", "no", "no rule allows it", "", owned],
        [*person, "coll:staff", "coll:staff", "staff", "public", "part", "yes", rule, chain, ""],
        [*person, "coll:staff", folder, "staff / Wages", "confidential", "none", "no",
         "not cleared for confidential", "", ""],
    ]  # fmt: skip
    assert seen.lines == 3


def test_the_file_is_rfc_4180_and_utf_8(world: World) -> None:
    world.user("anna", full_name="Zo\u00eb \u674e")
    world.collection("a")
    world.allow_everyone()
    content = export(world).content
    assert content.count(b"\r\n") == content.count(b"\n") == 3
    assert content.endswith(b"\r\n")
    assert "Zo\u00eb \u674e" in content.decode("utf-8")
    assert {len(row) for row in rows_of(export(world))} == {len(COLUMNS)}


def test_the_same_review_gives_the_same_bytes_and_another_gives_others(world: World) -> None:
    world.user("anna")
    world.collection("a")
    world.allow_everyone()
    first = export(world)
    assert export(world).content == first.content
    assert export(world).digest == first.digest
    assert export(world, everything=True).digest != first.digest
    assert export(world, at=datetime(2026, 3, 2, tzinfo=UTC)).digest != first.digest
    world.user("bert")
    assert export(world).digest != first.digest


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=cmd|'/c calc'!A1", "'=cmd|'/c calc'!A1"),
        ("+Anna", "'+Anna"),
        ("-Anna", "'-Anna"),
        ("@Anna", "'@Anna"),
        ("\t=Anna", "'=Anna"),
        ("\r\n=Anna", "'=Anna"),
        (" =Anna", "' =Anna"),
        ("\u200b=Anna", "'=Anna"),
        ("\uff1dAnna", "'\uff1dAnna"),
        ("Anna;=1+1", "Anna;'=1+1"),
        ('Anna",=1+1', "Anna\",'=1+1"),
        ("Anna", "Anna"),
        ("Anna-Marie O'Brien", "Anna-Marie O'Brien"),
        ("Anna = +44 - @home", "Anna = +44 - @home"),
    ],
)
def test_no_name_is_a_formula_in_a_spreadsheet(world: World, name: str, cell: str) -> None:
    world.user("anna", full_name=name)
    world.folder(world.collection("a"), name)
    world.deny("user:anna", world.folder(world.collection("b"), name))
    world.allow_everyone()
    for row in rows_of(export(world))[2:]:
        assert row[1] == cell
        assert not any(part[:1] in tuple("=+-@\t\r\uff1d") for part in row if part)


def test_an_export_is_read_back_as_it_was_written(world: World) -> None:
    world.user("anna")
    world.collection("a")
    assert read_export(export(world).content) == export(world)
    world.allow_everyone()
    assert export(world).lines == 1
    assert read_export(export(world).content) == export(world)


def test_what_is_no_export_is_not_read_as_one(world: World) -> None:
    world.user("anna")
    world.collection("a")
    world.allow_everyone()
    good = export(world).content
    assert read_export(good).lines == 1
    bad = [
        b"",
        b"\xff\xfe",
        b"person,name\r\n",
        good.replace(b"access review", b"access"),
        good.replace(b"policy epoch,", b"policy epoch,x"),
        good.replace(b"policy epoch,", b"policy epoch,-"),
        good.replace(b"person,name", b"name,person"),
        good + b"one,more\r\n",
        good + b'"open',
        good.replace(b",", b";"),
    ]
    for content in bad:
        with pytest.raises(BadExport):
            read_export(content)


# --- the signature -----------------------------------------------------------------------------


def test_a_signature_is_kept_and_stands_in_the_trail(world: World) -> None:
    world.user("boss", full_name="Boss B")
    world.collection("a")
    world.allow_everyone()
    with snapshot(world.store.engine) as connection:
        assert last_review(connection) is None
    seen = export(world)
    done = signed(world, seen)
    assert (done.signed_by, done.epoch, done.digest, done.lines) == (BOSS, seen.epoch, seen.digest, 1)
    with snapshot(world.store.engine) as connection:
        assert last_review(connection) == done
        last = list(records(connection))[-1].body
    assert {key: last[key] for key in ("kind", "who", "request", "epoch", "digest", "lines")} == {
        "kind": "review.signed",
        "who": world.ledger.pseudonym(BOSS),
        "request": done.id,
        "epoch": seen.epoch,
        "digest": seen.digest,
        "lines": 1,
    }
    assert "Boss" not in str(last)


def test_a_signature_moves_no_epoch_and_the_last_one_counts(world: World) -> None:
    world.user("boss")
    seen = export(world)
    first = signed(world, seen)
    second = signed(world, seen)
    assert first.id != second.id
    with snapshot(world.store.engine) as connection:
        assert last_review(connection) == second


def test_what_was_exported_before_a_change_cannot_be_signed_after_it(world: World) -> None:
    world.user("boss")
    place = world.collection("a")
    old = export(world)
    world.allow(BOSS, place)
    before = tables(world.store.engine)
    with pytest.raises(PolicyMoved, match=f"epoch {old.epoch}.* at {old.epoch + 1}"):
        signed(world, old)
    assert tables(world.store.engine) == before
    assert signed(world, export(world)).epoch == old.epoch + 1


def test_what_claims_an_epoch_to_come_cannot_be_signed(world: World) -> None:
    world.user("boss")
    seen = export(world)
    with pytest.raises(PolicyMoved):
        signed(world, Export(seen.content, seen.epoch + 1, seen.lines))
    assert signed(world, seen)


def test_nobody_who_is_not_known_signs(world: World) -> None:
    world.user("boss")
    seen = export(world)
    with pytest.raises(UnknownName):
        signed(world, seen, UserId("user:nobody"))
    with snapshot(world.store.engine) as connection:
        assert connection.execute(select(access_review)).all() == []
    assert signed(world, seen)


def test_no_record_no_signature(world: World) -> None:
    """The two are one transaction: what fails after both leaves neither."""
    world.user("boss")
    seen = export(world)
    before = tables(world.store.engine)
    with pytest.raises(UnknownName):
        signed_twice(world, seen, BOSS, UserId("user:nobody"))
    assert tables(world.store.engine) == before
    signed(world, seen)
    assert tables(world.store.engine) != before
