"""`ntk gate`, `ntk route`, `ntk matrix`: what may leave through an application, and why not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api import show, show_gate
from api.commands.common import DATA, As, AsJson, Data, bytes_of, desk
from api.errors import Exit

if TYPE_CHECKING:
    from api.commands.common import Desk

route_app = typer.Typer(help="Where a text may go.", no_args_is_help=True)
matrix_app = typer.Typer(help="What a contract must say before a text may go to a provider.", no_args_is_help=True)


def gate(
    application: Annotated[str, typer.Argument(help="Its name, with or without app:")],
    check: Annotated[
        bool, typer.Option("--check", help="Try first what is measured; the service must not run.")
    ] = False,
    attest: Annotated[str | None, typer.Option(metavar="POINT", help="Write down that somebody stands for it.")] = None,
    document: Annotated[str | None, typer.Option(help="A file or a web address that shows it.")] = None,
    by: Annotated[str | None, typer.Option(help="Who stands for it.")] = None,
    until: Annotated[str | None, typer.Option(help="The last day, such as 2027-03-31.")] = None,
    withdraw: Annotated[
        str | None, typer.Option(metavar="POINT", help="Let what was attested of it count no longer.")
    ] = None,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Show the ten points that an application passes before anything above public leaves; exit 1 if one is closed."""
    from datetime import UTC, datetime

    from egress.contract.attesting import withdraw as withdraw_it
    from egress.contract.gate import gate as gate_at
    from egress.contract.records import may_look, none_of

    name = application.removeprefix("app:")
    if check:
        _check(name, as_user, data, json=json)
    with desk(data, as_user) as at:
        if attest is not None:
            _attest(at, name, attest, document, by, until)
        if withdraw is not None:
            withdraw_it(at.engine, at.ledger, at.actor, name, withdraw)
        with at.looking() as actor:
            if not may_look(actor, name):
                raise none_of("app", name)
            looked = gate_at(actor.connection, name, datetime.now(UTC))
    if json:
        show.as_json(looked.to_json())
    else:
        show_gate.gate(looked)
    if not looked:
        raise typer.Exit(Exit.NO)


def _check(name: str, as_user: str | None, data: Path, *, json: bool) -> None:
    from api.commands.common import actor_of, key_given
    from api.trying import found_to_json, tried_for
    from egress.contract.evidence import MEASURED

    made = tried_for(data, name, lambda opened: actor_of(opened, as_user), as_user=as_user, key=key_given())
    with show_gate.Trying(len(MEASURED)) as shown:
        for point, found in made:
            if json:
                show.as_json({"event": "tried", **found_to_json(point, found)})
            shown.tried(point, found)


def _attest(at: Desk, name: str, point: str, document: str | None, by: str | None, until: str | None) -> None:
    from egress.contract.attesting import Attestation, attest, end_of
    from egress.contract.evidence import document_at
    from egress.errors import BadEvidence

    if document is None or by is None or until is None:
        raise BadEvidence("to attest a point takes --document, --by and --until")
    content = None if document.startswith(("http://", "https://")) else bytes_of(Path(document))
    shown = document if content is None else Path(document).name
    described = document_at(shown, content)
    attest(at.engine, at.ledger, at.actor, name, Attestation(point, described, by, end_of(until)))


@route_app.command("explain")
def route_explain(
    label: Annotated[str, typer.Option(help="The label of the text, such as confidential+gdpr.")],
    provider: Annotated[str, typer.Option(help="The name of a provider.")],
    application: Annotated[str | None, typer.Option("--app", help="Also the gate of this application.")] = None,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Say for each class of a label what the matrix asks and what the contract has, and the verdict; exit 1 if not."""
    from datetime import UTC, datetime

    from acl.labels import parse_label
    from egress.contract.explained import explained_to

    wanted = parse_label(label)
    with desk(data, as_user) as at, at.looking() as actor:
        made = explained_to(actor, wanted, provider, application, datetime.now(UTC))
    if json:
        show.as_json(made.to_json())
    else:
        show_gate.route(made)
    if made.decision == "refuse":
        raise typer.Exit(Exit.NO)


@matrix_app.command("show")
def matrix_show(data: Data = DATA, json: AsJson = False) -> None:
    """Show which classes of text may go to whom, and what for; anybody may know it."""
    from api.wiring import open_store_at
    from egress.contract.explained import rows_of
    from egress.contract.forms import to_json
    from egress.contract.matrix import matrix_now
    from store.engine import snapshot

    with open_store_at(data) as opened, snapshot(opened.store.engine) as connection:
        matrix, version = matrix_now(connection)
    if json:
        show.as_json({"version": version, "matrix": to_json(matrix)})
        return
    show.table(rows_of(matrix), json=False)
    source = f"version {version}" if version else "the one that ships"
    show.lines([
        "",
        f"retention: at most {matrix.retention_days} days; region: {', '.join(matrix.regions)} ({source})",
    ])  # fmt: skip


@matrix_app.command("set")
def matrix_set(
    file: Annotated[Path, typer.Argument(help="The whole matrix, in YAML: ntk matrix schema says its form.")],
    reason: Annotated[str, typer.Option(help="Why; a second person reads it.")],
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Ask for another matrix: it holds once a second administrator has agreed (exit 3)."""
    from egress.contract.change import ask_for_matrix
    from egress.contract.matrix import read_matrix

    matrix = read_matrix(bytes_of(file).decode("utf-8", "replace"))
    with desk(data, as_user) as at:
        asked = ask_for_matrix(at.engine, at.ledger, at.actor, matrix, reason)
    value = {"approval": asked.id, "reasons": list(asked.reasons), "expires_at": asked.expires_at.isoformat()}
    if json:
        show.as_json(value)
    else:
        show.lines([*asked.reasons, "", f"It waits for a second person: ntk approve {asked.id}"])
    raise typer.Exit(Exit.PARTLY)


@matrix_app.command("schema")
def matrix_schema() -> None:
    """Print the form of a matrix, as a JSON schema."""
    from egress.contract.matrix import Matrix

    show.as_json(Matrix.model_json_schema())
