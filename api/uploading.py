"""A folder in through a running server: walked and hashed here, read and kept there.

The server gets what is new or changed, some files at once, and says what became of each. A run that is cut off is
begun again and goes on where it was, since what the server has already is not sent again.
"""

from __future__ import annotations

import base64
import socket
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar

from acl.admin.gate import Waiting
from acl.labels import parse_label
from acl.names import UserId
from api.intake_forms import (
    MOST_REMOVED,
    PREFIX,
    BeginIn,
    BeginOut,
    CompareIn,
    CompareOut,
    DeclarationIn,
    DocumentsOut,
    FileIn,
    RemoveIn,
    RemoveOut,
    TakenOut,
    WaitingOut,
)
from ingest.beneath import Root, read_file
from ingest.declared import Faulty
from ingest.errors import Overtaken, TooMuch, Unreadable
from ingest.families import digest_of
from ingest.foresee import Foreseen, Readers
from ingest.one_by_one import parents_in
from ingest.outcome import Outcome, Summary
from ingest.pipeline import ahead
from ingest.run import UNKNOWN, name_of, parents, teller
from ingest.types import shown
from ingest.walk import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from api.ingesting import Target
    from api.intake_forms import ComparedOut, FolderOut, OutcomeOut
    from api.remote import Server
    from ingest.outcome import Progress
    from ingest.run import Options
    from ingest.types import Found
    from ingest.walk import Walked

Item = TypeVar("Item")

UPLOADS: Final = 6  # at once: what comes together, the server makes durable together
FOLDERS: Final = 200  # of a request: each may be made, in one transaction
FILES: Final = 200
_CHARACTERS: Final = 500_000  # of a request, about


@dataclass(frozen=True, slots=True)
class Uploader:
    """Takes folders in through a server, as whoever has the key."""

    server: Server
    elsewhere: bool = True  # the server may be on another machine, where the same path is another folder

    def ingest(self, folder: Path, target: Target, *, options: Options, progress: Progress) -> Summary | Waiting:
        """Bring a folder into a collection, as `ingest_folder` does here.

        Raises:
            NoAnswer: The server stopped; what was told, holds.
            Exception: What `ingest_folder` raises.
        """
        with Root(folder) as root:
            walked = walk(root, hidden=options.hidden, keep_written=True)
            begun = self._begin(folder, walked, target, options, dry_run=False)
            if isinstance(begun, Waiting):
                return begun
            return _Run(self.server, root, begun, target.name, options, progress).whole()

    def foresee(self, folder: Path, target: Target, *, options: Options, progress: Progress) -> Foreseen:
        """Say what `ingest` would do. The files are sent and read, and nothing is written.

        Raises:
            Exception: As `ingest`.
        """
        with Root(folder) as root:
            walked = walk(root, hidden=options.hidden, keep_written=True)
            begun = self._begin(folder, walked, target, options, dry_run=True)
            assert not isinstance(begun, Waiting)  # there is nothing to wait for
            summary = _Run(self.server, root, begun, target.name, options, progress, dry_run=True).whole()
        labels = {path: parse_label(out.label or "") for path, out in begun.folders.items()}
        readers = {
            path: Readers(out.readers or 0, None if out.who is None else tuple(map(UserId, out.who)))
            for path, out in begun.folders.items()
        }
        return Foreseen(summary, labels, readers)

    def _begin(
        self, folder: Path, walked: Walked, target: Target, options: Options, *, dry_run: bool
    ) -> _Begun | Waiting:
        label = target.label
        source = shown(f"{socket.gethostname()}:") + name_of(folder) if self.elsewhere else name_of(folder)
        begun = _Begun(walked)
        for paths, declared in _folders(walked):
            said = BeginIn(
                collection=target.name,
                readers=[*target.readers],
                level=None if label is None else label.level.name.lower(),
                compartments=[] if label is None else sorted(label.compartments),
                owner=options.owner,
                source=source,
                moved=options.moved,
                folders=["/".join(path) for path in paths],
                declarations=declared,
                dry_run=dry_run,
            )
            status, body = self.server.ask("POST", f"{PREFIX}/begin", said)
            if status == 202 and not dry_run:
                waiting = self.server.read(WaitingOut, body)
                expires = datetime.fromisoformat(waiting.expires_at)
                return Waiting(waiting.approval, tuple(waiting.reasons), expires)
            answer = self.server.read(BeginOut, body)
            begun.folders.update(zip(paths, answer.folders, strict=True))
            begun.warnings.extend(answer.warnings)
        return begun


