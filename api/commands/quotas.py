"""`ntk quota`: how much may be asked and sent."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotation
from typing import Annotated

import typer

from api import show
from api.commands.common import DATA, As, AsJson, Data, desk, text_of

quota_app = typer.Typer(help="How much may be asked and sent.", no_args_is_help=True)


@quota_app.command("show")
def quota_show(as_user: As = None, data: Data = DATA, json: AsJson = False) -> None:
    """Show the quotas that hold, as YAML that `ntk quota set` takes."""
    import yaml

    from acl.admin.gate import refusal_recorded
    from api.brakes import quotas_to_json
    from egress.brakes.quotas import require_setter
    from store.engine import snapshot

    with (
        desk(data, as_user) as at,
        refusal_recorded(at.ledger, at.actor, what="quotas"),
        snapshot(at.engine) as connection,
    ):
        require_setter(connection, at.actor)
        told = quotas_to_json(connection)
    if json:
        show.as_json(told)
    else:
        held = f"version {told['version']}" if told["version"] else "the default"
        text = yaml.safe_dump(_short(told["quotas"]), sort_keys=False, default_flow_style=None, width=120)
        show.lines([f"# {held}", text.rstrip()])


@quota_app.command("set")
def quota_set(
    file: Annotated[Path, typer.Argument(help="A YAML file with all limits.")],
    version: Annotated[int | None, typer.Option(help="Change nothing unless this version holds.")] = None,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Let the quotas of a file hold, from the next request on."""
    from egress.brakes.quotas import read_quotas, set_quotas

    quotas = read_quotas(text_of(file))
    with desk(data, as_user) as at:
        made = set_quotas(at.engine, at.ledger, at.actor, quotas, version=version)
    said = f"{len(quotas.limits)} limits hold from the next request on, as version {made.version}."
    show.done(said, {"version": made.version, "limits": len(quotas.limits)} if json else None)


@quota_app.command("usage")
def quota_usage(as_user: As = None, data: Data = DATA, json: AsJson = False) -> None:
    """List what is used of the quotas in the windows that run, by whom."""
    from datetime import UTC, datetime

    from acl.admin.gate import refusal_recorded
    from api.brakes import used_to_json
    from egress.brakes.usage import usage
    from store.engine import snapshot

    with (
        desk(data, as_user) as at,
        refusal_recorded(at.ledger, at.actor, what="quotas"),
        snapshot(at.engine) as connection,
    ):
        rows = [used_to_json(one) for one in usage(connection, at.actor, datetime.now(UTC))]
    show.table(rows, json=json)


@quota_app.command("schema")
def quota_schema() -> None:
    """Print the JSON schema of quotas."""
    from egress.brakes.quotas import Quotas

    show.as_json(Quotas.model_json_schema())


def _short(value: object) -> object:
    """Leave out what says nothing."""
    if isinstance(value, dict):
        return {name: _short(part) for name, part in value.items() if part is not None}
    return [_short(part) for part in value] if isinstance(value, list) else value
