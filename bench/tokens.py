"""Tokens there and back (R4): through an echo, through what models do to words, and through damage.

The texts of every data set are redacted and restored; tokens are mangled in ways that change nothing for a reader,
and at random.
"""

from __future__ import annotations

import json
import random
import re
from itertools import product
from typing import TYPE_CHECKING, Final

from bench.figures import Figure, at_least, at_most
from redaction.directory import Person, directory_recogniser
from redaction.patterns import pattern_recognisers
from redaction.redact import redact
from redaction.restore import HELD_BACK, Restoring, restore
from redaction.tokens import ALPHABET, Codes
from redaction.types import Identity, Kind, Mention, TokenMap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from redaction.types import Token

_QUICK: Final = 60  # texts of each data set
_LONGEST: Final = 4_000  # characters of a text
_RANDOM: Final = 100_000
_PEOPLE: Final = 300  # in the conversation whose tokens are damaged
_SPLIT: Final = 40  # texts that are cut at every character
_VALUE: Final = re.compile(r"(?:first|second) (?:USER|PHONE) \d+")  # as `_conversation` makes them
_FULL_WIDTH: Final = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}

HARMLESS: Final[Mapping[str, Callable[[str], str]]] = {
    "small letters": str.lower,
    "a capital first": str.title,
    "escaped": lambda word: word.replace("_", "\\_"),
    "bold": lambda word: f"**{word}**",
    "italic": lambda word: f"_{word}_",
    "bold, underlined and escaped": lambda word: "__" + word.replace("_", "\\_") + "__",
    "code": lambda word: f"`{word}`",
    "quoted": lambda word: f'"{word}"',
    "in typographic quotes": lambda word: f"\u201e{word}\u201c",
    "possessive": lambda word: f"{word}'s",
    "typographic possessive": lambda word: f"{word}\u2019s",
    "in brackets": lambda word: f"[{word}]",
    "in a table": lambda word: f"|{word}|",
    "before a stop": lambda word: f"{word}.",
    "full width": lambda word: word.translate(_FULL_WIDTH),
    "zero-width in it": "\u200b".join,
    "soft hyphen in it": "\u00ad".join,
    "joined by a stroke": lambda word: f"and/{word}",
    "compound": lambda word: f"{word}-Team",
}


def figures(*, quick: bool, data: Path) -> Iterator[Figure]:
    """Measure the round trip, wrong restorations, harmless manglings and pieces."""
    rng = random.Random(4)
    yield _round_trip(data, quick=quick)
    tokens = _conversation(rng)
    yield at_most("R4", f"wrong restorations in {_RANDOM:,} random damages", _wrong(tokens, rng), 0)
    restored = [restore(way(token), tokens) == way_of_value(way, token, tokens) for way, token in _manglings(tokens)]
    yield at_least("R4", "harmless manglings restored, share", sum(restored) / len(restored), 0.99)
    refused = [restore(word, tokens) == word for word in _failing(tokens)]
    note = f"{len(refused):,} single changes and swaps of neighbours"
    yield at_least("R4", "failures of the check character refused, share", sum(refused) / len(refused), 1, note)
    splits = list(_splits(tokens, rng))
    yield at_most(
        "R4", "splits of a stream that differ from the whole", splits.count(False), 0, f"{len(splits):,} splits"
    )


def way_of_value(way: Callable[[str], str], token: Token, tokens: TokenMap) -> str:
    """Give what a mangled token should become: its value, with what the mangling put around it."""
    mark = "\ue000"
    around = way(mark).replace("\\_", "_")
    return around.replace(mark, tokens.surfaces[token])


def _round_trip(data: Path, *, quick: bool) -> Figure:
    measure = "texts of all data sets, without secrets, that come back otherwise than they were"
    if not data.is_dir():
        return Figure("R4", measure, None, note=f"{data} is not there")
    people = json.loads((data / "company/Human_Resource_Management/Employees/employees.json").read_text("utf-8"))
    staff = [Person(row["emp_id"], row["Name"], row["email"]) for row in people]
    recognisers = [directory_recogniser(staff), *pattern_recognisers()]
    sets = {name: texts[:_QUICK] if quick else texts for name, texts in _data_sets(data).items()}
    changed = replaced = secret = 0
    for text in (text for texts in sets.values() for text in texts):
        redacted, tokens = redact([text[:_LONGEST]], recognisers, _issue(random.Random(1)))
        secret += bool(redacted.secrets)  # which are removed for good: such a text does not come back
        changed += not redacted.secrets and restore(redacted.texts[0], tokens) != text[:_LONGEST]
        replaced += len(tokens.surfaces)
    counted = ", ".join(f"{name} {len(texts)}" for name, texts in sets.items())
    return at_most(
        "R4", measure, changed, 0, f"{counted}; {replaced:,} forms replaced; {secret} with a secret left out"
    )


