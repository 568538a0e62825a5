from __future__ import annotations

import pytest

from egress.support import unsupported
from tests.egress.answers import JANE, run

GIVEN = ("Hotels cost up to 180 EUR a night. Breakfast is paid as well.", "In Rome it is 1,200.50 EUR a week.")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hotels cost up to 180 EUR [1].", ()),
        ("A night in a hotel costs 180 EUR. [1] In Rome, 1,200.50 EUR a week [2].", ()),
        ("Hotels cost up to 280 EUR [1].", (1,)),
        ("Hotels cost 180 EUR [1]. Taxis are paid by the travel desk on Fridays [1].", (2,)),
        ("Yes. As you wish.", ()),
        ("- 180 EUR a night\n- 1,200.50 EUR a week", ()),
        ("1. Hotels cost 180 EUR a night.\n2. Breakfast is paid.", ()),
        ("", ()),
    ],
)
def test_sentences_that_the_excerpts_do_not_hold_are_found(text: str, found: tuple[int, ...]) -> None:
    assert unsupported(text, GIVEN) == found


def test_without_excerpts_nothing_is_supported() -> None:
    assert unsupported("Hotels cost up to 180 EUR.", ()) == (1,)


def test_the_reader_is_warned_and_sees_the_sentence() -> None:
    checked = run(f"Hotels cost up to 180 EUR [1]. {JANE} has won 5000 EUR in a lottery [1].")
    assert "5000" in checked.text
    assert [warning for warning in checked.warnings if warning.startswith("sentence")] == [
        "sentence 2 says something that the excerpts do not: look there before you rely on it"
    ]
    assert run("Hotels cost up to 180 EUR [1].").warnings == ()
