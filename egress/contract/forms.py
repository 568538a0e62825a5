"""Records as they are written by hand: YAML in, a checked value out, and errors that say where."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from egress.errors import BadRecord

if TYPE_CHECKING:
    from audit.chain import Json

_MOST: Final = 200_000  # characters of a record
_REMEMBERED: Final = 64  # records
T = TypeVar("T", bound=BaseModel)


def read_yaml(model: type[T], text: str, what: str) -> T:
    """Read a record from YAML.

    Raises:
        BadRecord: It is none; the message names each place that is wrong.
    """
    if len(text) > _MOST:
        raise BadRecord(f"{what}: {len(text)} characters; at most {_MOST} are read")
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BadRecord(f"{what}: this is no YAML: check its indentation and quotes") from error
    return validated(model, value, what)


def validated(model: type[T], value: Any, what: str) -> T:
    """Check values against the form of a record.

    Raises:
        BadRecord: They do not fit; the message names each place that is wrong.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        places = error.errors(include_input=False, include_url=False)
        wrong = "; ".join(f"{'.'.join(map(str, one['loc'])) or what}: {one['msg']}" for one in places)
        raise BadRecord(f"{what}: {wrong}") from error


def read_kept(model: type[T], text: str, what: str) -> T:
    """Read a record from the text that it is kept as: JSON, with the values under `record`.

    Raises:
        BadRecord: It cannot be read, or does not fit.
    """
    return _read_kept(model, text, what)  # type: ignore[return-value]  # a cache has no type variables


@lru_cache(maxsize=_REMEMBERED)
def _read_kept(model: type[BaseModel], text: str, what: str) -> BaseModel:
    # A text has one meaning, and what comes of it is frozen: several gates of a question read the same few. Which
    # text holds is asked of the database each time. What cannot be read is not remembered.
    try:
        value = json.loads(text)["record"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadRecord(f"{what} cannot be read") from error
    return validated(model, value, what)


def to_json(record: BaseModel) -> dict[str, Json]:
    """Give a record as it is kept; `validated` reads it back."""
    kept: dict[str, Json] = record.model_dump(mode="json")
    return kept
