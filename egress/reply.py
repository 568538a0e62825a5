"""What the asker gets, from what was found, sent and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from acl.labels import join
from egress.prompt import literal
from egress.question import question_label
from egress.types import Citation, Reply
from redaction.restore import restore, without_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from acl.admin.approvals import Approval
    from egress.stages import Found, Ready
    from egress.types import Checked, Draft
    from retrieval.types import Excerpt

NOTHING: Final = "Nothing that you may read answers this."
WAITING: Final = "A second person has to approve what would be sent for this. Nothing was sent yet."


NAMELESS: Final = "Names are not shown to you here: tokens stand for them."


def answered(found: Found, ready: Ready, draft: Draft, checked: Checked, *, names: bool) -> Reply:
    """Give the answer with its sources, and what was given to the model for it.

    Args:
        found: What was found.
        ready: What was sent.
        draft: What came back.
        checked: What the checks left of it.
        names: Whether it names whom it speaks of; else tokens stand for them, in its sources as well.
    """
    warned = (*ready.alarms, *draft.notes, *checked.warnings, *_older(checked.cited, ready.chosen))
    return Reply(
        outcome="answered",
        answer=restore(checked.text, ready.tokens if names else without_names(ready.tokens)),
        citations=tuple(_citation(number, ready, names=names) for number in checked.cited),
        route=ready.route,
        model=draft.model,
        redactions=ready.redactions,
        label=ready.label,
        prompt=literal(ready.prompt),
        warnings=warned if names else (*warned, NAMELESS),
        conversation=found.conversation,
        audit_id=found.ask.id,
        understood_as=_understood(found),
        standings=found.standings,
    )


def waiting(found: Found, ready: Ready, approval: Approval) -> Reply:
    """Say what waits for a second person: nothing was sent."""
    return Reply(
        outcome="waiting",
        answer=WAITING,
        citations=(),
        route=ready.route,
        model=None,
        redactions=ready.redactions,
        label=ready.label,
        prompt=literal(ready.prompt),
        warnings=ready.alarms,
        conversation=found.conversation,
        audit_id=found.ask.id,
        understood_as=_understood(found),
        standings=found.standings,
        request=approval.id,
    )


def nothing(found: Found) -> Reply:
    """Say that there is nothing, in the same words whatever there is that the asker may not read."""
    return Reply(
        outcome="nothing",
        answer=NOTHING,
        citations=(),
        route=None,
        model=None,
        redactions={},
        label=join([question_label(found.asked.text), found.asked.label]),
        prompt=None,
        warnings=(),
        conversation=found.conversation,
        audit_id=found.ask.id,
        understood_as=_understood(found),
        standings=found.standings,
    )


def _understood(found: Found) -> str | None:
    return found.asked.text if found.asked.about else None


def _citation(number: int, ready: Ready, *, names: bool) -> Citation:
    excerpt = ready.chosen[number - 1]
    return Citation(
        number=number,
        # A title and headings may name somebody, and were never redacted.
        title=excerpt.title if names else "",
        excerpt=excerpt.text if names else ready.prompt.excerpts[number - 1],
        document=excerpt.document,
        chunk=excerpt.chunk,
        start=excerpt.start,
        end=excerpt.end,
        headings=excerpt.headings if names else (),
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
