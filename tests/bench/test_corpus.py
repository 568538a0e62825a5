"""The corpus of the retrieval benches: what is granted is what is covered, and the mask and the tags say the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from acl.names import ROOT, DocumentId
from bench.corpus import DEPTH, LEVELS, TREES, Corpus, chunk_id, filed, folder, inside, numbers
from bench.passages import passages, questions
from bench.readers import Grants, cells, scopes_of
from bench.vectors import expanded

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def unit(count: int, seed: int) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).standard_normal((count, 16), dtype=np.float32)
    made: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return made


@pytest.fixture(scope="module")
def small() -> Corpus:
    return filed(unit(3_000, 1), np.arange(3_000) // 2, 7_000, texts=["a boiler", "a mill"], questions=unit(3, 2))


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("count", [20, 200])
@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_a_share_is_granted_by_about_as_many_objects_as_are_asked_for(
    small: Corpus, share: float, count: int, tree: str
) -> None:
    objects = small.granted(share, count, tree, np.random.default_rng(5))
    assert 0.9 * count <= len(set(objects)) <= count  # a whole tree is full before it has so many folders apart
    (scope,) = scopes_of([Grants(objects)])
    alone = sum(obj.startswith("doc:") for obj in objects) * 2 / 7_000  # what documents add
    assert small.visible(scope).mean() == pytest.approx(share, rel=0.25, abs=alone + 0.005)


def test_the_mask_says_of_each_chunk_what_its_tags_say(small: Corpus) -> None:
    for cell in cells(small, [0, 1, 2], shares=(0.01, 0.1)):
        for scope in cell.scopes:
            for number, visible in enumerate(small.visible(scope)[:300]):
                point = small.point(number)
                covering = point.tags.scopes | point.own
                assert visible == (bool(covering & scope.allow) and not covering & scope.deny)


def test_the_nearest_are_hidden_and_others_are_not(small: Corpus) -> None:
    (cell,) = (cell for cell in cells(small, [0, 1, 2], shares=(0.1,)) if cell.name == "the nearest hidden")
    for number, scope in enumerate(cell.scopes):
        by_topic = np.flatnonzero(small.leaves < 1 << DEPTH)
        nearest = by_topic[np.argmax((small.vectors @ small.questions[number])[by_topic])]
        visible = small.visible(scope)
        assert not visible[nearest]
        assert visible.mean() == pytest.approx(0.1, rel=0.2)


def test_a_folder_holds_the_folders_of_the_next_level_and_the_last_itself() -> None:
    assert inside(folder("topic", LEVELS[0], 0)) == [folder("topic", LEVELS[1], node) for node in range(4)]
    assert inside(folder("random", DEPTH, 7)) == [folder("random", DEPTH, 7)]


def test_a_point_has_its_number_as_its_id_and_is_covered_by_the_root(small: Corpus) -> None:
    point = small.point(6_999)
    assert numbers([point.chunk]) == [6_999]
    assert point.chunk == chunk_id(6_999)
    assert point.document == DocumentId(f"doc:{small.documents[6_999]}")
    assert ROOT in point.tags.scopes


def test_copies_are_near_their_originals_and_no_two_are_the_same() -> None:
    vectors = unit(20, 1)
    more = expanded(vectors, 50)
    assert np.array_equal(more[:20], expanded(vectors, 20))
    assert np.linalg.norm(more, axis=1) == pytest.approx(1, abs=1e-5)
    assert (more[20:40] * vectors).sum(axis=1) == pytest.approx(0.96, abs=0.05)
    assert len(np.unique(more, axis=0)) == 50


def test_passages_are_whole_sentences_and_no_two_alike(tmp_path: Path) -> None:
    (tmp_path / "scifact").mkdir()
    said = "The boiler of the mill is serviced by the ferry twice a year. " * 9
    article = json.dumps({"_id": "1", "title": "On boilers", "text": said})
    (tmp_path / "scifact" / "corpus.jsonl").write_text(f"{article}\n{article}\n")
    (tmp_path / "scifact" / "queries.test.tsv").write_text("1\tWho services the boiler?\n")
    cut = passages(tmp_path, 10)
    assert all(passage.text.endswith(".") for passage in cut)
    assert len({passage.text for passage in cut}) == len(cut) > 1
    assert passages(tmp_path, 1) == cut[:1]
    assert questions(tmp_path) == ["Who services the boiler?"]
    assert passages(tmp_path / "none", 10) == []
