"""Builds the parts and puts them together. Nothing else reads settings or constructs an edge."""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from api.errors import BadSettings
from api.index_home import EMBEDDER, home_of
from api.models import Models
from api.recognising import Recognisers
from api.retagging import Retagger
from api.settings import cache_folder, load_settings
from audit.ledger import Ledger
from egress.answer import Edges
from egress.brakes.brakes import Brakes
from egress.brakes.rates import Rates
from egress.contract.standing import contracts_of
from egress.requests import Requests
from egress.retention import purge
from egress.rules import AnswerRules, answer_rules
from ingest.pipeline import READERS
from ingest.sandbox import Sandbox
from ingest.together import Together
from ingest.versions import Edges as IntakeEdges
from ingest.versions import finish_released, settle
from redaction.vault import Vault
from retrieval.embed import Embedder
from retrieval.errors import EmbedderMismatch, IndexDown
from retrieval.permit import permit
from retrieval.remembered import Remembered
from store.engine import snapshot
from store.folder import Layout, open_store, owned
from store.key_ring import KeyRing
from store.schema import chunk, document
from store.secret import read, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from api.settings import Settings
    from ingest.types import Reading
    from retrieval.embed import Embed
    from retrieval.homes import KeptIndex
    from store.folder import Store

    Read = Callable[[bytes, str], Reading]


@dataclass(frozen=True, slots=True)
class House:
    """An open installation: what every door is built on."""

    store: Store
    settings: Settings
    ledger: Ledger
    index: KeptIndex
    embed: Embed
    answering: Edges
    intake: Intake
    retagger: Retagger


@dataclass(frozen=True, slots=True)
class Intake:
    """How documents come in. Whoever writes versions has his turn first: there is one at a time."""

    edges: IntakeEdges
    turn: threading.Lock = field(default_factory=threading.Lock)
    together: Together = field(default_factory=Together)  # what came in over HTTP, and is ready for its turn

    def catch_up(self) -> None:
        """Put right what was cut off, and let answer what was let out of quarantine.

        Raises:
            StoreDown, IndexDown, EmbedderDown, AuditDown, CannotDecrypt: What is not done yet is done next time.
        """
        with self.turn:
            settle(self.edges)
        self.finish()

    def finish(self) -> None:
        """Let answer what was let out of quarantine.

        Raises:
            StoreDown, IndexDown, EmbedderDown, AuditDown, CannotDecrypt: The rest is done next time.
        """
        with self.turn:
            finish_released(self.edges)


@contextmanager
def open_store_at(root: Path) -> Iterator[Opened]:
    """Open database, settings and audit trail of a data folder, beside whoever owns its index.

    What is changed so holds from the next request of a running service on.

    Raises:
        NoDataFolder, DataFolderNewer, SecretMissing, WrongMasterKey, BadSettings: It cannot be opened.
    """
    with _opened(Layout(root), owner=False) as opened:
        yield opened


@contextmanager
def open_house(root: Path, embed: Embed | None = None, read: Read | None = None) -> Iterator[House]:
    """Hold a data folder for this process, and open everything of it.

    What was changed while nobody held it, or was cut off, reaches the tags of the index first. Conversations that
    have ended are gone.

    Raises:
        DataFolderBusy: Another process holds it.
        NoDataFolder, DataFolderNewer, SecretMissing, WrongMasterKey, BadSettings: It cannot be opened.
        EmbedderMismatch: Its index holds vectors of another model.
        NoRoom: There is no index yet, and no room to make one.
        IndexDown: Its index cannot be opened.
        StoreDown: Its database does not answer.
    """
    with opened_by_owner(root) as (store, settings, ledger):
        if store.embedder != EMBEDDER:
            raise EmbedderMismatch(
                f"the index holds vectors of {store.embedder}; this version makes {EMBEDDER}: run ntk reindex"
            )
        embedding = embed or Embedder(cache=cache_folder())
        with ExitStack() as stack:
            home = home_of(store, settings)
            if not home.exists():
                home.require_room(0)  # to make one on a full disk would end the process by a signal
            index = home.open()
            stack.callback(index.close)
            models = Models(store.engine, _key_ring(settings, root))
            stack.callback(models.close)
            reading = read or stack.enter_context(Sandbox(READERS)).read
            intake = Intake(_intake(store, ledger, index, embedding, reading, home.require_room))
            intake.catch_up()
            retagger = Retagger(store.engine, index)
            retagger.drain(waiting_too=True)
            answering = _answering(store, settings, ledger, index, embedding, models)
            purge(store.engine, ledger, settings.retention.keeping())
            yield House(store, settings, ledger, index, embedding, answering, intake, retagger)


