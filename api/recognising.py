"""What recognises identities, as the settings and the directory have it now."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sqlalchemy import select

from acl.read import people
from redaction.adapters import load
from redaction.directory import Person, directory_recogniser
from redaction.patterns import pattern_recognisers
from redaction.tagger import guessed
from store.engine import snapshot
from store.schema import policy_state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Engine

    from api.settings import RecognitionSettings
    from redaction.types import Recogniser


class Recognisers:
    """Gives the recognisers of now: the directory as of the current policy, the rules, and the guesses."""

    def __init__(self, engine: Engine, settings: RecognitionSettings) -> None:
        """Read the directory from this database."""
        self._engine = engine
        self._region = settings.region
        self._rules = rules(settings)
        self._lock = threading.Lock()  # a large directory takes a second to prepare: once, not in every thread
        self._epoch = -1
        self._people: frozenset[Person] = frozenset()
        self._all: tuple[Recogniser, ...] = ()

    def __call__(self) -> Sequence[Recogniser]:
        """Give the recognisers; the directory is read again after a change of the policy."""
        with self._lock:
            with snapshot(self._engine) as connection:
                epoch = connection.scalars(select(policy_state.c.epoch)).one()
                found = self._people if epoch == self._epoch else _directory(connection)
            if not self._all or found != self._people:
                listed = sorted(found, key=lambda person: person.id)
                self._all = (directory_recogniser(listed, region=self._region), *self._rules)
            self._epoch, self._people = epoch, found
            return self._all


def rules(settings: RecognitionSettings) -> tuple[Recogniser, ...]:
    """Give all recognisers that need no directory.

    Raises:
        AdapterMissing: A model of others that is set is not there.
    """
    guesses = (*((guessed,) if settings.guess else ()), *map(load, settings.models))
    return (*pattern_recognisers(settings.region, settings.numbers), *guesses)


def _directory(connection: Connection) -> frozenset[Person]:
    return frozenset(
        Person(row.id, row.name, row.email, row.phone, row.id.partition(":")[2]) for row in people(connection)
    )
