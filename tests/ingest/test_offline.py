"""The parser is loaded late, tells nobody, and fetches nothing."""

from __future__ import annotations

import ast
import logging
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from ingest.errors import ParserMoved
from ingest.offline import ends_like_a_sentence, go_offline, unstructured
from tests.ingest.watched import WATCH, read_all, run

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY = Path(__file__).parents[2]


def test_parsing_every_format_opens_no_connection(tmp_path: Path, documents: Mapping[str, bytes]) -> None:
    for suffix, content in documents.items():
        (tmp_path / f"lamps{suffix}").write_bytes(content)
    assert read_all(tmp_path) == (len(documents), [])


def test_without_the_muzzle_the_parser_does_try_to_report() -> None:
    """Shows that the watch of the test above sees what it is there to see."""
    script = f"""{WATCH}
import unstructured
print(json.dumps(attempts))
"""
    assert "socket.getaddrinfo" in {event for event, _ in run(script)}


def test_the_parser_is_loaded_with_the_first_document_and_not_before() -> None:
    script = """
import json, sys
import ingest.chunk, ingest.parse, ingest.walk
before = "unstructured" in sys.modules
ingest.parse.parse_bytes(b"Hello there.", "a.txt")
print(json.dumps([before, "unstructured" in sys.modules]))
"""
    assert run(script) == [False, True]


def test_no_language_model_is_loaded_with_it() -> None:
    script = """
import json, sys
import ingest.parse
ingest.parse.parse_bytes(b"Hello there.", "a.txt")
print(json.dumps([name for name in ("spacy", "torch", "unstructured.nlp.english_words") if name in sys.modules]))
"""
    assert run(script) == []


def test_two_threads_load_the_parser_as_one_does() -> None:
    """They once took each other's stand-ins away."""
    script = """
import json, threading
from ingest.offline import unstructured
loaded = []
threads = [threading.Thread(target=lambda: loaded.append(unstructured())) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps([len(loaded), len({id(one) for one in loaded})]))
"""
    assert run(script) == [4, 1]


def test_nothing_else_imports_the_parser() -> None:
    packages = ("acl", "api", "audit", "egress", "ingest", "redaction", "retrieval", "store")
    sources = [file for package in packages for file in (REPOSITORY / package).rglob("*.py")]
    assert [file.name for file in sources if _imports(file, "unstructured")] == []
    assert _imports(REPOSITORY / "ingest" / "pdf.py", "pypdfium2")


def _imports(file: Path, library: str) -> bool:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
        if any(name.partition(".")[0] == library for name in names):
            return True
    return False


def test_a_sentence_is_no_title_and_a_short_phrase_is_one() -> None:
    text = "The office is shut on Monday.\n\nOpening hours"
    sentence, phrase = unstructured().partition_text(text=text, languages=[""])
    assert (sentence.category, phrase.category) == ("NarrativeText", "Title")


@pytest.mark.parametrize("text", ["It is shut.", "Is it shut?", 'He said "shut."', "(It is shut.)", "As follows:"])
def test_a_sentence_is_known_by_its_end(text: str) -> None:
    assert ends_like_a_sentence(text)
    assert not ends_like_a_sentence("Opening hours")


def test_the_parser_cannot_download_its_language_model() -> None:
    unstructured()
    installer = sys.modules["unstructured.nlp.tokenize"]._install_spacy_model
    with pytest.raises(ParserMoved, match="language model"):
        installer()


def test_the_parser_cannot_log_what_it_reads() -> None:
    unstructured()
    for name in ("unstructured", "unstructured.trace"):
        assert not logging.getLogger(name).isEnabledFor(logging.CRITICAL)


@pytest.mark.parametrize("name", ["_get_nlp", "_install_spacy_model", "contains_verb"])
def test_a_release_that_moved_a_replaced_function_is_refused(name: str) -> None:
    tokenize, text_type = _parser_like(sentences=2)
    go_offline(tokenize, text_type)  # whole, it passes
    for module in (tokenize, text_type):
        vars(module).pop(name, None)
    with pytest.raises(ParserMoved, match=name):
        go_offline(tokenize, text_type)


def test_a_release_that_no_longer_asks_the_replaced_functions_is_refused() -> None:
    with pytest.raises(ParserMoved, match="sentence rules"):
        go_offline(*_parser_like(sentences=1))


def _parser_like(sentences: int) -> tuple[ModuleType, ModuleType]:
    """Make the two modules of the parser as far as they are looked at."""
    tokenize, text_type = ModuleType("tokenize"), ModuleType("text_type")

    def is_possible_narrative_text(text: str) -> bool:
        return bool(vars(text_type)["contains_verb"](text))

    vars(tokenize).update(_get_nlp=lambda: None, _install_spacy_model=lambda: None)
    vars(text_type).update(
        contains_verb=lambda _: False,
        sentence_count=lambda _: sentences,
        is_possible_narrative_text=is_possible_narrative_text,
    )
    return tokenize, text_type
