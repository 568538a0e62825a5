"""The report on an incident as a text: for the screen, and in Markdown for a regulator."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from egress.incident.incidents import Incident
    from egress.incident.report import Report
    from egress.incident.tasks import Task

_SHOWN = 20  # lines of a list on the screen


def lines(report: Report) -> Iterator[str]:
    """Give the report for the screen."""
    incident, blast = report.incident, report.blast
    yield f"Incident {incident.id}: {incident.kind}, {incident.target}"
    yield f"  since {_time(incident.since)}, opened {_time(incident.opened_at)}" + _closed(incident)
    yield f"  {incident.reason}"
    yield f"  now: {_held(report, report.stopped)}"
    yield f"  trail: {'' if report.verified else 'DOES NOT VERIFY: '}{report.trail}"
    yield f"{blast.questions} questions of {len(report.people)} people, {blast.answered} answered"
    yield f"  {blast.left} left the house, {blast.characters} characters" + _times(report)
    for to, many in blast.sent_to.most_common(_SHOWN):
        yield f"  to {to.provider}, contract version {to.version or 'unknown'}, model {to.model or 'unknown'}: {many}"
    yield from _counted("label", blast.labels)
    yield from _counted("application", blast.applications)
    for person in report.people[:_SHOWN]:
        yield f"  who: {person.user or person.pseudonym}: {person.questions}"
    yield from _more(len(report.people))
    yield from _counted("document", blast.documents)
    yield from _counted("replaced by tokens:", blast.redactions)
    yield from _counted("did besides", blast.acts)
    if blast.unreadable:
        yield f"  {blast.unreadable} records cannot be read"
    yield "To do:"
    for task in report.tasks:
        yield f"  {_due(task, report.at)}  {task.id}  {task.detail['what']}{_how(task)}"


def markdown(report: Report) -> str:
    """Give the report in the order in which GDPR, Article 33 (3), asks. It names nobody but whom to tell.

    What the service cannot know is left to be filled in, and says so.
    """
    return "\n".join([*_nature(report), *_measures(report), *_evidence(report)]) + "\n"


def _nature(report: Report) -> Iterator[str]:
    incident, blast = report.incident, report.blast
    yield f"# Incident {incident.id}"
    yield ""
    yield f"As of {_time(report.at)}. People are named by the pseudonyms of the audit trail."
    yield ""
    yield "## (a) What happened"
    yield ""
    yield f"- Kind: {incident.kind}. About: `{report.target}`."
    yield f"- Since {_time(incident.since)}; known since {_time(incident.opened_at)}{_closed(incident)}."
    yield f"- {blast.questions} questions of {len(report.people)} people are concerned, {blast.answered} were answered."
    yield f"- {blast.left} prompts left the house, {blast.characters} characters{_times(report)}."
    yield "- Categories and number of the people whom the documents are about: *to be filled in*."
    yield ""
    yield from _table("label", "questions", blast.labels)
    sent = {
        f"{to.provider}, contract version {to.version or 'unknown'}, model {to.model or 'unknown'}": many
        for to, many in blast.sent_to.most_common()
    }
    yield from _table("sent to", "prompts", Counter(sent))
    yield from _table("replaced by tokens", "stretches", blast.redactions)
    yield "## (b) Whom to ask"
    yield ""
    yield "The data protection officer: *to be filled in*."
    yield ""
    yield "## (c) What may come of it"
    yield ""
    yield "*To be filled in.*"
    yield ""


def _measures(report: Report) -> Iterator[str]:
    yield "## (d) What was done, and what is to be done"
    yield ""
    yield f"- Now: {_held(report, _unnamed(report))}."
    for task in report.tasks:
        yield f"- {_due(task, report.at)}: {_cell(task.detail['what'])}."
    if report.incident.closing is not None:
        yield "- It is closed. What was learnt: *to be filled in*."
    yield ""


def _evidence(report: Report) -> Iterator[str]:
    blast = report.blast
    yield "## Evidence"
    yield ""
    yield f"The audit trail {'verifies' if report.verified else 'does not verify'}: {report.trail}."
    yield ""
    yield from _table("who", "questions", blast.people)
    yield from _table("document", "questions", blast.documents)
    yield from _table("application", "questions", blast.applications)
    if blast.hashes:
        yield f"SHA-256 of the prompts that a provider got, {len(blast.hashes)} of {sum(blast.sent_to.values())}:"
        yield ""
        yield from (f"- `{one}`" for one in blast.hashes)


def _held(report: Report, stopped: Iterable[str]) -> str:
    held = [f"{target} is stopped" for target in stopped]
    held += [f"{report.target} is withheld from everybody"] if report.withheld else []
    return ", ".join(held) or "nothing is stopped, and nothing withheld"


def _unnamed(report: Report) -> list[str]:
    return [report.target if target == report.incident.target else target for target in report.stopped]


def _table(name: str, of: str, counted: Counter[str]) -> Iterator[str]:
    if not counted:
        return
    yield f"| {name} | {of} |"
    yield "| --- | --- |"
    for value, many in counted.most_common():
        yield f"| {_cell(value)} | {many} |"
    yield ""


def _counted(name: str, counted: Counter[str]) -> Iterator[str]:
    for value, many in counted.most_common(_SHOWN):
        yield f"  {name} {value}: {many}"
    yield from _more(len(counted))


def _more(many: int) -> Iterator[str]:
    if many > _SHOWN:
        yield f"  and {many - _SHOWN} more: --json shows all"


def _how(task: Task) -> str:
    return f" ({task.detail['how']})" if task.detail["how"] else ""


def _due(task: Task, now: datetime) -> str:
    if task.done_at is not None:
        return f"done {_time(task.done_at)}"
    return f"{'OVERDUE since' if task.overdue(now) else 'by'} {_time(task.due_at)}"


def _times(report: Report) -> str:
    first, last = report.blast.first_at, report.blast.last_at
    return f", from {_time(first)} to {_time(last)}" if first and last else ""


def _closed(incident: Incident) -> str:
    return f", closed {_time(incident.closed_at)}" if incident.closed_at else ""


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _cell(text: object) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")
