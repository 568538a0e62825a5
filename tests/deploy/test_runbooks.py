"""The runbooks: one page each, in one order, and every command in them can be typed as it stands."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any, Final

import pytest
import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from api.cli import app
from api.incidents import runbook_of
from egress.incident.incidents import Kind
from tests.docs.blocks import ROOT, shell_lines

if TYPE_CHECKING:
    from pathlib import Path

PAGES: Final = sorted((ROOT / "deploy" / "runbooks").glob("*.md"))
PARTS: Final = [
    "Signs",
    "First five minutes",
    "Find out",
    "Tell whom, by when",
    "Put right",
    "Afterwards",
]


def parsed(line: str) -> str | None:
    """Give a command of ntk as it is understood, without running it; None for a line that is none.

    Raises:
        TyperException: Something in it is not there, or something is missing.
    """
    words = shlex.split(line)
    if words[0] != "ntk":
        return None
    command: Any = typer.main.get_command(app)
    context, rest = typer.Context(command, info_name="ntk"), words[1:]
    while isinstance(command, TyperGroup):
        _, command, rest = command.resolve_command(context, rest)
    return str(command.make_context(command.name, rest).command_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_runbook_is_one_page_and_has_its_parts_in_order(page: Path) -> None:
    text = page.read_text("utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == PARTS
    assert len(text.splitlines()) <= 90
    first = text.partition("## First five minutes")[2].partition("## ")[0]
    assert "ntk " in first


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_of_a_runbook_can_be_typed_as_it_stands(page: Path) -> None:
    lines = [line for line, _ in shell_lines(page.read_text("utf-8"))]
    understood = [parsed(line) for line in lines]
    assert len([one for one in understood if one]) >= 5


@pytest.mark.parametrize(
    "line",
    [
        "ntk incident opn other all --since 2026-11-01 --reason x",
        "ntk incident open other all --reason x",
        "ntk incident open other --since 2026-11-01 --reason x",
        "ntk incident open other all user:anna --since 2026-11-01 --reason x",
        "ntk incident report x --csv report.csv",
        "ntk frobnicate",
    ],
)
def test_a_command_that_cannot_be_typed_so_is_found(line: str) -> None:
    with pytest.raises(TyperException):
        parsed(line)


def test_every_kind_of_incident_has_a_page_and_the_commands_open_their_own_kind() -> None:
    for kind in Kind:
        assert (ROOT / runbook_of(kind)).is_file()
    for page in PAGES:
        opened = set(re.findall(r"^ntk incident open (\S+)", page.read_text("utf-8"), re.MULTILINE))
        assert opened <= {page.stem}
        assert opened or page.stem == "erasure-demand"