@contextmanager
def opened_by_owner(root: Path) -> Iterator[Opened]:
    """Hold a data folder for this process, and open all of it but the index.

    Raises:
        DataFolderBusy, NoDataFolder, DataFolderNewer, SecretMissing, WrongMasterKey, BadSettings: It cannot be opened.
    """
    layout = Layout(root)
    layout.require()
    with owned(layout), _opened(layout, owner=True) as opened:
        yield opened


class Opened(NamedTuple):
    """What can be opened without owning the data folder."""

    store: Store
    settings: Settings
    ledger: Ledger


@contextmanager
def _opened(layout: Layout, *, owner: bool) -> Iterator[Opened]:
    layout.require()
    settings = load_settings(layout)
    store = open_store(layout, settings.master_key, owner=owner, database=settings.database)
    try:
        yield Opened(store, settings, Ledger(store.engine, store.keys.audit))
    finally:
        store.engine.dispose()


def missing_points(store: Store, index: KeptIndex) -> int:
    """Count the chunks that answer by right and that the index cannot find.

    Raises:
        StoreDown, IndexDown: One of them does not answer.
    """
    live = (document.c.state == "live") & (chunk.c.version == document.c.version)
    with snapshot(store.engine) as connection:
        chunks = connection.scalar(select(func.count()).select_from(chunk.join(document)).where(live)) or 0
    return max(0, chunks - index.count())


def require_whole_index(house: House) -> None:
    """Refuse to answer from an index that was lost or is not complete: it would say "nothing" where there is something.

    Raises:
        IndexDown: Points are missing. `ntk reindex` makes them again.
    """
    if missing := missing_points(house.store, house.index):
        raise IndexDown(f"the index lacks {missing} chunks: run ntk reindex, which makes them again")


def _intake(
    store: Store, ledger: Ledger, index: KeptIndex, embed: Embed, read: Read, require_room: Callable[[int], None]
) -> IntakeEdges:
    return IntakeEdges(
        engine=store.engine,
        keys=store.keys,
        index=index,
        embed=embed,
        read=read,
        ledger=ledger,
        require_room=require_room,
    )


def _answering(
    store: Store, settings: Settings, ledger: Ledger, index: KeptIndex, embed: Embed, models: Models
) -> Edges:
    return Edges(
        engine=store.engine,
        index=index,
        embed=Remembered(embed),
        permit=partial(permit, engine=store.engine, keys=store.keys),
        recognisers=Recognisers(store.engine, settings.recognition),
        vault=Vault(store.engine, store.keys.tokens, keeping=settings.retention.keeping()),
        ledger=ledger,
        contracts=contracts_of,
        model=models,
        requests=Requests(store.engine, store.keys.requests),
        brakes=Brakes(store.engine, ledger, _rates(settings, store.layout.root)),
        rules=_rules(settings),
    )


def _key_ring(settings: Settings, root: Path) -> KeyRing:
    return KeyRing(settings.keys, lambda reference: read(reference, root))


def _rates(settings: Settings, root: Path) -> Rates:
    return Rates(resolve(settings.counters, root) if settings.counters else None)


def _rules(settings: Settings) -> AnswerRules:
    try:
        return answer_rules(settings.forbidden, settings.canaries)
    except ValueError as error:
        raise BadSettings(f"forbidden, canaries: {error}") from error
