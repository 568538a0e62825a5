"""The owner of a document that holds a secret is told: a task, once until it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acl.errors import NotAllowed
from acl.labels import Level
from egress.answer import answer
from egress.incident.secrets import alarm_owners, owners_tasks
from egress.incident.tasks import finish, tasks_of
from store.engine import snapshot
from tests.egress.asking import ask_of, edges_of
from tests.redaction.detectors.made_up import ANY, chance

if TYPE_CHECKING:
    from acl.names import DocumentId, UserId
    from egress.incident.tasks import Task
    from tests.worlds import World

TOKEN = "gh" + "p_" + chance(ANY, 36)


@pytest.fixture
def olga(world: World) -> UserId:
    return world.user("olga", groups=["staff"], clearance=Level.RESTRICTED)


@pytest.fixture
def page(world: World, olga: UserId) -> DocumentId:
    """A page of Olga's that staff may read, with a token in it."""
    handbook = world.collection("handbook")
    world.allow("group:staff", handbook)
    return world.document(handbook, f"The build server is reached with the token {TOKEN}.", owner=olga)


def due(world: World, user: UserId) -> list[Task]:
    with snapshot(world.store.engine) as connection:
        return owners_tasks(connection, user)


def test_a_question_that_finds_a_secret_leaves_a_task_for_the_owner(
    world: World, olga: UserId, page: DocumentId
) -> None:
    ben = world.user("ben", groups=["staff"])
    assert due(world, olga) == []
    for _ in range(3):
        answer(ask_of(ben, "With which token is the build server reached?"), edges_of(world))
    (task,) = due(world, olga)
    assert (task.kind, task.target, task.detail["whom"]) == ("change-secret", page, olga)
    assert TOKEN not in str(task.to_json(task.made_at))
    assert due(world, ben) == []


def test_a_question_that_finds_none_leaves_none(world: World, olga: UserId) -> None:
    """Permitted twin."""
    notes = world.collection("notes")
    world.allow("group:staff", notes)
    world.document(notes, "The build server is reached over the office network.", owner=olga)
    answer(ask_of(olga, "How is the build server reached?"), edges_of(world))
    assert due(world, olga) == []


def test_its_owner_says_that_it_is_done_and_nobody_else_but_who_manages_all(
    world: World, olga: UserId, page: DocumentId
) -> None:
    alarm_owners(world.store.engine, world.ledger, [page])
    (task,) = due(world, olga)
    with pytest.raises(NotAllowed):
        finish(world.store.engine, world.ledger, world.user("eve", groups=["staff"]), task.id)
    finish(world.store.engine, world.ledger, olga, task.id)
    assert due(world, olga) == []
    alarm_owners(world.store.engine, world.ledger, [page, page])
    assert len(due(world, olga)) == 1, "it is still there"


def test_a_document_that_nobody_owns_is_for_who_manages_it(world: World) -> None:
    page = world.document(world.collection("orphans"), TOKEN)
    alarm_owners(world.store.engine, world.ledger, [page, "doc:gone"])
    with snapshot(world.store.engine) as connection:
        (task,) = tasks_of(connection)
    assert (task.target, task.detail["whom"]) == (page, "whoever manages its folder")
