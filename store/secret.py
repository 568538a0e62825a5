"""Secret references: settings name where a secret is, never the secret.

`file:PATH` reads a file that its owner alone may read; `env:NAME` reads an environment variable.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from store.errors import SecretMissing

if TYPE_CHECKING:
    from pathlib import Path

FORMS: Final = "file:PATH or env:NAME"


def resolve(reference: str, base: Path) -> str:
    """Give the secret that a reference names, without surrounding blanks.

    Args:
        reference: `file:PATH` (a relative path starts at `base`) or `env:NAME`.
        base: The data folder.

    Raises:
        SecretMissing: It is not there, is empty, or others may read its file.
    """
    scheme, _, place = reference.partition(":")
    if scheme == "file" and place:
        secret = _read_private(base / place)
    elif scheme == "env" and place:
        secret = os.environ.get(place, "")
    else:
        raise SecretMissing(f"a secret reference has the form {FORMS}")
    if not secret.strip():
        raise SecretMissing(f"the secret {reference} is not there or is empty")
    return secret.strip()


def _read_private(path: Path) -> str:
    try:
        with path.open(encoding="ascii") as file:
            # Asked of the open file: another one could be put in its place between the question and the reading.
            if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise SecretMissing(f"others may read the secret file {path}: run chmod 600 on it")
            return file.read()
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
