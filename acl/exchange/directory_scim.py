"""A directory in the form of SCIM 2.0 (RFC 7643): a list response, or a plain list, of users and groups as JSON.

Of a user `userName`, `displayName` or `name`, `emails`, `phoneNumbers`, `active` and `groups` are read, of a group
`displayName` and `members`; all else that SCIM knows is passed over. A group that has a resource of its own lists all
its members, users and groups. A member is named by the `id` of his resource, or by his user name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from acl.errors import BadFile, BadName
from acl.exchange.directory import Directory, entry_of, group_id, known_members, known_people, user_id
from acl.exchange.faults import Faults, require_size
from acl.names import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from acl.names import UserId
    from audit.chain import Json

Resource = Mapping[str, Any]

_CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:"
_LIST: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_RIGHTS: Final = frozenset({"clearance", "compartment", "compartments"})


@dataclass(slots=True)
class _Reading:
    """A file that is being read: what it says so far, and what the ids of its resources stand for."""

    faults: Faults = field(default_factory=Faults)
    directory: Directory = field(default_factory=Directory)
    users: dict[str, UserId] = field(default_factory=dict)
    groups: dict[str, Subject] = field(default_factory=dict)


def read_scim(text: str) -> Directory:
    """Read a directory from JSON.

    Raises:
        BadFile: Something is wrong; the message names all faults, up to 20, by record (from 1) and field.
    """
    require_size(text)
    reading = _Reading()
    records: list[tuple[str, Resource]] = []
    for number, value in enumerate(_resources(_value(text.removeprefix("\ufeff"))), start=1):
        with reading.faults.noting(f"record {number}"):
            records.append((f"record {number}", _resource(value)))
    users = [(where, record) for where, record in records if "userName" in record]
    groups = [(where, record) for where, record in records if "userName" not in record]
    for where, record in users:
        _take_in(reading, where, record)
    for where, record in groups:
        with reading.faults.noting(f"{where}, displayName"):
            group = group_id(_text(record, "displayName"))
            if reading.directory.groups[group].is_whole:
                raise BadName(f"{group} has a resource already")
            reading.directory.groups[group].is_whole = True
            reading.groups[str(record.get("id") or group)] = group
    for where, record in users:
        with reading.faults.noting(f"{where}, groups"):
            for one in _list(record, "groups"):
                _join(
                    reading, _member(reading, record.get("id"), _text(record, "userName")), _group(reading, one), where
                )
    for where, record in groups:
        with reading.faults.noting(f"{where}, members"):
            for one in _list(record, "members"):
                member = _member(reading, one.get("value"), _text(one, "value"), is_group=one.get("type") == "Group")
                _join(reading, member, group_id(_text(record, "displayName")), where)
    reading.faults.refuse()
    return reading.directory


def export_scim(connection: Connection) -> str:
    """Write people and groups as a list response: always the same bytes for the same people."""
    resources: list[Json] = [
        {
            "schemas": [f"{_CORE}User"],
            "id": user,
            "userName": user.removeprefix("user:"),
            "displayName": known.name,
            "emails": [{"value": known.email, "primary": True}] if known.email else [],
            "phoneNumbers": [{"value": known.phone, "primary": True}] if known.phone else [],
            "active": known.active,
        }
        for user, known in known_people(connection).items()
    ]
    resources += [
        {
            "schemas": [f"{_CORE}Group"],
            "id": group,
            "displayName": group.removeprefix("group:"),
            "members": [
                {"value": member, "type": "Group" if member.startswith("group:") else "User"} for member in members
            ],
        }
        for group, members in known_members(connection).items()
    ]
    listed = {"schemas": [_LIST], "totalResults": len(resources), "Resources": resources}
    return json.dumps(listed, ensure_ascii=False, indent=2) + "\n"


# --- JSON ---------------------------------------------------------------------------------------


def _value(text: str) -> object:
    try:
        value: object = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "the file"
        what = error if isinstance(error, _BadJson) else "it is no JSON, or nested too deep"
        raise BadFile(f"nothing was imported\n{where}: {what}") from error
    return value


class _BadJson(ValueError):
    """JSON whose meaning hangs on who reads it."""


def _once(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise _BadJson("an object names the same attribute twice")
    return read


def _no_number(name: str) -> object:
    raise _BadJson(f"{name} is no number")


def _resources(value: object) -> Iterable[object]:
    match value:
        case [*resources]:
            return resources
        case {"Resources": [*resources], **rest}:
            total = rest.get("totalResults", len(resources))
            if total != len(resources):
                # Whoever is on another page would be taken for one who is gone.
                raise BadFile(
                    f"nothing was imported\nthe file: it has {len(resources):,} resources of {str(total)[:20]}"
                )
            return resources
        case _:
            raise BadFile("nothing was imported\nthe file: it is neither a list of resources nor a list response")


def _resource(value: object) -> Resource:
    if not isinstance(value, Mapping) or not ("userName" in value or "displayName" in value):
        raise BadName("it is neither a user, with userName, nor a group, with displayName")
    rights = sorted(_RIGHTS & {name.rpartition(":")[2].casefold() for name in value})
    if rights:
        raise BadName(f"{rights[0]}: a directory clears nobody for anything: use ntk user clear")
    return value


def _text(record: Resource, name: str) -> str:
    value = record.get(name, "")
    if not isinstance(value, str):
        raise BadName(f"{name} is no text")
    return value.strip()


def _list(record: Resource, name: str) -> Sequence[Resource]:
    values = record.get(name, ())
    if not isinstance(values, list | tuple) or not all(isinstance(value, Mapping) for value in values):
        raise BadName(f"{name} is no list of objects")
    return values


# --- SCIM ---------------------------------------------------------------------------------------


def _take_in(reading: _Reading, where: str, record: Resource) -> None:
    texts: dict[str, str] = {}
    before, faults = reading.faults.number, reading.faults
    with faults.noting(where):
        texts["user"], texts["name"] = _text(record, "userName"), _name(record)
    for field_, several in (("email", "emails"), ("phone", "phoneNumbers")):
        if several in record:
            with faults.noting(f"{where}, {field_}"):
                texts[field_] = _first(_list(record, several))
    active = record.get("active", True)
    if not isinstance(active, bool):
        faults.add(f"{where}, active", f"{str(active)[:20]!r} is neither true nor false")
    entry = entry_of(where, texts, faults, active=active is True) if faults.number == before else None
    if entry:
        with faults.noting(where):
            reading.directory.add(entry)
        reading.users[str(record.get("id") or entry.user)] = entry.user


def _name(record: Resource) -> str:
    parts = record.get("name", {})
    if not isinstance(parts, Mapping):
        raise BadName("name is no object")
    together = " ".join(filter(None, (_text(parts, "givenName"), _text(parts, "familyName"))))
    return _text(record, "displayName") or _text(parts, "formatted") or together


def _first(values: Sequence[Resource]) -> str:
    primary = [value for value in values if value.get("primary") is True]
    return next((_text(value, "value") for value in (*primary, *values)), "")


def _member(reading: _Reading, id_: object, name: str, *, is_group: bool = False) -> Subject:
    found = reading.users.get(str(id_)) or reading.groups.get(str(id_))
    if found:
        return Subject(found)
    return group_id(name) if is_group or name.startswith("group:") else Subject(user_id(name))


def _group(reading: _Reading, one: Resource) -> Subject:
    return reading.groups.get(str(one.get("value"))) or group_id(_text(one, "display") or _text(one, "value"))


def _join(reading: _Reading, member: Subject, group: Subject, where: str) -> None:
    reading.directory.groups[group].members.setdefault(member, where)
