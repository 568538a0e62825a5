"""Who may see and write the records of providers and applications, and what they must name.

    save(engine, ledger, actor, Provider(...), version=3)

A record is for who manages root:all, or the object of its name: `provider:NAME`, `app:NAME`. To everybody else it is
like one that is not there. Every version is kept.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from acl.admin.authority import Actor
from acl.admin.gate import refusal_recorded
from acl.admin.people import require_subject, require_user
from acl.errors import NotAllowed
from acl.names import ROOT, UserId
from egress.contract.application import Application
from egress.contract.forms import to_json, validated
from egress.contract.provider import Kind, Provider, warnings_of
from egress.contract.register import all_current, current, history, put
from egress.errors import BadRecord, NoSuchRecord
from store.engine import write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from sqlalchemy import Connection, Engine

    from audit.chain import Json
    from audit.ledger import Ledger
    from egress.contract.register import Registered

PROVIDER: Final = "provider"
APPLICATION: Final = "app"
FORMS: Final[dict[str, type[Provider | Application]]] = {PROVIDER: Provider, APPLICATION: Application}
NEW: Final = 0  # the version of what is not there yet


@dataclass(frozen=True, slots=True)
class Saved:
    """A version that was written, and what does not fit together since."""

    registered: Registered
    warnings: tuple[str, ...]


def manages(actor: Actor, kind: str, name: str) -> bool:
    """Say whether somebody manages a record."""
    return bool(actor.manages(ROOT)) or bool(actor.manages(f"{kind}:{name}"))


def may_look(actor: Actor, application: str) -> bool:
    """Say whether somebody may look at the gate of an application: who manages it, or audits everything."""
    return manages(actor, APPLICATION, application) or bool(actor.holds("audit", ROOT))


def listed(actor: Actor, kind: str) -> list[Registered]:
    """Give the records of a kind that somebody manages, by name, each as it holds now."""
    every = all_current(actor.connection, kind)
    if actor.manages(ROOT):
        return every
    managed = actor.managed(f"{kind}:{one.name}" for one in every)
    return [one for one in every if f"{kind}:{one.name}" in managed]


def shown(actor: Actor, kind: str, name: str) -> Registered:
    """Give a record as it holds now.

    Raises:
        NoSuchRecord: There is none, or it is not for this person; the words are the same.
    """
    found = current(actor.connection, kind, name) if manages(actor, kind, name) else None
    if found is None:
        raise none_of(kind, name)
    return found


def versions(actor: Actor, kind: str, name: str) -> list[Registered]:
    """Give all versions of a record, the oldest first.

    Raises:
        NoSuchRecord: There is none, or it is not for this person; the words are the same.
    """
    found = history(actor.connection, kind, name) if manages(actor, kind, name) else []
    if not found:
        raise none_of(kind, name)
    return found


def save(
    engine: Engine, ledger: Ledger, actor: UserId, record: Provider | Application, *, version: int | None = None
) -> Saved:
    """Write a record, or its next version.

    Args:
        engine: Where the records are.
        ledger: Gets the names of the fields that changed, and what was refused.
        actor: Who writes it.
        record: The whole of it.
        version: The one that he has seen, 0 for a new one; None: whatever holds.

    Raises:
        NotAllowed: He does not manage it.
        RecordMoved: Somebody else has changed it, or there is one already.
        BadRecord: It names a provider or a model that is not there.
        UnknownName: It names a person or a group that is not there.
        StoreDown, AuditDown: Nothing was written.
    """
    kind = PROVIDER if isinstance(record, Provider) else APPLICATION
    with refusal_recorded(ledger, actor, what=kind), write(engine) as connection:
        if not manages(Actor.of(connection, actor), kind, record.name):
            raise NotAllowed(f"this is not yours to change: it is for who manages {kind}:{record.name}")
        if isinstance(record, Application):
            _require_named(connection, record)
            warnings: tuple[str, ...] = ()
        else:
            warnings = (*warnings_of(record, datetime.now(UTC).date()), *_left_behind(connection, record))
        written = put(connection, ledger, actor, kind, record.name, to_json(record), version=version)
    return Saved(written, warnings)


def expire(engine: Engine, ledger: Ledger, actor: UserId, name: str, reason: str, today: date) -> Saved:
    """End the contract with a provider, so that nothing goes there from the next request on.

    Raises:
        NoSuchRecord: There is none, or it is not for this person.
        BadRecord: There is no reason, or it is too long.
        RecordMoved, StoreDown, AuditDown: Nothing was written.
    """
    ended = {"ends": (today - timedelta(days=1)).isoformat(), "note": _reason(reason)}
    return _changed(engine, ledger, actor, PROVIDER, name, ended)


def retire(engine: Engine, ledger: Ledger, actor: UserId, name: str, reason: str) -> Saved:
    """Let nobody ask through an application from the next request on.

    Raises:
        NoSuchRecord: There is none, or it is not for this person.
        BadRecord: There is no reason, or it is too long.
        RecordMoved, StoreDown, AuditDown: Nothing was written.
    """
    return _changed(engine, ledger, actor, APPLICATION, name, {"retired": True, "note": _reason(reason)})


def ending(connection: Connection, day: date) -> tuple[str, ...]:
    """Say what has ended in the contracts with all providers, and what ends within 30 days; within 7, it is urgent.

    For the log at the start and once a day, and for whoever looks after the service.
    """
    told: list[str] = []
    for one in all_current(connection, PROVIDER):
        try:
            told += warnings_of(validated(Provider, one.record, one.name), day)
        except BadRecord:
            told.append(f"{one.name}: its record cannot be read, so nothing goes there")
    return tuple(told)


def _changed(engine: Engine, ledger: Ledger, actor: UserId, kind: str, name: str, changes: dict[str, Any]) -> Saved:
    with refusal_recorded(ledger, actor, what=kind), write(engine) as connection:
        before = shown(Actor.of(connection, actor), kind, name)
        record = validated(FORMS[kind], {**before.record, **changes}, name)
        written = put(connection, ledger, actor, kind, name, to_json(record), version=before.version)
    return Saved(written, ())


def _reason(text: str) -> str:
    if not text.strip():
        raise BadRecord("say why: it is kept with this version")
    return text.strip()


def _require_named(connection: Connection, application: Application) -> None:
    require_user(connection, application.owner)
    for subject in application.users:
        require_subject(connection, subject)
    _require_model(connection, application.provider, application.model, "provider", None)
    _require_model(connection, application.local, application.local_model, "local", Kind.LOCAL)


def _require_model(connection: Connection, name: str | None, model: str | None, field: str, kind: Kind | None) -> None:
    if name is None:
        if model is not None:
            raise BadRecord(f"{field}: a model is named, and no provider")
        return
    kept = current(connection, PROVIDER, name)
    if kept is None:
        raise BadRecord(f"{field}: there is no provider {name}: ntk provider add")
    provider = validated(Provider, kept.record, name)
    if kind is not None and provider.kind is not kind:
        raise BadRecord(f"{field}: {name} is {provider.kind}, and a provider of kind {kind} is asked for")
    if provider.model_named(model) is None:
        raise BadRecord(f"{field}: {name} has no model {model}")


def _left_behind(connection: Connection, provider: Provider) -> Sequence[str]:
    """Say which applications name something of a provider that is no more in its record."""
    told = []
    for application in _readable(connection):
        name = f"app:{application.name}"
        if application.provider == provider.name and provider.model_named(application.model) is None:
            told.append(f"{name} names the model {application.model}, which {provider.name} has no longer")
        if application.local == provider.name and provider.kind is not Kind.LOCAL:
            told.append(f"{name} takes {provider.name} for local, and it is {provider.kind}")
    return told


def _readable(connection: Connection) -> Iterator[Application]:
    for one in all_current(connection, APPLICATION):
        with suppress(BadRecord):
            yield validated(Application, one.record, one.name)


def to_values(one: Registered) -> dict[str, Json]:
    """Give a version as JSON values. It names where a key is, never the key."""
    return {
        "name": one.name,
        "version": one.version,
        "made_by": one.made_by,
        "made_at": one.made_at.isoformat(timespec="seconds"),
        "record": one.record,
    }


def none_of(kind: str, name: str) -> NoSuchRecord:
    """Give the error for what is not there, and for what is not for whoever asks: the words are the same."""
    return NoSuchRecord(f"there is no {kind}:{name}, or it is not yours to see")
