"""Azure Key Vault: its own client against a stub over real HTTPS. Who signs in is a fake: that takes the internet."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.keyvault.secrets import SecretClient

from store.errors import SecretMissing, SecretsDown
from store.reference import Secret, parse
from store.secret_azure import LIMITS, read
from tests.certificates import certificate
from tests.store.answering import Answer, Answering, Request

if TYPE_CHECKING:
    import ssl
    from pathlib import Path


class SignedIn:
    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        return AccessToken("token-of-the-identity", int(datetime.now(UTC).timestamp()) + 3600)


class Nobody:
    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        raise ClientAuthenticationError("canary")


def found(value: str | None = "c0ffee", **attributes: object) -> Answer:
    made = {"enabled": True, "created": 1_772_359_200, **attributes}
    body = {"id": "https://acme-keys.vault.azure.net/secrets/llm/1", "value": value, "attributes": made}
    return Answer(body=json.dumps(body).encode())


CHALLENGE = Answer(
    401,
    b"{}",
    {"WWW-Authenticate": 'Bearer authorization="https://login.example/tenant", resource="https://vault.azure.net"'},
)


def asked(
    folder: Path,
    answer: Answer,
    who: SignedIn | Nobody,
    reference: str = "azure-kv:acme-keys/llm",
    *,
    certified: ssl.SSLContext | None = None,
) -> Secret:
    server = certified or certificate(folder, "127.0.0.1")[0]

    def guarded(request: Request) -> Answer:
        return answer if request.headers.get("authorization") == "Bearer token-of-the-identity" else CHALLENGE

    with Answering(guarded, server) as stub:

        def client(host: str) -> SecretClient:
            assert host == "acme-keys.vault.azure.net"
            return SecretClient(
                stub.url,
                who,
                **LIMITS,
                connection_verify=str(folder / "cert.pem"),
                verify_challenge_resource=False,  # the stub has another name than the real one
            )

        return read(parse(reference), {}, client=client)


def test_the_current_version_is_read_and_its_age_known(tmp_path: Path) -> None:
    secret = asked(tmp_path, found(), SignedIn())
    assert secret == Secret("c0ffee", datetime(2026, 3, 1, 10, tzinfo=UTC))


def test_a_field_is_read(tmp_path: Path) -> None:
    assert asked(tmp_path, found('{"key": "c0ffee"}'), SignedIn(), "azure-kv:acme-keys/llm#key").value == "c0ffee"
    whole = "azure-kv:acme-keys.vault.azure.net/llm"
    assert asked(tmp_path, found(), SignedIn(), whole).value == "c0ffee"


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer(404, b'{"error": {"code": "SecretNotFound", "message": "canary"}}'), SecretMissing, "is not in"),
        (Answer(403, b'{"error": {"code": "Forbidden", "message": "canary"}}'), SecretMissing, "may not be read"),
        (Answer(500, b"canary"), SecretsDown, "fails"),
        (Answer(200, b"canary{"), SecretsDown, "Azure"),
        (found(exp=1_700_000_000), SecretMissing, "has expired"),
    ],
)
def test_whatever_goes_wrong_is_told_in_words_of_our_own(
    tmp_path: Path, answer: Answer, kind: type[SecretMissing], words: str
) -> None:
    with pytest.raises(SecretMissing, match=words) as refused:
        asked(tmp_path, answer, SignedIn())
    assert type(refused.value) is kind
    assert "canary" not in str(refused.value)


def test_who_cannot_sign_in_reads_nothing(tmp_path: Path) -> None:
    with pytest.raises(SecretMissing, match="no Azure identity signs in") as refused:
        asked(tmp_path, found(), Nobody())
    assert "canary" not in str(refused.value)


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    server, _ = certificate(tmp_path, "127.0.0.1")
    with Answering(lambda _: found(), server) as elsewhere:
        moved = Answer(302, b"", {"Location": elsewhere.url})
        with pytest.raises(SecretsDown, match="Azure"):
            asked(tmp_path, moved, SignedIn(), certified=server)
    assert elsewhere.requests == []
