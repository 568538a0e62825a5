"""The whole flow with real parts; the model is a stand-in over real HTTP that keeps the bytes it receives."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text, update

from acl.admin.breakglass import open_access
from acl.admin.change import policy_change
from acl.decision import Principal
from acl.errors import BadName
from acl.labels import Compartment, Label, Level
from acl.names import DocumentId, NodeId, Obj, UserId
from api.loopback import LoopbackProvider, Message
from audit.errors import AuditDown
from audit.ledger import verify
from egress.answer import MAX_QUESTION, NOTHING, Edges, answer
from egress.errors import EmptyQuestion, MalformedQuestion, ModelDown, PolicyBehind, QuestionTooLong, RightsChanged
from egress.extractive import Extractive
from egress.openai_model import OpenAiModel
from egress.route import Provider
from egress.types import Ask, Draft, RedactedPrompt, Reply
from redaction.directory import Person, directory_recogniser
from redaction.errors import RecogniserFailed, UnknownConversation
from redaction.patterns import pattern_recognisers
from redaction.vault import Vault
from retrieval.permit import permit
from store import schema
from store.engine import snapshot, write
from tests.worlds import ADMIN, APP, World

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from acl.scope import Scope
    from redaction.normalise import Folded
    from redaction.types import Span
    from retrieval.types import Hit

HOTELS = "Hotels are paid up to 180 euros a night. Ask Jane Doe, jane.doe@company.example, for more."
QUESTION = "What is paid for hotels a night?"
DIRECTORY = [Person("user:jane", "Jane Doe", "jane.doe@company.example", "+44 20 7946 0991", "jane")]


def _edges(world: World, *, remote: OpenAiModel | None = None, ceiling: Level = Level.CONFIDENTIAL) -> Edges:
    recognisers = (directory_recogniser(DIRECTORY), *pattern_recognisers())
    return Edges(
        engine=world.store.engine,
        index=world.index,
        embed=world.embed,
        permit=partial(permit, engine=world.store.engine, keys=world.store.keys),
        recognisers=lambda: recognisers,
        vault=Vault(world.store.engine, world.store.keys.tokens),
        ledger=world.ledger,
        local=Extractive(),
        remote=remote,
        provider=Provider("llm.example", "a-model", ceiling) if remote else None,
    )


def _ask(user: UserId, question: str = QUESTION, conversation: str | None = None) -> Ask:
    return Ask(Principal(user, APP), question, "request-1", conversation)


def _trail(world: World) -> list[dict[str, object]]:
    with snapshot(world.store.engine) as connection:
        rows = connection.scalars(select(schema.audit_record.c.body).order_by(schema.audit_record.c.seq)).all()
    return [body for body in map(json.loads, rows) if body["kind"].startswith("ask.")]


@pytest.fixture
def anna(world: World) -> UserId:
    """Somebody in finance, who may read what finance has."""
    user = world.user("anna", groups=["finance"], clearance=Level.RESTRICTED)
    finance = world.collection("finance", Label(Level.CONFIDENTIAL))
    world.document(finance, HOTELS, title="Travel")
    world.allow("group:finance", finance)
    return user


def _echo(messages: Sequence[Message]) -> str:
    """Answer with the first excerpt, tokens and all."""
    return messages[-1].content.split("\n")[1] + " [1]"


@pytest.fixture
def provider() -> Iterator[LoopbackProvider]:
    with LoopbackProvider(_echo) as running:
        yield running


@pytest.fixture
def remote(provider: LoopbackProvider) -> Iterator[OpenAiModel]:
    with OpenAiModel(provider.base_url, "a-model", "") as model:
        yield model


def test_who_may_read_gets_an_answer_with_its_source(world: World, anna: UserId) -> None:
    reply = answer(_ask(anna), _edges(world))
    assert reply.outcome == "answered"
    assert "180 euros" in reply.answer
    assert [citation.title for citation in reply.citations] == ["Travel"]
    citation = reply.citations[0]
    assert HOTELS[citation.start : citation.end] == citation.excerpt
    assert str(reply.label) == "confidential"


def test_who_may_not_read_learns_nothing(world: World, anna: UserId) -> None:
    """Byte for byte the same: nobody's rights, and rights on something else (AZ-06, AZ-21)."""
    without_rights = world.user("ben")
    with_others = world.user("cleo", groups=["sales"])
    sales = world.collection("sales")
    world.document(sales, "Our booth at the fair has number twelve.")
    world.allow("group:sales", sales)
    edges = _edges(world)

    def shown(user: UserId) -> Reply:
        return replace(answer(_ask(user), edges), conversation="")

    assert shown(without_rights) == shown(with_others)
    assert shown(without_rights).answer == NOTHING
    assert shown(anna).answer != NOTHING


