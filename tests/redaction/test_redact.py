from __future__ import annotations

import ast
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import redaction
from redaction.errors import RecogniserFailed, TextTooLong, UnknownConversation, VaultDown
from redaction.normalise import fold
from redaction.redact import MAX_CHARACTERS, redact
from redaction.restore import restore, unresolved
from redaction.spans import union
from redaction.tokens import find, issuer, make_token
from redaction.types import Identity, Kind, Mention, Span, Token
from tests.redaction.written import in_folded, in_original

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from redaction.normalise import Folded
    from redaction.types import Recogniser

JANE = Identity(Kind.USER, "jane")


def names(text: Folded) -> Iterator[Span]:
    for match in re.finditer("jane(?: doe)?", text.text, re.IGNORECASE):
        yield Span(*match.span(), JANE)


def nothing(_: Folded) -> Iterator[Span]:
    yield from ()


def fixed(*spans: Span) -> Recogniser:
    return lambda text: in_folded(text, spans)


def test_names_become_tokens_that_say_which_are_one_person() -> None:
    (first, second), tokens = redacted("Jane Doe and JANE met Jane Doe.", "Ask Jane Doe!")
    words = re.findall(r"USER_\w{6}", f"{first} {second}")
    assert first == f"{words[0]} and {words[1]} met {words[0]}."
    assert second == f"Ask {words[0]}!"
    assert words[0] != words[1]
    assert words[0][:9] == words[1][:9]
    assert tokens == {words[0]: "Jane Doe", words[1]: "JANE"}


def redacted(*texts: str, recognisers: Sequence[Recogniser] = (names,)) -> tuple[tuple[str, ...], Mapping[Token, str]]:
    result, tokens = redact(texts, recognisers, issuer())
    return result.texts, tokens.surfaces


def test_text_without_identities_stays_and_needs_no_tokens() -> None:
    def issue(_: Sequence[Mention]) -> Mapping[Mention, Token]:
        raise AssertionError

    result, tokens = redact(["The report, 2024.", ""], [names], issue)
    assert result.texts == ("The report, 2024.", "")
    assert result.counts == {}
    assert tokens.surfaces == {}


def test_what_was_replaced_is_counted_by_kind() -> None:
    result, _ = redact(["Jane, Jane", "JANE USER_7F3K24"], [names], issuer())
    assert result.counts == {Kind.USER: 3, Kind.TEXT: 1}


def test_the_map_shows_nothing_of_itself() -> None:
    _, tokens = redact(["Jane Doe"], [names], issuer())
    assert "Jane" not in repr(tokens)


def test_overlapping_spans_leave_nothing_of_either() -> None:
    """Two analysers that disagree once left half of a number in the text."""
    number, mail = Identity(Kind.CARD, "4111"), Identity(Kind.EMAIL, "j@mail.example")
    (text,), tokens = redacted("x abcdefghij y", recognisers=[fixed(Span(2, 8, number), Span(5, 12, mail))])
    (token,) = tokens
    assert text == f"x {token} y"
    assert tokens[token] == "abcdefghij"


def test_a_span_in_a_word_takes_the_word_so_that_its_token_stands_alone() -> None:
    (text,), tokens = redacted("xJane9 a_Jane_b Janeé \u4f1aJane\u4f1a \uff58Jane")
    assert [tokens[Token(word)] for word in re.findall(r"USER_\w{6}", text)] == [
        "xJane9",
        "Jane",
        "Janeé",
        "Jane",
        "\uff58Jane",
    ]


def test_a_link_with_an_identity_goes_whole() -> None:
    """A token in a link would never be restored, and the rest of the link may say as much as the name."""
    (text,), tokens = redacted("see https://wiki.example/people/jane-doe?tab=pay now, and https://wiki.example/food")
    (token,) = tokens
    assert text == f"see {token} now, and https://wiki.example/food"
    assert tokens[token] == "https://wiki.example/people/jane-doe?tab=pay"


def keys(text: Folded) -> Iterator[Span]:
    for match in re.finditer(r"key=\w+", text.text):
        yield Span(*match.span(), Identity(Kind.SECRET, ""))


