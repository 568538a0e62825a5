"""What is configured, what is missing, and what it means for whoever runs the service."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from sqlalchemy import func, select, text

from acl.admin.gate import CONSOLE
from api.errors import row_of
from api.index_home import home_of
from api.rotating import standing_of
from api.settings import cache_folder, load_settings
from api.wiring import missing_points
from audit.ledger import verify
from egress.brakes.stops import stops_for
from egress.contract.forms import validated
from egress.contract.gate import gate
from egress.contract.provider import Provider, warnings_of
from egress.contract.register import all_current
from egress.incident.incidents import all_incidents
from egress.incident.tasks import tasks_of
from ingest.probe import Guard, confinement
from retrieval.converted import Origin, kept
from retrieval.embed import MODEL_NAME
from retrieval.errors import EmbedderDown
from retrieval.model_files import packaged_model, verify_pinned
from store import schema
from store.engine import snapshot
from store.errors import DataFolderBusy
from store.folder import Layout, open_store, owned

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from api.settings import IndexSettings, Settings
    from store.folder import Store

FREE_SPACE: Final = 1_000_000_000  # bytes; the index stops the process when a disk is full


class State(StrEnum):
    """How it stands with one thing."""

    FINE = "fine"
    NOTE = "note"  # it works, and there is something to know
    MISSING = "missing"  # it does not work


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing, how it stands, and what that means."""

    thing: str
    state: State
    meaning: str

    def to_json(self) -> dict[str, str]:
        """Give it as JSON shows it."""
        return {key: str(value) for key, value in asdict(self).items()}


def examine(root: Path) -> list[Finding]:
    """Look at everything that an answer needs. Nothing is changed, and nothing raises: it is all findings."""
    layout = Layout(root)
    findings = [
        _tried("embedding model", _model),
        _tried("embedding", _backend),
        _tried("disk", lambda: _disk(root)),
        _tried("reading of files", _reading),
    ]
    try:
        layout.require()
        settings = load_settings(layout)
        store = open_store(layout, settings.master_key, owner=False, database=settings.database)
    except Exception as error:  # noqa: BLE001 - a doctor reports what is broken
        return [*findings, Finding("data folder", State.MISSING, _told(error))]
    try:
        findings.append(Finding("data folder", State.FINE, f"{root}, made for {store.embedder}, key fits"))
        findings.append(_tried("database", lambda: _database(store)))
        findings.append(_tried("master key", lambda: _master_key(store)))
        findings.append(_tried("providers", lambda: _providers(store)))
        findings.append(_tried("people", lambda: _people(store)))
        findings.append(_tried("index", lambda: _index(store, settings)))
        findings.append(_tried("tags", lambda: _tags(store)))
        findings.append(_tried("documents", lambda: _documents(store)))
        findings.append(_tried("stops", lambda: _stops(store)))
        findings.append(_tried("audit trail", lambda: _audit(store)))
        findings.append(_tried("incidents", lambda: _incidents(store)))
        if store.demo:
            findings.append(Finding("demo", State.NOTE, "anybody on this machine may ask under any name (--as)"))
    finally:
        store.engine.dispose()
    return findings


def _tried(thing: str, look: Callable[[], tuple[State, str]]) -> Finding:
    try:
        return Finding(thing, *look())
    except Exception as error:  # noqa: BLE001 - same
        return Finding(thing, State.MISSING, _told(error))


def _told(error: Exception) -> str:
    return f"{error} ({row_of(error).code})"


def _model() -> tuple[State, str]:
    verify_pinned(packaged_model())
    return State.FINE, f"{MODEL_NAME}, files match their published hashes; it runs on this machine"


