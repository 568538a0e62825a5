from __future__ import annotations

import time
from typing import Final

import pytest

from redaction.directory import Person, directory_recogniser
from redaction.normalise import fold
from redaction.patterns import pattern_recognisers
from redaction.redact import redact
from redaction.restore import restore
from redaction.spans import union
from redaction.tokens import issuer
from redaction.types import Kind
from tests.redaction.written import recognised, spans_of

PEOPLE: Final = (
    Person("user:jane", "Jane Doe", "jane.doe@mail.example", "+44 20 7946 0123", "jdoe"),
    Person("user:john", "John Doe", "john@mail.example", "020 7946 0456", "john"),
    Person("user:will", "Will May", "will@mail.example", "", "will"),
    Person("user:vdb", "Hans van der Berg", login="h.berg"),
    Person("user:am", "O'Brien, Anne-Marie"),
    Person("user:jm", "Jörg Müller", "j.m@mail.example", "+1 202 555 0143", "jm7"),
    Person("user:phd", "Dr. Maria Rosa Silva, PhD"),
    Person("user:ii", "Ian Ives (Contractor)"),
    Person("user:zed", "Zed"),
)
DIRECTORY: Final = directory_recogniser(PEOPLE)


def told(*texts: str) -> list[tuple[str, str]]:
    """Give what is masked in the last text of a call, and who it is."""
    spans = union(recognised(texts, [DIRECTORY])[-1])
    return [(texts[-1][span.start : span.end], span.identity.key.replace("user:", "")) for span in spans]


@pytest.mark.parametrize(
    ("written", "who"),
    [
        ("Jane Doe", "jane"),
        ("JANE DOE", "jane"),
        ("jane doe", "jane"),
        ("jAnE dOe", "jane"),
        ("Doe, Jane", "jane"),
        ("DOE, JANE", "jane"),
        ("doe, jane", "jane"),
        ("Doe Jane", "jane"),
        ("Doe;Jane", "jane"),
        ("Jane Q. Doe", "jane"),
        ("Jane Q Doe", "jane"),
        ("Jane Q. R. Doe", "jane"),
        ("Jane  Doe", "jane"),
        ("Jane\nDoe", "jane"),
        ("Jane\u00a0Doe", "jane"),
        ("Jane\tDoe", "jane"),
        ("Jane   |   Doe", "jane"),
        ("Jane</b> Doe", "jane"),
        ("Jane_Doe", "jane"),
        ("jane.doe", "jane"),
        ("Jane-Doe", "jane"),
        ("J\u00adane Do\u200be", "jane"),
        ("J\u0430n\u0435 D\u043e\u0435", "jane"),
        ("\uff2aane \uff24oe", "jane"),
        ("&#74;ane&nbsp;Doe", "jane"),
        ("jane.doe@mail.example", "jane"),
        ("JANE.DOE@MAIL.EXAMPLE", "jane"),
        ("jane.doe [at] mail [dot] example", "jane"),
        ("jdoe", "jane"),
        ("JDOE", "jane"),
        ("+44 20 7946 0123", "jane"),
        ("020 7946 0123", "jane"),
        ("(020) 7946-0123", "jane"),
        ("+44 (0)20 7946 0123", "jane"),
        ("0044 20 79460123", "jane"),
        ("011 44 20 7946 0123", "jane"),
        ("02079460123", "jane"),
        ("020.7946.0123", "jane"),
        ("020 7946\n0123", "jane"),
        ("20 7946 0123", "jane"),
        ("John Doe", "john"),
        ("Will May", "will"),
        ("will may", "will"),
        ("W. May", "will"),
        ("May, W", "will"),
        ("Hans van der Berg", "vdb"),
        ("HANS VAN DER BERG", "vdb"),
        ("van der Berg, Hans", "vdb"),
        ("H. Van Der Berg", "vdb"),
        ("h.berg", "vdb"),
        ("Anne-Marie O'Brien", "am"),
        ("Anne Marie O\u2019Brien", "am"),
        ("A. M. O'Brien", "am"),
        ("AM O'Brien", "am"),
        ("O'Brien, Anne-Marie", "am"),
        ("Jörg Müller", "jm"),
        ("Jorg Muller", "jm"),
        ("Joerg Mueller", "jm"),
        ("Jo\u0308rg Mu\u0308ller", "jm"),
        ("jm7", "jm"),
        ("202-555-0143", "jm"),
        ("Maria Rosa Silva", "phd"),
        ("Maria Silva", "phd"),
        ("Rosa Silva", "phd"),
        ("Maria R. Silva", "phd"),
        ("M. R. Silva", "phd"),
        ("Ian Ives", "ii"),
        ("I. Ives", "ii"),
        ("Zed", "zed"),
    ],
)
def test_a_person_is_found_in_every_form(written: str, who: str) -> None:
    """PT-03."""
    assert told(f"x {written} y") == [(written, who)]


