"""What the command line shows of an answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from acl.labels import Label, Level
from acl.names import DocumentId
from api import pages, show
from egress.types import Citation, Reply
from ingest.outcome import Summary
from redaction.types import Kind
from retrieval.types import ChunkId

FILLER = " ".join(f"Rule {number} of the house says nothing of interest." for number in range(8))
QUOTED = "Hotels are paid up to 180 euros a night."


def reply(excerpt: str, *warnings: str) -> Reply:
    citation = Citation(1, "Travel", excerpt, DocumentId("doc:1"), ChunkId("c"), 0, len(excerpt))
    return Reply(
        outcome="answered",
        answer=f"{QUOTED} [1]",
        citations=(citation,),
        route=None,
        model=None,
        redactions={},
        label=Label(Level.INTERNAL),
        prompt=None,
        warnings=warnings,
        conversation="c",
        audit_id="a",
    )


def test_a_citation_shows_what_the_answer_quotes() -> None:
    shown = show.around(f"{FILLER} {QUOTED} {FILLER}", f"{QUOTED} [1]")
    assert shown.startswith(f"… {QUOTED} Rule 0")
    assert shown.endswith(" …")
    assert show.around(f"{FILLER}\nHotels are paid  up to 180 euros\ta night.", QUOTED) == f"… {QUOTED}"


def test_a_citation_says_where_it_stands_and_of_when_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    made = reply(QUOTED)
    dated = replace(
        made.citations[0], headings=("Travel", "Hotels", "In\nGermany"), dated=datetime(2026, 3, 1, tzinfo=UTC)
    )
    show.reply(replace(made, citations=(dated,), understood_as="What is paid? And for hotels?"))
    told = capsys.readouterr().out
    assert "  [1] Travel > Hotels > In Germany (2026-03-01): Hotels are paid" in told
    assert told.startswith("Understood as: What is paid? And for hotels?\n")
    show.reply(made)
    told = capsys.readouterr().out
    assert "  [1] Travel: Hotels are paid" in told
    assert "Understood" not in told


def test_a_citation_that_is_not_quoted_word_for_word_shows_its_beginning() -> None:
    assert show.around(f"{FILLER} {QUOTED}", "It is 180 euros.") == f"{FILLER[:160]} …"
    assert show.around("", QUOTED) == ""


def test_a_short_citation_is_shown_whole() -> None:
    assert show.around(f"Mind this. {QUOTED}", QUOTED) == f"Mind this. {QUOTED}"


def test_warnings_stand_after_the_citations_each_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    show.reply(reply(QUOTED, "one sentence without a source was dropped", "two\nlines [of it]"))
    lines = capsys.readouterr().out.splitlines()
    place = lines.index(f"  [1] Travel: {QUOTED}")
    assert lines[place + 1 : place + 4] == [
        "  warning: one sentence without a source was dropped",
        "  warning: two lines [of it]",
        "",
    ]
    show.reply(reply(QUOTED))
    assert "warning" not in capsys.readouterr().out


def test_what_was_replaced_is_told_in_words() -> None:
    counted = replace(reply(QUOTED), redactions={"USER": 3, "EMAIL": 1})
    assert show.left(counted).endswith("replaced: 1 e-mail address, 3 mentions of people.")
    assert show.left(reply(QUOTED)).endswith("replaced: nothing.")


def test_terminal_and_page_have_the_same_word_for_each_kind() -> None:
    script = (Path(pages.__file__).parent / "static" / "tokens.js").read_text("utf-8")
    assert show.KINDS.keys() == set(Kind)
    for kind, (one, many) in show.KINDS.items():
        assert f'{kind}: ["{one}", "{many}"]' in script


@pytest.mark.parametrize(("chunks", "told"), [(0, "0 chunks in 2.0 s"), (1, "1 chunk in 2.0 s, 0.5 chunks/s")])
def test_a_slow_beginning_has_a_rate_too(capsys: pytest.CaptureFixture[str], chunks: int, told: str) -> None:
    show.summary(Summary(chunks=chunks), 2.0)
    assert capsys.readouterr().out.endswith(f"; {told}\n")
