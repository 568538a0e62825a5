"""What every request meets: health, hosts, headers, routes that are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from api.wiring import House


def test_health_says_nothing_else(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_not_ready_when_the_index_is_gone(client: TestClient, house: House) -> None:
    house.index.close()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["code"] == "not-ready"
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/.env", "/.git/config", "/metrics", "/api/v1"])
def test_nothing_else_is_there(client: TestClient, path: str) -> None:
    """AP-09, SC-09."""
    response = client.get(path)
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_asking_has_one_method(client: TestClient, method: str) -> None:
    """AZ-19."""
    assert client.request(method, "/api/v1/ask").status_code == 405


@pytest.mark.parametrize("path", ["/api/v1/ask/", "//api/v1/ask", "/api/v1//ask", "/api/v1/ask%2f"])
def test_another_spelling_of_a_path_is_another_path(client: TestClient, path: str) -> None:
    """AZ-19: nor is it redirected, with which the key would be sent twice."""
    response = client.post(path, json={"question": "x"}, follow_redirects=False)
    assert (response.status_code, response.json()["code"]) == (404, "http-404")


@pytest.mark.parametrize("path", ["/", "/healthz", "/nowhere", "/static/chat.js"])
def test_every_response_has_the_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "Server" not in headers
    assert not [name for name in headers if name.lower().startswith("access-control-")]
