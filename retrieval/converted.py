"""The converted model, kept from one start to the next in a folder that nobody else can write to.

What lies there is run as a program of tensors. So it is taken up only from a folder and from files that belong to
this user or to root and that others cannot change, and only if it is, byte by byte, what a conversion of the
pinned model left there. Else the model is converted again. The files are read first and looked at then: what was
compared is what is run.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from retrieval import openvino
from retrieval.errors import EmbedderDown
from retrieval.model_files import PINNED
from retrieval.openvino import STRUCTURE, WEIGHTS, Graph
from retrieval.private import opened, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Convert = Callable[[Path, Path], Graph]

_log = logging.getLogger("ntk")

MANIFEST: Final = "manifest.json"
UNFINISHED: Final = "new-"
_CONVERSION: Final = 600  # seconds that a conversion may take; it takes ten
_OTHERS_CONVERSION: Final = 120  # seconds to wait for another process that converts

# Modules are found where this process finds its own, and not where the command happens to be given.
_PROGRAM: Final = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); import retrieval.convert as c; c.main()"


@dataclass(frozen=True, slots=True)
class Origin:
    """What a conversion depends on. A kept one of another origin is of no use."""

    model: str
    converter: str
    openvino: str
    precision: str

    @classmethod
    def here(cls) -> Origin:
        """Give the origin of what would be converted now.

        Raises:
            EmbedderDown: OpenVINO does not load.
        """
        converter = hashlib.sha256(Path(__file__).with_name("convert.py").read_bytes()).hexdigest()
        return cls(PINNED["model.safetensors"], converter, openvino.version(), openvino.precision())

    @property
    def folder(self) -> str:
        """Name the folder for what is of this origin."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:16]


def converted(model: Path, cache: Path | None, convert: Convert | None = None) -> Graph:
    """Give the model in OpenVINO's form: the one that is kept, or else a new one, which is kept then.

    Args:
        model: The folder of the original, its files verified.
        cache: Where it is kept; without one, it is converted at each start.
        convert: What converts a model into a folder; a process of its own, if none is named.

    Raises:
        EmbedderDown: OpenVINO does not load, or what came of the conversion is not the same model.
    """
    convert = convert or convert_apart
    origin = Origin.here()
    if cache is None:
        return _in_no_cache(model, convert)
    if graph := kept(cache, origin):
        return graph
    try:
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _turn(cache):
            return kept(cache, origin) or _make(cache, origin, partial(convert, model))  # another may have been faster
    except OSError as error:
        _log.warning("%s cannot hold the converted embedding model (%s): each start converts it", cache, error.strerror)
    return _in_no_cache(model, convert)


def kept(cache: Path, origin: Origin) -> Graph | None:
    """Give what is kept of this origin, if it is there and as it was left."""
    try:
        with opened(cache) as top, opened(origin.folder, top) as folder:
            graph = Graph(read(STRUCTURE, folder), read(WEIGHTS, folder))
            return graph if read(MANIFEST, folder) == _manifest(origin, graph) else None
    except OSError:
        return None


def _manifest(origin: Origin, graph: Graph) -> bytes:
    sums = {
        STRUCTURE: hashlib.sha256(graph.structure).hexdigest(),
        WEIGHTS: hashlib.sha256(graph.weights).hexdigest(),
    }
    return json.dumps({"origin": asdict(origin), "sha256": sums}, indent=1).encode()


@contextmanager
def _turn(cache: Path) -> Iterator[None]:
    """Let one process convert at a time. When it ends, however that comes, it is the next one's turn."""
    with opened(cache) as top, opened("lock", top, os.O_RDWR | os.O_CREAT) as lock:
        last = time.monotonic() + _OTHERS_CONVERSION
        while not _locked(lock):
            if time.monotonic() > last:
                raise TimeoutError(None, "another process has been converting it for too long")
            time.sleep(0.1)
        yield


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _make(cache: Path, origin: Origin, convert: Callable[[Path], Graph]) -> Graph:
    for left in cache.glob(f"{UNFINISHED}*"):  # by a process that was killed: it is this one's turn
        _remove(left)
    new = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=cache))  # for this user alone
    try:
        graph = convert(new)
        (new / MANIFEST).write_bytes(_manifest(origin, graph))
        for file in new.iterdir():
            file.chmod(0o600)
        _remove(cache / origin.folder)  # it was not fit to be taken up
        new.rename(cache / origin.folder)
    finally:
        _remove(new)
    return graph


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _in_no_cache(model: Path, convert: Convert) -> Graph:
    try:
        with tempfile.TemporaryDirectory() as private:
            return convert(model, Path(private))
    except OSError as error:
        raise EmbedderDown(f"there is no room to convert the embedding model: {error.strerror}") from error


def convert_apart(model: Path, target: Path) -> Graph:
    """Convert in a process of its own, and give what it left in the target folder.

    Raises:
        EmbedderDown: It failed.
        OSError: Its result cannot be read.
    """
    _log.warning("preparing the embedding model, once: this takes some ten seconds")
    command = [sys.executable, "-I", "-c", _PROGRAM, json.dumps(sys.path), str(model.absolute()), str(target)]
    try:
        run = subprocess.run(  # noqa: S603 - this interpreter, our own module
            command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_CONVERSION
        )
    except subprocess.TimeoutExpired as error:
        raise EmbedderDown("the conversion of the embedding model does not end") from error
    if run.returncode:
        last = run.stderr.strip().rpartition("\n")[2]
        raise EmbedderDown(f"the embedding model cannot be converted: {last or run.returncode}")
    return Graph((target / STRUCTURE).read_bytes(), (target / WEIGHTS).read_bytes())
