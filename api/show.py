"""What the command line prints: answers, summaries, findings, progress."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import yaml
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from ingest.types import one_line
from redaction.normalise import fold
from redaction.redact import SECRET_REMOVED
from redaction.tokens import find
from redaction.types import Kind
from retrieval.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Self

    from api.doctor import Finding
    from egress.types import Citation, Reply
    from ingest.outcome import Outcome, Summary, What

_SHOWN: Final = 160  # characters of an excerpt in a line

# One person may be mentioned often, by name, number and address: what is counted is the mentions.
KINDS: Final = {
    Kind.USER: ("mention of a person", "mentions of people"),
    Kind.HANDLE: ("account name", "account names"),
    Kind.EMAIL: ("e-mail address", "e-mail addresses"),
    Kind.PHONE: ("phone number", "phone numbers"),
    Kind.IBAN: ("bank account", "bank accounts"),
    Kind.BIC: ("bank code", "bank codes"),
    Kind.CARD: ("card number", "card numbers"),
    Kind.IDENT: ("official number", "official numbers"),
    Kind.NUMBER: ("reference number", "reference numbers"),
    Kind.BIRTH: ("date of birth", "dates of birth"),
    Kind.ADDRESS: ("postal address", "postal addresses"),
    Kind.GEO: ("pair of coordinates", "pairs of coordinates"),
    Kind.PLATE: ("number plate", "number plates"),
    Kind.IP: ("IP address", "IP addresses"),
    Kind.MAC: ("device address", "device addresses"),
    Kind.ORG: ("organisation", "organisations"),
    Kind.PLACE: ("place", "places"),
    Kind.DATE: ("date", "dates"),
    Kind.AMOUNT: ("amount", "amounts"),
    Kind.TRAIT: ("trait of a person", "traits of people"),
    Kind.URL: ("link", "links"),
    Kind.SECRET: ("removed secret", "removed secrets"),
    Kind.TEXT: ("look-alike of a token", "look-alikes of tokens"),
}

# Without emoji: "user:b:" in a message is a name and a colon, and ":key:" in a document is what stands there.
out = Console(highlight=False, soft_wrap=True, emoji=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def as_json(value: Any) -> None:
    """Print one JSON value on one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def as_yaml(value: Any) -> None:
    """Print a value as YAML, as it is written by hand."""
    out.print(yaml.safe_dump(value, sort_keys=False, allow_unicode=True).rstrip(), markup=False)


def done(said: str, value: dict[str, Any] | None) -> None:
    """Say in a sentence what was done, or in JSON where a value is given for it."""
    if value is None:
        out.print(said, markup=False)
    else:
        as_json(value)


def lines(told: Iterable[str]) -> None:
    """Print lines as they are."""
    for line in told:
        out.print(line, markup=False)


def marked(text: str) -> None:
    """Print a redacted text with its tokens, and what stands for removed secrets, made to stand out."""
    shown = Text(text)
    folded = fold(text)
    for word in find(folded):
        shown.stylize("bold reverse", *folded.original(word.start, word.end))
    shown.highlight_words([SECRET_REMOVED], "bold red")
    out.print(shown, end="\n\n")


def warnings(told: Iterable[str]) -> None:
    """Print what somebody should know beside what he asked for, where it does not mix with that."""
    for line in told:
        err.print(f"[yellow]note:[/] {escape(line)}")


def table(rows: Sequence[Mapping[str, Any]], *, json: bool) -> None:
    """Print rows with the same columns: aligned under their names, or as JSON, a value a line."""
    if json:
        for row in rows:
            as_json(row)
        return
    texts = [{name: _cell(value) for name, value in row.items()} for row in rows]
    widths = {name: max(len(name), *(len(row[name]) for row in texts)) for name in (texts[0] if texts else ())}
    for row in [{name: name for name in widths}, *texts] if texts else []:
        out.print("  ".join(row[name].ljust(width) for name, width in widths.items()).rstrip(), markup=False)


def _cell(value: object) -> str:
    return (
        {True: "yes", False: "no", None: ""}.get(value, "") if isinstance(value, bool | None) else one_line(str(value))
    )


