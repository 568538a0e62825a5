"""What one question leaves in the audit trail: a record before the call, and one of how it ended."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from acl.read import EMERGENCY
from audit.ledger import Event
from egress.errors import AnswerBlocked, EgressError, PromptRefused
from egress.injection import score, suspicious
from egress.prompt import digest, literal
from egress.usage import cost

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from acl.names import NodeId
    from audit.chain import Json
    from audit.ledger import Ledger
    from egress.contract.standing import Contracts
    from egress.history import Understood
    from egress.route import Route
    from egress.stages import Ready
    from egress.types import Ask, Draft, Reply
    from redaction.types import Redacted
    from retrieval.permit import Permitted
    from retrieval.types import Excerpt


@dataclass(slots=True)
class Trail:
    """The open records of one question."""

    ledger: Ledger
    ask: Ask
    facts: dict[str, Json] = field(default_factory=dict)
    reply: Reply | None = None

    def entered(self, conversation: str, within: NodeId | None) -> None:
        """Note the conversation, which is the asker's, and the collection to stay in, whose name was checked."""
        self.facts |= {"conversation": conversation, "collection": within}

    def understood(self, asked: Understood) -> None:
        """Note that earlier questions help to understand this one, and what they were answered from."""
        if asked.about:
            self.facts |= {"earlier_questions": len(asked.about), "earlier_documents": [*asked.documents]}

    def found(self, permitted: Permitted) -> None:
        """Note what the second decision let through and what it refused."""
        self.facts |= {
            "epoch": permitted.epoch,
            "permitted": len(permitted.snippets),
            "dropped": {self._unnamed(reason): count for reason, count in permitted.dropped.items()},
            "rules": sorted({self._unnamed(snippet.rule) for snippet in permitted.snippets}),
        }

    def alarms(self, chosen: Sequence[Excerpt], permitted: Permitted) -> tuple[str, ...]:
        """Note that excerpts came through emergency access, and give a warning for each place that was opened so."""
        used = {excerpt.chunk for excerpt in chosen}
        rules = [snippet.rule for snippet in permitted.snippets if snippet.chunk in used]
        places = sorted({rule.split(", ")[1] for rule in rules if rule.startswith(EMERGENCY)})
        if places:
            self.facts["emergency"] = True
        return tuple(f"emergency access to {place} was used" for place in places)

    def secrets(self, chosen: Sequence[Excerpt], redacted: Redacted, *, before: int) -> tuple[str, ...]:
        """Note which documents hold secrets, for their owners to look after, and give the warnings about it.

        Args:
            chosen: The excerpts.
            redacted: What was asked, before the excerpts in their order.
            before: How many texts stand before the excerpts.
        """
        texts = frozenset(redacted.secrets)
        documents = sorted({excerpt.document for n, excerpt in enumerate(chosen, start=before) if n in texts})
        if documents:
            self.facts["secrets"] = list(documents)
        told = [f"a secret in {document} was removed: its owner should change it" for document in documents]
        if min(texts, default=before) < before:
            told.append("a secret in the question was removed: change it")
        return tuple(told)

    def suspicions(self, chosen: Sequence[Excerpt]) -> tuple[str, ...]:
        """Note how much the excerpts look like orders to a model, and give a warning for each that does."""
        scores = [score(excerpt.text) for excerpt in chosen]
        self.facts["injection_percent"] = round(100 * max(scores))
        return tuple(
            f"excerpt {number} looks as if it gave orders to a language model" for number in suspicious(scores)
        )

    def approved(self, request: str, question: str) -> None:
        """Note that a second person has approved what is to be sent."""
        self.facts |= {"approval": request, "question_characters": len(question)}

    def planned(self, ready: Ready) -> None:
        """Note what is about to be given to which model."""
        route = ready.route
        self.facts |= {
            "documents": [excerpt.document for excerpt in ready.chosen],
            "chunks": [excerpt.chunk for excerpt in ready.chosen],
            "labels": [str(excerpt.label) for excerpt in ready.chosen],
            "label": str(ready.label),
            "leaves": route.leaves,
            "provider": route.provider,
            "kind_of_provider": route.kind.value if route.provider else None,
            "contract_version": route.version or None,
            "model": route.model or None,
            "route": route.rule,
            "redactions": ready.redactions,
            "prompt_characters": len(literal(ready.prompt)),
            "prompt_hash": digest(ready.prompt),
        }

    def commit_intent(self) -> None:
        """Write, before the call, what was planned.

        Raises:
            AuditDown: It cannot be written; there must be no call.
        """
        self._commit("ask.intent")

    def drafted(self, draft: Draft, contracts: Contracts, route: Route) -> None:
        """Note how many tokens a model took, and what they cost under the contract."""
        if draft.usage is None:
            return
        self.facts |= {
            "prompt_tokens": draft.usage.prompt_tokens,
            "completion_tokens": draft.usage.completion_tokens,
            "tokens_reported": draft.usage.reported,
        }
        for offer in (contracts.offer, contracts.local):
            if offer is not None and offer.terms.provider == route.provider:
                self.facts["cost"] = str(cost(draft.usage, offer.model.price))

    def named(self, count: int) -> None:
        """Note how many identities the answer names to the asker."""
        self.facts["identities_shown"] = count

    def ended(self, reply: Reply) -> Reply:
        """Note how it ended, and give the reply back."""
        self.reply = reply
        return reply

    def close(self, error: BaseException | None) -> None:
        """Write how the question ended. Of a refusal that is there from less than a minute ago, nothing is written.

        Raises:
            AuditDown: It cannot be written; the reply must not be shown.
        """
        if isinstance(error, EgressError) and error.again:
            return
        if error is not None or self.reply is None:
            self.facts["error"] = type(error).__name__
            if isinstance(error, (AnswerBlocked, PromptRefused)):
                self.facts["reason"] = str(error)  # the words of our own checks, which quote nothing
            self._commit("ask.failed")
            return
        self.facts |= {
            "model": self.reply.model or self.facts.get("model"),
            "cited": [citation.chunk for citation in self.reply.citations],
            "answer_characters": len(self.reply.answer),
            "warnings": len(self.reply.warnings),
        }
        if self.reply.request is not None:
            self.facts["approval"] = self.reply.request
        self._commit(f"ask.{self.reply.outcome}")

    def _unnamed(self, rule: str) -> str:
        # A rule on the asker himself would put his name beside his pseudonym.
        name = re.escape(self.ask.principal.user.partition(":")[2])
        return re.sub(rf"\b(user|owner):{name}(?![A-Za-z0-9._-])", r"\1:(asker)", rule)

    def _commit(self, kind: str) -> None:
        details: dict[str, Json] = {
            "application": self.ask.principal.application,
            "question_characters": len(self.ask.question),
            **self.facts,
        }
        self.ledger.commit(Event(kind, self.ask.principal.user, self.ask.id, details))


@contextmanager
def recorded(ledger: Ledger, ask: Ask) -> Iterator[Trail]:
    """Leave a record of a question however it ends: answered, refused, failed or cut off.

    Raises:
        AuditDown: The record cannot be written. What the block returned must not be shown.
    """
    trail = Trail(ledger, ask)
    try:
        yield trail
    except BaseException as error:
        trail.close(error)
        raise
    else:
        trail.close(None)
