"""A file is read in a process of its own, within limits, and nothing that it does there comes out."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from acl.labels import Compartment, Label, Level
from ingest.confine import Limits
from ingest.errors import ParserMoved, SandboxDown, Unreadable
from ingest.reading import read
from ingest.sandbox import Sandbox, _Worker
from ingest.types import Attachment, ChunkText, Reading
from redaction.detect import Finding
from retrieval.errors import EmbedderDown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

HERE = (Path(__file__).parent,)
SHORT = Limits(computing=timedelta(seconds=1), patience=timedelta(seconds=20))


@pytest.fixture(scope="module")
def hostile() -> Iterator[Sandbox]:
    """A sandbox whose parsers do what the name of the file says."""
    with Sandbox(entry="hostile:act", path=HERE) as sandbox:
        yield sandbox


@pytest.fixture
def act(hostile: Sandbox) -> Callable[..., Any]:
    """Let a parser act, and give what it says."""

    def acted(what: str, data: object = "") -> Any:
        return json.loads(hostile.read(str(data).encode(), what).title)

    return acted


def _worker(sandbox: Sandbox) -> _Worker:
    """The only process of a sandbox, which waits for a file."""
    (worker,) = sandbox._idle
    return worker


def short(limits: Limits, what: str, data: object = "") -> Any:
    """The same with other limits; afterwards the sandbox has to read another file."""
    with Sandbox(limits=limits, entry="hostile:act", path=HERE) as sandbox:
        try:
            return json.loads(sandbox.read(str(data).encode(), what).title)
        finally:
            assert sandbox.read(b"10", "say_much").title == '"aaaaaaaaaa"'


def test_a_reading_comes_back_as_it_was() -> None:
    with Sandbox(entry="hostile:echo", path=HERE) as sandbox:
        assert sandbox.read("grün \N{WAVE DASH}".encode(), "../lamp\udcff.md") == Reading(
            "Lamps",
            (ChunkText("grün \N{WAVE DASH}", ("Above", "Below"), 3, 9),),
            (Finding("card number", Label(Level.CONFIDENTIAL, frozenset({Compartment("pci")})), 2),),
            ("something was left out",),
            (Attachment("../lamp\udcff.md", b"\0\xff"),),
        )


def test_every_format_is_read_in_the_sandbox_as_it_is_outside(documents: Mapping[str, bytes]) -> None:
    """IN-01, IN-02: the sandbox, in which nothing can be fetched, takes nothing from what is read."""
    with Sandbox() as sandbox:
        for suffix, data in documents.items():
            assert sandbox.read(data, f"lamps{suffix}") == read(data, f"lamps{suffix}")


def test_each_file_is_read_by_a_process_that_has_seen_no_other(act: Callable[..., Any]) -> None:
    assert act("say_much", 3) == "aaa"
    assert act("seen") == ["seen"]


def test_what_a_parser_says_against_a_file_is_its_reason(act: Callable[..., Any]) -> None:
    with pytest.raises(Unreadable, match=r"^it is encrypted$"):
        act("refuse", "it is encrypted")


def test_errors_that_end_a_run_come_through_as_themselves(act: Callable[..., Any]) -> None:
    with pytest.raises(ParserMoved, match=r"^another release$"):
        act("move", "another release")
    with pytest.raises(EmbedderDown, match=r"^no tokenizer$"):
        act("lose_model", "no tokenizer")


def test_any_other_error_quotes_nothing(act: Callable[..., Any]) -> None:
    with pytest.raises(Unreadable, match=r"^its parser failed$"):
        act("quote", "The secret of the document")


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("crash", r"its parser died \(signal SIGSEGV\)"),
        ("leave", "its parser gave no usable result"),
    ],
)
def test_a_parser_that_dies_takes_its_file_with_it_and_nothing_else(
    act: Callable[..., Any], what: str, reason: str
) -> None:
    """IN-01."""
    with pytest.raises(Unreadable, match=f"^{reason}$"):
        act(what)
    assert act("say_much", 3) == "aaa"


def test_what_takes_too_much_computing_is_ended() -> None:
    """IN-01."""
    with pytest.raises(Unreadable, match=r"^it takes more than 1 s of computing$"):
        short(SHORT, "loop")


def test_what_takes_too_long_is_ended() -> None:
    """IN-01."""
    with pytest.raises(Unreadable, match=r"^it takes longer than 0.2 s$"):
        short(Limits(patience=timedelta(seconds=0.2)), "wait")


def test_what_takes_too_much_memory_is_ended(act: Callable[..., Any]) -> None:
    """IN-01."""
    with pytest.raises(Unreadable, match=r"^it needs more than 1.5 GiB of memory$"):
        act("take_memory", 2 << 30)
    assert act("take_memory", 1 << 30) == 1 << 30


def test_a_reply_beyond_the_limit_is_not_taken() -> None:
    """IN-01."""
    few = Limits(output=100_000)
    with pytest.raises(Unreadable, match=r"^its text is larger than 0.1 MB$"):
        short(few, "say_much", 100_000)
    assert len(short(few, "say_much", 99_000)) == 99_000


def test_a_file_beyond_the_limit_is_not_written() -> None:
    few = Limits(output=100_000)
    assert short(few, "write_file", 100_001) == "refused: EFBIG"
    assert short(few, "write_file", 100_000) == 100_000


def test_more_files_than_the_limit_are_not_opened() -> None:
    few = Limits(files=20)
    assert short(few, "open_files", 20) == "refused: EMFILE"
    assert short(few, "open_files", 10) == 10


def test_what_a_parser_has_started_ends_with_it(act: Callable[..., Any]) -> None:
    """IN-01."""
    left_behind = act("start_sleeper")
    with pytest.raises(ProcessLookupError):
        os.kill(left_behind, 0)


def test_what_a_parser_prints_goes_nowhere(act: Callable[..., Any], capfd: pytest.CaptureFixture[str]) -> None:
    assert act("print_loudly", "The secret of the document") == "The secret of the document"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"R",
        b'R\0\0\0\x05"abc',
        b'R\0\0\0\x03"a"R\0\0\0\x03"b"',
        b"R\0\0\0\x04null",
        b'C\0\0\0\x0a["a",[],0]R\0\0\0\x03"b"',
        b"\x80\x04\x95",
    ],
)
def test_junk_for_a_reply_is_no_result(reply: bytes) -> None:
    with Sandbox(entry="hostile:answer_raw", path=HERE) as sandbox:
        with pytest.raises(Unreadable, match=r"^its parser gave no usable result$"):
            sandbox.read(reply, "x")
        assert sandbox.read(b'R\0\0\0\x03"b"', "x") == Reading("b", ())


def test_several_files_are_read_at_once() -> None:
    with Sandbox(workers=2, entry="hostile:act", path=HERE) as sandbox, ThreadPoolExecutor(4) as threads:
        sizes = list(range(20))
        texts = threads.map(lambda size: sandbox.read(str(size).encode(), "say_much").title, sizes)
        assert [len(text) - 2 for text in texts] == sizes


def test_nothing_is_left_when_it_is_closed() -> None:
    sandbox = Sandbox(entry="hostile:act", path=HERE)
    assert sandbox.read(b"", "environment")
    folder = _worker(sandbox)._folder
    assert list(folder.iterdir()) == []
    sandbox.close()
    assert not folder.exists()
    with pytest.raises(SandboxDown, match="closed"):
        sandbox.read(b"", "environment")


def test_when_its_starter_is_killed_all_of_it_ends() -> None:
    script = """
