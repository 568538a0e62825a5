"""Who may become a user, and how a group is filled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acl.admin.groups import join_group
from acl.admin.people import Person, add_user, require_subject
from acl.errors import BadPerson, UnknownName
from acl.names import UserId
from store.engine import snapshot
from tests.acl.changes import Open, tables

if TYPE_CHECKING:
    from store.folder import Store


@pytest.mark.parametrize(
    ("name", "email", "phone"),
    [
        ("A", "", ""),
        ("O'Brien, Anne-Marie", "a@b", "12345"),
        ("\u674e\u5c0f\u9f99", "li.xiaolong@staff.example", "+44 20 7946 0002"),
        ("Zoe 2", "zoe+home@staff.example", "(020) 7946-0002 ext. 5"),
    ],
)
def test_a_person_who_can_be_recognised_is_taken(change: Open, name: str, email: str, phone: str) -> None:
    with change() as c:
        add_user(c, Person(UserId("user:anna"), name, email, phone))


@pytest.mark.parametrize(
    ("name", "email", "phone", "word"),
    [
        ("", "", "", "name"),
        ("  ", "", "", "name"),
        ("4711 -", "", "", "name"),
        ("Anna", "notanemail", "", "e-mail"),
        ("Anna", "anna@", "", "e-mail"),
        ("Anna", "@staff.example", "", "e-mail"),
        ("Anna", " @ ", "", "e-mail"),
        ("Anna", "a@b@staff.example", "", "e-mail"),
        ("Anna", "Anna <anna@staff.example>", "", "e-mail"),
        ("Anna", "", "abc", "phone"),
        ("Anna", "", "1234", "phone"),
        ("Anna", "", " ", "phone"),
    ],
)
def test_a_person_who_could_not_be_recognised_is_refused(
    store: Store, change: Open, name: str, email: str, phone: str, word: str
) -> None:
    """Redaction looks for these three in every text; what matches nothing would leave in clear."""
    before = tables(store.engine)
    with pytest.raises(BadPerson, match=word) as refused, change() as c:
        add_user(c, Person(UserId("user:anna"), name, email, phone))
    assert tables(store.engine) == before
    assert "staff.example" not in str(refused.value)


def test_who_names_an_empty_group_is_told_how_to_fill_it(store: Store, change: Open) -> None:
    with snapshot(store.engine) as connection, pytest.raises(UnknownName, match="ntk group join user:ID group:empty"):
        require_subject(connection, "group:empty")
    with change() as c:
        add_user(c, Person(UserId("user:anna"), "Anna"))
        join_group(c, "user:anna", "group:empty")
    with snapshot(store.engine) as connection:
        assert require_subject(connection, "group:empty") == "group:empty"
