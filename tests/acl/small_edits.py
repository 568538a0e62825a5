"""Random edits of small worlds: most make sense, some do not."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from acl.admin.edits import (
    AddCollection,
    AddFolder,
    AddRule,
    AddUser,
    DescribeUser,
    Edit,
    JoinGroup,
    LeaveGroup,
    MoveDocument,
    MoveFolder,
    OpenBreakGlass,
    RemoveRule,
    SetActive,
    SetClearance,
    SetInheritance,
    SetLabel,
    SetOwner,
)
from acl.labels import PUBLIC, Compartment, Label, Level
from acl.names import DocumentId, NodeId, Obj, Subject, UserId
from tests.acl.small_worlds import (
    COLLECTIONS,
    DOCUMENTS,
    FOLDERS,
    GHOST,
    GROUPS,
    USERS,
    any_rules,
    broad_grants,
    few_compartments,
    levels,
)

NEW_USERS: Final = ["user:n0", "user:n1"]
NEW_COLLECTIONS: Final = ["coll:n0"]
NEW_FOLDERS: Final = ["folder:n0", "folder:n1"]

_users = st.sampled_from([*USERS, *USERS, *USERS, *NEW_USERS, GHOST]).map(UserId)
_groups = st.sampled_from(GROUPS).map(Subject)
_members = st.sampled_from([*USERS, *USERS, *GROUPS, *NEW_USERS, GHOST]).map(Subject)
_folders = st.sampled_from([*FOLDERS, *FOLDERS, *NEW_FOLDERS, "folder:none"]).map(NodeId)
_nodes = st.sampled_from([*COLLECTIONS, *FOLDERS, *NEW_COLLECTIONS, *NEW_FOLDERS]).map(NodeId)
_labels = st.builds(
    lambda level, held: Label(Level(level), frozenset(map(Compartment, held))), levels, few_compartments
)
_clearances = st.builds(
    lambda level, held: Label(Level(level), frozenset(map(Compartment, held))),
    st.sampled_from([0, 1, 2, 3, 3]),
    few_compartments,
)


def edits(documents: list[DocumentId] | None = None) -> st.SearchStrategy[Edit]:
    """Give edits of one of the small worlds, or of these documents in it."""
    _documents = st.sampled_from(documents or [*map(DocumentId, DOCUMENTS), DocumentId("doc:none")])
    rules = any_rules | broad_grants
    return st.one_of(
        st.builds(AddUser, st.sampled_from([*NEW_USERS, USERS[0]]).map(UserId), st.just("Nora"), clearance=_clearances),
        st.builds(DescribeUser, _users, st.sampled_from(["Nora", "42"])),
        st.builds(SetActive, _users, st.booleans()),
        st.builds(SetClearance, _users, _clearances),
        st.builds(JoinGroup, _members, _groups),
        st.builds(LeaveGroup, _members, _groups),
        st.builds(
            AddCollection, st.sampled_from([*NEW_COLLECTIONS, COLLECTIONS[0]]).map(NodeId), st.just("N"), _labels
        ),
        st.builds(AddFolder, _folders, _nodes, st.sampled_from(["a", "b"]), _labels, st.booleans()),
        edits_of_places(documents),
        edits_of_places(documents),
        st.builds(OpenBreakGlass, _users, (_nodes | _documents).map(Obj), st.sampled_from([60, 60, 0])),
        rules.map(lambda rule: AddRule(Subject(rule[0]), Obj(rule[1]), rule[2], rule[3])),  # type: ignore[arg-type]  # drawn texts
        rules.map(lambda rule: RemoveRule(Subject(rule[0]), Obj(rule[1]), rule[2], rule[3])),  # type: ignore[arg-type]  # same
    )


def edits_of_places(documents: list[DocumentId] | None = None) -> st.SearchStrategy[Edit]:
    """Give edits that the index has to follow."""
    _documents = st.sampled_from(documents or [*map(DocumentId, DOCUMENTS), DocumentId("doc:none")])
    return st.one_of(
        st.builds(MoveFolder, _folders, _nodes),
        st.builds(SetInheritance, _nodes, st.booleans()),
        st.builds(SetLabel, _nodes | _documents, _clearances),
        st.builds(SetLabel, _nodes | _documents, st.sampled_from([PUBLIC, Label(Level.RESTRICTED)])),
        st.builds(MoveDocument, _documents, _nodes),
        st.builds(SetOwner, _documents, st.none() | _users),
    )


def sensible(world_members: frozenset[tuple[str, str]], rules: tuple[tuple[str, str, str, str], ...]) -> list[Edit]:
    """List the edits that take away what a world has: by chance, they would hardly be drawn."""
    leaving = [LeaveGroup(Subject(member), Subject(group)) for member, group in sorted(world_members)]
    removed = [
        RemoveRule(Subject(sub), Obj(obj), act, "deny" if eft == "deny" else "allow")
        for sub, obj, act, eft in dict.fromkeys(rules)
    ]
    return [*leaving, *removed]
