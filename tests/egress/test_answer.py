"""The whole flow with real parts; the model is a stand-in over real HTTP that keeps the bytes it receives."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text, update

from acl.admin.breakglass import open_access
from acl.admin.change import policy_change
from acl.labels import Compartment, Label, Level
from acl.names import DocumentId, NodeId, Obj, UserId
from audit.errors import AuditDown
from audit.ledger import verify
from egress.answer import answer
from egress.errors import RightsChanged
from egress.extractive import Extractive
from egress.reply import NOTHING
from store import schema
from store.engine import snapshot, write
from tests.egress.asking import HOTELS, ask_of, edges_of, trail_of
from tests.redaction.detectors.made_up import ANY, chance
from tests.worlds import ADMIN, World

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from acl.scope import Scope
    from api.loopback import LoopbackProvider
    from egress.openai_model import OpenAiModel
    from egress.types import Draft, RedactedPrompt, Reply
    from retrieval.types import Hit


def test_who_may_read_gets_an_answer_with_its_source(world: World, anna: UserId) -> None:
    reply = answer(ask_of(anna), edges_of(world))
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
    edges = edges_of(world)

    def shown(user: UserId) -> Reply:
        return replace(answer(ask_of(user), edges), conversation="")

    assert shown(without_rights) == shown(with_others)
    assert shown(without_rights).answer == NOTHING
    assert shown(anna).answer != NOTHING


@pytest.mark.parametrize("user", ["user:nobody", "user:retired"])
def test_unknown_and_inactive_users_get_nothing(world: World, anna: UserId, user: str) -> None:
    """AZ-06."""
    world.deactivate(world.user("retired", groups=["finance"], clearance=Level.RESTRICTED))
    assert answer(ask_of(UserId(user)), edges_of(world)).outcome == "nothing"
    assert answer(ask_of(anna), edges_of(world)).outcome == "answered"


def test_what_leaves_names_nobody_and_comes_back_with_names(
    world: World, anna: UserId, provider: LoopbackProvider, remote: OpenAiModel
) -> None:
    """PT-01: the bytes that the provider received."""
    question = "What does Jane Doe pay for hotels a night? Write to +44 20 7946 0991."
    reply = answer(ask_of(anna, question), edges_of(world, remote=remote))
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


def test_a_label_above_the_ceiling_stays_here(
    world: World, anna: UserId, provider: LoopbackProvider, remote: OpenAiModel
) -> None:
    below = answer(ask_of(anna), edges_of(world, remote=remote, ceiling=Level.INTERNAL))
    assert below.route is not None
    assert not below.route.leaves
    assert below.answer != NOTHING
    assert provider.requests == []
    answer(ask_of(anna), edges_of(world, remote=remote, ceiling=Level.CONFIDENTIAL))
    assert len(provider.requests) == 1


def test_a_compartment_stays_here_whatever_the_ceiling(
    world: World, provider: LoopbackProvider, remote: OpenAiModel
) -> None:
    user = world.user("dora", groups=["lab"], clearance=Level.RESTRICTED, compartments=["trade-secret.glaze"])
    lab = world.collection("lab", Label(Level.INTERNAL, frozenset({Compartment("trade-secret.glaze")})))
    world.document(lab, "The glaze is fired at 1240 degrees.")
    world.allow("group:lab", lab)
    reply = answer(ask_of(user, "At how many degrees is the glaze fired?"), edges_of(world, remote=remote))
    assert "1240" in reply.answer
    assert provider.requests == []


def test_one_restricted_excerpt_keeps_the_whole_prompt_here(
    world: World, anna: UserId, provider: LoopbackProvider, remote: OpenAiModel
) -> None:
    board = world.collection("board", Label(Level.RESTRICTED))
    world.document(board, "Hotels of the board are paid up to 400 euros a night.")
    world.allow("group:finance", board)
    reply = answer(ask_of(anna), edges_of(world, remote=remote))
    assert str(reply.label) == "restricted"
    assert provider.requests == []


def test_a_secret_leaves_nowhere_and_its_document_is_named(
    world: World, provider: LoopbackProvider, remote: OpenAiModel
) -> None:
    secret = "ghp_" + chance(ANY, 36)
    user = world.user("olaf", groups=["ops"], clearance=Level.RESTRICTED)
    ops = world.collection("ops", Label(Level.INTERNAL))
    document = world.document(ops, f"The build server is reached with the token {secret} from the office.")
    world.allow("group:ops", ops)
    reply = answer(ask_of(user, "With which token is the build server reached?"), edges_of(world, remote=remote))
    assert secret not in provider.requests[0].body.decode()
    assert secret not in reply.answer
    assert any("a secret in doc:" in warning for warning in reply.warnings)
    (intent,) = (record for record in trail_of(world) if record["kind"] == "ask.intent")
    assert intent["secrets"] == [document]
    assert secret not in str(trail_of(world))


def test_no_record_no_call(world: World, anna: UserId, provider: LoopbackProvider, remote: OpenAiModel) -> None:
    """AL-01: the trail cannot be written, so nothing leaves and nothing is shown."""
    edges = edges_of(world, remote=remote)
    with write(world.store.engine) as connection:
        connection.execute(
            text("CREATE TRIGGER full BEFORE INSERT ON audit_record BEGIN SELECT RAISE(ABORT, 'full'); END")
        )
    with pytest.raises(AuditDown):
        answer(ask_of(anna), edges)
    assert provider.requests == []
    with write(world.store.engine) as connection:
        connection.execute(text("DROP TRIGGER full"))
    answer(ask_of(anna), edges)
    assert len(provider.requests) == 1


def test_no_record_of_the_end_no_answer(world: World, anna: UserId) -> None:
    class Filling:
        def complete(self, prompt: RedactedPrompt, proceed: Callable[[], None] | None = None) -> Draft:
            with write(world.store.engine) as connection:
                connection.execute(
                    text("CREATE TRIGGER full BEFORE INSERT ON audit_record BEGIN SELECT RAISE(ABORT, 'full'); END")
                )
            return Extractive().complete(prompt)

    with pytest.raises(AuditDown):
        answer(ask_of(anna), edges_of(world, local=Filling()))


def test_the_trail_tells_what_happened_and_no_text(
    world: World, anna: UserId, provider: LoopbackProvider, remote: OpenAiModel
) -> None:
    """AL-02: one record before the call, one of the end, on one id; ids and counts, no words, no name."""
    answer(ask_of(anna), edges_of(world, remote=remote))
    intent, end = trail_of(world)
    assert [intent["kind"], end["kind"]] == ["ask.intent", "ask.answered"]
    assert intent["request"] == end["request"] == "request-1"
    assert intent["leaves"] is True
    assert intent["provider"] == "llm.example"
    assert isinstance(intent["documents"], list)
    assert len(intent["documents"]) == 1
    written = json.dumps([intent, end]).lower()
    for word in ("hotel", "jane", "anna", "180 euro", "travel", "company.example"):
        assert word not in written
    assert verify(world.store.engine).records > 2


def test_a_rule_on_the_asker_does_not_name_him(world: World) -> None:
    anna, annabel = world.user("anna"), world.user("annabel")
    mine = world.collection("mine")
    world.document(mine, HOTELS, owner=anna)
    world.allow("user:anna", "owner:anna")
    world.allow("user:annabel", mine)
    edges = edges_of(world)
    answer(ask_of(anna), edges)
    answer(ask_of(annabel), edges)
    rules = [record["rules"] for record in trail_of(world) if record["kind"] == "ask.intent"]
    assert rules == [["user:(asker), owner:(asker), read, allow"], ["user:(asker), coll:mine, read, allow"]]


def test_a_refused_question_leaves_a_record(world: World, anna: UserId) -> None:
    answer(ask_of(world.user("ben")), edges_of(world))
    (record,) = trail_of(world)
    assert record["kind"] == "ask.nothing"


def test_emergency_access_is_told_with_each_answer_that_came_through_it(world: World, anna: UserId) -> None:
    ben = world.user("ben", clearance=Level.CONFIDENTIAL)
    with policy_change(world.store.engine, world.ledger, ADMIN) as change:
        open_access(change, ben, Obj("coll:finance"), 30)
    edges = edges_of(world)
    assert answer(ask_of(ben), edges).warnings[0] == "emergency access to coll:finance was used"
    assert [record.get("emergency") for record in trail_of(world)] == [True, True]
    assert not [warning for warning in answer(ask_of(anna), edges).warnings if "emergency" in warning]
    assert [record.get("emergency") for record in trail_of(world)[2:]] == [None, None]


def test_a_right_withdrawn_while_the_model_thinks_is_not_honoured(world: World, anna: UserId) -> None:
    """FT-17."""

    class Slow:
        def complete(self, prompt: RedactedPrompt, proceed: Callable[[], None] | None = None) -> Draft:
            world.withdraw("group:finance", "coll:finance")
            return Extractive().complete(prompt)

    with pytest.raises(RightsChanged):
        answer(ask_of(anna), edges_of(world, local=Slow()))
    assert trail_of(world)[-1]["error"] == "RightsChanged"


def test_a_leaky_index_changes_nothing(world: World, anna: UserId) -> None:
    hidden = world.collection("hidden")
    world.document(hidden, "Hotels of the owner are paid without limit a night.")
    everything = world.hits(*_documents(world))

    class Leaky:
        def search(self, question: str, vector: NDArray[np.float32], scope: Scope, limit: int) -> list[Hit]:
            return everything

    edges = edges_of(world)
    honest, leaky = answer(ask_of(anna), edges), answer(ask_of(anna), replace(edges, index=Leaky()))
    assert leaky.citations == honest.citations
    assert "without limit" not in leaky.answer
    assert "without limit" not in (leaky.prompt or "")


def test_a_question_can_stay_in_one_collection(world: World, anna: UserId) -> None:
    edges = edges_of(world)
    assert answer(replace(ask_of(anna), collection="finance"), edges).outcome == "answered"
    assert answer(replace(ask_of(anna), collection="elsewhere"), edges).outcome == "nothing"


def test_an_older_version_is_shown_behind_the_newer_and_told(world: World, anna: UserId) -> None:
    text = "Taxis are paid up to {} euros a ride, and every receipt is handed in within thirty days of the ride."
    old, new = (world.document(NodeId("coll:finance"), text.format(price), title="Taxis") for price in (30, 40))
    with write(world.store.engine) as connection:
        for document, year in ((old, 2024), (new, 2026)):
            dated = update(schema.document).where(schema.document.c.id == document)
            connection.execute(dated.values(dated=datetime(year, 3, 1, tzinfo=UTC)))
    reply = answer(ask_of(anna, "What is paid for taxis, euros a ride?"), edges_of(world))
    assert [citation.document for citation in reply.citations] == [new, old]
    assert [citation.dated.year for citation in reply.citations if citation.dated] == [2026, 2024]
    assert "source 2 is an older version, of 2024-03-01: source 1 is newer" in reply.warnings
    assert "2026" not in (reply.prompt or "")
    assert not [told for told in answer(ask_of(anna), edges_of(world)).warnings if "older" in told]


def _documents(world: World) -> list[DocumentId]:
    with snapshot(world.store.engine) as connection:
        return list(map(DocumentId, connection.scalars(select(schema.document.c.id))))
