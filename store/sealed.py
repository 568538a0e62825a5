"""A document's text at rest: each document has a key, and each value is bound to its place."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from store.envelope import new_key, seal, unseal
from store.rotation import SealedColumn
from store.schema import document

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from store.keys import KeyOf


def documents_keys(key: KeyOf) -> SealedColumn:
    """Name the column of the documents' keys, by what wraps them."""
    return SealedColumn("documents", document, document.c.wrapped_key, key, lambda row: str(row.id).encode())


@dataclass(frozen=True, slots=True)
class DocumentKey:
    """The key of one document. Without it, its title and chunks are noise."""

    document: str
    key: bytes = field(repr=False)

    @classmethod
    def fresh(cls, document: str) -> Self:
        """Make a key for a new document."""
        return cls(document, new_key())

    @classmethod
    def unwrap(cls, document: str, wrapped: bytes, wrapping_key: bytes) -> Self:
        """Open a document's key with the installation's.

        Raises:
            CannotDecrypt: It is not this document's key, or not this installation's.
        """
        return cls(document, unseal(wrapping_key, wrapped, document.encode()))

    def wrapped(self, wrapping_key: bytes) -> bytes:
        """Give the key in the form that is stored."""
        return seal(wrapping_key, self.key, self.document.encode())

    def seal_title(self, title: str) -> bytes:
        return seal(self.key, title.encode("utf-8", "replace"), self._place("title"))

    def open_title(self, sealed: bytes) -> str:
        """Give the title.

        Raises:
            CannotDecrypt: The value is damaged or another document's.
        """
        return unseal(self.key, sealed, self._place("title")).decode()

    def seal_source(self, name: str) -> bytes:
        return seal(self.key, name.encode("utf-8", "replace"), self._place("source"))

    def open_source(self, sealed: bytes) -> str:
        """Give the name of the file that a document came from.

        Raises:
            CannotDecrypt: The value is damaged or another document's.
        """
        return unseal(self.key, sealed, self._place("source")).decode()

    def seal_chunk(self, chunk: str, version: int, text: str) -> bytes:
        return seal(self.key, text.encode("utf-8", "replace"), self._place(f"{version}/{chunk}"))

    def open_chunk(self, chunk: str, version: int, sealed: bytes) -> str:
        """Give a chunk's text.

        Raises:
            CannotDecrypt: The value is damaged, or another chunk's or version's.
        """
        return unseal(self.key, sealed, self._place(f"{version}/{chunk}")).decode()

    def seal_headings(self, chunk: str, version: int, headings: Sequence[str]) -> bytes:
        listed = json.dumps(headings, ensure_ascii=False)
        return seal(self.key, listed.encode("utf-8", "replace"), self._place(f"{version}/{chunk}/headings"))

    def open_headings(self, chunk: str, version: int, sealed: bytes) -> tuple[str, ...]:
        """Give what a chunk stands under, from the title down.

        Raises:
            CannotDecrypt: The value is damaged, or another chunk's or version's.
        """
        return tuple(json.loads(unseal(self.key, sealed, self._place(f"{version}/{chunk}/headings"))))

    def _place(self, name: str) -> bytes:
        return f"{self.document}/{name}".encode()
