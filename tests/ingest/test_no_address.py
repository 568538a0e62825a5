"""Nothing that a document says makes the service fetch an address, and no folder is one.

What is never fetched needs no list of allowed hosts, no check of each hop, and no bound on what comes back.
"""

from __future__ import annotations

import ast
import socket
import zipfile
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from ingest.beneath import Root
from ingest.errors import NoSuchFolder
from ingest.sandbox import Sandbox
from tests.ingest.addresses import pointing_at
from tests.ingest.watched import read_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

INGEST: Final = Path(__file__).parents[2] / "ingest"
FETCHING: Final = {
    "aiohttp",
    "ftplib",
    "http",
    "httpx",
    "httpx2",
    "requests",
    "smtplib",
    "urllib",
    "urllib3",
    "websockets",
}
ADDRESSES: Final = [
    "http://outside.example/lamp",
    "https://169.254.169.254/latest/meta-data/",
    "http://[::1]:6333/collections",
    "http://0x7f.1/",
    "ftp://outside.example/lamp.png",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_document_makes_its_reader_try_an_address(
    address: str, documents: Mapping[str, bytes], tmp_path: Path
) -> None:
    """IN-02, IN-17, IN-18: no name is looked up, no address is tried, and the rest of the document is read."""
    files = pointing_at(address, documents)
    for name, content in files.items():
        assert address in _opened(content), name
        (tmp_path / name).write_bytes(content)
    assert read_all(tmp_path) == (len(files), [])


def test_a_server_on_this_machine_hears_nothing_of_a_document_that_names_it(documents: Mapping[str, bytes]) -> None:
    """IN-17: read as it is read in a run."""
    with _listening() as (server, address), Sandbox(1) as sandbox:
        for name, content in pointing_at(address, documents).items():
            assert sandbox.read(content, name).chunks, name
        assert not _heard(server)
        with socket.create_connection(server.getsockname(), timeout=5):
            assert _heard(server)  # it would have


@pytest.mark.parametrize(
    "place",
    [
        *ADDRESSES,
        "http://127.0.0.1/share",
        "http://2130706433/share",
        "http://a@outside.example#@b/",
        "file:///etc",
        "gopher://outside.example/1share",
        "smb://outside.example/share",
        r"\\outside.example\share",
        "//outside.example/share",
    ],
)
def test_a_folder_that_is_an_address_is_no_folder(place: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """IN-17, IN-18."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NoSuchFolder, match="there is no folder"), Root(Path(place)):
        pass
    (tmp_path / "share").mkdir()
    with Root(Path("share")):
        pass


def test_nothing_that_reads_documents_imports_what_could_fetch() -> None:
    for file in sorted(INGEST.rglob("*.py")):
        assert not _imported(file) & FETCHING, file.name


def _imported(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module, [each.name for each in node.names]) != _QUOTING:
            names.add((node.module or "").partition(".")[0])
    return names


_QUOTING: Final = ("urllib.parse", ["unquote"])  # which names parts of a book


def _opened(content: bytes) -> str:
    """Give all that a document says: out of its archive, without the zeros of UTF-16 and the broken lines of a mail."""
    if content.startswith(b"PK"):
        with zipfile.ZipFile(BytesIO(content)) as archive:
            return "\n".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())
    return content.replace(b"\0", b"").replace(b"=\n", b"").decode("utf-8", "replace")


@contextmanager
def _listening() -> Iterator[tuple[socket.socket, str]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        yield server, f"http://127.0.0.1:{server.getsockname()[1]}/lamp"


def _heard(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True
