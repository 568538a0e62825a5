"""A process that works on a data folder, and says what it has acknowledged: a disk is watched meanwhile.

    python -m tests.faults.power DATA SHARE SEED

What can be looked up later is a cell, such as a file, a rule, a record. Each line says of one what it may be from now
on, beside what it was (`may`), or what it is, acknowledged (`is`).
"""

from __future__ import annotations

import json
import os
import random
import sys
import uuid
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from acl.admin.change import policy_change
from acl.admin.gate import CONSOLE
from acl.admin.keys import new_api_key, revoke_api_keys, shown
from acl.admin.nodes import set_label
from acl.admin.rules import grant, withdraw
from acl.decision import Principal, Rule
from acl.labels import Label, Level
from acl.names import NodeId, Obj, Subject, UserId
from api.ingesting import Target, ingest_folder
from api.reindexing import reindex
from api.rotating import retire_former, rotate
from api.wiring import Opened, open_house
from audit.ledger import Event
from egress.answer import answer
from egress.retention import purge_person
from egress.types import Ask
from ingest.reading import read
from redaction.types import Identity, Kind, Mention
from tests.conftest import _hash_embed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from api.wiring import House
    from ingest.outcome import Outcome

ANNA: Final = UserId("user:anna")
BEN: Final = UserId("user:ben")
HOUSE: Final = NodeId("coll:house")
BENS: Final = Rule(Subject(BEN), Obj(HOUSE), "read", "allow")
JANE: Final = Mention(Identity(Kind.USER, "user:jane"), "Jane Doe")
FILES: Final = ("green.md", "red.md", "blue.md", "pay/white.md", "pay/black.md")
LEVELS: Final = {"internal": Level.INTERNAL, "confidential": Level.CONFIDENTIAL}
AT_FIRST: Final = "word0"
PARTS: Final = 3  # of a document, each with its word


def say(verb: str, cell: str, value: str) -> None:
    """Write a line at once: nothing of it may wait in this process."""
    os.write(1, (json.dumps([verb, cell, value]) + "\n").encode())


def text_of(name: str, word: str) -> str:
    """Give a document of several parts, all of one version."""
    lamp = name.removesuffix(".md").replace("/", " ")
    line = f"The {lamp} lamp burns {word}"
    return "\n\n".join(f"# Part {part}\n\n" + f"{line} in part {part}. " * 40 for part in range(PARTS))


class NotCounted:
    """Nobody watches how far it is."""

    def done(self, _many: int) -> None:
        """Do nothing."""


@dataclass(slots=True)
class Work:
    """What is done on a data folder, step by step."""

    share: Path
    chance: random.Random
    number: int = 0
    wanted: dict[str, str] = field(default_factory=lambda: dict.fromkeys(FILES, AT_FIRST))  # "": the file is gone
    conversations: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    rotations: int = 0
    is_granted: bool = False

    def steps(self) -> list[Callable[[House], None]]:
        """Give every kind of step, in any order, those of documents more than once."""
        kinds: list[Callable[[House], None]] = [
            self.take_in, self.take_in, self.take_in, self.rule, self.level, self.note, self.ask, self.token,
            self.token, self.rotate, self.purge, self.key, self.revoke,
        ]  # fmt: skip
        self.chance.shuffle(kinds)
        return kinds

    def take_in(self, house: House) -> None:
        self.number += 1
        for name in self.chance.sample(FILES, 2):
            goes = name != FILES[0] and self.wanted[name] and self.chance.random() < 0.4  # never all of them
            self.wanted[name] = "" if goes else f"word{self.number}"
            path = self.share / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if goes:
                path.unlink()
            else:
                path.write_text(text_of(name, self.wanted[name]), "utf-8")
        for name, word in self.wanted.items():
            say("may", f"file {name}", word)
        ingest_folder(house, self.share, Target("house"), actor=CONSOLE, progress=self)
        for name, word in self.wanted.items():
            say("is", f"file {name}", word)

    def started(self, files: int) -> None:
        """Do nothing."""

    def finished(self, outcome: Outcome) -> None:
        if outcome.what != "removed":  # such a one is told by its id, since its name is gone
            say("is", f"file {outcome.relative}", self.wanted[outcome.relative])

    def rule(self, house: House) -> None:
        self.is_granted = not self.is_granted
        say("may", "rule", str(self.is_granted))
        with policy_change(house.store.engine, house.ledger, CONSOLE) as change:
            (grant if self.is_granted else withdraw)(change, BENS)
        say("is", "rule", str(self.is_granted))

    def level(self, house: House) -> None:
        name = self.chance.choice(list(LEVELS))
        say("may", "level", name)
        with policy_change(house.store.engine, house.ledger, CONSOLE) as change:
            set_label(change, HOUSE, Label(LEVELS[name]))
        say("is", "level", name)
        house.retagger.drain()

    def note(self, house: House) -> None:
        name = f"note {uuid.uuid4()}"
        say("may", name, "there")
        house.ledger.commit(Event("test.noted", ANNA, name))
        say("is", name, "there")

    def ask(self, house: House) -> None:
        id_ = f"ask-{uuid.uuid4()}"
        answer(Ask(Principal(ANNA, Obj("app:tests")), "How does the lamp burn?", id_), house.answering)
        say("is", f"note {id_}", "there")

    def token(self, house: House) -> None:
        vault, owner = house.answering.vault, self.chance.choice((ANNA, BEN))
        conversation = vault.enter(None, owner)
        (token,) = vault.issue(conversation, owner)([JANE]).values()
        house.ledger.commit(Event("test.noted", owner, "token"))  # as before each call of a model
        self.conversations.append(f"conversation {conversation} {owner} {token}")
        say("is", self.conversations[-1], "opens")

    def rotate(self, house: House) -> None:
        self.rotations += 1
        say("may", "rotations", str(self.rotations))
        opened = Opened(house.store, house.settings, house.ledger)
        rotate(opened, CONSOLE, lambda _: nullcontext(NotCounted()))
        retire_former(opened, CONSOLE)
        say("is", "rotations", str(self.rotations))

    def purge(self, house: House) -> None:
        owner = self.chance.choice((ANNA, BEN))
        gone = [one for one in self.conversations if one.split()[2] == owner]
        for conversation in gone:
            say("may", conversation, "")
        purge_person(house.store.engine, house.ledger, owner, CONSOLE)
        for conversation in gone:
            say("is", conversation, "")
            self.conversations.remove(conversation)

    def key(self, house: House) -> None:
        with policy_change(house.store.engine, house.ledger, CONSOLE) as change:
            key = new_api_key(change, BEN)
        self.keys.append(key)
        say("is", f"key {key}", "opens")

    def revoke(self, house: House) -> None:
        if self.keys:
            key = self.keys.pop()
            say("may", f"key {key}", "")
            with policy_change(house.store.engine, house.ledger, CONSOLE) as change:
                revoke_api_keys(change, shown(key))
            say("is", f"key {key}", "")


def main(arguments: Sequence[str]) -> None:
    data, share, seed = Path(arguments[0]), Path(arguments[1]), int(arguments[2])
    work = Work(share, random.Random(seed))
    with open_house(data, _hash_embed, read) as house:
        for step in work.steps():
            step(house)
    reindex(data, NotCounted(), _hash_embed)
    with open_house(data, _hash_embed, read) as house:
        for step in work.steps()[:4]:
            step(house)


if __name__ == "__main__":
    main(sys.argv[1:])
