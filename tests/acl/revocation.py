"""Processes against one database: three that check, one that grants and revokes; and administrators at once.

    made = run(place)
    assert late(made) == []

A stamp is `time.monotonic_ns`, which is one clock for all processes of a machine. The administrator goes on when
so many more checks have ended, so that both verdicts have their turn however slow the machine is; nothing sleeps.
"""

from __future__ import annotations

import multiprocessing
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sqlalchemy import select, update

from acl.admin.change import policy_change
from acl.admin.rules import grant, has_line, withdraw
from acl.decision import Principal, Rule
from acl.names import DocumentId, NodeId, Obj, Subject, UserId
from acl.scope import scope_of
from audit.ledger import Ledger
from retrieval.permit import permit
from retrieval.types import ChunkId, Hit
from store import schema
from store.engine import snapshot, write
from tests.processes import PATIENCE, Job, Place, together
from tests.worlds import ADMIN, APP, put_document

if TYPE_CHECKING:
    from multiprocessing.connection import Connection as Pipe
    from multiprocessing.synchronize import Barrier, Event, Semaphore

    from store.folder import Store

ANNA: Final = UserId("user:anna")
FOLDER: Final = NodeId("coll:secret")
READS: Final = Rule(Subject(ANNA), Obj(FOLDER), "read", "allow")
CHECKERS: Final = 3
ROUNDS: Final = 15  # of one grant and one revocation
CHECKS: Final = 6  # that end before the administrator goes on
SECOND: Final = 1_000_000_000


@dataclass(frozen=True)
class Check:
    """One check: when it began, when its last gate did, when it ended, and the documents that it let through."""

    begun: int
    gate: int
    ended: int
    seen: frozenset[str]


@dataclass(frozen=True)
class Round:
    """One grant and one revocation, each with the stamp before it and the one after its commit returned.

    `secret` is the document that was put into the folder after the revocation.
    """

    granting: int
    granted: int
    revoking: int
    revoked: int
    secret: str


@dataclass(frozen=True)
class Made:
    """What a run left behind."""

    checks: list[Check] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)


# --- what the logs must and must not show -------------------------------------------------------


def late(made: Made) -> list[Check]:
    """Name the checks that saw anything though their last gate opened and closed while the right was withdrawn.

    Among them is every check that began after a revocation and ended before the next grant; and besides those that
    began before it, if the gate came after. One that lasts into the next grant may see what that grants.
    """
    return [check for check in made.checks if check.seen and is_within(check.gate, check.ended, gone(made))]


def gone(made: Made) -> list[tuple[int, int]]:
    """Give the times in which nobody held the right: from a revocation's commit to the next grant."""
    grants = [each.granting for each in made.rounds[1:]]
    return [(each.revoked, end) for each, end in zip(made.rounds, [*grants, 1 << 63], strict=True)]


def early(made: Made) -> list[Check]:
    """Name the checks that saw a document which came after a revocation, and ended before the next grant."""
    since = {each.secret: end for each, (_, end) in zip(made.rounds, gone(made), strict=True)}
    return [check for check in made.checks if any(check.ended < since.get(name, 0) for name in check.seen)]


def blind(made: Made) -> list[Check]:
    """Name the checks that saw nothing though the right held from their beginning to their end."""
    held = [(each.granted, each.revoking) for each in made.rounds]
    return [check for check in made.checks if not check.seen and is_within(check.begun, check.ended, held)]


def is_within(begun: int, ended: int, times: list[tuple[int, int]]) -> bool:
    return any(begin <= begun and ended <= end for begin, end in times)


# --- the processes ------------------------------------------------------------------------------


def run(place: Place, *, keep: int = 0) -> Made:
    """Let three checkers and an administrator loose on a database.

    Args:
        place: Holds ANNA, cleared for the FOLDER, with one document in it; nobody may read it.
        keep: How many nanoseconds the checkers keep what they decided, as a service with a cache would.
    """
    context = multiprocessing.get_context("spawn")
    begin, done, turns = context.Barrier(CHECKERS + 1), context.Event(), context.Semaphore(0)
    jobs: list[Job] = [(check_on, (place, keep, begin, done, turns))] * CHECKERS
    *checks, rounds = together(context, [*jobs, (grant_and_revoke, (place, begin, done, turns))])
    return Made([check for each in checks for check in each], rounds)


