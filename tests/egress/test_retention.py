"""What was said ends as its label says, and nothing of it is left then."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, insert, select, update

from acl.labels import Label, Level
from acl.names import DocumentId, NodeId, UserId
from audit.ledger import verify
from egress.history import History, Understood
from egress.retention import Gone, purge, purge_person
from redaction.errors import UnknownConversation
from redaction.keeping import Keeping
from redaction.types import Identity, Kind, Mention
from redaction.vault import Vault
from store.engine import snapshot, write
from store.schema import approval, audit_record, conversation, reading, sending, token, volume
from tests.store.test_no_plain_text import places

if TYPE_CHECKING:
    from tests.worlds import World

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)

ANNA = UserId("user:anna")
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
JANE = Mention(Identity(Kind.USER, "user:jane"), "Jane Doe")
FIRST, NEXT = "What may a hotel cost in Hamburg?", "And in Berlin?"
WEEK = timedelta(days=7)


def vault_at(world: World, now: datetime = NOW, keeping: Keeping = Keeping()) -> Vault:  # noqa: B008 - a frozen value
    return Vault(world.store.engine, world.store.keys.tokens, lambda: now, keeping=keeping)


def talk(world: World, level: Level, *, vault: Vault | None = None, issued: Level | None = None) -> str:
    """Let Anna ask what is answered from a document of a level; give the conversation."""
    vault = vault or vault_at(world)
    begun = vault.enter(None, ANNA)
    vault.issue(begun, ANNA, issued or level)([JANE])
    document = world.document(NodeId("coll:travel"), "Hotels are paid up to 180 EUR.", label=Label(level))
    History(world.store.engine, vault).remember(begun, ANNA, Understood(FIRST), [document])
    return begun


@pytest.fixture
def anna(world: World) -> UserId:
    world.collection("travel")
    world.allow_everyone("coll:travel")
    return world.user("anna", clearance=Level.RESTRICTED)


def ends(world: World) -> dict[str, tuple[int, timedelta]]:
    with snapshot(world.store.engine) as connection:
        rows = connection.execute(select(conversation)).all()
    return {row.id: (row.level, row.expires_at - NOW) for row in rows}


def rows_of(world: World, table: Any) -> int:
    with snapshot(world.store.engine) as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def purged_at(world: World, now: datetime, keeping: Keeping = Keeping(), **more: Any) -> tuple[Gone, ...]:  # noqa: B008 - a frozen value
    return purge(world.store.engine, world.ledger, keeping, now=now, **more).gone


def park(world: World, begun: str, level: Level, *, state: str = "waiting", used: bool = False) -> str:
    """Let a request of a conversation wait for an approval, as of now, for a week."""
    id_ = str(uuid.uuid4())
    decided = {} if state == "waiting" else {"decided_by": "user:olga", "decided_at": NOW}
    asked = {"id": id_, "kind": "send", "payload": "{}", "digest": "0" * 64, "asked_by": ANNA, "reason": ""}
    with write(world.store.engine) as connection:
        connection.execute(
            insert(approval).values(**asked, asked_at=NOW, expires_at=NOW + WEEK, state=state, **decided)
        )
        connection.execute(
            insert(sending).values(
                id=id_, conversation=begun, level=int(level), sealed=b"x", made_at=NOW, used_at=NOW if used else None
            )
        )
    return id_


# --- How long -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "kept", "days"),
    [(Level.PUBLIC, 1, 30), (Level.INTERNAL, 1, 30), (Level.CONFIDENTIAL, 2, 7), (Level.RESTRICTED, 3, 1)],
)
@pytest.mark.usefixtures("anna")
def test_a_conversation_ends_as_its_highest_label_says(world: World, level: Level, kept: int, days: int) -> None:
    begun = talk(world, level)
    assert ends(world) == {begun: (kept, timedelta(days=days))}


@pytest.mark.usefixtures("anna")
def test_a_conversation_is_never_lowered_and_never_lengthened(world: World) -> None:
    begun = talk(world, Level.CONFIDENTIAL)
    later = vault_at(world, NOW + timedelta(days=3))
    History(world.store.engine, later).remember(begun, ANNA, Understood("Who repairs a laptop?"), [])
    assert ends(world) == {begun: (2, WEEK)}
    with write(world.store.engine) as connection:
        assert later.keep(connection, later.confirm(connection, begun, ANNA, lock=True), Level.CONFIDENTIAL)
    assert ends(world) == {begun: (2, WEEK)}


@pytest.mark.usefixtures("anna")
def test_of_what_is_restricted_nothing_is_remembered_and_no_token_stays(world: World) -> None:
    vault = vault_at(world)
    history = History(world.store.engine, vault)
    kept, gone = talk(world, Level.CONFIDENTIAL), talk(world, Level.RESTRICTED)
    with snapshot(world.store.engine) as connection:
        assert history.understand(connection, kept, ANNA, NEXT).about != ()
        assert history.understand(connection, gone, ANNA, NEXT).about == ()  # it may be gone on with, and begins anew
        assert connection.scalars(select(token.c.conversation)).all() == [kept]
        sealed = select(conversation.c.sealed_turns).where(conversation.c.id == gone)
        assert connection.scalar(sealed) is None
    assert vault.recall(gone, ANNA).surfaces == {}
    assert vault.issue(gone, ANNA)([JANE]).keys() == {JANE}  # under a fresh key


@pytest.mark.usefixtures("anna")
def test_the_label_of_the_answer_counts_where_it_is_higher_than_the_documents(world: World) -> None:
    vault = vault_at(world)
    begun = vault.enter(None, ANNA)
    history = History(world.store.engine, vault)
    history.remember(begun, ANNA, Understood(FIRST), [], label=Label(Level.RESTRICTED))
    with snapshot(world.store.engine) as connection:
        assert history.understand(connection, begun, ANNA, NEXT).about == ()
    assert ends(world)[begun][0] == Level.RESTRICTED


@pytest.mark.usefixtures("anna")
def test_what_was_answered_from_a_document_that_is_gone_is_not_kept(world: World) -> None:
    vault = vault_at(world)
    begun = vault.enter(None, ANNA)
    History(world.store.engine, vault).remember(begun, ANNA, Understood(FIRST), [DocumentId("doc:gone")])
    assert ends(world)[begun][0] == Level.RESTRICTED


@pytest.mark.usefixtures("anna")
def test_a_question_that_fails_on_what_is_restricted_leaves_its_tokens_for_a_day_at_most(world: World) -> None:
    vault = vault_at(world)
    begun = vault.enter(None, ANNA)
    vault.issue(begun, ANNA, Level.RESTRICTED)([JANE])  # and no answer follows
    assert ends(world) == {begun: (3, timedelta(days=1))}
    purged_at(world, NOW + timedelta(days=1))
    assert rows_of(world, token) == rows_of(world, conversation) == 0


@pytest.mark.parametrize("days", [(31, 30, 7, 0), (30, 30, 7, -1), (30, 7, 30, 0), (0, 0, 0, 1)])
def test_days_that_are_none_or_longer_for_what_is_higher_are_refused(database: str, days: tuple[int, ...]) -> None:
    assert Keeping(30, 30, 30, 30).days(Level.RESTRICTED) == 30
    with pytest.raises(ValueError, match=r"0 to 30 days|as long as a lower"):
        Keeping(*days)


# --- What is purged -----------------------------------------------------------------------------


@pytest.mark.usefixtures("anna")
def test_what_has_ended_is_purged_with_a_record_of_how_much_it_was(world: World) -> None:
    kept = talk(world, Level.INTERNAL)
    for level in (Level.CONFIDENTIAL, Level.CONFIDENTIAL, Level.RESTRICTED):
        talk(world, level)
    assert purged_at(world, NOW) == ()
    assert purged_at(world, NOW + WEEK) == (
        Gone("conversations", "confidential", 2),
        Gone("conversations", "restricted", 1),
    )
    assert set(ends(world)) == {kept}
    with snapshot(world.store.engine) as connection:
        bodies = [json.loads(body) for body in connection.scalars(select(audit_record.c.body))]
    (record,) = [body for body in bodies if body["kind"] == "retention.purged"]
    assert record["gone"][0] == {"kind": "conversations", "level": "confidential", "number": 2}
    assert purged_at(world, NOW + WEEK) == ()  # and without one where there was nothing


@pytest.mark.usefixtures("anna")
def test_a_dry_run_counts_the_same_and_deletes_nothing(world: World) -> None:
    talk(world, Level.CONFIDENTIAL)
    park(world, talk(world, Level.INTERNAL), Level.INTERNAL, used=True)
    before = ends(world)
    tried = purged_at(world, NOW + WEEK, dry_run=True)
    assert tried == (Gone("requests", "internal", 1), Gone("conversations", "confidential", 1))
    assert ends(world) == before
    assert purged_at(world, NOW + WEEK) == tried


@pytest.mark.usefixtures("anna")
def test_requests_go_when_they_were_sent_refused_or_have_waited_too_long(world: World) -> None:
    begun = talk(world, Level.CONFIDENTIAL)
    waiting = park(world, begun, Level.CONFIDENTIAL)
    approved = park(world, begun, Level.RESTRICTED, state="approved")
    park(world, begun, Level.CONFIDENTIAL, state="approved", used=True)
    park(world, begun, Level.CONFIDENTIAL, state="rejected")
    assert purged_at(world, NOW) == (Gone("requests", "confidential", 2),)
    with snapshot(world.store.engine) as connection:
        assert set(connection.scalars(select(sending.c.id).where(sending.c.sealed != b""))) == {waiting, approved}
    assert purged_at(world, NOW + timedelta(days=6)) == ()
    assert {gone.kind for gone in purged_at(world, NOW + WEEK)} == {"requests", "conversations"}
    assert rows_of(world, approval) == rows_of(world, sending) == 4  # what became of them, and who decided


@pytest.mark.usefixtures("anna")
def test_a_conversation_stays_as_long_as_a_request_of_it_waits(world: World) -> None:
    vault = vault_at(world)
    begun = vault.enter(None, ANNA)
    vault.issue(begun, ANNA, Level.RESTRICTED)([JANE])
    id_ = park(world, begun, Level.RESTRICTED)
    History(world.store.engine, vault).remember(begun, ANNA, Understood(FIRST), [], label=Label(Level.RESTRICTED))
    assert purged_at(world, NOW + timedelta(days=6)) == ()
    late = vault_at(world, NOW + timedelta(days=6))
    assert set(late.recall(begun, ANNA).surfaces.values()) == {"Jane Doe"}  # the answer needs it
    late.issue(begun, ANNA, Level.RESTRICTED)([JANE])  # it goes on until that is given
    with write(world.store.engine) as connection:
        connection.execute(update(sending).where(sending.c.id == id_).values(used_at=NOW))
    History(world.store.engine, late).remember(begun, ANNA, Understood(FIRST), [], label=Label(Level.RESTRICTED))
    assert late.recall(begun, ANNA).surfaces == {}


@pytest.mark.usefixtures("anna")
def test_a_shorter_time_holds_for_what_is_there_too(world: World) -> None:
    begun = talk(world, Level.CONFIDENTIAL)
    short = Keeping(confidential=2, restricted=0)
    assert purged_at(world, NOW, short) == ()
    assert ends(world) == {begun: (2, timedelta(days=2))}
    assert purged_at(world, NOW + timedelta(days=2), short) == (Gone("conversations", "confidential", 1),)
    with pytest.raises(UnknownConversation):
        vault_at(world).enter(begun, ANNA)


def test_counters_and_readings_go_when_nothing_asks_for_them_any_more(world: World) -> None:
    with write(world.store.engine) as connection:
        for begins in (NOW - timedelta(hours=1), NOW):
            over = {"quota": "all", "begins_at": begins, "ends_at": begins + timedelta(minutes=30), "used": 1}
            connection.execute(insert(volume).values(over))
        for day in ("2025-01-01", "2026-03-01"):
            connection.execute(insert(reading).values(user_id=ANNA, day=day, document_id="doc:a"))
    assert purged_at(world, NOW) == (Gone("counters", None, 1), Gone("readings", None, 1))
    assert rows_of(world, volume) == rows_of(world, reading) == 1


@pytest.mark.usefixtures("anna")
def test_what_is_kept_of_one_person_goes_on_demand_and_the_record_names_nobody(world: World) -> None:
    """ER-04."""
    park(world, talk(world, Level.CONFIDENTIAL), Level.CONFIDENTIAL)
    other = vault_at(world).enter(None, "user:ben")
    with write(world.store.engine) as connection:
        for user in (ANNA, "user:ben"):
            connection.execute(insert(reading).values(user_id=user, day="2026-03-01", document_id="doc:a"))
    gone = purge_person(world.store.engine, world.ledger, ANNA).gone
    assert gone == (
        Gone("requests", "confidential", 1),
        Gone("conversations", "confidential", 1),
        Gone("readings", None, 1),
    )
    assert set(ends(world)) == {other}
    assert rows_of(world, reading) == 1
    with snapshot(world.store.engine) as connection:
        last = connection.scalars(select(audit_record.c.body).order_by(audit_record.c.seq)).all()[-1]
    assert world.ledger.pseudonym(ANNA) in last
    assert "anna" not in last
    assert verify(world.store.engine).records > 0


@pytest.mark.sqlite
@pytest.mark.usefixtures("anna")
def test_after_a_purge_nothing_of_it_stands_in_a_file_of_the_database(world: World) -> None:
    """Tokens and ids stand in clear, so they show whether a row is really gone."""
    kept, gone = talk(world, Level.INTERNAL), talk(world, Level.CONFIDENTIAL)
    park(world, gone, Level.CONFIDENTIAL, state="rejected")
    with snapshot(world.store.engine) as connection:
        tokens = connection.scalars(select(token.c.token).where(token.c.conversation == gone)).all()
    root = world.store.layout.root
    assert all(places(root, word) for word in (kept, gone, *tokens))
    assert purged_at(world, NOW + WEEK) != ()
    assert [places(root, word) for word in (gone, *tokens)] == [[], []]
    assert places(root, kept) == ["ntk.db"]  # the search finds what is there, and the log is empty


@pytest.mark.sqlite
@pytest.mark.usefixtures("anna")
def test_after_an_answer_that_is_restricted_nothing_of_it_stands_in_the_database(world: World) -> None:
    root, vault = world.store.layout.root, vault_at(world)
    begun = vault.enter(None, ANNA)
    issued = vault.issue(begun, ANNA, Level.RESTRICTED)([JANE])
    assert places(root, issued[JANE])
    label = Label(Level.RESTRICTED)
    History(world.store.engine, vault).remember(begun, ANNA, Understood(FIRST), [], label=label)
    assert rows_of(world, token) == 0
    talk(world, Level.CONFIDENTIAL)
    purged_at(world, NOW + WEEK)
    assert places(root, issued[JANE]) == []
