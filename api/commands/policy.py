"""`ntk policy`: rules, what they mean, what a change of them would do, and the yearly review."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api import show
from api.commands.common import DATA, As, AsJson, AtEpoch, Data, Reason, bytes_of, desk, every, text_of, told, write_to
from api.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from acl.admin.edits import Edit
    from acl.exchange.directory_file import Form
    from acl.names import Effect
    from api.commands.common import Desk

policy_app = typer.Typer(help="Rules: who may do what, and why.", no_args_is_help=True)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")]
Subject = Annotated[str, typer.Argument(help="user:ID, group:ID or role:everyone")]
Object = Annotated[str, typer.Argument(help="coll:NAME, folder:ID, doc:ID, owner:ID, label:NAME or root:all")]
Does = Annotated[str, typer.Argument(help="read, write, share, manage, send, audit or *")]


@policy_app.command("allow")
def policy_allow(
    subject: Subject,
    obj: Object,
    action: Does = "read",
    reason: Reason = "",
    epoch: AtEpoch = None,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Let somebody do something; it holds from the next request on."""
    edit, value = _rule("add-rule", [subject, obj, action, "allow"])
    with desk(data, as_user) as at:
        at.make([edit], f"{subject} may {action} on {obj}.", value, json=json, reason=reason, epoch=epoch)