@pytest.mark.parametrize(
    ("text", "name", "who"),
    [
        ("Hi Will, are you in?", "Will", "will"),
        ("hello will!", "will", "will"),
        ("Dear Will May,", "Will May", "will"),
        ("Good morning, Will", "Will", "will"),
        ("Dear Rosa and Will,", "Will", "will"),
        ("Thanks, Will.", "Will", "will"),
        ("Thank you Will!", "Will", "will"),
        ("See you\n\nKind regards,\nWill\nSales", "Will", "will"),
        ("Best wishes\n\nWill", "Will", "will"),
        ("Mr May is out", "May", "will"),
        ("dr. may is out", "may", "will"),
        ("From: Will\nTo: all", "Will", "will"),
        ("| Owner: | x\nAuthor: May", "May", "will"),
        ("@will look", "will", "will"),
        ("login: will", "will", "will"),
        ("Frau Müller", "Müller", "jm"),
        ("Mr van der Berg", "van der Berg", "vdb"),
        ("Ms Silva's", "Silva", "phd"),
    ],
)
def test_a_name_alone_counts_where_it_is_used_as_one(text: str, name: str, who: str) -> None:
    assert (name, who) in told(text)


@pytest.mark.parametrize(
    "text",
    [
        "Will you come in May? I may. I will.",
        "It may or it will, or it must be.",
        "A May day, and a will. Will I go?",
        "Where there is a will. May I?",
        "the last will: May 2024",
        "Best May offers, thanks Will Smithers",
        "A doe, a deer. Doe season.",
        "maria has a rosa silvana",
        "Berg and van der Valk",
        "A jane smith, a john smith, Mary Does",
        "Janet Doering and Dojane",
        "jdoe2 xjdoe john",
        "020 7946 0124, 7946 0123, 20207946012345",
        "jane.doe@other.invalidity",
        "an iris, ives, I ives",
        "zed, or the letter Z",
        "The Selkie process sheet, TG-4, hall 4.",
    ],
)
def test_words_that_are_names_elsewhere_are_left_alone(text: str) -> None:
    assert [pair for pair in told(text) if pair[0] != "jane.doe"] == []


STAFF: Final = directory_recogniser(
    [
        *(Person("user:mara", "Mara Lindqvist", login="mara"), Person("user:ines", "Ines Okafor", login="ines")),
        *(Person("user:may", "Will May"), Person("user:it", "Ida Thorn", login="it"), Person("user:h", "Tova Hanks")),
    ]
)


