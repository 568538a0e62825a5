"""The walk-through is a run: every value that it shows is compared with what passed between the gates."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest

from acl.admin.change import policy_change
from acl.admin.rules import grant, withdraw
from acl.decision import Rule
from acl.names import Obj, Subject, UserId
from api.wiring import open_house
from docs.generate import REPLIED
from egress.reply import NOTHING
from redaction.redact import redact
from retrieval.excerpt import excerpts
from retrieval.filter import filter_of
from tests.docs.blocks import ROOT, compare, recorded
from tests.docs.names import Names
from tests.docs.watch import Seen, ask, sent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from acl.scope import Scope
    from api.wiring import House
    from audit.ledger import Record
    from retrieval.embed import Embed
    from retrieval.permit import Permitted
    from retrieval.types import Hit
    from tests.docs.conftest import Shown

PAGE: Final = ROOT / "docs" / "walk-through.md"
ODILE, INES, JONAS = "user:odile", "user:ines", "user:jonas"
DENIED: Final = Rule(Subject(ODILE), Obj("coll:people"), "read", "deny")


@pytest.fixture(scope="module")
def house(shown: Shown, embedder: Embed) -> Iterator[House]:
    with open_house(shown.data, embedder) as opened:
        yield opened


@pytest.fixture(scope="module")
def walks(house: House, shown: Shown) -> Mapping[str, Seen]:
    """The four questions of the walk-through, in its order."""
    body = json.loads(recorded(PAGE)["request"])
    secret = json.loads(recorded(PAGE)["secret-request"])
    keys = shown.made.keys
    seen = {
        "odile": ask(house, keys[ODILE], body),
        "jonas": ask(house, keys[JONAS], body),
        "ines": ask(house, keys[INES], secret),
        "withdrawn": ask(house, keys[ODILE], body, lambda: deny(house)),
    }
    with policy_change(house.store.engine, house.ledger, "svc:administrator") as change:
        withdraw(change, DENIED)  # other documents ask as Odile too
    return seen


def deny(house: House) -> None:
    """Take Odile's right on the people's papers away, in the middle of her question."""
    with policy_change(house.store.engine, house.ledger, "svc:administrator") as change:
        grant(change, DENIED)


def test_golden_the_walk_through_shows_what_passed_between_the_gates(house: House, walks: Mapping[str, Seen]) -> None:
    """PT-01: what left is compared byte by byte with what the page shows."""
    values = {
        **of_an_answer(house, walks["odile"]),
        **of_a_refusal(house, walks["jonas"]),
        **of_a_secret(house, walks["ines"]),
        **of_a_withdrawal(house, walks["withdrawn"]),
    }
    compare(PAGE, values)


def test_the_answer_went_the_way_that_the_page_tells(walks: Mapping[str, Seen]) -> None:
    seen = walks["odile"]
    assert seen.status == 200
    assert seen.reply.keys() == REPLIED.keys()
    assert seen.reply["outcome"] == "answered"
    assert [record.body["kind"] for record in seen.records] == ["ask.intent", "ask.answered"]
    assert [message["content"] for message in sent(seen)["messages"]] == seen.reply["prompt"].split("\n\n", 1)
    assert "+44 20 7946 0102" in seen.reply["answer"]
    for value in ("Priya", "Raman", "7946", "brackwater", "calling-in-sick", "doc:", "user:"):
        assert value not in seen.received[0].body.decode()


def test_the_refusals_are_what_the_page_tells(walks: Mapping[str, Seen]) -> None:
    """AZ-06, FT-17: no right, and a right that is withdrawn between the search and the second decision."""
    for name in ("jonas", "withdrawn"):
        seen = walks[name]
        assert (seen.status, seen.reply["answer"], seen.reply["outcome"]) == (200, NOTHING, "nothing")
        assert not seen.received
        assert not seen.prompts
        assert [record.body["kind"] for record in seen.records] == ["ask.nothing"]
    # The index gave the page to Odile before her right was withdrawn, and none of it to Jonas.
    documents = {citation["document"] for citation in walks["odile"].reply["citations"]}
    assert documents & {hit.document for hit in walks["withdrawn"].hits[0]}
    assert not documents & {hit.document for hit in walks["jonas"].hits[0]}


def test_what_a_withdrawn_right_had_opened_is_dropped_and_counted(house: House, walks: Mapping[str, Seen]) -> None:
    names, seen = Names(house), walks["withdrawn"]
    before, after = (
        Counter(names(snippet.rule) for snippet in walks[name].permitted[0].snippets) for name in ("odile", "withdrawn")
    )
    lost = before - after
    assert lost["group:staff, folder:people/absence, read, allow"] >= 3
    assert lost.keys() <= {"group:staff, folder:people/absence, read, allow", "group:people, coll:people, read, allow"}
    assert not after - before
    (dropped,) = seen.permitted[0].dropped.values()
    assert [*body_of(seen.records[0])["dropped"].values()] == [dropped] == [lost.total()]


def test_the_secret_stayed_here(walks: Mapping[str, Seen]) -> None:
    seen = walks["ines"]
    assert "163" in seen.reply["answer"]
    assert not seen.received
    assert [record.body["kind"] for record in seen.records] == ["ask.intent", "ask.answered"]


def of_an_answer(house: House, seen: Seen) -> dict[str, str]:
    names = Names(house)
    (prompt,), (draft,), scope, reply = seen.prompts, seen.drafts, seen.scopes[0], seen.reply
    names.learn(audit_id=reply["audit_id"], conversation=reply["conversation"], delimiter=prompt.delimiter)
    question = json.loads(recorded(PAGE)["request"])["question"]
    chosen = excerpts(question, seen.permitted[0])
    issue = house.answering.vault.issue(reply["conversation"], UserId(ODILE))
    texts = [question, *(excerpt.text for excerpt in chosen)]
    _, tokens = redact(texts, house.answering.recognisers(), issue)
    received = seen.received[0]
    assert names(prompt.user) in names(reply["prompt"])
    values = {
        "request": recorded(PAGE)["request"],
        "scope": shown_scope(scope, names),
        "filter": shown_filter(scope, names),
        "hits": shown_hits(seen.hits[0], names),
        "permitted": shown_permitted(seen.permitted[0], names),
        "excerpts": "\n\n".join(f"{e.chunk}, characters {e.start} to {e.end}, {e.label}\n{e.text}" for e in chosen[:1])
        + f"\n\n({len(chosen)} in all)",
        "route": aligned([("goes to", reply["route"]["provider"]), ("because", reply["route"]["rule"])]),
        "prompt": reply["prompt"],
        "tokens": aligned((token, surface) for token, surface in tokens.surfaces.items()),
        "intent": shown_record(seen.records[0], seen.permitted[0], names),
        "sent": "\n".join([f"POST {received.path}", shown_json(without_contents(sent(seen)))]),
        "draft": draft.text,
        "confirmed": shown_permitted(seen.permitted[-1], names),
        "reply": shown_json({**reply, "prompt": "(as above)"}),
        "outcome": shown_json(added(seen)),
    }
    return {name: names(value) for name, value in values.items()}


def of_a_refusal(house: House, seen: Seen) -> dict[str, str]:
    names = Names(house)
    names.learn(audit_id=seen.reply["audit_id"], conversation=seen.reply["conversation"])
    values = {
        "refused-scope": shown_scope(seen.scopes[0], names),
        "refused-hits": shown_hits(seen.hits[0], names),
        "refused-reply": shown_json(seen.reply),
        "refused-record": shown_record(seen.records[0], seen.permitted[0], names),
    }
    return {name: names(value) for name, value in values.items()}


def of_a_secret(house: House, seen: Seen) -> dict[str, str]:
    names = Names(house)
    names.learn(audit_id=seen.reply["audit_id"], conversation=seen.reply["conversation"])
    route = seen.reply["route"]
    values = {
        "secret-request": recorded(PAGE)["secret-request"],
        "secret-route": aligned([("goes to", "the model on this machine"), ("because", route["rule"])]),
        "secret-answer": seen.reply["answer"],
    }
    return {name: names(value) for name, value in values.items()}


def of_a_withdrawal(house: House, seen: Seen) -> dict[str, str]:
    names = Names(house)
    values = {
        "withdrawn-hits": shown_hits(seen.hits[0], names),
        "withdrawn-permitted": "\n".join(f"dropped: {reason}" for reason in seen.permitted[0].dropped),
        "withdrawn-record": shown_json({"dropped": dict.fromkeys(body_of(seen.records[0])["dropped"], "…")}),
    }
    return {name: names(value) for name, value in values.items()}


def shown_scope(scope: Scope, names: Names) -> str:
    return aligned(
        [
            ("principal", f"{scope.principal.user} through {scope.principal.application}"),
            ("allow", ", ".join(sorted(map(names, scope.allow)))),
            ("deny", ", ".join(sorted(map(names, scope.deny))) or "nothing"),
            ("clearance", scope.clearance.name.lower()),
            ("compartments", ", ".join(sorted(scope.compartments)) or "none"),
            ("within", scope.within or "everything"),
        ]
    )


def shown_filter(scope: Scope, names: Names) -> str:
    filter_ = json.loads(names(filter_of(scope).model_dump_json(by_alias=True, exclude_none=True)))
    for condition in filter_["must"] + filter_["must_not"]:
        for values in condition.get("match", {}).values():
            values.sort()
    parts = [
        f'  "{part}": [\n' + ",\n".join(f"    {json.dumps(condition)}" for condition in conditions) + "\n  ]"
        for part, conditions in filter_.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}"


def shown_hits(hits: Sequence[Hit], names: Names, most: int = 3) -> str:
    rows = [(f"{hit.similarity:.2f}", names(hit.chunk)) for hit in hits[:most]]
    return aligned([("cosine", "chunk"), *rows]) + f"\n({len(hits)} in all)"


def shown_permitted(permitted: Permitted, names: Names, most: int = 3) -> str:
    """Show the decisions on the best hits. Which hits come last depends on the last digits of their scores."""
    rows = [(names(snippet.chunk), f"permitted by {names(snippet.rule)}") for snippet in permitted.snippets[:most]]
    return aligned(rows) + f"\n({len(permitted.snippets)} permitted, {sum(permitted.dropped.values())} dropped)"


def shown_record(record: Record, permitted: Permitted, names: Names) -> str:
    """Show a record, with the rule of the best hit in place of all of them."""
    rules = list(dict.fromkeys(snippet.rule for snippet in permitted.snippets))
    assert sorted(body_of(record)["rules"]) == sorted(rules)
    return names(shown_json({**body_of(record), "rules": [rules[0], "…"]}))


def body_of(record: Record) -> dict[str, Any]:
    return dict(record.body)


def shown_json(value: Mapping[str, Any]) -> str:
    lines = (f"  {json.dumps(key)}: {json.dumps(part, ensure_ascii=False)}" for key, part in value.items())
    return "{\n" + ",\n".join(lines) + "\n}"


def added(seen: Seen) -> dict[str, Any]:
    """Give what the second record says beyond the first."""
    intent, outcome = (record.body for record in seen.records)
    return {key: value for key, value in outcome.items() if intent.get(key) != value or key in ("request", "who")}


def without_contents(body: Mapping[str, Any]) -> dict[str, Any]:
    messages = [{**m, "content": f"({len(m['content'])} characters, as above)"} for m in body["messages"]]
    return {**body, "messages": messages}


def aligned(rows: Iterable[Sequence[str]]) -> str:
    pairs = [tuple(row) for row in rows]
    width = max(len(left) for left, _ in pairs)
    return "\n".join(f"{left:<{width}}  {right}" for left, right in pairs)
