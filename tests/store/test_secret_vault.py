"""Vault, over real HTTP: version 2 of its key-value engine."""

from __future__ import annotations

import json
import re
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from store.errors import SecretMissing, SecretsDown
from store.secret import read
from tests.certificates import certificate
from tests.store.answering import Answer, Answering, Request

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "hvs." + "canary" * 4
REFERENCE = "vault:secret/ntk/llm#key"
PATIENCE = timedelta(seconds=5)


def version(key: object = "c0ffee", *, made: object = "2026-03-01T10:00:00.123456789Z", number: int = 1) -> bytes:
    data = {"data": {"key": key, "other": "canary"}, "metadata": {"created_time": made, "version": number}}
    return json.dumps({"request_id": "1", "data": data}).encode()


def errors(*texts: str) -> bytes:
    return json.dumps({"errors": texts}).encode()


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VAULT_ADDR", "VAULT_NAMESPACE", "VAULT_CACERT", "VAULT_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)


def test_a_field_of_the_latest_version_is_read_and_its_age_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Answering(lambda _: Answer(body=version())) as vault:
        monkeypatch.setenv("VAULT_ADDR", vault.url)
        monkeypatch.setenv("VAULT_NAMESPACE", "acme")
        secret = read(REFERENCE, tmp_path)
    assert (secret.value, secret.made_at) == ("c0ffee", datetime(2026, 3, 1, 10, 0, 0, 123456, UTC))
    (request,) = vault.requests
    assert (request.method, request.path) == ("GET", "/v1/secret/data/ntk/llm")
    assert (request.headers["x-vault-token"], request.headers["x-vault-namespace"]) == (TOKEN, "acme")


def test_a_rotated_version_is_read_at_the_next_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = [version("first"), version("second", made="2026-04-01T10:00:00Z", number=2)]
    with Answering(lambda _: Answer(body=versions.pop(0))) as vault:
        monkeypatch.setenv("VAULT_ADDR", vault.url)
        assert read(REFERENCE, tmp_path).value == "first"
        rotated = read(REFERENCE, tmp_path)
    assert (rotated.value, rotated.made_at) == ("second", datetime(2026, 4, 1, 10, tzinfo=UTC))


def test_an_age_that_vault_does_not_tell_is_unknown_and_the_secret_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Answering(lambda _: Answer(body=version(made="canary"))) as vault:
        monkeypatch.setenv("VAULT_ADDR", vault.url)
        assert read(REFERENCE, tmp_path).made_at is None


JSON = {"Content-Type": "application/json"}
REFUSALS: dict[str, tuple[Answer, type[SecretMissing], str]] = {
    "403": (Answer(403, errors("canary denied", "1 error")), SecretMissing, "refuses this token (403)"),
    "404": (Answer(404, errors()), SecretMissing, "is not in Vault"),
    "404 of a deleted version": (Answer(404, version(None)), SecretMissing, "latest version was deleted"),
    "503 sealed": (Answer(503, errors("Vault is sealed canary")), SecretsDown, "is sealed"),
    "500": (Answer(500, b"<html>canary", {"Content-Type": "text/html"}), SecretsDown, "answers 500"),
    "429": (Answer(429, errors("canary")), SecretsDown, "answers 429"),
    "472": (Answer(472, errors("canary")), SecretsDown, "answers 472"),
    "204": (Answer(204, b""), SecretsDown, "answers 204"),
    "garbage": (Answer(200, b"canary{", JSON), SecretsDown, "no JSON"),
    "nothing": (Answer(200, b""), SecretsDown, "no JSON"),
    "too deep": (Answer(200, b"[" * 100_000), SecretsDown, "no JSON"),
    "another form": (Answer(200, b'["canary"]'), SecretsDown, "has not the form"),
    "version 1 of the engine": (Answer(200, b'{"data": {"key": "canary"}}'), SecretsDown, "has not the form"),
    "no object": (Answer(200, version().replace(b'{"key"', b'[{"key"').replace(b'"canary"}', b'"canary"}]')),
                  SecretsDown, "has not the form"),
    "without the field": (Answer(200, version().replace(b'"key"', b'"canary"')), SecretMissing, "no such field"),
    "an empty field": (Answer(200, version(" ")), SecretMissing, "empty"),
    "a number": (Answer(200, version(5)), SecretMissing, "is no text"),
    "too long": (Answer(200, version("canary" * 5000)), SecretMissing, "longer than"),
    "a line break in it": (Answer(200, version("canary\ncanary")), SecretMissing, "line break"),
    "far too long": (Answer(200, version("canary" * 500_000)), SecretsDown, "cannot be reached, or broke off"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_whatever_else_vault_answers_there_is_no_secret_and_nothing_of_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """AL-08: a client's error quotes what came, and that may be a secret."""
    answer, kind, words = REFUSALS[name]
    with caplog.at_level(0), Answering(lambda _: answer) as vault:
        monkeypatch.setenv("VAULT_ADDR", vault.url)
        with pytest.raises(SecretMissing, match=re.escape(words)) as refused:
            read(REFERENCE, tmp_path)
    assert type(refused.value) is kind
    assert refused.value.__cause__ is refused.value.__context__ is None
    assert "canary" not in str(refused.value) + caplog.text
    assert len(vault.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_token_goes_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    with Answering(lambda _: Answer(body=version())) as elsewhere:

        def sends_on(request: Request) -> Answer:
            return Answer(status, b"", {"Location": elsewhere.url + request.path})

        with Answering(sends_on) as vault:
            monkeypatch.setenv("VAULT_ADDR", vault.url)
            with pytest.raises(SecretsDown, match=rf"sends elsewhere \({status}\)"):
                read(REFERENCE, tmp_path)
    assert elsewhere.requests == []


def test_a_vault_that_drips_is_given_up_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Answering(lambda _: Answer(body=version(), drip=0.05)) as vault:
        monkeypatch.setenv("VAULT_ADDR", vault.url)
        began = time.monotonic()
        with pytest.raises(SecretsDown, match=r"within 0\.3 s"):
            read(REFERENCE, tmp_path, patience=timedelta(seconds=0.3))
        assert time.monotonic() - began < 1.5


def test_a_vault_that_hangs_is_given_up_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(_: Request) -> Answer:
        vault.over.wait(10)
        return Answer()

    with Answering(hangs) as vault:
        monkeypatch.setenv("VAULT_ADDR", vault.url)
        with pytest.raises(SecretsDown, match=r"within 0\.2 s"):
            read(REFERENCE, tmp_path, patience=timedelta(seconds=0.2))


def test_a_vault_that_is_not_there_is_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Answering(lambda _: Answer()) as vault:
        monkeypatch.setenv("VAULT_ADDR", vault.url)
    with pytest.raises(SecretsDown, match="cannot be reached"):
        read(REFERENCE, tmp_path)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (None, "VAULT_ADDR is to hold"),
        ("", "VAULT_ADDR is to hold"),
        ("vault.example:8200", "VAULT_ADDR is to hold"),
        ("ftp://vault.example", "VAULT_ADDR is to hold"),
        ("https://user:canary@vault.example", "VAULT_ADDR is to hold"),
        ("http://vault.example:8200", "in clear: write https"),
        ("http://169.254.169.254", "in clear: write https"),
    ],
)
def test_no_token_goes_to_an_address_that_is_none_or_in_clear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str | None, words: str
) -> None:
    if address is not None:
        monkeypatch.setenv("VAULT_ADDR", address)
    with pytest.raises(SecretMissing, match=words) as refused:
        read(REFERENCE, tmp_path)
    assert "canary" not in str(refused.value)


