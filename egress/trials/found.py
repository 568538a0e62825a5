"""What a trial finds, and what it may touch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Engine

    from acl.decision import Principal
    from acl.names import UserId
    from acl.scope import Scope
    from audit.chain import Json
    from egress.rules import AnswerRules
    from redaction.types import Recogniser
    from retrieval.embed import Embed
    from retrieval.find import Index
    from retrieval.permit import Permitted
    from retrieval.types import Hit
    from store.reference import Secret


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a trial."""

    passed: bool | None  # None: it could not be tried, so nothing is known
    why: str  # in a sentence
    numbers: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Instruments:
    """What the trials touch of the world: the same parts that answer questions."""

    engine: Engine
    index: Index
    embed: Embed
    permit: Callable[[Sequence[Hit], Scope], Permitted]
    recognisers: Callable[[], Sequence[Recogniser]]
    principal: Callable[[UserId], Principal]  # as whom a leak test searches; what it finds is shown to nobody
    secret: Callable[[str, str], Secret]  # of a reference, for a host; raises SecretMissing, KeyWithheld
    rules: AnswerRules
    tls: ssl.SSLContext | None = None  # trusts the organisation's own authority; by default that of the system
