"""Earlier questions: they help their asker alone, and only while he may read what they were answered from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from acl.labels import PUBLIC, Label, Level
from acl.names import DocumentId, NodeId, UserId
from egress.history import History, Understood
from redaction.errors import UnknownConversation
from redaction.vault import LIFETIME, Vault
from store.engine import snapshot, write
from store.envelope import new_key
from store.errors import CannotDecrypt
from store.schema import conversation

if TYPE_CHECKING:
    from tests.worlds import World

ANNA, BEN = UserId("user:anna"), UserId("user:ben")
NOW = datetime(2026, 3, 2, tzinfo=UTC)
FIRST, NEXT = "What may a hotel cost in Hamburg?", "And in Berlin?"


@pytest.fixture
def history(world: World) -> History:
    return History(world.store.engine, Vault(world.store.engine, world.store.keys.tokens, lambda: NOW))


@pytest.fixture
def talk(world: World) -> str:
    """A conversation of Anna, who may read what finance has."""
    world.user("anna", groups=["finance"], clearance=Level.CONFIDENTIAL)
    world.user("ben", groups=["finance"])
    world.collection("finance", Label(Level.CONFIDENTIAL))
    world.allow("group:finance", "coll:finance")
    return Vault(world.store.engine, world.store.keys.tokens, lambda: NOW).enter(None, ANNA)


@pytest.fixture
def travel(world: World, talk: str) -> DocumentId:
    return world.document(NodeId("coll:finance"), "Hotels are paid up to 180 EUR.")


def understood(history: History, talk: str, question: str, owner: UserId = ANNA) -> Understood:
    with snapshot(history.engine) as connection:
        return history.understand(connection, talk, owner, question)


def test_a_question_is_read_with_the_one_before_it(history: History, talk: str, travel: DocumentId) -> None:
    first = understood(history, talk, FIRST)
    assert (first.about, first.text, first.label) == ((), FIRST, PUBLIC)
    history.remember(talk, ANNA, first, [travel])
    then = understood(history, talk, NEXT)
    assert then.text == "What may a hotel cost? And in Berlin?"
    assert then.documents == (travel,)
    assert then.label == Label(Level.CONFIDENTIAL)  # of what it was answered from, as it is now
    alone = understood(history, talk, "What is the password policy?")
    assert (alone.about, alone.documents, alone.label) == ((), (), PUBLIC)


def test_a_question_that_stands_for_itself_begins_anew(history: History, talk: str, travel: DocumentId) -> None:
    history.remember(talk, ANNA, understood(history, talk, FIRST), [travel])
    history.remember(talk, ANNA, understood(history, talk, "Who repairs a laptop?"), [])
    then = understood(history, talk, "And who pays it?")
    assert then.text == "Who repairs a laptop? And who pays it?"
    assert then.documents == ()


def test_a_chain_keeps_its_beginning_and_what_all_of_it_was_answered_from(
    world: World, history: History, talk: str, travel: DocumentId
) -> None:
    other = world.document(NodeId("coll:finance"), "In Berlin they are paid up to 150 EUR.")
    history.remember(talk, ANNA, understood(history, talk, FIRST), [travel])
    history.remember(talk, ANNA, understood(history, talk, NEXT), [other])
    then = understood(history, talk, "Who signs it?")
    assert then.text == "What may a hotel cost? And in Berlin? Who signs it?"
    assert set(then.documents) == {travel, other}


@pytest.mark.parametrize("how", ["withdrawn", "raised", "gone", "denied"])
def test_what_may_not_be_read_any_more_helps_no_more(
    world: World, history: History, talk: str, travel: DocumentId, how: str
) -> None:
    """AZ-09: the question may say again what was read in the answer before it."""
    history.remember(talk, ANNA, understood(history, talk, FIRST), [travel])
    assert understood(history, talk, NEXT).about != ()
    match how:
        case "withdrawn":
            world.withdraw("group:finance", "coll:finance")
        case "raised":
            world.set_level(travel, Level.RESTRICTED)
        case "gone":
            world.set_state(travel, "deleted")
        case _:
            world.deny("user:anna", travel)
    then = understood(history, talk, NEXT)
    assert (then.about, then.text, then.documents, then.label) == ((), NEXT, (), PUBLIC)


def test_one_document_that_may_not_be_read_is_enough(
    world: World, history: History, talk: str, travel: DocumentId
) -> None:
    secret = world.document(world.collection("secret"), "In Berlin they are paid without limit.")
    history.remember(talk, ANNA, understood(history, talk, FIRST), [travel, secret])
    assert understood(history, talk, NEXT).about == ()


def test_nobody_else_has_it_and_it_ends_with_the_conversation(
    world: World, history: History, talk: str, travel: DocumentId
) -> None:
    """AZ-03."""
    history.remember(talk, ANNA, understood(history, talk, FIRST), [travel])
    later = NOW + LIFETIME + timedelta(seconds=1)
    late = replace(history, vault=Vault(world.store.engine, world.store.keys.tokens, lambda: later))
    for whose, owner in ((history, BEN), (late, ANNA)):
        with pytest.raises(UnknownConversation):
            understood(whose, talk, NEXT, owner)
        with pytest.raises(UnknownConversation):
            whose.remember(talk, owner, Understood("Whose?"), [])
    assert understood(history, talk, NEXT).about != ()


def test_what_is_kept_is_sealed_and_bound_to_its_conversation(
    world: World, history: History, talk: str, travel: DocumentId
) -> None:
    """PT-11."""
    history.remember(talk, ANNA, understood(history, talk, FIRST), [travel])
    other = Vault(world.store.engine, world.store.keys.tokens, lambda: NOW).enter(None, ANNA)
    with write(world.store.engine) as connection:
        sealed = connection.scalar(select(conversation.c.sealed_turns).where(conversation.c.id == talk))
        assert sealed
        for text in (b"hotel", b"Hamburg", travel.encode()):
            assert text not in sealed
        connection.execute(update(conversation).where(conversation.c.id == other).values(sealed_turns=sealed))
    with pytest.raises(CannotDecrypt):
        understood(history, other, NEXT)
    with pytest.raises(CannotDecrypt):
        understood(replace(history, vault=Vault(world.store.engine, lambda _id: new_key(), lambda: NOW)), talk, NEXT)


def test_a_topic_that_took_too_many_documents_begins_anew(history: History, talk: str, travel: DocumentId) -> None:
    many = [DocumentId(f"doc:{number}") for number in range(21)]
    history.remember(talk, ANNA, understood(history, talk, FIRST), many)
    assert understood(history, talk, NEXT).about == ()
