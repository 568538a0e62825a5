"""What recognition finds, and what it costs: on marked court cases and sentences, on planted people, on the clock.

R1 counts the split "dev" of the court cases, which nothing was trained on. Structured kinds of R2 are those with a
form of their own. R3 plants people of the company's directory; R5 takes the company's tickets as texts.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from typing import TYPE_CHECKING, Final

from bench.figures import Figure, at_least, at_most
from bench.planted import TICKETS, directory, documents
from redaction.directory import Person, directory_recogniser
from redaction.measure import Share, masked_by, read_examples, score
from redaction.normalise import fold
from redaction.patterns import pattern_recognisers
from redaction.recognise import recognise
from redaction.tagger import guessed
from redaction.types import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from redaction.types import Recogniser

CASES: Final = "pii/tab_train_dev.jsonl"
SENTENCES: Final = "pii/synthetic_sentences.json"
STRUCTURED: Final = (
    *("CREDIT_CARD", "PHONE_NUMBER", "EMAIL_ADDRESS", "US_SSN", "IBAN_CODE", "DOMAIN_NAME", "US_DRIVER_LICENSE"),
    "IP_ADDRESS",
)
STRUCTURED_KINDS: Final = (
    *(Kind.CARD, Kind.PHONE, Kind.EMAIL, Kind.IDENT, Kind.IBAN, Kind.BIC, Kind.URL, Kind.IP),
    Kind.MAC,
)
PEOPLE: Final = 10_000
_TURNS: Final = 5  # of a text and its half
PIECES: Final = ("a.", "1 ", "a@", "4111 ", "Mr Aa ", "Jane Doe ", "12 Aa 3, ", "Aa ", "no. 1/2 ", "e\u0301")


def figures(*, quick: bool, data: Path) -> Iterator[Figure]:
    """Measure all of it; a part whose data is not there is skipped."""
    rules = (*pattern_recognisers(), guessed)
    for measure, needed in ((_cases, CASES), (_sentences, SENTENCES), (_planted, TICKETS), (_times, TICKETS)):
        if (data / needed).is_file():
            yield from measure(rules, data, quick=quick)
        else:
            yield Figure(
                measure.__name__.strip("_"), f"recognition: {needed}", None, note=f"{data / needed} is not there"
            )


def _cases(rules: Sequence[Recogniser], data: Path, *, quick: bool) -> Iterator[Figure]:  # noqa: ARG001 - it takes seconds
    examples = [example for example in read_examples(data / CASES) if example.split != "train"]
    made = score(examples, masked_by(rules))
    note = f"{len(examples)} court cases"
    for name, goal in (("DIRECT", 0.99), ("PERSON", 0.97), ("QUASI", 0.8)):
        found = made.recall.get(name, Share(0, 0))
        yield at_least(f"R1-{name}", f"court cases: recall of {name}", found.value, goal, f"{note}, {_between(found)}")
    yield at_least("R1-precision", "court cases: masked characters that are marked", made.characters.value, 0.72, note)


def _sentences(rules: Sequence[Recogniser], data: Path, *, quick: bool) -> Iterator[Figure]:  # noqa: ARG001 - same
    examples = read_examples(data / SENTENCES)
    made = score(examples, masked_by(rules))
    note = f"{len(examples)} sentences"
    recall = {name: share for name, share in made.recall.items() if name in STRUCTURED}
    precision = [share for kind, share in made.precision.items() if kind in STRUCTURED_KINDS]
    structured, right, every = (_sum([*shares]) for shares in (recall.values(), precision, made.recall.values()))
    yield at_least("R2-structured", "sentences: recall of structured kinds", structured.value, 1, _between(structured))
    yield at_least(
        "R2-structured-precision", "sentences: precision of structured kinds", right.value, 0.98, _between(right)
    )
    yield at_least("R2-all", "sentences: recall of all kinds", every.value, 0.7, f"{note}, {_between(every)}")
    yield at_least("R2-precision", "sentences: masked characters that are marked", made.characters.value, 0.9, note)
    for name, goal in (("ADDRESS", 0.5), ("PERSON", None), ("LOCATION", None), ("ORGANIZATION", None)):
        share = made.recall.get(name, Share(0, 0))
        figure = f"R2-{name}", f"sentences: recall of {name}", share.value
        yield Figure(*figure, note=_between(share)) if goal is None else at_least(*figure, goal, _between(share))


def _planted(rules: Sequence[Recogniser], data: Path, *, quick: bool) -> Iterator[Figure]:
    people = directory(data)
    examples = [*documents(people, data, random.Random(3), 300 if quick else 450)]
    known = directory_recogniser(people)
    made = score(examples, masked_by((known, *(rule for rule in rules if rule is not guessed))))
    found, right = made.recall["PERSON"], made.precision[Kind.USER]
    note = f"{len(examples)} documents, {len(people)} people"
    yield at_least(
        "R3-recall", "people of the directory, planted: recall", found.value, 0.995, f"{note}, {_between(found)}"
    )
    yield at_least("R3-precision", "people of the directory, planted: precision", right.value, 0.95, _between(right))


def _times(rules: Sequence[Recogniser], data: Path, *, quick: bool) -> Iterator[Figure]:
    tickets = "\n".join(t["Issue"] + "\n" + t["Resolution"] for t in json.loads((data / TICKETS).read_text("utf-8")))
    texts = [tickets[at : at + 1_000] for at in range(0, len(tickets) - 1_000, 1_000)]
    known = directory_recogniser(_many(directory(data)))
    plain = [known, *(rule for rule in rules if rule is not guessed)]
    few = texts[:40] if quick else texts
    taken = [_taken([text], plain) for text in few]
    name = "1,000 characters, 10,000 people: computing, ms"
    yield at_most("R5-p50", f"{name}: p50", statistics.median(taken), 3)
    yield at_most("R5-p95", f"{name}: p95", _p95(taken), 8)
    taken = [_taken([text], [*plain, guessed]) for text in few]
    yield Figure("R5-guess-p50", "the same with the tagger, ms: p50", statistics.median(taken))
    yield at_most("R5-guess-p95", "the same with the tagger, ms: p95", _p95(taken), 15)
    calls = [[texts[n][:200], *texts[n + 1 : n + 11]] for n in range(0, len(texts) - 11, 20 if quick else 5)]
    taken = [_taken(call, [*plain, guessed]) for call in calls]
    yield at_most("R5-call-p95", "ten excerpts and a question, with the tagger, ms: p95", _p95(taken), 80)
    slow = {piece: _taken([(piece * 100_000)[:100_000]], [*plain, guessed]) / 1_000 for piece in PIECES}
    worst = max(slow, key=lambda piece: slow[piece])
    yield at_most("R5-adversarial", "100,000 characters made to be slow, s", slow[worst], 1, repr(worst))
    took: dict[int, list[float]] = {50_000: [], 100_000: []}
    for _ in range(_TURNS):
        for many, times in took.items():
            times.append(_taken([(worst * many)[:many]], [*plain, guessed]))
    half, whole = (statistics.median(times) for times in took.values())
    yield at_most("R5-doubling", "the same to half as many", whole / half, 2.6, "2 is linear")


def _many(people: Sequence[Person]) -> list[Person]:
    """Give 10,000 people, whose names are put together of those of the company."""
    firsts, lasts = ([person.name.split()[n] for person in people] for n in (0, -1))
    chance = random.Random(5)
    return [
        Person(
            f"user:{n}",
            f"{chance.choice(firsts)} {chance.choice(lasts)}",
            f"p{n}@mail.example",
            f"+44 20 7946 {n:04d}",
            f"p{n}x",
        )
        for n in range(PEOPLE)
    ]


def _taken(texts: Sequence[str], recognisers: Sequence[Recogniser]) -> float:
    # Computing time of the process, recognition runs in a thread: on an idle machine it is the time that passes.
    begin = time.process_time()
    recognise([fold(text) for text in texts], recognisers)
    return (time.process_time() - begin) * 1_000


def _p95(taken: Sequence[float]) -> float:
    return sorted(taken)[int(len(taken) * 0.95)]


def _sum(shares: Sequence[Share]) -> Share:
    return Share(sum(share.of for share in shares), sum(share.count for share in shares))


def _between(share: Share) -> str:
    low, high = share.interval
    return f"{share.count} of {share.of}, between {low:.3f} and {high:.3f}"