def masked(text: str) -> list[str]:
    return [text[span.start : span.end] for span in union(recognised([text], [STAFF])[0])]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("What does Mara earn?", ["Mara"]),
        ("LINDQVIST salary", ["LINDQVIST"]),
        ("Mara is not a member; Ines is", ["Mara", "Ines"]),
        ("Mara said that mara is out", ["Mara", "mara"]),
        ("Mara Sofia Lindqvist", ["Mara Sofia Lindqvist"]),
        ("Mara Sofia Anna Lindqvist", ["Mara Sofia Anna Lindqvist"]),
        ("mara sofia lindqvist", ["mara sofia lindqvist"]),
        ('Mara "Boss" Lindqvist', ['Mara "Boss" Lindqvist']),
        ("Mara Ines Okafor", ["Mara", "Ines Okafor"]),
        ("Mara Lindqvists Gehalt", ["Mara Lindqvists"]),
        ("Maras Gehalt, Lindqvists Gehalt", ["Maras", "Lindqvists"]),
        ("i.okafor, i_okafor, i-okafor, iokafor", ["i.okafor", "i_okafor", "i-okafor", "iokafor"]),
        ("mlindqvist, mara.lindqvist, maralindqvist", ["mlindqvist", "mara.lindqvist", "maralindqvist"]),
        ("okafor.ines", ["okafor.ines"]),
    ],
)
def test_a_name_in_ordinary_text_is_masked(text: str, names: list[str]) -> None:
    """PT-03: nothing but its capital says that it is one."""
    assert masked(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "Will you come in May?",
        "May 2024, 3 May, MAY 5",
        "Will it? Wills and Mays",
        "what does mara earn",
        "It is IT, says Its maker",
        "Thanks, thanks and THANKS",
        "Marathon, Maranello, Lindqvistia",
        "Inesa in Okaforia, a tmay, i.may",
        "The Selkie 3.2 in Berlin on Monday",
        "march, Mar 2024, mar 5",
        "mara and the lindqvist",
        "Thornton Hanksville, 4 June",
        "the e-may, the Maya",
        "Sofia Anna, Boss",
    ],
)
def test_a_word_in_ordinary_text_is_not(text: str) -> None:
    assert masked(text) == []


def test_a_question_full_of_a_frequent_name_is_redacted_at_once() -> None:
    """One span for each of hundreds who share the name took seconds."""
    recogniser = directory_recogniser(Person(f"user:{n}", f"Mara Lind{n}") for n in range(5_000))
    begin = time.process_time()
    result, _ = redact(["Mara " * 288], [recogniser], issuer())
    assert time.process_time() - begin < 0.5
    assert result.counts == {Kind.USER: 288}


def test_a_possessive_stays() -> None:
    assert told("Jane Doe's and JANE DOE\u2019S") == [("Jane Doe", "jane"), ("JANE DOE", "jane")]


def test_a_name_alone_counts_where_another_text_of_the_call_has_it_in_full() -> None:
    assert told("Will May wrote it.", "Will you? Will and May.") == [
        ("Will", "will"),
        ("Will", "will"),
        ("May", "will"),
    ]
    assert told("Somebody wrote it.", "Will you? Will and May.") == []


@pytest.mark.parametrize("sign", ["will@mail.example", "W. May", "Hi Will,"])
def test_any_sure_form_makes_the_name_alone_count(sign: str) -> None:
    assert told(f"x {sign} y", "Ask Will") == [("Will", "will")]


def test_a_name_alone_in_small_letters_is_a_word() -> None:
    assert told("Will May wrote it.", "it will be in may") == []


def test_what_two_people_share_is_neither_of_them() -> None:
    assert told("Ms Doe met J. Doe") == [("Doe", "jane|john"), ("J. Doe", "jane|john")]


def test_what_two_people_share_is_hers_whom_the_call_names() -> None:
    assert told("John Doe", "Ms Doe met J. Doe") == [("Doe", "john"), ("J. Doe", "john")]


def test_people_in_a_list_stay_apart() -> None:
    """The end of one name and the beginning of the next are somebody's name reversed."""
    people = [Person("a", "Jane Doe"), Person("b", "Jane Roe"), Person("c", "Roe Doe")]
    (spans,) = recognised(["Jane Doe, Jane Roe, J. Doe, J. Roe"], [directory_recogniser(people)])
    assert [span.identity.key for span in union(spans)] == ["a", "b", "a", "b"]


def test_a_login_that_is_a_short_word_counts_only_as_a_login() -> None:
    recogniser = directory_recogniser([Person("a", "Ida Thorn", login="it")])
    assert recognised(["it is IT, or It is not"], [recogniser]) == ((),)
    assert [(span.start, span.end) for span in recognised(["ask @it"], [recogniser])[0]] == [(5, 7)]


