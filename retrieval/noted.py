"""What made the vectors of an index, noted in its folder: a vector says nothing to another model.

The database says it too; but an index comes back from a back-up, or is put in its place, without its database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from retrieval.errors import EmbedderMismatch
from store.whole import put, unfinished

if TYPE_CHECKING:
    from pathlib import Path

NOTE: Final = "model.txt"


def require_made_by(model: str, folder: Path) -> None:
    """Note in the folder of a new index what makes its vectors, or refuse one whose vectors something else made.

    Args:
        model: Name and dimension of the embedding model.
        folder: It exists. Without anything in it, the index is new.

    Raises:
        EmbedderMismatch: The index is another model's, or has vectors and no note.
        OSError: The folder cannot be read or written.
    """
    there = {entry.name for entry in folder.iterdir()} - {unfinished(folder / NOTE).name}
    if not there:
        put(folder / NOTE, model)  # before the first vector
        return
    noted = (folder / NOTE).read_text(encoding="utf-8", errors="replace") if NOTE in there else "an unknown model"
    if noted != model:
        raise mismatch(noted, model)


def mismatch(noted: str, model: str) -> EmbedderMismatch:
    """Give the error of an index that says of itself that another model made its vectors."""
    return EmbedderMismatch(f"the index holds vectors of {noted}; this version makes {model}: run ntk reindex")
