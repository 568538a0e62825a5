"""A provider of models, and what its contract says: kept as data, so that it can decide.

    Provider   the record, as it was written
    Terms      what of it holds on a day: what is missing, or past, is absent

A contract says yes only by a term that is there and has not ended.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from egress.usage import Price
from store.address import is_near

if TYPE_CHECKING:
    from collections.abc import Iterator

WARN_DAYS: Final = (30, 7)  # before something ends
_NAME: Final = r"^[a-z0-9][a-z0-9._-]{0,62}$"
_REGION: Final = r"^[A-Z]{2,8}(-[a-z0-9-]{1,30})?$"
_PRICE: Final = r"^\d{1,6}(\.\d{1,4})?$"
_REFERENCE: Final = r"^(file|env|vault|aws-sm|gcp-sm|azure-kv):[^\s]{1,400}$"


class Kind(StrEnum):
    """Who runs the model."""

    THIRD_PARTY = "third-party"  # a vendor, for many customers
    PRIVATE = "private"  # a vendor or a cloud, for this organisation alone, in its own network
    LOCAL = "local"  # the organisation itself, on its own machines


class Term(StrEnum):
    """What a contract can say yes to."""

    TRAINING_OPT_OUT = "training-opt-out"
    DPA = "dpa"
    BAA = "baa"
    RETENTION = "retention"  # at most as many days as the matrix says
    REGION = "region"  # one of those of the matrix
    PURGE_RIGHT = "purge-right"
    CUSTOMER_MANAGED_KEY = "customer-managed-key"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Signed(_Part):
    """Something that was signed, or certified, and ends on a day."""

    until: date = Field(description="the last day on which it holds, such as 2027-03-31")
    reference: str = Field(default="", max_length=200, description="where the paper is")


class Certificate(Signed):
    """A certificate of the provider's."""

    name: str = Field(min_length=1, max_length=80, description="such as ISO 27001, SOC 2 Type II")


class Contact(_Part):
    """Whom to tell of an incident."""

    name: str = Field(min_length=1, max_length=120)
    address: str = Field(min_length=3, max_length=200, description="an e-mail address, a phone number, a URL")
    hours: int = Field(ge=1, le=720, description="within how many hours he is to be told, from when it is known")


class Model(_Part):
    """A model, and what it costs."""

    name: str = Field(min_length=1, max_length=200, description="as the provider calls it")
    input_price: str = Field(default="0", pattern=_PRICE, description="for a million tokens that are sent")
    output_price: str = Field(default="0", pattern=_PRICE, description="for a million tokens that come back")

    @property
    def price(self) -> Price:
        """Both prices as numbers."""
        return Price(Decimal(self.input_price), Decimal(self.output_price))


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError("a base URL has https, a host and a path, and neither user, query nor fragment")
    if parts.scheme == "http" and not is_near(parts.hostname):
        raise ValueError("http is for an address of this machine or a private network alone: write https")
    return url


class Provider(_Part):
    """A provider as it is written down. Every field that is left out counts as "no"."""

    name: str = Field(pattern=_NAME, description="its name here: lower-case letters, digits, dots, dashes")
    kind: Kind = Field(description="third-party, private (for this organisation alone) or local")
    base_url: Annotated[str, AfterValidator(_checked_url)] = Field(
        max_length=500, description="where its OpenAI-compatible interface is, with the version: https://llm.example/v1"
    )
    hosts: tuple[str, ...] = Field(
        min_length=1, max_length=20, description="the hosts that prompts and the key may go to; that of base_url is one"
    )
    models: tuple[Model, ...] = Field(min_length=1, max_length=100, description="its models; the first is the default")
    region: str | None = Field(default=None, pattern=_REGION, description="where it computes, such as EU, DE, US")
    training_opt_out: Signed | None = Field(default=None, description="it does not train on what it is sent")
    dpa: Signed | None = Field(default=None, description="the data processing agreement")
    baa: Signed | None = Field(default=None, description="the business associate agreement")
    retention_days: int | None = Field(
        default=None, ge=0, le=3650, description="for how many days it keeps prompts and answers; 0: not at all"
    )
    purge_right: bool = Field(default=False, description="it deletes on demand what it keeps")
    customer_managed_key: bool = Field(default=False, description="what it keeps is encrypted by a key of ours")
    certificates: tuple[Certificate, ...] = Field(default=(), max_length=30)
    subprocessors: tuple[str, ...] = Field(default=(), max_length=100, description="who else gets what is sent")
    contacts: tuple[Contact, ...] = Field(default=(), max_length=10, description="whom to tell of an incident")
    ends: date | None = Field(
        default=None, description="the last day of the contract; without one, only a local provider may be used"
    )
    key: str = Field(
        default="", pattern=rf"{_REFERENCE}|^$", description="secret reference of the key; empty: it needs none"
    )
    understands: tuple[Literal["store", "usage", "cache"], ...] = Field(
        default=("store", "usage"),
        max_length=3,
        description="what its server takes beyond the bare protocol: `store`, to be told not to keep the answer; "
        "`usage`, to report tokens; `cache`, to be told not to cache the prompt. Some refuse what they do not know",
    )
    keys: dict[str, Annotated[str, Field(pattern=_REFERENCE)]] = Field(
        default_factory=dict, description="keys of their own for levels: confidential: vault:…; `key` for the others"
    )

    note: str = Field(default="", max_length=500, description="what is to be known of this version")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.host not in self.hosts:
            raise ValueError(f"the host of base_url, {self.host}, is not among the hosts that prompts may go to")
        if self.kind is Kind.LOCAL and not _is_local(self.host):
            raise ValueError("a local provider is on this machine, or has an address or a name in a private network")
        if unknown := sorted(set(self.keys) - {"public", "internal", "confidential", "restricted"}):
            raise ValueError(f"keys: {unknown[0]!r} is no level")
        if len({model.name for model in self.models}) != len(self.models):
            raise ValueError("models: one is named twice")
        return self

    @property
    def host(self) -> str:
        """The host that the interface is on, in lower case."""
        return urlsplit(self.base_url).hostname or ""

    def model_named(self, name: str | None) -> Model | None:
        """Give a model by its name, the first one without a name; None where it has no such model."""
        return next((model for model in self.models if name in (None, model.name)), None)


