"""Prints what may leave: the gate of an application, and where a label may go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from api.show import err, out, warnings

if TYPE_CHECKING:
    from egress.contract.explained import Explained
    from egress.contract.gate import Gate
    from egress.trials.found import Found


class Trying:
    """Progress of the trials of a gate on the terminal, and a line for each where there is none."""

    def __init__(self, many: int) -> None:
        """So many trials there are."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._bar = Progress(*columns, console=err, transient=True, disable=not err.is_terminal)
        self._task = self._bar.add_task("trying", total=many)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def tried(self, point: str, found: Found) -> None:
        """One is done."""
        err.print(_found(point, found))
        self._bar.update(self._task, advance=1)


def found(point: str, made: Found) -> None:
    """Print what a trial found."""
    out.print(_found(point, made))


def _found(point: str, made: Found) -> str:
    word = {True: "[green]passed[/]", False: "[red]failed[/]", None: "[yellow]not tried[/]"}[made.passed]
    return f"{word} {point}: {escape(made.why)}"


def gate(made: Gate) -> None:
    """Print the ten points of a gate: which are open, until when, and what says so."""
    for point in made.points:
        colour = "green" if point else "red"
        until = f" [dim]until {point.until:%Y-%m-%d %H:%M}[/]" if point.until else ""
        out.print(f"[{colour}]{point.state:<8}[/]{point.name:<23}[dim]{point.kind:<10}[/]{escape(point.why)}{until}")
    if made:
        out.print(f"\nThe gate of {escape(made.application)} is open.")
    else:
        out.print(f"\nThe gate of {escape(made.application)} is closed: nothing above public leaves through it.")
    warnings(made.warnings)


def route(made: Explained) -> None:
    """Print what each class of a label asks of a provider, what of it the contract has, and the verdict."""
    for cell in made.cells:
        colour, word = ("green", "yes") if cell.passed else ("red", "no")
        kinds = f"for {', '.join(cell.kinds) or 'nobody'}: {'yes' if cell.kind_fits else 'no'}"
        terms = "".join(f"; {term}: {'yes' if has else 'no'}" for term, has in cell.needs)
        approved = "; the exact bytes need an approval" if cell.approve else ""
        out.print(f"[{colour}]{word:<5}[/]{cell.name:<14}{kinds}{terms}{approved}")
    if made.gate is not None:
        state = "open" if made.gate else f"closed ({', '.join(made.gate.closed)})"
        out.print(f"The gate of {escape(made.gate.application)} is {state}.")
    out.print(f"\n{made.decision}: {escape(made.rule)}")
