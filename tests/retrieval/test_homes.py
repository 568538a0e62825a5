"""Where an index is kept: opened, made anew beside itself, put in place, removed; in a folder and on a server."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from qdrant_client import models

from retrieval.errors import EmbedderMismatch, IndexDown
from retrieval.homes import EdgeHome, QdrantHome
from retrieval.plan import PLAN, Plan, kilobytes
from retrieval.qdrant_server import Server, Spread
from tests.certificates import certificate
from tests.retrieval.conftest import MADE, opened_at, served
from tests.retrieval.points import DIMENSION, numbers, point, scope

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from retrieval.homes import Home
    from tests.retrieval.rest_server import RestServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RestServer]:
    with served(tmp_path) as server:
        yield server


@pytest.fixture
def on_server(server: RestServer) -> QdrantHome:
    return QdrantHome(Server(server.url), MADE)


@pytest.fixture(params=["edge", "http"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Home:
    if request.param == "edge":
        return EdgeHome(tmp_path / "index", DIMENSION, MADE.model)
    made: Home = request.getfixturevalue("on_server")
    return made


def found_at(home: Home) -> list[int]:
    index = home.open()
    try:
        return numbers([*index.search("boiler", point(1).vector, scope(), 100)])
    finally:
        index.close()


def filled(home: Home, number: int, *, fresh: bool = False) -> None:
    index = home.open_fresh() if fresh else home.open()
    index.put([point(number)])
    index.close()


# --- both ---------------------------------------------------------------------------------------


def test_an_index_is_there_once_it_was_opened(home: Home) -> None:
    assert not home.exists()
    filled(home, 1)
    assert home.exists()
    assert found_at(home) == [1]


def test_a_fresh_index_answers_once_it_is_put_in_place_and_the_old_one_is_gone(home: Home) -> None:
    filled(home, 1)
    filled(home, 2, fresh=True)
    assert found_at(home) == [1]
    home.replace()
    assert found_at(home) == [2]
    filled(home, 3, fresh=True)
    home.replace()
    assert found_at(home) == [3]


def test_a_fresh_index_that_was_not_finished_is_begun_again(home: Home) -> None:
    filled(home, 1)
    filled(home, 2, fresh=True)
    filled(home, 3, fresh=True)
    home.replace()
    assert found_at(home) == [3]


def test_a_replacement_that_was_cut_off_is_put_right(tmp_path: Path) -> None:
    """FT-01, FT-02: between its two steps there is no index; after them the old one must not lie about."""
    home = EdgeHome(tmp_path / "index", DIMENSION, MADE.model)
    filled(home, 1)
    (tmp_path / "index").rename(tmp_path / "index.old")
    assert home.exists()
    assert found_at(home) == [1]
    shutil.copytree(tmp_path / "index", tmp_path / "index.old")
    assert found_at(home) == [1]
    assert not (tmp_path / "index.old").exists()


def test_where_there_was_none_a_fresh_index_is_the_first(home: Home) -> None:
    filled(home, 1, fresh=True)
    assert not home.exists()
    home.replace()
    assert found_at(home) == [1]


def test_a_removed_index_leaves_nothing(home: Home, server: RestServer, tmp_path: Path) -> None:
    home.remove()
    filled(home, 1)
    filled(home, 2, fresh=True)
    home.remove()
    assert not home.exists()
    assert not server.collections.kept
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("index")]
    assert found_at(home) == []


def test_an_index_of_another_model_is_refused_though_its_dimension_is_the_same(home: Home) -> None:
    """FT-04, IN-15: its vectors fit and mean something else."""
    filled(home, 1)
    with pytest.raises(EmbedderMismatch, match="holds vectors of minilm/4; this version makes other/4"):
        with_model(home, "other/4").open()
    other = with_model(home, "other/4")
    filled(other, 2, fresh=True)
    other.replace()
    assert found_at(other) == [2]
    with pytest.raises(EmbedderMismatch):
        home.open()


def with_model(home: Home, model: str) -> Home:
    if isinstance(home, EdgeHome):
        return replace(home, model=model)
    assert isinstance(home, QdrantHome)
    return QdrantHome(home.server, replace(home.made, model=model))


# --- a server -----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.18.3", "1.9.9", "0.11.0", "1.18.99-dev"])
def test_a_server_in_which_hidden_documents_move_scores_is_refused(
    server: RestServer, on_server: QdrantHome, version: str
) -> None:
    """AZ-21: it counts words over all points, whatever it is told."""
    server.version = version
    for use in (on_server.open, on_server.open_fresh, on_server.exists, on_server.remove):
        with pytest.raises(IndexDown, match=rf"is Qdrant {version[:4].rstrip('.')}.*renew it, to 1\.19"):
            use()
    server.version = "1.19.0"
    assert found_at(on_server) == []


@pytest.mark.parametrize("version", ["", "unknown", "v2", "\x1b[31m1.20"])
def test_a_server_that_does_not_say_its_version_is_refused(
    server: RestServer, on_server: QdrantHome, version: str
) -> None:
    server.version = version
    with pytest.raises(IndexDown, match="does not say which version") as caught:
        on_server.open()
    assert "\x1b" not in str(caught.value)


def test_a_collection_of_another_installation_is_left_alone(on_server: QdrantHome) -> None:
    """FT-04: its points are no chunks of ours, and would stand in their place."""
    filled(on_server, 1)
    others = QdrantHome(on_server.server, replace(MADE, installation="others"))
    for use in (others.open, others.open_fresh, others.remove, others.replace):
        with pytest.raises(IndexDown, match=r"is another's: choose another name in index\.collection"):
            use()
    assert found_at(on_server) == [1]
    beside = QdrantHome(replace(on_server.server, collection="others"), others.made)
    filled(beside, 2)
    assert (found_at(on_server), found_at(beside)) == ([1], [2])


def test_a_collection_that_somebody_made_by_hand_is_not_taken(server: RestServer, on_server: QdrantHome) -> None:
    filled(on_server, 1)
    server.collections.of("need-to-know").made.metadata = None
    with pytest.raises(IndexDown, match="is another's"):
        on_server.open()


VECTORS = {"dense": models.VectorParams(size=DIMENSION, distance=models.Distance.COSINE)}
WORDS = {"bm25": models.SparseVectorParams(modifier=models.Modifier.IDF)}


@pytest.mark.parametrize(
    ("vectors", "words"),
    [
        ({"dense": models.VectorParams(size=DIMENSION + 1, distance=models.Distance.COSINE)}, WORDS),
        ({"dense": models.VectorParams(size=DIMENSION, distance=models.Distance.DOT)}, WORDS),
        ({"other": VECTORS["dense"]}, WORDS),
        (VECTORS["dense"], WORDS),
        (VECTORS, {"bm25": models.SparseVectorParams()}),
        (VECTORS, {}),
        (VECTORS, None),
    ],
    ids=repr,
)
def test_a_collection_of_another_shape_is_refused(
    server: RestServer, on_server: QdrantHome, vectors: Any, words: Any
) -> None:
    """FT-04: another dimension, another distance, or words that are not weighed by how rare they are."""
    filled(on_server, 1)
    made = server.collections.of("need-to-know").made
    whole = made.model_copy()
    made.vectors, made.sparse_vectors = vectors, words
    with pytest.raises(IndexDown, match="run ntk reindex"):
        on_server.open()
    made.vectors, made.sparse_vectors = whole.vectors, whole.sparse_vectors
    assert found_at(on_server) == [1]


def test_a_scope_of_thousands_is_searched_where_a_server_would_take_fifty(
    server: RestServer, on_server: QdrantHome
) -> None:
    """Strict mode refuses long lists of its own accord."""
    many = scope([f"doc:{number}" for number in range(5_000)], [f"folder:{number}" for number in range(5_000)])
    with opened_at(on_server) as index:
        index.put([point(1, document="doc:4000"), point(2, document="doc:6000")])
        assert numbers([*index.search("boiler", point(1).vector, many, 24)]) == [1]
        server.collections.of("need-to-know").made.strict_mode_config = None
        with pytest.raises(IndexDown, match="says 400"):
            index.search("boiler", point(1).vector, many, 24)
    with opened_at(on_server) as index:  # as a collection of an earlier version: the limits are raised again
        assert numbers([*index.search("boiler", point(1).vector, many, 24)]) == [1]


def test_field_indexes_that_are_missing_are_made(server: RestServer, on_server: QdrantHome) -> None:
    filled(on_server, 1)
    schema = server.collections.of("need-to-know").schema
    assert set(schema) == {"scope", "own", "level", "comp", "path", "doc", "ver"}
    del schema["scope"], schema["ver"]
    assert found_at(on_server) == [1]
    assert set(schema) == {"scope", "own", "level", "comp", "path", "doc", "ver"}


def test_a_collection_whose_making_was_cut_off_is_made_to_its_end(server: RestServer, on_server: QdrantHome) -> None:
    """FT-06: nothing points to it before it is whole."""
    filled(on_server, 1)
    server.collections.aliases.clear()
    assert not on_server.exists()
    assert found_at(on_server) == []


def test_a_collection_is_laid_out_by_its_plan_and_an_older_one_is_brought_in_line(
    server: RestServer, on_server: QdrantHome
) -> None:
    filled(on_server, 1)
    made: Any = server.collections.of("need-to-know").made
    assert made.vectors["dense"].hnsw_config.m == 0
    assert made.vectors["dense"].quantization_config.turbo.bits == models.TurboQuantBitSize.BITS4
    assert made.optimizers_config.max_segment_size == kilobytes(PLAN.part, DIMENSION)
    assert made.optimizers_config.indexing_threshold == kilobytes(PLAN.index_from, DIMENSION)
    assert found_at(on_server) == [1]
    assert "PATCH" not in {request.method for request in server.requests}
    plan = Plan(part=10_000, index_from=5_000)
    assert found_at(QdrantHome(on_server.server, replace(MADE, plan=plan))) == [1]
    assert made.optimizers_config.max_segment_size == kilobytes(10_000, DIMENSION)
    assert made.optimizers_config.indexing_threshold == kilobytes(5_000, DIMENSION)
    assert [request.method for request in server.requests].count("PATCH") == 1


def test_a_cluster_is_told_how_to_spread_a_collection(server: RestServer, on_server: QdrantHome) -> None:
    spread = QdrantHome(replace(on_server.server, spread=Spread(shards=6, replicas=3, replicas_written=2)), MADE)
    filled(spread, 1)
    made = server.collections.of("need-to-know").made
    assert (made.shard_number, made.replication_factor, made.write_consistency_factor) == (6, 3, 2)


# --- where it may be ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://qdrant.example:6333", False),
        ("https://qdrant.example/behind/a/path", False),
        ("http://127.0.0.1:6333", False),
        ("http://[::1]:6333", False),
        ("http://localhost:6333", False),
        ("http://10.1.2.3:6333", False),
        ("http://192.168.1.1:6333", False),
        ("http://qdrant:6333", True),
        ("http://8.8.8.8:6333", True),
    ],
)
def test_an_address_to_which_a_key_may_go_is_taken(url: str, plain: bool) -> None:  # noqa: FBT001 - a table
    assert Server(url, is_plain_allowed=plain).place == url.partition("/behind")[0]


@pytest.mark.parametrize(
    "url",
    [
        "http://qdrant:6333",
        "http://qdrant.example:6333",
        "http://8.8.8.8:6333",
        "http://127.0.0.1.example",
        "http://localhost.example",
        "http://0x7f000001.example",
        "ftp://127.0.0.1",
        "qdrant.example:6333",
        "https://",
        "https:///x",
        "https://user:password@qdrant.example",
        "https://qdrant.example?api_key=x",
        "https://qdrant.example#x",
        "https://qdrant.example\\@other",
        "https://q drant",
        "",
        "//qdrant.example",
        "file:///etc/passwd",
        ":memory:",
    ],
)
def test_an_address_to_which_nothing_may_go_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"index server|in clear") as caught:
        Server(url)
    assert "password" not in str(caught.value)


@pytest.mark.parametrize("collection", ["", "a/b", "..", ".", "a b", "é", "a" * 101, "a\n"])
def test_a_name_that_could_lead_elsewhere_is_refused(collection: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Server("https://qdrant.example", collection)
    Server("https://qdrant.example", "Need_to-know2")


@pytest.mark.parametrize("key", ["a secret", "a\r\nX: y", "ké", "\x00"])
def test_a_key_that_could_break_a_header_is_refused_without_being_told(key: str) -> None:
    with pytest.raises(ValueError, match="key of the index server") as caught:
        Server("https://qdrant.example", key=key)
    assert key not in str(caught.value)


def test_a_server_proves_who_it_is(tmp_path: Path) -> None:
    """By a certificate of the authority that is named, and not even the key reaches another."""
    tls, _ = certificate(tmp_path, "127.0.0.1")
    with served(tmp_path, tls=tls, key="a-key") as server:
        trusted = QdrantHome(Server(server.url, key="a-key", authority=tmp_path / "cert.pem"), MADE)
        filled(trusted, 1)
        assert found_at(trusted) == [1]
        asked = len(server.requests)
        with pytest.raises(IndexDown, match="gives no usable answer"):
            QdrantHome(Server(server.url, key="a-key"), MADE).open()
        assert len(server.requests) == asked


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_authority_that_cannot_be_read_is_told(tmp_path: Path, content: str | None) -> None:
    if content:
        (tmp_path / "ca.pem").write_text(content)
    with pytest.raises(IndexDown, match=r"ca\.pem cannot be read"):
        QdrantHome(Server("https://127.0.0.1:1", authority=tmp_path / "ca.pem"), MADE).open()
