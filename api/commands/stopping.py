"""`ntk kill`: stop a person, an application, a provider or everything, at once."""

from __future__ import annotations

from typing import Annotated

import typer

from api import show
from api.commands.common import DATA, As, AsJson, Data, desk, waits

kill_app = typer.Typer(help="Stop somebody or something at once; to start again takes two.", no_args_is_help=True)
Why = Annotated[str, typer.Option(help="Why; administrators read it.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Its name, alone.")]


@kill_app.command("provider")
def kill_provider(name: Name, reason: Why, as_user: As = None, data: Data = DATA, json: AsJson = False) -> None:
    """Send nothing more to a provider."""
    _stop(f"provider:{name}", reason, as_user, data, json=json)


@kill_app.command("app")
def kill_application(name: Name, reason: Why, as_user: As = None, data: Data = DATA, json: AsJson = False) -> None:
    """Answer nothing more that is asked through an application."""
    _stop(f"app:{name}", reason, as_user, data, json=json)


@kill_app.command("user")
def kill_user(
    id_: Annotated[str, typer.Argument(metavar="ID", help="user:ID, or the ID alone.")],
    reason: Why,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Answer nothing more that a person asks."""
    _stop(f"user:{id_.removeprefix('user:')}", reason, as_user, data, json=json)


@kill_app.command("all")
def kill_all(reason: Why, as_user: As = None, data: Data = DATA, json: AsJson = False) -> None:
    """Answer nothing more, and send nothing more."""
    _stop("all", reason, as_user, data, json=json)


def _stop(target: str, reason: str, as_user: str | None, data: Data, *, json: bool) -> None:
    from api.brakes import stop_to_json, warnings_of
    from api.errors import BadRequest
    from egress.brakes.stops import parse_target, stop
    from store.engine import snapshot

    if not reason.strip():
        raise BadRequest("write why with --reason: whoever is to start it again reads it")
    with desk(data, as_user) as at:
        made = stop(at.engine, at.ledger, at.actor, parse_target(target), reason)
        with snapshot(at.engine) as connection:
            show.warnings(warnings_of(connection, made))
    show.done(f"Stopped {target}. Two people start it again: ntk kill lift {made.id}",
              stop_to_json(made) if json else None)  # fmt: skip


@kill_app.command("list")
def kill_list(
    lifted: Annotated[bool, typer.Option("--lifted", help="Also what runs again.")] = False,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """List what is stopped, and why."""
    from api.brakes import stop_to_json
    from egress.brakes.stops import stops_for

    with desk(data, as_user) as at, at.looking() as actor:
        found = stops_for(actor.connection, at.actor, lifted=lifted)
    if json:
        show.as_json([stop_to_json(made) for made in found])
    else:
        show.lines(
            [
                f"{made.id}  {made.target} by {made.made_by}, {made.made_at:%Y-%m-%d %H:%M} UTC"
                f"{f', lifted by {made.lifted_by}' if made.lifted_by else ''}: {made.reason}"
                for made in found
            ]
            or ["Nothing is stopped."]
        )


@kill_app.command("lift")
def kill_lift(
    id_: Annotated[str, typer.Argument(metavar="ID", help="As `ntk kill list` shows it.")],
    reason: Annotated[str, typer.Option(help="Why; a second person reads it.")] = "",
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Ask for what is stopped to start again. It waits for a second person, who did not stop it (exit 3)."""
    from acl.admin.gate import Waiting
    from egress.brakes.lifting import ask_to_lift

    with desk(data, as_user) as at:
        asked = ask_to_lift(at.engine, at.ledger, at.actor, id_, reason)
        waits(Waiting(asked.id, asked.reasons, asked.expires_at), {"stop": id_}, json=json)
