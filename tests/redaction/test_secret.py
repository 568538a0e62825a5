"""Secrets are put together at run time, so that no scanner finds one in the repository."""

from __future__ import annotations

import time
from typing import Final

import pytest

from redaction.normalise import fold
from redaction.patterns import pattern_recognisers
from redaction.redact import SECRET_REMOVED, redact
from redaction.restore import restore
from redaction.secret import secrets
from redaction.tokens import issuer
from redaction.types import Kind
from tests.redaction.detectors.made_up import ANY, chance

RECOGNISERS: Final = pattern_recognisers()
GITHUB: Final = "ghp_" + chance(ANY, 36)
PASSWORD: Final = "Tr0ub4dor&" + chance(ANY, 4)
BODY: Final = "\n".join(chance(ANY + "+/", 64, str(n)) for n in range(12))
PEM: Final = f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n-----END RSA PRIVATE KEY-----"
CUT: Final = f"-----BEGIN PRIVATE KEY-----\n{BODY}"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"use {GITHUB} today", f"use {SECRET_REMOVED} today"),
        (f"password: {PASSWORD}\nnext", f"password: {SECRET_REMOVED}\nnext"),
        (f"before\n{PEM}\nbehind", f"before\n{SECRET_REMOVED}\nbehind"),
        (f"before\n{CUT}", f"before\n{SECRET_REMOVED}"),
        (f"api_key = '{chance(ANY, 32)}'", f"api_key = '{SECRET_REMOVED}'"),
    ],
)
def test_a_secret_is_removed_and_what_stands_around_it_stays(text: str, left: str) -> None:
    result, tokens = redact([text], RECOGNISERS, issuer())
    assert result.texts == (left,)
    assert result.secrets == (0,)
    assert result.counts == {Kind.SECRET: 1}
    assert restore(left, tokens) == left
    assert tokens.surfaces == {}


@pytest.mark.parametrize(
    "text", [f"postgresql://app:{PASSWORD}@db.example/x", f"https://jane:{PASSWORD}@host.example/"]
)
def test_a_link_with_a_password_goes_whole(text: str) -> None:
    result, _ = redact([text], RECOGNISERS, issuer())
    assert PASSWORD not in result.texts[0]
    assert result.secrets == (0,)


@pytest.mark.parametrize(
    "text",
    [
        "password: <your password>",
        "API_KEY = os.environ['KEY']",
        "the secret of success",
        "token: xxxxxxxxxxxxxxxxxxxxxxxx",
    ],
)
def test_a_form_or_a_word_is_no_secret(text: str) -> None:
    assert list(secrets(text)) == []


def test_nothing_of_a_secret_becomes_an_identity() -> None:
    """A key that were stored with its MAC could be tried out."""
    assert {value for text in (GITHUB, PEM, f"password: {PASSWORD}") for _, _, value in secrets(text)} == {""}


def test_offsets_hold_behind_letters_of_several_bytes() -> None:
    text = f"Zoë ⚑ 日本 {GITHUB}"
    folded = fold(text)
    ((start, end, _),) = secrets(folded.text)
    assert folded.original_text(start, end) == GITHUB


@pytest.mark.parametrize("piece", ["-----BEGIN PRIVATE KEY-----\n", "password: ", "eyJ", "a://b:", "key=", CUT])
def test_secrets_are_found_in_linear_time(piece: str) -> None:
    text = (piece * 50_000)[:50_000]
    begin = time.process_time()
    list(secrets(text))
    assert time.process_time() - begin < 2.5
