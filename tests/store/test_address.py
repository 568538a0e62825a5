from __future__ import annotations

import pytest

from store.address import is_near


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1", "127.8.0.1", "::1", "[::1]", "10.0.0.7", "172.31.9.9", "192.168.1.1", "fd00::7"],
)  # fmt: skip
def test_this_machine_and_private_addresses_are_near(host: str) -> None:
    assert is_near(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "llm.example",
        "localhost.evil.example",
        "10.0.0.7.evil.example",
        "8.8.8.8",
        "172.32.0.1",
        "192.169.0.1",
        "169.254.169.254",  # the metadata service of a cloud
        "fe80::1",
        "0.0.0.0",
        "::",
        "::ffff:8.8.8.8",
        "2130706433",  # 127.0.0.1 as a number, which some resolvers take
        "0x7f.1",
        "010.0.0.1",
        "2001:db8::1",
        "127.0.0.1 ",
    ],
)
def test_nothing_else_is(host: str) -> None:
    assert not is_near(host)
