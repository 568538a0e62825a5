"""`ntk incident`, `ntk task` and `ntk purge`: when something went wrong, what is to be done, what is to go."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from api import show
from api.commands.common import DATA, As, AsJson, Data, actor_of, desk, write_to
from api.errors import Exit

if TYPE_CHECKING:
    from datetime import datetime

    from egress.incident.tasks import Task

incident_app = typer.Typer(help="When something went wrong: stop it, see how far it reached.", no_args_is_help=True)
task_app = typer.Typer(help="What somebody has to do outside of the service, by when.", no_args_is_help=True)

Kinds = Annotated[
    str, typer.Argument(metavar="KIND", help="leaked-key, provider-breach, wrong-permission, injected-document, other")
]
Since = Annotated[str, typer.Option(help="From when on: 2026-11-20, or 2026-11-20T08:30; UTC unless it says more.")]
IncidentId = Annotated[str, typer.Argument(metavar="ID", help="As `ntk incident list` shows it.")]


@incident_app.command("open")
def incident_open(
    kind: Kinds,
    target: Annotated[str, typer.Argument(help="provider:NAME, app:NAME, user:ID, doc:ID, coll:NAME or all")],
    since: Since,
    reason: Annotated[str, typer.Option(help="What is known; who reads the report reads it.")],
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Open an incident: stop what it is about, at once, and write down who is to be told by when."""
    from api.errors import BadRequest
    from api.incidents import opened_to_json, runbook_of
    from egress.incident.incidents import Kind, moment_of, open_incident, parse_target

    if kind not in [*Kind]:
        raise BadRequest(f"{kind!r} is no kind of incident: write one of {', '.join(Kind)}")
    what, begun = Kind(kind), moment_of(since)
    with desk(data, as_user) as at:
        about = parse_target(what, target)
        opened = open_incident(at.engine, at.ledger, at.actor, what, about, since=begun, reason=reason)
    if json:
        show.as_json(opened_to_json(opened))
        return
    now, id_ = opened.incident.opened_at, opened.incident.id
    held = f"Stopped: {opened.stopped}." if opened.stopped else f"Withheld from everybody: {opened.withheld}."
    show.lines(
        [
            f"Opened incident {id_}. {held}",
            *(_task(task, now) for task in opened.tasks),
            f"How far it reached: ntk incident report {id_}",
            f"What to do next: {runbook_of(what)}",
        ]
    )


