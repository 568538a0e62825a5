from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from redaction.directory import Person
from redaction.errors import RecogniserFailed, TookTooLong
from redaction.normalise import fold
from redaction.recognise import recognise
from redaction.settle import found_identity
from redaction.types import Identity, Kind, Span
from tests.redaction.written import recognised

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redaction.normalise import Folded
    from redaction.types import Recogniser

JANE, JOHN = Identity(Kind.USER, "jane"), Identity(Kind.USER, "john")
MAIL = Identity(Kind.EMAIL, "jane@mail.example")


def finding(pattern: str, *identities: Identity, sure: bool = True) -> Recogniser:
    def found(text: Folded) -> Iterator[Span]:
        for match in re.finditer(pattern, text.text):
            yield from (Span(match.start(), match.end(), identity, sure) for identity in identities)

    return found


def settled(texts: list[str], *recognisers: Recogniser) -> list[list[tuple[str, str]]]:
    return [
        [(text[span.start : span.end], span.identity.key) for span in spans]
        for text, spans in zip(texts, recognised(texts, recognisers), strict=True)
    ]


JANE_DOE, LONE_JANE = finding("Jane Doe", JANE), finding(r"Jane(?! Doe)", JANE, sure=False)


def test_a_lone_name_counts_where_another_text_of_the_call_names_its_person() -> None:
    assert settled(["Ask Jane", "Jane Doe"], JANE_DOE, LONE_JANE) == [[("Jane", "jane")], [("Jane Doe", "jane")]]


def test_a_lone_name_counts_for_nothing_where_nobody_names_its_person() -> None:
    assert settled(["Ask Jane", "John Doe"], JANE_DOE, LONE_JANE, finding("John Doe", JOHN)) == [
        [],
        [("John Doe", "john")],
    ]


def test_lone_names_do_not_vouch_for_each_other() -> None:
    assert settled(["Jane", "Jane"], LONE_JANE) == [[], []]


def test_a_name_of_two_people_is_neither() -> None:
    shared = finding("J. Doe", JANE, JOHN)
    assert settled(["J. Doe"], shared) == [[("J. Doe", "jane|john")]]


def test_a_name_of_two_people_is_hers_whom_the_call_names() -> None:
    shared = finding("J. Doe", JANE, JOHN)
    assert settled(["J. Doe", "Jane Doe"], shared, JANE_DOE) == [[("J. Doe", "jane")], [("Jane Doe", "jane")]]


def test_a_name_of_two_people_who_are_both_named_is_neither() -> None:
    shared = finding("J. Doe", JANE, JOHN)
    texts = ["J. Doe", "Jane Doe, John Doe"]
    assert settled(texts, shared, JANE_DOE, finding("John Doe", JOHN))[0] == [("J. Doe", "jane|john")]


def test_a_name_of_two_people_once_sure_counts_everywhere() -> None:
    """After "Hi Anna" in a house with two Annas, the next line's "Anna" is one of them as well."""
    greeted, lone = finding("(?<=Hi )Anna", JANE, JOHN), finding("Anna", JANE, JOHN, sure=False)
    assert settled(["Hi Anna", "Anna"], greeted, lone) == [[("Anna", "jane|john")], [("Anna", "jane|john")]]
    assert settled(["Anna", "Anna"], greeted, lone) == [[], []]


def test_a_pattern_beside_a_person_is_kept() -> None:
    both = settled(["jane@mail.example"], finding(".+", JANE), finding(".+", MAIL))[0]
    assert sorted(both) == [("jane@mail.example", "jane"), ("jane@mail.example", "jane@mail.example")]


def test_no_recogniser_is_a_failure() -> None:
    """PT-02: an empty set would let every text through."""
    with pytest.raises(RecogniserFailed):
        recognised(["Jane Doe"], ())
    assert recognised(["Jane Doe"], [lambda _: ()]) == ((),)


def raising(error: BaseException) -> Recogniser:
    def recogniser(text: Folded) -> Iterator[Span]:
        yield Span(0, len(text.text), JOHN)
        raise error

    return recogniser


