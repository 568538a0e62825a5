"""The quick count of word pieces is that of the tokenizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from retrieval.model_files import packaged_model, read_pinned
from retrieval.word_pieces import counter

if TYPE_CHECKING:
    from collections.abc import Callable

ODD = (
    "the pier unbelievable",
    "Café naïve 語 한국어 маяк straße ﬁne ½ e\u0301 \u200b \ufeff 🙂 🏽 don't x_y 1,200.50 \u00a0",
    "[SEP] [mask] ##ing supercalifragilistic \u0130stanbul \u1e9e \u3000 \t \n ... \u2026 -- ' \" ` ~ \u00ad",
)
WORDS = st.sampled_from([word for line in ODD for word in line.split(" ")])
TEXTS = st.lists(WORDS | st.text(max_size=12) | st.text("abcdefgh0123", max_size=120), max_size=12).flatmap(
    lambda parts: st.sampled_from([" ".join(parts), "".join(parts)])
)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """The tokenizer of the default embedder."""
    loaded = Tokenizer.from_buffer(read_pinned(packaged_model(), "tokenizer.json"))
    loaded.no_truncation()
    loaded.no_padding()
    return loaded


@pytest.fixture(scope="module")
def quick(tokenizer: Tokenizer) -> Callable[[str], int]:
    """The quick count."""
    return counter(tokenizer)


@given(text=TEXTS)
def test_the_count_of_any_text_is_that_of_the_tokenizer(
    text: str, tokenizer: Tokenizer, quick: Callable[[str], int]
) -> None:
    assert quick(text) == len(tokenizer.encode(text).ids)


@pytest.mark.parametrize("place", range(0, 0x3000, 0x100))
def test_each_character_is_counted_as_the_tokenizer_does(
    place: int, tokenizer: Tokenizer, quick: Callable[[str], int]
) -> None:
    for code in range(place, place + 0x100):
        text = f"a{chr(code)}b {chr(code)} the"
        assert quick(text) == len(tokenizer.encode(text).ids), hex(code)


def test_words_that_were_forgotten_are_counted_again(
    monkeypatch: pytest.MonkeyPatch, tokenizer: Tokenizer, quick: Callable[[str], int]
) -> None:
    monkeypatch.setattr("retrieval.word_pieces._REMEMBERED", 2)
    for text in ("pierless lampless", "ropeless tarless pierless"):
        assert quick(text) == len(tokenizer.encode(text).ids)