def _is_local(host: str) -> bool:
    # A single label, or one of the endings that no public name server answers for.
    return is_near(host) or bool(re.fullmatch(r"[a-z0-9-]+(\.(internal|local|lan|home\.arpa))?", host))


@dataclass(frozen=True, slots=True)
class Terms:
    """What of a provider's contract holds on one day. Made by `terms_of` alone."""

    provider: str
    version: int  # of the record
    kind: Kind
    active: bool  # the contract itself holds
    holds: frozenset[Term]
    retention_days: int | None
    region: str | None


def terms_of(provider: Provider, version: int, day: date) -> Terms:
    """Give what holds on a day.

    Args:
        provider: The record.
        version: Of the record.
        day: In UTC.
    """
    signed = {
        Term.TRAINING_OPT_OUT: provider.training_opt_out,
        Term.DPA: provider.dpa,
        Term.BAA: provider.baa,
    }
    holds = {term for term, paper in signed.items() if paper is not None and day <= paper.until}
    holds |= {Term.RETENTION} if provider.retention_days is not None else set()
    holds |= {Term.REGION} if provider.region else set()
    holds |= {Term.PURGE_RIGHT} if provider.purge_right else set()
    holds |= {Term.CUSTOMER_MANAGED_KEY} if provider.customer_managed_key else set()
    local = provider.kind is Kind.LOCAL and provider.ends is None
    active = local or (provider.ends is not None and day <= provider.ends)
    return Terms(
        provider=provider.name,
        version=version,
        kind=provider.kind,
        active=active,
        holds=frozenset(holds) if active else frozenset(),
        retention_days=provider.retention_days,
        region=provider.region,
    )


def endings(provider: Provider) -> Iterator[tuple[str, date]]:
    """Give what of a record ends, and its last day."""
    if provider.ends is not None:
        yield "the contract", provider.ends
    for name, paper in (
        ("the training opt-out", provider.training_opt_out),
        ("the DPA", provider.dpa),
        ("the BAA", provider.baa),
    ):
        if paper is not None:
            yield name, paper.until
    for certificate in provider.certificates:
        yield f"the certificate {certificate.name}", certificate.until


def ending_soon(provider: Provider, day: date) -> dict[str, date]:
    """Give what holds and ends within 30 days, with its last day: a term by its name, and `contract`."""
    papers = {
        Term.TRAINING_OPT_OUT.value: provider.training_opt_out,
        Term.DPA.value: provider.dpa,
        Term.BAA.value: provider.baa,
    }
    ends = {name: paper.until for name, paper in papers.items() if paper is not None}
    ends |= {"contract": provider.ends} if provider.ends is not None else {}
    return {name: until for name, until in ends.items() if day <= until <= day + timedelta(days=WARN_DAYS[0])}


def warnings_of(provider: Provider, day: date) -> tuple[str, ...]:
    """Say what has ended, and what ends within 30 days; within 7, it is said to be urgent."""
    first, last = WARN_DAYS
    told = []
    for name, until in endings(provider):
        left = (until - day) // timedelta(days=1)
        if left < 0:
            told.append(f"{provider.name}: {name} ended on {until}")
        elif left <= last:
            told.append(f"{provider.name}: urgent: {name} ends on {until}, in {left} days")
        elif left <= first:
            told.append(f"{provider.name}: {name} ends on {until}, in {left} days")
    return tuple(told)
