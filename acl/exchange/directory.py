"""The people and groups of an organisation's directory, and the edits that make ours like it.

A directory file comes as CSV (`directory_csv`) or in the form of SCIM 2.0 (`directory_scim`); both are read into
the values here. What a directory may do, and what not:

- It makes users, describes them and puts them out. It never clears anybody for anything: a new user is cleared
  for what is internal, as any other.
- Who is missing from it is put out only if the file is said to be the whole directory.
- Who was put out here is let in again only if that is asked for: somebody may have had a reason.
- It joins and leaves the groups that it names, or that it is said to manage, and no others. A group that a file
  names no more, since nobody is left in it, has to be said.

A user's id is his user name: `anna.berg` is `user:anna.berg`. Of a user name that looks like an e-mail address, it is
the part before the @. Two people whose ids differ in nothing or in case alone are refused.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from acl.admin.edits import AddUser, DescribeUser, Edit, JoinGroup, LeaveGroup, SetActive
from acl.errors import BadFile, BadName
from acl.exchange.faults import Faults, try_edits
from acl.names import Subject, UserId, parse_name
from acl.read import people
from store.engine import snapshot
from store.schema import casbin_rule, users

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import Connection, Engine

LONGEST: Final = {"name": 200, "email": 320, "phone": 40}  # characters, as the tables have it


@dataclass(frozen=True, slots=True)
class Entry:
    """A person in a directory. What the file does not say is None, and stays as it is."""

    where: str  # in the file
    user: UserId
    name: str
    email: str | None
    phone: str | None
    active: bool


@dataclass(slots=True)
class Group:
    """Who is in a group, each with the place in the file that says so."""

    members: dict[Subject, str] = field(default_factory=dict)
    is_whole: bool = False  # all members are listed, groups as well; else only those are known who are in the file


@dataclass(slots=True)
class Directory:
    """What a directory file says."""

    people: dict[UserId, Entry] = field(default_factory=dict)
    groups: defaultdict[Subject, Group] = field(default_factory=lambda: defaultdict(Group))
    tells_groups: bool = True
    _by_case: dict[str, Entry] = field(default_factory=dict, repr=False)

    def add(self, entry: Entry) -> None:
        """Take in a person.

        Raises:
            BadName: Somebody has this id already, or one that differs in case alone.
        """
        same = self._by_case.get(entry.user.casefold())
        if same:
            raise BadName(f"{entry.user} is taken: {same.where} is {same.user}")
        self._by_case[entry.user.casefold()] = self.people[entry.user] = entry


@dataclass(frozen=True, slots=True)
class Plan:
    """What a directory file asks for, and what it would have changed if it might."""

    edits: tuple[Edit, ...]
    left: tuple[str, ...]  # a line for each


@dataclass(frozen=True, slots=True)
class Known:
    """A user as he is here."""

    name: str
    email: str
    phone: str
    active: bool


def plan_directory(
    engine: Engine,
    directory: Directory,
    *,
    is_whole: bool = False,
    let_in: bool = False,
    manages: Iterable[Subject] = (),
) -> Plan:
    """Give the edits that make people and groups as a directory has them. Nothing is changed.

    Args:
        engine: Where the policy is.
        directory: What the file says.
        is_whole: Everybody is in the file; who is not, is put out, and leaves the groups that the directory manages.
        let_in: Let those in again who are active in the file and not here.
        manages: Groups that the directory manages although the file may not name them.

    Raises:
        BadFile: Something makes no sense as things stand; the message names all faults, up to 20.
        StoreDown: The database does not answer.
    """
    managed = [Subject(parse_name(group, frozenset({"group"}))) for group in manages]
    if managed and not directory.tells_groups:
        raise BadFile("nothing was imported\nthe file tells no groups, so that all would be left")
    with snapshot(engine) as connection:
        known, members = known_people(connection), known_members(connection)
    faults, left = Faults(), list[str]()
    placed = [*_about_people(directory, known, faults, left, is_whole=is_whole, let_in=let_in)]
    groups = sorted({*directory.groups, *managed})
    for group in groups:  # whoever leaves, first: the groups of before and after may make a circle together
        placed += _leaving(directory, group, members[group], is_whole=is_whole)
    for group in groups:
        there = set(members[group])
        told = directory.groups.get(group, Group()).members.items()
        placed += [(where, JoinGroup(member, group)) for member, where in told if member not in there]
    try_edits(engine, placed, faults)
    faults.refuse()
    return Plan(tuple(edit for _, edit in placed), tuple(left))


def known_people(connection: Connection) -> dict[UserId, Known]:
    """Read the users, by id."""
    active = set(connection.scalars(select(users.c.id).where(users.c.active)))
    rows = sorted(people(connection), key=lambda row: row.id)  # databases have orders of their own
    return {UserId(row.id): Known(row.name, row.email, row.phone, row.id in active) for row in rows}


def known_members(connection: Connection) -> defaultdict[Subject, list[Subject]]:
    """Read who is in each group directly, by name."""
    c = casbin_rule.c
    found: defaultdict[Subject, list[Subject]] = defaultdict(list)
    lines = [(group, member) for group, member in connection.execute(select(c.v1, c.v0).where(c.ptype == "g"))]
    for group, member in sorted(lines):
        found[Subject(group)].append(Subject(member))
    return found


def entry_of(where: str, texts: Mapping[str, str], faults: Faults, *, active: bool) -> Entry | None:
    """Make a person of the texts of his fields, user, name, email and phone; or note what is wrong with each."""
    before, user = faults.number, UserId("")
    with faults.noting(f"{where}, user"):
        user = user_id(texts.get("user", ""))
    for kind, longest in LONGEST.items():
        with faults.noting(f"{where}, {kind}"):
            _check(texts.get(kind, ""), longest)
    if faults.number > before:
        return None
    return Entry(where, user, texts.get("name", ""), texts.get("email"), texts.get("phone"), active)


def user_id(user_name: str) -> UserId:
    """Give the id of a user name, itself with or without `user:`.

    Raises:
        BadName: There is none in it.
    """
    _check(user_name, LONGEST["email"])
    local, at, host = user_name.removeprefix("user:").partition("@")
    if at and (not host or "@" in host):
        raise BadName(f"{user_name!r} is no user name and no e-mail address")
    return UserId(parse_name(f"user:{local}", frozenset({"user"})))


def group_id(name: str) -> Subject:
    """Give the group of a name, itself with or without `group:`.

    Raises:
        BadName: It is outside the grammar.
    """
    _check(name, LONGEST["name"])
    return Subject(parse_name(f"group:{name.removeprefix('group:')}", frozenset({"group"})))


def _check(text: str, longest: int) -> None:
    if len(text) > longest:
        raise BadName(f"it has {len(text):,} characters: at most {longest}")
    hidden = [sign for sign in text if unicodedata.category(sign).startswith("C")]
    if hidden:
        raise BadName(f"it has the sign {hidden[0]!a} in it, which nobody sees")


def _about_people(
    directory: Directory,
    known: Mapping[UserId, Known],
    faults: Faults,
    left: list[str],
    *,
    is_whole: bool,
    let_in: bool,
) -> Iterator[tuple[str, Edit]]:
    by_case = {user.casefold(): user for user in known}
    for user, entry in sorted(directory.people.items()):
        same = by_case.get(user.casefold(), user)
        if same != user:
            faults.add(entry.where, f"there is {same}, which differs from {user} in case alone")
            continue
        now = known.get(user)
        wanted = _wanted(entry, now)
        if now is None:
            yield entry.where, AddUser(user, wanted.name, wanted.email, wanted.phone)
        elif (wanted.name, wanted.email, wanted.phone) != (now.name, now.email, now.phone):
            yield entry.where, DescribeUser(user, wanted.name, wanted.email, wanted.phone)
        if entry.active and now and not now.active and not let_in:
            left.append(f"{entry.where}: {user} is not active here, and stays so")
        elif entry.active != (now is None or now.active):
            yield entry.where, SetActive(user, entry.active)
    for user, now in sorted(known.items()):
        if user not in directory.people and now.active:
            if is_whole:
                yield "what the file lacks", SetActive(user, active=False)
            else:
                left.append(f"{user} is not in the file, and stays active")


def _wanted(entry: Entry, now: Known | None) -> Known:
    email = entry.email if entry.email is not None else (now.email if now else "")
    phone = entry.phone if entry.phone is not None else (now.phone if now else "")
    return Known(entry.name, email, phone, entry.active)


def _leaving(
    directory: Directory, group: Subject, now: Iterable[Subject], *, is_whole: bool
) -> Iterator[tuple[str, Edit]]:
    told = directory.groups.get(group, Group())
    for member in now:
        is_told_of = told.is_whole or (member.startswith("user:") and (is_whole or UserId(member) in directory.people))
        if member not in told.members and is_told_of:
            yield "what the file lacks", LeaveGroup(member, group)
