"""Find the names of people in a folded text: which of its words form one, and whether it is sure.

Between a given name and its surname stand initials, a nickname in quotes, or up to two names that the
directory does not have; a genitive s belongs to the surname.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from redaction.addressing import is_addressed, is_login
from redaction.names import SHORTEST_LOGIN, WORD, Strength, is_particle
from redaction.ordinary import GRAMMAR, ORDINARY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from redaction.index import Meaning, Names, Someone

    Found = tuple[int, int, Someone, bool]  # start, end, who, sure
    Run = Sequence[re.Match[str]]
    Keys = Sequence[str]

_GAP: Final = 4  # characters between two words of a name, without blanks: "</b>" as in "<b>Jane</b> Doe"
_WIDE: Final = 60  # the same with blanks, as between the columns of a table
_SENTENCE_END: Final = re.compile(r"[.!?:]\s")
_INITIALS: Final = 2  # middle initials that are passed over
_UNKNOWN: Final = 2  # middle names that are
_GENITIVE: Final = 4  # letters at least of a word whose last s may be one
_ABBREVIATION: Final = 2  # letters at most of a word in capitals that need not be a name
_QUOTED: Final = re.compile(r"""\s{1,2}["'(]{1,2}\Z""")
_BLANK: Final = re.compile(r"""["')]{0,2}(?:\s{1,2}|-)["'(]{0,2}""")


def found_names(text: str, names: Names) -> Iterator[Found]:
    """Give the names in a folded text, ambiguous ones once with all whom they may mean."""
    words = list(WORD.finditer(text))
    keys = [word[0].casefold() for word in words]
    gaps = ["", *(text[word.end() : after.start()] for word, after in pairwise(words))]  # what is before each word
    closed = -1  # the last word of a name: in "Jane Doe, Jane Roe" nobody is called "Doe, Jane"
    covered = -1  # the same, of reversed names too: a surname inside of a full name says nothing about another
    for first, word in enumerate(words):
        lengths = _lengths(keys[first], names)
        if not lengths:
            continue
        for chain in _chains(words, gaps, first, lengths):
            run, folded = [words[n] for n in chain], [keys[n] for n in chain]
            for length, meaning, sure in _meanings_along(run, folded, names, closed=first == closed):
                if length == 1 and first <= covered and meaning.form.strength <= Strength.LONE:
                    continue
                yield word.start(), run[length - 1].end(), meaning.someone, sure
                if sure and length > 1:
                    covered = max(covered, chain[length - 1])
                    closed = closed if meaning.form.reverse else chain[length - 1]
        for last, someone in _around_unknown(words, keys, gaps, first, names):
            yield word.start(), words[last].end(), someone, True
            covered = max(covered, last)


def _lengths(key: str, names: Names) -> Collection[int]:
    return names.lengths.get(key) or ((1,) if _nominative(key) in names.lengths else ())


def _nominative(key: str) -> str:
    """Give a word without its genitive s: "Lindqvists" is of Lindqvist; "does" and "wills" are of nobody."""
    stem = key[:-1]
    ordinary = key in ORDINARY or stem in ORDINARY
    return key if ordinary or len(key) < _GENITIVE or not key.endswith("s") else stem


def _chains(words: Run, gaps: Sequence[str], first: int, lengths: Collection[int]) -> list[list[int]]:
    """Give the words that may belong to a name beginning here: as they stand, and without middle initials."""
    chain = [first]
    for n in range(first + 1, min(first + max(lengths) + _INITIALS, len(words))):
        if not _joins(gaps[n], words[n - 1]):
            break
        chain.append(n)
    full = [first]
    for n in chain[1:]:
        if "," in gaps[n]:
            break
        if len(words[n][0]) > 1:
            full.append(n)
    return [chain] if full == chain[: len(full)] else [chain, full]


def _gap(words: Run, n: int) -> str:
    return words[n].string[words[n - 1].end() : words[n].start()]


def _joins(gap: str, before: re.Match[str]) -> bool:
    """Tell whether what stands between two words may stand inside a name; the end of a sentence may not."""
    if len(gap) < 2:
        return True
    if len(gap) > _WIDE or len(gap.replace(" ", "")) > _GAP or gap.count("\n") > 1:
        return False
    return len(before[0]) == 1 or before[0].lower() == "st" or not _SENTENCE_END.search(gap)


