"""Tokens: the words that stand in a text for what identifies.

    USER_7F3K2Q     KIND _ four code characters, one form character, one check character

The code names the identity, the form one of its written forms: USER_7F3K2Q and USER_7F3K5B are one
person, written in two ways. Code and form are random, so a token says nothing about how many there
are, and that of another conversation is worth nothing here. The check character finds every change
of one character and every swap of two neighbours, so a damaged token is never taken for another.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

from redaction.errors import VaultDown
from redaction.types import Kind, Mention, Token

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

    from redaction.normalise import Folded
    from redaction.types import Issue

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # 32: without I, L, O and U, which people misread
CODE: Final = 4  # characters that say who or what is meant
_DRAWS: Final = 1_000  # of a million codes; that many taken ones in a row are a broken source of randomness
_VALUES: Final = {character: value for value, character in enumerate(ALPHABET)}
_KINDS: Final = "|".join(Kind)
_WORD: Final = re.compile(rf"(?<![A-Z0-9])(?:{_KINDS})\\?_[{ALPHABET}]{{6}}(?![A-Z0-9])", re.ASCII | re.IGNORECASE)
_CANONICAL: Final = re.compile(rf"(?:{_KINDS})_[{ALPHABET}]{{6}}", re.ASCII)
_UNSEEN: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Found:
    """A word in a folded text that looks like a token; `token` is None if it is damaged."""

    start: int
    end: int
    token: Token | None


def find(folded: Folded) -> Iterator[Found]:
    """Find every word that looks like a token, in any disguise that folding undoes; offsets in the folded text.

    Its token is given only if the check character is right and the word is written canonically, but for
    case, a Markdown escape of the underscore, full-width characters and invisible ones.
    """
    for match in _WORD.finditer(folded.text):
        yield Found(match.start(), match.end(), _parse(folded.original_text(*match.span())))


def is_token(word: str) -> bool:
    """Tell whether this is a token in its canonical form with the right check character."""
    return bool(_CANONICAL.fullmatch(word)) and make_token(Kind(word[:-7]), word[-6:-2], word[-2]) == word


def make_token(kind: Kind, code: str, form: str) -> Token:
    """Put a token together from its kind, its code (4 characters) and its form (1), and add the check character."""
    return Token(f"{kind}_{code}{form}{_check(kind, code + form)}")


class Codes:
    """The codes of one conversation: draws tokens that say which written forms are one identity."""

    def __init__(
        self,
        issued: Iterable[tuple[Hashable, Token]] = (),
        choose: Callable[[Sequence[str]], str] = secrets.choice,
    ) -> None:
        """Begin with the tokens issued so far, each with whatever names its identity."""
        self._choose = choose
        self._forms: dict[str, set[str]] = {}  # the forms in use, by kind and code
        self._stems: defaultdict[Hashable, list[str]] = defaultdict(list)
        for identity, token in issued:
            self._note(identity, token)

    def draw(self, identity: Hashable, kind: Kind) -> Token:
        """Draw a token for one more written form of an identity: its code, or a new one if that has no form left.

        Raises:
            VaultDown: No free code turned up.
        """
        stems = [stem for stem in self._stems[identity] if len(self._forms[stem]) < len(ALPHABET)]
        stem = stems[0] if stems else self._new_stem(kind)
        form = self._choose([form for form in ALPHABET if form not in self._forms.get(stem, ())])
        token = make_token(kind, stem[-CODE:], form)
        self._note(identity, token)
        return token

    def _new_stem(self, kind: Kind) -> str:
        for _ in range(_DRAWS):
            stem = f"{kind}_" + "".join(self._choose(ALPHABET) for _ in range(CODE))
            if stem not in self._forms:  # a shared code would tell the model that two people are one
                return stem
        raise VaultDown("no free code for a token was found")

    def _note(self, identity: Hashable, token: Token) -> None:
        stem = token[:-2]
        if stem not in self._forms:
            self._forms[stem] = set()
            self._stems[identity].append(stem)
        self._forms[stem].add(token[-2])


def issuer() -> Issue:
    """Make an `Issue` that remembers in memory alone: for one run without a database. Threads may share it."""
    codes, issued, lock = Codes(), dict[Mention, Token](), Lock()

    def issue(mentions: Sequence[Mention]) -> Mapping[Mention, Token]:
        with lock:
            for mention in mentions:
                if mention not in issued:
                    issued[mention] = codes.draw(mention.identity, mention.identity.kind)
            return {mention: issued[mention] for mention in mentions}

    return issue


def _parse(written: str) -> Token | None:
    plain = unicodedata.normalize("NFKC", _UNSEEN.sub("", written)).replace("\\_", "_").upper()
    return Token(plain) if is_token(plain) else None


def _check(kind: str, rest: str) -> str:
    # A weighted sum over the field of 32 elements. The weights are powers of a generator, so they differ
    # from each other and from nought: a changed or swapped character always changes the sum.
    total = 0
    for value in [*(ord(letter) - ord("A") for letter in kind), *(_VALUES[character] for character in rest)]:
        total = _times_generator(total ^ value)
    return ALPHABET[total]


def _times_generator(element: int) -> int:
    doubled = element << 1
    return doubled ^ 0b100101 if doubled & 0b100000 else doubled  # modulo x^5 + x^2 + 1, which is primitive
