"""`ntk approve` and `ntk break-glass`: what two people decide."""

from __future__ import annotations

from json import dumps as as_text
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from api import show
from api.commands.common import DATA, As, AsJson, Data, desk, told

if TYPE_CHECKING:
    from api.commands.common import Desk

_COMMON: Final = frozenset(
    ("approval", "kind", "state", "asked_by", "reason", "reasons", "edits", "asked_at", "age_seconds", "expires_at")
)
break_glass_app = typer.Typer(
    help="Access in an emergency: with a reason, a second person and an end.", no_args_is_help=True
)


def approve(
    id_: Annotated[str | None, typer.Argument(metavar="[ID]", help="Without it, what waits is listed.")] = None,
    reject: Annotated[bool, typer.Option("--reject", help="Say no.")] = False,
    look: Annotated[bool, typer.Option("--show", help="Show it whole, and decide nothing.")] = False,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Decide, as a second person, on what waits; or list what waits for you."""
    from acl.admin.second import approve as agree
    from acl.admin.second import reject as refuse

    with desk(data, as_user) as at:
        if id_ is None or look:
            _show(at, id_, json=json)
        elif reject:
            refuse(at.engine, at.ledger, at.actor, id_, at.kinds)
            show.done(f"Rejected {id_}.", {"approval": id_, "state": "rejected"} if json else None)
        else:
            agreed = agree(at.engine, at.ledger, at.actor, id_, at.kinds)
            value = {"approval": id_, "state": "approved", **agreed.came}
            show.done(f"Approved {id_}; it holds from the next request on.", value if json else None)


def _show(at: Desk, id_: str | None, *, json: bool) -> None:
    from acl.admin.approvals import waiting
    from acl.admin.gate import refusal_recorded
    from acl.admin.second import approval_for, may_decide, to_json

    with refusal_recorded(at.ledger, at.actor, what="approval"), at.looking() as actor:
        connection = actor.connection
        if id_ is None:
            found = [asked for asked in waiting(connection) if may_decide(connection, at.actor, asked, at.kinds)]
        else:
            found = [approval_for(connection, at.actor, id_, at.kinds)]
        values = [to_json(connection, asked, at.kinds, whole=id_ is not None) for asked in found]
    if json:
        show.as_json(values if id_ is None else values[0])
    else:
        show.lines([line for value in values for line in _told(value)] or ["Nothing waits for you."])


def _told(value: dict[str, Any]) -> list[str]:
    """Give what waits as lines: whose it is and why, and then what its kind shows of it."""
    lines = [f"{value['approval']}  {value['kind']}, asked by {value['asked_by']}, until {value['expires_at']}"]
    lines += [f"  reason: {value['reason']}"] if value["reason"] else []
    lines += [f"  {told(edit)}" for edit in value.get("edits", ())]
    for name in [name for name in value if name not in _COMMON]:
        text = value[name] if isinstance(value[name], str) else as_text(value[name], ensure_ascii=False)
        lines += [f"  {name}: {text}"]
    return lines


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
