"""No name of the sample company's directory stands in what its documents send to a model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest
import yaml

from api.demo import sample_folder
from ingest.chunk import chunk
from ingest.parse import FORMATS, parse_bytes
from redaction.directory import Person, directory_recogniser
from redaction.names import WORD
from redaction.ordinary import ORDINARY
from redaction.patterns import pattern_recognisers
from redaction.redact import redact
from redaction.tokens import issuer
from retrieval.excerpt import LEAST
from tests.redaction.written import recognised

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLE: Final = sample_folder()
USERS: Final = yaml.safe_load((SAMPLE / "company.yaml").read_text("utf-8"))["users"]
PEOPLE: Final = tuple(
    Person(user["id"], user["name"], user["email"], user["phone"], user["id"].partition(":")[2]) for user in USERS
)
NAMES: Final = frozenset(word.casefold() for person in PEOPLE for word in WORD.findall(person.name)) - ORDINARY


def measure(text: str) -> int:
    """Stand in for the embedder's tokenizer: a mark at each end, and a piece for each word begun."""
    return 2 + len(re.findall(r"\w{1,8}|[^\w\s]", text))


def chunks() -> Iterator[str]:
    for path in sorted((SAMPLE / "documents").rglob("*")):
        if path.suffix in FORMATS:
            yield from (made.text for made in chunk(parse_bytes(path.read_bytes(), path.name), measure))


def stretches(text: str) -> Iterator[str]:
    """Cut a chunk as an excerpt is: each is read by the recognisers alone, without what stands around it."""
    yield from (text[at : at + LEAST] for at in range(0, len(text), LEAST))


def names_in(text: str) -> list[str]:
    return [word for word in WORD.findall(text) if word[0].isupper() and word.casefold() in NAMES]


@pytest.fixture(scope="module")
def excerpts() -> list[str]:
    return [stretch for text in chunks() for stretch in stretches(text)]


def test_no_name_of_the_directory_is_left_in_any_excerpt_of_the_sample(excerpts: list[str]) -> None:
    """PT-01: each excerpt by itself, so that no other one tells who is meant."""
    recognisers = (directory_recogniser(PEOPLE), *pattern_recognisers())
    assert sum(bool(names_in(text)) for text in excerpts) > 15, "the sample names its people"
    left = {text: names_in(redact([text], recognisers, issuer())[0].texts[0]) for text in excerpts}
    assert {text: names for text, names in left.items() if names} == {}


def test_a_directory_of_others_leaves_the_sample_as_it_is(excerpts: list[str]) -> None:
    """The permitted twin: words are masked because they are names, not because they have a capital."""
    others = directory_recogniser([Person("user:x", "Quirin Ozols"), Person("user:y", "Hope Field"), Person("z", "")])
    assert recognised(excerpts, [others]) == ((),) * len(excerpts)