import sys
from pathlib import Path
from threading import Thread
from ingest.sandbox import Sandbox
sandbox = Sandbox(entry="hostile:act", path=[Path(sys.argv[1])])
sandbox.read(b"3", "say_much")
worker = sandbox._idle[0]
number = worker._process.pid
Thread(target=sandbox.read, args=(b"", "wait")).start()
while not Path(f"/proc/{number}/task/{number}/children").read_text():
    pass
print(number, worker._folder, flush=True)
"""
    starter = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, HERE)], stdout=subprocess.PIPE, text=True, cwd=HERE[0].parents[1]
    )
    assert starter.stdout is not None
    with starter, starter.stdout as said:
        number, folder = said.readline().split()
        handle = os.pidfd_open(int(number))
        starter.kill()
    assert select.select([handle], [], [], 20)[0] == [handle]
    os.close(handle)
    Path(folder).rmdir()  # nothing lies in it


def test_parsers_that_cannot_be_loaded_are_told_apart_from_a_bad_file() -> None:
    with Sandbox(entry="no_such_module:read") as sandbox, pytest.raises(SandboxDown, match="no_such_module"):
        sandbox.read(b"", "x")


def test_parsers_that_start_threads_are_not_copied() -> None:
    """A copy has one thread, and the locks that the others held: it would wait for them without end."""
    with Sandbox(entry="threaded:read", path=HERE) as sandbox, pytest.raises(SandboxDown, match="started 1 threads"):
        sandbox.read(b"", "x")
