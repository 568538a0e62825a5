"""Words and sentences, as the parser counts them."""

from __future__ import annotations

import pytest

from ingest.sentences import Rules


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It is shut. It opens on Monday!", ["It is shut.", "It opens on Monday!"]),
        ('He said "shut." Then he left', ['He said "shut."', "Then he left"]),
        ("Version 3.5 is on pier.example.", ["Version 3.5 is on pier.example."]),
        ("Wait... what?", ["Wait...", "what?"]),
        ("\u7070\u8272\u3002\u7da0\u8272\u3002", ["\u7070\u8272\u3002", "\u7da0\u8272\u3002"]),
        ("no end", ["no end"]),
        ("  ", []),
    ],
)
def test_a_text_is_cut_where_a_sentence_ends(text: str, sentences: list[str]) -> None:
    assert [sentence.text for sentence in Rules()(text).sents] == sentences


def test_words_and_marks_are_pieces_of_their_own() -> None:
    words = [word.text for word in Rules()("ITEM 1. Gr\u00fcn (unaudited)")]
    assert words == ["ITEM", "1", ".", "Gr\u00fcn", "(", "unaudited", ")"]
