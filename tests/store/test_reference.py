from __future__ import annotations

from datetime import UTC, datetime

import pytest

from store.errors import SecretMissing
from store.reference import LONGEST, Reference, Secret, checked, entry, moment, parse, part_of

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:ntk/llm-Ab12Cd"


@pytest.mark.parametrize(
    ("text", "scheme", "place", "field"),
    [
        ("file:provider.key", "file", "provider.key", None),
        ("file:/run/secrets/a b#c", "file", "/run/secrets/a b#c", None),
        ("env:LLM_KEY", "env", "LLM_KEY", None),
        ("vault:secret/ntk#key", "vault", "secret/ntk", "key"),
        ("vault:kv/teams/ntk/llm.example#api_key", "vault", "kv/teams/ntk/llm.example", "api_key"),
        ("aws-sm:ntk/llm", "aws-sm", "ntk/llm", None),
        ("aws-sm:ntk/llm#key", "aws-sm", "ntk/llm", "key"),
        (f"aws-sm:{ARN}#key", "aws-sm", ARN, "key"),
        ("gcp-sm:acme-prod/llm", "gcp-sm", "acme-prod/llm", None),
        ("gcp-sm:acme-prod/llm/7#key", "gcp-sm", "acme-prod/llm/7", "key"),
        ("gcp-sm:acme-prod/llm/latest", "gcp-sm", "acme-prod/llm/latest", None),
        ("azure-kv:acme-keys/llm", "azure-kv", "acme-keys/llm", None),
        ("azure-kv:acme-keys.vault.azure.cn/llm#key", "azure-kv", "acme-keys.vault.azure.cn/llm", "key"),
    ],
)
def test_each_form_is_read_and_written_again(text: str, scheme: str, place: str, field: str | None) -> None:
    reference = parse(text)
    assert (reference.scheme, reference.place, reference.field) == (scheme, place, field)
    assert str(reference) == text


@pytest.mark.parametrize(
    "text",
    [
        "vault:secret/ntk",  # what is in Vault is always an object
        "vault:secret#key",
        "vault:secret/#key",
        "vault:/secret/ntk#key",
        "vault:secret/../sys/raw#key",
        "vault:secret/.hidden#key",
        "vault:secret/ntk#",
        "vault:secret/ntk#a#b",
        "vault:secret/ntk?version=1#key",
        "vault:secret/ntk%2f..#key",
        "vault:secret/ntk#key\n",
        "aws-sm:",
        "aws-sm:a b",
        "aws-sm:a#",
        "gcp-sm:acme-prod",
        "gcp-sm:acme-prod/llm/0",
        "gcp-sm:acme-prod/llm/newest",
        "gcp-sm:acme-prod/../llm",
        "gcp-sm:ACME/llm",
        "azure-kv:acme-keys",
        "azure-kv:evil.example/llm",
        "azure-kv:acme.vault.azure.net.evil.example/llm",
        "azure-kv:acme-keys/a/b",
        "azure-kv:acme@evil/llm",
        "https://vault.example/v1/secret",
        "env:A=B",
        "vault :secret/ntk#key",
    ],
)
def test_what_has_another_form_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(SecretMissing, match="has the form") as refused:
        parse(text)
    assert not text.partition(":")[2] or text not in str(refused.value)


OF_A_FIELD = Reference("aws-sm", "ntk/llm", "key")
WHOLE = Reference("aws-sm", "ntk/llm")


def test_a_field_is_taken_from_an_object_and_the_whole_without_one() -> None:
    assert part_of(OF_A_FIELD, '{"key": "k", "other": 1}') == "k"
    assert part_of(WHOLE, '{"key": "k"}') == '{"key": "k"}'
    assert entry(OF_A_FIELD, {"key": "k"}) == "k"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no JSON object"),
        ("c0ffee", "no JSON object"),
        ('["c0ffee"]', "no JSON object"),
        ('{"key": "c0ffee"', "no JSON object"),
        ("[" * 100_000, "no JSON object"),
        ('{"KEY": "c0ffee"}', "no such field"),
        ('{"key": null, "b": "c0ffee"}', "no such field"),
        ('{"key": 7, "b": "c0ffee"}', "no text"),
        ('{"key": {"c0ffee": 1}}', "no text"),
    ],
)
def test_what_is_no_object_with_a_text_in_that_field_is_no_secret(text: str, reason: str) -> None:
    with pytest.raises(SecretMissing, match=reason) as refused:
        part_of(OF_A_FIELD, text)
    assert "c0ffee" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [("", "empty"), (" \n", "empty"), ("c0ffee\nX-Evil: 1", "line break"), ("c0ffee" * LONGEST, "longer than")],
)
def test_what_could_be_no_key_is_no_secret(value: str, reason: str) -> None:
    with pytest.raises(SecretMissing, match=reason) as refused:
        checked(WHOLE, value)
    assert "c0ffee" not in str(refused.value)


def test_what_could_be_one_is_given_without_blanks_around_it() -> None:
    assert checked(WHOLE, " c0ffee \n") == "c0ffee"
    assert len(checked(WHOLE, "c" * LONGEST)) == LONGEST


def test_a_secret_does_not_show_itself() -> None:
    assert "c0ffee" not in repr(Secret("c0ffee"))


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ("2026-03-01T10:00:00.123456789Z", datetime(2026, 3, 1, 10, 0, 0, 123456, UTC)),
        ("2026-03-01T12:00:00+02:00", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T10:00:00", None),
        (datetime(2026, 3, 1), None),  # noqa: DTZ001 - of no time zone: nobody knows when that is
        ("yesterday", None),
        (1_772_000_000, None),
        (None, None),
    ],
)
def test_a_time_is_read_or_unknown(told: object, read: datetime | None) -> None:
    assert moment(told) == read