@pytest.mark.parametrize("user", ["user:nobody", "user:retired"])
def test_unknown_and_inactive_users_get_nothing(world: World, anna: UserId, user: str) -> None:
    """AZ-06."""
    world.deactivate(world.user("retired", groups=["finance"], clearance=Level.RESTRICTED))
    assert answer(_ask(UserId(user)), _edges(world)).outcome == "nothing"
    assert answer(_ask(anna), _edges(world)).outcome == "answered"


def test_what_leaves_names_nobody_and_comes_back_with_names(
    world: World, anna: UserId, provider: LoopbackProvider, remote: OpenAiModel
) -> None:
    """PT-01: the bytes that the provider received."""
    question = "What does Jane Doe pay for hotels a night? Write to +44 20 7946 0991."
    reply = answer(_ask(anna, question), _edges(world, remote=remote))
    assert len(provider.requests) == 1
    sent = provider.requests[0].body.decode()
    for secret in ("Jane", "Doe", "jane.doe", "company.example", "7946", "Travel", "finance", "anna"):
        assert secret not in sent
    assert "180 euros" not in sent, "it is confidential"
    assert "AMOUNT_" in sent
    assert "hotel" in sent
    assert "Jane Doe, jane.doe@company.example" in reply.answer
    assert reply.prompt is not None
    assert "Jane" not in reply.prompt
    assert reply.redactions["USER"] >= 3


def test_one_person_has_one_token_for_a_whole_conversation(
    world: World, anna: UserId, provider: LoopbackProvider, remote: OpenAiModel
) -> None:
    edges = _edges(world, remote=remote)
    first = answer(_ask(anna, "What does Jane Doe pay for hotels a night?"), edges)
    again = answer(_ask(anna, "What does Jane Doe pay for hotels a night?", first.conversation), edges)
    other = answer(_ask(anna, "What does Jane Doe pay for hotels a night?"), edges)

    def tokens(reply: Reply) -> set[str]:
        words = (reply.prompt or "").replace(",", " ").replace("?", " ").split()
        return {word for word in words if word.startswith("USER_") and word != "USER_7F3K2Q"}

    assert tokens(first) == tokens(again) != set()
    assert not tokens(first) & tokens(other)


def test_a_label_above_the_ceiling_stays_here(
    world: World, anna: UserId, provider: LoopbackProvider, remote: OpenAiModel
) -> None:
    below = answer(_ask(anna), _edges(world, remote=remote, ceiling=Level.INTERNAL))
    assert below.route is not None
    assert not below.route.leaves
    assert below.answer != NOTHING
    assert provider.requests == []
    answer(_ask(anna), _edges(world, remote=remote, ceiling=Level.CONFIDENTIAL))
    assert len(provider.requests) == 1


def test_a_compartment_stays_here_whatever_the_ceiling(
    world: World, provider: LoopbackProvider, remote: OpenAiModel
) -> None:
    user = world.user("dora", groups=["lab"], clearance=Level.RESTRICTED, compartments=["trade-secret.glaze"])
    lab = world.collection("lab", Label(Level.INTERNAL, frozenset({Compartment("trade-secret.glaze")})))
    world.document(lab, "The glaze is fired at 1240 degrees.")
    world.allow("group:lab", lab)
    reply = answer(_ask(user, "At how many degrees is the glaze fired?"), _edges(world, remote=remote))
    assert "1240" in reply.answer
    assert provider.requests == []


def test_one_restricted_excerpt_keeps_the_whole_prompt_here(
    world: World, anna: UserId, provider: LoopbackProvider, remote: OpenAiModel
) -> None:
    board = world.collection("board", Label(Level.RESTRICTED))
    world.document(board, "Hotels of the board are paid up to 400 euros a night.")
    world.allow("group:finance", board)
    reply = answer(_ask(anna), _edges(world, remote=remote))
    assert str(reply.label) == "restricted"
    assert provider.requests == []


