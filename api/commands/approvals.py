"""`ntk approve` and `ntk break-glass`: what two people decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from api import show
from api.commands.common import DATA, As, AsJson, Data, desk, told

if TYPE_CHECKING:
    from acl.admin.approvals import Approval

break_glass_app = typer.Typer(
    help="Access in an emergency: with a reason, a second person and an end.", no_args_is_help=True
)


def approve(
    id_: Annotated[str | None, typer.Argument(metavar="[ID]", help="Without it, what waits is listed.")] = None,
    reject: Annotated[bool, typer.Option("--reject", help="Say no.")] = False,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Decide, as a second person, on a change that waits; or list what waits for you."""
    from acl.admin.approvals import to_json, waiting
    from acl.admin.gate import approve as agree
    from acl.admin.gate import may_decide
    from acl.admin.gate import reject as refuse
    from store.engine import snapshot

    with desk(data, as_user) as at:
        if id_ is None:
            with snapshot(at.engine) as connection:
                mine = [asked for asked in waiting(connection) if may_decide(connection, at.actor, asked)]
            if json:
                show.as_json([to_json(asked) for asked in mine])
            else:
                show.lines(_listed(mine))
        elif reject:
            refuse(at.engine, at.ledger, at.actor, id_)
            show.done(f"Rejected {id_}.", {"approval": id_, "state": "rejected"} if json else None)
        else:
            done = agree(at.engine, at.ledger, at.actor, id_)
            value = {"approval": id_, "state": "approved", "epoch": done.epoch}
            show.done(f"Approved {id_}; it holds from the next request on.", value if json else None)


def _listed(asked: list[Approval]) -> list[str]:
    lines = []
    for one in asked:
        lines.append(f"{one.id}  asked by {one.asked_by}, until {one.expires_at:%Y-%m-%d %H:%M} UTC")
        lines += [f"  reason: {one.reason}"] if one.reason else []
        lines += [f"  {told(edit)}" for edit in one.payload]
    return lines or ["Nothing waits for you."]


@break_glass_app.command("open")
def break_glass_open(
    place: Annotated[str, typer.Argument(help="coll:NAME, folder:ID or doc:ID")],
    minutes: Annotated[int, typer.Option(min=1, max=24 * 60, help="Minutes until it ends by itself.")],
    reason: Annotated[str, typer.Option(help="Why; a second person reads it.")],
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Ask for access to a place in an emergency, for yourself. It waits for a second person (exit 3)."""
    from acl.admin.edits import OpenBreakGlass
    from acl.names import Obj, parse_name

    at_place = Obj(parse_name(place, frozenset({"coll", "folder", "doc"})))
    with desk(data, as_user) as at:
        at.require_person()
        edit = OpenBreakGlass(at.actor, at_place, minutes)
        at.make([edit], f"{place} is open.", {"place": place, "minutes": minutes}, json=json, reason=reason)


@break_glass_app.command("end")
def break_glass_end(
    id_: Annotated[str, typer.Argument(metavar="ID", help="As `ntk break-glass list` shows it.")],
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """End an emergency access before its time."""
    from acl.admin.edits import EndBreakGlass

    with desk(data, as_user) as at:
        at.make([EndBreakGlass(id_)], f"Ended {id_}.", {"id": id_}, json=json)


@break_glass_app.command("list")
def break_glass_list(as_user: As = None, data: Data = DATA, json: AsJson = False) -> None:
    """List the emergency access that is open: your own, or everybody's for an administrator."""
    from acl.admin.breakglass import open_accesses
    from store.engine import snapshot

    with desk(data, as_user) as at, snapshot(at.engine) as connection:
        opened = open_accesses(connection, None if at.administers() else at.actor)
    if json:
        show.as_json(
            [
                {"id": one.id, "user": one.user, "object": one.object, "ends_at": one.ends_at.isoformat()}
                for one in opened
            ]
        )
    else:
        show.lines([f"{one.id}  {one.user} on {one.object} until {one.ends_at:%Y-%m-%d %H:%M} UTC" for one in opened])
