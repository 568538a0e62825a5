"""What can go wrong at the doors, and the one table that says how every error is shown.

    ApiError
    ├── BadSettings         a setting is wrong or unknown
    ├── NotSignedIn         no key, or none that works
    ├── BadRequest          the request is malformed
    ├── UnusableFile        a file that a command names cannot be read or written
    ├── BadServer           the address of a server is none that a key may be sent to
    ├── NoAnswer            the server that a command goes through gives no usable answer
    ├── CannotListen        the service cannot have the address that it is to listen on
    └── NotReady            the service cannot answer now

Each class of error of every package has a row: the HTTP status, the exit code of the command line, a code
that never changes, and a title. The message is the error's own; where it may not be shown to a caller, the
row has a text that is.
"""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from acl import errors as acl
from audit import errors as audit
from egress import errors as egress
from ingest import errors as ingest
from redaction import errors as redaction
from retrieval import errors as retrieval
from store import errors as store

if TYPE_CHECKING:
    from collections.abc import Mapping


_log = logging.getLogger("ntk")


class ApiError(Exception):
    """A request or a command cannot be served."""


class BadSettings(ApiError):
    """A setting is wrong or unknown."""


class NotSignedIn(ApiError):
    """There is no key, or none that works."""


class BadRequest(ApiError):
    """The request is malformed."""


class UnusableFile(ApiError):
    """A file that a command names cannot be read or written."""


class BadServer(ApiError):
    """The address of a server is none that a key may be sent to."""


class NoAnswer(ApiError):
    """The server that a command goes through gives no usable answer."""


class CannotListen(ApiError):
    """The service cannot have the address that it is to listen on."""


class NotReady(ApiError):
    """The service cannot answer now."""


class Exit(IntEnum):
    """The exit codes of the command line."""

    YES = 0
    NO = 1
    MISUSE = 2
    PARTLY = 3  # some of it failed, or somebody else has the data folder


@dataclass(frozen=True, slots=True)
class Row:
    """How one class of error is shown."""

    status: int
    exit: Exit
    code: str
    title: str
    shown: str = ""  # shown in place of the error's own message, which stays in the log


_LATER: Final = "Nothing was sent. Try again in a moment; if it stays so, tell your administrator."
_NO_CONVERSATION: Final = "There is no such conversation. Ask without one to begin anew."

