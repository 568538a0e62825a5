"""Rights hang on the route's function, not on the text of a path, on a header, or on what the page shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.architecture.reading import ROOT

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tests.sites import Site

QUESTION = {"question": "What is paid for hotels a night?"}
SECRET = "180 euros"


def _signed_in(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/ask", "//api/v1/ask", "/api//v1/ask", "/./api/v1/ask", "/api/v1/../v1/ask", "/static/../api/v1/ask",
        "/api/v1/ask/", "/api/v1/ask//", "/api/v1/%61sk", "/api%2fv1%2fask", "/api/v1/ask%2f", "/api/v1/ask%00",
        "/API/v1/ask", "/api/v1/ASK", "/api/v1/ask;x=1", "/api/v1/ask?user=user:anna", "/api/v1/ask#x",
        "/api/v1/ask.json",
    ],
)  # fmt: skip
def test_no_spelling_of_a_path_gets_past_the_sign_in(client: TestClient, site: Site, path: str) -> None:
    """AZ-19."""
    address = f"http://127.0.0.1{path}"
    assert client.post(address, json=QUESTION, follow_redirects=False).status_code in (307, 401, 404)
    for key, may in ((site.ben, False), (site.anna, True)):
        response = client.post(address, json=QUESTION, headers=_signed_in(key), follow_redirects=False)
        assert response.status_code in (200, 307, 404)
        assert (SECRET in response.text) == (may and response.status_code == 200)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Original-URL", "/healthz"),
        ("X-Rewrite-URL", "/healthz"),
        ("X-Forwarded-Prefix", "/healthz"),
        ("X-Forwarded-User", "user:anna"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-Host", "localhost"),
        ("Forwarded", "for=127.0.0.1;host=localhost"),
        ("X-Remote-User", "user:anna"),
        ("Remote-User", "user:anna"),
        ("X-HTTP-Method-Override", "GET"),
        ("Cookie", "user=user:anna"),
    ],
)
def test_no_header_but_the_key_says_who_asks(client: TestClient, site: Site, header: str, value: str) -> None:
    """AZ-19."""
    assert client.post("/api/v1/ask", json=QUESTION, headers={header: value}).status_code == 401
    ben = client.post("/api/v1/ask", json=QUESTION, headers={header: value} | _signed_in(site.ben))
    assert (ben.status_code, SECRET in ben.text) == (200, False)
    anna = client.post("/api/v1/ask", json=QUESTION, headers={header: value} | _signed_in(site.anna))
    assert SECRET in anna.text


@pytest.mark.parametrize("host", ["127.0.0.1/healthz?", "127.0.0.1#", "127.0.0.1, evil.example", "evil.example:80"])
def test_a_host_that_holds_more_than_a_host_gets_no_answer(client: TestClient, site: Site, host: str) -> None:
    """AZ-19."""
    response = client.post("/api/v1/ask", json=QUESTION, headers=_signed_in(site.anna) | {"Host": host})
    assert response.status_code == 400
    assert SECRET not in response.text


@pytest.mark.parametrize("method", ["HEAD", "TRACE", "CONNECT", "PROPFIND", "post", "GETPOST"])
def test_no_odd_method_asks(client: TestClient, site: Site, method: str) -> None:
    """AZ-19."""
    response = client.request(method, "/api/v1/ask", json=QUESTION, headers=_signed_in(site.anna))
    if method == "post":  # clients write methods in capitals before they send them
        assert SECRET in response.text
    else:
        assert response.status_code == 405


def test_what_the_page_calls_refuses_who_is_not_signed_in_by_itself(client: TestClient, site: Site) -> None:
    """AZ-18: the page hides the form from who has no key; that protects nothing."""
    scripts = "".join(path.read_text("utf-8") for path in (ROOT / "api" / "pages" / "static").glob("*.js"))
    assert len(re.findall(r"\bfetch\(|XMLHttpRequest|sendBeacon|EventSource|WebSocket", scripts)) == 1
    called = {re.sub(r"\$\{[^}]*\}", "none", path) for path in re.findall(r"[\"`](/api/v1/[^\"`]*)", scripts)}
    assert {"/api/v1/ask", "/api/v1/me", "/api/v1/requests/none/answer"} <= called
    for path in called:
        assert _called(client, path, {}) == 401
        assert _called(client, path, _signed_in(site.anna)) in ((404, 422) if "none" in path else (200,))


def _called(client: TestClient, path: str, headers: dict[str, str]) -> int:
    """Call a path as the page does: with a question where one can be put, else to read."""
    asked = client.post(path, json=QUESTION, headers=headers)
    return (client.get(path, headers=headers) if asked.status_code == 405 else asked).status_code
