"""Providers and applications over HTTP: their records, all versions of them, and the gate of an application.

Who may what is decided in egress/contract/records.py.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from api.ask import MAX_EPOCH
from api.body import OneMeaning
from api.caller import Body, Calling, Nothing
from api.trying import found_to_json, instruments_of
from egress.contract import records
from egress.contract.application import Application
from egress.contract.forms import validated
from egress.contract.gate import gate
from egress.contract.provider import Provider
from egress.contract.records import APPLICATION, PROVIDER, may_look
from egress.errors import BadRecord, NoSuchRecord
from egress.trials.run import tried

if TYPE_CHECKING:
    from api.caller import Caller
    from api.wiring import House

router = APIRouter(prefix="/api/v1", route_class=OneMeaning)
Name = Annotated[str, Path(max_length=63, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class RecordIn(Body):
    """The next version of a record."""

    record: dict[str, Any] = Field(
        description="The whole record; `ntk provider schema`, `ntk app schema` say its form."
    )
    version: int = Field(ge=0, le=MAX_EPOCH, description="The version that was seen when it was written; 0: none.")


@router.get("/providers")
def get_providers(caller: Calling) -> JSONResponse:
    """List the providers that the caller manages, by name, each as it holds now."""
    return _listed(caller, PROVIDER)


@router.get("/providers/{name}")
def get_provider(name: Name, caller: Calling) -> JSONResponse:
    """Show a provider that the caller manages."""
    return _shown(caller, PROVIDER, name)


@router.get("/providers/{name}/history")
def get_provider_history(name: Name, caller: Calling) -> JSONResponse:
    """List all versions of a provider that the caller manages, the oldest first."""
    return _history(caller, PROVIDER, name)


@router.put("/providers/{name}")
def put_provider(name: Name, body: RecordIn, caller: Calling) -> JSONResponse:
    """Write the next version of a provider that the caller manages; it holds from the next request on."""
    return _saved(caller, name, validated(Provider, body.record, PROVIDER), body.version)


@router.get("/applications")
def get_applications(caller: Calling) -> JSONResponse:
    """List the applications that the caller manages, by name, each as it holds now."""
    return _listed(caller, APPLICATION)


@router.get("/applications/{name}")
def get_application(name: Name, caller: Calling) -> JSONResponse:
    """Show an application that the caller manages."""
    return _shown(caller, APPLICATION, name)


@router.get("/applications/{name}/history")
def get_application_history(name: Name, caller: Calling) -> JSONResponse:
    """List all versions of an application that the caller manages, the oldest first."""
    return _history(caller, APPLICATION, name)


@router.put("/applications/{name}")
def put_application(name: Name, body: RecordIn, caller: Calling) -> JSONResponse:
    """Write the next version of an application that the caller manages; it holds from the next request on."""
    return _saved(caller, name, validated(Application, body.record, APPLICATION), body.version)


@router.get("/applications/{name}/gate")
def get_gate(name: Name, caller: Calling) -> JSONResponse:
    """Show the ten points of an application's gate, to who manages it or audits everything."""
    with caller.acting() as actor:
        seen = may_look(actor, name)
        looked = gate(actor.connection, name, datetime.now(UTC))
    if not seen:
        caller.refused("gate")
        raise records.none_of(APPLICATION, name)
    return JSONResponse(looked.to_json())


@router.post("/applications/{name}/gate/check")
def post_check(name: Name, request: Request, caller: Calling, _body: Nothing | None = None) -> JSONResponse:
    """Try what is measured of an application that the caller manages, and show its gate. It takes a while."""
    house: House = request.app.state.house
    found = dict(tried(instruments_of(house), caller.ledger, caller.user, name))
    with caller.acting() as actor:
        looked = gate(actor.connection, name, datetime.now(UTC))
    return JSONResponse({**looked.to_json(), "found": [found_to_json(*one) for one in found.items()]})


def _listed(caller: Caller, kind: str) -> JSONResponse:
    with caller.acting() as actor:
        items = [records.to_values(one) for one in records.listed(actor, kind)]
    return JSONResponse({"items": items, "next": None})


def _shown(caller: Caller, kind: str, name: str) -> JSONResponse:
    try:
        with caller.acting() as actor:
            return JSONResponse(records.to_values(records.shown(actor, kind, name)))
    except NoSuchRecord:
        caller.refused(kind)
        raise


def _history(caller: Caller, kind: str, name: str) -> JSONResponse:
    try:
        with caller.acting() as actor:
            items = [records.to_values(one) for one in records.versions(actor, kind, name)]
    except NoSuchRecord:
        caller.refused(kind)
        raise
    return JSONResponse({"items": items, "next": None})


def _saved(caller: Caller, name: str, record: Provider | Application, version: int) -> JSONResponse:
    if record.name != name:
        raise BadRecord(f"name: the record is of {record.name}, and the address says {name}")
    saved = records.save(caller.engine, caller.ledger, caller.user, record, version=version)
    return JSONResponse({**records.to_values(saved.registered), "warnings": list(saved.warnings)})
