"""`ntk redaction`: how much the recognisers find, and what of a document a model would see."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api import show
from api.commands.common import DATA, MOST_BYTES, AsJson, Data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redaction.measure import Score, Share
    from redaction.types import Recogniser

redaction_app = typer.Typer(help="Recognition of what identifies: measure it, and look at it.", no_args_is_help=True)


@redaction_app.command("eval")
def evaluate(
    data: Annotated[Path, typer.Option("--data", help="A folder of marked texts, or one file of them.")],
    trained: Annotated[bool, typer.Option("--trained", help="Count texts of the split train as well.")] = False,
    also: Annotated[
        str | None, typer.Option("--with", help="Add a model: spacy:MODEL, gliner:FOLDER or presidio:MODEL.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Measure recall and precision on marked texts, with intervals in which the true shares lie 19 times of 20.

    A file holds JSON: a list, or a line for each text, with `text` and `entities` (each with `start_offset`,
    `end_offset`, `entity_type`), or with `full_text` and `spans` (`start_position`, `end_position`, `entity_type`).
    """
    from api.recognising import rules
    from api.settings import RecognitionSettings
    from redaction.adapters import load
    from redaction.errors import BadExamples
    from redaction.measure import files_of, masked_by, read_examples, score

    files = [data] if data.is_file() else files_of(data)
    if not files:
        raise BadExamples(f"{data} has no file of marked texts (.json or .jsonl)")
    mask = masked_by((*rules(RecognitionSettings()), *((load(also),) if also else ())))
    for file in files:
        examples = [example for example in read_examples(file) if trained or example.split != "train"]
        told = _told(file, len(examples), score(examples, mask))
        if json:
            show.as_json(told)
        else:
            show.lines(_lines(told))


@redaction_app.command("preview")
def preview(
    file: Annotated[Path, typer.Argument(help="A document, of any format that can be ingested.")],
    level: Annotated[str, typer.Option(help="The document's level; of confidential ones, less leaves.")] = "internal",
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Show a document as a model outside would see it. Without a data folder, no directory is known."""
    from acl.labels import Label, parse_level
    from egress.masking import kinds_outside
    from ingest.sandbox import Sandbox
    from redaction.redact import redact
    from redaction.tokens import issuer

    with Sandbox() as sandbox, file.open("rb") as opened:
        reading = sandbox.read(opened.read(MOST_BYTES), file.name)
    label = Label(parse_level(level))
    kinds = kinds_outside(label)
    texts = [chunk.text for chunk in reading.chunks]
    redacted, _ = redact(texts, _recognisers(data), issuer(), kinds=kinds)
    if json:
        counts = {kind.value: count for kind, count in sorted(redacted.counts.items())}
        show.as_json({"texts": list(redacted.texts), "redactions": counts})
        return
    for text in redacted.texts:
        show.marked(text)


def _recognisers(data: Path) -> Sequence[Recogniser]:
    from api.recognising import Recognisers, rules
    from api.settings import RecognitionSettings
    from api.wiring import open_store_at

    if not data.exists():
        show.err.print(f"There is no data folder at {data}: people of a directory are not known.")
        return rules(RecognitionSettings())
    with open_store_at(data) as opened:
        return Recognisers(opened.store.engine, opened.settings.recognition)()


def _told(file: Path, texts: int, made: Score) -> dict[str, Any]:
    return {
        "file": str(file),
        "texts": texts,
        "characters": _share(made.characters),
        "recall": {name: _share(share) for name, share in made.recall.items()},
        "precision": {name: _share(share) for name, share in made.precision.items()},
    }


def _share(share: Share) -> dict[str, Any]:
    low, high = share.interval
    return {"of": share.of, "share": round(share.value, 4), "low": round(low, 4), "high": round(high, 4)}


def _lines(told: Mapping[str, Any]) -> list[str]:
    lines = [f"{told['file']}: {told['texts']} texts"]
    for title in ("recall", "precision"):
        lines.append(f"  {title:<20} {'of':>6}  share  19 times of 20 between")
        lines += [_line(name, share) for name, share in told[title].items()]
    return [*lines, _line("masked characters", told["characters"])]


def _line(name: str, share: Mapping[str, Any]) -> str:
    return f"    {name:<18} {share['of']:>6}  {share['share']:.3f}  {share['low']:.3f} and {share['high']:.3f}"
