"""`ntk provider` and `ntk app`: with whom there is a contract, and which programs ask."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api import show, show_gate
from api.commands.common import DATA, As, AsJson, Data, desk, text_of

if TYPE_CHECKING:
    from egress.contract.register import Registered

provider_app = typer.Typer(help="Providers of models, and what their contracts say.", no_args_is_help=True)
app_app = typer.Typer(help="Applications: the programs through which people ask.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="The record, in YAML.")]
Name = Annotated[str, typer.Argument(help="Its name.")]
MaybeName = Annotated[str | None, typer.Argument(help="Its name; without one, all.")]
Seen = Annotated[int | None, typer.Option("--seen", help="Change nothing unless it is at this version.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it is kept with the version.")]


@provider_app.command("add")
def provider_add(file: File, as_user: As = None, data: Data = DATA, json: AsJson = False) -> None:
    """Register a provider from its record in YAML."""
    _save("provider", file, None, 0, as_user, data, json=json)


@provider_app.command("edit")
def provider_edit(
    name: Name, file: File, seen: Seen = None, as_user: As = None, data: Data = DATA, json: AsJson = False
) -> None:
    """Write the next version of a provider's record; it holds from the next request on."""
    _save("provider", file, name, seen, as_user, data, json=json)


@provider_app.command("show")
def provider_show(name: MaybeName = None, as_user: As = None, data: Data = DATA, json: AsJson = False) -> None:
    """Show a provider's record as it holds now, and what ends soon; without a name, list them."""
    _show("provider", name, as_user, data, json=json)


@provider_app.command("history")
def provider_history(name: Name, as_user: As = None, data: Data = DATA, json: AsJson = False) -> None:
    """List all versions of a provider's record, the oldest first."""
    _history("provider", name, as_user, data, json=json)


@provider_app.command("test")
def provider_test(name: Name, as_user: As = None, data: Data = DATA, json: AsJson = False) -> None:
    """Try the way to a provider, without a text, whether its keys can be had, and its models; exit 1 if not."""
    from functools import partial

    from api.errors import Exit
    from api.settings import load_settings
    from api.trying import found_to_json
    from egress.trials.run import probed
    from store.folder import Layout
    from store.key_ring import KeyRing
    from store.secret import read

    with desk(data, as_user) as at:
        keys = KeyRing(load_settings(Layout(data)).keys, partial(read, base=data))
        found = probed(at.engine, at.ledger, at.actor, name, keys.secret)
    if json:
        show.table([found_to_json(point, one) for point, one in found.items()], json=True)
    else:
        for point, one in found.items():
            show_gate.found(point, one)
    if not all(one.passed for one in found.values()):
        raise typer.Exit(Exit.NO)


@provider_app.command("expire")
def provider_expire(name: Name, reason: Why, as_user: As = None, data: Data = DATA, json: AsJson = False) -> None:
    """End the contract with a provider: nothing goes there from the next request on."""
    from datetime import UTC, datetime

    from egress.contract.records import expire

    with desk(data, as_user) as at:
        saved = expire(at.engine, at.ledger, at.actor, name, reason, datetime.now(UTC).date())
    _told(saved.registered, f"The contract with {name} has ended.", json=json)


@provider_app.command("schema")
def provider_schema() -> None:
    """Print the form of a provider's record, as a JSON schema."""
    from egress.contract.provider import Provider

    show.as_json(Provider.model_json_schema())


@app_app.command("add")
def app_add(file: File, as_user: As = None, data: Data = DATA, json: AsJson = False) -> None:
    """Register an application from its record in YAML."""
    _save("app", file, None, 0, as_user, data, json=json)


@app_app.command("edit")
def app_edit(
    name: Name, file: File, seen: Seen = None, as_user: As = None, data: Data = DATA, json: AsJson = False
) -> None:
    """Write the next version of an application's record; it holds from the next request on."""
    _save("app", file, name, seen, as_user, data, json=json)


