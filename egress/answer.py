"""The whole flow, from a question to a reply. Every line of it is a gate or an edge.

question -> Scope -> Permitted -> excerpts -> Route -> RedactedPrompt + TokenMap -> Draft -> Checked -> Reply
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from acl.labels import join
from acl.names import parse_collection
from acl.scope import scope_of
from egress import reply
from egress.brakes.counters import Use
from egress.check import check
from egress.errors import (
    ApplicationRefused,
    EmptyQuestion,
    MalformedQuestion,
    PolicyBehind,
    QuestionTooLong,
    RightsChanged,
)
from egress.history import History
from egress.incident.secrets import alarm_owners
from egress.masking import kinds_for
from egress.prompt import build_prompt, literal, new_delimiter
from egress.question import question_label
from egress.route import route_of
from egress.rules import AnswerRules
from egress.stages import Found, Ready
from egress.trail import recorded
from redaction.redact import redact
from redaction.restore import identities_in
from retrieval.excerpt import excerpts
from retrieval.find import find
from store.engine import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection, Engine

    from acl.decision import Principal
    from acl.scope import Scope
    from audit.ledger import Ledger
    from egress.brakes.brakes import Brakes
    from egress.contract.standing import Contracts
    from egress.requests import Kept, Requests
    from egress.route import Route
    from egress.trail import Trail
    from egress.types import Ask, Llm, Reply
    from redaction.types import Recogniser
    from redaction.vault import Vault
    from retrieval.embed import Embed
    from retrieval.find import Index
    from retrieval.permit import Permitted
    from retrieval.types import Excerpt, Hit

MAX_QUESTION: Final = 2_000  # characters


@dataclass(frozen=True, slots=True)
class Edges:
    """What the flow touches of the world."""

    engine: Engine
    index: Index
    embed: Embed
    permit: Callable[[Sequence[Hit], Scope], Permitted]
    recognisers: Callable[[], Sequence[Recogniser]]
    vault: Vault
    ledger: Ledger
    contracts: Callable[[Connection, Principal], Contracts]
    model: Callable[[Route], Llm]  # of a route that names no provider, one in this process: nothing that it gets leaves
    requests: Requests
    brakes: Brakes
    rules: AnswerRules = field(default_factory=AnswerRules)

    @property
    def history(self) -> History:
        """What earlier questions of a conversation left."""
        return History(self.engine, self.vault)


def answer(ask: Ask, edges: Edges) -> Reply:
    """Answer from what this reader may see, and from nothing else.

    Raises:
        EmptyQuestion, QuestionTooLong, MalformedQuestion: It cannot be asked.
        UnknownConversation: It is not there, or not the asker's.
        BadName: The collection has no such name.
        ApplicationRefused: The asker may not ask through this application.
        Stopped, QuotaExceeded, CountersDown: He may not ask now.
        PolicyBehind: The policy is older than the asker has seen it.
        ModelDown, AnswerBlocked, RightsChanged, RecogniserFailed, StoreDown, IndexDown, EmbedderDown: There
            is no answer. The audit trail says so.
        AuditDown: The trail cannot be written; nothing was sent, or nothing is shown.
    """
    with recorded(edges.ledger, ask) as trail:
        standings = edges.brakes.admit(ask.caller)
        question = checked_question(ask.question)
        conversation = edges.vault.enter(ask.conversation, ask.principal.user)
        within = parse_collection(ask.collection) if ask.collection is not None else None
        trail.entered(conversation, within)
        with snapshot(edges.engine) as connection:
            contracts = _admitted(edges.contracts(connection, ask.principal))
            scope = scope_of(connection, ask.principal, "read", within=within)
            asked = edges.history.understand(connection, conversation, ask.principal.user, question)
            known = edges.vault.found(connection, conversation, ask.principal.user)
        trail.understood(asked)
        permitted = find(asked.text, scope, index=edges.index, embed=edges.embed, permit=edges.permit)
        trail.found(permitted)
        _require_epoch(permitted, ask.min_epoch)
        found = Found(ask, conversation, contracts, scope, asked, permitted, known, standings)
        return trail.ended(_answered(found, edges, trail))


def answer_approved(ask: Ask, request: str, edges: Edges) -> Reply:
    """Answer a question whose exact bytes a second person has approved, once.

    Every gate is passed again but the search. `ask` names who asks, and the new request; its question is the kept one.

    Raises:
        NoSuchRequest, StillWaiting, RequestEnded: Nothing of this id can be sent by him now.
        RequestChanged: What would be sent is no longer what was approved.
        Exception: As `answer`.
    """
    with recorded(edges.ledger, ask) as trail:
        standings = edges.brakes.admit(ask.caller)
        kept = edges.requests.open(ask.principal.user, request)
        conversation = edges.vault.enter(kept.conversation, ask.principal.user)
        trail.entered(conversation, kept.within)
        trail.approved(request, kept.question)
        with snapshot(edges.engine) as connection:
            contracts = _admitted(edges.contracts(connection, ask.principal))
            scope = scope_of(connection, ask.principal, "read", within=kept.within)
            earlier = kept.about, kept.documents
            asked = edges.history.with_earlier(connection, ask.principal.user, kept.question, *earlier)
            known = edges.vault.found(connection, conversation, ask.principal.user)
        trail.understood(asked)
        permitted = edges.permit(kept.hits, scope)
        trail.found(permitted)
        found = Found(ask, conversation, contracts, scope, asked, permitted, known, standings)
        return trail.ended(_answered(found, edges, trail, approved=(request, kept)))


def _answered(found: Found, edges: Edges, trail: Trail, *, approved: tuple[str, Kept] | None = None) -> Reply:
    asked, user, history = found.asked, found.ask.principal.user, edges.history
    chosen = excerpts(asked.question, found.permitted, " ".join(asked.about))
    if not chosen:
        history.remember(found.conversation, user, asked, (), label=question_label(asked.text))
        return reply.nothing(found)
    alarms = (*trail.alarms(chosen, found.permitted), *trail.suspicions(chosen))
    label = join([question_label(asked.text), asked.label, *(excerpt.label for excerpt in chosen)])
    route = route_of([label], found.contracts)
    recognisers = edges.recognisers()
    texts = [*asked.about, asked.question, *(excerpt.text for excerpt in chosen)]
    issue = edges.vault.issue(found.conversation, user, label.level)
    redacted, tokens = redact(texts, recognisers, issue, kinds=kinds_for(route, label), known=found.known)
    before = len(asked.about) + 1
    alarm_owners(edges.engine, edges.ledger, [chosen[n - before].document for n in redacted.secrets if n >= before])
    alarms += trail.secrets(chosen, redacted, before=before)
    prompt = build_prompt(redacted, approved[1].delimiter if approved else new_delimiter(), earlier=len(asked.about))
    ready = Ready(chosen, label, route, redacted, tokens, prompt, alarms)
    trail.planned(ready)
    if approved is None and route.approve:
        return reply.waiting(found, ready, edges.requests.park(found, ready))
    model = edges.model(route)
    with edges.brakes.sending(found.ask.caller, _use(found.ask, ready)) as passage:
        if approved is not None:
            edges.requests.spend(user, *approved, ready)
        trail.commit_intent()  # no record, no call
        passage.leaves()
        draft = model.complete(prompt, passage.proceed)  # the only line that leaves the house
    trail.drafted(draft, found.contracts, route)
    checked = check(draft, prompt, tokens, recognisers, edges.rules)
    reveals = _confirm(found, chosen, edges).reveals
    edges.brakes.shows(found.ask.caller, [excerpt.document for excerpt in chosen])
    history.remember(found.conversation, user, asked, [excerpt.document for excerpt in chosen], label=label)
    named = identities_in(checked.text, tokens) if reveals else 0
    names = reveals and edges.brakes.names(found.ask.caller, named)
    trail.named(named if names else 0)
    return reply.answered(found, ready, draft, checked, names=names)


def checked_question(text: str) -> str:
    """Give the question without surrounding blanks.

    Raises:
        EmptyQuestion, QuestionTooLong, MalformedQuestion: There is nothing to ask, too much, or no text.
    """
    question = text.strip()
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in question):
        raise MalformedQuestion("the question holds bytes that are no text: write it in UTF-8")
    if not any(character.isalnum() for character in question):
        raise EmptyQuestion("the question is empty: write what you want to know")
    if len(question) > MAX_QUESTION:
        raise QuestionTooLong(f"the question has {len(question)} characters; at most {MAX_QUESTION} can be asked")
    return question


def new_ask_id() -> str:
    """Give a fresh name for a request."""
    return str(uuid.uuid4())


def _require_epoch(permitted: Permitted, min_epoch: int | None) -> None:
    if min_epoch is not None and permitted.epoch < min_epoch:
        raise PolicyBehind(f"the policy is at epoch {permitted.epoch}, and {min_epoch} was asked for: ask again")


def _use(ask: Ask, ready: Ready) -> Use | None:
    provider = ready.route.provider
    if provider is None:
        return None
    return Use(ask.caller, f"provider:{provider}", ready.label.level, len(literal(ready.prompt)))


def _admitted(contracts: Contracts) -> Contracts:
    if not contracts.asks:
        raise ApplicationRefused(f"you are not among those who may ask through {contracts.name}, or it is retired")
    return contracts


def _confirm(found: Found, chosen: Sequence[Excerpt], edges: Edges) -> Contracts:
    """Decide anew that he may have what was used, and give what holds of contracts and of names now."""
    # A model takes seconds. A right that was withdrawn meanwhile must not be honoured by its answer: not that to a
    # text, to one behind an earlier question, nor that to ask through the application. A contract that has ended or
    # a gate that was closed lets nothing out from here on; what it let out is no reason to withhold the answer.
    asked, principal = found.asked, found.ask.principal
    with snapshot(edges.engine) as connection:
        contracts = _admitted(edges.contracts(connection, principal))
        again = edges.history.with_earlier(connection, principal.user, asked.question, asked.about, asked.documents)
    used = {excerpt.chunk for excerpt in chosen}
    hits = [hit for hit in found.permitted.hits if hit.chunk in used]
    if again.about != asked.about or {hit.chunk for hit in edges.permit(hits, found.scope).hits} != used:
        raise RightsChanged("what you may read changed while the answer was made: ask again")
    return contracts