def _backend() -> tuple[State, str]:
    cache = cache_folder()
    try:
        origin = Origin.here()
    except EmbedderDown as error:
        return State.NOTE, f"on torch, four times slower than it could be: {error}"
    runs = f"on OpenVINO {origin.openvino.partition('-')[0]}, in {origin.precision}"
    if cache is None:
        return State.NOTE, f"{runs}; there is no home folder, so each start converts the model: set XDG_CACHE_HOME"
    if kept(cache, origin) is None:
        return State.NOTE, f"{runs}; the first use converts the model into {cache}, once, in some ten seconds"
    return State.FINE, f"{runs}; the converted model in {cache} was compared with the original"


def _disk(root: Path) -> tuple[State, str]:
    place = next(parent for parent in (root, *root.absolute().parents) if parent.exists())
    free = shutil.disk_usage(place).free
    if free < FREE_SPACE:
        return State.MISSING, f"only {free // 1_000_000} MB free: make room before you ingest"
    return State.FINE, f"{free // 1_000_000_000} GB free"


def _reading() -> tuple[State, str]:
    held = confinement()
    said = f"each in a process of its own: {', '.join(guard for guard in Guard if guard in held)}"
    if missing := [guard for guard in Guard if guard not in held]:
        return State.NOTE, f"{said}; this system does not grant: {', '.join(missing)}"
    return State.FINE, said


def _database(store: Store) -> tuple[State, str]:
    url = store.engine.url
    if store.engine.dialect.name == "sqlite":
        return State.FINE, f"SQLite, {store.layout.database}"
    with snapshot(store.engine) as connection:
        names = ("server_version", "fsync", "synchronous_commit")
        version, *waits = connection.execute(select(*map(func.current_setting, names))).one()
        sealed = connection.scalar(text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))
    host = str(url.query.get("host", url.host or ""))
    said = f"PostgreSQL {version}, {url.database} on {host or 'this machine'}"
    if "off" in waits:
        return State.NOTE, f"{said}; it acknowledges what is not on its disk yet (fsync, synchronous_commit)"
    if not sealed and not _is_here(host):
        return State.NOTE, f"{said}; without TLS, anybody on the way can read along (?sslmode=verify-full)"
    return State.FINE, said


def _master_key(store: Store) -> tuple[State, str]:
    current, *former = standing_of(store)
    said = f"{current.id}, used since {current.made_at:%Y-%m-%d}"
    if many := sum(sum(one.rows.values()) for one in former):
        return (
            State.NOTE,
            f"{said}; {many} rows are still under the one before: run ntk master-key rotate, which goes on",
        )
    if former:
        return State.NOTE, f"{said}; the one before is not retired: run ntk master-key rotate and then retire"
    return State.FINE, said


def _is_here(host: str) -> bool:
    return not host or host.startswith("/") or host in ("127.0.0.1", "::1", "localhost")


def _providers(store: Store) -> tuple[State, str]:
    today = datetime.now(UTC).date()
    with snapshot(store.engine) as connection:
        records = [validated(Provider, found.record, found.name) for found in all_current(connection, "provider")]
        applications = [found.name for found in all_current(connection, "app")]
        open_ = [name for name in applications if gate(connection, name, datetime.now(UTC))]
    if not records:
        return State.NOTE, "none: answers are quotes from the documents, and nothing leaves this machine"
    said = (
        f"{', '.join(record.name for record in records)}; the gate is open for {', '.join(open_) or 'no application'}"
    )
    warned = [warning for record in records for warning in warnings_of(record, today)]
    return (State.NOTE, "; ".join([said, *warned])) if warned or not open_ else (State.FINE, said)


def _stops(store: Store) -> tuple[State, str]:
    with snapshot(store.engine) as connection:
        found = stops_for(connection, CONSOLE)
    if found:
        return State.NOTE, f"stopped: {', '.join(sorted({made.target for made in found}))}; see ntk kill list"
    return State.FINE, "nothing is stopped"


