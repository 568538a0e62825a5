"""A directory as CSV: a header, and a line for each person.

    userName,displayName,email,phone,active,groups
    anna.berg,Anna Berg,anna.berg@staff.example,+44 20 7946 0001,true,finance;staff

`userName` (or `id`) and `displayName` (or `name`) must be there, in any order; the others may. A cell that a
spreadsheet would take for a formula is refused, and written with an apostrophe before it.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Final

from acl.errors import BadFile, BadName
from acl.exchange.directory import Directory, entry_of, group_id, known_members, known_people
from acl.exchange.faults import Faults, require_size
from acl.names import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

_COLUMNS: Final = {
    "username": "user",
    "id": "user",
    "displayname": "name",
    "name": "name",
    "email": "email",
    "phone": "phone",
    "active": "active",
    "groups": "groups",
}
_HEADER: Final = ("userName", "displayName", "email", "phone", "active", "groups")
_RIGHTS: Final = frozenset({"clearance", "level", "label", "compartment", "compartments"})
_TRUTH: Final = {"true": True, "false": False}
_FORMULA: Final = re.compile(r"'*[=+@-]")
_NUMBER: Final = re.compile(r"\+?[\d ()./-]*\d[\d ()./-]*", re.ASCII)


def read_csv(text: str) -> Directory:
    """Read a directory from CSV.

    Raises:
        BadFile: Something is wrong; the message names all faults, up to 20, by line and field.
    """
    require_size(text)
    rows = _rows(text.removeprefix("\ufeff"))
    faults = Faults()
    _, header = next(rows, ("line 1", ()))
    columns = _columns(header)
    directory = Directory(tells_groups="groups" in columns)
    for where, row in rows:
        if len(row) != len(columns):
            faults.add(where, f"it has {len(row):,} columns, and the header {len(columns)}")
        else:
            _take_in(directory, where, dict(zip(columns, row, strict=True)), faults)
    faults.refuse()
    return directory


def export_csv(connection: Connection) -> str:
    """Write people and their groups as CSV: always the same bytes for the same people."""
    groups: dict[str, list[str]] = {}
    for group, members in known_members(connection).items():
        for member in members:
            groups.setdefault(member, []).append(group.removeprefix("group:"))
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(_HEADER)
    for user, known in known_people(connection).items():
        cells = [user.removeprefix("user:"), known.name, known.email, known.phone]
        active, of_him = "true" if known.active else "false", ";".join(sorted(groups.get(user, ())))
        writer.writerow([*map(_safe, cells), active, of_him])
    return written.getvalue()


def _rows(text: str) -> Iterator[tuple[str, Sequence[str]]]:
    """Give the rows that are not blank, each with the line that it begins on."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begins = 1
    try:
        for row in reader:
            if row:
                yield f"line {begins}", row
            begins = reader.line_num + 1
    except csv.Error as error:
        raise BadFile(f"nothing was imported\nline {begins}: it is no CSV: {error}") from error


def _columns(header: Sequence[str]) -> list[str]:
    if len(header) > 4 * len(_COLUMNS):
        raise BadFile(f"nothing was imported\nline 1: the header has {len(header):,} columns")
    faults, columns = Faults(), list[str]()
    for cell in header:
        name = cell.strip().casefold()
        if name in _RIGHTS:
            faults.add("line 1", f"{cell!r}: a directory clears nobody for anything: use ntk user clear")
        elif name not in _COLUMNS:
            faults.add("line 1", f"{cell!r} is no column: write {', '.join(_HEADER)}, and leave others away")
        elif _COLUMNS[name] in columns:
            faults.add("line 1", f"{cell!r}: there are two columns for it")
        else:
            columns.append(_COLUMNS[name])
    for needed, word in (("user", "userName"), ("name", "displayName")):
        if not faults.number and needed not in columns:
            faults.add("line 1", f"there is no column {word}")
    faults.refuse()
    return columns


def _take_in(directory: Directory, where: str, row: dict[str, str], faults: Faults) -> None:
    texts: dict[str, str] = {}
    for field, cell in row.items():
        with faults.noting(f"{where}, {field}"):
            texts[field] = _plain(cell.strip())
    written = texts.pop("active", "true").lower()
    if written not in _TRUTH:
        faults.add(f"{where}, active", f"{written[:20]!r} is neither true nor false")
    entry = entry_of(where, texts, faults, active=_TRUTH.get(written, False))
    if entry is None:
        return
    with faults.noting(where):
        directory.add(entry)
    for name in texts.get("groups", "").split(";"):
        with faults.noting(f"{where}, groups"):
            if name.strip():
                directory.groups[group_id(name.strip())].members[Subject(entry.user)] = where


def _plain(cell: str) -> str:
    """Give what a cell says, without the apostrophe that keeps a spreadsheet from running it."""
    if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        if not cell.startswith("'"):
            raise BadName(f"{cell[:20]!r} is a formula to a spreadsheet: write an apostrophe before it if it is meant")
        return cell[1:]
    return cell


def _safe(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell
