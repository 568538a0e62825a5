"""A service purges what has ended, at its start and once an hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from acl.labels import Level
from api.purging import EVERY, Hourly, purging
from api.settings import load_settings
from api.wiring import open_house
from store.engine import snapshot, write
from store.folder import Layout
from store.schema import conversation

if TYPE_CHECKING:
    from api.wiring import House
    from retrieval.embed import Embed
    from tests.sites import Site


def begun(house: House, *, ended: bool) -> str:
    id_ = house.answering.vault.enter(None, "user:anna")
    if ended:
        with write(house.store.engine) as connection:
            past = datetime.now(UTC) - timedelta(seconds=1)
            connection.execute(update(conversation).where(conversation.c.id == id_).values(expires_at=past))
    return id_


def there(house: House) -> set[str]:
    with snapshot(house.store.engine) as connection:
        return set(connection.scalars(select(conversation.c.id)))


def test_what_has_ended_is_gone_when_a_house_is_opened(site: Site, hash_embed: Embed) -> None:
    with open_house(site.data, hash_embed) as house:
        kept, _ = begun(house, ended=False), begun(house, ended=True)
    with open_house(site.data, hash_embed) as house:
        assert there(house) == {kept}


def test_a_service_purges_once_an_hour(house: House) -> None:
    ended, now = begun(house, ended=True), [0.0]
    hourly = purging(house, lambda: now[0])
    hourly()
    now[0] = EVERY - 1
    hourly()
    assert there(house) == {ended}
    now[0] = EVERY
    hourly()
    assert there(house) == set()
    again = begun(house, ended=True)
    now[0] = 2 * EVERY - 1
    hourly()
    assert there(house) == {again}


def test_what_could_not_be_purged_is_tried_again(house: House) -> None:
    now, tries = [0.0], []

    def fail() -> None:
        tries.append(now[0])
        raise OSError("no disk")

    hourly = Hourly(fail, lambda: now[0])
    for second in (EVERY, EVERY + 1):
        now[0] = second
        with pytest.raises(OSError, match="no disk"):
            hourly()
    assert tries == [EVERY, EVERY + 1]


def test_the_days_are_set_by_level_and_shorter_for_what_is_higher(site: Site) -> None:
    layout = Layout(site.data)
    assert load_settings(layout).retention.keeping().days(Level.RESTRICTED) == 0
    with layout.settings.open("a", encoding="utf-8") as file:
        file.write("\n[retention]\nconfidential = 3\ninternal = 10\n")
    keeping = load_settings(layout).retention.keeping()
    assert [keeping.days(level) for level in Level] == [30, 10, 3, 0]
