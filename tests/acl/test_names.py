from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acl.errors import BadName
from acl.names import ACTIONS, ANY_ACTION, EVERYONE, OBJECT_KINDS, ROOT, SUBJECT_KINDS, parse_collection, parse_name

ALL_KINDS = SUBJECT_KINDS | OBJECT_KINDS


@pytest.mark.parametrize(
    "name",
    [
        "user:anna",
        "user:Anna.B-2_x",
        "group:0",
        "role:everyone",
        "svc:importer",
        "root:all",
        "doc:" + "a" * 120,
        "label:trade-secret.selkie",
        "folder:...",
        "owner:--",
    ],
)
def test_a_name_of_the_grammar_is_taken(name: str) -> None:
    assert parse_name(name, ALL_KINDS) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "anna",
        "user",
        "user:",
        ":anna",
        "user:anna:bert",
        "user: anna",
        "user:anna ",
        " user:anna",
        "user:anna\n",
        "\nuser:anna",
        "user:anna\0",
        "User:anna",
        "USER:anna",
        "user:a,b",  # a comma, a bracket, a hash: each broke a policy file apart once
        "user:a(b",
        "user:a)b",
        'user:a"b',
        "user:a'b",
        "user:a#b",
        "user:a/b",
        "user:a\\b",
        "user:a@b",
        "user:a%b",
        "user:*",  # no wildcards, no patterns
        "doc:*",
        "*",
        "user:a*",
        "user:a?",
        "user:[a]",
        "user:a|b",
        "user:\u00e4nna",
        "user:\uff41nna",  # a full-width letter
        "user:\u0430nna",  # a Cyrillic a
        "user:an\u200bna",
        "user:\u0661",  # an Arabic digit
        "us\u0435r:anna",
        "user:" + "a" * 121,
        "user:a" * 100,
        "u" * 17 + ":a",
        "u1:a",
        "group2:a",
        "wild:anna",
        "null",
        "None",
        "user:anna,group:admins",
    ],
)
def test_a_name_outside_of_the_grammar_is_refused(name: str) -> None:
    """AZ-07."""
    with pytest.raises(BadName, match="write KIND:ID"):
        parse_name(name, ALL_KINDS)


@pytest.mark.parametrize("kind", sorted(ALL_KINDS))
def test_a_kind_is_taken_where_it_may_stand_and_nowhere_else(kind: str) -> None:
    name = f"{kind}:x"
    assert parse_name(name, frozenset({kind})) == name
    with pytest.raises(BadName):
        parse_name(name, ALL_KINDS - {kind})
    with pytest.raises(BadName):
        parse_name(name, frozenset())


@given(st.text())
def test_no_text_whatever_is_a_name_by_accident(text: str) -> None:
    try:
        parse_name(text, ALL_KINDS)
    except BadName:
        return
    assert re.fullmatch(r"[a-z]+:[A-Za-z0-9._-]+", text)


@given(st.from_regex(r"[a-z]{1,16}:[A-Za-z0-9._-]{1,120}", fullmatch=True))
def test_every_name_of_the_grammar_is_taken_if_its_kind_may_stand_there(name: str) -> None:
    assert parse_name(name, frozenset({name.partition(":")[0]})) == name


def test_the_names_that_the_program_itself_uses_are_of_the_grammar() -> None:
    assert parse_name(ROOT, OBJECT_KINDS) == "root:all"
    assert parse_name(EVERYONE, SUBJECT_KINDS) == "role:everyone"
    assert ANY_ACTION not in ACTIONS


@pytest.mark.parametrize("name", ["finance", "Q3.2026_final-2", "0", "a" * 120])
def test_a_collection_is_named_alone(name: str) -> None:
    assert parse_collection(name) == f"coll:{name}"


@pytest.mark.parametrize("name", ["", "a b", "coll:c", "coll:", ":", "a/b", "a\n", "*", "\u00e4", "a" * 121])
def test_what_is_no_name_of_a_collection_is_refused_with_how_to_write_it(name: str) -> None:
    with pytest.raises(BadName, match="write the collection's name alone"):
        parse_collection(name)
