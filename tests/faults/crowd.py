"""A crowd before a served installation: each has a document that he alone may read, and asks about it at any time."""

from __future__ import annotations

import re
import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any, Final

from acl.admin.change import policy_change
from acl.admin.keys import new_api_key
from acl.admin.nodes import add_collection
from acl.admin.people import Person, add_user
from acl.admin.rules import grant
from acl.decision import Rule
from acl.labels import Label, Level
from acl.names import NodeId, Obj, Subject, UserId
from api.app import create_app
from api.founding import found
from api.loopback import LoopbackProvider
from api.wiring import open_house
from ingest.reading import read
from store.engine import snapshot
from store.folder import Layout
from tests.contracts import application_of, open_gate, provider_of
from tests.pages.stand_in import served
from tests.sites import lift_quotas
from tests.worlds import hurry, points_of, put_document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from acl.names import DocumentId
    from api.loopback import Message
    from api.wiring import House
    from retrieval.embed import Embed

CANARY: Final = re.compile(r"kettle[a-z]{9}")
NONCE: Final = re.compile(r"errand[a-z]{9}")
KEY_FILE: Final = "provider.key"


MASKED: Final = "what is masked"  # a word made by chance can look like a name


def word(begins: str) -> str:
    """Make a word that no text has had before."""
    return begins + "".join(secrets.choice(ascii_lowercase) for _ in range(9))


@dataclass(slots=True)
class One:
    """Somebody of the crowd."""

    user: UserId
    key: str
    canary: str
    document: DocumentId
    conversation: str | None = None
    nonces: set[str] = field(default_factory=set)

    @property
    def collection(self) -> NodeId:
        return NodeId(f"coll:of-{self.user.removeprefix('user:')}")


@dataclass(frozen=True, slots=True)
class Crowd:
    """A served installation, and who asks it."""

    address: str
    house: House
    people: list[One]
    provider: LoopbackProvider
    accepted: set[str]  # the keys that the provider takes


def echoing(messages: list[Message]) -> str:
    """Answer like a model that repeats what it was given: canaries of the excerpts, and the errand of the question."""
    told = messages[-1].content
    errand = (NONCE.findall(told) or [MASKED])[-1]
    return f"The note says {' and '.join(dict.fromkeys(CANARY.findall(told)))} for {errand}. [1]"


def _takes(accepted: set[str], handler: Any) -> Any:
    """Give a provider that takes some keys, and keeps its connections longer than a busy machine is slow."""

    class Keyed(handler):  # type: ignore[misc]
        timeout = 120

        def do_POST(self) -> None:  # noqa: N802 - the name that the server calls
            if self.headers.get("Authorization", "").removeprefix("Bearer ") in accepted:
                super().do_POST()
            else:
                self.rfile.read(int(self.headers["Content-Length"]))
                self._fail(401, "this key is not taken")

    return Keyed


@contextmanager
def crowd(folder: Path, embed: Embed, size: int) -> Iterator[Crowd]:
    """Make an installation with a provider over HTTP and serve it, for as long as the block lasts."""
    data = folder / "data"
    found(data)
    (data / KEY_FILE).touch(mode=0o600)
    (data / KEY_FILE).write_text(word("first"))
    with Layout(data).settings.open("a") as settings:
        settings.write(f'keys = {{"file:{KEY_FILE}" = ["127.0.0.1"]}}\n')
    with LoopbackProvider(echoing) as provider:
        accepted = {(data / KEY_FILE).read_text()}
        provider._server.RequestHandlerClass = _takes(accepted, provider._server.RequestHandlerClass)
        record = provider_of(
            base_url=provider.base_url, hosts=["127.0.0.1"], models=[{"name": "loopback"}], key=f"file:{KEY_FILE}"
        )
        with open_house(data, embed, read) as house:
            hurry(house.store)  # a power cut is no matter here
            lift_quotas(house)
            people = _settle(house, size)
            open_gate(house.store, house.ledger, record, application_of(ceiling="internal"))
            with served(create_app(house)) as address:
                yield Crowd(address, house, people, provider, accepted)


def _settle(house: House, size: int) -> list[One]:
    people = []
    with policy_change(house.store.engine, house.ledger, "svc:test") as change:
        for number in range(size):
            user = UserId(f"user:p{number}")
            add_user(change, Person(user, f"p{number}", clearance=Level.CONFIDENTIAL))
            node = NodeId(f"coll:of-p{number}")
            add_collection(change, node, f"of-p{number}", Label(Level.INTERNAL))
            grant(change, Rule(Subject(user), Obj(node), "read", "allow"))
            canary = word("kettle")
            text = f"The note of the day says {canary}, and nothing else."
            document = put_document(
                change.connection, house.store.keys, node, [text], title=f"Note {canary}", owner=user
            )
            people.append(One(user, new_api_key(change, user), canary, document))
    with snapshot(house.store.engine) as connection:
        house.index.put(points_of(connection, house.store.keys, [one.document for one in people], house.embed))
    return people
