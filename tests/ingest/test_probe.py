"""Which guards hold is found out by trying."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from ingest import landlock
from ingest.probe import Guard, confinement

REPOSITORY = Path(__file__).parents[2]


def test_the_guards_that_this_kernel_grants_hold() -> None:
    """IN-01, IN-02."""
    granted = {Guard.NETWORK, Guard.MEMORY}
    granted |= {Guard.DESCENDANTS} if Path("/proc/sys/kernel/seccomp").is_dir() else set()
    try:
        version = landlock.version()
    except OSError:
        version = 0
    granted |= {Guard.FILES} if version >= 1 else set()
    granted |= {Guard.SIGNALS} if version >= 6 else set()
    assert granted <= confinement()


def test_outside_of_the_sandbox_none_of_them_holds() -> None:
    script = 'import json; from ingest.probe import probe; print(json.dumps(probe(b"", "").notes))'
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert json.loads(done.stdout) == []
