"""The demonstration: who may see what, and that nothing of anybody stands in what left."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from api import demo, show
from store.errors import DataFolderBusy, DataFolderError
from store.folder import create, owned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from api.demo import Asked, Demonstration
    from retrieval.embed import Embedder


@pytest.fixture(scope="module")
def company() -> dict[str, Any]:
    return demo.sample_company()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Demonstration:
    return demo.run(tmp_path_factory.mktemp("demo") / "data")


@pytest.fixture(scope="module")
def printed(made: Demonstration) -> str:
    with show.out.capture() as capture:
        demo.transcript(made)
    return capture.get()


def _prompts(made: Demonstration) -> Iterator[str]:
    """All that any model got: the bytes that the provider received, and what stayed on the machine."""
    for asked in made.asked:
        yield from (body.decode() for body in asked.received)
        yield asked.reply.prompt or ""


def test_the_whole_company_was_read(made: Demonstration) -> None:
    documents = [path for path in (demo.sample_folder() / "documents").rglob("*") if path.is_file()]
    assert made.taken.added == len(documents) >= 25
    assert made.taken.failed == {}
    assert {path.suffix for path in documents} == {".md", ".docx", ".pdf", ".xlsx", ".html", ".eml", ".csv"}


def test_each_person_sees_what_he_may_and_no_more(made: Demonstration, company: dict[str, Any]) -> None:
    expected = [
        (person, question, company["demo"]["expect"][person][number]["route"])
        for number, question in enumerate(company["demo"]["questions"])
        for person in company["demo"]["people"]
    ]
    assert [(asked.person, asked.question, _route(asked)) for asked in made.asked] == expected
    assert {route for _, _, route in expected} == {"provider", "local", "nothing"}


def _route(asked: Asked) -> str:
    if asked.reply.outcome == "nothing":
        assert asked.received == ()
        assert asked.reply.citations == ()
        return "nothing"
    assert asked.reply.citations
    return "provider" if asked.received else "local"


def test_no_name_address_number_or_path_stands_in_any_prompt(made: Demonstration, company: dict[str, Any]) -> None:
    """PT-01."""
    prompts = list(_prompts(made))
    assert sum("excerpt 1" in prompt for prompt in prompts) >= 3  # there is something to look into
    for prompt in prompts:
        for user in company["users"]:
            for word in (user["name"], user["email"], user["phone"], user["email"].partition("@")[0]):
                assert word.lower() not in prompt.lower()
            assert user["name"].rpartition(" ")[2].lower() not in prompt.lower()
        assert not re.search(r"\w@\w", prompt)
        assert not re.search(r"\+\d[\d ]{8,}", prompt)
        assert not re.search(r"\.(md|docx|pdf|xlsx|html|eml|csv)\b", prompt)
        assert "documents/" not in prompt
        assert not re.search(r"\b(doc|coll|folder|user|group):\w", prompt)


def test_the_answer_has_the_names_again(made: Demonstration, company: dict[str, Any]) -> None:
    answered = [asked.reply for asked in made.asked if asked.received]
    assert answered
    names = [user["name"] for user in company["users"]]
    for reply in answered:
        assert any(name in reply.answer for name in names)
        assert reply.redactions["USER"] >= 1


def test_a_trade_secret_left_nothing(made: Demonstration) -> None:
    (local,) = [asked for asked in made.asked if _route(asked) == "local"]
    assert "trade-secret" in str(local.reply.label)
    assert local.reply.route is not None
    assert "above what may leave" in local.reply.route.rule


def test_the_transcript_shows_answers_refusals_and_what_left(printed: str, made: Demonstration) -> None:
    assert printed.count("Refused:") == sum(_route(asked) == "nothing" for asked in made.asked) > 0
    assert printed.count("What left the building, as the provider received it") == sum(
        len(asked.received) for asked in made.asked
    )
    for asked in made.asked:
        assert asked.question in printed
        assert asked.reply.answer.splitlines()[0] in printed
        for body in asked.received:
            for message in json.loads(body)["messages"]:
                assert message["content"] in printed


def test_the_transcript_ends_with_how_to_go_on(printed: str) -> None:
    start, page = printed.rstrip().splitlines()[-2:]
    assert "ntk serve --data" in start
    assert "http://127.0.0.1:" in page


def test_a_second_run_begins_anew(made: Demonstration) -> None:
    again = demo.run(made.data)
    assert again.taken.added == made.taken.added
    assert set(again.keys.values()).isdisjoint(made.keys.values())


def test_a_real_data_folder_is_left_alone(tmp_path: Path) -> None:
    layout = create(tmp_path / "real", embedder="x")
    before = layout.database.read_bytes()
    with pytest.raises(DataFolderError, match="real data folder"):
        demo.run(layout.root)
    assert layout.database.read_bytes() == before


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DataFolderError):
        demo.run(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_a_demonstration_that_is_served_is_left_alone(tmp_path: Path) -> None:
    layout = create(tmp_path / "demo", embedder="x", demo=True)
    with owned(layout), pytest.raises(DataFolderBusy):
        demo.run(layout.root)
    assert layout.database.exists()
