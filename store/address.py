"""Which addresses are near enough for a connection without TLS."""

from __future__ import annotations

import ipaddress
from typing import Final

# By name, not by `is_private`, which counts link-local addresses (a cloud's metadata service) and test networks too.
_NEAR: Final = [
    ipaddress.ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
]


def is_near(host: str) -> bool:
    """Say whether a host is this machine or has a private address; a name other than localhost is neither."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return any(address in network for network in _NEAR)
