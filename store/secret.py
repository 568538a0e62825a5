"""Secret references: settings and records name where a secret is, never the secret.

The forms stand in `store.reference`. Each secrets manager is reached as its own client does it, by the environment:
VAULT_ADDR and the like, an AWS profile or role, Google's default credentials, an Azure identity. The clients
are extras, imported when a reference asks for them.
"""

from __future__ import annotations

import os
import queue
import stat
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from store.errors import SecretMissing, SecretsDown
from store.reference import LONGEST, Reference, Secret, checked, parse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PATIENCE: Final = timedelta(seconds=8)  # for everything that a secrets manager needs, signing in included


class Reader(Protocol):
    """What fetches a secret from one kind of secrets manager."""

    def __call__(self, reference: Reference, environ: Mapping[str, str]) -> Secret:
        """Fetch it.

        Raises:
            SecretMissing, SecretsDown: It cannot be had; in words of our own.
        """
        ...


def resolve(reference: str, base: Path) -> str:
    """Give the secret that a reference names, without surrounding blanks.

    Args:
        reference: In one of the forms of `store.reference`; a relative path of a file starts at `base`.
        base: The data folder.

    Raises:
        SecretMissing: It is not there, is empty, or others may read its file.
        SecretsDown: Its secrets manager does not answer.
    """
    return read(reference, base).value


def read(reference: str, base: Path, *, patience: timedelta = PATIENCE) -> Secret:
    """Give the secret that a reference names, and since when it has been what it is.

    Args:
        reference: In one of the forms of `store.reference`; a relative path of a file starts at `base`.
        base: The data folder.
        patience: How long to wait for a secrets manager.

    Raises:
        SecretMissing, SecretsDown: As for `resolve`. No message holds the secret, or words of a foreign error.
    """
    parsed = parse(reference)
    match parsed.scheme:
        case "file":
            found = _read_private(base / parsed.place)
        case "env":
            found = Secret(os.environ.get(parsed.place, ""))
        case _:
            found = _fetched(parsed, patience)
    return Secret(checked(parsed, found.value), found.made_at)


def _read_private(path: Path) -> Secret:
    try:
        with path.open(encoding="ascii") as file:
            # Asked of the open file: another one could be put in its place between the question and the reading.
            about = os.fstat(file.fileno())
            if about.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise SecretMissing(f"others may read the secret file {path}: run chmod 600 on it")
            return Secret(file.read(LONGEST + 1), datetime.fromtimestamp(about.st_mtime, UTC))
    except (OSError, ValueError) as error:
        raise SecretMissing(f"the secret file {path} {_why_unreadable(error)}") from error


def _why_unreadable(error: OSError | ValueError) -> str:
    match error:
        case FileNotFoundError() | NotADirectoryError():
            return "is not there: restore your copy of it; without it nothing opens, and no new one is made"
        case IsADirectoryError():
            return "is a folder: put the file with the secret in its place"
        case PermissionError():
            return "may not be read by the user who runs this: give the file to that user, with chmod 600"
        case UnicodeDecodeError():
            return "holds no text: restore your copy of it"
        case OSError():
            return f"cannot be read: {error.strerror}"
        case _:
            return "cannot be read: its path holds a zero byte"


def _fetched(reference: Reference, patience: timedelta) -> Secret:
    """Wait for a secrets manager in a thread: its client's time-outs do not hold for a reply that drips in."""
    reader = _reader(reference)
    replies: queue.SimpleQueue[Secret | SecretMissing] = queue.SimpleQueue()
    asking = threading.Thread(target=lambda: replies.put(_asked(reader, reference)), name="secret", daemon=True)
    asking.start()
    try:
        reply = replies.get(timeout=patience.total_seconds())
    except queue.Empty:
        reply = SecretsDown(f"the secret {reference}: no answer within {patience.total_seconds():g} s")
    if isinstance(reply, SecretMissing):
        # A new one: the first would bring the client's error along, which may quote what the manager answered.
        raise type(reply)(str(reply)) from None
    return reply


def _asked(reader: Reader, reference: Reference) -> Secret | SecretMissing:
    try:
        return reader(reference, os.environ)
    except SecretMissing as error:
        return error
    except Exception as error:  # noqa: BLE001 - a client raises whatever it likes
        return SecretsDown(f"the secret {reference}: its secrets manager failed ({type(error).__name__})")


def _reader(reference: Reference) -> Reader:
    """Import the client now, so that this takes nothing of the time to wait."""
    extra, _, _ = reference.scheme.partition("-")
    try:
        # Here, since each takes half a second, and most have none of them.
        match reference.scheme:
            case "vault":
                from store.secret_vault import read as reader  # noqa: PLC0415
            case "aws-sm":
                from store.secret_aws import read as reader  # noqa: PLC0415
            case "gcp-sm":
                from store.secret_gcp import read as reader  # noqa: PLC0415
            case _:
                from store.secret_azure import read as reader  # noqa: PLC0415
    except ImportError:
        missing = f"the secret {reference} needs a client: pip install 'need-to-know[{extra}]'"
    else:
        return reader
    raise SecretMissing(missing)