def test_a_token_is_read_anew_from_the_file_that_an_agent_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = tmp_path / "token"
    sink.touch(0o600)
    monkeypatch.setenv("VAULT_TOKEN", "")
    monkeypatch.setenv("VAULT_TOKEN_FILE", str(sink))
    with Answering(lambda _: Answer(body=version())) as vault:
        monkeypatch.setenv("VAULT_ADDR", vault.url)
        for token in ("first", "second"):
            sink.write_text(f"{token}\n")
            read(REFERENCE, tmp_path)
        sink.chmod(0o644)
        with pytest.raises(SecretMissing, match="others may read the file of the token"):
            read(REFERENCE, tmp_path)
        sink.unlink()
        with pytest.raises(SecretMissing, match="there is no token"):
            read(REFERENCE, tmp_path)
    assert [request.headers["x-vault-token"] for request in vault.requests] == ["first", "second"]


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX-Evil: 1", "ä"])
def test_without_a_token_that_can_be_one_nothing_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", token)
    with Answering(lambda _: Answer(body=version())) as vault:
        monkeypatch.setenv("VAULT_ADDR", vault.url)
        with pytest.raises(SecretMissing, match="there is no token"):
            read(REFERENCE, tmp_path)
    assert vault.requests == []


def test_no_proxy_and_no_netrc_of_the_environment_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login canary password canary\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:9")
    with Answering(lambda _: Answer(body=version())) as vault:
        monkeypatch.setenv("VAULT_ADDR", vault.url)
        assert read(REFERENCE, tmp_path).value == "c0ffee"
    assert "authorization" not in vault.requests[0].headers


def test_a_vault_must_prove_who_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server, _ = certificate(tmp_path, "127.0.0.1")
    with Answering(lambda _: Answer(body=version()), server) as vault:
        monkeypatch.setenv("VAULT_ADDR", vault.url)
        with pytest.raises(SecretsDown, match="cannot prove who it is"):
            read(REFERENCE, tmp_path)
        assert vault.requests == []
        monkeypatch.setenv("VAULT_CACERT", str(tmp_path / "cert.pem"))
        assert read(REFERENCE, tmp_path).value == "c0ffee"


def test_a_client_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for reference, module, extra in (
        (REFERENCE, "hvac", "vault"),
        ("aws-sm:ntk", "boto3", "aws"),
        ("gcp-sm:acme-prod/llm", "google.cloud.secretmanager_v1", "gcp"),
        ("azure-kv:acme-keys/llm", "azure.keyvault.secrets", "azure"),
    ):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, module, None)
            patch.delitem(sys.modules, f"store.secret_{extra}", raising=False)
            with pytest.raises(SecretMissing, match=re.escape(f"pip install 'need-to-know[{extra}]'")):
                read(reference, tmp_path)