def _people(store: Store) -> tuple[State, str]:
    with snapshot(store.engine) as connection:
        people = connection.scalar(select(func.count()).select_from(schema.users).where(schema.users.c.active))
        keys = connection.scalar(
            select(func.count()).select_from(schema.api_key).where(schema.api_key.c.revoked_at.is_(None))
        )
        rules = connection.scalar(
            select(func.count()).select_from(schema.casbin_rule).where(schema.casbin_rule.c.ptype == "p")
        )
    said = f"{people} people, {keys} API keys, {rules} rules"
    if not people or not rules:
        return State.NOTE, f"{said}: nobody may read anything yet (ntk user add, ntk group join, ntk ingest --readers)"
    if not keys:
        return State.NOTE, f"{said}: nobody can ask over HTTP yet (ntk key new)"
    return State.FINE, said


def _index(store: Store, settings: Settings) -> tuple[State, str]:
    home = home_of(store, settings)
    if not home.exists():
        return State.NOTE, "there is none yet: ingest makes it; if there was one, ntk reindex makes it again"
    try:
        with owned(store.layout), closing(home.open()) as index:
            points, missing = index.count(), missing_points(store, index)
    except DataFolderBusy as busy:
        return State.NOTE, f"not looked into: {busy}"
    if missing:
        return State.MISSING, f"{missing} chunks cannot be found: run ntk reindex, which makes them again"
    return _where_kept(settings.index, f"{points} points, none missing")


def _where_kept(named: IndexSettings | None, said: str) -> tuple[State, str]:
    if named is None:
        return State.FINE, said
    said = f"{said}; on {named.url}"
    if not named.url.startswith("https:") and not _is_here(urlsplit(named.url).hostname or ""):
        return State.NOTE, f"{said}; without https, anybody on the way can read its key, and guess texts from vectors"
    return State.FINE, said


def _tags(store: Store) -> tuple[State, str]:
    lines = schema.outbox.c
    with snapshot(store.engine) as connection:
        waiting = connection.scalar(select(func.count(lines.target.distinct()))) or 0
        attempts = connection.scalar(select(func.max(lines.attempts))) or 0
    if not waiting:
        return State.FINE, "none in the index is older than the policy"
    failed = f", after {attempts} failed attempts" if attempts else ""
    return State.NOTE, (
        f"those of {waiting} places or documents wait to be written{failed}: nobody sees more than he may, somebody "
        "may find less; a running service writes them, or the next command that opens the index"
    )


def _documents(store: Store) -> tuple[State, str]:
    state = schema.document.c.state
    with snapshot(store.engine) as connection:
        many = {row.state: row.many for row in connection.execute(
            select(state, func.count().label("many")).group_by(state)
        )}  # fmt: skip
        cut_off = connection.scalar(select(func.count()).select_from(schema.under_way)) or 0
    told = [f"{many.get('live', 0)} answer"]
    told += [f"{many['held']} wait in quarantine: see ntk quarantine list"] if many.get("held") else []
    told += [f"{cut_off} were under way when a run was cut off, or are let out: the next start sees to it"] * (
        cut_off > 0
    )
    return State.NOTE if len(told) > 1 else State.FINE, "; ".join(told)


def _audit(store: Store) -> tuple[State, str]:
    verified = verify(store.engine)
    return State.FINE, f"{verified.records} records, the chain verifies"


def _incidents(store: Store) -> tuple[State, str]:
    now = datetime.now(UTC)
    with snapshot(store.engine) as connection:
        many, todo = len(all_incidents(connection)), tasks_of(connection)
    late = [task for task in todo if task.overdue(now)]
    told = [f"{many} are open: see ntk incident list"] if many else []
    told += [f"{len(late)} tasks are overdue, the first since {late[0].due_at:%Y-%m-%d %H:%M} UTC"] if late else []
    told += [f"{len(todo)} tasks are to be done: see ntk task list"] if todo else []
    return (State.NOTE, "; ".join(told)) if told else (State.FINE, "none is open, and nothing is to be done")
