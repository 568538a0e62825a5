"""Patterns of `.ntkignore` mean what they mean to git, and a line that is no pattern is named."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from random import Random

import pytest

from ingest.beneath import Root
from ingest.errors import EmptyFolder, Unreadable
from ingest.ignore import is_ignored, parse_ignore
from ingest.walk import walk


def ignores(patterns: str, path: str) -> bool:
    """Tell whether the patterns of the top folder leave out this path; a folder ends with a slash."""
    place = path.rstrip("/").split("/")
    return is_ignored(place, [parse_ignore(patterns.encode(), 0)], folder=path.endswith("/"))


@pytest.mark.parametrize(
    ("patterns", "left_out", "taken"),
    [
        ("*.tmp", ["a.tmp", "sub/a.tmp", "x.tmp/"], ["a.tmp.md", "tmp"]),
        ("/a.md", ["a.md"], ["sub/a.md"]),
        ("build/", ["build/", "sub/build/"], ["build", "builds/"]),
        ("docs/*.md", ["docs/a.md"], ["docs/sub/a.md", "x/docs/a.md"]),
        ("docs/**", ["docs/a.md", "docs/sub/a.md"], ["docs/", "docs"]),
        ("**/old", ["old", "a/old", "a/b/old/"], ["older"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["b", "x/a/b"]),
        ("v?.md", ["v1.md"], ["v10.md", "v.md"]),
        ("v[0-9].md", ["v1.md"], ["vx.md"]),
        ("v[!0-9].md", ["vx.md"], ["v1.md"]),
        ("*\n!keep.md", ["a.md"], ["keep.md"]),
        ("!keep.md\n*", ["keep.md"], []),
        ("*\n!*/\n!*.md", ["a.txt", "sub/a.txt"], ["sub/", "a.md", "sub/a.md"]),
        ("# comment\n\n\\#a", ["#a"], ["# comment"]),
        ("\\!a", ["!a"], ["a"]),
        ("a b ", ["a b"], ["a b "]),
        ("a\\ ", ["a "], ["a"]),
        ("a.md\r\nb.md\r\n", ["a.md", "b.md"], []),
        ("\ufeffa.md", ["a.md"], []),
        ("Ä*.md", ["Äpfel.md"], ["Apfel.md"]),
        ("*", ["line\nbreak.md", "bad\udcff.md"], []),
        ("*.tmp", ["line\nbreak.tmp", "bad\udcff.tmp"], ["a.tmp\n"]),
        ("", [], ["a"]),
    ],
)
def test_patterns_mean_what_they_mean_to_git(patterns: str, left_out: list[str], taken: list[str]) -> None:
    """Git 2.39 says the same of each of these."""
    assert [path for path in left_out if not ignores(patterns, path)] == []
    assert [path for path in taken if ignores(patterns, path)] == []


def test_the_nearest_file_that_says_something_decides() -> None:
    files = [parse_ignore(b"*.tmp\n*.log", 0), parse_ignore(b"!*.tmp", 1)]
    assert not is_ignored(("sub", "a.tmp"), files, folder=False)
    assert is_ignored(("sub", "a.log"), files, folder=False)
    assert is_ignored(("a.tmp",), files[:1], folder=False)


def test_a_path_is_seen_from_the_folder_of_the_file() -> None:
    files = [parse_ignore(b"/a.md", 1)]
    assert is_ignored(("sub", "a.md"), files, folder=False)
    assert not is_ignored(("sub", "sub", "a.md"), files, folder=False)


@pytest.mark.parametrize("line", ["[a", "[z-a]", "a\\", "!", "/", "//", "a//b", "[[:alpha:]]", "[a--b]", "[+-9]"])
def test_a_line_that_is_no_pattern_is_named(line: str) -> None:
    with pytest.raises(Unreadable, match=r"line 3 of \.ntkignore is no pattern: correct it"):
        parse_ignore(f"*.tmp\n# {line}\n{line}\n*.md".encode(), 0)


def test_a_file_that_is_no_text_is_named() -> None:
    with pytest.raises(Unreadable, match="no UTF-8 text"):
        parse_ignore(b"\xff\xfe*\0", 0)


@pytest.mark.parametrize("lines", ["a\n" * 1_001, "?" * 60_000])
def test_a_file_of_too_many_patterns_is_refused(lines: str) -> None:
    with pytest.raises(Unreadable, match="ignore whole folders instead"):
        parse_ignore(lines.encode(), 0)


def test_a_pattern_of_many_stars_takes_no_longer_than_another() -> None:
    """With backtracking, this one would not end."""
    begun = time.process_time()
    assert not ignores("*a" * 40 + "b", "a" * 250)
    assert ignores("*a" * 40 + "b", "a" * 250 + "b")
    assert time.process_time() - begun < 20


ATOMS = ["a", "b.d", "*.d", "a*", "?", "*", "**", "c.md", "[ab]", "[!a]", "[^a-c]", "*.*", "x y", r"x\ y", r"\a"]
NAMES = ["a", "b", "a.d", "b.d", "c.md", "x y"]


def _pattern(chance: Random) -> str:
    body = "/".join(chance.choice(ATOMS) for _ in range(chance.choice([1, 1, 1, 2, 2, 3])))
    return f"{chance.choice(['', '', '!'])}{chance.choice(['', '', '/'])}{body}{chance.choice(['', '', '/'])}"


def _grow(folder: Path, chance: Random, depth: int = 0) -> None:
    for name in chance.sample(NAMES, chance.randint(1, 4)):
        if depth < 3 and chance.random() < 0.6:
            (folder / name).mkdir()
            _grow(folder / name, chance, depth + 1)
        else:
            (folder / name).touch()
    if depth == 0 or chance.random() < 0.3:
        rules = "\n".join(_pattern(chance) for _ in range(chance.randint(1, 4)))
        (folder / ".gitignore").write_text(rules)
        (folder / ".ntkignore").write_text(rules)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize("seed", range(40))
def test_the_walk_finds_what_git_finds(tmp_path: Path, seed: int) -> None:
    """Random trees with random patterns at every depth."""
    _grow(tmp_path, Random(seed))
    config = {"HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
    listing = ["git", "ls-files", "-z", "--others", "--exclude-standard"]
    for command in (["git", "init", "--quiet"], listing):
        said = subprocess.run(command, cwd=tmp_path, env=config, capture_output=True, check=True, text=True).stdout
    expected = sorted(name for name in said.split("\0") if name and not Path(name).name.startswith("."))
    try:
        with Root(tmp_path) as root:
            found = [file.relative for file in walk(root).found]
    except EmptyFolder:
        found = []
    assert sorted(found) == expected
