"""Who takes a folder in: this process, if it can have the data folder, or the server that has it."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from api.commands.common import actor_of, key_given

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from acl.admin.gate import Waiting
    from acl.names import UserId
    from api.ingesting import Target
    from api.wiring import House
    from ingest.foresee import Foreseen
    from ingest.outcome import Progress, Summary
    from ingest.run import Options


class Taker(Protocol):
    """Whoever takes folders in."""

    def ingest(self, folder: Path, target: Target, *, options: Options, progress: Progress) -> Summary | Waiting:
        """Bring a folder into a collection."""
        ...

    def foresee(self, folder: Path, target: Target, *, options: Options, progress: Progress) -> Foreseen:
        """Say what that would do."""
        ...


@dataclass(frozen=True, slots=True)
class Here:
    """Takes folders in by this process."""

    house: House
    actor: UserId

    def ingest(self, folder: Path, target: Target, *, options: Options, progress: Progress) -> Summary | Waiting:
        """Bring a folder into a collection, as `ingest_folder`."""
        from api.ingesting import ingest_folder

        return ingest_folder(self.house, folder, target, actor=self.actor, progress=progress, options=options)

    def foresee(self, folder: Path, target: Target, *, options: Options, progress: Progress) -> Foreseen:
        """Say what that would do, as `foresee_folder`."""
        from api.ingesting import foresee_folder

        return foresee_folder(self.house, folder, target, actor=self.actor, progress=progress, options=options)


@contextmanager
def taker(data: Path, server: str | None, as_user: str | None) -> Iterator[Taker]:
    """Have somebody who takes folders in, for whoever gives the command.

    Args:
        data: The data folder. If a server has it, that takes in.
        server: The address of another server; then no data folder is needed.
        as_user: The user of `--as`, who needs a demonstration of one's own.

    Raises:
        DataFolderBusy: Somebody else has the data folder, who is no server.
        BadServer, NotSignedIn, NotADemo: The server is none to go through, or not for whoever gives the command.
        Exception: As `open_house`.
    """
    from api.wiring import open_house
    from store.errors import DataFolderBusy

    with ExitStack() as stack:
        if server is not None:
            yield stack.enter_context(_through(server, as_user, elsewhere=True))
            return
        try:
            house = stack.enter_context(open_house(data))
        except DataFolderBusy:
            from store.folder import Layout, served_at

            if (url := served_at(Layout(data))) is None:
                raise
            yield stack.enter_context(_through(url, as_user, elsewhere=False))
            return
        yield Here(house, actor_of(house, as_user))


@contextmanager
def _through(url: str, as_user: str | None, *, elsewhere: bool) -> Iterator[Taker]:
    from api.remote import Server
    from api.uploading import Uploader
    from store.errors import NotADemo

    if as_user is not None:
        raise NotADemo(f"--as is for a data folder that no server has: for {url}, set NTK_KEY to your API key")
    with Server(url, key_given()) as server:
        yield Uploader(server, elsewhere=elsewhere)
