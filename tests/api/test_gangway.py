"""Files in memory are few, in their order, and nobody keeps room that he does not use."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import anyio
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from api.gangway import Gangway

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Message

NOW = timedelta(0)
LONG = timedelta(seconds=30)


def run(test: Callable[[], Awaitable[None]]) -> None:
    anyio.run(test)


async def through(gangway: Gangway, size: int, name: str, told: list[str], leave: anyio.Event) -> None:
    async with gangway.room(size):
        told.append(name)
        await leave.wait()


def test_who_comes_when_it_is_full_waits_for_his_turn() -> None:
    async def test() -> None:
        gangway, told, leave = Gangway(2, 100), list[str](), anyio.Event()
        async with anyio.create_task_group() as tasks:
            for number, size in enumerate((50, 40, 90, 1)):
                tasks.start_soon(through, gangway, size, str(number), told, leave)
                await anyio.wait_all_tasks_blocked()
            assert told == ["0", "1"]  # 3 would have room, and does not overtake 2
            leave.set()
        assert told == ["0", "1", "2", "3"]

    run(test)


def test_who_waits_too_long_is_told_to_come_again_and_leaves_no_trace() -> None:
    async def test() -> None:
        gangway = Gangway(1, 100, patience=NOW)
        async with gangway.room(1):
            with pytest.raises(HTTPException) as refused:
                async with gangway.room(1):
                    raise AssertionError
            assert (refused.value.status_code, refused.value.headers) == (503, {"Retry-After": "5"})
        async with gangway.room(100):
            pass

    run(test)


def test_room_is_free_again_after_an_error_and_after_being_given_up() -> None:
    async def test() -> None:
        gangway, told, leave = Gangway(1, 100), list[str](), anyio.Event()
        with pytest.raises(ZeroDivisionError):
            async with gangway.room(100):
                raise ZeroDivisionError
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(through, gangway, 100, "first", told, leave)
            tasks.start_soon(through, gangway, 100, "second", told, leave)  # it waits, and is given up as well
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        assert told == ["first"]
        leave.set()
        await through(gangway, 100, "third", told, leave)
        assert told == ["first", "third"]

    run(test)


async def received(gangway: Gangway, *messages: Message) -> bytes:
    left = list(messages)

    async def receive() -> Message:
        if not left:
            await anyio.sleep_forever()
        return left.pop(0)

    return await gangway.body(Request({"type": "http", "method": "PUT", "headers": []}, receive))


def part(body: bytes, *, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_is_read_to_its_end() -> None:
    async def test() -> None:
        assert await received(Gangway(), part(b"a", more=True), part(b"b", more=False)) == b"ab"
        assert await received(Gangway(), part(b"", more=False)) == b""

    run(test)


@pytest.mark.parametrize(("last", "status"), [([], 408), ([{"type": "http.disconnect"}], 400)])
def test_a_body_that_ends_too_early_is_none(last: list[Message], status: int) -> None:
    """AP-03: neither half of a file nor a slow sender is waited for."""

    async def test() -> None:
        with pytest.raises(HTTPException) as refused:
            await received(Gangway(silence=timedelta(milliseconds=1)), part(b"a", more=True), *last)
        assert refused.value.status_code == status

    run(test)


def test_what_takes_its_time_runs_beside_the_loop() -> None:
    async def test() -> None:
        assert await Gangway().aside(partial(pow, 2, 10)) == 1024

    run(test)
