"""A question to permitted snippets: search inside the scope, decide each hit again, refill once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from acl.scope import Scope
    from retrieval.embed import Embed
    from retrieval.permit import Permitted
    from retrieval.types import Hit

SNIPPETS: Final = 8
FIRST: Final = 2 * SNIPPETS + 8  # hits; the refill adds to them where the second decision drops some
_REFILL: Final = 4 * FIRST


class Index(Protocol):
    """Whatever finds points near a question inside a scope."""

    def search(self, question: str, vector: NDArray[np.float32], scope: Scope, limit: int) -> Sequence[Hit]:
        """Give at most `limit` hits, best first."""
        ...


def find(
    question: str, scope: Scope, *, index: Index, embed: Embed, permit: Callable[[Sequence[Hit], Scope], Permitted]
) -> Permitted:
    """Find the snippets nearest to a question among those that the scope's reader may see.

    The search asks for more than it needs, since the second decision may drop some; if too few are left,
    it asks once more for four times as many. The work is the same for a scope with nothing inside.
    """
    vector = embed([question])[0]
    for limit in (FIRST, _REFILL):
        hits = index.search(question, vector, scope, limit)
        permitted = permit(hits, scope)
        if len(permitted.snippets) >= SNIPPETS or len(hits) < limit:
            break
    return permitted
