from __future__ import annotations

import gzip
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from redaction import lexicon as lexicon_module
from redaction.errors import RecogniserFailed
from redaction.features import TOKEN, features
from redaction.lexicon import Lexicon, lexicon, parse, read_data
from redaction.normalise import fold
from redaction.tagger import guessed
from redaction.types import Kind

if TYPE_CHECKING:
    from redaction.types import Span


def spans(text: str) -> list[Span]:
    return list(guessed(fold(text)))


def told(text: str) -> list[tuple[str, Kind]]:
    folded = fold(text)
    return [(folded.text[span.start : span.end], span.identity.kind) for span in guessed(folded)]


def test_it_guesses_whom_no_rule_introduces() -> None:
    assert ("Mara Thornwick", Kind.USER) in told("Yesterday Mara Thornwick spoke to the board in Lisbon.")
    assert ("Lisbon", Kind.PLACE) in told("Yesterday Mara Thornwick spoke to the board in Lisbon.")


def test_what_it_finds_is_a_guess_with_a_name() -> None:
    found = [span for span in spans("Yesterday Mara Thornwick spoke to the board.") if span.identity.kind is Kind.USER]
    assert [(span.guess, span.name, span.identity.key) for span in found] == [
        (True, "Mara Thornwick", "name:mara thornwick")
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "the report is due at the end of the month.", "1 2 3 ... !!"])
def test_a_text_without_names_has_none(text: str) -> None:
    assert spans(text) == []


def test_a_line_is_tagged_by_itself() -> None:
    line = "Yesterday Mara Thornwick spoke to the board in Lisbon."
    once = told(line)
    assert told(f"{line}\n\n{line}") == [*once, *once]


def test_threads_share_the_model() -> None:
    line = "Yesterday Mara Thornwick spoke to the board in Lisbon."
    once = told(line)
    found: list[bool] = []

    def tag() -> None:
        found.extend(told(line) == once for _ in range(50))

    threads = [threading.Thread(target=tag) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 200


def test_a_file_that_is_missing_or_another_stops_recognition(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """PT-02, SC-05."""
    monkeypatch.setattr(lexicon_module, "DATA", tmp_path)
    with pytest.raises(RecogniserFailed, match="is missing"):
        read_data("tagger.crfsuite", "0" * 64)
    (tmp_path / "tagger.crfsuite").write_bytes(b"another")
    with pytest.raises(RecogniserFailed, match="is not the file"):
        read_data("tagger.crfsuite", "0" * 64)
    right = "ae448ac86c4e8e4dec645729708ef41873ae79c6dff84eff73360989487f08e5"
    assert read_data("tagger.crfsuite", right) == b"another"


def test_the_lexicon_knows_words_names_and_places() -> None:
    known = lexicon()
    assert known.of("report") == "w"
    assert "f" in known.of("jane")
    assert known.of("thornwickshire") == "-"
    assert known.place(["new", "york", "is"]) == 2
    assert known.place(["the", "report"]) == 0


def test_a_lexicon_is_read_from_its_lines() -> None:
    assert parse("jane\tf\nnew york\tp\n") == Lexicon({"jane": "f", "new york": "p"}, frozenset({"new"}))
    assert parse("") == Lexicon({}, frozenset())


def test_features_tell_a_word_and_its_neighbours() -> None:
    words = TOKEN.findall("Ask New York 2024")
    seen = features(words, parse("new york\tp\nask\tw"))
    assert {"w=ask", "s=Xx", "l=w", "first", "-w=^", "+w=new"} <= set(seen[0])
    assert "place" in seen[1]
    assert "place" in seen[2]
    assert {"s=d4", "-w=york"} <= set(seen[3])
    assert "place" not in seen[3]


def test_the_shipped_files_are_small() -> None:
    folder = Path(lexicon_module.__file__).parent / "data"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 3_000_000
    assert gzip.decompress((folder / "lexicon.txt.gz").read_bytes()).decode().count("\n") == len(lexicon().entries)
