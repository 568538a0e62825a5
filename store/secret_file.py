"""A secret in a file of one's own: another one is put in its place at once and as a whole, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.errors import SecretNotWritten
from store.whole import put

if TYPE_CHECKING:
    from pathlib import Path


def replace_private(path: Path, text: str) -> None:
    """Put another content in the place of a secret file's. Whoever reads it finds the old one or the new one.

    Args:
        path: The file, or a link to it. Its owner stays its owner: of what the superuser writes he would be the owner,
            and the service could not read it any more.
        text: What it is to hold.

    Raises:
        SecretNotWritten: It cannot be written, or its owner would lose it; it is as it was.
    """
    there = path.resolve()
    try:
        about = there.stat()
        put(there, text, owner=(about.st_uid, about.st_gid))
    except OSError as error:
        raise SecretNotWritten(f"the secret file {path} cannot be written: {error.strerror}") from error
