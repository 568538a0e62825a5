"""The review on paper: an export that a spreadsheet opens, and the record that somebody signed what he saw."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, select

from acl.admin.people import require_user
from acl.errors import BadExport, PolicyMoved
from acl.insight.explained import printable
from acl.names import UserId
from audit.ledger import Event
from store.schema import access_review, policy_state

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from acl.insight.review import Line, Reason, Review
    from audit.ledger import Ledger

COLUMNS: Final = (
    "person", "name", "active", "clearance", "collection", "place", "path", "label",
    "access", "here", "reason", "membership", "documents apart",
)  # fmt: skip
_TITLE: Final = "access review"
_EPOCH: Final = "policy epoch"
# What a spreadsheet would take for a formula: at the start of a cell, or behind what it may take for a separator.
_FORMULA: Final = re.compile("(^|[,;\t\r\n\"'|])([^\\S\t\r\n]*)(?=[=+@\uff1d\uff0b\uff20\uff0d\t\r\n-])")


@dataclass(frozen=True, slots=True)
class Export:
    """A review as a file: its bytes, and what its first line says."""

    content: bytes
    epoch: int
    lines: int

    @property
    def digest(self) -> str:
        """The SHA-256 of the bytes."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class SignOff:
    """That somebody signed an export."""

    id: str
    signed_by: UserId
    signed_at: datetime
    epoch: int
    digest: str
    lines: int


def to_csv(review: Review, at: datetime) -> Export:
    """Write a review as comma-separated values (RFC 4180, UTF-8).

    The first line says what it is, of which epoch of the policy and which time; the second names the columns.
    The same review and time give the same bytes.
    """
    asked = "everybody" if review.everything else "whoever has access"
    head = [_TITLE, _EPOCH, str(review.epoch), "action", review.action, "of", asked, "at", at.isoformat()]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([*head, *[""] * (len(COLUMNS) - len(head))])
    writer.writerow(COLUMNS)
    writer.writerows([_harmless(cell) for cell in _cells(line)] for line in review.lines)
    return Export(text.getvalue().encode(), review.epoch, len(review.lines))


def read_export(content: bytes) -> Export:
    """Read back what `to_csv` wrote.

    Raises:
        BadExport: It is no such file.
    """
    try:
        rows = list(csv.reader(io.StringIO(content.decode(), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadExport("the file is no CSV in UTF-8: give the export as it was written") from error
    if len(rows) < 2 or rows[0][:2] != [_TITLE, _EPOCH] or tuple(rows[1]) != COLUMNS:
        raise BadExport("the file does not begin like an export of a review: give the export as it was written")
    if any(len(row) != len(COLUMNS) for row in rows) or not re.fullmatch(r"[0-9]{1,18}", rows[0][2]):
        raise BadExport("the file has lines that no export has: give the export as it was written")
    return Export(content, int(rows[0][2]), len(rows) - 2)


def sign(connection: Connection, ledger: Ledger, signer: UserId, export: Export) -> SignOff:
    """Record that somebody has seen an export and stands for it, in a write transaction of the caller's.

    Raises:
        PolicyMoved: The policy has changed since the export: he would sign what he has not seen.
        UnknownName: There is no such user.
        AuditDown: It cannot be recorded.
    """
    # Locked like by a change of the policy: none comes between this look and the record.
    epoch = connection.scalars(select(policy_state.c.epoch).with_for_update()).one()
    if epoch != export.epoch:
        raise PolicyMoved(
            f"the export is of policy epoch {export.epoch}, and the policy is at {epoch}: export again, and sign that"
        )
    require_user(connection, signer)
    signed = SignOff(str(uuid.uuid4()), signer, ledger.clock(), epoch, export.digest, export.lines)
    row = {"id": signed.id, "signed_by": signer, "signed_at": signed.signed_at, "epoch": epoch}
    connection.execute(insert(access_review).values(digest=signed.digest, lines=signed.lines, **row))
    details = {"epoch": epoch, "digest": signed.digest, "lines": signed.lines}
    ledger.append(connection, Event("review.signed", signer, signed.id, details))
    return signed


def last_review(connection: Connection) -> SignOff | None:
    """Give the review that was signed last, if there is one."""
    c = access_review.c
    row = connection.execute(select(access_review).order_by(c.signed_at.desc(), c.id).limit(1)).one_or_none()
    if row is None:
        return None
    return SignOff(row.id, UserId(row.signed_by), row.signed_at, row.epoch, row.digest, row.lines)


def _cells(line: Line) -> list[str]:
    return [
        line.person,
        printable(line.name),
        "yes" if line.active else "no",
        str(line.clearance),
        line.collection,
        line.place,
        " / ".join(printable(name) for name in line.path),
        str(line.label),
        line.extent,
        "yes" if line.here.permitted else "no",
        line.here.words,
        " -> ".join(line.here.chain),
        "; ".join(f"{apart.documents} {_apart(apart.reason)}" for apart in line.apart),
    ]


def _apart(reason: Reason) -> str:
    chain = f" ({' -> '.join(reason.chain)})" if reason.chain else ""
    return f"{'yes' if reason.permitted else 'no'}: {reason.words}{chain}"


def _harmless(cell: str) -> str:
    return _FORMULA.sub(r"\1'\2", cell)
