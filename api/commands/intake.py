"""`ntk ingest`, `ntk reindex`, `ntk quarantine`: how documents come in, and what waits before it may answer."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from api import show
from api.commands.common import DATA, As, AsJson, Data, Reason, actor_of, desk, waits
from api.errors import Exit

if TYPE_CHECKING:
    from typing import Self

    from api.commands.taking import Taker
    from api.ingesting import Target
    from ingest.foresee import Foreseen
    from ingest.outcome import Summary
    from ingest.pipeline import Brake
    from ingest.run import Options

quarantine_app = typer.Typer(help="Documents that wait before they may answer.", no_args_is_help=True)


def ingest(
    folder: Annotated[Path, typer.Argument(help="What to read.")],
    collection: Annotated[str, typer.Option(help="Name of the collection, without coll:.")],
    readers: Annotated[list[str] | None, typer.Option(help="user:ID, group:ID or role:everyone; repeat it.")] = None,
    level: Annotated[str | None, typer.Option(help="public, internal, confidential or restricted.")] = None,
    compartment: Annotated[list[str] | None, typer.Option(help="gdpr, hipaa, pci or trade-secret.NAME.")] = None,
    owner: Annotated[str | None, typer.Option(help="user:ID who owns what no .ntk.yaml names an owner for.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and for whom.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, and take in what changes, until Ctrl-C.")] = False,
    hidden: Annotated[bool, typer.Option("--hidden", help="Also files and folders that begin with a dot.")] = False,
    max_delete: Annotated[
        str, typer.Option(help="How many documents may be deleted as gone from the folder: N or N%.")
    ] = "10%",
    moved: Annotated[bool, typer.Option("--moved", help="The collection's folder is at a new place.")] = False,
    server: Annotated[
        str | None, typer.Option(help="Address of a running service to go through, with the API key in NTK_KEY.")
    ] = None,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Read a folder into a collection; a second run takes only what changed, and removes what is gone.

    .ntk.yaml in a folder says whose it is, how sensitive, and for whom; .ntkignore leaves files out. Where a running
    service has the data folder, the files go through that, with the API key in NTK_KEY.
    """
    from acl.labels import Label, parse_compartment, parse_level
    from acl.names import UserId, parse_name
    from api.commands.taking import taker
    from api.ingesting import Target
    from api.watching import changes
    from ingest.run import Options

    compartments = frozenset(parse_compartment(text) for text in compartment or ())
    label = Label(parse_level(level), compartments) if level else None
    if compartments and label is None:
        raise typer.BadParameter("--compartment needs --level")
    options = Options(
        owner=UserId(parse_name(owner, frozenset({"user"}))) if owner else None,
        hidden=hidden,
        moved=moved,
        brake=_brake(max_delete),
    )
    target = Target(collection, readers or (), label)
    with taker(data, server, as_user) as taking:
        if dry_run:
            with _Timed(json=json) as timed:
                foreseen = taking.foresee(folder, target, options=options, progress=timed.progress)
            _tell_foreseen(foreseen, timed.seconds, json=json)
            _exit(foreseen.summary)
            return
        made = _run(taking, folder, target, options, json=json)
        for _ in changes(folder) if watch else ():
            made = _run(taking, folder, target, replace(options, moved=False), json=json, quiet=True)
    _exit(made)


def _run(taking: Taker, folder: Path, target: Target, options: Options, *, json: bool, quiet: bool = False) -> Summary:
    """Take the folder in once, and tell what came of it; quietly, only if something did."""
    from acl.admin.gate import Waiting

    with _Timed(json=json) as timed:
        made = taking.ingest(folder, target, options=options, progress=timed.progress)
    if isinstance(made, Waiting):
        waits(made, {"collection": target.name}, json=json)
    if json:
        show.as_json(show.summary_value(made, timed.seconds))
    elif not (quiet and made.is_whole and made.unchanged == made.counts.total()):
        show.summary(made, timed.seconds)
    return made


class _Timed:
    """A progress that also knows how long it took."""

    def __init__(self, *, json: bool) -> None:
        self.progress: show.Lines | show.Bar = show.Lines() if json else show.Bar()
        self.seconds = 0.0
        self._begin = time.monotonic()

    def __enter__(self) -> Self:
        self.progress.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.progress.__exit__(*error)
        self.seconds = time.monotonic() - self._begin


def _brake(text: str) -> Brake:
    from ingest.pipeline import Brake

    number, percent, rest = text.partition("%")
    if not number.isascii() or not number.isdigit() or rest or (percent and int(number) > 100):
        raise typer.BadParameter(
            "write a number of documents, or a part of them such as 10%", param_hint="--max-delete"
        )
    return Brake(percent=int(number)) if percent else Brake(documents=int(number), percent=0)


