"""`ntk user`, `ntk group`, `ntk key`: who there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from api import show
from api.commands.common import DATA, As, AsJson, Data, Reason, desk, every

if TYPE_CHECKING:
    from acl.labels import Label

user_app = typer.Typer(help="People.", no_args_is_help=True)
group_app = typer.Typer(help="Groups of people.", no_args_is_help=True)
key_app = typer.Typer(help="API keys.", no_args_is_help=True)

User = Annotated[str, typer.Argument(help="user:ID")]
Level = Annotated[str, typer.Option(help="public, internal, confidential or restricted.")]
Compartments = Annotated[
    list[str] | None, typer.Option("--compartment", help="gdpr, hipaa, pci or trade-secret.NAME; repeat it.")
]


@user_app.command("add")
def user_add(
    user: User,
    name: Annotated[str, typer.Option(help="Full name; it is kept out of prompts.")],
    email: Annotated[str, typer.Option(help="E-mail address.")] = "",
    phone: Annotated[str, typer.Option(help="Phone number, with country code.")] = "",
    clearance: Level = "internal",
    compartments: Compartments = None,
    group: Annotated[list[str] | None, typer.Option(help="group:ID that the user is in; repeat it.")] = None,
    reason: Reason = "",
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Add a person. He may read nothing until a group or a rule says so."""
    from acl.admin.edits import AddUser, Edit, JoinGroup
    from acl.names import Subject, UserId

    edits: list[Edit] = [AddUser(UserId(user), name, email, phone, label_of(clearance, compartments))]
    edits += [JoinGroup(Subject(user), Subject(group_id)) for group_id in group or ()]
    with desk(data, as_user) as at:
        at.make(edits, f"Added {user}.", {"user": user, "groups": list(group or ())}, json=json, reason=reason)


@user_app.command("list")
def user_list(as_user: As = None, data: Data = DATA, json: AsJson = False) -> None:
    """List the people, for administrators of the whole."""
    from acl.insight.listing import users

    with desk(data, as_user) as at, at.looking() as actor:
        found = list(every(lambda after: users(actor, after=after or "")))
    values = [
        {"user": one.user, "name": one.name, "active": one.active, "clearance": str(one.clearance)} for one in found
    ]
    show.table(values, json=json)


@user_app.command("describe")
def user_describe(
    user: User,
    name: Annotated[str, typer.Option(help="Full name; it is kept out of prompts.")],
    email: Annotated[str, typer.Option(help="E-mail address.")] = "",
    phone: Annotated[str, typer.Option(help="Phone number, with country code.")] = "",
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Change by what a person is recognised in a text."""
    from acl.admin.edits import DescribeUser
    from acl.names import UserId

    with desk(data, as_user) as at:
        at.make([DescribeUser(UserId(user), name, email, phone)], f"Described {user}.", {"user": user}, json=json)


@user_app.command("clear")
def user_clear(
    user: User,
    level: Annotated[str, typer.Argument(help="public, internal, confidential or restricted.")],
    compartments: Compartments = None,
    reason: Reason = "",
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Say up to which level, and in which compartments, a person is cleared."""
    from acl.admin.edits import SetClearance
    from acl.names import UserId

    label = label_of(level, compartments)
    with desk(data, as_user) as at:
        said = f"{user} is cleared for {label}."
        at.make(
            [SetClearance(UserId(user), label)], said, {"user": user, "clearance": str(label)}, json=json, reason=reason
        )


@user_app.command("disable")
def user_disable(user: User, as_user: As = None, data: Data = DATA, json: AsJson = False) -> None:
    """Shut a person out: he holds nothing from the next request on, and his keys open nothing."""
    _set_active(user, as_user, data, active=False, json=json)


@user_app.command("enable")
def user_enable(user: User, as_user: As = None, data: Data = DATA, json: AsJson = False) -> None:
    """Let a person in again."""
    _set_active(user, as_user, data, active=True, json=json)


def _set_active(user: str, as_user: str | None, data: Data, *, active: bool, json: bool) -> None:
    from acl.admin.edits import SetActive
    from acl.names import UserId

    with desk(data, as_user) as at:
        said = f"{user} is {'let in' if active else 'shut out'}."
        at.make([SetActive(UserId(user), active)], said, {"user": user, "active": active}, json=json)


@group_app.command("join")
def group_join(
    member: Annotated[str, typer.Argument(help="user:ID or group:ID")],
    group: Annotated[str, typer.Argument(help="group:ID; the first member makes it.")],
    reason: Reason = "",
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Put a person or a group into a group; it holds from the next request on."""
    from acl.admin.edits import JoinGroup
    from acl.names import Subject

    with desk(data, as_user) as at:
        value = {"member": member, "group": group}
        edit = JoinGroup(Subject(member), Subject(group))
        at.make([edit], f"{member} is in {group}.", value, json=json, reason=reason)


@group_app.command("list")
def group_list(
    group: Annotated[str | None, typer.Argument(help="group:ID; without it, all.")] = None,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """List who is right in which group, for administrators of the whole."""
    from acl.insight.listing import groups
    from acl.names import Subject

    wanted = Subject(group) if group else None
    with desk(data, as_user) as at, at.looking() as actor:
        found = list(every(lambda after: groups(actor, group=wanted, after=after or 0)))
    show.table([{"member": one.member, "group": one.group} for one in found], json=json)


@group_app.command("leave")
def group_leave(
    member: Annotated[str, typer.Argument(help="user:ID or group:ID")],
    group: Annotated[str, typer.Argument(help="group:ID")],
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Take a person or a group out of a group; it holds from the next request on."""
    from acl.admin.edits import LeaveGroup
    from acl.names import Subject

    with desk(data, as_user) as at:
        value = {"member": member, "group": group}
        at.make([LeaveGroup(Subject(member), Subject(group))], f"{member} is out of {group}.", value, json=json)


@key_app.command("new")
def key_new(
    user: User,
    application: Annotated[
        str | None, typer.Option("--app", help="app:NAME; who asks with the key asks through that application.")
    ] = None,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Make an API key for a person, and show it once. A person makes keys for himself alone."""
    from acl.admin.keys import make_key
    from acl.names import UserId

    with desk(data, as_user) as at:
        key = make_key(at.engine, at.ledger, at.actor, UserId(user), application)
    show.done(key, {"user": user, "application": application, "key": key} if json else None)


@key_app.command("revoke")
def key_revoke(
    prefix: Annotated[str, typer.Argument(help="The first ten characters of the key.")],
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Revoke a key; it stops working with the next request."""
    from acl.admin.keys import revoke_keys

    with desk(data, as_user) as at:
        revoke_keys(at.engine, at.ledger, at.actor, prefix)
    show.done(f"Revoked {prefix}….", {"revoked": prefix} if json else None)


def label_of(level: str, compartments: list[str] | None) -> Label:
    """Read a label from its two options.

    Raises:
        BadLabel: There is no such level or compartment.
    """
    from acl.labels import Label, parse_compartment, parse_level

    return Label(parse_level(level), frozenset(map(parse_compartment, compartments or ())))
