from __future__ import annotations

import pytest

from store.envelope import new_key
from store.errors import CannotDecrypt
from store.sealed import DocumentKey

INSTALLATION = bytes(range(32))


def test_a_title_and_a_chunk_open_in_their_place() -> None:
    key = DocumentKey.fresh("doc:1")
    assert key.open_title(key.seal_title("Pay 2026 \u20ac")) == "Pay 2026 \u20ac"
    assert key.open_chunk("c1", 3, key.seal_chunk("c1", 3, "A text.")) == "A text."


@pytest.mark.parametrize(("chunk", "version"), [("c2", 3), ("c1", 4), ("c1", 0), ("", 3)])
def test_a_chunk_does_not_open_in_the_place_of_another_chunk_or_version(chunk: str, version: int) -> None:
    key = DocumentKey.fresh("doc:1")
    sealed = key.seal_chunk("c1", 3, "A text.")
    with pytest.raises(CannotDecrypt):
        key.open_chunk(chunk, version, sealed)


def test_a_title_does_not_open_as_a_chunk_nor_a_chunk_as_a_title() -> None:
    key = DocumentKey.fresh("doc:1")
    with pytest.raises(CannotDecrypt):
        key.open_chunk("title", 1, key.seal_title("A title"))
    with pytest.raises(CannotDecrypt):
        key.open_title(key.seal_chunk("title", 1, "A text."))


def test_a_value_of_one_document_does_not_open_in_another_even_with_its_key() -> None:
    key = DocumentKey.fresh("doc:1")
    with pytest.raises(CannotDecrypt):
        DocumentKey("doc:2", key.key).open_title(key.seal_title("A title"))


def test_a_wrapped_key_opens_for_its_document_and_installation_alone() -> None:
    key = DocumentKey.fresh("doc:1")
    wrapped = key.wrapped(INSTALLATION)
    assert DocumentKey.unwrap("doc:1", wrapped, INSTALLATION) == key
    with pytest.raises(CannotDecrypt):
        DocumentKey.unwrap("doc:2", wrapped, INSTALLATION)
    with pytest.raises(CannotDecrypt):
        DocumentKey.unwrap("doc:1", wrapped, new_key())
    with pytest.raises(CannotDecrypt):
        DocumentKey.unwrap("doc:1", b"", INSTALLATION)


def test_a_text_that_is_no_unicode_is_sealed_all_the_same() -> None:
    key = DocumentKey.fresh("doc:1")
    assert key.open_chunk("c1", 1, key.seal_chunk("c1", 1, "half a \ud800 pair")) == "half a ? pair"
    assert key.open_title(key.seal_title("\udcff.txt")) == "?.txt"


def test_the_key_is_not_shown() -> None:
    """AL-08."""
    key = DocumentKey.fresh("doc:1")
    assert repr(key) == "DocumentKey(document='doc:1')"