def _data_sets(data: Path) -> dict[str, list[str]]:
    """Give texts of each data set, at most 400 of each."""
    squad = json.loads((data / "xquad/xquad.en.json").read_text("utf-8"))["data"]
    paragraphs = [paragraph["context"] for article in squad for paragraph in article["paragraphs"]]
    sets = {
        "scifact": [json.loads(line)["text"] for line in _lines(data / "scifact/corpus.jsonl")],
        "xquad": paragraphs,
        "handbook": [file.read_text("utf-8") for file in sorted((data / "handbook").rglob("*.md"))],
        "court cases": [json.loads(line)["text"] for line in _lines(data / "pii/tab_train_dev.jsonl")],
        "synthetic": [
            row["full_text"] for row in json.loads((data / "pii/synthetic_sentences.json").read_text("utf-8"))
        ],
        "news": (data / "ner/wikigold.conll.txt").read_text("utf-8").split("\n\n"),
        "mails": [json.loads(line)["context"] for line in _lines(data / "injection/bipia_email_train.jsonl")],
        "triggers": _lines(data / "injection/tasktracker_triggers.txt"),
        "company": [
            text
            for file in sorted((data / "company").rglob("*.json"))
            for text in file.read_text("utf-8").split("\n    {")
        ],
    }
    return {name: random.Random(1).sample(texts, min(400, len(texts))) for name, texts in sets.items()}


def _lines(file: Path) -> list[str]:
    return [line for line in file.read_text("utf-8").split("\n") if line.strip()]


def _issue(rng: random.Random) -> Callable[[Sequence[Mention]], Mapping[Mention, Token]]:
    codes = Codes(choose=rng.choice)
    return lambda mentions: {mention: codes.draw(mention.identity, mention.identity.kind) for mention in mentions}


def _conversation(rng: random.Random) -> TokenMap:
    """Make the tokens of a long conversation: people in two forms each, and their numbers."""
    people = [Identity(kind, str(n)) for n in range(_PEOPLE) for kind in (Kind.USER, Kind.PHONE)]
    mentions = [Mention(one, f"{form} {one.kind} {one.key}") for one, form in product(people, ("first", "second"))]
    return TokenMap({token: mention.surface for mention, token in _issue(rng)(mentions).items()})


def _manglings(tokens: TokenMap) -> Iterator[tuple[Callable[[str], str], Token]]:
    return product(HARMLESS.values(), tokens.surfaces)


def _failing(tokens: TokenMap) -> Iterator[str]:
    """Give every token with one character of its code changed, and with two neighbours swapped."""
    for token in tokens.surfaces:
        for at in range(len(token) - 6, len(token)):
            yield from (token[:at] + other + token[at + 1 :] for other in ALPHABET if other != token[at])
        for at in range(len(token) - 6, len(token) - 1):
            if token[at] != token[at + 1]:
                yield token[:at] + token[at + 1] + token[at] + token[at + 2 :]


def _wrong(tokens: TokenMap, rng: random.Random) -> int:
    """Damage tokens at random, and count those that become another value than their own."""
    issued = list(tokens.surfaces)
    wrong = 0
    for _ in range(_RANDOM):
        token = rng.choice(issued)
        damaged = _damaged(token, rng)
        values = set(_VALUE.findall(restore(damaged, tokens)))
        wrong += bool(values - {tokens.surfaces[token]})
    return wrong


def _damaged(token: str, rng: random.Random) -> str:
    word = token
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(word)) if word else 0
        other = rng.choice(ALPHABET + "_- \u200b")
        head, tail = word[:at], word[at:]
        changed, shorter, longer = head + other + tail[1:], head + tail[1:], head + other + tail
        word = rng.choice([changed, shorter, longer, head, word + tail, tail + head, word.lower(), f"{word} {token}"])
    return word


def _splits(tokens: TokenMap, rng: random.Random) -> Iterator[bool]:
    """Cut texts with tokens, plain and mangled, in two at every character, and tell whether they come out as whole."""
    issued = list(tokens.surfaces)
    for _ in range(_SPLIT):
        words = [rng.choice(list(HARMLESS.values()))(rng.choice(issued)) for _ in range(6)]
        text = f" approves {'x' * HELD_BACK} https://evil.example/".join(words) + " and " + " ".join(words)
        whole = restore(text, tokens)
        for at in range(len(text) + 1):
            restoring = Restoring(tokens)
            yield restoring.feed(text[:at]) + restoring.feed(text[at:]) + restoring.end() == whole
