"""Quotas: how much may be asked and sent, and how many documents somebody may be shown; a record with versions."""

from __future__ import annotations

import ipaddress
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.exc import IntegrityError

from acl.admin.authority import Actor
from acl.admin.gate import CONSOLE, refusal_recorded
from acl.errors import BadName, NotAllowed
from acl.labels import Level
from acl.names import ROOT, UserId, parse_name
from egress.contract.forms import read_yaml, to_json
from egress.contract.register import Registered, current_as, put
from egress.errors import RecordMoved
from store.engine import write

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from audit.ledger import Ledger

KIND: Final = "quotas"
NAME: Final = "quotas"  # there is one
_DEFAULT: Final = Path(__file__).with_name("quotas.yaml")

Measure = Literal["requests", "characters", "identities"]
Window = Literal["minute", "hour", "day"]


class Per(StrEnum):
    """Of what each has a count of its own."""

    USER = "user"
    APPLICATION = "application"
    ADDRESS = "address"
    PROVIDER = "provider"
    LEVEL = "level"
    ALL = "all"


LevelName = Literal["public", "internal", "confidential", "restricted"]
LEVELS: Final[dict[str, Level]] = {level.name.lower(): level for level in Level}
_NAMED: Final = {Per.USER: "user", Per.APPLICATION: "app", Per.PROVIDER: "provider"}


class Limit(BaseModel):
    """One limit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    measure: Measure = Field(
        description="what is counted: questions, what is sent of them, or whom answers name to the asker"
    )
    per: Per = Field(description="of what each has a count of its own")
    of: str | None = Field(
        default=None,
        max_length=140,
        description="only this one: user:…, app:…, provider:…, an address or a level; it takes the place of the "
        "limit without `of`",
    )
    level: LevelName | None = Field(default=None, description="only what is of this level or above")
    window: Window = Field(description="by the clock, in UTC")
    most: int = Field(ge=0, le=10**12, description="so many in a window")

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.of is not None:
            _require_name(self.per, self.of)
        if self.measure == "identities" and (self.per in (Per.PROVIDER, Per.LEVEL) or self.level is not None):
            raise ValueError("identities are counted per user, application, address or all, and of no level")
        if self.level is not None and self.per is Per.LEVEL:
            raise ValueError("`level` says nothing beside `per: level`: write `of`")
        return self

    @property
    def counted(self) -> tuple[str, ...]:
        """What it counts: of limits that count the same, one with `of` takes the place of one without."""
        return self.measure, self.window, self.per, self.level or ""

    @property
    def is_rate(self) -> bool:
        """Whether it counts every question, before anything is read, and not what goes to a provider."""
        known = self.per not in (Per.PROVIDER, Per.LEVEL) and self.level is None
        return self.measure == "requests" and self.window == "minute" and known


def _require_name(per: Per, of: str) -> None:
    if per is Per.ALL:
        raise ValueError("`of` says nothing beside `per: all`")
    if per is Per.LEVEL and of not in LEVELS:
        raise ValueError(f"`of` is one of {', '.join(LEVELS)}")
    if per is Per.ADDRESS:
        ipaddress.ip_address(of)
    if kind := _NAMED.get(per):
        _checked_name(of, kind)


def _checked_name(text: str, *kinds: str) -> str:
    try:
        return parse_name(text, frozenset(kinds))
    except BadName as error:
        raise ValueError(str(error)) from error


def _reader(text: str) -> str:
    return text if text == "default" else _checked_name(text, "user", "group")


class Reading(BaseModel):
    """How many documents somebody may be shown something of in a day."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    per_day: dict[Annotated[str, AfterValidator(_reader)], Annotated[int, Field(ge=1, le=1_000_000)]] = Field(
        max_length=1000, description="by group:… or user:…, of which the most generous holds; `default` for all others"
    )
    times_usual: int = Field(default=5, ge=2, le=1000, description="so many times his own usual day")
    usual_from: int = Field(default=50, ge=1, le=1_000_000, description="and more than so many documents in any case")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if "default" not in self.per_day:
            raise ValueError("per_day: `default` is missing")
        return self


class Quotas(BaseModel):
    """All limits of an installation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limits: tuple[Limit, ...] = Field(min_length=1, max_length=1000)
    reading: Reading

    @model_validator(mode="after")
    def _once(self) -> Self:
        seen: set[tuple[str, ...]] = set()
        for number, limit in enumerate(self.limits, start=1):
            if (one := (*limit.counted, limit.of or "")) in seen:
                raise ValueError(f"limit {number} counts what an earlier one counts: which of them holds?")
            seen.add(one)
        return self


@cache
def default_quotas() -> Quotas:
    """Give what holds where nobody has set anything else."""
    return read_quotas(_DEFAULT.read_text("utf-8"))


def read_quotas(text: str) -> Quotas:
    """Read quotas from YAML.

    Raises:
        BadRecord: They are none; the message names each place that is wrong.
    """
    return read_yaml(Quotas, text, "quotas")


def quotas_in_force(connection: Connection) -> Quotas:
    """Give what holds now. Nobody keeps it: a change holds for the next request.

    Raises:
        BadRecord: What is kept is none; then nothing may be asked.
    """
    kept = current_as(Quotas, connection, KIND, NAME)
    return default_quotas() if kept is None else kept[0]


def may_set(connection: Connection, actor: UserId) -> bool:
    """Say whether somebody may see and set quotas: who administers the whole, or the console."""
    return actor == CONSOLE or bool(Actor.of(connection, actor).manages(ROOT))


def set_quotas(engine: Engine, ledger: Ledger, by: UserId, quotas: Quotas, *, version: int | None = None) -> Registered:
    """Let other quotas hold, from the next request on. What was used already stays used.

    Args:
        engine: Where they are kept.
        ledger: Gets a record of the change.
        by: Who sets them.
        quotas: All of them.
        version: The one that was looked at; 0 if the default held. If it has moved on, nothing is changed.

    Raises:
        NotAllowed: It is not for him to set.
        RecordMoved: Somebody else has changed them meanwhile.
        StoreDown, AuditDown: Nothing is changed.
    """
    with refusal_recorded(ledger, by, what="quotas"):
        try:
            with write(engine) as connection:
                require_setter(connection, by)
                return put(connection, ledger, by, KIND, NAME, to_json(quotas), version=version)
        except IntegrityError as error:
            raise RecordMoved("somebody else changes the quotas at the same time: look at them again") from error


def require_setter(connection: Connection, actor: UserId) -> None:
    """Refuse everybody who may not see and set quotas.

    Raises:
        NotAllowed: He may not.
    """
    if not may_set(connection, actor):
        raise NotAllowed("quotas are for who may manage root:all")
