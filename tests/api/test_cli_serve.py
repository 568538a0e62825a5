"""The command line serves: an address is had before it is promised."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from api.cli import _listening
from api.errors import Exit
from tests.api.conftest import make_site, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrieval.embed import Embedder
    from tests.api.conftest import Ntk, Site


@pytest.fixture
def site(tmp_path: Path, embedder: Embedder) -> Site:
    """The installation with the vectors of the real model, which the commands load."""
    return make_site(tmp_path, embedder)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_an_address_that_cannot_be_had_is_told_before_anything_is_promised(ntk: Ntk, site: Site, taken: int) -> None:
    ran = ntk("serve", "--port", taken, "--data", site.data)
    refused(ran, "cannot-listen", Exit.MISUSE, f"port {taken}", "another program", "--port")
    for host in ("192.0.2.7", "a" * 70, "2001:db8::7"):
        ran = ntk("serve", "--host", host, "--port", taken, "--data", site.data)
        refused(ran, "cannot-listen", Exit.MISUSE, host, "no address of this machine")


def test_an_address_that_can_be_had_is_served_without_torch(site: Site, taken: int) -> None:
    """What is promised on the first line holds from that line on."""
    program = "import sys; from api.cli import main; main(sys.argv[1:])"
    arguments = ["serve", "--host", "127.0.0.2", "--port", str(taken), "--data", str(site.data)]
    process = subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        promised = process.stdout.readline()
        assert promised.startswith(f"Need to Know is on http://127.0.0.2:{taken}/")
        with urllib.request.urlopen(f"http://127.0.0.2:{taken}/healthz", timeout=60) as response:
            assert response.status == 200
        mapped = Path(f"/proc/{process.pid}/maps").read_text("utf-8")
        assert "openvino" in mapped
        assert "torch" not in mapped
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == Exit.YES


def test_no_answer_waits_for_the_receipt_of_its_head() -> None:
    """With Nagle's algorithm, each answer of a kept connection takes 40 ms more."""
    with _listening("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
