"""What the commands share: their options, who gives them, and how what came of them is told."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from api import show
from api.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import Engine

    from acl.admin.approvals import Kind
    from acl.admin.authority import Actor
    from acl.admin.edits import Edit
    from acl.admin.gate import Waiting
    from acl.insight.listing import Page
    from acl.names import UserId
    from api.auth import Installation
    from audit.ledger import Ledger

Item = TypeVar("Item")
MOST_BYTES = 50_000_000  # of a file that a command takes in
DATA = Path("ntk-data")
Data = Annotated[Path, typer.Option("--data", envvar="NTK_DATA", help="The data folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
As = Annotated[str | None, typer.Option("--as", help="user:ID; in a demo data folder alone.")]
Reason = Annotated[str, typer.Option(help="Why; a second person reads it.")]
AtEpoch = Annotated[int | None, typer.Option("--epoch", help="Change nothing unless the policy is at this epoch.")]


@dataclass(frozen=True, slots=True)
class Desk:
    """An open policy, and who sits before it."""

    engine: Engine
    ledger: Ledger
    actor: UserId
    kinds: Sequence[Kind]  # of what waits for a second person

    def make(
        self,
        edits: Sequence[Edit],
        said: str,
        value: dict[str, Any],
        *,
        json: bool,
        reason: str = "",
        epoch: int | None = None,
    ) -> None:
        """Make edits as the actor, and tell what came of it: it is done, or it waits for a second person (exit 3)."""
        from acl.admin.gate import Waiting, administer

        made = administer(self.engine, self.ledger, self.actor, edits, reason=reason, epoch=epoch)
        if isinstance(made, Waiting):
            waits(made, value, json=json)
        show.done(said, {**value, "epoch": made.epoch} if json else None)

    @contextmanager
    def looking(self) -> Iterator[Actor]:
        """Look at one state of the policy, as the actor."""
        from acl.admin.authority import Actor
        from store.engine import snapshot

        with snapshot(self.engine) as connection:
            yield Actor.of(connection, self.actor)

    def administers(self) -> bool:
        """Say whether whoever sits here administers the whole."""
        from acl.names import ROOT

        with self.looking() as actor:
            return bool(actor.manages(ROOT))

    def require_person(self) -> None:
        """Refuse the console: what follows is some person's, by name.

        Raises:
            NotAllowed: It is the console that gives the command.
        """
        from acl.errors import NotAllowed

        if not self.actor.startswith("user:"):
            raise NotAllowed("this is a person's to do: set NTK_KEY to your own API key")

    def require_administrator(self) -> None:
        """Refuse everybody else: what follows tells of all people and all places.

        Raises:
            NotAllowed: He does not administer the whole.
        """
        from acl.errors import NotAllowed

        if not self.administers():
            raise NotAllowed("this tells of all people and places: it is for who may manage root:all")


@contextmanager
def desk(data: Path, as_user: str | None = None) -> Iterator[Desk]:
    """Open the policy of a data folder for whoever gives the command.

    That is the user of `--as`, in a demonstration; else the one whose API key is in NTK_KEY; else the console,
    which may do what the rules on `svc:command-line` let it do.

    Raises:
        NotADemo, NotSignedIn, BadName, UnknownName: Nobody of this name may give commands here.
    """
    from api.kinds import kinds_of
    from api.wiring import open_store_at

    with open_store_at(data) as opened:
        actor = actor_of(opened, as_user)
        yield Desk(opened.store.engine, opened.ledger, actor, kinds_of(opened.store.engine, opened.store.keys))


def actor_of(opened: Installation, as_user: str | None) -> UserId:
    """Give who gives a command.

    Raises:
        NotADemo, NotSignedIn, BadName, UnknownName: Nobody of this name may give commands here.
    """
    from acl.admin.gate import CONSOLE
    from api.auth import COMMAND_LINE, principal_named, principal_of_key

    if as_user is not None:
        return principal_named(opened, as_user).user
    if key := key_given():
        return principal_of_key(opened, key, COMMAND_LINE).user
    return CONSOLE


def key_given() -> str:
    """Give the API key of whoever gives a command, or nothing."""
    return os.environ.get("NTK_KEY", "")


def waits(made: Waiting, value: dict[str, Any], *, json: bool) -> NoReturn:
    """Tell that something waits for a second person, and end with exit code 3."""
    told = {**value, "approval": made.approval, "reasons": list(made.reasons)}
    said = f"This waits for a second person ({'; '.join(made.reasons)}):\n  ntk approve {made.approval}"
    show.done(said, told if json else None)
    raise typer.Exit(Exit.PARTLY)


def every(page: Callable[[Any], Page[Item, Any]]) -> Iterator[Item]:
    """Give the items of all pages; `page` gives the one behind a key, and the first behind None."""
    after = None
    while True:
        got = page(after)
        yield from got.items
        if got.next is None:
            return
        after = got.next


def told(edit: Mapping[str, Any]) -> str:
    """Give an edit, in its JSON form, as a line for people."""
    parts = ", ".join(f"{name} {value}" for name, value in edit.items() if name != "op" and value not in ("", None))
    return f"{edit['op']}: {parts}"


def text_of(file: Path) -> str:
    """Read a file that was named on the command line as UTF-8; a byte order mark is passed over.

    Raises:
        UnusableFile: It cannot be read, is too large, or is no text.
    """
    from api.errors import UnusableFile

    try:
        return bytes_of(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnusableFile(f"{file} is not in UTF-8") from error


def bytes_of(file: Path) -> bytes:
    """Read a file that was named on the command line.

    Raises:
        UnusableFile: It cannot be read, or is too large.
    """
    from api.errors import UnusableFile

    try:
        if file.stat().st_size > MOST_BYTES:
            raise UnusableFile(f"{file} is larger than {MOST_BYTES // 1_000_000} MB")
        return file.read_bytes()
    except OSError as error:
        raise UnusableFile(f"{file} cannot be read: {error.strerror}") from error


def write_to(file: Path, content: bytes) -> None:
    """Write a new file for its owner alone: it names people.

    Raises:
        UnusableFile: It is there already, or cannot be written.
    """
    from api.errors import UnusableFile

    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(content)
    except OSError as error:
        raise UnusableFile(f"{file} cannot be written: {error.strerror}") from error