def test_a_longer_name_does_not_name_the_person_of_its_beginning() -> None:
    people = [Person("a", "Jane Doe"), Person("b", "Jane Doe-Smith")]
    first, second = recognised(["Jane Doe-Smith", "Doe"], [directory_recogniser(people)])
    assert {span.identity.key for span in first} == {"b"}
    assert second == ()


def test_all_forms_of_a_person_are_one_identity() -> None:
    text = "Hi Jane, Jane Doe is JANE DOE and Doe, Jane or J. Doe: jdoe with jane.doe@mail.example at 020 7946 0123"
    recognisers = (DIRECTORY, *pattern_recognisers())
    result, tokens = redact([text], recognisers, issuer())
    assert len({token[:-2] for token in tokens.surfaces}) == 1
    assert list(tokens.surfaces.values()) == [
        *("Jane", "Jane Doe", "JANE DOE", "Doe, Jane", "J. Doe", "jdoe", "jane.doe@mail.example", "020 7946 0123")
    ]
    assert result.counts == {Kind.USER: 8}
    assert restore(result.texts[0], tokens) == text


CANARIES: Final = [
    "Jane Doe",
    "Doe, Jane",
    "J. Doe",
    "jane.doe@mail.example",
    "020 7946 0123",
    "jdoe",
    "Anne-Marie O'Brien",
]


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize(
    "around", ["{}", "Who is {}?", "({})", "| a | {} | b |", '"{}";"x"', "<td>{}</td>", "**{}**", "x/{}/y"]
)
def test_no_canary_is_left_in_any_text_of_a_call(canary: str, around: str) -> None:
    """PT-01: in the question and in each excerpt."""
    texts = [around.format(canary), "nothing", f"{around.format(canary)} again"]
    result, tokens = redact(texts, (DIRECTORY, *pattern_recognisers()), issuer())
    assert not any(part in fold(text).text for text in result.texts for part in (canary, "Doe", "Brien", "7946"))
    assert [restore(text, tokens) for text in result.texts] == texts
    assert result.texts[1] == "nothing"


def test_an_empty_directory_knows_nobody() -> None:
    assert spans_of("Jane Doe, Hi Will", directory_recogniser(())) == []


@pytest.mark.parametrize(
    "person", [Person("user:x", ""), Person("user:x", " ,. "), Person("user:x", "", "", "4711", "")]
)
def test_a_person_without_a_name_is_no_hindrance(person: Person) -> None:
    recogniser = directory_recogniser([person, *PEOPLE])
    text = "Jane Doe, extension 4711, , ."
    assert spans_of(text, recogniser) == spans_of(text, DIRECTORY)


_SYLLABLES: Final = ("ka", "ro", "mi", "len", "dor", "sa", "vi", "tel", "un", "bra")
THOUSAND: Final = [
    Person(
        f"user:{n}",
        "".join(_SYLLABLES[int(digit)] for digit in f"{n * 7919 % 1000:03d}").title()
        + " "
        + "".join(_SYLLABLES[int(digit)] for digit in f"{n * 104_729 % 10_000:04d}").title(),
        f"p{n}@mail.example",
        f"+44 20 7946 {n:04d}",
        f"p{n}x",
    )
    for n in range(1_000)
]


def test_everybody_of_a_thousand_is_found_in_every_form() -> None:
    recogniser = directory_recogniser(THOUSAND)
    for person in THOUSAND:
        first, last = person.name.split()
        for written in (
            person.name,
            person.name.upper(),
            f"{last}, {first}",
            f"{first} X. {last}",
            person.email,
            person.phone,
        ):
            (spans,) = recognised([f"x {written} y"], [recogniser])
            assert (2, 2 + len(written), person.id) in {(s.start, s.end, s.identity.key) for s in spans}, written


@pytest.mark.parametrize(
    "piece", ["a ", "A. ", "1 ", "Jane ", "Jane D. ", "Will    ", "Hi ", "Doe, ", "(", "\n", "Jane Doe "]
)
def test_recognising_takes_linear_time(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    recogniser = directory_recogniser([*PEOPLE, *THOUSAND])
    begin = time.process_time()
    list(recogniser(fold(text)))
    assert time.process_time() - begin < 5
