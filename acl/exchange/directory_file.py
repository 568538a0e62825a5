"""Directory files in either form: read, and written.

directory = read_directory(text, "csv")
plan = plan_directory(engine, directory)           # acl.exchange.directory: the edits, for `acl.admin.gate`
simulate(engine, plan.edits)                       # acl.insight.simulate: what they would change, for a dry run
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from acl.exchange.directory_csv import export_csv, read_csv
from acl.exchange.directory_scim import export_scim, read_scim

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from acl.exchange.directory import Directory

Form: TypeAlias = Literal["csv", "scim"]


def read_directory(text: str, form: Form) -> Directory:
    """Read a directory file.

    Raises:
        BadFile: Something is wrong with it; the message names all faults, up to 20.
    """
    return read_csv(text) if form == "csv" else read_scim(text)


def export_directory(connection: Connection, form: Form) -> str:
    """Write the people, and who is in which group: always the same bytes for the same directory.

    CSV has no line for groups in groups; they stand in the policy file, and in SCIM.
    """
    return export_csv(connection) if form == "csv" else export_scim(connection)
