"""Who tries the points of a gate: this process, if it can have the data folder, or the service that has it."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from pydantic import BaseModel

from api.auth import principal_tried
from egress.trials.found import Found, Instruments
from egress.trials.run import tried
from store.errors import DataFolderBusy, NotADemo
from store.folder import Layout, served_at
from store.key_ring import KeyRing
from store.secret import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from acl.names import UserId
    from api.auth import Installation
    from api.wiring import House
    from audit.chain import Json


class _FoundOut(BaseModel):
    point: str
    passed: bool | None
    why: str


class _Checked(BaseModel):
    found: list[_FoundOut]


def instruments_of(house: House) -> Instruments:
    """Give the parts that answer questions."""
    answering = house.answering
    return Instruments(
        engine=house.store.engine,
        index=answering.index,
        embed=answering.embed,
        permit=answering.permit,
        recognisers=answering.recognisers,
        principal=principal_tried,
        secret=KeyRing(house.settings.keys, partial(read, base=house.store.layout.root)).secret,
        rules=answering.rules,
    )


def tried_for(
    data: Path, application: str, actor: Callable[[Installation], UserId], *, as_user: str | None, key: str
) -> Iterator[tuple[str, Found]]:
    """Try what is measured of an application, here or in the service that has the data folder.

    Args:
        data: The data folder.
        application: Its name, without `app:`.
        actor: Gives who has it tried here.
        as_user: The user of `--as`, for whom no service does anything.
        key: The API key that the service gets.

    Raises:
        DataFolderBusy: Somebody else has the data folder, who is no service.
        NotSignedIn, NotADemo, NoAnswer: The service does not do it for whoever asks.
        Exception: As `open_house` and `tried`.
    """
    from api.wiring import open_house, require_whole_index  # noqa: PLC0415 - it imports all that answers questions

    with ExitStack() as stack:
        try:
            house = stack.enter_context(open_house(data))
        except DataFolderBusy:
            if (url := served_at(Layout(data))) is None:
                raise
            if as_user is not None:
                raise NotADemo(f"--as is for a data folder that no server has: for {url}, set NTK_KEY") from None
            yield from _through(url, key, application)
            return
        require_whole_index(house)
        yield from tried(instruments_of(house), house.ledger, actor(house), application)


def _through(url: str, key: str, application: str) -> Iterator[tuple[str, Found]]:
    from api.remote import Server  # noqa: PLC0415 - a client, for who goes through a service alone

    with Server(url, key) as server:
        _, body = server.ask("POST", f"/api/v1/applications/{quote(application, safe='')}/gate/check")
        for one in server.read(_Checked, body).found:
            yield one.point, Found(one.passed, one.why)


def found_to_json(point: str, found: Found) -> dict[str, Json]:
    """Give what a trial found as JSON values."""
    return {"point": point, "passed": found.passed, "why": found.why, "numbers": dict(found.numbers)}
