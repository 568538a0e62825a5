"""A master key is rotated while a service runs, by two at once, and by one that is killed."""

from __future__ import annotations

import shutil
import threading
from typing import TYPE_CHECKING

from api.errors import Exit
from api.wiring import open_store_at
from redaction.vault import Vault
from store.folder import Layout, rotating
from store.keys import id_of
from tests.api.conftest import refused
from tests.api.master_keys import NEVER, SOAK, data, killed, masters, on_sqlite, rotated, status, trail
from tests.api.sealed import ANNA, JANE, fill, opens, opens_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.conftest import Ntk

__all__ = ["data", "on_sqlite"]


def test_a_service_that_runs_goes_on_and_seals_under_the_new_key(ntk: Ntk, data: Path) -> None:
    """FT-18: it was opened before, and is told nothing."""
    filled = fill(data, documents=120, conversations=120, requests=2)
    some = [*filled.conversations][::6]
    with open_store_at(data) as running:
        vault = Vault(running.store.engine, running.store.keys.tokens)
        assert opens_in(running.store, filled)
        fresh, stopped, failed = list[str](), threading.Event(), list[BaseException]()

        def go_on() -> None:
            try:
                while not stopped.is_set():
                    fresh.append(vault.enter(None, ANNA))
                    assert vault.issue(fresh[-1], ANNA)([JANE])
                    assert opens_in(running.store, filled, some)
            except BaseException as error:  # noqa: BLE001 - told in the thread that can fail the test
                failed.append(error)

        threads = [threading.Thread(target=go_on) for _ in range(4)]
        for thread in threads:
            thread.start()
        told = ntk("master-key", "rotate", "--json", "--data", data)
        stopped.set()
        for thread in threads:
            thread.join()
        assert not failed
        rotated(told)
        vault.enter(None, ANNA)
        assert ntk("master-key", "retire", "--data", data).code == Exit.YES
        assert opens_in(running.store, filled)
        assert all(vault.recall(begun, ANNA).surfaces for begun in fresh)
    current = status(ntk, data)
    assert len(current) == 1
    assert current[0]["conversations"] == 120 + len(fresh) + 1
    assert opens(data, filled)


def test_a_second_one_is_refused(ntk: Ntk, on_sqlite: Path) -> None:
    before = masters(on_sqlite)
    for command in ("rotate", "retire"):
        with rotating(Layout(on_sqlite)):
            refused(ntk("master-key", command, "--data", on_sqlite), "rotation-busy", Exit.PARTLY, "wait")
    assert masters(on_sqlite) == before


def test_a_rotation_that_is_killed_at_any_step_loses_nothing_and_goes_on(ntk: Ntk, on_sqlite: Path) -> None:
    """FT-01, PT-10. With NTK_TEST_SOAK, at every step."""
    filled = fill(on_sqlite, documents=130, conversations=120, requests=2)
    whole = on_sqlite.with_name("whole")
    shutil.copytree(on_sqlite, whole)
    steps = killed(NEVER, whole, "rotate")
    assert steps > 8
    for step in range(1, steps + 1) if SOAK else (1, 2, 3, 4, steps // 2, steps):
        place = on_sqlite.with_name(f"killed-{step}")
        shutil.copytree(on_sqlite, place)
        killed(step, place, "rotate")
        assert opens(place, filled)
        told = rotated(ntk("master-key", "rotate", "--json", "--data", place))
        assert opens(place, filled)
        assert len(masters(place)) == 2  # whatever it had made was used, and no other was made
        assert told["key"] == id_of(bytes.fromhex(masters(place)[0]))
        assert trail(place)[-2:] == ["master-key.rotated", "master-key.left"]
        assert ntk("master-key", "retire", "--data", place).code == Exit.YES
        assert opens(place, filled)
        shutil.rmtree(place)


def test_a_rotation_on_postgresql_that_is_killed_goes_on(ntk: Ntk, data: Path) -> None:
    """FT-01, PT-10: again and again, on one database."""
    filled = fill(data, documents=130, conversations=120, requests=2)
    for step in (1, 2, 3, 4):
        killed(step, data, "rotate")
        assert opens(data, filled)
    rotated(ntk("master-key", "rotate", "--json", "--data", data))
    assert ntk("master-key", "retire", "--data", data).code == Exit.YES
    assert len(masters(data)) == 1
    assert opens(data, filled)


def test_a_retirement_that_is_killed_can_be_repeated(ntk: Ntk, on_sqlite: Path) -> None:
    filled = fill(on_sqlite, documents=1, conversations=1, requests=1)
    rotated(ntk("master-key", "rotate", "--json", "--data", on_sqlite))
    new, old = masters(on_sqlite)
    whole = on_sqlite.with_name("whole")
    shutil.copytree(on_sqlite, whole)
    for step in range(1, killed(NEVER, whole, "retire") + 1):
        place = on_sqlite.with_name(f"killed-{step}")
        shutil.copytree(on_sqlite, place)
        killed(step, place, "retire")
        assert opens(place, filled)
        assert ntk("master-key", "retire", "--data", place).code == Exit.YES
        assert masters(place) == [new]
        (put_away,) = place.glob("master.key.former-*")
        assert put_away.read_text().strip() == old
        assert opens(place, filled)
