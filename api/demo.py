"""The demonstration: a throw-away data folder with the sample company, three people, two questions.

A stand-in for a vendor's model listens on loopback and keeps the bytes that reach it. What is shown as
"what left" is what stood in those bytes.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from rich.markup import escape
from rich.rule import Rule as Line

from acl.admin.change import policy_change
from acl.admin.gate import CONSOLE, Waiting
from acl.admin.groups import join_group
from acl.admin.keys import new_api_key
from acl.admin.nodes import add_collection, ensure_folder
from acl.admin.people import Person, add_user
from acl.admin.rules import grant
from acl.decision import Principal, Rule
from acl.labels import Label, parse_compartment, parse_level
from acl.names import NodeId, Obj, Subject, UserId
from api import show, show_gate
from api.demo_gate import pass_gate, place_key
from api.founding import found
from api.loopback import LoopbackProvider
from api.wiring import open_house
from audit.ledger import verify
from egress.answer import answer, new_ask_id
from egress.extractive import quote
from egress.types import Ask
from ingest.outcome import Summary
from ingest.run import ingest
from store.errors import DataFolderError
from store.folder import Layout, is_demo, owned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from acl.admin.change import Change
    from api.loopback import Message
    from api.wiring import House
    from egress.contract.gate import Gate
    from egress.types import Reply

ACTOR: Final = CONSOLE
APPLICATION: Final = Obj("app:demo")
PORT: Final = 8300
_BLOCK: Final = re.compile(
    r"^--- (\w+) (question|excerpt \d+) ---\n(.*?)\n--- \1 end of \2 ---$", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of the demonstration: who asked, what came of it, the bytes that the provider received."""

    person: str
    question: str
    reply: Reply
    received: tuple[bytes, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Demonstration:
    """All that a run showed, for whoever checks or measures it."""

    data: Path
    taken: Summary
    ingest_seconds: float
    gate: Gate  # as it stood before anybody asked
    asked: tuple[Asked, ...]
    keys: Mapping[str, str]
    audit_records: int


def sample_folder() -> Path:
    """Find the sample company beside the code."""
    return Path(str(files("deploy"))) / "sample"


def run(data: Path) -> Demonstration:
    """Make the data folder anew, ingest the sample company, and let its people ask.

    Raises:
        DataFolderError: Something that is no demonstration stands there; it is left alone.
    """
    company = sample_company()
    renew(data)
    with open_house(data) as house:
        keys = settle(house, company)
        house.embed(["warm"])  # so that the time of ingestion is not that of loading the model
        begin = time.monotonic()
        taken = take_in(house, company)
        seconds = time.monotonic() - begin
        gate, asked = ask_all(house, company["demo"])
        return Demonstration(data, taken, seconds, gate, tuple(asked), keys, verify(house.store.engine).records)


def sample_company() -> dict[str, Any]:
    """Read who is in the sample company and who may read what."""
    company: dict[str, Any] = yaml.safe_load((sample_folder() / "company.yaml").read_text("utf-8"))
    return company


def renew(data: Path) -> Layout:
    """Remove an earlier demonstration at this place, and make a fresh data folder.

    Raises:
        DataFolderBusy: A service runs on it.
        DataFolderError: What stands there is no demonstration.
    """
    layout = Layout(data)
    if layout.database.exists():
        if not is_demo(layout):
            raise DataFolderError(f"{data} is a real data folder: name another with --data; nothing was changed")
        with owned(layout):
            try:
                shutil.rmtree(data)
            except OSError as error:
                raise DataFolderError(f"{data} cannot be removed: {error.strerror}") from error
    made = found(data, demo=True)
    place_key(made)
    return made


def settle(house: House, company: Mapping[str, Any]) -> dict[str, str]:
    """Make the people, groups, collections, folders and rules of a company; give an API key for each person asking."""
    with policy_change(house.store.engine, house.ledger, ACTOR) as change:
        for user in company["users"]:
            add_user(change, _person(user))
        for member, groups in company["members"].items():
            for group in groups:
                join_group(change, member, group)
        nodes = _nodes(change, company)
        for subject, place, action, effect in company["grants"]:
            grant(change, Rule(Subject(subject), Obj(nodes.get(place, place)), action, effect))
        return {user: new_api_key(change, UserId(user)) for user in company["demo"]["people"]}


def take_in(house: House, company: Mapping[str, Any]) -> Summary:
    """Ingest the documents of each collection."""
    total = Summary()
    for collection in company["collections"]:
        folder = sample_folder() / "documents" / collection["id"].partition(":")[2]
        with show.Bar() as bar:
            made = ingest(folder, NodeId(collection["id"]), ACTOR, house.intake.edges, bar)
        if isinstance(made, Waiting):
            raise TypeError("the folders of the sample company declare what its makers may not")
        total += made
    return total


def ask_all(house: House, demo: Mapping[str, Any]) -> tuple[Gate, list[Asked]]:
    """Pass the gate with a provider on this machine, and let each person ask each question."""
    with LoopbackProvider(stand_in) as provider:
        passed = pass_gate(house, provider.base_url, APPLICATION.partition(":")[2])
        asked = []
        for question in demo["questions"]:
            for person in demo["people"]:
                before, begin = len(provider.requests), time.monotonic()
                ask = Ask(Principal(UserId(person), APPLICATION), question, new_ask_id())
                reply = answer(ask, house.answering)
                received = tuple(request.body for request in provider.requests[before:])
                asked.append(Asked(person, question, reply, received, time.monotonic() - begin))
        return passed, asked


def stand_in(messages: Sequence[Message]) -> str:
    """Answer like a model that does as it is told: quote what answers, with citations, tokens unchanged."""
    blocks = {name: text for _, name, text in _BLOCK.findall(messages[-1].content)}
    excerpts = [text for name, text in blocks.items() if name != "question"]
    return quote(blocks["question"], excerpts)


def _person(user: Mapping[str, Any]) -> Person:
    return Person(
        id=UserId(user["id"]),
        name=user["name"],
        email=user["email"],
        phone=user["phone"],
        clearance=parse_level(user["clearance"]),
        compartments=frozenset(map(parse_compartment, user["compartments"])),
    )


def _nodes(change: Change, company: Mapping[str, Any]) -> dict[str, NodeId]:
    """Make collections and folders; give the node of each folder's path."""
    nodes: dict[str, NodeId] = {}
    for collection in company["collections"]:
        name = NodeId(collection["id"])
        add_collection(change, name, collection["name"], _label(collection))
        nodes[name.partition(":")[2]] = name
    for folder in company["folders"]:
        parent, _, name = folder["path"].rpartition("/")
        nodes[folder["path"]] = ensure_folder(
            change, nodes[parent], name, label=_label(folder), inherit=folder["inherit"]
        )
    return nodes


def _label(place: Mapping[str, Any]) -> Label:
    return Label(parse_level(place["level"]), frozenset(map(parse_compartment, place["compartments"])))


def transcript(made: Demonstration) -> None:
    """Print a run: each answer with its citations, what was refused, and what left the building."""
    company = sample_company()
    names = {user["id"]: user["name"] for user in company["users"]}
    show.out.print(Line(f"{company['company']}, {len(names)} people, all invented", characters="="))
    show.summary(made.taken, made.ingest_seconds)
    show.out.print()
    show.out.print(Line("Before anything may leave", align="left"))
    show_gate.gate(made.gate)
    for asked in made.asked:
        show.out.print()
        show.out.print(Line(f"{names[asked.person]} ({asked.person})", align="left"))
        show.out.print(f"[bold]{escape(asked.question)}[/]\n")
        show.reply(asked.reply)
        _print_what_left(asked)
    show.out.print()
    show.out.print(Line("Now you", characters="="))
    show.out.print(f"The audit trail has {made.audit_records} records, and its chain verifies.")
    show.out.print("API keys of this throw-away folder, to sign in on the page:")
    for user, key in made.keys.items():
        show.out.print(f"  {user}  {key}", markup=False)
    show.out.print("\nStart the server, and open the page:")
    show.out.print(f"  .venv/bin/ntk serve --data {made.data} --port {PORT}", markup=False)
    show.out.print(f"  python3 -m webbrowser http://127.0.0.1:{PORT}/", markup=False)


def to_json(made: Demonstration) -> dict[str, Any]:
    """Give the figures of a run."""
    return {
        "documents": made.taken.added,
        "chunks": made.taken.chunks,
        "failed": made.taken.failed,
        "ingest_seconds": made.ingest_seconds,
        "answer_seconds": [asked.seconds for asked in made.asked],
        "outcomes": [asked.reply.outcome for asked in made.asked],
        "audit_records": made.audit_records,
    }


def _print_what_left(asked: Asked) -> None:
    if asked.reply.outcome == "nothing":
        show.out.print("  [red]Refused:[/] nothing that this person may read answers it. Nothing left the building.")
    elif asked.received:
        show.out.print("  [bold]What left the building,[/] as the provider received it:")
        for body in asked.received:
            for message in json.loads(body)["messages"]:
                show.out.print(f"[dim]{escape(message['content'])}[/]")
    else:
        show.out.print("  [bold]What left the building:[/] nothing. This stayed on the machine:")
        show.out.print(f"[dim]{escape(asked.reply.prompt or '')}[/]")
