"""A JSON body has one meaning, or is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from api.body import MAX_NAMES, one_meaning

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tests.api.conftest import Site


def _names(count: int) -> bytes:
    return json.dumps({f"name{number}": 1 for number in range(count)}).encode()


@pytest.mark.parametrize("value", [{}, {"a": {"a": 1}, "b": {"a": 2}}, [1, -2.5, None, True, "\u00e9\u2028"], "x"])
def test_json_is_read(value: object) -> None:
    assert one_meaning(json.dumps(value).encode()) == value
    assert one_meaning(json.dumps(value, ensure_ascii=False).encode()) == value


def test_as_many_names_as_allowed_are_read_and_no_more() -> None:
    assert one_meaning(_names(MAX_NAMES))
    with pytest.raises(ValueError, match="more than 100 names"):
        one_meaning(_names(MAX_NAMES + 1))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"question": "a", "question": "b"}', "same name twice"),
        (b'{"question": "a", "q\\u0075estion": "b"}', "same name twice"),
        (b'[{"a": {"b": 1, "b": 1}}]', "same name twice"),
        (b'{"a": NaN}', "no numbers"),
        (b'{"a": -Infinity}', "no numbers"),
        (b"9" * 100_000, "too long"),
        (b"-" + b"9" * 20, "too long"),
        (b"[" * 100_000, "too deep"),
        (b'{"a":' * 100_000, "too deep"),
        (b"[" * 100_000 + b"]" * 100_000, "too deep"),
        ('{"a": "b"}'.encode("utf-16"), "not in UTF-8"),
        (b'{"a": "\xff"}', "not in UTF-8"),
    ],
    ids=range(12),
)
def test_json_of_more_than_one_meaning_is_not_read(body: bytes, why: str) -> None:
    """AP-02."""
    with pytest.raises(ValueError, match=why):
        one_meaning(body)


@pytest.mark.parametrize("body", [b"", b"{", b"\xef\xbb\xbf{}", b"{} {}", b'{"a": "\x00"}', b"{'a': 1}", b"{,}"])
def test_what_is_no_json_is_not_read(body: bytes) -> None:
    """AP-02."""
    with pytest.raises(json.JSONDecodeError):
        one_meaning(body)


def test_a_question_asked_twice_is_not_answered(client: TestClient, site: Site) -> None:
    """AP-02: the framework took the last one."""
    headers = {"Authorization": f"Bearer {site.anna}", "Content-Type": "application/json"}
    once = b'{"question": "What is paid for hotels a night?"}'
    twice = once.replace(b"{", b'{"question": "", ')
    refused = client.post("/api/v1/ask", content=twice, headers=headers)
    assert (refused.status_code, refused.json()["title"]) == (400, "Bad Request")
    assert refused.json()["detail"] == "the body cannot be read: an object in it has the same name twice"
    assert client.post("/api/v1/ask", content=once, headers=headers).status_code == 200


def test_the_answer_to_many_unknown_names_is_short(client: TestClient, site: Site) -> None:
    """AP-02: it repeated them all, after two seconds."""
    headers = {"Authorization": f"Bearer {site.anna}", "Content-Type": "application/json"}
    for count in (MAX_NAMES, 60_000):
        refused = client.post("/api/v1/ask", content=_names(count), headers=headers)
        assert refused.status_code in (400, 422)
        assert len(refused.content) < 30_000
