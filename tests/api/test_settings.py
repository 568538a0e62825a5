"""Settings: what is read from where, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from api.errors import BadSettings
from api.index_home import EMBEDDER
from api.settings import IndexSettings, Settings, cache_folder, load_settings
from api.wiring import open_house
from retrieval.edge import EdgeIndex
from store.folder import create

if TYPE_CHECKING:
    from retrieval.embed import Embed
    from store.folder import Layout

INDEX = """
[index]
url = "https://qdrant.example:6333"
key = "env:QDRANT_KEY"
collection = "ours"
"""


def _with(layout: Layout, more: str) -> Layout:
    with layout.settings.open("a") as file:
        file.write(more)
    return layout


def test_a_new_data_folder_names_its_key_and_nothing_else(data_folder: Layout) -> None:
    settings = load_settings(data_folder)
    assert settings.master_key == "file:master.key"
    assert settings.index is None


def test_a_variable_wins_over_the_file(data_folder: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTK_INDEX__COLLECTION", "another")
    monkeypatch.setenv("NTK_MASTER_KEY", "env:ELSEWHERE")
    settings = load_settings(_with(data_folder, INDEX))
    assert settings.master_key == "env:ELSEWHERE"
    assert settings.index is not None
    assert settings.index.collection == "another"
    assert settings.index.key == "env:QDRANT_KEY"


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ('colour = "blue"', "colour"),
        ("[index]\nkey = 'env:K'", "index.url"),
        (INDEX + "grpc = 0", "index.grpc"),
        (INDEX + 'fallback = "x"', "index.fallback"),
        ('[provider]\nmodel = "m"', "provider"),
        ("master_key = [", "TOML"),
    ],
)
def test_a_wrong_file_is_refused_by_name(data_folder: Layout, more: str, named: str) -> None:
    with pytest.raises(BadSettings, match=named.replace(".", r"\.")):
        load_settings(_with(data_folder, more + "\n"))


@pytest.mark.parametrize("variable", ["NTK_COLOUR", "NTK_MASTERKEY", "NTK_PROVIDER__MODEL"])
def test_an_unknown_variable_is_refused(data_folder: Layout, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "x")
    with pytest.raises(BadSettings, match=variable):
        load_settings(data_folder)


def test_an_error_shows_no_value(data_folder: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTK_INDEX__GRPC", "a-secret-put-into-the-wrong-place")
    with pytest.raises(BadSettings) as refused:
        load_settings(_with(data_folder, INDEX))
    assert "secret" not in str(refused.value)


def test_every_setting_has_a_line_of_help() -> None:
    for model in (Settings, IndexSettings):
        for name, field in model.model_fields.items():
            assert field.description, name


def test_what_can_be_made_again_is_kept_in_the_cache_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/of")
    assert cache_folder() == Path("/var/cache/of/need-to-know")
    for unfit in ("", "relative/place"):
        monkeypatch.setenv("XDG_CACHE_HOME", unfit)
        monkeypatch.setenv("HOME", "/home/anna")
        assert cache_folder() == Path("/home/anna/.cache/need-to-know")


def test_rules_for_answers_come_from_the_settings(tmp_path: Path, hash_embed: Embed) -> None:
    layout = create(tmp_path / "site", embedder=EMBEDDER)
    _with(layout, 'forbidden = ["(?i)project falcon"]\ncanaries = ["Quiet-Otter-7731-Lantern"]\n')
    with open_house(layout.root, hash_embed) as house:
        rules = house.answering.rules
    assert rules.broken_by(["Project Falcon"])
    assert rules.broken_by(["nretnal 1377 retto teiuq"])
    assert rules.broken_by(["Hotels cost 180 EUR."]) is None


@pytest.mark.parametrize(("more", "fusion"), [("", "dbsf"), ('fusion = "rrf"\n', "rrf")])
def test_how_meaning_and_words_become_one_order_comes_from_the_settings(
    tmp_path: Path, hash_embed: Embed, more: str, fusion: str
) -> None:
    layout = create(tmp_path / "site", embedder=EMBEDDER)
    _with(layout, more)
    with open_house(layout.root, hash_embed) as house:
        assert isinstance(house.index, EdgeIndex)
        assert house.index._plan.fusion == fusion


@pytest.mark.parametrize("more", ['forbidden = ["falc(on"]', 'canaries = ["falcon"]'])
def test_a_rule_that_cannot_hold_is_refused_without_being_shown(tmp_path: Path, hash_embed: Embed, more: str) -> None:
    layout = create(tmp_path / "site", embedder=EMBEDDER)
    _with(layout, more + "\n")
    with pytest.raises(BadSettings) as refused, open_house(layout.root, hash_embed):
        pass
    assert "1" in str(refused.value)
    assert "falc" not in str(refused.value)
