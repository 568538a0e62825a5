"""Parsers as a hostile document would like them. Each is named to a sandbox, and runs in it and nowhere else."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from acl.labels import Compartment, Label, Level
from ingest import kernel
from ingest.errors import ParserMoved, Unreadable
from ingest.types import Attachment, ChunkText, Reading
from redaction.detect import Finding
from retrieval.errors import EmbedderDown

SEEN: list[str] = []


def echo(data: bytes, name: str) -> Reading:
    """Give back what came, with one of everything that a reading has."""
    text = data.decode()
    return Reading(
        "Lamps",
        (ChunkText(text, ("Above", "Below"), 3, 3 + len(text)),),
        (Finding("card number", Label(Level.CONFIDENTIAL, frozenset({Compartment("pci")})), 2),),
        ("something was left out",),
        (Attachment(name, b"\0\xff"),),
    )


def told(value: object) -> Reading:
    return Reading(json.dumps(value), ())


def act(data: bytes, name: str) -> Reading:
    """Do what the name of the file says."""
    SEEN.append(name)
    try:
        found: Any = globals()[name](data.decode())
    except OSError as error:
        found = f"refused: {errno.errorcode[error.errno or 0]}"
    return told(found)


def seen(_: str) -> list[str]:
    return SEEN


def listen(place: str) -> bool:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(place)
        server.listen()
    return Path(place).exists()


def crash(_: str) -> None:
    ctypes.string_at(0)


def leave(_: str) -> None:
    os._exit(3)


def loop(_: str) -> None:
    while True:
        pass


def wait(_: str) -> None:
    signal.pause()


def take_memory(size: str) -> int:
    return len(bytearray(int(size)))


def take_shared_memory(size: str) -> int:
    import mmap  # noqa: PLC0415 - in the sandbox alone

    return len(mmap.mmap(-1, int(size)))


def write_file(size: str) -> int:
    return Path("large").write_bytes(bytes(int(size)))


def open_files(count: str) -> int:
    return len([os.open("/dev/null", os.O_RDONLY) for _ in range(int(count))])


def say_much(size: str) -> str:
    return "a" * int(size)


def connect(address: str) -> str:
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout=5):
        return "connected"


def connect_to_file(path: str) -> str:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        return "connected"


def read_file(path: str) -> str:
    return Path(path).read_text(encoding="utf-8", errors="replace")


def list_folder(path: str) -> list[str]:
    return [entry.name for entry in Path(path).iterdir()]


def write_to(path: str) -> str:
    Path(path).write_text("left behind", encoding="utf-8")
    return path


def environment(_: str) -> dict[str, str]:
    return dict(os.environ)


def print_loudly(text: str) -> str:
    sys.stdout.write(text)
    sys.stdout.flush()
    sys.stderr.write(text)
    os.write(1, text.encode())
    return text


def start_sleeper(_: str) -> int:
    """Leave a process behind."""
    child = os.fork()
    if child == 0:
        signal.pause()
    return child


def start_many(count: str) -> int:
    for _ in range(int(count)):
        start_sleeper("")
    return int(count)


def flee(_: str) -> int:
    """Leave a process behind that has left the group which ends with the file; 0 if it cannot."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
        except PermissionError:
            os._exit(7)
        os.write(theirs, b"gone")
        signal.pause()
    os.close(theirs)
    return child if os.read(ours, 4) else 0


def end_parent(_: str) -> str:
    os.kill(os.getppid(), signal.SIGKILL)
    return "killed"


def run_program(script: str) -> str:
    """Let a program do what a parser may not do either."""
    done = subprocess.run(["/bin/bash", "-c", script], capture_output=True, text=True, check=False)
    return f"{done.returncode} {done.stdout}"


def refuse(reason: str) -> None:
    raise Unreadable(reason)


def move(reason: str) -> None:
    raise ParserMoved(reason)


def lose_model(reason: str) -> None:
    raise EmbedderDown(reason)


def quote(text: str) -> None:
    raise ValueError(text)


def answer_raw(data: bytes, name: str) -> Reading:
    """Write what is in the file as the reply, as somebody who has taken the process over would."""
    for number in range(3, 64):
        try:
            os.write(number, data)
        except OSError:
            continue
    os._exit(0)


def capabilities(_: str) -> int:
    """Say which rights of root this process has; `capget` is 125 on x86_64 and 90 on aarch64."""
    header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    kernel.syscall({"x86_64": 125, "aarch64": 90}[os.uname().machine], pointer(header), pointer(data))
    return data[0] | data[1] | data[3] | data[4]  # effective and permitted, in two halves


def pointer(array: ctypes.Array[ctypes.c_uint32]) -> ctypes.c_void_p:
    return ctypes.cast(array, ctypes.c_void_p)
