"""Chunks follow the headings, hold all the text, and fit the embedder."""

from __future__ import annotations

import os
import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.chunk import MAX_CHARACTERS, OVERLAP, chunk, normal_form
from ingest.parse import FORMATS, parse_bytes
from ingest.types import Block, ChunkText, Parsed, clean
from retrieval.embed import MAX_WORD_PIECES, word_piece_counter

if TYPE_CHECKING:
    from collections.abc import Callable

REPOSITORY = Path(__file__).parents[2]
SAMPLE = REPOSITORY / "deploy" / "sample" / "documents"
HANDBOOK = Path(os.environ.get("NTK_TEST_DATA", "")) / "handbook" / "pages"
SENTENCE = "The keeper walks to the end of the pier at dusk. "


@pytest.fixture(scope="module")
def pieces() -> Callable[[str], int]:
    """Count word pieces as the default embedder does, with its marks of begin and end."""
    return word_piece_counter()


def words(text: str) -> int:
    """Stand in for a tokenizer: a mark at each end, and a piece for each word begun."""
    return 2 + len(re.findall(r"\w{1,8}|[^\w\s]", text))


def cut(*blocks: Block, title: str = "Sick leave", limit: int = MAX_WORD_PIECES) -> list[ChunkText]:
    """Chunk a document of these blocks."""
    return chunk(Parsed(title, blocks), words, limit)


def assert_whole(parsed: Parsed, chunks: list[ChunkText]) -> None:
    """Check that chunks stand where they say, in order, and leave out nothing but blanks."""
    text = parsed.text
    assert all(made.text == text[made.start : made.end] and made.text.strip() for made in chunks)
    assert all(before.end - OVERLAP <= after.start for before, after in pairwise(chunks))
    assert all(before.start < after.start and before.end < after.end for before, after in pairwise(chunks))
    own = [text[max(after.start, before.end) : after.end] for before, after in pairwise(chunks)]
    assert "".join("".join([*(made.text for made in chunks[:1]), *own]).split()) == "".join(text.split())


def test_each_section_is_a_chunk_under_its_headings() -> None:
    long = (SENTENCE * 5).strip()
    made = cut(Block("Sick leave", 1), Block(long), Block("Contact", 2), Block(long), Block("Notes", 2), Block(long))
    assert [one.path for one in made] == ["Sick leave", "Sick leave > Contact", "Sick leave > Notes"]
    assert made[1].text == f"Contact\n\n{long}"
    assert made[1].indexed_text == f"Sick leave\nContact\n\n{long}"


def test_the_second_chunk_of_a_section_keeps_its_headings() -> None:
    made = cut(Block("Contact", 1), *[Block(SENTENCE * 8)] * 4)
    assert len(made) > 1
    assert {one.path for one in made} == {"Sick leave > Contact"}
    assert made[-1].indexed_text.startswith("Sick leave > Contact\nThe keeper")


def test_a_deeper_heading_stands_under_the_one_above_and_not_beside_it() -> None:
    long = Block(SENTENCE * 6)
    made = cut(Block("A", 1), long, Block("B", 3), long, Block("C", 2), long, Block("D", 1), long)
    assert [one.headings for one in made] == [
        ("Sick leave", "A"),
        ("Sick leave", "A", "B"),
        ("Sick leave", "A", "C"),
        ("Sick leave", "D"),
    ]


def test_short_sections_are_combined_under_what_they_share() -> None:
    made = cut(Block("Sick leave", 1), Block("Contact", 2), Block("Ring."), Block("Notice", 2), Block("At once."))
    said = "Sick leave\n\nContact\n\nRing.\n\nNotice\n\nAt once."
    assert [(one.path, one.text) for one in made] == [("Sick leave", said)]


def test_a_heading_is_never_a_chunk_alone_where_text_follows() -> None:
    made = cut(Block("Sick leave", 1), Block("Contact", 2), Block("By phone", 3), Block(SENTENCE * 18))
    assert made[0].text.startswith("Sick leave\n\nContact\n\nBy phone\n\nThe keeper")
    assert {one.path for one in made} == {"Sick leave > Contact > By phone"}


