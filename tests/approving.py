"""An installation in which a question waits: Anna asks, Ben may approve what leaves, Olga administers the whole."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from acl.admin.change import policy_change
from acl.admin.gate import CONSOLE
from acl.admin.groups import join_group
from acl.admin.keys import new_api_key
from acl.admin.nodes import set_label
from acl.admin.people import Person, add_user, set_clearance
from acl.admin.rules import grant
from acl.decision import Rule
from acl.labels import Level, parse_label
from acl.names import NodeId, Obj, Subject, UserId
from api.wiring import House, open_house
from store.folder import Layout
from store.schema import node
from tests.contracts import application_of, open_gate, provider_of
from tests.sites import make_site

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from api.loopback import LoopbackProvider, Message
    from retrieval.embed import Embed

HIPAA: Final = parse_label("confidential+hipaa")
QUESTION: Final = "What is paid for hotels a night?"


def quoting(messages: Sequence[Message]) -> str:
    """Answer like a model that copies a sentence, tokens and all."""
    return f"{next(line for line in messages[-1].content.splitlines() if line.startswith('Hotels are'))} [1]"


@contextmanager
def approving_house(folder: Path, embed: Embed, provider: LoopbackProvider) -> Iterator[tuple[House, dict[str, str]]]:
    """Make the installation and open it; give the keys of its people by name."""
    site = make_site(folder, embed)
    _key_file(site.data)
    with open_house(site.data, embed) as house:
        there = {"base_url": provider.base_url, "hosts": ["127.0.0.1"]}
        ceiling = application_of(ceiling=str(HIPAA), users=["user:anna", "user:ben", "user:olga"])
        open_gate(house.store, house.ledger, provider_of(**there, key="file:provider.key"), ceiling)
        with policy_change(house.store.engine, house.ledger, CONSOLE) as change:
            for user in ("user:anna", "user:ben"):
                set_clearance(change, UserId(user), HIPAA)
            add_user(change, Person(UserId("user:olga"), "Olga Ort", "", "", Level.INTERNAL))
            join_group(change, Subject("user:olga"), Subject("group:privacy"))
            (collection,) = _collections(change)
            set_label(change, collection, HIPAA)
            grant(change, Rule(Subject("user:ben"), Obj(collection), "send", "allow"))
            grant(change, Rule(Subject("group:privacy"), Obj("root:all"), "manage", "allow"))
            olga = new_api_key(change, UserId("user:olga"))
        yield house, {"anna": site.anna, "ben": site.ben, "olga": olga}


def _key_file(data: Path) -> None:
    key = data / "provider.key"
    key.touch(mode=0o600)
    key.write_text("none")
    with Layout(data).settings.open("a") as settings:
        settings.write('keys = {"file:provider.key" = ["127.0.0.1"]}\n')


def _collections(change: Any) -> list[NodeId]:
    return [NodeId(id_) for id_ in change.connection.scalars(select(node.c.id).where(node.c.parent_id.is_(None)))]
