"""Make an installation: a data folder, and the one rule that its first administrator is named by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acl.admin.change import policy_change
from acl.admin.gate import CONSOLE
from acl.admin.rules import grant
from acl.decision import Rule
from acl.names import ROOT, Subject
from api.index_home import EMBEDDER
from api.wiring import open_store_at
from store.folder import create

if TYPE_CHECKING:
    from pathlib import Path

    from store.folder import Layout


def found(root: Path, *, demo: bool = False, database: str | None = None) -> Layout:
    """Make a data folder, in which whoever holds it may administer everything, from the command line.

    It is a rule like any other, and can be removed once there is an administrator: from then on, every change
    of the policy is some person's.

    Args:
        root: A folder that does not exist yet, or is empty.
        demo: Whether questions may be asked under any name in it, without a key.
        database: Secret reference of the URL of an empty PostgreSQL database; without it, SQLite in the folder.

    Raises:
        DataFolderError: Something else stands there or in the database, or nothing can be written there.
        SecretMissing, StoreDown, DriverMissing: That database cannot be used.
    """
    layout = create(root, embedder=EMBEDDER, demo=demo, database=database)
    with open_store_at(root) as opened, policy_change(opened.store.engine, opened.ledger, CONSOLE) as change:
        grant(change, Rule(Subject(CONSOLE), ROOT, "manage", "allow"))
    return layout
