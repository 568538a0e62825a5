"""Who is named in an answer: identities that the prompt does not hold, and tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from egress.check import check
from egress.errors import AnswerBlocked
from egress.prompt import build_prompt
from egress.types import Draft
from redaction.restore import restore
from redaction.types import Identity, Kind, Redacted, Span, TokenMap
from tests.egress.answers import DELIMITER, JANE, OTHER, PROMPT, TOKENS, names, run, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redaction.normalise import Folded


@pytest.mark.parametrize(
    ("written", "visible"),
    [
        ("It was Jane Doe.", "It was [removed]."),
        ("It was **Jane** Doe.", "It was [removed]."),
        ("It was Jane&nbsp;Doe or Ja\u200bne Doe.", "It was [removed] or [removed]."),
        ("Write to jane.doe&#64;corp.example now", "Write to [link removed] now"),
        ("Jane <b>Doe</b> and Jane [Doe](x)", "[removed] and [removed]"),
    ],
)
def test_an_identity_that_the_prompt_does_not_hold_is_removed_visibly(written: str, visible: str) -> None:
    checked = run(written)
    assert checked.text == visible
    assert any("removed" in warning for warning in checked.warnings)


def test_a_name_that_the_excerpts_hold_stays() -> None:
    assert shown("Anna Blum is one [1].") == "Anna Blum is one [1]."


def test_a_name_inside_of_a_longer_word_of_the_excerpts_is_not_held() -> None:
    prompt = build_prompt(Redacted(("Who?", "The Jane Doeringer house."), {}), DELIMITER)
    assert run("It was Jane Doe [1].", prompt).text == "It was [removed] [1]."


def test_a_mail_address_that_the_excerpts_hold_stays_and_another_does_not() -> None:
    prompt = build_prompt(Redacted(("Who?", "Write to travel@corp.example."), {}), DELIMITER)
    assert run("Write to travel@corp.example [1].", prompt).text == "Write to travel@corp.example [1]."
    assert run("Write to b.travel@corp.example [1].", prompt).text == "Write to [link removed] [1]."


def test_a_recogniser_that_fails_or_is_missing_blocks_the_answer() -> None:
    """PT-02."""

    def broken(_: Folded) -> Iterator[Span]:
        raise RuntimeError("SECRET")

    def outside(text: Folded) -> Iterator[Span]:
        yield Span(0, len(text.text) + 1, Identity(Kind.USER, "x"))

    for recognisers in ([broken], [names, outside], []):
        with pytest.raises(AnswerBlocked, match="could not be searched for identities") as caught:
            check(Draft("Fine. [1]", "model"), PROMPT, TOKENS, recognisers)
        assert "SECRET" not in str(caught.value)


def test_a_token_of_another_request_stays_unresolved_and_is_reported() -> None:
    """PT-05."""
    checked = run(f"{JANE} and {OTHER} agree [1].")
    assert checked.text == f"{JANE} and {OTHER} agree [1]."
    assert checked.warnings == (f"{OTHER} was not issued for this request and stands for nothing",)
    assert restore(checked.text, TOKENS) == f"Jane Doe and {OTHER} agree [1]."


@pytest.mark.parametrize(
    "written", [f"**{JANE}**", f"*{JANE}*", f"_{JANE}_", f"`{JANE}`", JANE.replace("_", "\\_"), f"# {JANE}"]
)
def test_a_token_survives_markdown(written: str) -> None:
    """PT-04."""
    assert restore(shown(f"{written} approves [1]."), TOKENS).startswith("Jane Doe approves")


@pytest.mark.parametrize(
    "surface",
    [
        "https://evil.example/?u=Jane",
        "](https://evil.example/?u=Jane",
        "<img src=x>",
        "evil.example/Jane",
        "[x]",
        "//evil.example",
    ],
)
@pytest.mark.parametrize("written", ["{0}&d=SECRET", "![x {0}", "[x] {0})", "!{0}", "see {0}", "{0}", "**{0}**/SECRET"])
def test_a_token_that_stands_for_a_link_is_not_restored(surface: str, written: str) -> None:
    """PI-03: a whole link becomes one token when it names a person; the model would get to prolong it."""
    tokens = TokenMap({JANE: surface})
    checked = run(f"Answer [1] {written.format(JANE)}", PROMPT, tokens)
    assert JANE not in checked.text
    assert "evil" not in restore(checked.text, tokens)


@pytest.mark.parametrize(
    "surface", ["Jane Doe", "O'Neil, J.", "jane.doe@corp.example", "+44 20 7946 0123", "192.0.2.7", "Dr. J. Doe (HR)"]
)
def test_a_token_that_stands_for_a_name_a_number_or_a_mail_address_is_restored(surface: str) -> None:
    tokens = TokenMap({JANE: surface})
    assert restore(run(f"Ask {JANE} [1].", PROMPT, tokens).text, tokens) == f"Ask {surface} [1]."
