"""What is timed is the whole way of a question: it finds what its reader may see, and nothing else."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.corpus import filed
from bench.offices import office
from bench.path import Clock, walk
from retrieval.embed import DIMENSION
from retrieval.find import find
from retrieval.permit import permit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from bench.corpus import Corpus
    from bench.offices import Office
    from retrieval.embed import Embed

CHUNKS = 300


@pytest.fixture(scope="module")
def made() -> Corpus:
    vectors = np.random.default_rng(1).standard_normal((100, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    texts = [f"The boiler {number} is serviced in May." for number in range(100)]
    return filed(vectors, np.arange(100) // 4, CHUNKS, texts=texts, questions=vectors[:5])


@pytest.fixture(scope="module")
def there(made: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("office"), made, readers=8) as made_office:
        yield made_office


def embed_as(made: Corpus, number: int) -> Embed:
    """Give an embedder that takes every text for the question of this number."""

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        return made.questions[[number] * len(texts)]

    return embed


def test_a_reader_finds_what_is_granted_to_him_and_the_index_agrees_with_the_database(
    made: Corpus, there: Office
) -> None:
    reached = 0
    for number in range(8):
        scope = there.scope(number)
        decide = partial(permit, engine=there.engine, keys=there.keys)
        permitted = find("boiler", scope, index=there.index, embed=embed_as(made, number % 5), permit=decide)
        visible = {f"doc:{document}" for document in made.documents[made.visible(scope)]}
        assert {hit.document for hit in permitted.hits} <= visible
        assert bool(permitted.hits) == bool(visible)
        assert permitted.dropped == {}
        reached += len(permitted.hits)
    assert reached


def test_every_part_of_the_way_is_timed(made: Corpus, there: Office) -> None:
    clock = Clock()
    for number in range(8):
        walk(there, number, "When is the boiler serviced?", embed_as(made, 0), clock)
    assert set(clock.took) == {"path", "scope", "embed", "search", "second decision", "excerpt"}
    parts = sum(sum(took) for part, took in clock.took.items() if part != "path")
    assert 0 < parts <= sum(clock.took["path"])