@dataclass(frozen=True, slots=True)
class _Begun:
    """A folder that was walked, and what the server says of the folders in it."""

    walked: Walked
    folders: dict[tuple[str, ...], FolderOut] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Checked:
    """A file, what the server has of it, and what became of it, if that is known without sending it."""

    found: Found
    slip: str
    documents: Sequence[str]
    outcome: Outcome | None


class _Run:
    """One run over a folder that was walked, with the slips of its folders."""

    def __init__(
        self,
        server: Server,
        root: Root,
        begun: _Begun,
        collection: str,
        options: Options,
        progress: Progress,
        *,
        dry_run: bool = False,
    ) -> None:
        walked = begun.walked
        self._server, self._root, self._walked, self._begun = server, root, walked, begun
        self._collection, self._options, self._progress, self._dry_run = collection, options, progress, dry_run
        self._summary = Summary(passed_over=walked.hidden + walked.ignored, warnings=[*begun.warnings])
        self._tell = teller(self._summary, progress)

    def whole(self) -> Summary:
        # Before anything is sent: what somebody else takes in meanwhile is not on this list, and not gone.
        stock = dict(self._stock())
        self._progress.started(len(self._walked.found))
        for skipped in self._walked.skipped:
            self._tell(Outcome(skipped.relative, "failed", reasons=(skipped.reason,)))
        met = set[str]()
        for _, (outcomes, documents) in ahead(self._took, self._checked(), at_once=UPLOADS):
            met.update(documents)
            for outcome in outcomes:
                self._tell(outcome)
        self._drop(stock, met)
        return self._summary

    def _stock(self) -> Iterator[tuple[str, bool]]:
        after: str | None = ""
        while after is not None:
            query: dict[str, str | int] = {"collection": self._collection, "after": after, "limit": 1000}
            _, body = self._server.ask("GET", f"{PREFIX}/documents", query=query)
            page = self._server.read(DocumentsOut, body)
            yield from ((one.document, one.removable) for one in page.items)
            after = page.next

    def _checked(self) -> Iterator[_Checked]:
        """Compare the files with what the server has, some at a time."""
        for page in _paged(self._sendable(), FILES, lambda found: len(found.relative)):
            digests = [self._digest(found) for found in page]
            asked = [
                FileIn(path=found.relative, sha256=digest if isinstance(digest, str) else None)
                for found, digest in zip(page, digests, strict=True)
            ]
            for found, digest, one in zip(page, digests, self._compare(asked), strict=True):
                folder, outcome = self._begun.folders[found.folder], None
                if isinstance(digest, Unreadable):
                    outcome = _failed(found, digest)
                elif one.unchanged and not folder.held:
                    outcome = Outcome(found.relative, "unchanged")
                yield _Checked(found, folder.slip, one.documents, outcome)

    def _sendable(self) -> Iterator[Found]:
        for found in self._walked.found:
            try:
                parents_in(found.relative)
            except Unreadable as error:
                self._tell(_failed(found, error))
            else:
                yield found

    def _digest(self, found: Found) -> str | Unreadable:
        try:
            return digest_of(read_file(self._root, found))
        except Unreadable as error:
            return error

    def _compare(self, files: list[FileIn]) -> list[ComparedOut]:
        said = CompareIn(collection=self._collection, files=files)
        _, body = self._server.ask("POST", f"{PREFIX}/compare", said)
        return self._server.read(CompareOut, body).files

    def _took(self, checked: _Checked) -> tuple[Sequence[Outcome], Sequence[str]]:
        """Send a file, if it has to be; give what became of it, and the documents that it is."""
        if checked.outcome is not None:
            return [checked.outcome], checked.documents
        try:
            data = read_file(self._root, checked.found)
            said = {"path": checked.found.relative, "slip": checked.slip}
            if checked.found.modified is not None:
                said["modified"] = str(int(checked.found.modified.timestamp()))
            body = self._server.send(f"{PREFIX}/files", data, **said)
        except (Unreadable, Overtaken) as error:
            return [_failed(checked.found, error)], checked.documents
        taken = self._server.read(TakenOut, body)
        return [*map(_outcome, taken.outcomes)], taken.documents

    def _drop(self, stock: Mapping[str, bool], met: set[str]) -> None:
        """Have deleted what is gone, unless that cannot be known or is too much to be meant."""
        if any(skipped.folder for skipped in self._walked.skipped):
            self._summary.warnings.append(UNKNOWN)
            return
        unread = [FileIn(path=skipped.relative) for skipped in self._walked.skipped if _is_path(skipped.relative)]
        for page in _paged(unread, FILES, lambda file: len(file.path)):
            met.update(document for one in self._compare(page) for document in one.documents)
        gone = [document for document, removable in stock.items() if removable and document not in met]
        if too_many := self._options.brake.why_not(len(gone), len(stock)):
            self._summary.warnings.append(too_many)
            return
        for start in range(0, len(gone), MOST_REMOVED):
            some = gone[start : start + MOST_REMOVED]
            if not self._dry_run:
                said = RemoveIn(collection=self._collection, documents=some)
                self._server.read(RemoveOut, self._server.ask("POST", f"{PREFIX}/remove", said)[1])
            for document in some:
                self._tell(Outcome(document, "removed"))


