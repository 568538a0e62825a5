"""The commands of README, tutorial and how-tos, run one after the other as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from api.errors import Exit
from api.wiring import open_house
from egress.reply import NOTHING
from tests.docs.blocks import ROOT, blocks, compare, shell_lines
from tests.docs.names import Tokens
from tests.docs.shell import Shell, normalised, replay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.docs.conftest import Shown

README: Final = ROOT / "README.md"


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell in an empty folder that has the sample company beside it."""
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NTK_DATA", raising=False)
    return Shell(lambda: capsys.readouterr().out)


def test_golden_the_tutorial_shows_what_its_commands_print(shell: Shell) -> None:
    replay(ROOT / "docs" / "tutorial.md", shell)
    answered = shell.run('NTK_KEY=$ANNA ntk ask "When does the term loan fall due?"')
    assert "30 June" in (answered or "")
    assert shell.code == Exit.YES
    assert shell.run('NTK_KEY=$BEN ntk ask "When does the term loan fall due?"') == f"{NOTHING}\n"
    assert shell.code == Exit.NO


def test_golden_the_readme_shows_what_its_commands_print(shell: Shell, shown: Shown) -> None:
    """The first block as it stands, with the data folder that `make demo` leaves; the second with a folder in it."""
    Path(".demo").symlink_to(shown.data)
    Path("FOLDER").symlink_to(ROOT / "deploy" / "sample" / "documents" / "handbook")
    replay(README, shell)
    assert "make demo" in [line for line, _ in shell_lines(README.read_text("utf-8"))]
    (answered, refused), (own,) = (
        [line for line, _ in shell_lines(README.read_text("utf-8")) if words in line] for words in ("--as", "hotel")
    )
    assert "Priya Raman" in (shell.run(answered) or "")
    assert (shell.run(refused), shell.code) == (f"{NOTHING}\n", Exit.NO)
    assert "£115" in (shell.run(own) or "")


def test_golden_the_readme_shows_a_part_of_the_demonstration(shown: Shown) -> None:
    compare(README, {"demo": in_part(shown.transcript)})


def in_part(transcript: str) -> str:
    """Give of the transcript an answer through the provider, a refusal and an answer made here, each shortened."""
    _, odile, _, jonas, _, ines, *_ = re.split(r"^(?=\S.* \(user:\w+\) ─+$)", transcript, flags=re.MULTILINE)
    tokens = Tokens()
    return "\n\n".join(tokens("\n".join(shortened(part))) for part in (odile, jonas, ines))


def shortened(part: str) -> Iterator[str]:
    """Give one question of the transcript without its citations, and of the prompt only a line with tokens."""
    told, _, literal = part.partition("What left the building")
    lines = [line for line in told.splitlines() if line.strip() and not line.startswith("  [")]
    if literal:
        lines.append(f"  What left the building{re.split(r'(?<=[.]) ', literal.splitlines()[0])[0]}")
    masked = [f"…\n{line}" for line in literal.splitlines() if re.match(r".*USER_.*USER_", line)][:1]
    for line in [*lines, *masked]:
        yield (line if len(line) <= 116 else f"{line[:108]} …").rstrip(" ─")


def test_what_a_document_shows_is_compared() -> None:
    assert normalised("20 chunks in 1.9 s, 10.5 chunks/s") == normalised("20 chunks in 120.0 s, 0.2 chunks/s")
    assert normalised("20 chunks in 1.9 s, 10.5 chunks/s") != normalised("21 chunks in 1.9 s, 10.5 chunks/s")
    assert normalised("ask USER_7F3K2Q") == normalised("ask USER_0ABCDE")
    assert normalised("ask USER_7F3K2Q") != normalised("ask Priya Raman")


BOARD = "deploy/sample/documents/finance/board"


