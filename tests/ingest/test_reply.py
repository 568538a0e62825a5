"""What comes out of the sandbox is exactly a reading, or nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acl.labels import REGULATED, Label, Level
from ingest.errors import IngestError, ParserMoved, Unreadable
from ingest.reply import HEAD, Garbled, from_failure, from_reading, part, to_reading
from ingest.types import Attachment, ChunkText, Reading, printable
from redaction.detect import Finding
from retrieval.errors import EmbedderDown

if TYPE_CHECKING:
    from collections.abc import Callable

TEXTS = st.text(max_size=50).map(printable)
LABELS = st.builds(Label, st.sampled_from(Level), st.frozensets(st.sampled_from(sorted(REGULATED))))


@st.composite
def chunks(draw: st.DrawFn) -> ChunkText:
    text, start = draw(TEXTS.filter(bool)), draw(st.integers(0, 10**9))
    return ChunkText(text, tuple(draw(st.lists(TEXTS, max_size=3))), start, start + len(text))


READINGS = st.builds(
    Reading,
    title=TEXTS,
    chunks=st.lists(chunks(), max_size=3).map(tuple),
    findings=st.lists(st.builds(Finding, TEXTS, LABELS, st.integers(1, 10**6)), max_size=2).map(tuple),
    notes=st.lists(TEXTS, max_size=2).map(tuple),
    attachments=st.lists(st.builds(Attachment, st.text(max_size=20), st.binary(max_size=50)), max_size=2).map(tuple),
)
PLAIN = Reading(
    "Lamps", (ChunkText("green", ("Lamps",), 0, 5),), (Finding("card number", Label(Level.CONFIDENTIAL), 1),)
)


@given(READINGS)
def test_a_reading_comes_back_as_it_was(reading: Reading) -> None:
    assert to_reading(b"".join(from_reading(reading))) == reading


@given(READINGS, st.data())
def test_a_reply_that_was_cut_off_is_none(reading: Reading, data: st.DataObject) -> None:
    whole = b"".join(from_reading(reading))
    with pytest.raises(Garbled):
        to_reading(whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(READINGS, st.data())
def test_a_reply_with_a_wrong_byte_is_another_reading_or_none(reading: Reading, data: st.DataObject) -> None:
    whole = bytearray(b"".join(from_reading(reading)))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert isinstance(to_reading(whole), Reading)
    except (Garbled, IngestError, EmbedderDown):
        return


@given(st.binary(max_size=100))
def test_junk_is_no_reply(junk: bytes) -> None:
    with pytest.raises((Garbled, IngestError, EmbedderDown)):
        to_reading(b"\0" + junk)


def changed(change: Callable[[list[Any]], object], kind: bytes = b"C") -> bytes:
    """The reply of PLAIN, with a change to one of its parts."""
    parts = []
    for piece in from_reading(PLAIN):
        value = json.loads(piece[HEAD.size :])
        if piece[:1] == kind:
            change(value)
        parts.append(part(piece[:1], value))
    return b"".join(parts)


def test_the_reply_that_is_changed_below_is_one_as_it_stands() -> None:
    assert to_reading(changed(lambda _: None)) == PLAIN


@pytest.mark.parametrize(
    "change",
    [
        lambda chunk: chunk.pop(),
        lambda chunk: chunk.append(0),
        lambda chunk: chunk.__setitem__(0, ""),
        lambda chunk: chunk.__setitem__(0, 7),
        lambda chunk: chunk.__setitem__(0, "gr\0en"),
        lambda chunk: chunk.__setitem__(0, "gree\ud800"),
        lambda chunk: chunk.__setitem__(1, "Lamps"),
        lambda chunk: chunk.__setitem__(1, [["Lamps"]]),
        lambda chunk: chunk.__setitem__(2, False),  # noqa: FBT003
        lambda chunk: chunk.__setitem__(2, -1),
        lambda chunk: chunk.__setitem__(3, 5.0),
        lambda chunk: chunk.__setitem__(3, 6),
    ],
)
def test_a_chunk_of_another_shape_is_refused(change: Callable[[list[Any]], object]) -> None:
    with pytest.raises(Garbled):
        to_reading(changed(change))


@pytest.mark.parametrize(
    "change",
    [
        lambda finding: finding.__setitem__(1, "open"),
        lambda finding: finding.__setitem__(1, "confidential+other"),
        lambda finding: finding.__setitem__(2, 0),
        lambda finding: finding.__setitem__(2, True),  # noqa: FBT003
    ],
)
def test_a_finding_of_another_shape_is_refused(change: Callable[[list[Any]], object]) -> None:
    with pytest.raises(Garbled):
        to_reading(changed(change, b"F"))


@pytest.mark.parametrize(
    "reply",
    [
        part(b"A", ["a", "no base 64!"]) + part(b"R", "t"),
        part(b"N", ["a"]) + part(b"R", "t"),
        part(b"R", "t") + part(b"R", "t"),
        part(b"U", "a" * 501),
        part(b"U", ["a"]),
        part(b"X", "t"),
        HEAD.pack(b"R", 3) + b"'t'",
        HEAD.pack(b"R", 200_000) + b"[" * 200_000,
        HEAD.pack(b"R", 10_000) + b"1" * 10_000,
        part(b"N", "a" * 1_000_001) + part(b"R", "t"),
    ],
)
def test_a_part_of_another_shape_is_refused(reply: bytes) -> None:
    with pytest.raises(Garbled):
        to_reading(reply)


def test_a_reply_of_more_parts_than_a_document_has_is_refused() -> None:
    """Each part takes more memory than it has bytes: some millions of the smallest would fill that of the reader."""
    with pytest.raises(Garbled):
        to_reading(part(b"N", "") * 500_000 + part(b"R", "t"))
    assert len(to_reading(part(b"N", "") * 1_000 + part(b"R", "t")).notes) == 1_000


@pytest.mark.parametrize("error", [Unreadable("why"), ParserMoved("why"), EmbedderDown("why")])
def test_a_known_error_comes_back_as_it_was(error: Exception) -> None:
    with pytest.raises(type(error), match=r"^why$"):
        to_reading(from_failure(error))


def test_of_another_error_nothing_comes_back() -> None:
    with pytest.raises(Unreadable, match=r"^its parser failed$"):
        to_reading(from_failure(ValueError("the secret of the document")))


def test_an_attachment_may_have_any_name() -> None:
    reading = replace(PLAIN, attachments=(Attachment("../\0\udcff", b"\0"),))
    assert to_reading(b"".join(from_reading(reading))) == reading