def _meanings_along(words: Run, keys: Keys, names: Names, *, closed: bool) -> Iterator[tuple[int, Meaning, bool]]:
    """Give the longest form that is sure, for all whom it means, and all that are longer or unsure.

    Args:
        words: Of the text, in a row.
        keys: The same, as the names are kept.
        names: Of the people.
        closed: Whether the first word ends another name, and so begins no reversed one.
    """
    for length in _lengths(keys[0], names):
        known = _known(keys[:length], names) if length <= len(words) else ()
        meanings = [meaning for meaning in known if not (closed and meaning.form.reverse)]
        sure = [meaning for meaning in meanings if _is_sure(meaning, words[:length])]
        yield from ((length, meaning, True) for meaning in sure)
        if sure:
            return
        marked = words[0][0][0].isupper() or words[0].string.startswith(".", words[0].end())
        for meaning in meanings:
            if marked or meaning.form.strength is Strength.LONE:
                yield length, meaning, False


def _known(keys: Keys, names: Names) -> tuple[Meaning, ...]:
    if exact := names.meanings.get(tuple(keys)):
        return exact
    of = names.meanings.get((*keys[:-1], _nominative(keys[-1])), ())
    return tuple(meaning for meaning in of if not meaning.login or meaning.form.strength is Strength.LONE)


def _is_sure(meaning: Meaning, words: Run) -> bool:
    text, start, end = words[0].string, words[0].start(), words[-1].end()
    strength, reverse = meaning.form.strength, meaning.form.reverse
    if strength <= Strength.LONE:
        if strength is Strength.LONE and _is_name(words):
            return True
        return is_addressed(text, start, end) or (meaning.login and is_login(text, start))
    if strength is Strength.ANY_CASE and (not reverse or "," in text[start:end]):
        return True
    return all(_is_capital(word) for word in words) or _is_made_login(words)


def _is_name(words: Run) -> bool:
    """Tell whether a name alone is written as one; "NG" and "LI" may be abbreviations."""
    return all(word[0][0].isupper() or is_particle(word[0]) for word in words) and not (
        len(words) == 1 and len(words[0][0]) <= _ABBREVIATION and words[0][0].isupper()
    )


def _is_capital(word: re.Match[str]) -> bool:
    # "A May" and "Will I" are words of a sentence: these two initials need their full stop.
    return word[0][0].isupper() and (word[0] not in {"A", "I"} or word.string[word.end() : word.end() + 1] == ".")


def _is_made_login(words: Run) -> bool:
    """Tell whether a name is written as a login: "i.okafor", "okafor_i"; but "e-price" is a word."""
    gaps = {_gap(words, n) for n in range(1, len(words))}
    ordinary = any(len(word[0]) > 1 and word[0].casefold() in ORDINARY for word in words)
    return gaps <= ({".", "_"} if ordinary else {".", "_", "-"}) and (
        words[-1].end() - words[0].start() >= SHORTEST_LOGIN
    )


def _around_unknown(
    words: Run, keys: Keys, gaps: Sequence[str], first: int, names: Names
) -> Iterator[tuple[int, Someone]]:
    """Give the last word and whom it means of each full name with unknown words in it: "Mara Sofia Lindqvist"."""
    longest = max(names.lengths.get(keys[first], (1,)))
    for given in range(1, min(longest, 3)):
        middle = first + given
        for surname in range(middle + 1, middle + 1 + _UNKNOWN):
            if surname >= len(words) or not _may_be_inside(words, gaps, first, middle, surname):
                break
            for last in range(surname, min(surname + longest - given, len(words))):
                run = [*words[first:middle], *words[surname : last + 1]]
                for meaning in _known([*keys[first:middle], *keys[surname : last + 1]], names):
                    if _is_full_name(meaning, run) and not _has_own_name(keys[middle : last + 1], names):
                        yield last, meaning.someone


def _may_be_inside(words: Run, gaps: Sequence[str], first: int, middle: int, surname: int) -> bool:
    inside = words[middle:surname]
    if not all(map(_BLANK.fullmatch, gaps[middle : surname + 1])):
        return False
    if _QUOTED.fullmatch(gaps[middle]):
        return True
    capital = words[first][0][0].isupper()
    return all(word[0][0].isupper() == capital and word[0].casefold() not in GRAMMAR for word in inside)


def _is_full_name(meaning: Meaning, run: Run) -> bool:
    """Tell whether words around others are a name: all with capitals, or all without and no ordinary words."""
    if meaning.form.strength is not Strength.ANY_CASE or meaning.form.reverse:
        return False
    if run[0][0][0].isupper():
        return all(word[0][0].isupper() or is_particle(word[0]) for word in run)
    return not any(word[0][0].isupper() or word[0].casefold() in ORDINARY for word in run)


def _has_own_name(keys: Keys, names: Names) -> bool:
    """Tell whether what looks like middle names is another person's: "Mara Jane Lindqvist" where Jane is one."""
    return any(
        meaning.form.strength is Strength.ANY_CASE and not meaning.form.reverse
        for n in range(len(keys) - 1)
        for meaning in _known(keys[n:], names)
    )
