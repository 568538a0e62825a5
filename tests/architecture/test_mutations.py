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
COPIED: Final = ("acl", "egress", "redaction", "store", "tests")
LINKED: Final = ("api", "audit", "bench", "ingest", "retrieval", "pyproject.toml")


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
        "if any(echoes(prompt.delimiter, written) for written in {draft.text, text}):",
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
        "[ALL, *targets]",
        "[*targets]",
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
        ', where=total <= bindparam("most")',
        "",
        "tests/egress/brakes/test_volume.py::test_exactly_as_much_as_there_is_has_room",
    ),
    "who is shown too much is stopped": Barrier(
        "egress/brakes/reading.py",
        "alarmed = count > most and not held",
        "alarmed = False",
        "tests/egress/brakes/test_reading.py::test_up_to_the_limit_nothing_happens_and_one_more_stops_who_reads",
    ),
    "nothing goes above the ceiling of an application": Barrier(
        "egress/route.py",
        "if not covers(application.ceiling_label, label):",
        "if False:",
        "tests/egress/test_route.py::test_nothing_goes_above_the_ceiling_of_the_application",
    ),
    "nothing goes through a closed gate": Barrier(
        "egress/route.py",
        "if contracts.closed and label != PUBLIC:",
        "if False:",
        "tests/egress/test_route.py::test_a_closed_gate_lets_nothing_out_but_to_a_local_model",
    ),
    "a paper ends": Barrier(
        "egress/contract/provider.py",
        "if paper is not None and day <= paper.until}",
        "if paper is not None}",
        "tests/egress/contract/test_provider.py::test_what_ends_holds_on_its_last_day_and_not_on_the_next",
    ),
    "a contract ends": Barrier(
        "egress/contract/provider.py",
        "(provider.ends is not None and day <= provider.ends)",
        "provider.ends is not None",
        "tests/egress/contract/test_provider.py::test_what_ends_holds_on_its_last_day_and_not_on_the_next",
    ),
    "a level asks for all that the lower ones ask for": Barrier(
        "egress/contract/matrix.py",
        "for level in Level if level <= label.level]",
        "for level in Level if level == label.level]",
        "tests/egress/contract/test_matrix.py::test_a_text_has_the_classes_of_all_lower_levels",
    ),
    "an approval is spent once": Barrier(
        "egress/requests.py",
        "sending.c.id.in_(approved), sending.c.used_at.is_(None))",
        "sending.c.id.in_(approved))",
        "tests/egress/test_requests.py::test_who_opened_it_before_another_sent_it_sends_nothing",
    ),
    "an approval is of these bytes": Barrier(
        "egress/requests.py",
        "digest_of(messages(ready.prompt)) != digest_of(kept.messages) or ",
        "",
        "tests/egress/test_requests.py::test_what_has_changed_since_is_not_sent",
    ),
    "who asked is not the second person": Barrier(
        "acl/admin/approvals.py",
        "    if asked.asked_by == by:\n",
        "    if False:\n",
        "tests/egress/test_requests.py::test_nobody_else_may_approve_or_see_it",
    ),
    "what is stopped begins no call": Barrier(
        "egress/brakes/brakes.py",
        "    require_running_in(connection, targets)\n",
        "",
        "tests/egress/brakes/test_brakes.py::test_whatever_is_stopped_stops_what_it_is_about",
    ),
    "a call takes of the quotas": Barrier(
        "egress/brakes/volume.py",
        "        if full:\n",
        "        if False:\n",
        "tests/egress/brakes/test_volume.py::test_all_counts_are_taken_or_none",
    ),
    "what never left is given back": Barrier(
        "egress/brakes/brakes.py",
        "booking.stayed()",
        "pass",
        "tests/egress/test_answer_faults.py"
        "::test_whatever_goes_wrong_a_question_ends_once_and_is_settled[refused-asked]",
    ),
    "what is shown counts as read": Barrier(
        "egress/brakes/brakes.py",
        "        note_reading(self.engine,",
        "        _ = lambda: note_reading(self.engine,",
        "tests/egress/brakes/test_brakes.py::test_each_change_of_the_quotas_holds_for_the_next_question",
    ),
    "a refusal that is recorded is not recorded again": Barrier(
        "egress/trail.py",
        "if isinstance(error, EgressError) and error.again:",
        "if False:",
        "tests/egress/test_answer_refused.py::test_who_is_refused_at_the_door_fills_no_trail",
    ),
    "no record, no call": Barrier(
        "egress/answer.py",
        "        trail.commit_intent()  # no record, no call\n",
        "",
        "tests/egress/test_answer_recorded.py::test_on_each_way_to_a_model_one_record_is_there_before_the_bytes[plain]",
    ),
    "an earlier question is decided on again": Barrier(
        "egress/answer.py",
        "if again.about != asked.about or ",
        "if ",
        "tests/egress/test_answer_release.py"
        "::test_an_answer_is_not_shown_once_a_document_behind_an_earlier_question_is_gone",
    ),
    "who may ask through an application is decided again": Barrier(
        "egress/answer.py",
        "contracts = _admitted(edges.contracts(connection, principal))",
        "contracts = edges.contracts(connection, principal)",
        "tests/egress/test_answer_release.py"
        "::test_an_answer_is_not_shown_once_what_it_rests_on_is_gone[the application]",
    ),
    "a key that is revoked lets nobody in": Barrier(
        "acl/admin/keys.py",
        '(api_key.c.hash == bindparam("hash")) & api_key.c.revoked_at.is_(None)',
        '(api_key.c.hash == bindparam("hash"))',
        "tests/egress/test_answer_release.py::test_an_answer_is_not_shown_once_what_it_rests_on_is_gone[the key]",
    ),
    "a key goes to the hosts of its list": Barrier(
        "store/key_ring.py",
        "if _folded(host) not in self._hosts.get(reference, frozenset()):",
        "if False:",
        "tests/store/test_key_ring.py::test_a_key_goes_to_no_other_host_and_is_not_even_fetched_for_it",
    ),
    "http is for near addresses": Barrier(
        "egress/openai_client.py",
        'if url.scheme == "http" and not is_near(url.host):',
        "if False:",
        "tests/egress/test_openai_model.py::test_no_prompt_crosses_a_public_network_in_clear",
    ),
    "no redirect is followed, and what is no success not read": Barrier(
        "egress/openai_client.py",  # either of the two would do
        """        follow_redirects=False,
        verify=tls or True,
        timeout=httpx2.Timeout(silence, connect=limits.connect.total_seconds()),
        event_hooks={"request": [_set_headers], "response": [_refuse_unless_stream]},
""",
        """        follow_redirects=True,
        verify=tls or True,
        timeout=httpx2.Timeout(silence, connect=limits.connect.total_seconds()),
        event_hooks={"request": [_set_headers]},
""",
        "tests/egress/test_openai_faults.py::test_nothing_goes_where_a_provider_sends_on",
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