def test_no_record_no_call(world: World, anna: UserId, provider: LoopbackProvider, remote: OpenAiModel) -> None:
    """AL-01: the trail cannot be written, so nothing leaves and nothing is shown."""
    edges = _edges(world, remote=remote)
    with write(world.store.engine) as connection:
        connection.execute(
            text("CREATE TRIGGER full BEFORE INSERT ON audit_record BEGIN SELECT RAISE(ABORT, 'full'); END")
        )
    with pytest.raises(AuditDown):
        answer(_ask(anna), edges)
    assert provider.requests == []
    with write(world.store.engine) as connection:
        connection.execute(text("DROP TRIGGER full"))
    answer(_ask(anna), edges)
    assert len(provider.requests) == 1


def test_no_record_of_the_end_no_answer(world: World, anna: UserId) -> None:
    class Filling:
        def complete(self, prompt: RedactedPrompt) -> Draft:
            with write(world.store.engine) as connection:
                connection.execute(
                    text("CREATE TRIGGER full BEFORE INSERT ON audit_record BEGIN SELECT RAISE(ABORT, 'full'); END")
                )
            return Extractive().complete(prompt)

    with pytest.raises(AuditDown):
        answer(_ask(anna), replace(_edges(world), local=Filling()))


def test_the_trail_tells_what_happened_and_no_text(
    world: World, anna: UserId, provider: LoopbackProvider, remote: OpenAiModel
) -> None:
    """AL-02: one record before the call, one of the end, on one id; ids and counts, no words, no name."""
    answer(_ask(anna), _edges(world, remote=remote))
    intent, end = _trail(world)
    assert [intent["kind"], end["kind"]] == ["ask.intent", "ask.answered"]
    assert intent["request"] == end["request"] == "request-1"
    assert intent["leaves"] is True
    assert intent["provider"] == "llm.example"
    assert isinstance(intent["documents"], list)
    assert len(intent["documents"]) == 1
    written = json.dumps([intent, end]).lower()
    for word in ("hotel", "jane", "anna", "180", "travel", "company.example"):
        assert word not in written
    assert verify(world.store.engine).records > 2


def test_a_rule_on_the_asker_does_not_name_him(world: World) -> None:
    anna, annabel = world.user("anna"), world.user("annabel")
    mine = world.collection("mine")
    world.document(mine, HOTELS, owner=anna)
    world.allow("user:anna", "owner:anna")
    world.allow("user:annabel", mine)
    edges = _edges(world)
    answer(_ask(anna), edges)
    answer(_ask(annabel), edges)
    rules = [record["rules"] for record in _trail(world) if record["kind"] == "ask.intent"]
    assert rules == [["user:(asker), owner:(asker), read, allow"], ["user:(asker), coll:mine, read, allow"]]


def test_a_refused_question_leaves_a_record(world: World, anna: UserId) -> None:
    answer(_ask(world.user("ben")), _edges(world))
    (record,) = _trail(world)
    assert record["kind"] == "ask.nothing"


def test_a_policy_that_is_behind_asks_no_model(
    world: World, anna: UserId, provider: LoopbackProvider, remote: OpenAiModel
) -> None:
    edges = _edges(world, remote=remote)
    with snapshot(world.store.engine) as connection:
        epoch = connection.scalars(select(schema.policy_state.c.epoch)).one()
    with pytest.raises(PolicyBehind):
        answer(replace(_ask(anna), min_epoch=epoch + 1), edges)
    assert provider.requests == []
    assert _trail(world)[-1]["error"] == "PolicyBehind"
    assert answer(replace(_ask(anna), min_epoch=epoch), edges).outcome == "answered"
    assert len(provider.requests) == 1


def test_emergency_access_is_told_with_each_answer_that_came_through_it(world: World, anna: UserId) -> None:
    ben = world.user("ben", clearance=Level.CONFIDENTIAL)
    with policy_change(world.store.engine, world.ledger, ADMIN) as change:
        open_access(change, ben, Obj("coll:finance"), 30)
    edges = _edges(world)
    assert answer(_ask(ben), edges).warnings[0] == "emergency access to coll:finance was used"
    assert [record.get("emergency") for record in _trail(world)] == [True, True]
    assert not [warning for warning in answer(_ask(anna), edges).warnings if "emergency" in warning]
    assert [record.get("emergency") for record in _trail(world)[2:]] == [None, None]


