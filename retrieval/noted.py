"""What made the vectors of an index, noted in its folder: a vector says nothing to another model.

The database says it too; but an index comes back from a back-up, or is put in its place, without its database.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from retrieval.errors import EmbedderMismatch

if TYPE_CHECKING:
    from pathlib import Path

NOTE: Final = "model.txt"
_UNFINISHED: Final = "model.txt.new"


def require_made_by(model: str, folder: Path) -> None:
    """Note in the folder of a new index what makes its vectors, or refuse one whose vectors something else made.

    Args:
        model: Name and dimension of the embedding model.
        folder: It exists. Without anything in it, the index is new.

    Raises:
        EmbedderMismatch: The index is another model's, or has vectors and no note.
        OSError: The folder cannot be read or written.
    """
    there = {entry.name for entry in folder.iterdir()} - {_UNFINISHED}
    if not there:
        _write(folder, model)
        return
    noted = (folder / NOTE).read_text(encoding="utf-8", errors="replace") if NOTE in there else "an unknown model"
    if noted != model:
        raise mismatch(noted, model)


def mismatch(noted: str, model: str) -> EmbedderMismatch:
    """Give the error of an index that says of itself that another model made its vectors."""
    return EmbedderMismatch(f"the index holds vectors of {noted}; this version makes {model}: run ntk reindex")


def _write(folder: Path, model: str) -> None:
    """Write it whole or not at all, and before the first vector."""
    with (folder / _UNFINISHED).open("w", encoding="utf-8") as file:
        file.write(model)
        file.flush()
        os.fsync(file.fileno())
    (folder / _UNFINISHED).replace(folder / NOTE)
