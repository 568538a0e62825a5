"""A JSON body that every reader understands in the same way; any other is refused before it is looked into."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NoReturn

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from starlette.responses import Response

MAX_NAMES: Final = 100  # in one object: every unknown one is told to the caller, in a response that must stay short
_MAX_DIGITS: Final = 20


def one_meaning(body: bytes) -> Any:
    """Read JSON in UTF-8 that has no name twice in an object, and no number that JSON does not know.

    Of two equal names, one reader takes the first and another the last: what stands in front of the service
    and looks into a body must see what the service answers.

    Raises:
        json.JSONDecodeError: It is no JSON.
        ValueError: It is none of this kind; nothing of it stands in the message.
    """
    try:
        # The text, not the bytes: of bytes, json.loads guesses whether they are UTF-16.
        return json.loads(body.decode(), object_pairs_hook=_object, parse_int=_integer, parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise ValueError("it is not in UTF-8") from error
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


class OneMeaning(APIRoute):
    """A route whose JSON body is read by `one_meaning`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Give the handler of the route, for a request that reads its body in this way."""
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(_Request(request.scope, request.receive))

        return strict


class _Request(Request):
    async def json(self) -> Any:
        try:
            return one_meaning(await self.body())
        except json.JSONDecodeError:
            raise  # the framework tells the place
        except ValueError as error:
            raise HTTPException(400, f"the body cannot be read: {error}") from error


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_NAMES:
        raise ValueError(f"an object in it has more than {MAX_NAMES} names")
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("an object in it has the same name twice")
    return made


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError("a number in it is too long")
    return int(digits)


def _no_number(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no numbers")