def reply(made: Reply, *, prompt: bool = False) -> None:
    """Print an answer with its citations, and what left; a refusal is its sentence and nothing else."""
    if made.understood_as:
        out.print(f"[dim]Understood as: {escape(one_line(made.understood_as))}[/]\n")
    out.print(escape(made.answer))
    if made.outcome == "nothing":
        return
    if made.request:
        out.print(f"\n  Once it is approved: ntk answer {made.request}", markup=False)
    out.print()
    for citation in made.citations:
        shortened = around(citation.excerpt, made.answer)
        place = f"{citation.title}{_place(citation)}"
        out.print(f"  [bold]\\[{citation.number}][/] {escape(place)}: [dim]{escape(shortened)}[/]")
    for warning in made.warnings:
        out.print(f"  [dim]warning: {escape(one_line(warning))}[/]")
    out.print(f"\n  {escape(left(made))}")
    if prompt and made.prompt:
        out.print(f"[dim]{escape(made.prompt)}[/]")


def _place(citation: Citation) -> str:
    """Give where in a document a citation stands, and of when it is."""
    below = [heading for heading in citation.headings if heading != citation.title]
    dated = f" ({citation.dated:%Y-%m-%d})" if citation.dated else ""
    return "".join(f" > {one_line(heading)}" for heading in below) + dated


def around(excerpt: str, answer: str) -> str:
    """Give up to 160 characters of an excerpt in one line, from the longest sentence on that the answer quotes.

    Without such a sentence they are the first ones.
    """
    said, whole, begin, longest = one_line(answer), "", 0, 0
    for start, end in sentences(excerpt):
        sentence = one_line(excerpt[start:end])
        if len(sentence) > longest and sentence in said:
            begin, longest = len(whole), len(sentence)
        whole += f"{sentence} "
    whole = whole.rstrip() or one_line(excerpt)
    if len(whole) <= _SHOWN:
        return whole
    return f"{'… ' * (begin > 0)}{whole[begin : begin + _SHOWN]}{' …' * (len(whole) > begin + _SHOWN)}"


def left(made: Reply) -> str:
    """Say in one line what left the building."""
    replaced = ", ".join(_counted(count, *KINDS[Kind(kind)]) for kind, count in sorted(made.redactions.items()))
    label = f"Label {made.label}; replaced: {replaced or 'nothing'}."
    if made.route is None or made.route.provider is None:
        reason = made.route.rule if made.route else "nothing was prepared"
        return f"Nothing left this machine ({reason}). {label}"
    if made.request:
        return f"Nothing was sent yet ({made.route.rule}). {label}"
    own = "" if made.route.leaves else ", a model of our own"
    return f"Sent to {made.route.provider}{own} ({made.route.rule}). {label}"


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def summary(made: Summary, seconds: float, *, would: bool = False) -> None:
    """Print what became of a folder's files; or what would, of a run that was only foreseen."""
    if made.formats:
        out.print()
        table([_format_row(name, counts) for name, counts in sorted(made.formats.items())], json=False)
        out.print()
    rate = f", {made.chunks / seconds:.1f} chunks/s" if made.chunks and seconds else ""
    counts = made.counts
    told = [f"{counts[what]} {word}" for what, word in _WORDS.items() if counts[what] or what in ("added", "failed")]
    passed = f", {made.passed_over} passed over" if made.passed_over else ""
    out.print(f"{'Would be: ' if would else ''}{', '.join(told)}{passed}; "
              f"{_counted(made.chunks, 'chunk', 'chunks')} in {seconds:.1f} s{rate}")  # fmt: skip
    for file, notes in sorted(made.notes.items()):
        out.print(f"  [yellow]note[/] {escape(file)}: {escape('; '.join(notes))}")
    if made.held:
        out.print("In quarantine, see ntk quarantine:" if not would else "Into quarantine:")
        for file, reasons in sorted(made.held.items()):
            out.print(f"  [yellow]{escape(file)}[/]: {escape('; '.join(reasons))}")
    if made.failed:
        out.print("Not read:")
        for file, reason in sorted(made.failed.items()):
            out.print(f"  [red]{escape(file)}[/]: {escape(reason)}")
    warnings(made.warnings)


