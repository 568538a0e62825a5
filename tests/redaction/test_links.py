from __future__ import annotations

import time

import pytest

from redaction.links import links, overlapping
from redaction.normalise import fold


def found(text: str) -> list[str]:
    return [text[link.start : link.end] for link in links(fold(text))]


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("see https://wiki.example/a?b=c#d, now", "https://wiki.example/a?b=c#d,"),
        ("see HTTPS://wiki.example/(a)(b)", "HTTPS://wiki.example/(a)(b)"),
        ("see //wiki.example/a now", "//wiki.example/a"),
        ("see \\\\wiki.example\\a now", "\\\\wiki.example\\a"),
        ("see www.wiki.example now", "www.wiki.example"),
        ("see wiki.example/a now", "wiki.example/a"),
        ("see wiki.example?a=b now", "wiki.example?a=b"),
        ("write mailto:a@wiki.example?cc=b now", "mailto:a@wiki.example?cc=b"),
        ("call tel:+442079460000 now", "tel:+442079460000"),
        ("a [b](/c/d) e", "](/c/d)"),
        ("a ![b](<c d> 'e') f", "](<c d>"),
        ("a <img src=/b/c> d", "src=/b/c>"),
        ("a <a HREF = '/b'> d", "HREF ="),
        ("run javascript:alert(1) now", "javascript:alert(1)"),
    ],
)
def test_a_link_goes_from_its_beginning_to_the_next_blank(text: str, link: str) -> None:
    assert found(text) == [link]


def test_a_link_is_found_in_disguise() -> None:
    text = "a h\u200bttps&colon;//\uff57iki.example/x b"
    (link,) = links(fold(text))
    assert fold(text).original_text(link.start, link.end) == "h\u200bttps&colon;//\uff57iki.example/x"


@pytest.mark.parametrize(
    "text",
    [
        "plain words, e.g. these.",
        "and/or",
        "3.5 km",
        "a@wiki.example?",
        "10:30",
        "a: b",
        "[1] (2)",
        "x = y",
        "1/2",
        "A.B",
    ],
)
def test_other_text_is_no_link(text: str) -> None:
    assert found(text) == []


def test_a_stretch_overlaps_the_links_that_it_has_characters_of() -> None:
    among = links(fold("a //b c //d e"))
    first, second = among
    assert (first.start, first.end, second.start, second.end) == (2, 5, 8, 11)
    assert overlapping(0, 2, among) == ()
    assert overlapping(0, 3, among) == overlapping(4, 5, among) == (first,)
    assert overlapping(5, 6, among) == (first,)  # right behind its end: it would become a part of it
    assert overlapping(6, 8, among) == ()
    assert overlapping(3, 9, among) == (first, second)
    assert overlapping(12, 13, among) == ()


@pytest.mark.parametrize(
    "piece", ["a", "a.", "a-", "/", "](", "](<", "www.", "a:", "href ", "a.b/ ", "//a ", "<", "]( "]
)
def test_finding_takes_linear_time(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    begin = time.process_time()
    found(text)
    assert time.process_time() - begin < 3
