from __future__ import annotations

import socket

import numpy as np
import pytest

from retrieval.embed import Embed, checked


@pytest.mark.parametrize("host", ["192.0.2.1", "198.51.100.7", "2001:db8::1"])
def test_a_connection_that_leaves_the_machine_is_blocked(host: str, blocked: list[str]) -> None:
    """SC-07."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as client, pytest.raises(OSError, match="a test connects"):
        client.connect((host, 443))
    with socket.socket(family) as client, pytest.raises(OSError, match="a test connects"):
        client.connect_ex((host, 443))
    with socket.socket(family, socket.SOCK_DGRAM) as client, pytest.raises(OSError, match="a test connects"):
        client.sendto(b"?", (host, 53))
    assert blocked == [host] * 3
    blocked.clear()


def test_a_name_is_not_looked_up(blocked: list[str]) -> None:
    """SC-07: a look-up tells a name server what was asked."""
    with pytest.raises(OSError, match="a test looks"):
        socket.gethostbyname("one.example")
    with pytest.raises(OSError, match="a test looks"):
        socket.getaddrinfo("two.example", 443)
    with pytest.raises(OSError, match="a test looks"):
        socket.create_connection(("three.example", 443))
    assert blocked == ["one.example", "two.example", "three.example"]
    blocked.clear()


def test_a_connection_within_the_machine_works() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5) as client,
        server.accept()[0] as accepted,
    ):
        accepted.sendall(b"x")
        assert client.recv(1) == b"x"
    left, right = socket.socketpair()
    with left, right:
        left.sendall(b"x")
        assert right.recv(1) == b"x"


def test_the_fake_embedder_keeps_the_promises_of_the_port(hash_embed: Embed) -> None:
    texts = ["hotels are paid", "hotels are booked", "the boiler is old", "", "\ud800"]
    vectors = checked(hash_embed(texts), len(texts))
    assert np.array_equal(vectors, hash_embed(texts))
    near, far = vectors[0] @ vectors[1], vectors[0] @ vectors[2]
    assert near > far
    assert hash_embed([]).shape == (0, 384)
