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
from egress.check import check
from egress.errors import EmptyQuestion, MalformedQuestion, PolicyBehind, QuestionTooLong, RightsChanged
from egress.history import History
from egress.masking import kinds_for
from egress.prompt import build_prompt, digest, literal, new_delimiter
from egress.route import QUESTION, route_of
from egress.rules import AnswerRules
from egress.trail import recorded
from egress.types import Citation, Reply
from redaction.redact import redact
from redaction.restore import restore
from retrieval.excerpt import excerpts
from retrieval.find import find
from store.engine import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Engine

    from acl.scope import Scope
    from audit.ledger import Ledger
    from egress.history import Understood
    from egress.route import Provider
    from egress.types import Ask, Llm
    from redaction.types import Recogniser
    from redaction.vault import Vault
    from retrieval.embed import Embed
    from retrieval.find import Index
    from retrieval.permit import Permitted
    from retrieval.types import Excerpt, Hit

MAX_QUESTION: Final = 2_000  # characters
NOTHING: Final = "Nothing that you may read answers this."


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
    local: Llm  # in this process; nothing that it gets leaves
    remote: Llm | None
    provider: Provider | None  # whose model `remote` is
    rules: AnswerRules = field(default_factory=AnswerRules)


def answer(ask: Ask, edges: Edges) -> Reply:
    """Answer from what this reader may see, and from nothing else.

    Raises:
        EmptyQuestion, QuestionTooLong, MalformedQuestion: It cannot be asked.
        UnknownConversation: It is not there, or not the asker's.
        BadName: The collection has no such name.
        PolicyBehind: The policy is older than the asker has seen it.
        ModelDown, AnswerBlocked, RightsChanged, RecogniserFailed, StoreDown, IndexDown, EmbedderDown: There
            is no answer. The audit trail says so.
        AuditDown: The trail cannot be written; nothing was sent, or nothing is shown.
    """
    with recorded(edges.ledger, ask) as trail:
        question = checked_question(ask.question)
        conversation = edges.vault.enter(ask.conversation, ask.principal.user)
        history = History(edges.engine, edges.vault)
        within = parse_collection(ask.collection) if ask.collection is not None else None
        trail.entered(conversation, within)
        with snapshot(edges.engine) as connection:
            scope = scope_of(connection, ask.principal, "read", within=within)
            asked = history.understand(connection, conversation, ask.principal.user, question)
        trail.understood(asked)
        permitted = find(asked.text, scope, index=edges.index, embed=edges.embed, permit=edges.permit)
        trail.found(permitted)
        _require_epoch(permitted, ask.min_epoch)
        chosen = excerpts(question, permitted, " ".join(asked.about))
        if not chosen:
            history.remember(conversation, ask.principal.user, asked, ())
            return trail.ended(_nothing(ask, conversation, asked))
        alarms = (*trail.alarms(chosen, permitted), *trail.suspicions(chosen))
        label = join([QUESTION, asked.label, *(excerpt.label for excerpt in chosen)])
        route = route_of([label], edges.provider)
        recognisers = edges.recognisers()
        issue = edges.vault.issue(conversation, ask.principal.user)
        kinds = kinds_for(route, label)
        texts = [*asked.about, question, *(excerpt.text for excerpt in chosen)]
        redacted, tokens = redact(texts, recognisers, issue, kinds=kinds)
        alarms += trail.secrets(chosen, redacted, before=len(asked.about) + 1)
        prompt = build_prompt(redacted, new_delimiter(), earlier=len(asked.about))
        trail.commit_intent(chosen, route, redacted, literal(prompt), digest(prompt))  # no record, no call
        draft = _model(edges, leaves=route.leaves).complete(prompt)  # the only line that leaves the house
        checked = check(draft, prompt, tokens, recognisers, edges.rules)
        _confirm(chosen, permitted, edges.permit, scope)
        reply = Reply(
            outcome="answered",
            answer=restore(checked.text, tokens),
            citations=tuple(_citation(number, chosen[number - 1]) for number in checked.cited),
            route=route,
            model=draft.model,
            redactions={kind.value: count for kind, count in redacted.counts.items()},
            label=label,
            prompt=literal(prompt),
            warnings=(*alarms, *draft.notes, *checked.warnings, *_older(checked.cited, chosen)),
            conversation=conversation,
            audit_id=ask.id,
            understood_as=asked.text if asked.about else None,
        )
        history.remember(conversation, ask.principal.user, asked, [excerpt.document for excerpt in chosen])
        return trail.ended(reply)


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


def _model(edges: Edges, *, leaves: bool) -> Llm:
    if not leaves:
        return edges.local
    if edges.remote is None:
        raise RuntimeError("a route names a provider, but no client was built for it")
    return edges.remote


def _confirm(
    chosen: Sequence[Excerpt],
    permitted: Permitted,
    permit: Callable[[Sequence[Hit], Scope], Permitted],
    scope: Scope,
) -> None:
    # A model takes seconds. A right that was withdrawn meanwhile must not be honoured by its answer.
    used = {excerpt.chunk for excerpt in chosen}
    hits = [hit for hit in permitted.hits if hit.chunk in used]
    if {hit.chunk for hit in permit(hits, scope).hits} != used:
        raise RightsChanged("what you may read changed while the answer was made: ask again")


def _nothing(ask: Ask, conversation: str, asked: Understood) -> Reply:
    return Reply(
        outcome="nothing",
        answer=NOTHING,
        citations=(),
        route=None,
        model=None,
        redactions={},
        label=join([QUESTION, asked.label]),
        prompt=None,
        warnings=(),
        conversation=conversation,
        audit_id=ask.id,
        understood_as=asked.text if asked.about else None,
    )


def _citation(number: int, excerpt: Excerpt) -> Citation:
    return Citation(
        number=number,
        title=excerpt.title,
        excerpt=excerpt.text,
        document=excerpt.document,
        chunk=excerpt.chunk,
        start=excerpt.start,
        end=excerpt.end,
        headings=excerpt.headings,
        dated=excerpt.dated,
    )


def _older(cited: Sequence[int], chosen: Sequence[Excerpt]) -> Iterator[str]:
    """Warn of each source that is an older version of another: they must not contradict each other in silence."""
    for number in cited:
        excerpt = chosen[number - 1]
        newest = [at for at, each in enumerate(chosen, start=1) if each.document == excerpt.newest]
        if excerpt.newest and excerpt.dated:
            where = f"source {newest[0]}" if newest else "another document"
            yield f"source {number} is an older version, of {excerpt.dated:%Y-%m-%d}: {where} is newer"
