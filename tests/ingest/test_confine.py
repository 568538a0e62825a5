"""What a parser cannot reach, tried from inside of the sandbox, with a twin that shows that the way is there."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ingest import landlock
from ingest.confine import Limits
from ingest.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
SECRET = "The secret of somebody else"


def _has_landlock() -> bool:
    try:
        return landlock.version() > 0
    except OSError:
        return False


needs_landlock = pytest.mark.skipif(not _has_landlock(), reason="this kernel has no Landlock")
needs_scopes = pytest.mark.skipif(
    not _has_landlock() or landlock.version() < 6, reason="this kernel's Landlock knows no signals"
)

needs_filter = pytest.mark.skipif(
    not Path("/proc/sys/kernel/seccomp").is_dir() or os.uname().machine not in ("x86_64", "aarch64"),
    reason="this kernel has no filter of calls, or one that is not spoken here",
)


def _has_namespaces() -> bool:
    """Say whether a process may leave its namespaces, which one that is started for it tries."""
    script = "from ingest.kernel import *; unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWNS)"
    tried = subprocess.run([sys.executable, "-c", script], cwd=HERE.parents[1], capture_output=True, check=False)
    return tried.returncode == 0


needs_namespaces = pytest.mark.skipif(not _has_namespaces(), reason="this kernel grants no namespace of users")


@pytest.fixture(scope="module")
def act(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Let a parser act, and give what it says. Its starter has a secret in its environment."""
    with pytest.MonkeyPatch.context() as patch, Sandbox(entry="hostile:act", path=[HERE]) as sandbox:
        patch.setenv("NTK_MASTER_KEY", SECRET)
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)

        def acted(what: str, data: object = "") -> Any:
            return json.loads(sandbox.read(str(data).encode(), what).title)

        yield acted


def test_a_parser_reaches_no_address_of_this_machine(act: Callable[..., Any]) -> None:
    """IN-02."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address, timeout=5):  # others do
            server.accept()[0].close()
        assert act("connect", f"127.0.0.1:{address[1]}") in ("refused: EPERM", "refused: ENETUNREACH")
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_parser_reaches_no_other_address(act: Callable[..., Any]) -> None:
    """IN-02."""
    assert act("connect", "192.0.2.1:443") in ("refused: EPERM", "refused: ENETUNREACH")


@needs_filter
def test_a_parser_reaches_no_socket_in_the_file_system(act: Callable[..., Any], tmp_path: Path) -> None:
    """IN-02: a database or a container engine listens on one, and no namespace of networks hides it."""
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))
        assert act("connect_to_file", tmp_path / "s") == "refused: EPERM"


def test_a_parser_that_listens_is_told_so_and_nothing_listens(act: Callable[..., Any], tmp_path: Path) -> None:
    """LibreOffice ends when it may not; a parser that does could pass for another program."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))  # others do
    assert act("listen", "/tmp/ntk-no-such-socket") is False
    assert not Path("/tmp/ntk-no-such-socket").exists()


