"""The master keys at hand, what comes of them, and what does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from store.envelope import new_key
from store.errors import CannotDecrypt, KeyNotHeld, SecretMissing, SecretsDown
from store.keys import Keys, MasterKeys, id_of, masters_in, open_secret, seal_secret

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW, SECRET = new_key(), new_key(), new_key()
PURPOSES = ("documents", "tokens", "requests", "slips")


def keys_of(*masters: bytes, secret: bytes = SECRET) -> Keys:
    return Keys.of(MasterKeys(lambda: masters), secret)


def all_of(keys: Keys, id_: str) -> list[bytes]:
    return [*(getattr(keys, purpose)(id_) for purpose in PURPOSES), keys.sources, keys.audit, bytes.fromhex(keys.name)]


def test_each_purpose_has_a_key_of_its_own_and_none_is_the_master_key() -> None:
    keys = keys_of(OLD, NEW)
    under_both = {*all_of(keys, id_of(OLD)), *all_of(keys, id_of(NEW)), OLD, NEW, SECRET}
    assert len(under_both) == 2 * len(PURPOSES) + 3 + 3
    assert all_of(keys, id_of(OLD)) == all_of(keys_of(OLD), id_of(OLD))
    assert id_of(OLD) != id_of(NEW)


def test_keyed_hashes_do_not_change_with_the_master_key() -> None:
    old, new, others = keys_of(OLD), keys_of(NEW), keys_of(OLD, secret=new_key())
    assert (old.sources, old.audit, old.name) == (new.sources, new.audit, new.name)
    assert {old.sources, old.audit, old.name}.isdisjoint({others.sources, others.audit, others.name})


def test_keys_are_not_shown() -> None:
    """AL-08."""
    keys = keys_of(OLD)
    for key in [OLD, SECRET, *all_of(keys, id_of(OLD))[:-1]]:
        assert repr(key) not in repr(keys)
        assert key.hex() not in repr(keys)


def test_the_secret_opens_with_its_master_key_alone() -> None:
    both = MasterKeys(lambda: [NEW, OLD])
    sealed = seal_secret(both, id_of(OLD), SECRET)
    assert open_secret(MasterKeys(lambda: [OLD]), id_of(OLD), sealed) == SECRET
    with pytest.raises(CannotDecrypt):
        open_secret(both, id_of(NEW), sealed)
    with pytest.raises(KeyNotHeld):
        open_secret(MasterKeys(lambda: [NEW]), id_of(OLD), sealed)


def test_a_key_that_is_not_known_yet_is_looked_for_and_found() -> None:
    """FT-18: somebody else has put it there since."""
    there = [OLD]
    masters = MasterKeys(lambda: there)
    with pytest.raises(KeyNotHeld):
        MasterKeys(lambda: [OLD]).key("tokens", id_of(NEW))
    there.insert(0, NEW)
    assert masters.newest == id_of(OLD)
    assert masters.key("tokens", id_of(NEW)) == keys_of(NEW).tokens(id_of(NEW))
    assert masters.newest == id_of(NEW)
    assert masters.holds(id_of(OLD))


def test_a_key_that_is_at_hand_stays_so_when_it_was_taken_away() -> None:
    there = [OLD]
    masters = MasterKeys(lambda: there)
    there[:] = [NEW]
    masters.refresh()
    assert masters.key("tokens", id_of(OLD)) == keys_of(OLD).tokens(id_of(OLD))


def test_a_key_that_is_nowhere_is_not_asked_for_all_the_time() -> None:
    asked, now = 0, 100.0

    def read() -> list[bytes]:
        nonlocal asked
        asked += 1
        return [OLD]

    masters = MasterKeys(read, clock=lambda: now)
    for _ in range(50):
        with pytest.raises(KeyNotHeld, match=id_of(NEW)):
            masters.key("tokens", id_of(NEW))
    assert asked == 2
    now += 6
    with pytest.raises(KeyNotHeld):
        masters.key("tokens", id_of(NEW))
    assert asked == 3
    assert masters.key("tokens", id_of(OLD))


def test_what_names_no_key_does_not_open() -> None:
    with pytest.raises(KeyNotHeld, match="none"):
        MasterKeys(lambda: [OLD]).key("tokens", None)


def test_a_secrets_manager_that_is_down_means_no() -> None:
    """DR-06: what is at hand goes on to open."""
    down = False

    def read() -> list[bytes]:
        if down:
            raise SecretsDown("no answer within 8 s")
        return [OLD]

    masters = MasterKeys(read)
    down = True
    with pytest.raises(KeyNotHeld, match="no answer within"):
        masters.key("tokens", id_of(NEW))
    assert masters.key("tokens", id_of(OLD))


def test_a_secret_may_hold_several_keys(tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    for text, masters in ((OLD.hex(), [OLD]), (f"{NEW.hex()} {OLD.hex()}\n", [NEW, OLD])):
        file.write_text(text)
        file.chmod(0o600)
        assert masters_in("file:master.key", tmp_path) == masters


@pytest.mark.parametrize("rest", ["x", " 00", f" {'g' * 64}", f",{'0' * 64}", f"\n{'0' * 64}", " " + "0" * 63])
def test_a_secret_that_holds_something_else_is_none_and_is_not_shown(tmp_path: Path, rest: str) -> None:
    """AL-08."""
    (tmp_path / "master.key").write_text(OLD.hex() + rest)
    (tmp_path / "master.key").chmod(0o600)
    with pytest.raises(SecretMissing) as told:
        masters_in("file:master.key", tmp_path)
    assert OLD.hex()[:8] not in str(told.value)
