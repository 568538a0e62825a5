"""A secret in a file of one's own: another one is put in its place at once and as a whole, or not at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from store.errors import SecretNotWritten
from store.whole import sync

if TYPE_CHECKING:
    from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Make a file that its owner alone may read, and have it on the disk.

    Raises:
        OSError: It is there already, or cannot be written.
    """
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def replace_private(path: Path, text: str) -> None:
    """Put another content in the place of a secret file's. Whoever reads it finds the old one or the new one.

    One at a time may call it: what it writes stands in `PATH.new` first.

    Args:
        path: The file, or a link to it. Its owner stays its owner.
        text: What it is to hold.

    Raises:
        SecretNotWritten: It cannot be written, or its owner would lose it; it is as it was.
    """
    there = path.resolve()
    fresh = there.with_name(f"{there.name}.new")
    try:
        about = there.stat()
        fresh.unlink(missing_ok=True)  # of somebody who was cut off
        try:
            write_private(fresh, text)
            if (os.geteuid(), os.getegid()) != (about.st_uid, about.st_gid):
                # Of what the superuser writes he is the owner, and the service could not read it any more.
                os.chown(fresh, about.st_uid, about.st_gid)
            fresh.replace(there)
        finally:
            fresh.unlink(missing_ok=True)
        sync(there.parent)
    except OSError as error:
        raise SecretNotWritten(f"the secret file {path} cannot be written: {error.strerror}") from error
