"""What the routes of an intake do: each as its caller, who is decided on anew."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import unquote

from acl.admin.authority import Actor
from acl.admin.gate import Waiting, refusal_recorded
from acl.errors import PolicyMoved
from acl.labels import Label, parse_compartment, parse_level
from acl.names import ROOT, DocumentId, UserId, parse_collection, parse_name
from api.errors import BadRequest
from api.ingesting import Target, edits_for, prepare, require_fill
from api.intake_forms import (
    BeginOut,
    ComparedOut,
    CompareOut,
    DocumentsOut,
    FolderOut,
    OutcomeOut,
    RemoveOut,
    StockedOut,
    TakenOut,
)
from api.slips import Slip, to_slip, to_text
from ingest.declared import Faulty, parse_declaration
from ingest.errors import Unreadable
from ingest.families import File, Place
from ingest.foresee import rehearse_folders
from ingest.one_by_one import compare, foresee_one, parents_in, remove, stocked, take_one
from ingest.placing import node_at
from ingest.run import Options, open_folders
from ingest.types import moment, one_line, shown
from ingest.versions import settle
from store.engine import snapshot
from store.rotation import known_keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from acl.names import NodeId
    from api.caller import Caller
    from api.intake_forms import BeginIn, CompareIn, DeclarationIn, RemoveIn
    from api.wiring import House
    from ingest.declared import Declaration
    from ingest.one_by_one import Taken
    from ingest.outcome import Outcome
    from ingest.run import Opened
    from ingest.together import Ready


def begun(house: House, caller: Caller, body: BeginIn) -> BeginOut | Waiting:
    """Have folders ready to be filled.

    Raises:
        NotAllowed, PolicyError, OtherFolder, BadRequest: They are not.
    """
    target, options, folders, declared = _said(body)
    with house.intake.turn:  # two may begin at once, with what neither finds there
        collection = prepare(house, target, caller.user)
        if isinstance(collection, Waiting):
            return collection
        settle(house.intake.edges)
        opened: Opened | Waiting = open_folders(
            collection, caller.user, house.intake.edges, folders, declared, source=body.source, options=options
        )
    if isinstance(opened, Waiting):
        return opened
    house.retagger.drain()
    key_id = _known_keys(house)[0]
    listed = [
        FolderOut(
            folder="/".join(path),
            slip=to_text(_slip(caller, collection, path, opened.places[path]), house.store.keys, key_id),
            held=bool(opened.places[path].faults),
        )
        for path in folders
    ]
    return BeginOut(folders=listed, warnings=[*opened.warnings])


def rehearsed(house: House, caller: Caller, body: BeginIn) -> BeginOut:
    """Say how these folders would be. Who could read what comes in, is told by name to who may know everybody.

    Raises:
        NotAllowed, PolicyError, BadRequest: It would not come to that.
    """
    target, options, folders, declared = _said(body)
    collection = parse_collection(body.collection)
    with refusal_recorded(caller.ledger, caller.user, what="intake"):
        with caller.acting() as actor:
            edits = edits_for(actor, collection, target)
            tells = bool(actor.manages(ROOT))
        found = rehearse_folders(
            collection, caller.user, house.intake.edges, folders, declared, before=edits, owner=options.owner
        )
    if tells:
        caller.read("intake", collection=collection)
    listed, key_id = [], _known_keys(house)[0]
    for path in folders:
        label, readers = found.labels[path], found.readers[path]
        slip = _slip(caller, collection, path, found.places[path], label)
        listed.append(
            FolderOut(
                folder="/".join(path),
                slip=to_text(slip, house.store.keys, key_id),
                held=bool(found.places[path].faults),
                label=str(label),
                readers=readers.count,
                who=[*readers.who] if tells and readers.who is not None else None,
            )
        )
    return BeginOut(folders=listed, warnings=[*found.warnings])


def _said(
    body: BeginIn,
) -> tuple[Target, Options, list[tuple[str, ...]], dict[tuple[str, ...], Declaration | Faulty]]:
    """Read what a client says at the beginning.

    Raises:
        BadName, BadLabel, BadRequest: It makes no sense.
    """
    compartments = frozenset(map(parse_compartment, body.compartments))
    if compartments and body.level is None:
        raise BadRequest("compartments need a level")
    label = Label(parse_level(body.level), compartments) if body.level is not None else None
    owner = UserId(parse_name(body.owner, frozenset({"user"}))) if body.owner is not None else None
    folders = [*dict.fromkeys(map(_names, body.folders))]
    declared = {_names(each.folder): _declared(each) for each in body.declarations}
    return Target(body.collection, body.readers, label), Options(owner=owner, moved=body.moved), folders, declared


def _known_keys(house: House) -> list[str]:
    with snapshot(house.store.engine) as connection:
        return [row.id for row in known_keys(connection)]


def _names(folder: str) -> tuple[str, ...]:
    return tuple(folder.split("/")) if folder else ()


def _declared(said: DeclarationIn) -> Declaration | Faulty:
    if said.content is None:
        return Faulty(shown(one_line(said.fault or "")) or "it cannot be read")
    return parse_declaration(base64.b64decode(said.content))


def _slip(caller: Caller, collection: NodeId, path: tuple[str, ...], place: Place, label: Label | None = None) -> Slip:
    return Slip(caller.user, collection, "/".join(path), place.owner, place.faults, label)


def documents(caller: Caller, name: str, after: str, limit: int) -> DocumentsOut:
    """List what came from the folder of a collection.

    Raises:
        NotAllowed, BadName: It is not the caller's to fill.
    """
    collection = parse_collection(name)
    with refusal_recorded(caller.ledger, caller.user, what="intake"), caller.acting() as actor:
        require_fill(actor, collection)
        found = stocked(actor.connection, collection, after, limit)
    items = [StockedOut(document=id_, removable=removable) for id_, removable in found]
    return DocumentsOut(items=items, next=items[-1].document if len(items) == limit else None)


def compared(house: House, caller: Caller, body: CompareIn) -> CompareOut:
    """Say which files are unchanged.

    Raises:
        NotAllowed, BadName: The collection is not the caller's to fill.
    """
    collection = parse_collection(body.collection)
    with refusal_recorded(caller.ledger, caller.user, what="intake"), caller.acting() as actor:
        require_fill(actor, collection)
        files = [(file.path, file.sha256) for file in body.files]
        found = compare(actor.connection, house.store.keys, collection, files)
    return CompareOut(
        files=[
            ComparedOut(path=file.path, unchanged=one.unchanged, documents=[*one.documents])
            for file, one in zip(body.files, found, strict=True)
        ]
    )


def taking(
    house: House, caller: Caller, path: str, slip_text: str, modified: int | None
) -> Callable[[bytes], TakenOut]:
    """Check what is said of a file, and give what takes in its content.

    Raises:
        BadRequest: The path is none, or the slip is another folder's.
        NotAllowed: The collection is not the caller's to fill.
        PolicyMoved: The folder is not there any more.
    """
    edges = house.intake.edges
    slip = to_slip(slip_text, house.store.keys, caller.user, _known_keys(house))
    relative = _relative(path, slip)
    place: Place | None = None

    def require(connection: Connection) -> None:
        require_fill(Actor.of(connection, caller.user), slip.collection)
        there = node_at(connection, slip.collection, _names(slip.folder))
        if slip.label is None and (there is None or (place is not None and there != place.node)):
            raise PolicyMoved("the folder of this file was moved or removed meanwhile: run it again")

    with refusal_recorded(caller.ledger, caller.user, what="intake"), snapshot(edges.engine) as connection:
        require(connection)
        node = node_at(connection, slip.collection, _names(slip.folder)) or slip.collection
    place = Place(node, slip.owner, slip.faults)

    def publish(ready: Ready) -> list[Outcome] | None:
        return house.intake.together.publish(ready, edges, house.intake.turn)

    def take(data: bytes) -> TakenOut:
        file = File(relative, lambda: data, None if modified is None else moment(modified))
        if slip.label is not None:
            return _told(foresee_one(file, place, slip.label, slip.collection, edges))
        with refusal_recorded(caller.ledger, caller.user, what="intake"):
            taken = take_one(file, place, slip.collection, caller.user, edges, publish=publish, require=require)
        return _told(taken)

    return take


def _relative(path: str, slip: Slip) -> str:
    try:
        relative = unquote(path, errors="strict")
        folders = parents_in(relative)
    except UnicodeDecodeError:
        raise BadRequest("Ntk-Path is not in UTF-8") from None
    except Unreadable as error:
        raise BadRequest(f"Ntk-Path: {error}") from None
    if "/".join(folders) != slip.folder:
        raise BadRequest("this is the slip of another folder")
    return relative


def _told(taken: Taken) -> TakenOut:
    outcomes = [
        OutcomeOut(
            path=one.relative,
            outcome=one.what,
            chunks=one.chunks,
            reasons=[*one.reasons],
            notes=[*one.notes],
            attached=one.attached,
        )
        for one in taken.outcomes
    ]
    return TakenOut(outcomes=outcomes, documents=[*taken.documents])


def removed(house: House, caller: Caller, body: RemoveIn) -> RemoveOut:
    """Delete documents whose files are gone.

    Raises:
        NotAllowed, BadName: The collection is not the caller's to fill.
    """
    collection = parse_collection(body.collection)
    documents = [DocumentId(parse_name(document, frozenset({"doc"}))) for document in body.documents]
    with refusal_recorded(caller.ledger, caller.user, what="intake"), house.intake.turn:
        with caller.acting() as actor:
            require_fill(actor, collection)
        return RemoveOut(removed=remove(documents, collection, caller.user, house.intake.edges))