@app_app.command("show")
def app_show(name: MaybeName = None, as_user: As = None, data: Data = DATA, json: AsJson = False) -> None:
    """Show an application's record as it holds now; without a name, list them."""
    _show("app", name, as_user, data, json=json)


@app_app.command("history")
def app_history(name: Name, as_user: As = None, data: Data = DATA, json: AsJson = False) -> None:
    """List all versions of an application's record, the oldest first."""
    _history("app", name, as_user, data, json=json)


@app_app.command("retire")
def app_retire(name: Name, reason: Why, as_user: As = None, data: Data = DATA, json: AsJson = False) -> None:
    """Let nobody ask through an application from the next request on."""
    from egress.contract.records import retire

    with desk(data, as_user) as at:
        saved = retire(at.engine, at.ledger, at.actor, name, reason)
    _told(saved.registered, f"Nobody may ask through {name} any more.", json=json)


@app_app.command("schema")
def app_schema() -> None:
    """Print the form of an application's record, as a JSON schema."""
    from egress.contract.application import Application

    show.as_json(Application.model_json_schema())


def _save(
    kind: str, file: Path, name: str | None, seen: int | None, as_user: str | None, data: Path, *, json: bool
) -> None:
    from egress.contract.forms import read_yaml
    from egress.contract.records import FORMS, save, shown
    from egress.errors import BadRecord

    record = read_yaml(FORMS[kind], text_of(file), file.name)
    if name is not None and record.name != name:
        raise BadRecord(f"{file.name}: it is the record of {record.name}, not of {name}")
    with desk(data, as_user) as at:
        if name is not None:
            with at.looking() as actor:
                shown(actor, kind, name)  # to edit what is not there would make it
        saved = save(at.engine, at.ledger, at.actor, record, version=seen)
    show.warnings(saved.warnings)
    said = f"{kind}:{record.name} is at version {saved.registered.version}."
    _told(saved.registered, said, json=json)


def _told(written: Registered, said: str, *, json: bool) -> None:
    from egress.contract.records import to_values

    show.done(said, to_values(written) if json else None)


def _show(kind: str, name: str | None, as_user: str | None, data: Path, *, json: bool) -> None:
    from egress.contract.records import listed, shown, to_values

    with desk(data, as_user) as at, at.looking() as actor:
        found = listed(actor, kind) if name is None else [shown(actor, kind, name)]
    for one in found:
        show.warnings(_warnings(one))
    if json:
        show.table([to_values(one) for one in found], json=True)
    elif name is None:
        show.table([_row(one) for one in found], json=False)
    else:
        show.as_yaml(found[0].record)


def _history(kind: str, name: str, as_user: str | None, data: Path, *, json: bool) -> None:
    from egress.contract.records import to_values, versions

    with desk(data, as_user) as at, at.looking() as actor:
        found = versions(actor, kind, name)
    if json:
        show.table([to_values(one) for one in found], json=True)
    else:
        rows = [
            {
                "version": one.version,
                "at": f"{one.made_at:%Y-%m-%d %H:%M}",
                "by": one.made_by,
                "note": one.record["note"],
            }
            for one in found
        ]
        show.table(rows, json=False)


def _warnings(one: Registered) -> tuple[str, ...]:
    from datetime import UTC, datetime

    from egress.contract.forms import validated
    from egress.contract.provider import Provider, warnings_of

    if one.kind != "provider":
        return ()
    return warnings_of(validated(Provider, one.record, one.name), datetime.now(UTC).date())


def _row(one: Registered) -> dict[str, object]:
    record = one.record
    if one.kind == "provider":
        return {"provider": one.name, "kind": record["kind"], "url": record["base_url"], "ends": record["ends"]}
    return {
        "app": one.name,
        "ceiling": record["ceiling"],
        "provider": record["provider"],
        "local": record["local"],
        "retired": record["retired"],
    }