def _folders(walked: Walked) -> Iterator[tuple[list[tuple[str, ...]], list[DeclarationIn]]]:
    """Give the folders in some parts, each with all declarations on the way to its folders.

    Raises:
        TooMuch: Those on the way to one folder are too large to be sent.
    """
    there = [path for path in (*parents(walked), *walked.declared) if _is_sent(path)]
    wanted = {path[:depth] for path in there for depth in range(len(path) + 1)}
    paths, said, size = list[tuple[str, ...]](), dict[tuple[str, ...], DeclarationIn](), 0
    for path in sorted(wanted | {()}):
        above = [path[:depth] for depth in range(len(path) + 1) if path[:depth] in walked.declared]
        own = sum(map(len, path)) + len(path)
        more = own + sum(_size(walked, each) for each in above if each not in said)
        if paths and (len(paths) == FOLDERS or size + more > _CHARACTERS):
            yield paths, [*said.values()]
            paths, said, size = [], {}, 0
            more = own + sum(_size(walked, each) for each in above)
        if more > _CHARACTERS:
            raise TooMuch(f"the declarations on the way to {'/'.join(path)} are too large together: shorten them")
        paths.append(path)
        said |= {each: _declaration(walked, each) for each in above}
        size += more
    yield paths, [*said.values()]


def _size(walked: Walked, path: tuple[str, ...]) -> int:
    return 100 + sum(map(len, path)) + len(path) + len(walked.written.get(path, b"")) * 4 // 3


def _declaration(walked: Walked, path: tuple[str, ...]) -> DeclarationIn:
    folder = "/".join(path)
    if path in walked.written:
        return DeclarationIn(folder=folder, content=base64.b64encode(walked.written[path]).decode())
    faulty = walked.declared[path]
    return DeclarationIn(folder=folder, fault=faulty.reason[:300] if isinstance(faulty, Faulty) else None)


def _paged(items: Iterable[Item], most: int, size_of: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Give items in some parts, none with too many or too much."""
    part, size = list[Item](), 0
    for item in items:
        if part and (len(part) == most or size + size_of(item) > _CHARACTERS // 4):
            yield part
            part, size = [], 0
        part.append(item)
        size += size_of(item)
    if part:
        yield part


def _is_path(relative: str) -> bool:
    try:
        parents_in(relative)
    except Unreadable:
        return False
    return True


def _is_sent(path: tuple[str, ...]) -> bool:
    return _is_path("/".join((*path, "f")))


def _failed(found: Found, error: Exception) -> Outcome:
    return Outcome(found.relative, "failed", reasons=(str(error),))


def _outcome(said: OutcomeOut) -> Outcome:
    return Outcome(said.path, said.outcome, said.chunks, tuple(said.reasons), tuple(said.notes), said.attached)