@incident_app.command("list")
def incident_list(
    closed: Annotated[bool, typer.Option("--closed", help="Also those that are closed.")] = False,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """List the incidents that are open, the oldest first."""
    from api.incidents import incident_to_json, incidents_for

    with desk(data, as_user) as at:
        found = incidents_for(at.engine, at.ledger, at.actor, closed=closed)
    if json:
        show.as_json([incident_to_json(one) for one in found])
        return
    told = [
        f"{one.id}  {one.kind}, {one.target}, since {one.since:%Y-%m-%d %H:%M} UTC, "
        f"{f'closed: {one.closing}' if one.closed_at else one.reason}"
        for one in found
    ]
    show.lines(told or ["No incident is open."])


@incident_app.command("report")
def incident_report(
    id_: IncidentId,
    markdown: Annotated[
        Path | None, typer.Option(help="Write it into this new file, in Markdown, for a regulator; it names nobody.")
    ] = None,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Report how far an incident reached, out of the audit trail; exit 1 if that does not verify."""
    from egress.incident import written
    from egress.incident.report import report

    with desk(data, as_user) as at:
        made = report(at.engine, at.ledger, at.actor, id_)
    if markdown is not None:
        write_to(markdown, written.markdown(made).encode())
    if json:
        show.as_json(made.to_json())
    elif markdown is not None:
        show.lines([f"Wrote {markdown}."])
    else:
        show.lines(written.lines(made))
    if not made.verified:
        raise typer.Exit(Exit.NO)


@incident_app.command("close")
def incident_close(
    id_: IncidentId,
    reason: Annotated[str, typer.Option(help="Why, and what was learnt.")],
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Close an incident. What it stopped stays so, until two people start it again (ntk kill lift)."""
    from api.incidents import incident_to_json
    from egress.incident.incidents import close_incident
    from egress.incident.tasks import tasks_of

    with desk(data, as_user) as at:
        closed = close_incident(at.engine, at.ledger, at.actor, id_, reason)
        with at.looking() as actor:
            left = tasks_of(actor.connection, closed.name)
    if left:
        show.warnings([f"{len(left)} of its tasks are not done: ntk task list"])
    show.done(f"Closed {id_}.", incident_to_json(closed) if json else None)


@task_app.command("list")
def task_list(
    done: Annotated[bool, typer.Option("--done", help="Also what was done.")] = False,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """List what is to be done, and what is overdue; exit 1 if something is."""
    from api.incidents import now_is, tasks_for

    with desk(data, as_user) as at:
        found, now = tasks_for(at.engine, at.ledger, at.actor, done=done), now_is()
    if json:
        show.as_json([task.to_json(now) for task in found])
    else:
        show.lines([f"{task.id}  {_task(task, now)}" for task in found] or ["Nothing is to be done."])
    if any(task.overdue(now) for task in found):
        raise typer.Exit(Exit.NO)


@task_app.command("done")
def task_done(
    id_: Annotated[str, typer.Argument(metavar="ID", help="As `ntk task list` shows it.")],
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Write down that a task was done."""
    from api.incidents import now_is
    from egress.incident.tasks import finish

    with desk(data, as_user) as at:
        task = finish(at.engine, at.ledger, at.actor, id_)
    show.done(f"Done: {task.detail['what']}.", task.to_json(now_is()) if json else None)


def purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    user: Annotated[str | None, typer.Option(help="All that is kept of this person's questions: user:ID.")] = None,
    provider: Annotated[
        str | None, typer.Option(help="Have this provider delete what it keeps: writes a task, with --since.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="What it was sent from then on: 2026-11-20.")] = None,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Delete what is kept of questions and has ended, as its label says, and say how much it was."""
    from api.errors import BadRequest
    from api.incidents import purged_for
    from api.wiring import open_store_at

    if (provider is None) != (since is None) or (provider is not None and (dry_run or user)):
        raise BadRequest("--provider and --since belong together, and with nothing else")
    if provider is not None and since is not None:
        _purge_at(provider, since, as_user, data, json=json)
        return
    with open_store_at(data) as opened:
        actor, keeping = actor_of(opened, as_user), opened.settings.retention.keeping()
        purged = purged_for(opened.store.engine, opened.ledger, actor, keeping, user=user, dry_run=dry_run)
    if json:
        show.as_json(purged.to_json())
        return
    verb = "would go" if dry_run else "gone"
    told = [f"{one.number} {one.kind}{f', {one.level}' if one.level else ''}: {verb}" for one in purged.gone]
    show.lines(told or ["There was nothing to delete."])


def _purge_at(provider: str, since: str, as_user: str | None, data: Path, *, json: bool) -> None:
    from api.incidents import now_is
    from egress.incident.incidents import moment_of
    from egress.incident.tasks import ask_for_purge

    with desk(data, as_user) as at:
        task = ask_for_purge(at.engine, at.ledger, at.actor, provider, moment_of(since))
    show.done(f"{task.id}  {_task(task, now_is())}", task.to_json(now_is()) if json else None)


def _task(task: Task, now: datetime) -> str:
    due = f"{task.due_at:%Y-%m-%d %H:%M} UTC"
    when = "done" if task.done_at else f"OVERDUE since {due}" if task.overdue(now) else f"by {due}"
    how = f" ({task.detail['how']})" if task.detail["how"] else ""
    return f"{when}: {task.detail['what']}{how}"
