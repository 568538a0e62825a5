"""The policy as a file, in the form of Casbin's `policy.csv`.

    p, group:staff, coll:handbook, read, allow
    g, user:anna, group:staff

A line is a rule (subject, object, action, effect), a membership (member, group), a comment that begins with `#`, or
blank. Columns may stand in double quotes. The effect must be written: where Casbin's own default is to allow, a deny
that lost its last column would be a grant. Emergency accesses are not in the file; they end by themselves.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from sqlalchemy import select

from acl.admin.edits import AddRule, JoinGroup, LeaveGroup, RemoveRule
from acl.admin.rules import check_rule
from acl.decision import Rule
from acl.errors import BadName, BadRule, PolicyError
from acl.exchange.faults import Faults, require_size, try_edits
from acl.names import Effect, Obj, Subject, parse_name
from acl.read import EMERGENCY, whats_at
from store.engine import snapshot
from store.schema import casbin_rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Engine

    from acl.admin.edits import Edit

Stated: TypeAlias = AddRule | JoinGroup  # what a line says that there is

_MAX_LINE: Final = 1_000  # characters; four of the longest names have 600
_AT_ONCE: Final = 5_000  # names in one statement; a database takes only so many
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_SHAPES: Final = {"p": "p, SUBJECT, OBJECT, ACTION, EFFECT", "g": "g, MEMBER, GROUP"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file, by its number from 1, and what it says."""

    number: int
    says: Stated


def read_policy(text: str) -> list[Line]:
    """Read a policy file. Whether what its names name is there, is not looked at.

    Raises:
        BadFile: Lines are wrong; the message names all of them, up to 20.
    """
    require_size(text)
    faults, lines, first = Faults(), list[Line](), dict[Stated, int]()
    for number, line in enumerate(_LINE_END.split(text.removeprefix("\ufeff")), start=1):
        if not line.strip(" \t") or line.lstrip(" \t").startswith("#"):
            continue
        try:
            says = _stated(_columns(line))
        except PolicyError as error:
            faults.add(f"line {number}", error)
            continue
        if first.setdefault(says, number) != number:
            faults.add(f"line {number}", f"it says what line {first[says]} says")
        lines.append(Line(number, says))
    faults.refuse()
    return lines


def plan_policy(engine: Engine, text: str, *, replace: bool = False) -> list[Edit]:
    """Give the edits that make the policy say what a file says; none if it does. Nothing is changed.

    Args:
        engine: Where the policy is.
        text: The file.
        replace: Also remove what the file does not say. By default it only adds.

    Raises:
        BadFile: Lines are wrong in themselves, or make no sense as things stand; the message names all, up to 20.
        StoreDown: The database does not answer.
    """
    lines = read_policy(text)
    with snapshot(engine) as connection:
        there = set(_there(connection))
        new = [line for line in lines if line.says not in there]
        faults = _about_nothing(connection, new)
    gone = there - {line.says for line in lines} if replace else ()
    removed: list[tuple[str, Edit]] = [("what the file lacks", _undo(one)) for one in sorted(gone, key=_row)]
    added: list[tuple[str, Edit]] = [(f"line {line.number}", line.says) for line in new]
    try_edits(engine, [*removed, *added], faults)
    faults.refuse()
    return [edit for _, edit in (*removed, *added)]


def export_policy(connection: Connection) -> str:
    """Write the policy as a file: always the same bytes for the same policy."""
    return "".join(f"{', '.join(_row(one))}\n" for one in sorted(_there(connection), key=_row))


def _columns(line: str) -> list[str]:
    if len(line) > _MAX_LINE:
        raise BadRule(f"it has {len(line):,} characters: at most {_MAX_LINE:,}")
    try:
        (columns,) = csv.reader([line], strict=True, skipinitialspace=True)
    except (csv.Error, ValueError) as error:
        raise BadRule("its quotes do not match") from error
    return [column.strip(" \t") for column in columns]


def _stated(columns: Sequence[str]) -> Stated:
    match columns:
        case ["p", subject, obj, action, "allow" | "deny" as written]:
            effect: Effect = "allow" if written == "allow" else "deny"
            rule = Rule(Subject(subject), Obj(obj), action, effect)
            check_rule(rule)
            if subject.startswith(EMERGENCY):
                raise BadName(f"{subject} is a role of emergency access, which is asked for and not imported")
            return AddRule(rule.subject, rule.object, rule.action, rule.effect)
        case ["p", _, _, _, written]:
            raise BadRule(f"{written!r} is no effect: write allow or deny")
        case ["p", _, _, _]:
            raise BadRule(f"it has no effect: write allow or deny at its end, as in {_SHAPES['p']}")
        case ["g", member, group]:
            member = parse_name(member, frozenset({"user", "group"}))
            return JoinGroup(Subject(member), Subject(parse_name(group, frozenset({"group"}))))
        case ["p" | "g" as kind, *rest]:
            raise BadRule(f"it has {len(rest) + 1} columns, not {_SHAPES[kind].count(',') + 1}: write {_SHAPES[kind]}")
        case _:
            raise BadRule(f"{columns[0]!r} is no kind of line: write {' or '.join(_SHAPES.values())}")


def _there(connection: Connection) -> Iterable[Stated]:
    c = casbin_rule.c
    for ptype, *columns in connection.execute(select(c.ptype, c.v0, c.v1, c.v2, c.v3)):
        if not columns[0].startswith(EMERGENCY):
            yield _stated([ptype, *columns[: 2 if ptype == "g" else 4]])


def _about_nothing(connection: Connection, lines: Sequence[Line]) -> Faults:
    """Note the rules on what is not there."""
    faults, objects = Faults(), sorted({line.says.object for line in lines if isinstance(line.says, AddRule)})
    there: set[str] = set()
    for first in range(0, len(objects), _AT_ONCE):
        found = whats_at(connection, objects[first : first + _AT_ONCE])
        there.update(obj for obj, what in found.items() if what.scopes)
    for line in lines:
        if isinstance(line.says, AddRule) and line.says.object not in there:
            faults.add(f"line {line.number}", f"there is no {line.says.object}: a rule on it would do nothing")
    return faults


def _undo(says: Stated) -> Edit:
    if isinstance(says, JoinGroup):
        return LeaveGroup(says.member, says.group)
    return RemoveRule(says.subject, says.object, says.action, says.effect)


def _row(says: Stated) -> tuple[str, ...]:
    if isinstance(says, JoinGroup):
        return ("g", says.member, says.group)
    return ("p", says.subject, says.object, says.action, says.effect)
