"""What an organisation lets no answer hold: words of its own, and canaries that it has put into documents."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import re2

from egress.canary import echoes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LEAST_CANARY: Final = 16  # letters and digits; fewer turn up by chance, or do not fill an encoding


@dataclass(frozen=True, slots=True)
class AnswerRules:
    """The rules of one installation. Made by `answer_rules`."""

    patterns: tuple[Any, ...] = ()
    canaries: tuple[str, ...] = ()

    def broken_by(self, texts: Iterable[str]) -> str | None:
        """Say which rule one of these texts breaks, without quoting either; None if none does."""
        for text in texts:
            for number, pattern in enumerate(self.patterns, start=1):
                if pattern.search(text):
                    return f"pattern {number} of the setting `forbidden` fits the answer"
            if any(echoes(canary, text) for canary in self.canaries):
                return "a canary of the setting `canaries` came back"
        return None


def answer_rules(patterns: Sequence[str] = (), canaries: Sequence[str] = ()) -> AnswerRules:
    """Read rules as they are written in the settings.

    Args:
        patterns: Regular expressions in the syntax of RE2, which takes linear time; case counts unless they say `(?i)`.
        canaries: Words with 16 or more letters and digits, found in any encoding that `egress.canary` undoes.

    Raises:
        ValueError: One cannot be used; the message gives its number and shows nothing of it.
    """
    words = tuple(re.sub(r"[\W_]+", "", canary).lower() for canary in canaries)
    for number, word in enumerate(words, start=1):
        if len(word) < LEAST_CANARY:
            raise ValueError(f"canary {number} has fewer than {LEAST_CANARY} letters and digits")
    return AnswerRules(tuple(_compiled(number, pattern) for number, pattern in enumerate(patterns, start=1)), words)


def _compiled(number: int, pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False  # the library would write the pattern to the log
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        raise ValueError(f"pattern {number} is no regular expression of RE2") from error
    if compiled.search(""):
        raise ValueError(f"pattern {number} fits an empty text: it would block every answer")
    return compiled
