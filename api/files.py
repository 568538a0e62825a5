"""The policy and the directory as files, over HTTP.

Both tell of everybody, so they are for administrators of the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from acl.admin.edits import to_json
from acl.admin.gate import administer, epoch_of
from acl.exchange.directory import plan_directory
from acl.exchange.directory_csv import read_csv
from acl.exchange.directory_scim import read_scim
from acl.exchange.policy_file import export_policy, plan_policy
from acl.names import Subject
from api.caller import REASON, Asked, Caller, Calling, made
from api.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from acl.admin.edits import Edit
    from audit.chain import Json

router = APIRouter(prefix="/api/v1/policy")


async def text_of(request: Request) -> str:
    """Give the body of a request as text.

    Raises:
        BadRequest: It is not in UTF-8.
    """
    try:
        return (await request.body()).decode()
    except UnicodeDecodeError as error:
        raise BadRequest("the body is not in UTF-8") from error


Text = Annotated[str, Depends(text_of)]


class ImportQuery(Asked):
    """How a file is to be taken in."""

    dry_run: bool = Field(default=False, description="Only list the edits.")
    reason: str = REASON


class PolicyQuery(ImportQuery):
    """How a policy is to be taken in."""

    replace: bool = Field(default=False, description="Also remove what the file does not say.")


class DirectoryQuery(ImportQuery):
    """How a directory is to be taken in."""

    format: Literal["csv", "scim"] = Field(default="csv", description="CSV, or JSON in the form of SCIM 2.0.")
    whole: bool = Field(default=False, description="Everybody is in the file: who is not, is put out.")
    let_in: bool = Field(default=False, description="Let those in again who are active in the file and not here.")
    manages: list[str] = Field(
        default=[], max_length=1000, description="A group that the directory manages, although it may not name it."
    )


@router.get("/export")
def get_export(caller: Calling) -> Response:
    """Export all rules and memberships as Casbin's `policy.csv`, for an administrator of the whole."""
    caller.require_administrator("export")
    with caller.acting() as actor:
        text = export_policy(actor.connection)
    caller.read("export")
    return Response(text, media_type="text/csv")


@router.post("/import")
def post_import(query: Annotated[PolicyQuery, Query()], text: Text, caller: Calling) -> JSONResponse:
    """Take in a policy in the form of the export, as an administrator of the whole: all of it, or nothing."""
    caller.require_administrator("import")
    epoch = epoch_of(caller.engine)
    return _taken_in(caller, query, epoch, plan_policy(caller.engine, text, replace=query.replace))


@router.post("/directory")
def post_directory(query: Annotated[DirectoryQuery, Query()], text: Text, caller: Calling) -> JSONResponse:
    """Take in the people and groups of a directory, as an administrator of the whole: all of it, or nothing.

    What the file asks for and is not done, such as letting in again who was put out here, stands in `left`.
    """
    caller.require_administrator("directory")
    epoch = epoch_of(caller.engine)
    directory = read_csv(text) if query.format == "csv" else read_scim(text)
    plan = plan_directory(
        caller.engine,
        directory,
        is_whole=query.whole,
        let_in=query.let_in,
        manages=[Subject(group) for group in query.manages],
    )
    return _taken_in(caller, query, epoch, plan.edits, left=list(plan.left))


def _taken_in(caller: Caller, query: ImportQuery, epoch: int, edits: Sequence[Edit], **more: Json) -> JSONResponse:
    """Make the edits of a file, if the policy is still that from which they were worked out; or list them."""
    if query.dry_run:
        return JSONResponse({"edits": [to_json(edit) for edit in edits], "epoch": epoch, **more})
    return made(administer(caller.engine, caller.ledger, caller.user, edits, reason=query.reason, epoch=epoch), **more)