def test_a_secret_is_removed_for_good() -> None:
    """Nothing issues a token for it, so nothing can give it back; and where one stood is told."""
    result, tokens = redact(["Jane", "x key=abc y", "key=abc"], [names, keys], issuer())
    assert result.texts[1:] == ("x [SECRET removed] y", "[SECRET removed]")
    assert result.secrets == (1, 2)
    assert result.counts == {Kind.USER: 1, Kind.SECRET: 2}
    assert list(tokens.surfaces.values()) == ["Jane"]
    assert restore(result.texts[1], tokens) == result.texts[1]


def test_a_name_in_a_secret_goes_with_it() -> None:
    result, tokens = redact(["key=jane_doe"], [names, keys], issuer())
    assert result.texts == ("[SECRET removed]",)
    assert tokens.surfaces == {}


@pytest.mark.parametrize("written", ["USER_7F3K24", "user_7f3k24", "USER\\_7F3K24", "U\u0405ER_7F3K20", "CARD_HHHHHH"])
def test_words_like_tokens_are_replaced_too(written: str) -> None:
    """PT-07, PT-05: else whoever types a token is answered with what it stands for."""
    (text,), tokens = redacted(f"What is {written}?", recognisers=[nothing])
    (token,) = tokens
    assert text == f"What is {token}?"
    assert token.startswith("TEXT_")
    assert tokens[token] == written


def test_a_token_typed_by_the_user_stands_for_itself() -> None:
    issue = issuer()
    _, first = redact(["Jane Doe"], [names], issue)
    (token,) = first.surfaces
    second, tokens = redact([f"Jane Doe is {token}"], [names], issue)
    assert second.texts[0].startswith(f"{token} is TEXT_")
    assert restore(second.texts[0], tokens) == f"Jane Doe is {token}"


@pytest.mark.parametrize("bad", [Span(-1, 2, JANE), Span(0, 99, JANE), Span(2, 2, JANE), None])
def test_nonsense_of_a_recogniser_blocks(bad: Any) -> None:
    """PT-02."""
    with pytest.raises(RecogniserFailed):
        redact(["Jane Doe"], [names, lambda _: [bad]], issuer())


def test_no_recogniser_blocks() -> None:
    with pytest.raises(RecogniserFailed):
        redact(["Jane Doe"], [], issuer())


