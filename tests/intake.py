"""How tests take folders in: the real parts, without a sandbox around the reading."""

from __future__ import annotations

from email.message import EmailMessage
from typing import TYPE_CHECKING

from acl.names import UserId
from ingest.outcome import Summary
from ingest.reading import read
from ingest.run import Options, ingest
from ingest.versions import Edges

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from acl.names import NodeId
    from ingest.outcome import Outcome, Progress
    from ingest.types import Reading
    from ingest.versions import IndexWriter
    from tests.worlds import World

TAKER = UserId("svc:test")


class Quiet:
    """Nobody watches."""

    def started(self, files: int) -> None:
        """Do nothing."""

    def finished(self, outcome: Outcome) -> None:
        """Do nothing."""


def edges_of(
    world: World, *, index: IndexWriter | None = None, reading: Callable[[bytes, str], Reading] = read
) -> Edges:
    """Give ingestion the parts of a small world."""
    return Edges(
        engine=world.store.engine,
        keys=world.store.keys,
        index=index or world.index,
        embed=world.embed,
        read=reading,
        ledger=world.ledger,
        require_room=lambda _bytes: None,
    )


def take_in(
    world: World,
    folder: Path,
    collection: NodeId,
    *,
    edges: Edges | None = None,
    actor: UserId = TAKER,
    progress: Progress | None = None,
    options: Options | None = None,
) -> Summary:
    """Ingest a folder, by somebody who manages everything; nothing of it may wait for a second person."""
    if actor == TAKER:
        world.allow(TAKER, action="manage")
    made = ingest(folder, collection, actor, edges or edges_of(world), progress or Quiet(), options=options)
    assert isinstance(made, Summary)
    return made


def mail(text: str, **attached: str) -> bytes:
    """Write a mail with text files attached."""
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "Shed", "a@company.example", "b@company.example"
    message.set_content(text)
    for name, content in attached.items():
        message.add_attachment(content.encode(), maintype="text", subtype="plain", filename=f"{name}.txt")
    message.set_boundary("-----")  # else by chance, and the same mail would be another each time
    return message.as_bytes()
