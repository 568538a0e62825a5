"""The matrix over HTTP: what holds, how each provider stands in it, and a change of it, which takes two."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field

from acl.labels import PUBLIC
from api.body import OneMeaning
from api.caller import Body, Calling
from egress.contract.change import ask_for_matrix
from egress.contract.explained import cell_of
from egress.contract.forms import to_json, validated
from egress.contract.matrix import NAME, Class, Matrix, matrix_now, verdict_of
from egress.contract.provider import Provider, ending_soon, terms_of, warnings_of
from egress.contract.records import PROVIDER, listed

if TYPE_CHECKING:
    from datetime import date

    from audit.chain import Json
    from egress.contract.register import Registered

router = APIRouter(prefix="/api/v1", route_class=OneMeaning)


class MatrixIn(Body):
    """Another matrix."""

    matrix: dict[str, Any] = Field(description="The whole matrix; `ntk matrix schema` says its form.")
    reason: str = Field(
        min_length=1, max_length=500, pattern=r"^[^\x00]*$", description="Why; a second person reads it."
    )


@router.get("/matrix")
def get_matrix(caller: Calling) -> JSONResponse:
    """Show the matrix that holds, which anybody may know, and how the providers stand in it that the caller manages."""
    today = datetime.now(UTC).date()
    with caller.acting() as actor:
        matrix, version = matrix_now(actor.connection)
        providers = [column_of(matrix, kept, today) for kept in listed(actor, PROVIDER)]
    return JSONResponse({"version": version, "matrix": to_json(matrix), "providers": providers})


@router.put("/matrix", status_code=202)
def put_matrix(body: MatrixIn, caller: Calling) -> JSONResponse:
    """Ask for another matrix. It waits for a second administrator, and holds from then on."""
    matrix = validated(Matrix, body.matrix, NAME)
    asked = ask_for_matrix(caller.engine, caller.ledger, caller.user, matrix, body.reason)
    waits = {"approval": asked.id, "reasons": list(asked.reasons), "expires_at": asked.expires_at.isoformat()}
    return JSONResponse(waits, status_code=202)


def column_of(matrix: Matrix, kept: Registered, today: date) -> dict[str, Json]:
    """Say how a provider stands in a matrix on a day, as JSON values."""
    record = validated(Provider, kept.record, kept.name)
    terms = terms_of(record, kept.version, today)
    return {
        "name": kept.name,
        "version": kept.version,
        "kind": terms.kind,
        "active": terms.active,
        "host": record.host,
        "rule": verdict_of(matrix, PUBLIC, terms).rule,
        "warnings": list(warnings_of(record, today)),
        "ends_soon": {name: until.isoformat() for name, until in ending_soon(record, today).items()},
        "cells": [cell_of(matrix, name, terms).to_json() for name in Class],
    }
