"""The page of the reference on commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import typer
from typer.core import TyperArgument, TyperGroup, TyperOption

from api.cli import app
from docs.page import page, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer.core import TyperCommand


def cli_page() -> str:
    """Give the page of all commands with their arguments and options."""
    parts: list[str] = []
    for name, command in commands():
        arguments = [p for p in command.params if isinstance(p, TyperArgument)]
        options = [p for p in command.params if isinstance(p, TyperOption)]
        usage = " ".join([f"ntk {name}", *(argument.opts[0].upper() for argument in arguments)])
        rows = [*map(_argument_row, arguments), *map(_option_row, options)]
        parts += [f"## `{usage}`", command.help or "", table(("", "value", "default", "meaning"), rows)]
    return page(
        "Commands",
        "api/cli.py",
        "`ntk COMMAND --help` shows the same. Exit codes: 0 yes, 1 no, 2 misuse, 3 partly; see [errors](errors.md). "
        "`--json` prints one JSON value on one line, for an error too. The option `--version`, in place of a command, "
        "shows the version.",
        *parts,
    )


def commands() -> Iterator[tuple[str, TyperCommand]]:
    """Give every command by its full name, without `ntk`."""

    def below(group: TyperGroup, above: str) -> Iterator[tuple[str, TyperCommand]]:
        for name, command in group.commands.items():
            if isinstance(command, TyperGroup):
                yield from below(command, f"{above}{name} ")
            else:
                yield f"{above}{name}", cast("TyperCommand", command)

    return below(cast("TyperGroup", typer.main.get_command(app)), "")


def _argument_row(argument: TyperArgument) -> tuple[str, ...]:
    return f"`{argument.opts[0].upper()}`", _kind(argument), "required", argument.help or ""


def _option_row(option: TyperOption) -> tuple[str, ...]:
    shown = "required" if option.required else f"`{option.default}`" if option.default not in (None, "", False) else ""
    meaning = f"{option.help} Or set `{option.envvar}`." if option.envvar else option.help or ""
    return ", ".join(f"`{name}`" for name in option.opts), _kind(option), shown, meaning


def _kind(parameter: TyperArgument | TyperOption) -> str:
    annotation = parameter.type_descriptor.annotation
    return {bool: "", int: "number", Path: "path"}.get(annotation, "text") + (", repeatable" * parameter.multiple)
