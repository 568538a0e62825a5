"""Questions that go on from earlier ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acl.labels import Level
from egress.answer import answer
from tests.egress.asking import ask_of, edges_of, trail_of

if TYPE_CHECKING:
    from acl.names import UserId
    from api.loopback import LoopbackProvider
    from egress.openai_model import OpenAiModel
    from egress.types import Reply
    from tests.worlds import World


def test_one_person_has_one_token_for_a_whole_conversation(
    world: World, anna: UserId, provider: LoopbackProvider, remote: OpenAiModel
) -> None:
    edges = edges_of(world, remote=remote)
    first = answer(ask_of(anna, "What does Jane Doe pay for hotels a night?"), edges)
    again = answer(ask_of(anna, "What does Jane Doe pay for hotels a night?", first.conversation), edges)
    other = answer(ask_of(anna, "What does Jane Doe pay for hotels a night?"), edges)

    def tokens(reply: Reply) -> set[str]:
        words = (reply.prompt or "").replace(",", " ").replace("?", " ").split()
        return {word for word in words if word.startswith("USER_") and word != "USER_7F3K2Q"}

    assert tokens(first) == tokens(again) != set()
    assert not tokens(first) & tokens(other)


def test_a_question_that_goes_on_is_answered_with_the_one_before(
    world: World, anna: UserId, provider: LoopbackProvider, remote: OpenAiModel
) -> None:
    """PT-01: the earlier question leaves redacted as the question does, and its documents' label counts."""
    edges = edges_of(world, remote=remote)
    first = answer(ask_of(anna, "Does Jane Doe say what is paid for hotels a night?"), edges)
    then = answer(ask_of(anna, "Who says it?", first.conversation), edges)
    assert then.understood_as == "Does Jane Doe say what is paid for hotels a night? Who says it?"
    assert (first.understood_as, then.outcome, str(then.label)) == (None, "answered", "confidential")
    sent = provider.requests[-1].body.decode()
    assert "earlier question 1" in sent
    assert "what is paid for hotels a night?" in sent
    assert "Jane" not in sent
    assert "earlier" not in provider.requests[0].body.decode()
    assert trail_of(world)[-1]["earlier_questions"] == 1
    assert trail_of(world)[-1]["earlier_documents"] == [first.citations[0].document]
    assert "earlier_questions" not in trail_of(world)[0]


def test_a_question_that_goes_on_stays_where_the_one_before_was_answered_from(
    world: World, anna: UserId, provider: LoopbackProvider, remote: OpenAiModel
) -> None:
    """What it goes on from was confidential: it may say again what stood there."""
    public = world.collection("public")
    world.document(public, "Ferries sail from the pier at noon, says the harbour.", title="Ferries")
    world.allow("group:finance", public)
    edges = edges_of(world, remote=remote, ceiling=Level.INTERNAL)
    talk = answer(ask_of(anna), edges).conversation
    assert answer(ask_of(anna, "And when do ferries sail?", talk), edges).route is not None
    assert len(provider.requests) == 1  # a question of its own: nothing confidential is in it
    talk = answer(ask_of(anna, "What is paid for hotels a night?", talk), edges).conversation
    going_on = answer(ask_of(anna, "And for ferries at the pier?", talk), edges)
    assert going_on.understood_as is not None
    assert going_on.route is not None
    assert not going_on.route.leaves
    assert len(provider.requests) == 1


def test_a_withdrawn_right_takes_the_earlier_question_with_it(world: World, anna: UserId) -> None:
    edges = edges_of(world)
    talk = answer(ask_of(anna), edges).conversation
    assert answer(ask_of(anna, "Why?", talk), edges).understood_as
    talk = answer(ask_of(anna), edges).conversation
    world.withdraw("group:finance", "coll:finance")
    reply = answer(ask_of(anna, "Why?", talk), edges)
    assert (reply.understood_as, reply.outcome) == (None, "nothing")


def test_who_was_named_once_is_known_for_the_rest_of_the_conversation(
    world: World, anna: UserId, provider: LoopbackProvider, remote: OpenAiModel
) -> None:
    """PT-03: a name that one text introduces, and that another only mentions."""
    letters = world.collection("letters")
    world.document(letters, "Dear Mr Crannick,\n\nThe pier is repaired in May.", title="Pier")
    world.document(letters, "The lighthouse is painted by Crannick in June.", title="Lighthouse")
    world.allow("group:finance", letters)
    edges = edges_of(world, remote=remote)
    first = answer(ask_of(anna, "When is the pier repaired?"), edges)
    then = answer(ask_of(anna, "Who paints the lighthouse, and when?", first.conversation), edges)
    alone = answer(ask_of(anna, "Who paints the lighthouse, and when?"), edges)
    assert [reply.outcome for reply in (first, then, alone)] == ["answered"] * 3
    sent = [request.body.decode() for request in provider.requests]
    assert "Crannick" not in sent[0]
    assert "Crannick" not in sent[1]
    assert "Crannick" in sent[2], "in a conversation of its own, nothing says that this is a name"
