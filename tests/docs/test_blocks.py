from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs.blocks import blocks, compare, prose, recorded, same, shell_lines, with_results

if TYPE_CHECKING:
    from pathlib import Path

PAGE = """\
# A page

```console
$ ntk ask \\
    "Who?"
Nobody.
$ ntk doctor
```

```sh
ntk init
```

1. A step:

   ```toml
   key = 1
   ```

<!-- recorded: near -->
```text
similarity 0.71 of document 2026
```
"""


def test_blocks_lose_their_indentation() -> None:
    assert [(block.language, block.text) for block in blocks(PAGE)][2:] == [
        ("toml", "key = 1\n"),
        ("text", "similarity 0.71 of document 2026\n"),
    ]
    assert "key = 1" not in prose(PAGE)
    assert "A step" in prose(PAGE)


def test_a_command_comes_with_what_is_shown_below_it() -> None:
    assert list(shell_lines(PAGE)) == [('ntk ask      "Who?"', "Nobody."), ("ntk doctor", ""), ("ntk init", None)]


def test_results_are_written_below_their_commands() -> None:
    renewed = with_results(PAGE, ["Anna.\n\nAnd Ben.", None, None])
    assert list(shell_lines(renewed))[:2] == [('ntk ask      "Who?"', "Anna.\n\nAnd Ben."), ("ntk doctor", "")]
    assert with_results(renewed, ["Nobody.", None, None]) == with_results(PAGE, [None, None, None]) == PAGE


@pytest.mark.parametrize("real", ["similarity 0.71 of document 2026", "similarity 0.70 of document 2026"])
def test_a_figure_may_differ_in_its_last_digit(real: str) -> None:
    assert same("similarity 0.71 of document 2026", real)


@pytest.mark.parametrize(
    "real",
    [
        "similarity 0.61 of document 2026",
        "similarity 0.71 of document 2027",
        "similarity 0.71 of documents 2026",
        "similarity 0.71 of document 2026.0",
    ],
)
def test_nothing_else_may_differ(real: str) -> None:
    assert not same("similarity 0.71 of document 2026", real)


def test_a_stale_block_is_found_and_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")
    monkeypatch.delenv("NTK_GOLDEN", raising=False)
    compare(page, {"near": "similarity 0.70 of document 2026"})
    assert page.read_text("utf-8") == PAGE
    with pytest.raises(AssertionError):
        compare(page, {"near": "nothing"})
    monkeypatch.setenv("NTK_GOLDEN", "1")
    compare(page, {"near": "nothing"})
    assert recorded(page) == {"near": "nothing"}


def test_a_block_that_no_run_gives_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")
    monkeypatch.delenv("NTK_GOLDEN", raising=False)
    with pytest.raises(AssertionError):
        compare(page, {})
    with pytest.raises(AssertionError):
        compare(page, {"near": "similarity 0.71 of document 2026", "far": ""})