_WORDS: Final[Mapping[What, str]] = {
    "added": "added",
    "changed": "changed",
    "unchanged": "unchanged",
    "removed": "removed",
    "held": "in quarantine",
    "failed": "failed",
}


def _format_row(name: str, counts: Mapping[What, int]) -> dict[str, Any]:
    read = counts.get("added", 0) + counts.get("changed", 0)
    return {
        "format": name,
        "read": read,
        "unchanged": counts.get("unchanged", 0),
        "quarantined": counts.get("held", 0),
        "failed": counts.get("failed", 0),
    }


def summary_value(made: Summary, seconds: float) -> dict[str, Any]:
    """Give the same as JSON shows it."""
    return {
        "event": "end",
        **{what: made.counts[what] for what in _WORDS},
        "chunks": made.chunks,
        "seconds": round(seconds, 3),
        "passed_over": made.passed_over,
        "formats": {name: dict(counts) for name, counts in sorted(made.formats.items())},
        "failures": made.failed,
        "quarantine": {file: list(reasons) for file, reasons in made.held.items()},
        "notes": {file: list(notes) for file, notes in made.notes.items()},
        "warnings": made.warnings,
    }


class Lines:
    """Progress as JSON, a line for each thing that happens."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def started(self, files: int) -> None:
        """So many files will be looked at."""
        as_json({"event": "begin", "files": files})

    def finished(self, outcome: Outcome) -> None:
        """One file is done."""
        as_json({"event": "file", "path": outcome.relative, "outcome": outcome.what, "chunks": outcome.chunks,
                 "reasons": list(outcome.reasons), "notes": list(outcome.notes)})  # fmt: skip
        sys.stdout.flush()


class Bar:
    """A progress bar on the terminal; plain silence where there is none."""

    def __init__(self) -> None:
        """Prepare the bar; it appears with the first file."""
        self._chunks = self._failed = 0
        self._begin = time.monotonic()
        self._task: TaskID | None = None
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("files, {task.fields[chunks]} chunks, {task.fields[rate]:.0f}/s"),
            TextColumn("[red]{task.fields[failed]}[/]"),
            TimeRemainingColumn(),
            console=err,
            transient=True,
            disable=not err.is_terminal,
        )

    def __enter__(self) -> Self:
        """Show it."""
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take it away, whatever happened."""
        self._bar.stop()

    def started(self, files: int) -> None:
        """So many files will be looked at."""
        self._begin = time.monotonic()
        self._task = self._bar.add_task("reading", total=files, chunks=0, rate=0.0, failed="")

    def finished(self, outcome: Outcome) -> None:
        """One file is done."""
        self._chunks += outcome.chunks
        self._failed += outcome.what in ("failed", "held")
        if self._task is not None:
            self._bar.update(
                self._task,
                advance=int(not outcome.attached and outcome.what != "removed"),
                chunks=self._chunks,
                rate=self._chunks / max(time.monotonic() - self._begin, 1e-3),
                failed=f"{self._failed} not taken in" if self._failed else "",
                description=escape(outcome.relative[-40:]),
            )


class Counting:
    """Progress of work that counts one kind of thing, without a known end."""

    def __init__(self, things: str) -> None:
        """Name them."""
        self._bar = Progress(
            TextColumn("{task.completed} {task.description}"), console=err, transient=True, disable=not err.is_terminal
        )
        self._task = self._bar.add_task(things, total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def done(self, many: int) -> None:
        """So many more are done."""
        self._bar.update(self._task, advance=many)


_COLOURS = {"fine": "green", "note": "yellow", "missing": "red"}


def findings(made: list[Finding]) -> None:
    """Print what a doctor found."""
    for finding in made:
        colour = _COLOURS[finding.state.value]
        out.print(f"[{colour}]{finding.state:<9}[/]{finding.thing:<17}{escape(finding.meaning)}")