def check_on(place: Place, keep: int, begin: Barrier, done: Event, turns: Semaphore, pipe: Pipe) -> None:
    """Check again and again, until the administrator is done."""
    checks: list[Check] = []
    kept: Check | None = None
    with place.open() as store:
        begin.wait(PATIENCE)
        while not done.is_set():
            begun = time.monotonic_ns()
            if kept is not None and begun - kept.begun < keep:
                checks.append(remembered(store, begun, kept))
            else:
                kept = decided(store, begun)
                checks.append(kept)
            turns.release()
    pipe.send(checks)


def decided(store: Store, begun: int) -> Check:
    """Check as a question does: a scope, a search, the last gate."""
    with snapshot(store.engine) as connection:
        scope = scope_of(connection, Principal(ANNA, APP), "read")
    found = hits(store)
    gate = time.monotonic_ns()
    permitted = permit(found, scope, engine=store.engine, keys=store.keys)
    return Check(begun, gate, time.monotonic_ns(), frozenset(snippet.document for snippet in permitted.snippets))


def remembered(store: Store, begun: int, kept: Check) -> Check:
    """Check as a cache would: a search, and what was decided a while ago."""
    found = hits(store)
    gate = time.monotonic_ns()
    return Check(begun, gate, time.monotonic_ns(), frozenset(hit.document for hit in found if kept.seen))


def hits(store: Store) -> list[Hit]:
    """Find everything, as an index that filters nothing would."""
    with snapshot(store.engine) as connection:
        rows = connection.execute(select(schema.chunk)).all()
    return [Hit(ChunkId(row.id), DocumentId(row.document_id), row.version, 1.0, 0.9) for row in rows]


def grant_and_revoke(place: Place, begin: Barrier, done: Event, turns: Semaphore, pipe: Pipe) -> None:
    """Grant, wait for checks, revoke, put a secret document into the folder, wait for checks; again and again."""
    rounds: list[Round] = []
    with place.open() as store:
        ledger = Ledger(store.engine, store.keys.audit)
        try:
            for number in range(ROUNDS):
                granting = time.monotonic_ns()
                with policy_change(store.engine, ledger, ADMIN) as change:
                    grant(change, READS)
                granted = time.monotonic_ns()
                if not rounds:  # so that the first thing that everybody sees, and may keep, is a right
                    begin.wait(PATIENCE)
                wait_for_checks(turns)
                revoking = time.monotonic_ns()
                with policy_change(store.engine, ledger, ADMIN) as change:
                    withdraw(change, READS)
                revoked = time.monotonic_ns()
                secret = f"doc:secret-{number}"
                with write(store.engine) as connection:
                    put_document(connection, store.keys, FOLDER, ["secret"], document=secret)
                rounds.append(Round(granting, granted, revoking, revoked, secret))
                wait_for_checks(turns)
        finally:
            done.set()
    pipe.send(rounds)


def wait_for_checks(turns: Semaphore) -> None:
    while turns.acquire(block=False):  # those that ended already do not count
        pass
    for _ in range(CHECKS):
        assert turns.acquire(timeout=PATIENCE), "nobody checks any more"


# --- administrators at once ---------------------------------------------------------------------

ADMINISTRATORS: Final = 2
CHANGES: Final = 20  # by each
READS_LINE: Final = (READS.subject, READS.object, READS.action, READS.effect)


def change_at_once(place: Place) -> list[int]:
    """Let two administrators change one rule and one folder at once, and give the epochs that they made."""
    context = multiprocessing.get_context("spawn")
    jobs: list[Job] = [(turn_and_count, (place, context.Barrier(ADMINISTRATORS)))] * ADMINISTRATORS
    return [epoch for epochs in together(context, jobs) for epoch in epochs]


def turn_and_count(place: Place, begin: Barrier, pipe: Pipe) -> None:
    """Turn a rule on or off, whichever it is not, and count in the folder's name: both read before they write."""
    epochs: list[int] = []
    with place.open() as store:
        ledger = Ledger(store.engine, store.keys.audit)
        begin.wait(PATIENCE)
        for _ in range(CHANGES):
            with policy_change(store.engine, ledger, ADMIN) as change:
                there = has_line(change.connection, "p", *READS_LINE)
                (withdraw if there else grant)(change, READS)
                name = change.connection.scalars(select(schema.node.c.name).where(schema.node.c.id == FOLDER)).one()
                counted = update(schema.node).where(schema.node.c.id == FOLDER).values(name=str(int(name) + 1))
                change.connection.execute(counted)
                epochs.append(change.epoch)
    pipe.send(epochs)