def _tell_foreseen(foreseen: Foreseen, seconds: float, *, json: bool) -> None:
    rows = [
        {
            "folder": "/".join(path) or ".",
            "label": str(foreseen.labels[path]),
            "readers": readers.count,
            "who": readers.who if json else _some(readers.who or ()),
        }
        for path, readers in sorted(foreseen.readers.items())
    ]
    if json:
        for row in rows:
            show.as_json({"event": "folder", **row})
        show.as_json(show.summary_value(foreseen.summary, seconds))
    else:
        show.table(rows, json=False)
        show.summary(foreseen.summary, seconds, would=True)


def _some(users: tuple[str, ...]) -> str:
    return ", ".join(users[:5]) + (f" and {len(users) - 5} more" if len(users) > 5 else "")


def _exit(made: Summary) -> None:
    if not made.is_whole:
        raise typer.Exit(Exit.NO if made.is_nothing else Exit.PARTLY)


def reindex(
    to: Annotated[
        Literal["edge", "qdrant"] | None, typer.Option(help="Move it into the data folder, or to a Qdrant server.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="URL of the server; else, what the settings say.")] = None,
    key: Annotated[str | None, typer.Option(help="Secret reference of the server's key.")] = None,
    collection: Annotated[str | None, typer.Option(help="Name of the index there.")] = None,
    ca: Annotated[str | None, typer.Option(help="File of certificates by which the server proves who it is.")] = None,
    grpc: Annotated[int | None, typer.Option(help="Port for gRPC; else, all goes over HTTP.")] = None,
    plain: Annotated[
        bool, typer.Option("--allow-plain-http", help="Also to a host that is no private address.")
    ] = False,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Make the whole index again from the database, and put it in the place of the old one.

    With --to it is moved: what is there is counted before the settings say that it is there.
    """
    from api.index_home import server_named
    from api.reindexing import reindex as make_again

    server = server_named(to, url=url, key=key, collection=collection, ca=ca, grpc=grpc, allow_plain_http=plain or None)
    with show.Counting("documents") as counting:
        made = make_again(data, counting, to=to, server=server)
    told = f"Made the index again: {made.documents} documents, {made.chunks} chunks."
    show.done(
        f"{told}\n{made.left}" if made.left else told,
        {"documents": made.documents, "chunks": made.chunks, "left": made.left} if json else None,
    )


@quarantine_app.command("list")
def quarantine_list(
    collection: Annotated[str | None, typer.Option(help="Name of a collection, without coll:.")] = None,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """List what is in quarantine and yours to decide on."""
    from api.quarantine import held, to_json
    from api.wiring import open_store_at

    with open_store_at(data) as opened:
        rows = held(opened, actor_of(opened, as_user), collection)
    listed = [to_json(row) for row in rows]
    show.table(listed if json else [row | {"reasons": "; ".join(row["reasons"])} for row in listed], json=json)
    if not rows and not json:
        show.lines(["Nothing that is yours to decide on is in quarantine."])


@quarantine_app.command("show")
def quarantine_show(
    document: Annotated[str, typer.Argument(help="doc:ID")],
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Say why a document is in quarantine, and what to do."""
    from api.quarantine import held_one, to_json, told
    from api.wiring import open_store_at

    with open_store_at(data) as opened:
        row = held_one(opened, actor_of(opened, as_user), document)
    if json:
        show.as_json(to_json(row))
    else:
        show.lines(told(row))


@quarantine_app.command("release")
def quarantine_release(
    document: Annotated[str, typer.Argument(help="doc:ID")],
    reason: Reason = "",
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Ask to let a document out; a second person agrees with ntk approve."""
    from acl.admin.edits import ReleaseDocument

    _decide(
        ReleaseDocument, document, f"{document} is out of quarantine; it answers shortly.", data, as_user, reason, json
    )


@quarantine_app.command("reject")
def quarantine_reject(
    document: Annotated[str, typer.Argument(help="doc:ID")],
    reason: Reason = "",
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Keep a document out for good, and delete its text."""
    from acl.admin.edits import RejectDocument

    _decide(RejectDocument, document, f"{document} stays out; its text is deleted.", data, as_user, reason, json)


def _decide(kind: Any, document: str, said: str, data: Path, as_user: str | None, reason: str, json: bool) -> None:
    from acl.names import DocumentId, parse_name

    id_ = DocumentId(parse_name(document, frozenset({"doc"})))
    with desk(data, as_user) as at:
        at.make([kind(id_)], said, {"document": id_}, json=json, reason=reason)
