"""Somebody in finance who asks, and a provider on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acl.labels import Label, Level
from api.loopback import LoopbackProvider, Message
from egress.openai_model import OpenAiModel
from tests.egress.asking import HOTELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from acl.names import UserId
    from tests.worlds import World


@pytest.fixture
def anna(world: World) -> UserId:
    """Somebody in finance, who may read what finance has."""
    user = world.user("anna", groups=["finance"], clearance=Level.RESTRICTED)
    finance = world.collection("finance", Label(Level.CONFIDENTIAL))
    world.document(finance, HOTELS, title="Travel")
    world.allow("group:finance", finance)
    return user


def echo(messages: Sequence[Message]) -> str:
    """Answer with the first excerpt, tokens and all."""
    return messages[-1].content.split("\n")[1] + " [1]"


@pytest.fixture
def provider() -> Iterator[LoopbackProvider]:
    with LoopbackProvider(echo) as running:
        yield running


@pytest.fixture
def remote(provider: LoopbackProvider) -> Iterator[OpenAiModel]:
    with OpenAiModel(provider.base_url, "a-model", "") as model:
        yield model
