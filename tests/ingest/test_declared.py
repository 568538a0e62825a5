"""What a folder declares is understood exactly, or is a fault with its line. AZ-07."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acl.labels import REGULATED, Level
from ingest.declared import Declaration, DeclarationFile, Faulty, declaration_schema, parse_declaration

FULL = """\
# Personnel files
owner: user:erin
level: confidential
compartments: [gdpr, trade-secret.payroll]
readers:
  - group:hr
  - user:dana.o_neil-2
  - role:everyone
inherit: false
"""


def reason(text: str) -> str:
    """Say why a declaration is a fault."""
    made = parse_declaration(text.encode())
    assert isinstance(made, Faulty), made
    return made.reason


def test_every_part_of_a_declaration_is_read() -> None:
    assert parse_declaration(FULL.encode()) == Declaration(
        owner="user:erin",  # type: ignore[arg-type]  # a name
        level=Level.CONFIDENTIAL,
        compartments=frozenset({"gdpr", "trade-secret.payroll"}),  # type: ignore[arg-type]  # names
        readers=frozenset({"group:hr", "user:dana.o_neil-2", "role:everyone"}),  # type: ignore[arg-type]  # names
        inherit=False,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("level: public", Declaration(level=Level.PUBLIC)),
        ("level: 'internal'", Declaration(level=Level.INTERNAL)),
        ("\ufeff---\nlevel: restricted\n...\n", Declaration(level=Level.RESTRICTED)),
        ("{level: restricted}", Declaration(level=Level.RESTRICTED)),
        ("level: restricted\r\ninherit: true\r\n", Declaration(level=Level.RESTRICTED, inherit=True)),
        ('{"level": "internal", "compartments": []}', Declaration(level=Level.INTERNAL)),
    ],
)
def test_each_part_may_be_left_away(text: str, expected: Declaration) -> None:
    assert parse_declaration(text.encode()) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        # nothing, or no declaration
        ("", "it says nothing: write owner, level, compartments, readers or inherit, or remove it"),
        ("# nothing\n", "it says nothing"),
        ("{}", "it says nothing"),
        ("null", "it says nothing"),
        ("internal", "line 1: it has no keys: write lines such as `level: internal`"),
        ("- level: internal", "line 1: it has no keys"),
        # keys
        ("owner: user:erin\nlable: internal", "line 2: lable is no key here: write owner, level,"),
        ("Level: internal", "line 1: Level is no key here"),
        ("yes: internal", "line 1: yes is no key here"),
        ("<<: {level: internal}", "line 1: << is no key here"),
        ("level: internal\n\nlevel: public", "line 3: level stands there twice: leave one"),
        ("? [level]\n: internal", "line 1: a key has to be a word"),
        ("lev\\el\x7f: internal", "line 1: it has a character that YAML does not allow"),
        # levels
        ("level: secret", "line 1: level: 'secret' is no level: write one of public, internal, confidential,"),
        ("level: Confidential", "line 1: level: 'Confidential' is no level"),
        ("level: ' internal'", "line 1: level: ' internal' is no level"),
        ("level: ''", "line 1: level: '' is no level"),
        ("level: no", "line 1: level is no text to YAML, which takes no, 12 and 2026-01-31 for something else"),
        ("level: 2", "line 1: level is no text to YAML"),
        ("level: 0x2", "line 1: level is no text to YAML"),
        ("level: 2026-01-31", "line 1: level is no text to YAML"),
        ("level: true", "line 1: level is no text to YAML"),
        ("level:", "line 1: level has no value: write one, or remove the line"),
        ("level: ~", "line 1: level has no value"),
        ("level: null", "line 1: level has no value"),
        ("level: [internal]", "line 1: level is no text to YAML"),
        ("level: intern\u0430l", "line 1: level: 'intern\u0430l' is no level"),
        # owners and readers
        ("owner: erin", "line 1: owner: 'erin' is not a name here: write KIND:ID with a kind of user"),
        ("owner: group:hr", "line 1: owner: 'group:hr' is not a name here"),
        ("owner: user:*", "line 1: owner: 'user:*' is not a name here"),
        (f"owner: user:{'a' * 500}", "line 1: owner: it is longer than 140 characters"),
        ("readers: group:hr", "line 1: readers is no list: write it in brackets, [one, two], or with a dash"),
        ("readers: []", "line 1: readers is empty: name somebody, or remove the line"),
        ("readers:", "line 1: readers has no value"),
        ("readers:\n- group:hr\n- everyone", "line 3: readers: 'everyone' is not a name here"),
        ("readers:\n- group:hr\n- svc:import", "line 3: readers: 'svc:import' is not a name here"),
        ("readers:\n- group: hr", "line 2: readers has a part that is no text: write no blank behind a colon"),
        ("readers: [group:hr, 12]", "line 1: readers has a part that is no text"),
        ("readers: [group:hr, null]", "line 1: readers has no value"),
        ("readers: [[group:hr]]", "line 1: readers has a part that is no text"),
        (f"readers: [{','.join(f'user:u{n}' for n in range(201))}]", "line 1: readers has more than 200 parts"),
        # compartments
        ("compartments: gdpr", "line 1: compartments is no list"),
        ("compartments: [secret]", "line 1: compartments: 'secret' is no compartment: write one of gdpr,"),
        ("compartments: [trade-secret.]", "line 1: compartments: 'trade-secret.' is no compartment"),
        ("compartments: [GDPR]", "line 1: compartments: 'GDPR' is no compartment"),
        # inherit
        ("inherit: no", "line 1: inherit is neither true nor false: write one of them, without quotes"),
        ("inherit: 'false'", "line 1: inherit is neither true nor false"),
        ("inherit: 0", "line 1: inherit is neither true nor false"),
        ("inherit:", "line 1: inherit has no value"),
        # what YAML can do besides
        ("level: !!str internal", "line 1: tags (!) are not taken"),
        ("level: ! internal", "line 1: tags (!) are not taken"),
        ("!!python/object/apply:os.getcwd []", "line 1: tags (!) are not taken"),
        ("level: &a internal\nowner: *a", "line 1: names of parts (& and *) are not taken"),
        ("level: *a", "line 1: names of parts (& and *) are not taken"),
        ("level: internal\n---\nlevel: public", "line 2: a second document begins here: leave one"),
        ("level: internal\n---", "line 2: a second document begins here"),
        ("readers: [[[[group:hr]]]]", "line 1: it is nested too deeply"),
        ("a: {b: {c: {d: e}}}", "line 1: it is nested too deeply"),
        ("level: 'internal", "line 1: here it is no YAML"),
        ("\tlevel: internal", "line 1: here it is no YAML"),
        ("level: internal\n  owner: user:erin", "line 2: here it is no YAML"),
        ("level: internal\nowner: a\0b", "line 2: it has a character that YAML does not allow"),
    ],
)
def test_what_is_not_understood_is_a_fault_with_its_line(text: str, why: str) -> None:
    assert reason(text).startswith(why)


@pytest.mark.parametrize("data", [b"\xff\xfel\0", b"level: \xe4", "level: internal".encode("utf-16")])
def test_what_is_no_utf_8_is_a_fault(data: bytes) -> None:
    assert parse_declaration(data) == Faulty("it is no UTF-8 text: save it as UTF-8")


def test_the_first_of_several_faults_is_named() -> None:
    assert reason("owner: erin\nlevel: secret\nlable: x").startswith("line 1: owner")
    assert reason("lable: x\nowner: erin\n").startswith("line 1: lable")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 60_000,
        "{a: " * 15_000,
        "a: " * 20_000,
        "- " * 30_000,
        "level: " + "1" * 60_000,
        "a: &a [x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]",
        "? " * 30_000,
        "readers: [" + "x, " * 20_000 + "]",
    ],
)
def test_what_is_made_to_be_slow_or_large_is_a_fault(text: str) -> None:
    """IN-08. It takes milliseconds; a parser that followed it would be noticed here."""
    assert reason(text).startswith("line 1:")


def test_a_fault_shows_no_more_than_a_word_of_the_file_and_nothing_that_steers_a_terminal() -> None:
    why = reason(f"{'secret' * 100}\u202e: x")
    assert len(why) < 200
    assert reason('"a\\e[31m": x').startswith("line 1: a\\x1b[31m is no key")


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_anything_is_a_declaration_or_a_fault(data: bytes) -> None:
    assert isinstance(parse_declaration(data), Declaration | Faulty)


def _schema_of(key: str) -> dict[str, Any]:
    schema: dict[str, Any] = declaration_schema()["properties"][key]
    items: dict[str, Any] = schema.get("items", schema)
    return items


def test_the_schema_says_what_the_parser_says() -> None:
    assert set(declaration_schema()["properties"]) == set(DeclarationFile.model_fields)
    assert declaration_schema()["additionalProperties"] is False
    assert _schema_of("level")["enum"] == [level.name.lower() for level in Level]
    assert all("description" in declaration_schema()["properties"][key] for key in DeclarationFile.model_fields)
    assert json.loads(json.dumps(declaration_schema())) == declaration_schema()


@pytest.mark.parametrize("key", ["owner", "readers", "compartments"])
@pytest.mark.parametrize(
    "value",
    [
        *("user:a", "group:a", "role:a", "svc:a", "user:", "user:*", "user:a b", "a", "", "USER:a", "user:ä"),
        *(*sorted(REGULATED), "GDPR", "trade-secret.x", "trade-secret.X", "trade-secret.", "trade-secret"),
    ],
)
def test_a_value_is_right_in_the_schema_and_in_the_parser_or_in_neither(key: str, value: str) -> None:
    written = json.dumps({key: value if key == "owner" else [value]})
    fits = re.search(_schema_of(key)["pattern"], value, re.ASCII) is not None
    assert isinstance(parse_declaration(written.encode()), Declaration) is fits
