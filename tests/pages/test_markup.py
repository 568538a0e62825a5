"""The chat page's markup and headers, without a browser."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.responses import PlainTextResponse
from fastapi.testclient import TestClient

import api.pages
from api.pages import HEADERS, router, security_headers, static
from egress.answer import MAX_QUESTION
from redaction.types import Kind

STATIC = Path(api.pages.__file__).parent / "static"
SCRIPTS = sorted(STATIC.glob("*.js"))
DIRECTIVES = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'none'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}


class Markup(HTMLParser):
    """Every element of a page with its attributes, and the text that stands in scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in {"script", "style"}:
            self.inline += data.strip()

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    app.include_router(router)

    @app.get("/cached")
    def cached() -> PlainTextResponse:
        return PlainTextResponse("x", headers={"Cache-Control": "public, max-age=60", "Referrer-Policy": "unsafe-url"})

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError

    return TestClient(security_headers(app), raise_server_exceptions=False)


@pytest.fixture
def markup(client: TestClient) -> Markup:
    return Markup(client.get("/").text)


@pytest.mark.parametrize("path", ["/", "/approvals", "/matrix"])
def test_the_page_loads_without_any_identity(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "set-cookie" not in response.headers


def test_the_policy_allows_the_own_host_and_nothing_else(client: TestClient) -> None:
    """PI-02."""
    policy = client.get("/").headers["content-security-policy"]
    assert dict(directive.split(" ", 1) for directive in policy.split("; ")) == DIRECTIVES


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/approvals", 200),
        ("/matrix", 200),
        ("/static/page.js", 200),
        ("/nowhere", 404),
        ("/cached", 200),
        ("/broken", 500),
    ],
)
def test_every_response_carries_the_security_headers(client: TestClient, path: str, status: int) -> None:
    """PI-02. The answer to an unhandled error too, and a route cannot weaken them."""
    response = client.get(path)
    assert response.status_code == status
    assert {name: response.headers.get_list(name) for name in HEADERS} == {k: [v] for k, v in HEADERS.items()}


TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@pytest.mark.parametrize("name", sorted(path.name for path in STATIC.iterdir()))
def test_the_page_s_own_files_are_served_with_their_type(client: TestClient, name: str) -> None:
    response = client.get(f"/static/{name}")
    assert response.status_code == 200
    assert response.headers["content-type"].partition(";")[0] == TYPES[Path(name).suffix]
    assert response.content == (STATIC / name).read_bytes()


@pytest.mark.parametrize("name", ["", ".", "nothing.js", "CHAT.JS", "../__init__.py", "/etc/hostname", "chat.js\0"])
def test_no_other_file_is_served(client: TestClient, name: str) -> None:
    assert client.get(f"/static/{quote(name, safe='')}").status_code == 404
    with pytest.raises(HTTPException):  # a router may decode a path differently; the table does not care
        static(name)


def test_the_pages_stay_out_of_the_api_s_schema(client: TestClient) -> None:
    assert not {"/", "/static/{name}"} & set(client.get("/openapi.json").json()["paths"])


def test_the_markup_has_no_inline_code_and_no_foreign_address(markup: Markup) -> None:
    """PI-02. The policy would block them; the page must not need it to."""
    assert markup.inline == ""
    names = {name for _, attributes in markup.elements for name in attributes}
    assert not {name for name in names if name.startswith("on")} | names & {"style", "action", "formaction", "srcset"}
    addresses = [
        attributes[name] for _, attributes in markup.elements for name in ("src", "href") if name in attributes
    ]
    assert sorted(map(str, addresses)) == [
        "/",
        "/approvals",
        "/matrix",
        "/static/chat.css",
        "/static/desk.css",
        "/static/icon.svg",
        "/static/icon.svg",
        "/static/page.css",
        "/static/page.js",
    ]


def test_no_form_could_send_the_key_or_the_question(markup: Markup) -> None:
    """A field without a name is never sent, so a page without its script cannot put the key into an address."""
    fields = markup.all("input", "textarea", "select")
    assert [field["id"] for field in fields] == ["key", "question"]
    assert not any("name" in field or "value" in field for field in fields)
    assert fields[0]["type"] == "password"
    assert all(field["autocomplete"] == "off" for field in fields)


def test_every_field_has_a_label_and_every_reference_leads_somewhere(markup: Markup) -> None:
    ids = [attributes["id"] for _, attributes in markup.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {label["for"] for label in markup.all("label")} == {"key", "question"}
    for _, attributes in markup.elements:
        for name in ("for", "aria-describedby", "aria-labelledby"):
            assert set((attributes.get(name) or "").split()) <= set(ids)


def test_the_page_knows_the_limit_of_a_question(markup: Markup) -> None:
    assert markup.all("body") == [{"data-limit": str(MAX_QUESTION), "data-view": "chat"}]


@pytest.mark.parametrize(
    "word",
    [
        "innerHTML =", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "setHTML",
        "DOMParser", "createContextualFragment", "localStorage", "sessionStorage", "indexedDB", "document.cookie",
        "location", "window.open", "http:", "https:", "console.",
    ],
)  # fmt: skip
def test_the_script_makes_no_markup_and_keeps_nothing(word: str) -> None:
    """PI-08."""
    assert [script.name for script in SCRIPTS if word in script.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("kind", Kind)
def test_the_script_has_a_word_for_every_kind_of_token(kind: Kind) -> None:
    assert f' {kind}: ["' in (STATIC / "tokens.js").read_text(encoding="utf-8")


def test_the_style_fetches_nothing() -> None:
    style = "".join(path.read_text(encoding="utf-8") for path in STATIC.glob("*.css"))
    assert not re.search(r"url\(|@import|image-set", style)
    assert "prefers-reduced-motion: no-preference" in style
