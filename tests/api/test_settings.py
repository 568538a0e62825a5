"""Settings: what is read from where, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from acl.labels import Level
from api.errors import BadSettings
from api.index_home import EMBEDDER
from api.settings import ProviderSettings, Settings, cache_folder, load_settings
from api.wiring import open_house
from store.folder import create

if TYPE_CHECKING:
    from retrieval.embed import Embed
    from store.folder import Layout

PROVIDER = """
[provider]
base_url = "https://llm.example/v1"
model = "a-model"
key = "env:LLM_KEY"
ceiling = "internal"
"""


def _with(layout: Layout, more: str) -> Layout:
    with layout.settings.open("a") as file:
        file.write(more)
    return layout


def test_a_new_data_folder_names_its_key_and_nothing_else(data_folder: Layout) -> None:
    settings = load_settings(data_folder)
    assert settings.master_key == "file:master.key"
    assert settings.provider is None


def test_a_provider(data_folder: Layout) -> None:
    provider = load_settings(_with(data_folder, PROVIDER)).provider
    assert provider is not None
    assert (provider.base_url.host, provider.ceiling, provider.key) == ("llm.example", Level.INTERNAL, "env:LLM_KEY")


def test_a_variable_wins_over_the_file(data_folder: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTK_PROVIDER__MODEL", "another")
    monkeypatch.setenv("NTK_MASTER_KEY", "env:ELSEWHERE")
    settings = load_settings(_with(data_folder, PROVIDER))
    assert settings.master_key == "env:ELSEWHERE"
    assert settings.provider is not None
    assert settings.provider.model == "another"
    assert settings.provider.ceiling is Level.INTERNAL


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ('colour = "blue"', "colour"),
        ("[provider]\nmodel = 'm'\nceiling = 'public'", "provider.base_url"),
        (PROVIDER.replace('ceiling = "internal"', ""), "provider.ceiling"),
        (PROVIDER.replace('"internal"', '"Internal"'), "provider.ceiling"),
        (PROVIDER.replace('"internal"', "2"), "provider.ceiling"),
        (PROVIDER.replace("https://llm.example/v1", "file:///etc/passwd"), "provider.base_url"),
        (PROVIDER + 'fallback = "x"', "provider.fallback"),
        ("master_key = [", "TOML"),
    ],
)
def test_a_wrong_file_is_refused_by_name(data_folder: Layout, more: str, named: str) -> None:
    with pytest.raises(BadSettings, match=named.replace(".", r"\.")):
        load_settings(_with(data_folder, more + "\n"))


@pytest.mark.parametrize("variable", ["NTK_COLOUR", "NTK_MASTERKEY", "NTK_PROVIDERS__MODEL"])
def test_an_unknown_variable_is_refused(data_folder: Layout, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "x")
    with pytest.raises(BadSettings, match=variable):
        load_settings(data_folder)


def test_an_error_shows_no_value(data_folder: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTK_PROVIDER__CEILING", "a-secret-put-into-the-wrong-place")
    with pytest.raises(BadSettings) as refused:
        load_settings(_with(data_folder, PROVIDER))
    assert "secret" not in str(refused.value)


def test_every_setting_has_a_line_of_help() -> None:
    for model in (Settings, ProviderSettings):
        for name, field in model.model_fields.items():
            assert field.description, name


def test_a_provider_whose_address_holds_a_password_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hash_embed: Embed
) -> None:
    monkeypatch.setenv("LLM_KEY", "k" * 10)
    layout = create(tmp_path / "site", embedder=EMBEDDER)
    _with(layout, PROVIDER.replace("https://", "https://anna:hunter@"))
    with pytest.raises(BadSettings) as refused, open_house(layout.root, hash_embed):
        pass
    assert "hunter" not in str(refused.value)
    layout.settings.write_text(layout.settings.read_text().replace("anna:hunter@", ""))
    with open_house(layout.root, hash_embed) as house:
        assert house.answering.provider is not None


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


@pytest.mark.parametrize("more", ['forbidden = ["falc(on"]', 'canaries = ["falcon"]'])
def test_a_rule_that_cannot_hold_is_refused_without_being_shown(tmp_path: Path, hash_embed: Embed, more: str) -> None:
    layout = create(tmp_path / "site", embedder=EMBEDDER)
    _with(layout, more + "\n")
    with pytest.raises(BadSettings) as refused, open_house(layout.root, hash_embed):
        pass
    assert "1" in str(refused.value)
    assert "falc" not in str(refused.value)
