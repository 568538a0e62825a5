"""People of a directory, planted in mails, tickets and minutes: a text, and where in it somebody is named."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from redaction.directory import Person
from redaction.measure import Example, Marked

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator
    from pathlib import Path

EMPLOYEES: Final = "company/Human_Resource_Management/Employees/employees.json"
TICKETS: Final = "company/IT_Service_Management/it_tickets.json"


@dataclass(slots=True)
class _Writer:
    """Writes a text piece by piece, and notes where people are named."""

    text: str = ""
    marked: tuple[Marked, ...] = ()

    def add(self, piece: str) -> None:
        self.text += piece

    def name(self, written: str) -> None:
        self.marked += (Marked(len(self.text), len(self.text) + len(written), ("PERSON",)),)
        self.text += written


def directory(data: Path) -> list[Person]:
    """Read the people of the company; those whose name has more than one word."""
    records: list[dict[str, Any]] = json.loads((data / EMPLOYEES).read_text("utf-8"))
    return [
        Person(record["emp_id"], record["Name"], record["email"], f"+44 20 7946 {n:04d}", _login(record["Name"], n))
        for n, record in enumerate(records)
        if len(record["Name"].split()) > 1
    ]


def forms(person: Person) -> list[str]:
    """Give the ways in which a person is written where a name alone is told by nothing else."""
    first, *middle, last = person.name.split()
    return [
        person.name,
        person.name.upper(),
        person.name.lower(),
        f"{last}, {first}",
        f"{last} {first}",
        f"{first[0]}. {last}",
        f"{last}, {first[0]}.",
        f"{first} Q. {last}",
        f"{first.lower()}.{last.lower()}",
        person.email,
        person.email.upper(),
        person.phone,
        person.phone.replace("+44 ", "0"),
        person.login,
        *([f"{first} {' '.join(middle)} {last}"] if middle else ()),
    ]


def documents(people: list[Person], data: Path, chance: random.Random, count: int) -> Iterator[Example]:
    """Write documents in turn: mails, tickets, minutes; each names several people, in changing forms."""
    tickets: list[dict[str, str]] = json.loads((data / TICKETS).read_text("utf-8"))
    fillers = [sentence for ticket in tickets for sentence in _plain(ticket["Resolution"], people)]
    kinds: tuple[Callable[[list[Person], list[str], random.Random], _Writer], ...] = (_mail, _ticket, _minutes)
    for n in range(count):
        written = kinds[n % len(kinds)](chance.sample(people, 4), chance.sample(fillers, 6), chance)
        yield Example(written.text, written.marked)


def _mail(people: list[Person], fillers: list[str], chance: random.Random) -> _Writer:
    one, two, three, four = people
    text = _Writer()
    text.add("From: ")
    text.name(one.name)
    text.add(" <")
    text.name(one.email)
    text.add(">\nTo: ")
    text.name(chance.choice(forms(two)[:5]))
    text.add(f"\nSubject: {fillers[0]}\n\nHi ")
    text.name(two.name.split()[0])
    text.add(f",\n\n{fillers[1]} Please ask ")
    text.name(chance.choice(forms(three)))
    text.add(f" about it. {fillers[2]} ")
    text.name(chance.choice(forms(four)[:1]))
    text.add("'s team was told.\n\nKind regards,\n")
    text.name(one.name.split()[0])
    text.add(f"\n\n{fillers[3]}\n")
    return text


def _ticket(people: list[Person], fillers: list[str], chance: random.Random) -> _Writer:
    one, two, three, _ = people
    text = _Writer()
    text.add("Reporter: ")
    text.name(chance.choice(forms(one)[:5]))
    text.add("\nAssignee: @")
    text.name(two.login)
    text.add(f"\n\n{fillers[0]} {fillers[1]} Seen by ")
    text.name(chance.choice(forms(three)))
    text.add(f" as well. {fillers[2]}\n\nMr ")
    text.name(one.name.split()[-1])
    text.add(f" was called back. {fillers[3]}\n")
    return text


def _minutes(people: list[Person], fillers: list[str], chance: random.Random) -> _Writer:
    text = _Writer()
    text.add("Minutes of the weekly meeting\nPresent: ")
    for n, person in enumerate(people):
        text.add(", " if n else "")
        text.name(chance.choice((person.name, forms(person)[5])))
    text.add("\n\n| action | owner |\n|---|---|\n")
    for filler, person in zip(fillers, people, strict=False):
        text.add(f"| {filler} | ")
        text.name(chance.choice(forms(person)))
        text.add(" |\n")
    return text


def _plain(text: str, people: list[Person]) -> Iterator[str]:
    """Give the sentences of a text that name nobody of the directory."""
    names = {word for person in people for word in person.name.split()}
    for sentence in text.replace("!", ".").split(". "):
        words = {word.strip(".,;:!?'\"()").removesuffix("'s") for word in sentence.split()}
        if words.isdisjoint(names) and len(words) > 4:
            yield f"{sentence.strip().rstrip('.')}."


def _login(name: str, n: int) -> str:
    first, *_, last = name.lower().split()
    return f"{first[0]}{last[:5]}{n % 100:02d}"