def test_texts_over_the_limit_are_refused_unread() -> None:
    def unread(_: Folded) -> Iterator[Span]:
        raise AssertionError

    half = "a " * (MAX_CHARACTERS // 4)
    with pytest.raises(TextTooLong, match=f"{MAX_CHARACTERS + 1}"):
        redact([half, half, "a"], [unread], issuer())
    assert redact([half, half], [nothing], issuer())[0].texts == (half, half)


@pytest.mark.parametrize("error", [UnknownConversation("gone"), VaultDown("busy")])
def test_errors_of_the_vault_pass_unchanged(error: Exception) -> None:
    def issue(_: Sequence[Mention]) -> Mapping[Mention, Token]:
        raise error

    with pytest.raises(type(error)) as raised:
        redact(["Jane Doe"], [names], issue)
    assert raised.value is error


ONE: Final = make_token(Kind.USER, "7F3K", "2")


@pytest.mark.parametrize(
    "given",
    [
        lambda mentions: {},
        lambda mentions: dict.fromkeys(mentions[:1], ONE),
        lambda mentions: dict.fromkeys(mentions, ONE),  # two values under one token
        lambda mentions: {mention: f"USER_{n}" for n, mention in enumerate(mentions)},
        lambda mentions: {mention: ONE[:-1] + "ZY"[n] for n, mention in enumerate(mentions)},
    ],
)
def test_unusable_tokens_block(given: Any) -> None:
    with pytest.raises(VaultDown):
        redact(["Jane Doe, JANE"], [names], given)


# --- Round trip -----------------------------------------------------------------------------------------------

RESTORED: Final = [kind for kind in Kind if kind is not Kind.SECRET]
_SAMPLES = [make_token(kind, "7F3K", "2") for kind in Kind]
PIECES: Final = [
    *(_SAMPLES + [sample.lower() for sample in _SAMPLES]),
    *(
        "USER_",
        "USER",
        "_7F3K24",
        "7F3K24",
        "\\",
        "\\_",
        "_",
        "*",
        "**",
        "`",
        "'s",
        " ",
        "\n",
        "\t",
        ".",
        "-",
        "=",
        ":",
    ),
    *(
        "//",
        "https://",
        "http:/",
        "/",
        "www.",
        "w",
        "host.example/",
        "?",
        "#",
        "](",
        "<",
        "](<",
        ">",
        "mailto:",
        "href=",
    ),
    *("&", "amp;", "&amp;", "&#95;", "&lowbar;", ";", "&#", "javascript:", "a", "Z", "9", "Jane Doe", "@@", "##"),
    *(
        "\u200b",
        "\u00ad",
        "\u0301",
        "\ufe0f",
        "\uff35\uff33\uff25\uff32",
        "\ufb01",
        "\u00bd",
        "\u0130",
        "\u00df",
        "\ud800",
    ),
    *("\x00", "\x1c", "\r", "\u2028", "\u00a0", "\u00e9", "\u0415", "\U0001f600", "\U000e0041", "\ufdfa"),
]


def check_round_trip(text: str, spans: Sequence[Span]) -> None:
    result, tokens = redact([text], [fixed(*spans)], issuer())
    assert restore(result.texts[0], tokens) == text
    assert unresolved(result.texts[0], tokens) == ()
    assert all(word.token in tokens.surfaces for word in find(fold(result.texts[0])))
    # What is left between the tokens stands in the original outside of every span, in order.
    folded = fold(text)
    seen = union(in_original(folded, in_folded(folded, spans)))
    at = 0
    kept = re.split("|".join(tokens.surfaces) or "(?!)", result.texts[0])
    surfaces = [
        tokens.surfaces[Token(token)] for token in re.findall("|".join(tokens.surfaces) or "(?!)", result.texts[0])
    ]
    for part, surface in zip(kept, [*surfaces, ""], strict=True):
        assert not any(span.start < at + len(part) and at < span.end for span in seen)
        at += len(part) + len(surface)


@st.composite
def texts_with_spans(draw: st.DrawFn) -> tuple[str, list[Span]]:
    text = draw(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=12).map("".join))
    if not text:
        return text, []
    starts = draw(st.lists(st.integers(0, len(text) - 1), max_size=4))
    return text, [
        Span(
            start,
            draw(st.integers(start + 1, min(len(text), start + 12))),
            Identity(draw(st.sampled_from(RESTORED)), "x"),
        )
        for start in starts
    ]


@settings(max_examples=1_000)
@given(texts_with_spans())
def test_restoring_gives_every_text_back(case: tuple[str, list[Span]]) -> None:
    """PT-07: with look-alikes of tokens, junk, links, and spans that overlap or cut characters."""
    check_round_trip(*case)


def test_restoring_gives_twenty_thousand_random_texts_back() -> None:
    """PT-07."""
    rng = random.Random(20_240_501)
    for _ in range(20_000):
        text = "".join(rng.choices(PIECES, k=rng.randint(1, 14)))
        starts = [rng.randrange(len(text)) for _ in range(rng.randint(0, 4))]
        check_round_trip(
            text,
            [
                Span(start, rng.randint(start + 1, min(len(text), start + 9)), Identity(rng.choice(RESTORED), "x"))
                for start in starts
            ],
        )


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("www.https://x", [(4, 9)]),  # a beginning of a link inside another
        ("](<a b", [(2, 3)]),
        ("https://h/ Jane", [(10, 15)]),  # the blank that ends a link is a part of the span
        ("@@.example/x", [(0, 2)]),
        ("&amp;x", [(4, 5)]),  # half of an entity
        ("\u200b", [(0, 1)]),  # a character that is matched as nothing
        ("a\u200bb", [(1, 2)]),
        ("@@##", [(0, 2), (2, 4)]),
        ("@@\u200b##", [(0, 2), (3, 4)]),
        ("e\u0301", [(0, 1)]),
        ("\u00bd9", [(1, 2)]),
    ],
)
def test_past_failures_of_the_round_trip(text: str, spans: list[tuple[int, int]]) -> None:
    check_round_trip(text, [Span(start, end, JANE) for start, end in spans])


def test_redacted_texts_are_made_in_one_place() -> None:
    house = Path(redaction.__file__).parent.parent
    packages = ("acl", "api", "audit", "egress", "ingest", "redaction", "retrieval", "store")
    makers = {
        path.relative_to(house).as_posix()
        for package in packages
        for path in (house / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "Redacted"
    }
    assert makers == {"redaction/redact.py"}
