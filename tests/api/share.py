"""A folder with something of everything, installations that take it in, and who asks about it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from acl.admin.change import policy_change
from acl.admin.keys import new_api_key
from acl.admin.people import Person, add_user
from acl.admin.rules import grant
from acl.decision import Principal, Rule
from acl.labels import Label, Level
from acl.names import ROOT, Obj, Subject, UserId
from api.app import create_app
from api.auth import HTTP
from api.ingesting import Target
from api.remote import Server
from api.uploading import Uploader
from api.wiring import House, open_house
from egress.answer import answer, new_ask_id
from egress.types import Ask
from ingest.outcome import Summary
from ingest.reading import read
from ingest.run import Options
from tests.intake import mail
from tests.pages.stand_in import served
from tests.sites import make_site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from acl.admin.gate import Waiting
    from ingest.foresee import Foreseen
    from ingest.outcome import Outcome
    from ingest.types import Reading
    from retrieval.embed import Embed

TARGET: Final = Target("share", ["user:anna"], Label(Level.INTERNAL))
QUESTIONS: Final = (
    "When does the gate close?",
    "When is the bonus of May paid?",
    "Which colour has the roof of the shed?",
    "How deep is the pond?",
    "What is in the attic?",
)


@dataclass(frozen=True, slots=True)
class Served:
    """An open installation that is served over HTTP, with keys for people in it."""

    house: House
    url: str
    keys: Mapping[str, str]

    def ingest(
        self, folder: Path, who: str = "admin", target: Target = TARGET, progress: Seen | None = None, **options: Any
    ) -> Summary | Waiting:
        """Upload a folder."""
        with Server(self.url, self.keys[who], sleep=lambda _seconds: None) as server:
            made = Uploader(server, elsewhere=False)
            return made.ingest(folder, target, options=Options(**options), progress=progress or Seen())

    def summary(self, folder: Path, **more: Any) -> Summary:
        """Upload a folder, of which nothing waits."""
        made = self.ingest(folder, **more)
        assert isinstance(made, Summary)
        return made

    def foresee(self, folder: Path, who: str = "admin", target: Target = TARGET, **options: Any) -> Foreseen:
        """Say what that would do."""
        with Server(self.url, self.keys[who], sleep=lambda _seconds: None) as server:
            made = Uploader(server, elsewhere=False)
            return made.foresee(folder, target, options=Options(**options), progress=Seen())


@dataclass
class Seen:
    """Keeps what a watcher is told; and does something each time."""

    then: Callable[[], None] = lambda: None
    files: int = 0
    told: list[Outcome] = field(default_factory=list)

    def started(self, files: int) -> None:
        self.files = files

    def finished(self, outcome: Outcome) -> None:
        self.told.append(outcome)
        self.then()


@contextmanager
def installation(
    folder: Path, embed: Embed, reading: Callable[[bytes, str], Reading] = read
) -> Iterator[tuple[House, dict[str, str]]]:
    """Open a new installation in a folder; give it, and the keys of its people."""
    folder.mkdir(parents=True, exist_ok=True)
    site = make_site(folder, embed)
    with open_house(site.data, embed, reading) as house:
        keys = {"anna": site.anna, "ben": site.ben}
        with policy_change(house.store.engine, house.ledger, "svc:test") as change:
            for name in ("admin", "filler"):
                user = UserId(f"user:{name}")
                add_user(change, Person(user, f"{name.title()} Holm", clearance=Level.CONFIDENTIAL))
                keys[name] = new_api_key(change, user)
            grant(change, Rule(Subject("user:admin"), ROOT, "manage", "allow"))
            grant(change, Rule(Subject("user:admin"), ROOT, "read", "allow"))
            grant(change, Rule(Subject("user:filler"), Obj("coll:finance"), "write", "allow"))
        yield house, keys


@contextmanager
def service(folder: Path, embed: Embed, reading: Callable[[bytes, str], Reading] = read) -> Iterator[Served]:
    """Serve a new installation on loopback."""
    with installation(folder, embed, reading) as (house, keys), served(create_app(house)) as url:
        yield Served(house, url, keys)


def fill(root: Path) -> Path:
    """Make the folder: what can be read and what cannot, mails, declarations good and bad, what is left out."""
    (root / "pay" / "slips").mkdir(parents=True)
    (root / "attic").mkdir()
    (root / "odd").mkdir()
    (root / "gate.md").write_text("# Gate\n\nThe gate closes at ten in the evening.\n", "utf-8")
    (root / "pay" / "slips" / "may.md").write_text("# May\n\nThe bonus of May is paid in June.\n", "utf-8")
    (root / "pay" / ".ntk.yaml").write_text("level: confidential\nowner: user:ben\nreaders: [user:ben]\n", "utf-8")
    (root / "attic" / ".ntk.yaml").write_text("readers: [user:stranger]\n", "utf-8")
    (root / "attic" / "box.md").write_text("# Attic\n\nIn the attic is a box of candles.\n", "utf-8")
    (root / "odd" / ".NTK.yml").write_text("level: public\n", "utf-8")
    (root / "odd" / "pond.md").write_text("# Pond\n\nThe pond is two metres deep.\n", "utf-8")
    (root / "shed.eml").write_bytes(
        mail("The letter about the shed is attached.", shed="The roof of the shed is red.\n")
    )
    (root / "broken.docx").write_bytes(b"PK\x03\x04 no document")
    (root / "note.xyz").write_text("?")
    (root / "empty.txt").write_text("")
    (root / "odd name \x07\\ \N{SNOWMAN}.md").write_text("# Snow\n\nThe snow is cleared at six.\n", "utf-8")
    (root / "link.md").symlink_to(root / "gate.md")
    (root / ".hidden.md").write_text("# Hidden\n\nNobody sees it.\n", "utf-8")
    (root / "draft.tmp").write_text("later")
    (root / ".ntkignore").write_text("*.tmp\n", "utf-8")
    return root


def answers(house: House) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Ask every question as everybody, and give what is answered."""
    told = []
    for name in ("anna", "ben", "admin", "filler"):
        principal = Principal(UserId(f"user:{name}"), HTTP)
        for question in QUESTIONS:
            reply = answer(Ask(principal, question, new_ask_id(), collection="share"), house.answering)
            told.append((name, reply.answer, [(one.title, one.excerpt) for one in reply.citations]))
    return told


def shown(summary: Summary) -> dict[str, Any]:
    """Give all of a summary that can be compared."""
    return {
        "counts": dict(summary.counts),
        "formats": {name: dict(counts) for name, counts in summary.formats.items()},
        "chunks": summary.chunks,
        "failed": summary.failed,
        "held": summary.held,
        "notes": summary.notes,
        "passed_over": summary.passed_over,
        "warnings": summary.warnings,
    }
