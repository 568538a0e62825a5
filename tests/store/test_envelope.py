from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.envelope import mac, new_key, seal, unseal
from store.errors import CannotDecrypt

KEY = bytes(range(32))


@given(plain=st.binary(max_size=200), context=st.binary(max_size=40))
def test_what_was_sealed_opens_with_the_same_key_and_context(plain: bytes, context: bytes) -> None:
    sealed = seal(KEY, plain, context)
    assert unseal(KEY, sealed, context) == plain
    assert len(sealed) == 12 + len(plain) + 16


def test_the_same_text_is_sealed_differently_each_time() -> None:
    assert seal(KEY, b"text", b"place") != seal(KEY, b"text", b"place")


def test_another_key_does_not_open_it() -> None:
    sealed = seal(KEY, b"text", b"place")
    with pytest.raises(CannotDecrypt):
        unseal(new_key(), sealed, b"place")


@pytest.mark.parametrize("other", [b"", b"plac", b"place ", b"Place", b"doc:2/title"])
def test_a_value_that_was_moved_to_another_place_does_not_open(other: bytes) -> None:
    sealed = seal(KEY, b"text", b"place")
    with pytest.raises(CannotDecrypt):
        unseal(KEY, sealed, other)


def test_no_part_of_it_can_be_cut_off() -> None:
    sealed = seal(KEY, b"text", b"place")
    for length in range(len(sealed)):
        with pytest.raises(CannotDecrypt):
            unseal(KEY, sealed[:length], b"place")


def test_no_bit_of_it_can_be_changed() -> None:
    sealed = seal(KEY, b"text", b"place")
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CannotDecrypt):
            unseal(KEY, bytes(changed), b"place")


@pytest.mark.parametrize("key", [b"", b"short", bytes(33)])
def test_a_key_of_another_length_opens_nothing(key: bytes) -> None:
    with pytest.raises(CannotDecrypt):
        unseal(key, seal(KEY, b"text", b"place"), b"place")


def test_a_keyed_hash_depends_on_the_key_and_on_where_a_part_ends() -> None:
    """AL-04."""
    assert mac(KEY, "ab", "c") == mac(KEY, "ab", "c")
    different = [
        mac(KEY, "ab", "c"),
        mac(KEY, "a", "bc"),
        mac(KEY, "abc"),
        mac(KEY, "ab", "c", ""),
        mac(bytes(32), "ab", "c"),
    ]
    assert len(set(different)) == len(different)
    assert len(mac(KEY)) == 64


def test_a_keyed_hash_takes_any_text() -> None:
    assert mac(KEY, "caf\u00e9") != mac(KEY, "cafe\u0301")
    assert mac(KEY, "\ud800") != mac(KEY, "?")
