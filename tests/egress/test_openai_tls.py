"""Who a server must prove to be, before it gets anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from egress.errors import ModelDown
from egress.openai_model import OpenAiModel
from tests.certificates import certificate
from tests.egress.wire import (
    ANSWER,
    GOOD,
    KEY,
    OK,
    PROMPT,
    Wire,
    says,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_a_trusted_certificate_is_accepted(tmp_path: Path) -> None:
    server, trust = certificate(tmp_path, "127.0.0.1")
    with Wire(says(OK, GOOD), server) as wire, OpenAiModel(wire.base_url, "small", KEY, tls=trust) as model:
        assert model.complete(PROMPT).text == ANSWER


@pytest.mark.parametrize(
    ("host", "expired", "trusted"),
    [("127.0.0.1", True, True), ("llm.example", False, True), ("127.0.0.1", False, False)],
)
def test_a_certificate_expired_or_of_another_host_or_authority_gets_nothing(
    tmp_path: Path, *, host: str, expired: bool, trusted: bool
) -> None:
    """FT-14: not even the key reaches a server that cannot prove who it is."""
    server, trust = certificate(tmp_path, host, expired=expired)
    with Wire(says(OK, GOOD), server) as wire:
        model = OpenAiModel(wire.base_url, "small", KEY, tls=trust if trusted else None)
        with model, pytest.raises(ModelDown, match="the connection failed"):
            model.complete(PROMPT)
    assert wire.received == []
