"""Google Cloud Secret Manager: its own client against a stub over real HTTP."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceRestTransport

from store.errors import SecretMissing, SecretsDown
from store.reference import Secret, parse
from store.secret_gcp import read
from tests.store.answering import Answer, Answering, Request

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "projects/123/secrets/llm/versions/4"


def payload(data: bytes) -> Answer:
    return Answer(body=json.dumps({"name": NAME, "payload": {"data": base64.b64encode(data).decode()}}).encode())


def serving(access: Answer, version: Answer | None = None) -> Callable[[Request], Answer]:
    made = version or Answer(body=json.dumps({"name": NAME, "createTime": "2026-03-01T10:00:00.5Z"}).encode())
    return lambda request: access if ":access" in request.path else made


def asked(stub: Answering, reference: str = "gcp-sm:acme-prod/llm") -> Secret:
    def client() -> SecretManagerServiceClient:
        nobody: Any = AnonymousCredentials  # has no annotations
        transport = SecretManagerServiceRestTransport(host=stub.host, url_scheme="http", credentials=nobody())
        return SecretManagerServiceClient(transport=transport)

    return read(parse(reference), {}, client=client)


def test_the_latest_version_is_read_and_its_age_known() -> None:
    with Answering(serving(payload(b"c0ffee"))) as stub:
        assert asked(stub) == Secret("c0ffee", datetime(2026, 3, 1, 10, 0, 0, 500_000, UTC))
    assert stub.requests[0].path.startswith("/v1/projects/acme-prod/secrets/llm/versions/latest:access")
    assert stub.requests[1].path.startswith(f"/v1/{NAME}")


def test_a_named_version_and_a_field_are_read() -> None:
    with Answering(serving(payload(b'{"key": "c0ffee"}'))) as stub:
        assert asked(stub, "gcp-sm:acme-prod/llm/4#key").value == "c0ffee"
    assert "/versions/4:access" in stub.requests[0].path


def test_an_age_that_may_not_be_asked_for_is_unknown_and_the_secret_is_read() -> None:
    with Answering(serving(payload(b"c0ffee"), Answer(403, b"{}"))) as stub:
        assert asked(stub) == Secret("c0ffee", None)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer(404, b'{"error": {"message": "canary"}}'), SecretMissing, "is not in Google's"),
        (Answer(403, b'{"error": {"message": "canary"}}'), SecretMissing, "may not be read"),
        (
            Answer(400, b'{"error": {"status": "FAILED_PRECONDITION", "message": "canary"}}'),
            SecretMissing,
            "is disabled or destroyed",
        ),
        (Answer(503, b"canary"), SecretsDown, "Google cannot be asked"),
        (Answer(200, b"canary{"), SecretsDown, "Google cannot be asked"),
        (Answer(200, b"[]"), SecretsDown, "Google cannot be asked"),
        (payload(b"\xff\xfe"), SecretMissing, "is no text"),
    ],
)
def test_whatever_goes_wrong_is_told_in_words_of_our_own(answer: Answer, kind: type[SecretMissing], words: str) -> None:
    with Answering(serving(answer)) as stub, pytest.raises(SecretMissing, match=words) as refused:
        asked(stub)
    assert type(refused.value) is kind
    assert "canary" not in str(refused.value)
    assert len(stub.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with Answering(serving(payload(b"c0ffee"))) as elsewhere:
        moved = Answer(status, b"", {"Location": f"{elsewhere.url}/{NAME}:access"})
        with Answering(serving(moved)) as stub, pytest.raises(SecretsDown, match="Google cannot be asked"):
            asked(stub)
    assert elsewhere.requests == []