def test_a_document_of_nothing_but_headings_is_kept() -> None:
    assert cut(Block("Sick leave", 1), Block("Contact", 2))[-1].text.endswith("Contact")


def test_a_document_without_blocks_has_no_chunks() -> None:
    assert cut() == []


def test_a_long_paragraph_is_cut_behind_a_sentence() -> None:
    made = cut(Block((SENTENCE * 60).strip()))
    assert len(made) > 3
    assert all(one.text.endswith("dusk.") and len(one.text) <= MAX_CHARACTERS + OVERLAP for one in made)


def test_where_a_section_is_cut_the_next_chunk_begins_with_the_last_sentences_of_the_one_before() -> None:
    made = cut(Block(" ".join(f"This is sentence number {at} of them all." for at in range(60))))
    for before, after in pairwise(made):
        shared = after.text[: before.end - after.start]
        assert before.text.endswith(shared)
        assert 60 < len(shared) <= OVERLAP
        assert re.fullmatch(r"(?:This is sentence number \d+ of them all\. ?)+", shared)


def test_paragraphs_of_one_section_overlap_as_well() -> None:
    made = cut(Block("Contact", 1), *[Block(f"{SENTENCE * 9}This ends part {at}.") for at in range(4)])
    assert made[1].text.startswith(f"{SENTENCE * 2}This ends part 0.\n\n")
    assert made[1].start < made[0].end


def test_nothing_overlaps_across_a_heading() -> None:
    long = Block((SENTENCE * 6).strip())
    made = cut(*[block for at in range(5) for block in (Block(f"Part {at}", 1), long)])
    assert len(made) == 5
    assert all(before.end < after.start for before, after in pairwise(made))
    same = cut(
        *[block for _ in range(5) for block in (Block("Part", 1), long)]
    )  # one section after another of its name
    assert all(before.end < after.start for before, after in pairwise(same))


def test_a_heading_is_never_repeated() -> None:
    made = cut(Block("Is it on?", 1), Block("x" * 890), Block("y" * 890))
    assert made[0].text.startswith("Is it on?")
    assert all("Is it on?" not in one.text for one in made[1:])


def test_a_last_sentence_that_is_long_is_not_repeated() -> None:
    long = "The keeper " + "walks on and on, " * 8 + "to the end."
    made = cut(Block(" ".join([long] * 12)))
    assert len(made) > 1
    assert all(before.end < after.start for before, after in pairwise(made))


def test_an_overlap_that_would_not_fit_is_left_out() -> None:
    sentence = "One two three four five six seven. "
    made = cut(Block(sentence * 6), limit=13)
    assert all(words(one.indexed_text) <= 13 for one in made)
    assert all(before.end <= after.start for before, after in pairwise(made))
    assert any(before.end > after.start for before, after in pairwise(cut(Block(sentence * 12), limit=40)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Page 3 of 9", "page 3 - of 9."),
        ("Strictly  confidential!", "STRICTLY - CONFIDENTIAL"),
        ("Stra\u00dfe 5", "STRASSE 5"),
        ("\uff21\uff22\uff23 \uff11", "abc 1"),
        ("caf\u00e9", "cafe\u0301"),
    ],
)
def test_texts_of_the_same_words_have_one_form(one: str, other: str) -> None:
    assert normal_form(one) == normal_form(other) != ""


def test_texts_of_other_words_have_other_forms() -> None:
    """Permitted twin: what differs in a word is not counted as the same."""
    assert normal_form("Page 3 of 9") != normal_form("Page 4 of 9")
    assert normal_form("the lamp is on") != normal_form("the lamp is not on")
    assert normal_form("ab c") != normal_form("a bc")


@given(st.text())
def test_the_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    form = normal_form(text)
    assert normal_form(form) == form
    assert form == form.strip()
    assert not re.search(r"[^\w ]|_|  ", form)


@given(
    st.text("abc\u00e4\u00df ", max_size=20),
    st.integers(0, 10**9),
    st.sampled_from([" ", "  ", "\n", ", ", " - ", "!? "]),
)
def test_case_and_marks_make_no_difference(text: str, number: int, between: str) -> None:
    words_of_it = [*text.split(), str(number)]
    assert normal_form(between.join(words_of_it).upper()) == normal_form(" ".join(words_of_it))
    assert normal_form(" ".join(words_of_it)) != normal_form(" ".join([*words_of_it, "7"]))