@needs_filter
def test_a_program_that_a_parser_starts_has_no_network_either(act: Callable[..., Any]) -> None:
    """IN-02."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        script = f"echo here; exec 3<>/dev/tcp/127.0.0.1/{server.getsockname()[1]} && echo connected"
        assert act("run_program", script) == "1 here\n"


@needs_landlock
def test_a_parser_reads_no_file_but_what_it_is_made_of(act: Callable[..., Any], tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text(SECRET, encoding="utf-8")
    assert act("read_file", secret) == "refused: EACCES"
    assert act("list_folder", tmp_path) == "refused: EACCES"
    assert act("list_folder", "/") == "refused: EACCES"
    assert "def act" in act("read_file", HERE / "hostile.py")
    assert "json" in act("list_folder", Path(json.__file__).parents[1])


@needs_landlock
def test_a_program_that_a_parser_starts_reads_no_more(act: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "key").write_text(SECRET, encoding="utf-8")
    assert act("run_program", f"echo here; cat {tmp_path / 'key'}") == "1 here\n"
    assert act("run_program", "cat /etc/passwd") == f"0 {Path('/etc/passwd').read_text(encoding='utf-8')}"


@needs_landlock
@pytest.mark.parametrize("process", ["self", str(os.getpid()), "1"], ids=["its own", "ours", "the first"])
def test_a_parser_reads_nobodys_environment_from_the_kernel(act: Callable[..., Any], process: str) -> None:
    """IN-04."""
    assert act("read_file", f"/proc/{process}/environ") == "refused: EACCES"


def test_a_parser_is_given_no_secret(act: Callable[..., Any]) -> None:
    given = act("environment")
    assert SECRET not in str(given)
    assert not [name for name in given if name.startswith(("NTK_", "AWS_"))]
    assert "PATH" in given


@needs_landlock
def test_a_parser_writes_only_in_its_own_folder(act: Callable[..., Any], tmp_path: Path) -> None:
    assert act("write_to", tmp_path / "x") == "refused: EACCES"
    assert act("write_to", HERE / "x.py") == "refused: EACCES"
    assert act("write_to", "x") == "x"
    assert list(tmp_path.iterdir()) == []


@needs_landlock
def test_what_a_parser_has_written_is_not_run(act: Callable[..., Any]) -> None:
    assert act("run_program", "cp /bin/echo own; ./own ran") == "126 "
    assert act("run_program", "/bin/echo ran") == "0 ran\n"


def test_what_a_parser_has_written_is_gone_with_it(act: Callable[..., Any]) -> None:
    assert act("write_to", "x") == "x"
    assert act("read_file", "x") == "refused: ENOENT"
    assert act("list_folder", ".") == []


@needs_filter
def test_memory_that_no_limit_counts_is_not_given(act: Callable[..., Any]) -> None:
    assert act("take_shared_memory", 1 << 20) == "refused: EPERM"


@needs_filter
def test_nothing_leaves_the_group_that_ends_with_the_file(act: Callable[..., Any]) -> None:
    """IN-01."""
    assert act("flee") == 0


def test_what_has_left_the_group_ends_as_well(act: Callable[..., Any]) -> None:
    """IN-01: where calls cannot be filtered."""
    if fled := act("flee"):
        with pytest.raises(ProcessLookupError):
            os.kill(fled, 0)


def test_a_parser_starts_a_few_processes(act: Callable[..., Any]) -> None:
    assert act("start_many", 20) == 20


@pytest.mark.skipif(os.geteuid() == 0, reason="the kernel counts no processes of root")
def test_a_parser_starts_no_flood_of_processes(act: Callable[..., Any]) -> None:
    """IN-01."""
    assert act("start_many", 300) == "refused: EAGAIN"


@needs_scopes
def test_a_parser_signals_nobody_but_its_own(act: Callable[..., Any]) -> None:
    assert act("end_parent") == "refused: EPERM"
    assert act("run_program", f"kill -9 {os.getpid()} 2>/dev/null || echo spared") == "0 spared\n"
    assert act("run_program", "sleep 60 & kill -9 $! && echo ended") == "0 ended\n"


@pytest.mark.skipif(os.uname().machine not in ("x86_64", "aarch64"), reason="its calls are not known here")
def test_a_parser_has_no_right_of_root(act: Callable[..., Any]) -> None:
    assert act("capabilities") == 0


@needs_namespaces
def test_all_files_of_a_parser_have_a_bound_together() -> None:
    """IN-01."""
    with Sandbox(entry="hostile:act", path=[HERE], limits=Limits(scratch=1_000_000)) as sandbox:
        assert sandbox.read(b"1100000", "write_file").title == '"refused: ENOSPC"'
        assert sandbox.read(b"900000", "write_file").title == "900000"
