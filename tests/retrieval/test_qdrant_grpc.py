"""Over gRPC goes the same as over HTTP: the same queries, the same key, no proxy, and an end to every wait."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel
from qdrant_client.conversions.conversion import GrpcToRest, RestToGrpc

from retrieval.errors import IndexDown
from retrieval.filter import filter_of
from retrieval.points import words_asked
from retrieval.qdrant import QdrantIndex
from retrieval.qdrant_calls import Calls
from retrieval.qdrant_server import Server
from retrieval.search import ByMeaning, ByWords, HowNear
from tests.certificates import certificate
from tests.retrieval.points import DIMENSION, LONGITUDE, chunk_id, scope, search

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from retrieval.search import Query

INSIDE = filter_of(scope(["coll:a", "doc:1"], ["owner:bert"], compartments=["gdpr"], within="coll:a"))


def said(value: Any) -> Any:
    """Give a filter without what it leaves open: None here is an empty list there."""
    value = value.model_dump(exclude_none=True) if isinstance(value, BaseModel) else value
    if isinstance(value, dict):
        return {key: said(part) for key, part in value.items() if part != [] or key in ("any", "except_")}
    return [said(part) for part in value] if isinstance(value, list) else value


@pytest.fixture
def calls() -> Iterator[Calls]:
    """A client of a port that nobody listens on."""
    made = Calls(Server("http://127.0.0.1:1", key="a-key", grpc_port=1), sleep=lambda _: None)
    yield made
    made.close()


@pytest.mark.parametrize(
    "query",
    [ByMeaning(LONGITUDE), ByWords(words_asked("a boiler")), HowNear(LONGITUDE, [chunk_id(1), chunk_id(2)])],
    ids=["by meaning", "by words", "how near"],
)
def test_a_query_says_the_same_over_grpc(calls: Calls, query: Query) -> None:
    """The filter above all, and that words are counted inside of it."""
    request = QdrantIndex(calls, "c", DIMENSION)._request(query, 10, INSIDE)
    translated: Any = RestToGrpc.convert_query_request(request, "c")
    assert said(GrpcToRest.convert_filter(translated.filter)) == said(request.filter)
    assert (translated.using, translated.limit) == (request.using, 10)
    assert translated.params.HasField("idf") == isinstance(query, ByWords)
    if isinstance(query, ByWords):
        assert said(GrpcToRest.convert_filter(translated.params.idf.corpus)) == said(INSIDE)


def test_a_scope_with_nothing_inside_still_asks_for_one_of_nothing_over_grpc(calls: Calls) -> None:
    """AZ-06: an empty list is nothing to gRPC, and must not become no condition at all."""
    request = QdrantIndex(calls, "c", DIMENSION)._request(ByMeaning(LONGITUDE), 10, filter_of(scope([])))
    translated: Any = RestToGrpc.convert_query_request(request, "c")
    (granted, *_) = translated.filter.must
    assert (granted.field.key, granted.field.match.WhichOneof("match_value")) == ("scope", "keywords")
    assert list(granted.field.match.keywords.strings) == []


def test_the_key_goes_as_metadata_and_no_proxy_is_taken(calls: Calls) -> None:
    remote: Any = calls._client._client
    assert remote._prefer_grpc
    assert remote._grpc_port == 1
    assert ("api-key", "a-key") in remote._grpc_headers
    assert (remote._grpc_options["grpc.enable_http_proxy"], remote._grpc_options["grpc.enable_retries"]) == (0, 0)


def test_the_authority_holds_for_grpc_as_well(tmp_path: Path) -> None:
    certificate(tmp_path, "127.0.0.1")
    made = Calls(Server("https://127.0.0.1:1", grpc_port=1, authority=tmp_path / "cert.pem"))
    remote: Any = made._client._client
    assert remote._grpc_options["root_certificates"] == (tmp_path / "cert.pem").read_bytes()
    made.close()


def test_a_server_that_is_not_there_is_down_over_grpc_too(calls: Calls) -> None:
    index = QdrantIndex(calls, str(uuid.uuid4()), DIMENSION)
    for use in (lambda: search(index, scope()), index.count, lambda: index.remove([chunk_id(1)])):
        with pytest.raises(IndexDown, match="it cannot be reached") as caught:
            use()
        assert "a-key" not in str(caught.value)
