"""AWS Secrets Manager: moto's server over real HTTP, and a stub for what that one never does."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from store.errors import SecretMissing, SecretsDown
from store.secret import read
from tests.store.answering import Answer, Answering, Request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(moto: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", moto)
    return boto3.session.Session().client("secretsmanager")


def test_a_secret_is_read_by_its_name_or_its_arn_and_its_age_known(aws: Any, tmp_path: Path) -> None:
    arn = aws.create_secret(Name="ntk/plain", SecretString=" c0ffee\n")["ARN"]
    for reference in ("aws-sm:ntk/plain", f"aws-sm:{arn}"):
        secret = read(reference, tmp_path)
        assert secret.value == "c0ffee"
        assert secret.made_at is not None
        assert abs(datetime.now(UTC) - secret.made_at) < timedelta(minutes=1)


def test_a_field_of_an_object_is_read(aws: Any, tmp_path: Path) -> None:
    aws.create_secret(Name="ntk/object", SecretString=json.dumps({"key": "c0ffee", "user": "canary"}))
    assert read("aws-sm:ntk/object#key", tmp_path).value == "c0ffee"
    with pytest.raises(SecretMissing, match="no such field"):
        read("aws-sm:ntk/object#other", tmp_path)


def test_a_rotated_secret_is_read_at_the_next_time(aws: Any, tmp_path: Path) -> None:
    aws.create_secret(Name="ntk/rotated", SecretString="first")
    assert read("aws-sm:ntk/rotated", tmp_path).value == "first"
    aws.put_secret_value(SecretId="ntk/rotated", SecretString="second")
    assert read("aws-sm:ntk/rotated", tmp_path).value == "second"


def test_what_is_not_there_deleted_or_no_text_is_no_secret(aws: Any, tmp_path: Path) -> None:
    aws.create_secret(Name="ntk/binary", SecretBinary=b"canary")
    aws.create_secret(Name="ntk/deleted", SecretString="canary")
    aws.delete_secret(SecretId="ntk/deleted")
    for reference, words in {
        "aws-sm:ntk/none": "is not in AWS",
        "aws-sm:ntk/deleted": "is about to be deleted",
        "aws-sm:ntk/binary": "is no text",
    }.items():
        with pytest.raises(SecretMissing, match=words):
            read(reference, tmp_path)


def refusal(code: str) -> Answer:
    body = json.dumps({"__type": code, "message": "canary"}).encode()
    return Answer(400, body, {"Content-Type": "application/x-amz-json-1.1"})


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (refusal("AccessDeniedException"), SecretMissing, "may not be read by this role"),
        (refusal("ExpiredTokenException"), SecretMissing, "have expired"),
        (refusal("UnrecognizedClientException"), SecretMissing, "is refused to these"),
        (refusal("DecryptionFailure"), SecretMissing, "KMS key"),
        (refusal("ThrottlingException"), SecretsDown, "AWS Secrets Manager fails"),
        (Answer(500, b"canary"), SecretsDown, "AWS Secrets Manager fails"),
        (Answer(503, b"canary"), SecretsDown, "AWS Secrets Manager fails"),
        (Answer(200, b"canary{"), SecretMissing, "is no text"),
        (Answer(200, b"{}"), SecretMissing, "is no text"),
    ],
)
def test_whatever_goes_wrong_is_told_in_words_of_our_own(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    answer: Answer,
    kind: type[SecretMissing],
    words: str,
) -> None:
    """Asked once: a library that asks again would outlast the time to wait."""
    with Answering(lambda _: answer) as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", stub.url)
        with pytest.raises(SecretMissing, match=re.escape(words)) as refused:
            read("aws-sm:ntk/llm", tmp_path)
    assert type(refused.value) is kind
    assert refused.value.__cause__ is refused.value.__context__ is None
    assert "canary" not in str(refused.value) + caplog.text
    assert len(stub.requests) == 1


def test_a_redirect_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        Answering(lambda _: Answer(body=b'{"SecretString": "c0ffee"}')) as elsewhere,
        Answering(lambda _: Answer(307, b"", {"Location": elsewhere.url})) as stub,
    ):
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", stub.url)
        with pytest.raises(SecretMissing):
            read("aws-sm:ntk/llm", tmp_path)
    assert elsewhere.requests == []


def test_one_that_hangs_is_given_up_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(_: Request) -> Answer:
        stub.over.wait(10)
        return Answer()

    with Answering(hangs) as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", stub.url)
        with pytest.raises(SecretsDown, match=r"within 0\.5 s"):
            read("aws-sm:ntk/llm", tmp_path, patience=timedelta(seconds=0.5))


def test_no_proxy_of_the_environment_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Answering(lambda _: Answer(body=b'{"SecretString": "c0ffee"}')) as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", stub.url)
        secret = read("aws-sm:ntk/llm", tmp_path)
    assert (secret.value, secret.made_at) == ("c0ffee", None)


def test_without_credentials_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with Answering(lambda _: Answer()) as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", stub.url)
        with pytest.raises(SecretsDown, match="NoCredentialsError") as refused:
            read("aws-sm:ntk/llm", tmp_path)
    assert refused.value.__cause__ is refused.value.__context__ is None
    assert stub.requests == []