@policy_app.command("deny")
def policy_deny(
    subject: Subject,
    obj: Object,
    action: Does = "read",
    reason: Reason = "",
    epoch: AtEpoch = None,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Keep somebody from something, whatever else allows it."""
    edit, value = _rule("add-rule", [subject, obj, action, "deny"])
    with desk(data, as_user) as at:
        at.make([edit], f"{subject} may not {action} on {obj}.", value, json=json, reason=reason, epoch=epoch)


@policy_app.command("remove")
def policy_remove(
    subject: Subject,
    obj: Object,
    action: Does = "read",
    deny: Annotated[bool, typer.Option("--deny", help="The rule is one that denies.")] = False,
    reason: Reason = "",
    epoch: AtEpoch = None,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Remove a rule, this one and no other."""
    effect: Effect = "deny" if deny else "allow"
    edit, value = _rule("remove-rule", [subject, obj, action, effect])
    with desk(data, as_user) as at:
        said = f"Removed: {subject}, {obj}, {action}, {effect}."
        at.make([edit], said, value, json=json, reason=reason, epoch=epoch)


def _rule(op: str, parts: Sequence[str]) -> tuple[Edit, dict[str, Any]]:
    from acl.admin.edits import edit_of

    value = dict(zip(("subject", "object", "action", "effect"), parts, strict=False))
    return edit_of({"op": op, **value}), value


@policy_app.command("list")
def policy_list(
    subject: Annotated[str | None, typer.Option(help="Rules of this user, group or role alone.")] = None,
    obj: Annotated[str | None, typer.Option("--object", help="Rules on this place alone.")] = None,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """List the rules on what you manage, the oldest first."""
    from acl.insight.listing import rules
    from acl.names import Obj
    from acl.names import Subject as Name

    of, on = (Name(subject) if subject else None), (Obj(obj) if obj else None)
    with desk(data, as_user) as at, at.looking() as actor:
        found = list(every(lambda after: rules(actor, subject=of, obj=on, after=after or 0)))
    columns = ("subject", "object", "action", "effect")
    show.table([{name: getattr(one.rule, name) for name in columns} for one in found], json=json)


@policy_app.command("explain")
def policy_explain(
    user: Annotated[str, typer.Argument(help="user:ID")],
    place: Annotated[str, typer.Argument(help="doc:ID, coll:NAME or folder:ID")],
    action: Does = "read",
    search: Annotated[
        bool,
        typer.Option("--search", help="Also which way his searches take in there. For administrators of the whole."),
    ] = False,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Say why somebody may do something, or each thing that he lacks; exit 1 if he may not. For those who manage it."""
    from acl.insight.explain import explain_to
    from acl.insight.explained import to_json, to_lines
    from acl.names import NodeId, UserId, parse_action, parse_name
    from api.ways import way_of
    from store.engine import snapshot

    asked = UserId(parse_name(user, frozenset({"user"})))
    at_place = NodeId(parse_name(place, frozenset({"doc", "coll", "folder"})))
    with desk(data, as_user) as at, snapshot(at.engine) as connection:
        made = explain_to(connection, at.actor, asked, at_place, action=parse_action(action))
        if search:
            at.require_administrator()
    way = way_of(data, asked, within=None if at_place.startswith("doc:") else at_place) if search else None
    if json:
        show.as_json(to_json(made) | ({"search": asdict(way)} if way else {}))
    else:
        show.lines([*to_lines(made), *([f"His searches: {way}."] if way else [])])
    if not made.verdict:
        raise typer.Exit(Exit.NO)


@policy_app.command("simulate")
def policy_simulate(
    add: Annotated[list[str] | None, typer.Option(help='"SUBJECT, OBJECT, ACTION, EFFECT" or "MEMBER, GROUP".')] = None,
    remove: Annotated[list[str] | None, typer.Option(help="The same, to be taken away.")] = None,
    edits: Annotated[Path | None, typer.Option(help="A file with a JSON list of edits, as HTTP takes them.")] = None,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Say who would gain and who would lose what, and change nothing. For administrators of the whole."""
    from acl.insight.simulate import simulate
    from acl.insight.simulated import to_json, to_lines

    wanted = [*_lines("add", add), *_lines("remove", remove), *(_edits_in(edits) if edits else ())]
    with desk(data, as_user) as at:
        at.require_administrator()
        made = simulate(at.engine, wanted)
    if json:
        show.as_json(to_json(made))
    else:
        show.lines(to_lines(made))


def _lines(verb: str, written: Sequence[str] | None) -> list[Edit]:
    from acl.admin.edits import edit_of
    from acl.errors import BadEdit

    made = []
    for line in written or ():
        parts = [part.strip() for part in line.split(",")]
        if len(parts) == 2:
            op = "join-group" if verb == "add" else "leave-group"
            made.append(edit_of({"op": op, "member": parts[0], "group": parts[1]}))
        elif 3 <= len(parts) <= 4:
            made.append(_rule(f"{verb}-rule", parts)[0])
        else:
            raise BadEdit(f'--{verb} {line!r}: write "SUBJECT, OBJECT, ACTION, EFFECT" or "MEMBER, GROUP"')
    return made


def _edits_in(file: Path) -> list[Edit]:
    import json

    from acl.admin.edits import edits_of
    from acl.errors import BadEdit

    try:
        values = json.loads(text_of(file))
    except (ValueError, RecursionError) as error:
        raise BadEdit(f"{file} is not JSON: write a list of edits") from error
    if not isinstance(values, list):
        raise BadEdit(f"{file} is no list of edits")
    return edits_of(values)


@policy_app.command("review")
def policy_review(
    export: Annotated[Path | None, typer.Option(help="Write it as CSV to this file, to be signed.")] = None,
    sign: Annotated[Path | None, typer.Option(help="Sign an export that you have read, as yourself.")] = None,
    everything: Annotated[bool, typer.Option("--everything", help="Also who reaches nothing.")] = False,
    action: Annotated[str, typer.Option(help="read, write, share, manage, send or audit.")] = "read",
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """List what each person reaches in each collection, and why; export it; sign what was exported."""
    from acl.insight.review import review
    from acl.insight.reviewed import to_json, to_lines
    from acl.insight.signoff import read_export, to_csv
    from acl.insight.signoff import sign as sign_export
    from acl.names import parse_action
    from store.engine import snapshot, write

    with desk(data, as_user) as at:
        at.require_administrator()
        if sign is not None:
            at.require_person()
            exported = read_export(bytes_of(sign))
            with write(at.engine) as connection:
                signed = sign_export(connection, at.ledger, at.actor, exported)
            value = {"id": signed.id, "digest": signed.digest, "epoch": signed.epoch, "lines": signed.lines}
            show.done(f"Signed {sign}: {signed.lines} lines, policy epoch {signed.epoch}.", value if json else None)
            return
        with snapshot(at.engine) as connection:
            made = review(connection, parse_action(action), everything=everything)
    if export is not None:
        written = to_csv(made, datetime.now(UTC))
        write_to(export, written.content)
        value = {"file": str(export), "digest": written.digest, "epoch": written.epoch, "lines": written.lines}
        show.done(f"Wrote {export}: {written.lines} lines, SHA-256 {written.digest}.", value if json else None)
    elif json:
        show.as_json(to_json(made))
    else:
        show.lines(to_lines(made))


@policy_app.command("import")
def policy_import(
    file: Annotated[
        Path, typer.Argument(help="Casbin's policy.csv: lines p, SUB, OBJ, ACT, EFT and g, MEMBER, GROUP.")
    ],
    replace: Annotated[bool, typer.Option("--replace", help="Also remove the rules that the file lacks.")] = False,
    dry_run: DryRun = False,
    reason: Reason = "",
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Take in rules and memberships: all of the file, or nothing of it."""
    from acl.exchange.policy_file import plan_policy

    with desk(data, as_user) as at:
        at.require_administrator()
        edits = plan_policy(at.engine, text_of(file), replace=replace)
        _take_in(at, edits, file, reason, dry_run=dry_run, json=json)


@policy_app.command("export")
def policy_export(as_user: As = None, data: Data = DATA) -> None:
    """Print all rules and memberships as Casbin's policy.csv, in the form that import takes."""
    from acl.exchange.policy_file import export_policy
    from store.engine import snapshot

    with desk(data, as_user) as at:
        at.require_administrator()
        with snapshot(at.engine) as connection:
            sys.stdout.write(export_policy(connection))


@policy_app.command("directory")
def policy_directory(
    file: Annotated[Path | None, typer.Argument(help="People and groups; without it, they are printed.")] = None,
    scim: Annotated[bool, typer.Option("--scim", help="JSON of SCIM resources, in place of CSV.")] = False,
    whole: Annotated[bool, typer.Option("--whole", help="Everybody is in the file: put out who is not.")] = False,
    let_in: Annotated[bool, typer.Option("--let-in", help="Let those in again who are active in the file.")] = False,
    dry_run: DryRun = False,
    reason: Reason = "",
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Take in people and groups from a directory: all of the file, or nothing of it; or print those that are here."""
    from acl.exchange.directory import plan_directory
    from acl.exchange.directory_file import export_directory, read_directory
    from store.engine import snapshot

    form: Form = "scim" if scim else "csv"
    with desk(data, as_user) as at:
        at.require_administrator()
        if file is None:
            with snapshot(at.engine) as connection:
                sys.stdout.write(export_directory(connection, form))
            return
        plan = plan_directory(at.engine, read_directory(text_of(file), form), is_whole=whole, let_in=let_in)
        show.warnings(plan.left)
        _take_in(at, plan.edits, file, reason, dry_run=dry_run, json=json)


def _take_in(at: Desk, edits: Sequence[Edit], file: Path, reason: str, *, dry_run: bool, json: bool) -> None:
    """Make the edits of a file, or tell what they would do."""
    from acl.admin.edits import to_json
    from acl.insight.simulate import simulate
    from acl.insight.simulated import to_json as difference_to_json
    from acl.insight.simulated import to_lines

    listed = [to_json(edit) for edit in edits]
    if not dry_run:
        at.make(edits, f"Took in {file}: {len(edits)} changes.", {"edits": listed}, json=json, reason=reason)
        return
    difference = simulate(at.engine, edits)
    if json:
        show.as_json({"edits": listed, "difference": difference_to_json(difference)})
    else:
        show.lines([f"{len(edits)} changes:", *(f"  {told(edit)}" for edit in listed), *to_lines(difference)])
