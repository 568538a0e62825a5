"""An installation with everybody whom administration is about, and a short way to call it as each of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from acl.admin.change import policy_change
from acl.admin.keys import new_api_key
from acl.admin.nodes import add_collection
from acl.admin.people import Person, add_user
from acl.admin.rules import grant
from acl.decision import Rule
from acl.labels import Compartment, Label, Level
from acl.names import ROOT, NodeId, Obj, Subject, UserId
from store.engine import snapshot
from store.schema import audit_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from httpx2 import Response
    from starlette.testclient import TestClient

    from api.wiring import House
    from tests.api.conftest import Site

RANDOM: Final = "5d0c9b7e-6a53-4d0f-9c1e-0a1f6f2f7e11"  # an id under which there is nothing
NOBODY, STAFF, DELEGATE, ADMIN, SECOND = "nobody", "ben", "lead", "admin", "second"


@dataclass(frozen=True, slots=True)
class Office:
    """Ben, who may read nothing; a lead, who holds everything on coll:finance; two administrators of the whole.

    There are coll:finance, with a document, and coll:vault, which is restricted and of a compartment.
    """

    client: TestClient
    house: House
    keys: Mapping[str, str]

    def call(self, who: str, method: str, path: str, body: Any = None, **query: Any) -> Response:
        """Send a request with somebody's key, or without one."""
        headers = {"Authorization": f"Bearer {self.keys[who]}"} if who in self.keys else {}
        return self.client.request(method, f"/api/v1{path}", json=body, params=query or None, headers=headers)

    def rules(self, **query: str) -> list[dict[str, Any]]:
        """List the rules as an administrator sees them."""
        return list(self.call(ADMIN, "GET", "/policy/rules", **query).json()["items"])

    def send(self, who: str, path: str, text: str | bytes, **query: Any) -> Response:
        """Send a file."""
        headers = {"Authorization": f"Bearer {self.keys[who]}", "Content-Type": "text/csv"}
        return self.client.post(f"/api/v1{path}", content=text, params=query, headers=headers)

    def changes(self, who: str, *edits: dict[str, Any], **more: Any) -> Response:
        return self.call(who, "POST", "/policy/changes", {"edits": list(edits), **more})

    def trail(self) -> list[dict[str, Any]]:
        with snapshot(self.house.store.engine) as connection:
            bodies = connection.scalars(select(audit_record.c.body).order_by(audit_record.c.seq)).all()
        return [json.loads(body) for body in bodies]


def open_office(client: TestClient, house: House, site: Site) -> Office:
    keys = {"anna": site.anna, "ben": site.ben}
    with policy_change(house.store.engine, house.ledger, "svc:test") as change:
        for name in (ADMIN, SECOND, DELEGATE):
            user = UserId(f"user:{name}")
            add_user(change, Person(user, f"{name.title()} Holm", clearance=Level.CONFIDENTIAL))
            keys[name] = new_api_key(change, user)
        add_collection(change, NodeId("coll:vault"), "Vault", Label(Level.RESTRICTED, frozenset({Compartment("gdpr")})))
        for subject, obj, action in (
            ("user:admin", ROOT, "manage"),
            ("user:second", ROOT, "manage"),
            ("user:lead", "coll:finance", "*"),
            ("group:auditors", "coll:vault", "read"),
        ):
            grant(change, Rule(Subject(subject), Obj(obj), action, "allow"))
    return Office(client, house, keys)


def rule(subject: str, obj: str, action: str = "read", effect: str = "allow") -> dict[str, Any]:
    """Give the edit that adds a rule."""
    return {"op": "add-rule", "subject": subject, "object": obj, "action": action, "effect": effect}
