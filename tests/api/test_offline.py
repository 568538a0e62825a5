"""Ingest and ask with the network cut off by the kernel: nothing is fetched, nothing phones home (SC-07)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from api.demo import sample_folder

if TYPE_CHECKING:
    from pathlib import Path

UNSHARE: Final = ("unshare", "--user", "--map-root-user", "--net")

# Brings up loopback inside of the namespace, notes every attempt to leave it, and runs the command.
PROGRAM: Final = """
import fcntl, json, socket, struct, sys

control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if sys.argv[1] == "cut":
    fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", 0x1))  # SIOCSIFFLAGS, IFF_UP

tried = []
def note(event, arguments):
    host = None
    if event == "socket.connect":
        host = arguments[1][0] if isinstance(arguments[1], tuple) else None
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    if host not in (None, "", "127.0.0.1", "::1", "localhost"):
        tried.append(str(host))
        raise OSError("blocked")
sys.addaudithook(note)

from api.cli import main
try:
    main(sys.argv[2:])
finally:
    print(json.dumps(tried), file=sys.stderr)
"""


def _namespaces() -> bool:
    if shutil.which(UNSHARE[0]) is None:
        return False
    return subprocess.run([*UNSHARE, "true"], check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize("how", ["cut", "watched"])
def test_ingest_and_ask_need_no_network(tmp_path: Path, how: str) -> None:
    """`cut`: no route to anywhere but loopback. `watched`: a route there may be, and nobody takes it."""
    if how == "cut" and not _namespaces():
        pytest.skip("this kernel gives no network namespaces to ordinary users; the watched run stands for it")

    def ntk(*arguments: str) -> tuple[int, str, list[str]]:
        prefix = UNSHARE if how == "cut" else ()
        done = subprocess.run(
            [*prefix, sys.executable, "-c", PROGRAM, how, *arguments], check=False, capture_output=True, text=True
        )
        return done.returncode, done.stdout, json.loads(done.stderr.splitlines()[-1])

    data = str(tmp_path / "demo")
    code, out, tried = ntk("demo", "--data", data, "--json")
    assert (code, tried) == (0, [])
    assert json.loads(out)["outcomes"].count("answered") == 3
    more = str(sample_folder() / "documents" / "handbook")
    code, out, tried = ntk(
        "ingest", more, "--collection", "again", "--readers", "group:staff", "--level", "internal", "--data", data
    )
    assert (code, tried) == (0, [])
    code, out, tried = ntk("ask", "How much may a hotel cost?", "--as", "user:odile", "--data", data)
    assert (code, tried) == (0, [])
    assert "[1]" in out
