"""The policy over HTTP: change it, see what a change would do, list it, ask why.

Who may what is decided in acl/. A route only turns a request into a call, and what comes of it into JSON.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response
from pydantic import AwareDatetime, Field, Strict

from acl.admin.edits import edits_of
from acl.admin.gate import administer
from acl.errors import BadExport, UnknownName
from acl.insight import explained, listing, simulated
from acl.insight.explain import explain_to
from acl.insight.review import review
from acl.insight.signoff import sign, to_csv
from acl.insight.simulate import simulate
from acl.names import OBJECT_KINDS, SUBJECT_KINDS, Action, DocumentId, NodeId, Obj, Subject, UserId, parse_name
from api.ask import MAX_EPOCH
from api.body import OneMeaning
from api.caller import REASON, Asked, Body, Calling, Listed, made, page
from store.engine import write

if TYPE_CHECKING:
    from acl.insight.listing import Membership, NodeLine, RuleLine, UserLine
    from audit.chain import Json

MOST_EDITS: Final = 10_000
_NAME: Final = 140  # characters
_EDITS: Final = Field(
    min_length=1, max_length=MOST_EDITS, description="What is to be changed, in order; see [edits](#edits)."
)
_BEHIND: Final = Field(
    default="", max_length=_NAME, pattern=r"^[A-Za-z0-9._:-]*$", description="The `next` of the page before."
)
_NUMBER: Final = Field(default=0, ge=0, le=MAX_EPOCH, description="The `next` of the page before.")

router = APIRouter(prefix="/api/v1/policy", route_class=OneMeaning)


class ChangesIn(Body):
    """Edits that are made together, or not at all."""

    edits: list[dict[str, Any]] = _EDITS
    reason: str = REASON
    epoch: int | None = Field(
        default=None, ge=0, le=MAX_EPOCH, description="Change nothing unless the policy is at this epoch."
    )


class SimulateIn(Body):
    """Edits that nobody makes."""

    edits: list[dict[str, Any]] = _EDITS


class ExplainQuery(Asked):
    """Whose access to what is to be explained."""

    user: str = Field(max_length=_NAME, description="Whose access.")
    place: str = Field(max_length=_NAME, description="The place: `coll:NAME`, `folder:ID` or `doc:ID`.")
    action: Action = Field(default="read", description="What he wants to do there.")


class ReviewQuery(Asked):
    """What is to be reviewed."""

    action: Action = Field(default="read", description="What people may do.")
    everything: bool = Field(default=False, description="Also the people and collections without any access.")


class SignatureIn(Body):
    """That the caller has read a review and stands for it."""

    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="The `Review-Digest` of what was read.")
    epoch: int = Field(ge=0, le=MAX_EPOCH, description="Its `Policy-Epoch`.")
    at: Annotated[AwareDatetime, Strict(strict=False)] = Field(description="Its `Review-At`.")
    action: Action = Field(default="read", description="As it was asked for.")
    everything: bool = Field(default=False, description="As it was asked for.")


class RulesQuery(Listed):
    """Which rules are to be listed."""

    subject: str | None = Field(default=None, max_length=_NAME, description="Only rules that name this subject.")
    object: str | None = Field(default=None, max_length=_NAME, description="Only rules that name this object.")
    after: int = _NUMBER


class UsersQuery(Listed):
    """Which people are to be listed."""

    after: str = _BEHIND


class GroupsQuery(Listed):
    """Which memberships are to be listed."""

    group: str | None = Field(default=None, max_length=_NAME, description="Only members of this group.")
    after: int = _NUMBER


class NodesQuery(Listed):
    """Which collections and folders are to be listed."""

    parent: str | None = Field(
        default=None, max_length=_NAME, description="What lies right in this place; without it, what is topmost."
    )
    after: str = _BEHIND


@router.post("/changes")
def post_changes(body: ChangesIn, caller: Calling) -> JSONResponse:
    """Change the policy: 200 when it holds, 202 when it waits for a second person.

    All edits hold from the next request on, or none does.
    """
    edits = edits_of(body.edits)
    return made(administer(caller.engine, caller.ledger, caller.user, edits, reason=body.reason, epoch=body.epoch))


@router.post("/simulate")
def post_simulate(body: SimulateIn, caller: Calling) -> JSONResponse:
    """Say who would gain and who would lose what by edits, for an administrator of the whole. Nothing is changed."""
    caller.require_administrator("simulate")
    difference = simulate(caller.engine, edits_of(body.edits))
    caller.read("simulate", edits=len(body.edits))
    return JSONResponse(simulated.to_json(difference))


@router.get("/explain")
def get_explain(query: Annotated[ExplainQuery, Query()], caller: Calling) -> JSONResponse:
    """Say why somebody may, or may not, do something at a place that the caller manages."""
    user = UserId(parse_name(query.user, frozenset({"user"})))
    place = parse_name(query.place, frozenset({"coll", "folder", "doc"}))
    at = DocumentId(place) if place.startswith("doc:") else NodeId(place)
    try:
        with caller.acting() as actor:
            explanation = explain_to(actor.connection, caller.user, user, at, action=query.action)
    except UnknownName:
        caller.refused("explain")
        raise
    caller.read("explain", user=caller.ledger.pseudonym(user), place=place, action=query.action)
    return JSONResponse(explained.to_json(explanation))


@router.get("/review")
def get_review(query: Annotated[ReviewQuery, Query()], caller: Calling) -> Response:
    """Export as CSV what each person reaches in each collection, and why, for an administrator of the whole.

    The headers `Review-Digest`, `Policy-Epoch` and `Review-At` are what a signature names.
    """
    caller.require_administrator("review")
    at = datetime.now(UTC).replace(microsecond=0)
    with caller.acting() as actor:
        export = to_csv(review(actor.connection, query.action, everything=query.everything), at)
    caller.read("review", action=query.action, digest=export.digest, epoch=export.epoch)
    headers = {"Review-Digest": export.digest, "Policy-Epoch": str(export.epoch), "Review-At": at.isoformat()}
    return Response(export.content, media_type="text/csv", headers=headers)


@router.post("/review/signature", status_code=201)
def post_signature(body: SignatureIn, caller: Calling) -> JSONResponse:
    """Sign a review that one has read, as an administrator of the whole.

    The review is made again and compared, so nobody signs what the service did not export.
    """
    caller.require_administrator("signature")
    with write(caller.engine) as connection:
        made_again = review(connection, body.action, everything=body.everything)
        export = to_csv(made_again, body.at.astimezone(UTC))
        if export.epoch == body.epoch and export.digest != body.digest:
            raise BadExport("this is the digest of no review of this epoch, time and kind: export again, and sign that")
        signed = sign(connection, caller.ledger, caller.user, replace(export, epoch=body.epoch))
    return JSONResponse(
        {"id": signed.id, "digest": signed.digest, "epoch": signed.epoch, "lines": signed.lines}, status_code=201
    )


@router.get("/rules")
def get_rules(query: Annotated[RulesQuery, Query()], caller: Calling) -> JSONResponse:
    """List the rules on what the caller manages, the oldest first."""
    subject = Subject(parse_name(query.subject, SUBJECT_KINDS)) if query.subject is not None else None
    obj = Obj(parse_name(query.object, OBJECT_KINDS)) if query.object is not None else None
    with caller.acting() as actor:
        found = listing.rules(actor, subject=subject, obj=obj, after=query.after, limit=query.limit)
    return page(found, _rule)


@router.get("/users")
def get_users(query: Annotated[UsersQuery, Query()], caller: Calling) -> JSONResponse:
    """List the people of the directory by id, for an administrator of the whole; to others the list is empty."""
    with caller.acting() as actor:
        return page(listing.users(actor, after=query.after, limit=query.limit), _user)


@router.get("/groups")
def get_groups(query: Annotated[GroupsQuery, Query()], caller: Calling) -> JSONResponse:
    """List who is directly in which group, for an administrator of the whole; to others the list is empty."""
    group = Subject(parse_name(query.group, frozenset({"group"}))) if query.group is not None else None
    with caller.acting() as actor:
        return page(listing.groups(actor, group=group, after=query.after, limit=query.limit), _membership)


@router.get("/nodes")
def get_nodes(query: Annotated[NodesQuery, Query()], caller: Calling) -> JSONResponse:
    """List the collections or folders that the caller manages, by id, with the labels that hold there."""
    parent = None if query.parent is None else NodeId(parse_name(query.parent, frozenset({"coll", "folder"})))
    with caller.acting() as actor:
        return page(listing.nodes(actor, parent=parent, after=query.after, limit=query.limit), _node)


def _rule(line: RuleLine) -> dict[str, Json]:
    rule = line.rule
    return {
        "number": line.number,
        "subject": rule.subject,
        "object": rule.object,
        "action": rule.action,
        "effect": rule.effect,
    }


def _user(line: UserLine) -> dict[str, Json]:
    return {
        "user": line.user,
        "name": line.name,
        "email": line.email,
        "phone": line.phone,
        "active": line.active,
        "clearance": str(line.clearance),
    }


def _membership(line: Membership) -> dict[str, Json]:
    return {"number": line.number, "member": line.member, "group": line.group}


def _node(line: NodeLine) -> dict[str, Json]:
    return {
        "node": line.node,
        "parent": line.parent,
        "name": line.name,
        "label": str(line.label),
        "effective_label": str(line.effective),
        "inherits": line.inherits,
    }
