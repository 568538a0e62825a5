"""Where a Qdrant server or cluster is, and what may be sent to it: checked before anything is."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import httpx

if TYPE_CHECKING:
    from pathlib import Path

_KEY: Final = re.compile(r"[!-~]*", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait for a server."""

    connect: timedelta = timedelta(seconds=2)
    search: timedelta = timedelta(seconds=10)  # from the question to the last byte of the answer
    write: timedelta = timedelta(seconds=60)  # until what was told is written


@dataclass(frozen=True, slots=True)
class Spread:
    """How a cluster spreads a collection, when it is made. Of one server there is nothing to spread."""

    shards: int | None = None  # None: as the server is set up
    replicas: int | None = None
    replicas_written: int | None = None  # how many must have a write before it counts


@dataclass(frozen=True, slots=True)
class Server:
    """Where the index is kept.

    Raises:
        ValueError: The address is none to which a key and vectors may go, or the key or a name cannot be one.
    """

    url: str
    collection: str = "need-to-know"
    key: str = field(default="", repr=False)
    grpc_port: int | None = None  # None: over HTTP
    authority: Path | None = None  # a file of certificates in PEM; None: the public authorities
    is_plain_allowed: bool = False  # http to any host
    limits: Limits = field(default_factory=Limits)
    spread: Spread = field(default_factory=Spread)

    def __post_init__(self) -> None:
        """Refuse what cannot be right."""
        if not _NAME.fullmatch(self.collection):
            raise ValueError("a collection's name has at most 100 letters, digits, underscores and hyphens")
        if not _KEY.fullmatch(self.key):
            raise ValueError("the key of the index server holds a blank or a control character")
        address = self.address
        if address.scheme == "http" and not (self.is_plain_allowed or _is_private(address.host)):
            raise ValueError(f"http://{address.host} would get the key and the vectors in clear: write https")

    @property
    def address(self) -> httpx.URL:
        """The URL, taken apart.

        Raises:
            ValueError: It has another form than http or https, host, port and path.
        """
        try:
            address = httpx.URL(self.url)
        except (httpx.InvalidURL, TypeError) as error:
            raise ValueError("the URL of the index server is none") from error
        is_host = re.fullmatch(rb"[A-Za-z0-9._:-]+", address.raw_host)
        if address.scheme not in {"http", "https"} or not is_host:
            raise ValueError("the URL of the index server has http or https, and a host")
        if address.userinfo or address.query or address.fragment:
            raise ValueError("the URL of the index server has neither user, query nor fragment")
        return address

    @property
    def place(self) -> str:
        """How it is named to an operator, without anything secret."""
        return f"{self.address.scheme}://{self.address.netloc.decode('ascii')}"


def _is_private(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_private  # loopback is
    except ValueError:
        return False