@pytest.mark.parametrize(
    "error",
    [ValueError("Jane Doe"), TimeoutError(), MemoryError(), RecursionError(), FileNotFoundError("model"), KeyError(1)],
)
def test_a_recogniser_that_fails_stops_all(error: Exception) -> None:
    """PT-02: and what it says is not passed on, for it may quote the text."""
    with pytest.raises(RecogniserFailed) as failure:
        recognised(["Jane Doe"], [JANE_DOE, raising(error)])
    assert "Jane" not in str(failure.value)
    assert failure.value.__cause__ is None
    assert failure.value.__suppress_context__


def test_an_interrupt_is_no_failure_of_a_recogniser() -> None:
    with pytest.raises(KeyboardInterrupt):
        recognised(["Jane Doe"], [raising(KeyboardInterrupt())])


@pytest.mark.parametrize(
    "returned",
    [
        None,
        1,
        "Jane",
        [None],
        [(0, 4)],
        [Span(-4, 4, JANE)],
        [Span(0, 9, JANE)],
        [Span(3, 3, JANE)],
        [Span(4, 0, JANE)],
    ],
)
def test_a_recogniser_that_returns_nonsense_stops_all(returned: Any) -> None:
    """PT-02."""
    with pytest.raises(RecogniserFailed):
        recognised(["Jane Doe"], [JANE_DOE, lambda _: returned])
    assert recognised(["Jane Doe"], [lambda _: [Span(0, 8, JANE)]]) == ((Span(0, 8, JANE),),)


def test_a_recogniser_that_hangs_stops_all() -> None:
    """PT-02."""
    goes_on = threading.Event()

    def hanging(_: Folded) -> Iterator[Span]:
        goes_on.wait()
        yield from ()

    text = [fold("Jane Doe")]
    with pytest.raises(TookTooLong):
        recognise(text, [JANE_DOE, hanging], limit=timedelta(milliseconds=20))
    goes_on.set()
    assert recognise(text, [JANE_DOE, hanging]) == ((Span(0, 8, JANE),),)


def test_kinds_that_are_not_asked_for_are_left_alone_but_secrets_never() -> None:
    secret = finding("key", Identity(Kind.SECRET, ""))
    recognisers = [JANE_DOE, finding("2024", Identity(Kind.DATE, "2024")), secret]
    (spans,) = recognise([fold("Jane Doe 2024 key")], recognisers, kinds={Kind.DATE})
    assert [span.identity.kind for span in spans] == [Kind.DATE, Kind.SECRET]
    (spans,) = recognise([fold("Jane Doe 2024 key")], recognisers)
    assert [span.identity.kind for span in spans] == [Kind.USER, Kind.DATE, Kind.SECRET]


def introducing(pattern: str, *, guess: bool = False) -> Recogniser:
    def found(text: Folded) -> Iterator[Span]:
        for match in re.finditer(pattern, text.text):
            yield Span(match.start(), match.end(), found_identity(match[1]), name=match[1], guess=guess)

    return found


TITLED = introducing(r"(?:Mr|Ms) ((?:[A-Z]\w+ ?)+)\b")


def test_a_person_whom_one_text_introduces_is_found_in_all() -> None:
    texts = ["Ask Ms Mara Thorn", "Thorn said: ask Mara, not Thornton", "M. THORN"]
    assert settled(texts, TITLED)[1:] == [
        [("Thorn", "name:mara thorn"), ("Mara", "name:mara thorn")],
        [("M. THORN", "name:mara thorn")],
    ]
    assert settled(["Thorn said: ask Mara"], TITLED) == [[]]


def test_a_name_with_a_title_is_that_of_the_person_whom_the_texts_name_in_full() -> None:
    found = settled(["Mr Thorn", "Mr Jo Thorn"], TITLED)
    assert {key for spans in found for _, key in spans} == {"name:jo thorn"}


def test_an_introduced_word_that_is_an_ordinary_one_is_not_masked_everywhere() -> None:
    assert settled(["Ask Mr May.", "it may be"], TITLED) == [[("Mr May", "name:may"), ("May", "name:may")], []]


def test_a_person_of_the_directory_is_introduced_by_nobody() -> None:
    assert settled(["Mr Jane Doe", "Jane"], JANE_DOE, TITLED)[1] == []


def test_people_of_the_conversation_are_found_again() -> None:
    (spans,) = recognise([fold("Thorn?")], [TITLED], known=[Person("name:jo thorn", "Jo Thorn")])
    assert [(span.start, span.end, span.identity.key) for span in spans] == [(0, 5, "name:jo thorn")]
