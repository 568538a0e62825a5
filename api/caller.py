"""What the routes of administration share: who calls, what he may look at, how a list and a wait are shown."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import Depends, Path, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from acl.admin.authority import Actor, require_administrator
from acl.admin.gate import Done, refusal_recorded
from acl.decision import Principal  # noqa: TC001 - FastAPI reads the annotation
from api.auth import principal_of
from api.kinds import kinds_of
from audit.ledger import Event
from store.engine import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Engine

    from acl.admin.approvals import Kind
    from acl.admin.gate import Waiting
    from acl.insight.listing import Page
    from acl.names import UserId
    from api.wiring import House
    from audit.chain import Json
    from audit.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request it is, and the policy that it is about."""

    engine: Engine
    ledger: Ledger
    principal: Principal
    kinds: Sequence[Kind]  # of what waits for a second person

    @property
    def user(self) -> UserId:
        return self.principal.user

    @contextmanager
    def acting(self) -> Iterator[Actor]:
        """Look at one state of the policy, as the caller."""
        with snapshot(self.engine) as connection:
            yield Actor.of(connection, self.user)

    def require_administrator(self, what: str) -> None:
        """Refuse, and record, what is for an administrator of the whole alone.

        Raises:
            NotAllowed: The caller is none.
        """
        with refusal_recorded(self.ledger, self.user, what=what), self.acting() as actor:
            require_administrator(actor)

    def read(self, what: str, **details: Json) -> None:
        """Leave a record of what somebody has looked up about others. It must name nobody in clear.

        Raises:
            AuditDown: It cannot be written, so what was read must not be shown.
        """
        self.ledger.commit(Event("policy.read", self.user, str(uuid.uuid4()), {"what": what, **details}))

    def refused(self, what: str) -> None:
        """Leave a record of what somebody wanted to know that is not for him, or not there."""
        self.ledger.commit(Event("policy.refused", self.user, str(uuid.uuid4()), {"what": what}))


def caller_of(request: Request, principal: Annotated[Principal, Depends(principal_of)]) -> Caller:
    """Give the caller of a request.

    Raises:
        NotSignedIn: He has no key that works.
    """
    house: House = request.app.state.house
    return Caller(house.store.engine, house.ledger, principal, kinds_of(house.store.engine, house.store.keys))


Calling = Annotated[Caller, Depends(caller_of)]
Id = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]


REASON: Final = Field(default="", max_length=500, pattern=r"^[^\x00]*$", description="Why; a second person reads it.")


class Body(BaseModel):
    """A JSON body: nothing in it is guessed, and nothing is passed over."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Nothing(Body):
    """A body without any field, for requests that say all in their path."""


class Asked(BaseModel):
    """A query. A misspelt filter must not list everything."""

    model_config = ConfigDict(extra="forbid")


class Listed(Asked):
    """The query of a list."""

    limit: int = Field(default=100, ge=1, le=1000, description="At most so many items.")


def made(done: Done | Waiting, **more: Json) -> JSONResponse:
    """Show what came of edits: they hold, or they wait for a second person."""
    if isinstance(done, Done):
        return JSONResponse({"epoch": done.epoch, **more})
    return JSONResponse(
        {
            "approval": done.approval,
            "reasons": list(done.reasons),
            "expires_at": done.expires_at.isoformat(timespec="seconds"),
            **more,
        },
        status_code=202,
    )


def page(found: Page[Any, Any], to_json: Callable[[Any], dict[str, Json]]) -> JSONResponse:
    """Show a piece of a list."""
    return JSONResponse({"items": [to_json(item) for item in found.items], "next": found.next})
