"""Vectors of questions that were asked before: refills, follow-ups and what many people ask cost nothing again.

A vector is computed from the text alone, so nobody is shown anything of whoever asked first; see
docs/decisions/0020-remembered-vectors.md, which also says what could be guessed.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from retrieval.embed import Embed

MOST: Final = 1_024  # vectors, 1.5 MB


class Remembered:
    """An embedder that keeps the vectors of the last texts, for this process alone. Several threads may use it."""

    def __init__(self, embed: Embed, most: int = MOST) -> None:
        """Wrap an embedder.

        Args:
            embed: Gives a text the same vector whatever stands beside it.
            most: How many vectors are kept; the one that was not asked for longest goes first.
        """
        self._embed = embed
        self._most = most
        self._key = secrets.token_bytes(32)  # so that memory that was written to a disk holds no question
        self._kept: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Turn texts into unit vectors, as the embedder does.

        Raises:
            EmbedderDown: There is no vector; nothing of it is kept.
        """
        if not texts:
            return self._embed(texts)
        names = [self._name(text) for text in texts]
        with self._lock:
            known = {name: self._kept[name] for name in names if name in self._kept}
        new = {name: text for name, text in zip(names, texts, strict=True) if name not in known}
        known |= zip(new, self._embed(list(new.values())), strict=True)
        self._keep(names, known)
        return np.array([known[name] for name in names])

    def _name(self, text: str) -> bytes:
        return blake2b(text.encode(), key=self._key, digest_size=32).digest()

    def _keep(self, names: Sequence[bytes], known: dict[bytes, NDArray[np.float32]]) -> None:
        with self._lock:
            for name in names:
                self._kept[name] = known[name]
                self._kept.move_to_end(name)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
