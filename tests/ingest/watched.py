"""Scripts in a process of their own, with a watch on every way out of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
MUZZLE = {"DO_NOT_TRACK", "SCARF_NO_ANALYTICS", "UNSTRUCTURED_DISABLE_NOTICE"}

# Refuses and notes every way out of the process, also those that swallow their errors.
WATCH = """
import json, sys
attempts = []
def watch(event, arguments):
    if event in {"socket.getaddrinfo", "socket.connect", "socket.sendto", "subprocess.Popen", "os.posix_spawn"}:
        target = str(arguments[1 if event in {"socket.connect", "socket.sendto"} else 0])
        if "127.0.0.1" not in target:
            attempts.append([event, target])
            raise OSError("no way out")
sys.addaudithook(watch)
"""


def run(script: str, *arguments: str) -> Any:
    """Run a script in a process of its own, without the muzzle in its environment; it prints JSON last."""
    environment = {name: value for name, value in os.environ.items() if name not in MUZZLE}
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        check=True,
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env=environment,
        timeout=120,
    )
    return json.loads(done.stdout.splitlines()[-1])


def read_all(folder: Path) -> tuple[int, list[list[str]]]:
    """Read the files of a folder, and give how many had any text, and each way out that was tried."""
    count, attempts = run(
        f"""{WATCH}
from pathlib import Path
from ingest.chunk import chunk
from ingest.parse import parse_bytes
files = sorted(Path(sys.argv[1]).iterdir())
count = sum(bool(chunk(parse_bytes(file.read_bytes(), file.name), len, limit=900)) for file in files)
print(json.dumps([count, attempts]))
""",
        str(folder),
    )
    return count, attempts
