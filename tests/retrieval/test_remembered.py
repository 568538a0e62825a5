"""A question's vector is computed once, is the embedder's own, and a text that is only alike has another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retrieval.errors import EmbedderDown
from retrieval.remembered import Remembered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from retrieval.embed import Embedder


@dataclass
class Spelling:
    """Gives a text the vector of its first letters, and tells which texts it was asked for."""

    asked: list[str] = field(default_factory=list)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give shape (len(texts), 4)."""
        self.asked += texts
        return np.array([[ord(letter) for letter in f"{text:4.4}"] for text in texts], dtype=np.float32).reshape(-1, 4)


def test_a_text_is_embedded_once_and_gets_the_same_vector_again() -> None:
    embed = Spelling()
    remembered = Remembered(embed)
    first = remembered(["boiler"])
    assert np.array_equal(remembered(["boiler"]), first)
    assert np.array_equal(first, Spelling()(["boiler"]))
    assert embed.asked == ["boiler"]


@pytest.mark.parametrize("other", ["Boiler", "boiler ", "boiler\u200b", "boile", ""])
def test_a_text_that_is_only_alike_is_embedded_itself(other: str) -> None:
    embed = Spelling()
    remembered = Remembered(embed)
    remembered(["boiler"])
    assert np.array_equal(remembered([other]), Spelling()([other]))
    assert embed.asked == ["boiler", other]


def test_known_and_new_texts_come_back_in_the_order_given() -> None:
    embed = Spelling()
    remembered = Remembered(embed)
    remembered(["two"])
    assert np.array_equal(remembered(["one", "two", "six", "one"]), Spelling()(["one", "two", "six", "one"]))
    assert embed.asked == ["two", "one", "six"]


def test_no_text_gives_no_vector() -> None:
    assert len(Remembered(Spelling())([])) == 0


def test_what_was_not_asked_for_longest_is_forgotten_first() -> None:
    embed = Spelling()
    remembered = Remembered(embed, most=2)
    for text in ("one", "two", "one", "six"):
        remembered([text])
    remembered(["one"])
    assert embed.asked == ["one", "two", "six"]
    remembered(["two"])
    assert embed.asked == ["one", "two", "six", "two"]


def test_what_is_changed_in_a_vector_changes_no_later_one() -> None:
    remembered = Remembered(Spelling())
    remembered(["boiler"])[:] = 0
    assert np.array_equal(remembered(["boiler"]), Spelling()(["boiler"]))


def test_an_embedder_that_is_down_is_asked_again() -> None:
    down = [True]

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        if down.pop() if down else False:
            raise EmbedderDown("the embedding model cannot be loaded")
        return Spelling()(texts)

    remembered = Remembered(embed)
    with pytest.raises(EmbedderDown):
        remembered(["boiler"])
    assert np.array_equal(remembered(["boiler"]), Spelling()(["boiler"]))


def test_no_question_stands_in_what_is_kept() -> None:
    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        return Spelling()(texts)

    remembered = Remembered(embed)
    remembered(["who is to be dismissed"])
    assert "dismissed" not in repr(vars(remembered))


def test_many_threads_get_each_its_own() -> None:
    remembered = Remembered(Spelling(), most=3)
    texts = [f"{number:04}" for number in range(8)] * 50
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda text: remembered([text])[0], texts))
    assert np.array_equal(found, Spelling()(texts))


def test_the_vector_is_the_models_bit_by_bit(embedder: Embedder) -> None:
    texts = ["When is the boiler serviced?", "Who signs?"]
    remembered = Remembered(embedder)
    remembered(texts[:1])
    assert np.array_equal(remembered(texts), embedder(texts))
