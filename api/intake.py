"""A folder in over HTTP: somebody walks it himself, and sends what has changed, file by file.

    begin -> documents, compare -> files, one by one -> remove

Nothing is remembered between two requests: what was decided at the beginning comes back with each file, sealed, on a
slip. So a run that is cut off is begun again, and goes on where it was. Each request is decided on anew.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.exceptions import HTTPException

from api import receiving
from api.body import OneMeaning
from api.caller import Calling, Listed, made
from api.intake_forms import PREFIX, BeginIn, CompareIn, Heard, RemoveIn
from ingest.one_by_one import LONGEST_PATH
from ingest.types import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from acl.admin.gate import Waiting
    from api.gangway import Gangway
    from api.wiring import House

LONGER: Final[Mapping[str, int]] = {f"{PREFIX}/files": MAX_BYTES}
"""The paths whose bodies are files, and how many bytes these may have."""

router = APIRouter(prefix=PREFIX, route_class=OneMeaning)

Path = Annotated[
    str,
    Header(
        alias="Ntk-Path",
        max_length=9 * LONGEST_PATH,
        pattern=r"^[!-~]+$",
        description="Where the file lies in the folder, percent-encoded.",
    ),
]
SlipText = Annotated[
    str, Header(alias="Ntk-Slip", max_length=32_000, description="The slip of its folder, from the beginning.")
]
Modified = Annotated[
    int | None,
    Header(alias="Ntk-Modified", description="When the file was last changed, in seconds since 1970."),
]


class DocumentsQuery(Listed):
    """Which documents are to be listed."""

    collection: str = Field(max_length=140, description="The name of the collection, without `coll:`.")
    after: str = Field(
        default="", max_length=140, pattern=r"^[A-Za-z0-9:]*$", description="The `next` of the page before."
    )


@router.post("/begin")
async def post_begin(body: BeginIn, request: Request, caller: Calling) -> JSONResponse:
    """Have folders ready to be filled: 200 with a slip for each, 202 if that waits for a second person.

    The collection is made if it is new. What the folders declare is asked for as the caller.
    """
    do = receiving.rehearsed if body.dry_run else receiving.begun
    return await _aside(request, partial(do, _house(request), caller, body))


@router.get("/documents")
async def get_documents(query: Annotated[DocumentsQuery, Query()], request: Request, caller: Calling) -> JSONResponse:
    """List the documents that came from the folder of a collection, by id; what is gone from it can be removed."""
    return await _aside(request, partial(receiving.documents, caller, query.collection, query.after, query.limit))


@router.post("/compare")
async def post_compare(body: CompareIn, request: Request, caller: Calling) -> JSONResponse:
    """Say which files are unchanged, by the SHA-256 of their contents, and need not be sent."""
    return await _aside(request, partial(receiving.compared, _house(request), caller, body))


@router.put(
    "/files",
    openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": {}}}},
)
async def put_files(
    path: Path, slip: SlipText, request: Request, caller: Calling, modified: Modified = None
) -> JSONResponse:
    """Take in one file, whose content is the body, and all that is attached to it; or only say what would come of it.

    The answer comes when it can be found, or is in quarantine. A file that cannot be read is an outcome.
    """
    gangway: Gangway = request.app.state.gangway
    # Before the body is read: who may not send it, need not.
    take = await gangway.aside(partial(receiving.taking, _house(request), caller, path, slip, modified))
    if request.headers.get("content-encoding", "identity") != "identity":
        raise HTTPException(415, "the body is the file as it is, in no encoding")
    async with gangway.room(int(request.headers.get("content-length", MAX_BYTES))):
        data = await gangway.body(request)
        return _shown(await gangway.aside(partial(take, data)))


@router.post("/remove")
async def post_remove(body: RemoveIn, request: Request, caller: Calling) -> JSONResponse:
    """Delete documents that came from the folder of a collection, whose files are gone."""
    return await _aside(request, partial(receiving.removed, _house(request), caller, body))


async def _aside(request: Request, do: Callable[[], Heard | Waiting]) -> JSONResponse:
    gangway: Gangway = request.app.state.gangway
    return _shown(await gangway.aside(do))


def _house(request: Request) -> House:
    house: House = request.app.state.house
    return house


def _shown(said: Heard | Waiting) -> JSONResponse:
    return JSONResponse(said.model_dump(mode="json")) if isinstance(said, Heard) else made(said)