@pytest.mark.parametrize(
    ("question", "error"),
    [
        ("", EmptyQuestion),
        (" \n\t ", EmptyQuestion),
        ("?!…", EmptyQuestion),
        ("a" * (MAX_QUESTION + 1), QuestionTooLong),
        ("hotels \udcff night", MalformedQuestion),
        ("hotels \0 night", MalformedQuestion),
    ],
)
def test_a_bad_question_is_refused_with_a_record(
    world: World, anna: UserId, question: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        answer(_ask(anna, question), _edges(world))
    (record,) = _trail(world)
    assert (record["kind"], record["error"]) == ("ask.failed", error.__name__)


def test_a_question_at_the_limit_is_asked(world: World, anna: UserId) -> None:
    padded = QUESTION.ljust(MAX_QUESTION, "?")
    assert answer(_ask(anna, padded), _edges(world)).outcome == "answered"


def test_another_persons_conversation_is_like_one_that_is_not_there(world: World, anna: UserId) -> None:
    """AZ-03."""
    edges = _edges(world)
    conversation = answer(_ask(anna), edges).conversation
    ben = world.user("ben")
    with pytest.raises(UnknownConversation) as foreign:
        answer(_ask(ben, conversation=conversation), edges)
    with pytest.raises(UnknownConversation) as absent:
        answer(_ask(ben, conversation="00000000-0000-4000-8000-000000000000"), edges)
    assert str(foreign.value) == str(absent.value)
    assert answer(_ask(anna, conversation=conversation), edges).conversation == conversation


def test_a_recogniser_that_fails_stops_the_call(
    world: World, anna: UserId, provider: LoopbackProvider, remote: OpenAiModel
) -> None:
    """PT-02."""

    def broken(_text: Folded) -> Iterator[Span]:
        raise ValueError("cannot")

    edges = _edges(world, remote=remote)
    with pytest.raises(RecogniserFailed):
        answer(_ask(anna), replace(edges, recognisers=lambda: (broken,)))
    assert provider.requests == []
    answer(_ask(anna), edges)
    assert len(provider.requests) == 1


def test_a_model_that_is_down_gives_no_answer_and_a_record(world: World, anna: UserId) -> None:
    with OpenAiModel("http://127.0.0.1:9/v1", "a-model", "") as nowhere, pytest.raises(ModelDown):
        answer(_ask(anna), _edges(world, remote=nowhere))
    assert [record["kind"] for record in _trail(world)] == ["ask.intent", "ask.failed"]


def test_a_right_withdrawn_while_the_model_thinks_is_not_honoured(world: World, anna: UserId) -> None:
    """FT-17."""

    class Slow:
        def complete(self, prompt: RedactedPrompt) -> Draft:
            world.withdraw("group:finance", "coll:finance")
            return Extractive().complete(prompt)

    with pytest.raises(RightsChanged):
        answer(_ask(anna), replace(_edges(world), local=Slow()))
    assert _trail(world)[-1]["error"] == "RightsChanged"


def test_a_leaky_index_changes_nothing(world: World, anna: UserId) -> None:
    hidden = world.collection("hidden")
    world.document(hidden, "Hotels of the owner are paid without limit a night.")
    everything = world.hits(*_documents(world))

    class Leaky:
        def search(self, question: str, vector: NDArray[np.float32], scope: Scope, limit: int) -> list[Hit]:
            return everything

    edges = _edges(world)
    honest, leaky = answer(_ask(anna), edges), answer(_ask(anna), replace(edges, index=Leaky()))
    assert leaky.citations == honest.citations
    assert "without limit" not in leaky.answer
    assert "without limit" not in (leaky.prompt or "")


def test_a_question_can_stay_in_one_collection(world: World, anna: UserId) -> None:
    edges = _edges(world)
    assert answer(replace(_ask(anna), collection="finance"), edges).outcome == "answered"
    assert answer(replace(_ask(anna), collection="elsewhere"), edges).outcome == "nothing"


def test_a_collection_without_a_name_is_refused_with_a_record(world: World, anna: UserId) -> None:
    with pytest.raises(BadName):
        answer(replace(_ask(anna), collection="a/b\nask.answered"), _edges(world))
    (record,) = _trail(world)
    assert (record["kind"], record["error"]) == ("ask.failed", "BadName")
    assert "a/b" not in json.dumps(record)


def test_a_question_that_goes_on_is_answered_with_the_one_before(
    world: World, anna: UserId, provider: LoopbackProvider, remote: OpenAiModel
) -> None:
    """PT-01: the earlier question leaves redacted as the question does, and its documents' label counts."""
    edges = _edges(world, remote=remote)
    first = answer(_ask(anna, "Does Jane Doe say what is paid for hotels a night?"), edges)
    then = answer(_ask(anna, "Who says it?", first.conversation), edges)
    assert then.understood_as == "Does Jane Doe say what is paid for hotels a night? Who says it?"
    assert (first.understood_as, then.outcome, str(then.label)) == (None, "answered", "confidential")
    sent = provider.requests[-1].body.decode()
    assert "earlier question 1" in sent
    assert "what is paid for hotels a night?" in sent
    assert "Jane" not in sent
    assert "earlier" not in provider.requests[0].body.decode()
    assert _trail(world)[-1]["earlier_questions"] == 1
    assert _trail(world)[-1]["earlier_documents"] == [first.citations[0].document]
    assert "earlier_questions" not in _trail(world)[0]


def test_a_question_that_goes_on_stays_where_the_one_before_was_answered_from(
    world: World, anna: UserId, provider: LoopbackProvider, remote: OpenAiModel
) -> None:
    """What it goes on from was confidential: it may say again what stood there."""
    public = world.collection("public")
    world.document(public, "Ferries sail from the pier at noon, says the harbour.", title="Ferries")
    world.allow("group:finance", public)
    edges = _edges(world, remote=remote, ceiling=Level.INTERNAL)
    talk = answer(_ask(anna), edges).conversation
    assert answer(_ask(anna, "And when do ferries sail?", talk), edges).route is not None
    assert len(provider.requests) == 1  # a question of its own: nothing confidential is in it
    talk = answer(_ask(anna, "What is paid for hotels a night?", talk), edges).conversation
    going_on = answer(_ask(anna, "And for ferries at the pier?", talk), edges)
    assert going_on.understood_as is not None
    assert going_on.route is not None
    assert not going_on.route.leaves
    assert len(provider.requests) == 1


def test_a_withdrawn_right_takes_the_earlier_question_with_it(world: World, anna: UserId) -> None:
    edges = _edges(world)
    talk = answer(_ask(anna), edges).conversation
    assert answer(_ask(anna, "Why?", talk), edges).understood_as
    talk = answer(_ask(anna), edges).conversation
    world.withdraw("group:finance", "coll:finance")
    reply = answer(_ask(anna, "Why?", talk), edges)
    assert (reply.understood_as, reply.outcome) == (None, "nothing")


def test_an_older_version_is_shown_behind_the_newer_and_told(world: World, anna: UserId) -> None:
    text = "Taxis are paid up to {} euros a ride, and every receipt is handed in within thirty days of the ride."
    old, new = (world.document(NodeId("coll:finance"), text.format(price), title="Taxis") for price in (30, 40))
    with write(world.store.engine) as connection:
        for document, year in ((old, 2024), (new, 2026)):
            dated = update(schema.document).where(schema.document.c.id == document)
            connection.execute(dated.values(dated=datetime(year, 3, 1, tzinfo=UTC)))
    reply = answer(_ask(anna, "What is paid for taxis, euros a ride?"), _edges(world))
    assert [citation.document for citation in reply.citations] == [new, old]
    assert [citation.dated.year for citation in reply.citations if citation.dated] == [2026, 2024]
    assert "source 2 is an older version, of 2024-03-01: source 1 is newer" in reply.warnings
    assert "2026" not in (reply.prompt or "")
    assert not [told for told in answer(_ask(anna), _edges(world)).warnings if "older" in told]


def _documents(world: World) -> list[DocumentId]:
    with snapshot(world.store.engine) as connection:
        return list(map(DocumentId, connection.scalars(select(schema.document.c.id))))
