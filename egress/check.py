"""The gate behind the model: what of its answer may be shown.

The model is taken to obey whoever wrote the documents. So nothing here asks what an answer means;
what could carry a secret out, or pass for something that it is not, is taken out of any answer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from egress.canary import echoes
from egress.errors import AnswerBlocked
from egress.links import LINK_REMOVED, addresses, carries_link, without_foreign_addresses
from egress.plain import plain
from egress.rules import AnswerRules
from egress.support import unsupported
from egress.types import Checked
from egress.visible import visible
from redaction.errors import RecogniserFailed
from redaction.normalise import fold
from redaction.recognise import recognise
from redaction.restore import restore, unresolved
from redaction.spans import union
from redaction.tokens import find
from redaction.types import DIRECT, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from egress.types import Draft, RedactedPrompt
    from redaction.types import Recogniser, Token, TokenMap

REMOVED: Final = "[removed]"
_NO_RULES: Final = AnswerRules()
_MOST_CHARACTERS: Final = 20_000
_PASSES: Final = 12
# What a restored mail or IP address would make a longer address with. A stop that ends a sentence does not.
_PART_OF_ADDRESS: Final = re.compile(r"\S*[@.:]\S*")
_BEFORE_ADDRESS: Final = re.compile(r"[\w.+%@:/\\?#&;=~-]")
_BEHIND_ADDRESS: Final = re.compile(r"[\w+%@/\\#&=~-]|[.:;?!]+[^\s.:;?!)\]\"'\u2019\u201d]")
_TAG_START: Final = re.compile(r"<(?=[A-Za-z/!?])")
_NUMBERS: Final = r"\^?\d{1,9}(?:\s*[,;\u2013-]\s*\^?\d{1,9}){0,20}"
_CITATION: Final = re.compile(
    rf"(?P<blank>[ \t]*)[\[\u3010\uff3b]{{1,2}}\s*(?P<numbers>{_NUMBERS})(?:\u2020[^\[\]\u3010\u3011\n]{{0,60}})?"
    r"\s*[\]\u3011\uff3d]{1,2}"
)
_NUMBER: Final = re.compile(r"(\d+)(?:\s*[\u2013-]\s*\^?(\d+))?")
_MARKS: Final = re.compile(rf"{re.escape(REMOVED)}|{re.escape(LINK_REMOVED)}|\[\d+\]")


def check(
    draft: Draft,
    prompt: RedactedPrompt,
    tokens: TokenMap,
    recognisers: Sequence[Recogniser],
    rules: AnswerRules = _NO_RULES,
) -> Checked:
    """Reduce an answer to plain text that carries nothing out, or block it.

    Removed visibly: identities that the prompt does not hold (it holds none, so they are invented or
    smuggled), addresses that no excerpt holds, tokens that stand for one. Removed: images, targets of
    links, HTML, characters that are not shown, citations of excerpts that were not given. Kept, with
    a warning: words that look like tokens and were not issued for this request; they stand for nothing.
    Kept, with another: sentences whose words or numbers the prompt does not hold.

    The text is a fixed point: cleaning it again, as Markdown or as text, changes nothing.

    Raises:
        AnswerBlocked: The delimiter or a canary came back, however encoded; it fits a pattern of the rules, as
            written or as shown; recognition failed; the answer is
            too long, does not come to rest, or nothing is left of it. The reason quotes nothing.
    """
    if len(draft.text) > _MOST_CHARACTERS:
        raise AnswerBlocked(f"the answer has more than {_MOST_CHARACTERS} characters")
    text = _at_rest(draft.text, prompt, tokens, recognisers)
    if any(echoes(prompt.delimiter, written) for written in {draft.text, text}):
        raise AnswerBlocked("the delimiter of the request came back")
    if broken := rules.broken_by((draft.text, text, restore(text, tokens))):
        raise AnswerBlocked(broken)
    if not any(c.isalnum() for c in _MARKS.sub("", text)):
        raise AnswerBlocked("nothing is left of the answer")
    cited = tuple(sorted({int(mark[1:-1]) for mark in re.findall(r"\[\d+\]", text)}))
    return Checked(text, cited, tuple(_warnings(draft, text, cited, prompt, tokens)))


def _at_rest(text: str, prompt: RedactedPrompt, tokens: TokenMap, recognisers: Sequence[Recogniser]) -> str:
    """Clean until nothing changes: what one step leaves may be a link, a tag or a name to another."""
    known = addresses(prompt.excerpts)
    links = frozenset(token for token, surface in tokens.surfaces.items() if carries_link(surface))
    parts = frozenset(token for token, surface in tokens.surfaces.items() if _PART_OF_ADDRESS.fullmatch(surface))
    for _ in range(_PASSES):
        cleaned = plain(visible(text), known)
        if cleaned == text:
            cleaned = _without_tokens(without_foreign_addresses(text, known), links, parts)
            # A "<" that begins no tag for one parser begins one for another; before a blank it does for none.
            cleaned = _TAG_START.sub("< ", _cited(cleaned, len(prompt.excerpts)))
            cleaned = _without_identities(cleaned, prompt, recognisers)
        if cleaned == text:
            return text
        text = cleaned
    raise AnswerBlocked("the answer does not come to rest: it is nested on purpose")


def _without_tokens(text: str, links: AbstractSet[Token], parts: AbstractSet[Token]) -> str:
    """Remove the tokens whose restored value would be a link, or a part of one.

    A document's whole link becomes one token when it names a person. A model that writes
    "USER_…&d=SECRET" would have it restored to that link, with the secret at its end; and around the
    token of a mail address or an IP address it writes one: "SECRET.EMAIL_…", "IP_…:8080/SECRET".
    """
    folded = fold(text)
    for word in reversed(list(find(folded))):
        start, end = folded.original(word.start, word.end)
        glued = _BEFORE_ADDRESS.fullmatch(text[start - 1 : start]) or _BEHIND_ADDRESS.match(text, end)
        if word.token in links or (word.token in parts and glued):
            text = text[:start] + LINK_REMOVED + text[end:]
    return text


def _cited(text: str, given: int) -> str:
    """Write each citation as [n], and drop those of excerpts that were not given."""

    def rewritten(match: re.Match[str]) -> str:
        marks = "".join(f"[{number}]" for number in _numbers(match["numbers"], given))
        return match["blank"] + marks if marks else ""

    return _CITATION.sub(rewritten, text)


def _numbers(listed: str, given: int) -> Iterator[int]:
    for first, last in _NUMBER.findall(listed):
        for number in range(int(first), min(int(last or first), given) + 1):
            if 1 <= number <= given:
                yield number


def _without_identities(text: str, prompt: RedactedPrompt, recognisers: Sequence[Recogniser]) -> str:
    if not text:
        return text
    folded = fold(text)
    try:
        (spans,) = recognise([folded], recognisers, kinds=DIRECT)
    except RecogniserFailed as error:
        raise AnswerBlocked("the answer could not be searched for identities") from error
    # A guess removes nothing: a capital at the wrong place would cost the reader a word.
    for span in reversed(union(span for span in spans if not span.guess and span.identity.kind is not Kind.TEXT)):
        start, end = folded.original(span.start, span.end)
        if not _holds(prompt, text[start:end]):
            text = text[:start] + REMOVED + text[end:]
    return text


def _holds(prompt: RedactedPrompt, surface: str) -> bool:
    word = re.compile(rf"(?<!\w){re.escape(surface)}(?!\w)")
    return any(word.search(text) for text in (prompt.question, *prompt.earlier, *prompt.excerpts))


def _warnings(draft: Draft, text: str, cited: Sequence[int], prompt: RedactedPrompt, tokens: TokenMap) -> Iterator[str]:
    for word in unresolved(text, tokens):
        yield f"{word} was not issued for this request and stands for nothing"
    if text.count(REMOVED) > draft.text.count(REMOVED):
        yield "a person or number that the excerpts do not hold was removed"
    if text.count(LINK_REMOVED) > draft.text.count(LINK_REMOVED):
        yield "a link that the excerpts do not hold was removed"
    for number in unsupported(text, (prompt.question, *prompt.excerpts)):
        yield f"sentence {number} says something that the excerpts do not: look there before you rely on it"
    if not cited:
        yield "the answer cites no excerpt"
