"""An installation whose index is on a Qdrant server: moved there and back, asked there, and told when it fails."""

from __future__ import annotations

import json
import tomllib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from api.doctor import State, examine
from api.errors import BadSettings, Exit
from api.reindexing import reindex
from api.settings import IndexSettings
from api.wiring import open_house, require_whole_index
from retrieval.edge import EdgeIndex
from retrieval.errors import IndexDown
from retrieval.qdrant import QdrantIndex
from store.errors import DataFolderBusy
from tests.api.conftest import _client, refused
from tests.retrieval.conftest import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.testclient import TestClient

    from retrieval.embed import Embed
    from tests.api.conftest import Ntk, Site
    from tests.retrieval.rest_server import RestServer

QUESTION = "What is paid for hotels a night?"
KEY = "index-" + "key" * 6


class Silent:
    """Whoever does not want to see how far it is."""

    def done(self, documents: int) -> None:
        """Say nothing."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RestServer]:
    with served(tmp_path, key=KEY) as server:
        yield server


@pytest.fixture
def named(server: RestServer, site: Site) -> IndexSettings:
    secret = site.data / "qdrant.key"
    secret.touch(mode=0o600)
    secret.write_text(KEY)
    return IndexSettings(url=server.url, key="file:qdrant.key")


@contextmanager
def asking(site: Site, embed: Embed) -> Iterator[TestClient]:
    with open_house(site.data, embed) as house:
        require_whole_index(house)
        with _client(house) as client:
            yield client


def answer(site: Site, embed: Embed) -> str:
    with asking(site, embed) as client:
        reply = client.post(
            "/api/v1/ask", json={"question": QUESTION}, headers={"Authorization": f"Bearer {site.anna}"}
        )
    assert reply.status_code == 200
    return str(reply.json()["answer"])


def settings_of(site: Site) -> dict[str, object]:
    return tomllib.loads((site.data / "ntk.toml").read_text())


def test_an_installation_is_moved_to_a_server_and_answers_from_there(
    site: Site, server: RestServer, named: IndexSettings, hash_embed: Embed
) -> None:
    before = answer(site, hash_embed)
    assert "180 euros" in before
    made = reindex(site.data, Silent(), hash_embed, to="qdrant", server=named)
    assert (made.documents, made.chunks > 0, made.left) == (1, True, "")
    assert settings_of(site)["index"] == {"url": server.url, "key": "file:qdrant.key"}
    assert not (site.data / "index").exists()  # it would be behind from now on, and holds vectors
    assert answer(site, hash_embed) == before
    with open_house(site.data, hash_embed) as house:
        assert isinstance(house.index, QdrantIndex)
        assert house.index.count() == made.chunks


def test_while_an_index_is_made_again_nobody_asks_half_of_it(site: Site, hash_embed: Embed) -> None:
    """And while a service answers, nobody makes it again under its feet: the data folder has one owner."""
    before = answer(site, hash_embed)
    refused: list[str] = []

    class Asking(Silent):
        def done(self, documents: int) -> None:
            with pytest.raises(DataFolderBusy) as busy, open_house(site.data, hash_embed):
                pass
            refused.append(str(busy.value))

    made = reindex(site.data, Asking(), hash_embed)
    assert made.documents == len(refused) == 1
    assert "is using" in refused[0]
    with asking(site, hash_embed) as client:
        with pytest.raises(DataFolderBusy):
            reindex(site.data, Silent(), hash_embed)
        reply = client.post(
            "/api/v1/ask", json={"question": QUESTION}, headers={"Authorization": f"Bearer {site.anna}"}
        )
    assert reply.json()["answer"] == before == answer(site, hash_embed)


def test_and_back_into_the_data_folder(site: Site, server: RestServer, named: IndexSettings, hash_embed: Embed) -> None:
    before, settings = answer(site, hash_embed), (site.data / "ntk.toml").read_text()
    reindex(site.data, Silent(), hash_embed, to="qdrant", server=named)
    assert reindex(site.data, Silent(), hash_embed, to="edge").left == ""
    assert (site.data / "ntk.toml").read_text() == settings
    assert server.collections.kept == {}
    assert answer(site, hash_embed) == before
    with open_house(site.data, hash_embed) as house:
        assert isinstance(house.index, EdgeIndex)


def test_what_stops_a_move_leaves_the_old_index_in_use_and_the_move_can_be_repeated(
    site: Site, server: RestServer, named: IndexSettings, hash_embed: Embed
) -> None:
    """FT-06: killed or refused at whatever request."""
    before, settings = answer(site, hash_embed), (site.data / "ntk.toml").read_text()
    reindex(site.data, Silent(), hash_embed, to="qdrant", server=named)
    many = len(server.requests)
    reindex(site.data, Silent(), hash_embed, to="edge")
    for number in range(0, many, 3):
        server.requests.clear()
        refuse_from(server, number)
        try:
            reindex(site.data, Silent(), hash_embed, to="qdrant", server=named)
        except IndexDown:
            assert (site.data / "ntk.toml").read_text() == settings
        else:
            pytest.fail("it was not stopped")
        server.script = None
        assert answer(site, hash_embed) == before
    reindex(site.data, Silent(), hash_embed, to="qdrant", server=named)
    assert answer(site, hash_embed) == before


def refuse_from(server: RestServer, number: int) -> None:
    """Break every connection from one request on."""

    class Script:
        def __bool__(self) -> bool:
            return len(server.requests) > number

        def __call__(self, *_: object) -> None:
            """Say nothing and hang up."""

    server.script = Script()


def test_points_that_are_missing_in_the_end_keep_the_old_index_in_use(
    site: Site, server: RestServer, named: IndexSettings, hash_embed: Embed
) -> None:
    settings = (site.data / "ntk.toml").read_text()
    server.counted = 0
    with pytest.raises(IndexDown, match=r"holds 0 points of .*nothing was put in its place"):
        reindex(site.data, Silent(), hash_embed, to="qdrant", server=named)
    assert (site.data / "ntk.toml").read_text() == settings
    assert "180 euros" in answer(site, hash_embed)


def test_an_old_index_that_cannot_be_removed_is_told(
    site: Site, server: RestServer, named: IndexSettings, hash_embed: Embed
) -> None:
    reindex(site.data, Silent(), hash_embed, to="qdrant", server=named)
    server.version = "1.0.0"
    assert "the old index is still there, and holds vectors" in reindex(site.data, Silent(), hash_embed, to="edge").left
    assert "180 euros" in answer(site, hash_embed)


@pytest.mark.parametrize("to", ["edge", "qdrant"])
def test_a_variable_that_wins_over_the_file_is_not_written_around(
    site: Site, server: RestServer, named: IndexSettings, hash_embed: Embed, monkeypatch: pytest.MonkeyPatch, to: str
) -> None:
    monkeypatch.setenv("NTK_INDEX__URL", server.url)
    monkeypatch.setenv("NTK_INDEX__KEY", named.key)
    monkeypatch.setenv("NTK_INDEX__COLLECTION", "elsewhere")
    with pytest.raises(BadSettings, match="NTK_INDEX__COLLECTION says where the index is"):
        reindex(site.data, Silent(), hash_embed, to=to, server=named if to == "qdrant" else None)  # type: ignore[arg-type]
    assert server.requests == []
    reindex(site.data, Silent(), hash_embed, to="qdrant")  # where the variables say; there is nothing to write
    assert "180 euros" in answer(site, hash_embed)
    assert server.collections.aliases == {"elsewhere": "elsewhere-a"}


@pytest.mark.parametrize(
    "written",
    ['index.url = "https://a.example"\n', 'index = { url = "https://a.example" }\n'],
    ids=["dotted", "inline"],
)
def test_a_table_that_the_operator_wrote_in_his_own_way_is_his_to_change(
    site: Site, server: RestServer, named: IndexSettings, hash_embed: Embed, written: str
) -> None:
    file = site.data / "ntk.toml"
    file.write_text(file.read_text() + written)
    with pytest.raises(BadSettings, match="take what says index out of"):
        reindex(site.data, Silent(), hash_embed, to="qdrant", server=named)
    assert server.requests == []


def test_what_else_stands_in_the_settings_stays_as_it_is(
    site: Site, server: RestServer, named: IndexSettings, hash_embed: Embed
) -> None:
    file = site.data / "ntk.toml"
    others = '# ours\n[recognition]\nregion = "DE"\nguess = false\n'
    file.write_text(file.read_text() + f"\n[index] # soon\nurl = '{server.url}'\nkey = 'file:qdrant.key'\n\n{others}")
    reindex(site.data, Silent(), hash_embed, to="edge")
    assert "index" not in settings_of(site)
    assert file.read_text().endswith(others)
    reindex(site.data, Silent(), hash_embed, to="qdrant", server=named)
    assert others in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_an_index_that_is_not_there_yet_does_not_answer(site: Site, named: IndexSettings, hash_embed: Embed) -> None:
    """The settings name a server before anything was written to it."""
    file = site.data / "ntk.toml"
    file.write_text(file.read_text() + f'\n[index]\nurl = "{named.url}"\nkey = "{named.key}"\n')
    with pytest.raises(IndexDown, match=r"lacks [0-9]+ chunks: run ntk reindex"), asking(site, hash_embed):
        pass
    reindex(site.data, Silent(), hash_embed)
    assert "180 euros" in answer(site, hash_embed)


def test_a_server_that_fails_is_a_problem_of_its_own_and_no_part_of_an_answer(
    site: Site, server: RestServer, named: IndexSettings, hash_embed: Embed
) -> None:
    """It is 503, with nothing of the server in it."""
    reindex(site.data, Silent(), hash_embed, to="qdrant", server=named)
    with asking(site, hash_embed) as client:
        ask = {"json": {"question": QUESTION}, "headers": {"Authorization": f"Bearer {site.anna}"}}
        server.refuse = [500]
        reply = client.post("/api/v1/ask", **ask)  # type: ignore[arg-type]
        assert (reply.status_code, reply.json()["code"]) == (503, "index-down")
        assert reply.headers["content-type"] == "application/problem+json"
        assert server.url not in reply.text
        assert KEY not in reply.text
        assert client.post("/api/v1/ask", **ask).status_code == 200  # type: ignore[arg-type]


def test_the_doctor_says_where_the_index_is_and_what_is_wrong_with_it(
    site: Site, server: RestServer, named: IndexSettings, hash_embed: Embed
) -> None:
    reindex(site.data, Silent(), hash_embed, to="qdrant", server=named)
    (index,) = [finding for finding in examine(site.data) if finding.thing == "index"]
    assert (index.state, "none missing" in index.meaning, server.url in index.meaning) == (State.FINE, True, True)
    server.key = "another"
    (index,) = [finding for finding in examine(site.data) if finding.thing == "index"]
    assert (index.state, "refuses the key" in index.meaning) == (State.MISSING, True)
    assert KEY not in index.meaning
    server.key = KEY


def test_the_command_moves_an_index_and_says_how_much(ntk: Ntk, site: Site, server: RestServer) -> None:
    where = ("--to", "qdrant", "--url", server.url, "--key", f"env:{'INDEX_KEY'}", "--data", site.data)
    refused(ntk("reindex", *where), "secret-missing", Exit.MISUSE, "INDEX_KEY")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INDEX_KEY", KEY)
        made = json.loads(ntk("reindex", *where, "--json").out)
        assert (made["documents"], made["left"]) == (1, "")
        assert "180 euros" in ntk("ask", QUESTION, "--data", site.data, key=site.anna).out
        assert "1 documents" in ntk("reindex", "--to", "edge", "--data", site.data).out
    assert "180 euros" in ntk("ask", QUESTION, "--data", site.data, key=site.anna).out


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--to", "qdrant"], "name the server with --url"),
        (["--url", "https://qdrant.example"], "go with --to qdrant and --url"),
        (["--to", "edge", "--url", "https://qdrant.example"], "go with --to qdrant and --url"),
        (["--to", "qdrant", "--key", "env:X"], "go with --to qdrant and --url"),
        (["--to", "qdrant", "--url", "http://qdrant.example"], "in clear: write https"),
        (["--to", "qdrant", "--url", "qdrant"], "has http or https"),
        (["--to", "qdrant", "--url", "https://qdrant.example", "--collection", "a/b"], "name"),
        (["--to", "qdrant", "--url", "https://qdrant.example", "--grpc", "0"], "--grpc"),
    ],
)
def test_a_server_that_cannot_be_is_refused_before_anything_is_sent(
    ntk: Ntk, site: Site, options: list[str], word: str
) -> None:
    refused(ntk("reindex", *options, "--data", site.data), "bad-settings", Exit.MISUSE, word)
