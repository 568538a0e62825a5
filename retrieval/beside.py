"""Another process that tidies the files of an index: in this one the engine would hold the interpreter meanwhile."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import site
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from retrieval.edge import EdgeIndex
from retrieval.errors import IndexDown
from retrieval.plan import PLAN, Plan

if TYPE_CHECKING:
    import threading

Build = Callable[[Path], bool]

_LOOK_EVERY: Final = 0.2  # seconds
_NICE: Final = 10  # questions go first
_DIE_WITH_PARENT: Final = 1  # PR_SET_PDEATHSIG of Linux
_NOTHING, _DONE = 0, 10


def tidied_beside(folder: Path, dimension: int, end: threading.Event, plan: Plan = PLAN) -> bool:
    """Tidy the files in a folder, which nobody has open; say whether there was anything to do.

    Args:
        folder: Of an index in process.
        dimension: Of its vectors.
        end: Set by whoever does not want to wait any longer; the other process ends then.
        plan: How it is laid out.

    Raises:
        IndexDown: It was ended, or has failed. What is in the folder may be half of something.
    """
    roots = (str(Path(__file__).parents[1]), *site.getsitepackages())
    process = subprocess.Popen(  # noqa: S603 - our own interpreter, with our own module
        [sys.executable, "-P", "-s", "-m", "retrieval.beside", str(folder), str(dimension), json.dumps(asdict(plan))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={"PYTHONPATH": os.pathsep.join(roots)},  # no settings, no secrets
        start_new_session=True,
    )
    try:
        while process.poll() is None:
            if end.wait(_LOOK_EVERY):
                raise IndexDown("the service ends")
    finally:
        process.kill()
        status = process.wait()
    if status not in (_NOTHING, _DONE):
        raise IndexDown(f"the process that tidies has failed (status {status})")
    return status == _DONE


def _main(folder: str, dimension: str, plan: str) -> int:
    with suppress(OSError, AttributeError):  # other systems have no such call: there it ends when it is done
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    os.nice(_NICE)
    index = EdgeIndex(Path(folder), int(dimension), plan=Plan(**json.loads(plan)))
    try:
        return _DONE if index.tidy() else _NOTHING
    finally:
        index.close()


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
