"""Each barrier is switched off once, in a copy of the source, and the tests that hold it turn red."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
COPIED: Final = ("egress", "redaction", "tests")
LINKED: Final = ("acl", "api", "audit", "bench", "ingest", "retrieval", "store", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Barrier:
    """One line of the source, what it says without the barrier, and the tests that must notice."""

    file: str
    line: str
    without: str
    tests: str


BARRIERS: Final = {
    "evidence for a gate ends": Barrier(
        "egress/contract/gate.py",
        "    if look.now >= until:\n",
        "    if False:\n",
        "tests/egress/contract/test_gate.py::test_what_is_measured_opens_for_thirty_days_and_no_longer",
    ),
    "what fails at a gate is not attested away": Barrier(
        "egress/contract/gate.py",
        'if measured or _failed(look, "isolation"):',
        "if measured:",
        "tests/egress/contract/test_gate.py"
        "::test_isolation_may_be_attested_where_it_was_not_measured_but_no_failure_is_attested_away",
    ),
    "evidence for a gate is about what the records name": Barrier(
        "egress/contract/gate.py",
        "return found.point not in BOUND or ",
        "return True or ",
        "tests/egress/contract/test_gate.py::test_what_was_measured_of_something_else_counts_no_longer",
    ),
    "overlapping spans are masked together": Barrier(
        "redaction/spans.py",
        "if joined and span.start <= joined[-1].end:",
        "if False:",
        "tests/redaction/test_spans.py",
    ),
    "a value is not searched for tokens": Barrier(
        "redaction/restore.py",
        '    return "".join([*parts, text[done:]])\n\n\nclass',
        '    once = "".join([*parts, text[done:]])\n'
        "    return once if once == text else restore(once, tokens)\n\n\nclass",
        "tests/redaction/test_restore.py::test_values_are_not_searched_for_tokens",
    ),
    "what may become a token is held back": Barrier(
        "redaction/restore.py",
        "len(folded.text) - HELD_BACK",
        "len(folded.text)",
        "tests/redaction/test_restore.py::test_what_is_held_back_is_short_and_the_rest_is_given_at_once",
    ),
    "no text holds the delimiter": Barrier(
        "egress/prompt.py",
        "if any(delimiter in text.lower()",
        "if False and any(delimiter in text",
        "tests/egress/test_prompt.py::test_a_text_that_holds_the_delimiter_is_refused",
    ),
    "the delimiter does not come back": Barrier(
        "egress/check.py",
        "if echoes(prompt.delimiter, draft.text) or echoes(prompt.delimiter, text):",
        "if False:",
        "tests/egress/test_check_delimiter.py::test_an_answer_with_the_delimiter_in_it_is_blocked",
    ),
    "an address that no excerpt holds is removed": Barrier(
        "egress/check.py",
        "without_foreign_addresses(text, known)",
        "text",
        "tests/egress/test_check_links.py::test_no_link_image_or_tag_survives",
    ),
    "what stops everything stops each": Barrier(
        "egress/brakes/stops.py",
        "c.target.in_({ALL, *targets})",
        "c.target.in_({*targets})",
        "tests/egress/brakes/test_stops.py::test_what_is_stopped_does_not_run_and_the_rest_does",
    ),
    "who stopped something does not start it again as the second": Barrier(
        "egress/brakes/lifting.py",
        "held.made_by != actor and ",
        "",
        "tests/egress/brakes/test_stops.py::test_the_second_is_another_than_who_stopped_asked_or_is_stopped",
    ),
    "a count has room": Barrier(
        "egress/brakes/volume.py",
        ", where=total <= counter.limit.most",
        "",
        "tests/egress/brakes/test_volume.py::test_exactly_as_much_as_there_is_has_room",
    ),
    "who is shown too much is stopped": Barrier(
        "egress/brakes/reading.py",
        "alarmed = count > most and not held",
        "alarmed = False",
        "tests/egress/brakes/test_reading.py::test_up_to_the_limit_nothing_happens_and_one_more_stops_who_reads",
    ),
    "a conversation is its owner's": Barrier(
        "redaction/vault.py",
        "found.owner != owner or ",
        "",
        "tests/redaction/test_vault.py::test_absent_foreign_expired_and_malformed_are_one_refusal",
    ),
}


def outcome(folder: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-x", "-p", "no:randomly", *tests]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the source, in which files can be changed."""
    for name in COPIED:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in LINKED:
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def test_with_all_barriers_in_place_the_tests_are_green(source: Path) -> None:
    """Else a copy that does not even start would pass for a barrier that is missed."""
    run = outcome(source, *{barrier.tests for barrier in BARRIERS.values()})
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("name", BARRIERS)
def test_without_a_barrier_the_tests_turn_red(source: Path, name: str) -> None:
    barrier = BARRIERS[name]
    file = source / barrier.file
    text = file.read_text("utf-8")
    assert text.count(barrier.line) == 1
    file.write_text(text.replace(barrier.line, barrier.without), "utf-8")
    run = outcome(source, barrier.tests)
    assert run.returncode == 1, run.stdout
    assert " failed" in run.stdout
    assert " error" not in run.stdout.splitlines()[-1]
