"""What a third party gets only once a second person has approved the bytes: sick pay, who asks for it, who approves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acl.admin.second import approve
from acl.labels import Compartment, Label, Level
from api.kinds import kinds_of
from tests import contracts

if TYPE_CHECKING:
    from acl.names import DocumentId, UserId
    from tests.worlds import World

HIPAA = Compartment("hipaa")
NURSE = "Sick pay of Jane Doe, jane.doe@company.example, is 180 euros a day."
ASKED = "How much is sick pay a day?"
HELD = contracts.contracts(ceiling="restricted+hipaa")


def sick_pay_in(world: World) -> DocumentId:
    """Add the document, which hr may read and privacy may let go."""
    people = world.collection("people", Label(Level.CONFIDENTIAL, frozenset({HIPAA})))
    document = world.document(people, NURSE)
    world.allow("group:hr", people)
    world.allow("group:privacy", people, "send")
    return document


def cleared(world: World, name: str, *groups: str) -> UserId:
    """Add somebody whom no label keeps from it."""
    return world.user(name, groups=groups, clearance=Level.RESTRICTED, compartments=["hipaa"])


def agree(world: World, by: UserId, request: str | None) -> None:
    """Approve what waits."""
    assert request is not None
    approve(world.store.engine, world.ledger, by, request, kinds_of(world.store.engine, world.store.keys))
