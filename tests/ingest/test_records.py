"""JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import Unreadable
from ingest.records import read_json, read_json_lines


def said(value: object) -> list[str]:
    """List what the blocks of a value say."""
    return [block.text for block in read_json(json.dumps(value)).blocks]


def test_each_value_stands_behind_the_names_that_lead_to_it() -> None:
    value = {"pier": "North", "lamp": {"colour": "green", "hours": [1, 2]}, "remark": None, "lit": True}
    assert said(value) == ["pier: North\nlit: true", "lamp.colour: green\nlamp.hours: 1, 2"]


def test_each_record_is_a_block() -> None:
    assert said([{"pier": "North"}, {"pier": "South"}]) == ["pier: North", "pier: South"]
    assert said({"piers": [{"name": "North"}, {"name": "South"}]}) == ["piers.name: North", "piers.name: South"]
    assert [block.text for block in read_json_lines('{"a": 1}\n\n{"a": 2}\n').blocks] == ["a: 1", "a: 2"]


def test_a_plain_value_or_list_is_text() -> None:
    assert said("words") == ["words"]
    assert said(["green", "red"]) == ["green, red"]
    assert said([["green"], ["red"]]) == ["green", "red"]


def test_figures_stay_as_they_are_written() -> None:
    text = '{"a": 1.10, "b": 1e3, "c": ' + "9" * 50_000 + "}"
    assert read_json(text).text.startswith("a: 1.10\nb: 1e3\nc: 999")


def test_of_two_members_of_one_name_both_are_kept() -> None:
    assert read_json('{"a": "one", "a": "two"}').text == "a: one\na: two"


def test_what_is_nested_deeper_than_64_levels_is_refused() -> None:
    """Covers IN-08."""
    for depth in (65, 100_000, 10_000_000):
        with pytest.raises(Unreadable, match="nested too deeply"):
            read_json("[" * depth + "]" * depth)
    assert read_json("[" * 64 + '"words"' + "]" * 64).text == "words"
    assert read_json('{"a": "' + "[" * 1_000 + '\\" ["}').text.startswith("a: [[[")  # brackets within a text are text


@pytest.mark.parametrize("text", ["{", "{'a': 1}", '{"a": }', "words", '{"a": 1} {"b": 2}', "[1,]"])
def test_what_is_no_json_is_refused_without_its_content(text: str) -> None:
    """Covers IN-07."""
    with pytest.raises(Unreadable, match="no JSON"):
        read_json(text)


def test_one_long_line_is_read() -> None:
    """Covers IN-08."""
    assert len(read_json('{"a": "' + "x" * 20_000_000 + '"}').text) == 20_000_003


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("abc", min_size=1, max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("klm", min_size=1, max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_no_text_and_no_name_of_one_is_lost(value: object) -> None:
    text = read_json(json.dumps(value)).text

    def check(part: object) -> None:
        if isinstance(part, dict):
            for name, inner in part.items():
                assert name in text or inner in (None, [], {}) or not _says(inner)
                check(inner)
        elif isinstance(part, list):
            for inner in part:
                check(inner)
        elif isinstance(part, str):
            assert part in text

    check(value)


def _says(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_says, value.values()))
    return any(map(_says, value)) if isinstance(value, list) else value is not None