def test_a_long_table_is_cut_between_its_rows() -> None:
    made = cut(Block("\n".join(f"Pier: {at}; Lamp: green. Or red" for at in range(200))))
    assert len(made) > 3
    assert all(one.text.startswith("Pier: ") and one.text.endswith("red") for one in made)


def test_a_word_longer_than_a_chunk_is_cut_anywhere() -> None:
    made = cut(Block("x" * 3_000))
    assert "".join(one.text for one in made) == "x" * 3_000


@pytest.mark.parametrize("text", ["語" * 1_500, "한국어" * 400, "a " * 700, "!" * 900, "0123456789" * 80, "🙂" * 500])
def test_text_that_makes_many_pieces_of_few_characters_is_cut_until_it_fits(
    text: str, pieces: Callable[[str], int]
) -> None:
    parsed = Parsed("Title", (Block("Head", 1), Block(text)))
    made = chunk(parsed, pieces)
    assert_whole(parsed, made)
    assert max(pieces(one.indexed_text) for one in made) <= MAX_WORD_PIECES


def test_headings_too_long_for_the_embedder_give_way_to_the_text() -> None:
    outer, inner = "outer " * 30, "inner " * 20
    made = cut(Block(outer.strip(), 1), Block(inner.strip(), 2), *[Block(SENTENCE)] * 9, limit=60, title="title " * 30)
    assert max(words(one.indexed_text) for one in made) <= 60
    assert [one for one in made if SENTENCE.strip() in one.text and not one.headings]


def test_a_heading_stays_with_its_text_when_a_chunk_is_parted() -> None:
    made = cut(Block("A", 1), Block(SENTENCE), Block("B", 1), Block(SENTENCE), Block("C", 1), Block(SENTENCE), limit=24)
    assert [one.text for one in made] == [f"{head}\n\n{SENTENCE}".strip() for head in "ABC"]


def test_a_measure_that_nothing_satisfies_still_ends() -> None:
    assert "".join(one.text for one in chunk(Parsed("T", (Block("abc"),)), lambda _: 1_000)) == "abc"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.text(max_size=400).map(clean).filter(bool), st.integers(0, 6)).map(
            lambda made: Block(made[0], made[1] if "\n" not in made[0] else 0)
        ),
        max_size=12,
    ),
    st.integers(12, 60),
)
@example([Block("0:", 1), Block("0:", 1), Block("0:×0\u08160", 1), Block("!0")], 12)  # noqa: RUF001 - it was found
def test_whatever_the_document_no_text_is_lost_and_every_chunk_fits(blocks: list[Block], limit: int) -> None:
    parsed = Parsed("Title", tuple(blocks))
    made = chunk(parsed, words, limit)
    assert_whole(parsed, made)
    assert all(words(one.indexed_text) <= limit for one in made)


def _fits(root: Path, pieces: Callable[[str], int], most: int) -> int:
    """Chunk up to so many documents of a folder, check them, and count the chunks."""
    files = [file for file in sorted(root.rglob("*")) if file.suffix in FORMATS]
    count = 0
    for file in files[:: max(1, len(files) // most)]:
        parsed = parse_bytes(file.read_bytes(), file.name)
        made = chunk(parsed, pieces)
        assert_whole(parsed, made)
        if not parsed.blocks:  # a page that only redirects
            assert made == []
            continue
        assert max(pieces(one.indexed_text) for one in made) <= MAX_WORD_PIECES, file.name
        count += len(made)
    return count


def test_no_chunk_of_the_sample_documents_is_longer_than_the_embedder_reads(pieces: Callable[[str], int]) -> None:
    assert _fits(SAMPLE, pieces, most=1_000) > 50


def test_no_chunk_of_a_real_handbook_is_longer_than_the_embedder_reads(pieces: Callable[[str], int]) -> None:
    if not HANDBOOK.is_dir():
        pytest.skip("no handbook: set NTK_TEST_DATA to the folder of data sets")
    assert _fits(HANDBOOK, pieces, most=25) > 50
