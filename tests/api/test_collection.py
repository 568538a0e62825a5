"""How HTTP takes the name of a collection; the command line's way is in test_cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from httpx2 import Response
    from starlette.testclient import TestClient

    from tests.api.conftest import Site


def _ask(client: TestClient, site: Site, collection: str) -> Response:
    question = {"question": "How much is paid for hotels a night?", "collection": collection}
    response: Response = client.post("/api/v1/ask", json=question, headers={"Authorization": f"Bearer {site.anna}"})
    return response


def test_a_collection_is_named_alone(client: TestClient, site: Site) -> None:
    assert _ask(client, site, "finance").json()["outcome"] == "answered"


@pytest.mark.parametrize("collection", ["coll:finance", "a b", ""])
def test_another_form_is_refused_with_how_to_write_it(client: TestClient, site: Site, collection: str) -> None:
    """The empty name too: it would ask in every collection, which is not what was said."""
    refused = _ask(client, site, collection)
    assert (refused.status_code, refused.json()["code"]) == (422, "bad-name")
    assert "write the collection's name alone" in refused.json()["detail"]
