"""Documents of the old Office, through LibreOffice where it is installed: converted, then read like new ones."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ingest.errors import Unreadable
from ingest.ole import kind_of_ole
from ingest.slides import read_pptx
from ingest.spreadsheet import read_xlsx
from ingest.word import read_docx

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingest.types import Parsed

_SECONDS: Final = 50  # a first start takes five
_CONVERTED: Final[Mapping[str, tuple[str, Callable[[bytes], Parsed]]]] = {
    ".doc": ("docx", read_docx),
    ".ppt": ("pptx", read_pptx),
    ".xls": ("xlsx", read_xlsx),
}
# Its own defaults ask before they run a macro or load a link; there is nobody to ask.
_SETTINGS: Final = """\
<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting">
<prop oor:name="DisableMacrosExecution" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting">
<prop oor:name="MacroSecurityLevel" oor:op="fuse"><value>3</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting">
<prop oor:name="BlockUntrustedRefererLinks" oor:op="fuse"><value>true</value></prop></item>
</oor:items>
"""


def read_old_office(data: bytes, suffix: str) -> Parsed:
    """Read a `.doc`, `.xls` or `.ppt`.

    Raises:
        Unreadable: It is encrypted, no such document, cannot be converted, or LibreOffice is not installed.
    """
    kind = kind_of_ole(data)
    if kind != suffix:
        raise Unreadable(f"a {suffix} that is another document of the old Office: give it its own suffix")
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        raise Unreadable("it needs LibreOffice: install it on this machine, or save the file in today's format")
    target, read = _CONVERTED[suffix]
    return read(_converted(program, data, suffix, target))


def _converted(program: str, data: bytes, suffix: str, target: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="ntk-office-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        settings = place / "profile" / "user" / "registrymodifications.xcu"
        settings.parent.mkdir(parents=True)
        settings.write_text(_SETTINGS, "utf-8")
        (place / f"document{suffix}").write_bytes(data)
        _run(
            [
                program,
                f"-env:UserInstallation={(place / 'profile').as_uri()}",
                f"-env:UNO_SHARED_PACKAGES_CACHE={(place / 'shared').as_uri()}",  # no extension of the machine's own
                "--headless",
                "--norestore",
                "--nolockcheck",
                "--convert-to",
                target,
                "--outdir",
                str(place / "out"),
                str(place / f"document{suffix}"),
            ],
            place,
        )
        made = place / "out" / f"document.{target}"
        if not made.is_file():
            raise Unreadable(f"this {suffix} is damaged: LibreOffice cannot convert it")
        return made.read_bytes()


def _run(command: list[str], home: Path) -> None:
    """Run a program to its end, or to the end of its time, with all that it started."""
    process = _started(command, home)
    try:
        process.wait(timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        raise Unreadable(f"LibreOffice took longer than {_SECONDS} seconds to convert it") from None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()


def _started(command: list[str], home: Path) -> subprocess.Popen[str]:
    """Start a program as a group of processes of its own, so that all it starts ends with it."""
    start = partial(
        subprocess.Popen,
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Nothing of ours: keys and addresses may stand in the environment.
        env={"PATH": os.defpath, "HOME": str(home), "TMPDIR": str(home), "LANG": "C.UTF-8"},
        cwd=home,
    )
    try:
        return start(start_new_session=True)
    except PermissionError:  # in the sandbox, which lets nobody out of the group that it ends itself
        return start()
