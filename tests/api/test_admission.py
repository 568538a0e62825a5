"""What is refused before anything of a request is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from api.admission import MAX_BODY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from httpx2 import Response
    from starlette.testclient import TestClient

    from tests.api.conftest import Site

ASKED = b'{"question": "What is paid for hotels a night?"}'


def _post(client: TestClient, key: str, body: bytes | Iterator[bytes], **headers: str) -> Response:
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(
        "/api/v1/ask",
        content=body,
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json", **more},
    )


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1@evil.example", "a/admin?",
     "127.0.0.1:80:80", "127.0.0.1 ", "[::1].evil.example", ""],
)  # fmt: skip
def test_another_hosts_name_is_refused(client: TestClient, host: str) -> None:
    """AU-08, AZ-19: a page elsewhere that points its own name here gets nothing."""
    refused = client.get("/healthz", headers={"Host": host})
    assert (refused.status_code, refused.json()["code"]) == (400, "http-400")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8300", "LOCALHOST", "[::1]", "[::1]:8300"])
def test_this_hosts_names_are_not(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


def test_a_length_told_in_two_ways_is_refused(client: TestClient, site: Site) -> None:
    """AP-03: a proxy in front might believe the other one."""
    refused = _post(client, site.anna, ASKED, Transfer_Encoding="chunked", Content_Length=str(len(ASKED)))
    assert (refused.status_code, refused.json()["detail"]) == (400, "the length of the body is told in two ways")
    assert _post(client, site.anna, ASKED).status_code == 200
    assert _post(client, site.anna, iter([ASKED[:9], ASKED[9:]])).status_code == 200


def test_a_body_over_the_limit_is_refused_by_its_length_or_on_its_way(client: TestClient, site: Site) -> None:
    """QD-06."""
    blanks = b" " * (MAX_BODY - len(ASKED))
    for told, streamed in ((ASKED + blanks, [ASKED, blanks]), (ASKED + blanks + b" ", [ASKED, blanks, b" "])):
        expected = 200 if len(told) == MAX_BODY else 413
        for response in (_post(client, site.anna, told), _post(client, site.anna, iter(streamed))):
            assert response.status_code == expected
            if expected == 413:
                assert response.json()["detail"] == "the body has more than 1,000,000 bytes"
                assert response.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("length", ["-1", "+5", "1e3", "0x10", "9" * 5000, ""])
def test_a_length_that_is_no_number_is_refused(client: TestClient, site: Site, length: str) -> None:
    assert _post(client, site.anna, ASKED, Content_Length=length).status_code == 413
