"""Edits: everything that can be asked to be changed in a policy, as values.

An edit is asked for at a door, simulated, kept while it waits for a second person, and applied: the same value
each time. Its JSON form is that of the HTTP interface and of what waits:

    {"op": "add-rule", "subject": "group:staff", "object": "coll:handbook", "action": "read", "effect": "allow"}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any, Final, TypeAlias, get_args, get_type_hints

from acl.admin.breakglass import end_access, open_access
from acl.admin.groups import join_group, leave_group
from acl.admin.nodes import add_collection, add_folder, move_document, move_node, set_inheritance, set_label, set_owner
from acl.admin.people import Person, add_user, describe, set_active, set_clearance
from acl.admin.quarantine import reject, release
from acl.admin.rules import grant, withdraw
from acl.decision import Rule
from acl.errors import BadEdit, PolicyError
from acl.labels import PUBLIC, Label, Level, parse_label
from acl.names import OBJECT_KINDS, SUBJECT_KINDS, DocumentId, Effect, NodeId, Obj, Subject, UserId, parse_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from acl.admin.change import Change
    from audit.chain import Json


@dataclass(frozen=True, slots=True)
class AddUser:
    """Make a user."""

    user: UserId
    name: str
    email: str = ""
    phone: str = ""
    clearance: Label = Label(Level.INTERNAL)  # noqa: RUF009 - a frozen value


@dataclass(frozen=True, slots=True)
class DescribeUser:
    """Change by what a user is recognised in a text."""

    user: UserId
    name: str
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class SetActive:
    """Let a user in, or out."""

    user: UserId
    active: bool


@dataclass(frozen=True, slots=True)
class SetClearance:
    """Say what a user is cleared for."""

    user: UserId
    clearance: Label


@dataclass(frozen=True, slots=True)
class JoinGroup:
    """Put a user or a group into a group."""

    member: Subject
    group: Subject


@dataclass(frozen=True, slots=True)
class LeaveGroup:
    """Take a user or a group out of a group."""

    member: Subject
    group: Subject


@dataclass(frozen=True, slots=True)
class AddCollection:
    """Make a collection."""

    node: NodeId
    name: str
    label: Label = Label()  # noqa: RUF009 - a frozen value


@dataclass(frozen=True, slots=True)
class AddFolder:
    """Make a folder, `folder:…`, in a collection or folder. What lies above can only be raised by its label."""

    node: NodeId
    parent: NodeId
    name: str
    label: Label = PUBLIC
    inherit: bool = True


@dataclass(frozen=True, slots=True)
class MoveFolder:
    """Put a folder, with all that lies in it, somewhere else."""

    node: NodeId
    parent: NodeId


@dataclass(frozen=True, slots=True)
class SetInheritance:
    """Let rules from above reach what lies here, or cut them off."""

    node: NodeId
    inherit: bool


@dataclass(frozen=True, slots=True)
class SetLabel:
    """Set the own label of a collection, folder or document."""

    place: NodeId | DocumentId
    label: Label


@dataclass(frozen=True, slots=True)
class MoveDocument:
    """Put a document somewhere else."""

    document: DocumentId
    to: NodeId


@dataclass(frozen=True, slots=True)
class SetOwner:
    """Say who owns a document; with an empty owner, nobody."""

    document: DocumentId
    owner: UserId | None = None


@dataclass(frozen=True, slots=True)
class ReleaseDocument:
    """Let a document out of quarantine."""

    document: DocumentId


@dataclass(frozen=True, slots=True)
class RejectDocument:
    """Keep a document that is in quarantine out for good."""

    document: DocumentId


@dataclass(frozen=True, slots=True)
class AddRule:
    """Add a rule."""

    subject: Subject
    object: Obj
    action: str
    effect: Effect = "allow"

    @property
    def rule(self) -> Rule:
        return Rule(self.subject, self.object, self.action, self.effect)


@dataclass(frozen=True, slots=True)
class RemoveRule:
    """Remove a rule."""

    subject: Subject
    object: Obj
    action: str
    effect: Effect = "allow"

    @property
    def rule(self) -> Rule:
        return Rule(self.subject, self.object, self.action, self.effect)


@dataclass(frozen=True, slots=True)
class OpenBreakGlass:
    """Let a user read a place in an emergency, for some minutes."""

    user: UserId
    object: Obj
    minutes: int


@dataclass(frozen=True, slots=True)
class EndBreakGlass:
    """End an emergency access before its time."""

    id: str


Edit: TypeAlias = (
    AddUser
    | DescribeUser
    | SetActive
    | SetClearance
    | JoinGroup
    | LeaveGroup
    | AddCollection
    | AddFolder
    | MoveFolder
    | SetInheritance
    | SetLabel
    | MoveDocument
    | SetOwner
    | ReleaseDocument
    | RejectDocument
    | AddRule
    | RemoveRule
    | OpenBreakGlass
    | EndBreakGlass
)


def apply(change: Change, edit: Edit) -> None:  # noqa: C901, PLR0912 - one case for each kind of edit
    """Do an edit in an open change. Whether somebody may is decided before, by `acl.admin.gate`.

    Raises:
        PolicyError: It makes no sense. Nothing of the change may hold then.
    """
    match edit:
        case AddUser(user, name, email, phone, label):
            add_user(change, Person(user, name, email, phone, label.level, label.compartments))
        case DescribeUser(user, name, email, phone):
            describe(change, Person(user, name, email, phone))
        case SetActive(user, active):
            set_active(change, user, active=active)
        case SetClearance(user, label):
            set_clearance(change, user, label)
        case JoinGroup(member, group):
            join_group(change, member, group)
        case LeaveGroup(member, group):
            leave_group(change, member, group)
        case AddCollection(node, name, label):
            add_collection(change, node, name, label)
        case AddFolder(node, parent, name, label, inherit):
            add_folder(change, node, parent, name, label=label, inherit=inherit)
        case MoveFolder(node, parent):
            move_node(change, node, parent)
        case SetInheritance(node, inherit):
            set_inheritance(change, node, inherit=inherit)
        case SetLabel(place, label):
            set_label(change, place, label)
        case MoveDocument(document, to):
            move_document(change, document, to)
        case SetOwner(document, owner):
            set_owner(change, document, owner)
        case ReleaseDocument(document):
            release(change, document)
        case RejectDocument(document):
            reject(change, document)
        case AddRule():
            grant(change, edit.rule)
        case RemoveRule():
            withdraw(change, edit.rule)
        case OpenBreakGlass(user, place, minutes):
            open_access(change, user, place, minutes)
        case EndBreakGlass(id_):
            end_access(change, id_)


# --- as JSON ------------------------------------------------------------------------------------


def to_json(edit: Edit) -> dict[str, Json]:
    """Give an edit as JSON; `edit_of` reads it back."""
    return {
        "op": _name(type(edit)),
        **{name: str(value) if isinstance(value, Label) else value for name, value in parts_of(edit)},
    }


def parts_of(edit: Edit) -> list[tuple[str, Any]]:
    """Give the parts of an edit, name and value, in order."""
    return [(part.name, getattr(edit, part.name)) for part in fields(edit)]


def edits_of(values: Sequence[object]) -> list[Edit]:
    """Read edits from JSON.

    Raises:
        BadEdit: One of them is none; the message says which, by its number from 1, and what is wrong with it.
    """
    return [_numbered(number, value) for number, value in enumerate(values, start=1)]


def edit_of(value: object) -> Edit:
    """Read an edit from JSON. Its names are in the grammar then; whether what they name is there, is not looked at.

    Raises:
        BadEdit: It is none; the message says what is wrong with it.
    """
    if not isinstance(value, Mapping):
        raise BadEdit('an edit is an object, such as {"op": "join-group", "member": …, "group": …}')
    op = value.get("op")
    kind = KINDS.get(op) if isinstance(op, str) else None
    if kind is None:
        raise BadEdit(f'"op" is one of {", ".join(sorted(KINDS))}')
    known, given = {part.name for part in fields(kind)}, value.keys() - {"op"}
    if unknown := sorted(map(repr, given - known)):
        raise BadEdit(f"{op} has no {unknown[0]}: it has {', '.join(sorted(known))}")
    hints = get_type_hints(kind)
    try:
        read = {name: _READERS.get(hints[name], _text)(value[name]) for name in known & given}
        made: Edit = kind(**read)
    except (TypeError, ValueError, PolicyError) as error:
        raise BadEdit(f"{op}: {_missing(kind, given) or error}") from error
    return made


def _numbered(number: int, value: object) -> Edit:
    try:
        return edit_of(value)
    except BadEdit as error:
        raise BadEdit(f"edit {number}: {error}") from error


def _name(kind: type[Any]) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in kind.__name__)[1:]


def _missing(kind: type[Any], given: set[Any]) -> str:
    absent = [part.name for part in fields(kind) if part.default is MISSING and part.name not in given]
    return f"{absent[0]!r} is missing" if absent else ""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")  # noqa: TRY004 - wrong JSON is a wrong value
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("a text holds what is no character, and no database could keep it")
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")  # noqa: TRY004 - same
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{value!r} is no whole number")  # noqa: TRY004 - same
    return value


def _label(value: object) -> Label:
    return parse_label(_text(value))


def _effect(value: object) -> Effect:
    if value not in ("allow", "deny"):
        raise ValueError(f"{value!r} is no effect: write allow or deny")
    return "allow" if value == "allow" else "deny"


def _named(*kinds: str) -> Callable[[object], str]:
    return lambda value: parse_name(_text(value), frozenset(kinds))


def _owner(value: object) -> str | None:
    return None if value in (None, "") else _named("user")(value)


KINDS: Final[Mapping[str, type[Any]]] = {_name(kind): kind for kind in get_args(Edit)}
_READERS: Final[Mapping[object, Callable[[object], object]]] = {
    bool: _truth,
    int: _number,
    Label: _label,
    Effect: _effect,
    UserId: _named("user"),
    Subject: _named(*SUBJECT_KINDS),
    Obj: _named(*OBJECT_KINDS),
    NodeId: _named("coll", "folder"),
    DocumentId: _named("doc"),
    NodeId | DocumentId: _named("coll", "folder", "doc"),
    UserId | None: _owner,
}
