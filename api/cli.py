"""The command `ntk`. Every command is a few lines around a function that HTTP calls too, or could.

Exit codes: 0 yes, 1 no, 2 misuse, 3 partly (or the data folder is in use).
"""

from __future__ import annotations

import errno
import logging
import os
import socket
import sys
import traceback
from contextlib import suppress
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api import show
from api.commands import (
    approvals,
    gating,
    incidents,
    intake,
    master_key,
    people,
    places,
    policy,
    quotas,
    records,
    redaction,
    stopping,
)
from api.commands.common import DATA, As, AsJson, Data
from api.errors import UNEXPECTED, CannotListen, Exit, problem, row_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from acl.decision import Principal
    from api.wiring import House

app = typer.Typer(
    name="ntk",
    help="Need to Know: answers from your organisation's documents, for those who may read them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
audit_app = typer.Typer(help="The audit trail.", no_args_is_help=True)
app.add_typer(people.user_app, name="user")
app.add_typer(people.group_app, name="group")
app.add_typer(people.key_app, name="key")
app.add_typer(master_key.master_key_app, name="master-key")
app.add_typer(places.place_app, name="place")
app.add_typer(policy.policy_app, name="policy")
app.command("ingest")(intake.ingest)
app.command("reindex")(intake.reindex)
app.add_typer(intake.quarantine_app, name="quarantine")
app.command("approve")(approvals.approve)
app.add_typer(approvals.break_glass_app, name="break-glass")
app.add_typer(stopping.kill_app, name="kill")
app.add_typer(quotas.quota_app, name="quota")
app.add_typer(incidents.incident_app, name="incident")
app.add_typer(incidents.task_app, name="task")
app.command("purge")(incidents.purge)
app.add_typer(redaction.redaction_app, name="redaction")
app.add_typer(records.provider_app, name="provider")
app.add_typer(records.app_app, name="app")
app.command("gate")(gating.gate)
app.add_typer(gating.route_app, name="route")
app.add_typer(gating.matrix_app, name="matrix")
app.add_typer(audit_app, name="audit")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, and turn every error into one clear line and an exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    try:
        app(arguments, prog_name="ntk")
    except Exception as error:  # noqa: BLE001 - the last door: nothing leaves it as a traceback
        row = row_of(error)
        detail = str(error) if row is not UNEXPECTED else f"{type(error).__name__} {_place(error)}"
        if "--json" in (sys.argv[1:] if arguments is None else arguments):
            show.as_json({**problem(error), "detail": detail})
        show.err.print("[red]ntk:[/] ", end="")
        show.err.print(f"{detail} ({row.code})", markup=False)
        sys.exit(row.exit)


def _place(error: Exception) -> str:
    # The text of an unforeseen error may hold what is protected; its place is enough for a report.
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"in {Path(last.filename).name}, line {last.lineno}; please report it"


def _version(wanted: bool) -> None:
    if wanted:
        show.out.print(f"ntk {version_of('need-to-know')}", markup=False)
        raise typer.Exit


@app.callback()
def _ntk(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Take what stands before a command."""


@app.command()
def init(
    database: Annotated[
        str | None, typer.Option(help="Secret reference of a PostgreSQL URL; else, SQLite in the data folder.")
    ] = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Make a data folder with a fresh master key."""
    from api.founding import found

    layout = found(data, database=database)
    show.done(
        f"Made {data}. Keep a copy of {layout.master_key} in a safe place: nothing opens without it.",
        {"data": str(data), "master_key": str(layout.master_key)} if json else None,
    )


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What you want to know; at most 2,000 characters.")],
    as_user: As = None,
    collection: Annotated[str | None, typer.Option(help="Stay in the collection of this name.")] = None,
    conversation: Annotated[
        str | None, typer.Option(help="Go on with a conversation, by the id that --json shows.")
    ] = None,
    prompt: Annotated[bool, typer.Option("--prompt", help="Show the literal prompt as well.")] = False,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Ask a question with the API key in NTK_KEY."""
    from api.ask import to_json
    from api.wiring import open_house, require_whole_index
    from egress.answer import answer, new_ask_id
    from egress.types import Ask

    with open_house(data) as house:
        require_whole_index(house)
        principal = _principal(house, as_user)
        made = answer(Ask(principal, question, new_ask_id(), conversation, collection), house.answering)
    if json:
        show.as_json(to_json(made))
    else:
        show.reply(made, prompt=prompt)
    if made.outcome != "answered":
        raise typer.Exit(Exit.NO if made.outcome == "nothing" else Exit.PARTLY)


@app.command(name="answer")
def answer_request(
    id_: Annotated[str | None, typer.Argument(metavar="[ID]", help="Without it, your requests are listed.")] = None,
    as_user: As = None,
    prompt: Annotated[bool, typer.Option("--prompt", help="Show the literal prompt as well.")] = False,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Send a request that a second person has approved, once, and show its answer."""
    from api.ask import standing_to_json, to_json
    from api.wiring import open_house, require_whole_index
    from egress.answer import answer_approved, new_ask_id
    from egress.types import Ask

    with open_house(data) as house:
        principal = _principal(house, as_user)
        if id_ is None:
            found = [standing_to_json(one) for one in house.answering.requests.standings(principal.user)]
            show.table(found, json=json)
            return
        require_whole_index(house)
        made = answer_approved(Ask(principal, "", new_ask_id()), id_, house.answering)
    if json:
        show.as_json(to_json(made))
    else:
        show.reply(made, prompt=prompt)


def _principal(house: House, as_user: str | None) -> Principal:
    from api.auth import COMMAND_LINE, principal_named, principal_of_key

    if as_user is not None:
        return principal_named(house, as_user)
    return principal_of_key(house, os.environ.get("NTK_KEY", ""), COMMAND_LINE)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8300,
    name: Annotated[list[str] | None, typer.Option(help="Host name that browsers use for it; repeat it.")] = None,
    data: Data = DATA,
) -> None:
    """Serve the chat page and the HTTP interface."""
    from api.settings import cache_folder
    from retrieval.embed import Embedder

    embed = Embedder(cache=cache_folder())
    embed.load_beside()  # in the second that the rest takes to be imported

    import uvicorn

    from api.app import LOOPBACK, create_app
    from api.wiring import open_house, require_whole_index
    from store.folder import announce

    shown = f"[{host}]" if ":" in host else host
    with open_house(data, embed) as house:
        require_whole_index(house)
        listener = _listening(host, port)
        announce(house.store.layout, f"http://{_EVERYWHERE.get(host, shown)}:{port}")
        service = create_app(house, [*LOOPBACK, shown, *(name or ())])
        show.out.print(f"Need to Know is on http://{shown}:{port}/ (stop it with Ctrl-C)", markup=False)
        # Without an access log: a path or a query must not put into a log what a body keeps out of it.
        config = uvicorn.Config(service, log_level="warning", access_log=False, server_header=False)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


# Who listens on all addresses is reached on this machine by the first of them.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - it is only looked up


def _listening(host: str, port: int) -> socket.socket:
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        # Connections inherit it. Without, the body of each answer would wait 40 ms for the receipt of its head.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except (OSError, UnicodeError) as error:  # UnicodeError: a label of the host name is too long
        match getattr(error, "errno", None):
            case errno.EADDRINUSE:
                why = "another program has this port: stop it, or choose another with --port"
            case errno.EACCES:
                why = "this user may not use this port: choose one above 1023 with --port"
            case _:
                why = "--host is no address of this machine"
        raise CannotListen(f"cannot listen on {host}, port {port}: {why}") from error
    return listener


@app.command()
def doctor(data: Data = DATA, json: AsJson = False) -> None:
    """Say what is configured, what is missing, and what it means."""
    from api.doctor import State, examine

    findings = examine(data)
    if json:
        show.as_json([finding.to_json() for finding in findings])
    else:
        show.findings(findings)
    if any(finding.state is State.MISSING for finding in findings):
        raise typer.Exit(Exit.NO)


@audit_app.command("verify")
def audit_verify(data: Data = DATA, json: AsJson = False) -> None:
    """Recompute the whole chain of the audit trail."""
    from api.wiring import open_store_at
    from audit.ledger import verify

    with open_store_at(data) as opened:
        verified = verify(opened.store.engine)
    if json:
        show.as_json({"records": verified.records, "head": verified.head})
    else:
        show.out.print(f"{verified.records} records verify; the last is {verified.head}")


@audit_app.command("replay")
def audit_replay(data: Data = DATA, json: AsJson = False) -> None:
    """Build the policy from its records alone, and say where the tables are not what the records make (exit 1)."""
    from acl.insight.replay import current, differences, replay
    from api.wiring import open_store_at
    from audit.ledger import records
    from store.engine import snapshot

    with open_store_at(data) as opened, snapshot(opened.store.engine) as connection:
        recorded = replay(records(connection))
        found = [*recorded.odd, *differences(recorded, current(connection, opened.ledger.pseudonym))]
    if json:
        show.as_json({"epoch": recorded.epoch, "differences": found})
    else:
        show.lines(found or [f"The records make the policy as it stands, at epoch {recorded.epoch}."])
    if found:
        raise typer.Exit(Exit.NO)


@app.command()
def demo(data: Data = Path(".demo"), json: AsJson = False) -> None:
    """Make a throw-away data folder with the sample company, and let three people ask."""
    from api.demo import run, to_json, transcript

    made = run(data)
    if json:
        show.as_json(to_json(made))
    else:
        transcript(made)


if __name__ == "__main__":
    main()