def test_the_deny_of_the_how_to_holds(shell: Shell) -> None:
    for line in (
        "ntk init",
        'ntk user add user:ben --name "Ben Osei" --group group:board --clearance confidential',
        f"ntk ingest {BOARD} --collection board --level confidential --readers group:board",
        "export BEN=$(ntk key new user:ben)",
    ):
        shell.run(line)
    question = 'NTK_KEY=$BEN ntk ask "When does the term loan fall due?"'
    assert "30 June" in (shell.run(question) or "")
    page = (ROOT / "docs/how-to/withdraw-a-right.md").read_text("utf-8")
    (deny,) = (line for line, _ in shell_lines(page) if "policy deny" in line)
    shell.run(deny)
    assert shell.run(question) == f"{NOTHING}\n"


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        (
            "withdraw-a-right",
            {"ntk key revoke ntk_a1B2c3": Exit.NO, "ntk policy explain user:anna coll:board": Exit.NO},
        ),
        ("give-rights", {'ntk policy allow group:finance label:gdpr --reason "The new case officers."': Exit.PARTLY}),
        ("review-access", {}),
    ],
)
def test_the_commands_of_the_how_to_run(shell: Shell, name: str, ends: dict[str, Exit]) -> None:
    Path("handbook").mkdir()
    for line in (
        "ntk init",
        'ntk user add user:anna --name "Anna Berg"',
        'ntk user add user:ben --name "Ben Osei" --group group:board --clearance confidential',
        f"ntk ingest {BOARD} --collection board --level confidential --readers group:board",
        "ntk ingest deploy/sample/documents/handbook --collection handbook --level internal --readers role:everyone",
    ):
        shell.run(line)
    page = (ROOT / "docs" / "how-to" / f"{name}.md").read_text("utf-8")
    lines = [line for line, _ in shell_lines(page) if line.startswith("ntk ") and "ingest" not in line]
    assert lines
    for line in lines:
        shell.run(line)
        assert shell.code == ends.get(line, Exit.YES), line


def test_the_replaced_text_of_the_how_to_is_gone(shell: Shell) -> None:
    Path("handbook").mkdir()
    Path("handbook/gate.md").write_text("# Gate\n\nThe gate closes at ten in the evening.\n", "utf-8")
    Path("handbook/salaries.md").write_text("# Salaries\n\nThe porter earns 2,100 euros a month.\n", "utf-8")
    shell.run("ntk init")
    shell.run('ntk user add user:ben --name "Ben Osei"')
    shell.run("ntk ingest handbook --collection handbook --level internal --readers user:ben")
    shell.run("export BEN=$(ntk key new user:ben)")
    question = 'NTK_KEY=$BEN ntk ask "How much does the porter earn a month?"'
    assert "2,100" in (shell.run(question) or "")
    page = (ROOT / "docs/how-to/withdraw-a-right.md").read_text("utf-8")
    echo, ingest = (line for line, _ in shell_lines(page) if "handbook" in line)
    subprocess.run(["/bin/sh", "-c", echo], check=True)
    shell.run(ingest)
    assert shell.run(question) == f"{NOTHING}\n"


def test_a_backup_made_as_the_how_to_says_comes_back(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.run("ntk init")
    page = (ROOT / "docs/how-to/back-up-the-data-folder.md").read_text("utf-8")
    kept, saved, restored = (block.text for block in blocks(page) if block.language == "sh")
    bash = in_bash(tmp_path)
    key = bash(kept)
    bash(saved)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "backup.tar.gz").rename(elsewhere / "backup.tar.gz")
    (elsewhere / "master.key").write_text(key, "ascii")
    monkeypatch.chdir(elsewhere)
    said = in_bash(elsewhere)(restored)
    assert "key fits" in said
    assert "1 records verify" in said
    with open_house(elsewhere / "ntk-data") as house:
        assert house.index.count() == 0


def in_bash(folder: Path) -> Callable[[str], str]:
    def run(script: str) -> str:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        made = subprocess.run(
            ["/bin/sh", "-e", "-c", script],
            cwd=folder,
            env={"PATH": path, "COLUMNS": "200"},
            check=True,
            capture_output=True,
            text=True,
        )
        return made.stdout

    return run