ERRORS: Final[Mapping[type[Exception], Row]] = {
    acl.BadName: Row(422, Exit.MISUSE, "bad-name", "Not a name"),
    acl.BadLabel: Row(422, Exit.MISUSE, "bad-label", "Not a label"),
    acl.BadRule: Row(422, Exit.MISUSE, "bad-rule", "Not a rule"),
    acl.BadPerson: Row(422, Exit.MISUSE, "bad-person", "Not a person's particulars"),
    acl.BadEdit: Row(422, Exit.MISUSE, "bad-edit", "Not a change of the policy"),
    acl.BadTrail: Row(500, Exit.NO, "bad-trail", "The audit trail cannot be replayed"),
    acl.NotAllowed: Row(403, Exit.NO, "not-allowed", "Not yours to change"),
    acl.NobodyLeft: Row(409, Exit.NO, "nobody-left", "Nobody could administer the policy"),
    acl.PolicyMoved: Row(409, Exit.NO, "policy-moved", "The policy changed meanwhile"),
    acl.NoSuchApproval: Row(404, Exit.NO, "no-such-approval", "Nothing waits under this id"),
    acl.BadFile: Row(422, Exit.MISUSE, "bad-file", "The file cannot be imported"),
    acl.BadExport: Row(422, Exit.MISUSE, "bad-export", "Not an export of a review"),
    acl.NestingTooDeep: Row(422, Exit.NO, "nesting-too-deep", "Groups are nested too deep"),
    acl.UnknownName: Row(404, Exit.NO, "unknown-name", "Not found"),
    acl.AlreadyThere: Row(409, Exit.NO, "already-there", "It exists already"),
    acl.PolicyTooLarge: Row(503, Exit.NO, "policy-too-large", "Too many groups to decide", _LATER),
    audit.AuditDown: Row(503, Exit.NO, "audit-down", "The audit trail cannot be written"),
    audit.ChainBroken: Row(500, Exit.NO, "chain-broken", "The audit trail was changed"),
    egress.EmptyQuestion: Row(422, Exit.MISUSE, "empty-question", "The question is empty"),
    egress.MalformedQuestion: Row(422, Exit.MISUSE, "malformed-question", "The question is no text"),
    egress.QuestionTooLong: Row(422, Exit.MISUSE, "question-too-long", "The question is too long"),
    egress.PromptRefused: Row(502, Exit.NO, "prompt-refused", "The prompt was refused", _LATER),
    egress.ModelDown: Row(502, Exit.NO, "model-down", "The model gave no usable answer"),
    egress.PolicyBehind: Row(503, Exit.NO, "policy-behind", "The policy is behind"),
    egress.AnswerBlocked: Row(502, Exit.NO, "answer-blocked", "The answer was blocked"),
    egress.RightsChanged: Row(409, Exit.NO, "rights-changed", "Rights changed meanwhile"),
    egress.ApplicationRefused: Row(403, Exit.NO, "application-refused", "Not through this application"),
    egress.BadRecord: Row(422, Exit.MISUSE, "bad-record", "The record is not well-formed"),
    egress.BadEvidence: Row(422, Exit.MISUSE, "bad-evidence", "It cannot be attested"),
    egress.NoSuchRecord: Row(404, Exit.NO, "no-such-record", "No such record"),
    egress.RecordMoved: Row(409, Exit.NO, "record-moved", "The record changed meanwhile"),
    egress.Stopped: Row(503, Exit.NO, "stopped", "It is stopped"),
    egress.QuotaExceeded: Row(429, Exit.NO, "quota-exceeded", "A quota is used up"),
    egress.CountersDown: Row(503, Exit.NO, "counters-down", "Requests cannot be counted", _LATER),
    egress.NoSuchStop: Row(404, Exit.NO, "no-such-stop", "No such stop is in force"),
    egress.BadIncident: Row(422, Exit.MISUSE, "bad-incident", "Not an incident"),
    egress.NoSuchIncident: Row(404, Exit.NO, "no-such-incident", "No such incident"),
    egress.NoSuchTask: Row(404, Exit.NO, "no-such-task", "No such task"),
    egress.NoSuchRequest: Row(404, Exit.NO, "no-such-request", "No such request"),
    egress.StillWaiting: Row(409, Exit.NO, "still-waiting", "Nobody has decided yet"),
    egress.RequestEnded: Row(410, Exit.NO, "request-ended", "The request cannot be sent any more"),
    egress.RequestChanged: Row(409, Exit.NO, "request-changed", "The request is no longer what was approved"),
    ingest.NoSuchFolder: Row(422, Exit.MISUSE, "no-such-folder", "No such folder"),
    ingest.EmptyFolder: Row(422, Exit.MISUSE, "empty-folder", "The folder is empty"),
    ingest.TooMuch: Row(422, Exit.MISUSE, "too-much", "The folder holds too much"),
    ingest.OtherFolder: Row(409, Exit.NO, "other-folder", "The collection has another folder"),
    ingest.Overtaken: Row(409, Exit.PARTLY, "overtaken", "Somebody else takes it in"),
    ingest.Unreadable: Row(422, Exit.PARTLY, "unreadable", "A file cannot be read"),
    ingest.ParserMoved: Row(500, Exit.NO, "parser-moved", "The parser does not fit"),
    ingest.SandboxDown: Row(503, Exit.NO, "sandbox-down", "Files cannot be read here"),
    redaction.RecogniserFailed: Row(500, Exit.NO, "recogniser-failed", "The text could not be redacted", _LATER),
    redaction.TookTooLong: Row(503, Exit.NO, "recognition-slow", "The text could not be redacted in time", _LATER),
    redaction.BadPattern: Row(422, Exit.MISUSE, "bad-pattern", "A pattern cannot be used"),
    redaction.AdapterMissing: Row(422, Exit.MISUSE, "adapter-missing", "A library or its model is missing"),
    redaction.BadExamples: Row(422, Exit.MISUSE, "bad-examples", "These are no marked texts"),
    redaction.TextTooLong: Row(422, Exit.NO, "text-too-long", "The text is too long to redact"),
    redaction.VaultDown: Row(503, Exit.NO, "vault-down", "The token map does not answer", _LATER),
    redaction.UnknownConversation: Row(404, Exit.NO, "unknown-conversation", "No such conversation", _NO_CONVERSATION),
    retrieval.IndexDown: Row(503, Exit.NO, "index-down", "The index does not answer", _LATER),
    retrieval.EmbedderDown: Row(503, Exit.NO, "embedder-down", "The embedding model does not work", _LATER),
    retrieval.EmbedderMismatch: Row(503, Exit.NO, "embedder-mismatch", "The index is of another model", _LATER),
    store.StoreDown: Row(503, Exit.NO, "store-down", "The database does not answer", _LATER),
    store.NoRoom: Row(507, Exit.NO, "no-room", "The disk is full"),
    store.DoesNotFit: Row(422, Exit.MISUSE, "does-not-fit", "The database cannot keep a value"),
    store.CannotDecrypt: Row(500, Exit.NO, "cannot-decrypt", "A stored value does not open", _LATER),
    store.KeyNotHeld: Row(500, Exit.NO, "key-not-held", "A master key is not at hand", _LATER),
    store.SecretMissing: Row(500, Exit.MISUSE, "secret-missing", "A secret is missing", _LATER),
    store.SecretsDown: Row(503, Exit.NO, "secrets-down", "A secrets manager does not answer", _LATER),
    store.SecretNotWritten: Row(409, Exit.MISUSE, "secret-not-written", "A secret is to be put in its place by hand"),
    store.NothingToRotate: Row(409, Exit.NO, "nothing-to-rotate", "There is nothing to rotate"),
    store.KeyInUse: Row(409, Exit.NO, "key-in-use", "A key is still in use"),
    store.KeyWithheld: Row(500, Exit.MISUSE, "key-withheld", "A key may not go to this host", _LATER),
    store.NoDataFolder: Row(500, Exit.MISUSE, "no-data-folder", "No data folder", _LATER),
    store.DataFolderError: Row(500, Exit.MISUSE, "data-folder", "The data folder cannot be used", _LATER),
    store.DriverMissing: Row(500, Exit.MISUSE, "driver-missing", "A driver is not installed", _LATER),
    store.DataFolderBusy: Row(503, Exit.PARTLY, "data-folder-busy", "The data folder is in use", _LATER),
    store.DataFolderNewer: Row(500, Exit.MISUSE, "data-folder-newer", "The data folder is of a newer version", _LATER),
    store.RotationBusy: Row(503, Exit.PARTLY, "rotation-busy", "Somebody else is rotating", _LATER),
    store.WrongMasterKey: Row(500, Exit.MISUSE, "wrong-master-key", "The master key is another's", _LATER),
    store.NotADemo: Row(403, Exit.MISUSE, "not-a-demo", "Only in a demo data folder"),
    BadSettings: Row(500, Exit.MISUSE, "bad-settings", "A setting is wrong", _LATER),
    NotSignedIn: Row(401, Exit.NO, "not-signed-in", "You are not signed in"),
    BadRequest: Row(422, Exit.MISUSE, "bad-request", "The request is malformed"),
    UnusableFile: Row(422, Exit.MISUSE, "unusable-file", "The file cannot be used"),
    BadServer: Row(422, Exit.MISUSE, "bad-server", "No server for a key"),
    NoAnswer: Row(502, Exit.PARTLY, "no-answer", "The server does not answer"),
    CannotListen: Row(503, Exit.MISUSE, "cannot-listen", "The address cannot be listened on"),
    NotReady: Row(503, Exit.NO, "not-ready", "The service is not ready", _LATER),
}

UNEXPECTED: Final = Row(500, Exit.NO, "unexpected", "Something failed", _LATER)


def row_of(error: Exception) -> Row:
    """Give the row of an error; for one that nobody foresaw, a row that shows nothing of it."""
    return ERRORS.get(type(error), UNEXPECTED)


def problem(error: Exception) -> dict[str, str | int]:
    """Give an error as RFC 9457 problem details, without anything that a caller may not see."""
    row = row_of(error)
    return {
        "type": f"urn:need-to-know:error:{row.code}",
        "title": row.title,
        "status": row.status,
        "detail": row.shown or str(error),
        "code": row.code,
    }


def report(error: Exception) -> None:
    """Write what an operator has to see of an error to the log.

    The message of an error that nobody foresaw may hold anything, so the log gets its places, not its text.
    """
    row = row_of(error)
    if row is UNEXPECTED:
        places = [f"{at.filename}:{at.lineno} in {at.name}" for at in traceback.extract_tb(error.__traceback__)]
        _log.error("unexpected %s at %s", type(error).__name__, " < ".join(reversed(places[-6:])))
    elif row.status >= 500:
        _log.error("%s: %s", row.code, error)
