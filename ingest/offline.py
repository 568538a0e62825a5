"""The one place that imports `unstructured`: without telemetry, without downloads, when first needed.

`unstructured` reports each use to its makers, and fetches a language model from the network when it
first sees a sentence. Both would tell a stranger that, and when, documents are read here; so the first
is switched off and the second replaced before anything is parsed. With the model goes the library that
runs it, which the parser would import all the same, and torch behind it.
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ingest.errors import ParserMoved
from ingest.sentences import Rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ONE_AT_A_TIME: Final = Lock()
QUIET: Final = {"DO_NOT_TRACK": "1", "SCARF_NO_ANALYTICS": "1", "UNSTRUCTURED_DISABLE_NOTICE": "1"}
_SENTENCE_ENDS: Final = (".", "!", "?", ":", ";", "…", '."', ".”", ".)")


@dataclass(frozen=True, slots=True)
class Unstructured:
    """The functions of `unstructured` in use here. Its elements are read by duck typing."""

    partition_html: Callable[..., list[Any]]
    partition_text: Callable[..., list[Any]]
    chunk_by_title: Callable[..., list[Any]]
    heading: Callable[[str], Any]
    paragraph: Callable[[str], Any]


def unstructured() -> Unstructured:
    """Import the parser, muzzled. The first call takes about two seconds, later ones nothing.

    Raises:
        ParserMoved: The installed release differs from the one that this was written for.
    """
    with _ONE_AT_A_TIME:  # two threads that import it at once would take each other's muzzle off
        return _imported()


@cache
def _imported() -> Unstructured:
    os.environ.update(QUIET)  # before the import, which already reports
    # Its log lines quote the document, and its trace log quotes whole paragraphs.
    logging.getLogger("unstructured").setLevel(logging.CRITICAL + 1)
    with _left_out("spacy"), _left_out("unstructured.nlp.english_words", ENGLISH_WORDS=frozenset()):
        tokenize = _module("unstructured.nlp.tokenize")
        text_type = _module("unstructured.partition.text_type")
    go_offline(tokenize, text_type)
    elements = _module("unstructured.documents.elements")
    return Unstructured(
        partition_html=_part(_module("unstructured.partition.html"), "partition_html"),
        partition_text=_part(_module("unstructured.partition.text"), "partition_text"),
        chunk_by_title=_part(_module("unstructured.chunking.title"), "chunk_by_title"),
        heading=_part(elements, "Title"),
        paragraph=_part(elements, "Text"),
    )


def go_offline(tokenize: ModuleType, text_type: ModuleType) -> None:
    """Replace the downloaded language model of the parser by rules, and check that the rules are used.

    Raises:
        ParserMoved: A function to replace is gone, or the parser no longer asks it.
    """
    for module, name in ((tokenize, "_get_nlp"), (tokenize, "_install_spacy_model"), (text_type, "contains_verb")):
        _part(module, name)
    rules = Rules()
    vars(tokenize).update(_get_nlp=lambda: rules, _install_spacy_model=_refuse_download)
    vars(text_type).update(contains_verb=ends_like_a_sentence)
    counted = _part(text_type, "sentence_count")("This is one. This is another.")
    if counted != 2 or not _part(text_type, "is_possible_narrative_text")("the office is closed on monday."):
        raise ParserMoved(_moved("its sentence rules"))


def ends_like_a_sentence(text: str) -> bool:
    """Stand in for a search for verbs, which needs a model: a sentence ends like one, a title does not."""
    return text.rstrip().endswith(_SENTENCE_ENDS)


@contextmanager
def _left_out(name: str, **parts: object) -> Iterator[None]:
    """Let what is imported meanwhile find an empty module under this name, and nobody after it.

    The parser needs neither: it asks the language model through one function, which is replaced, and its 60 MB of
    English words only if it is told to check the language.
    """
    before = sys.modules.get(name)
    stand_in = ModuleType(name)
    vars(stand_in).update(parts)
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        del sys.modules[name]
        if before is not None:
            sys.modules[name] = before


def _refuse_download() -> NoReturn:
    raise ParserMoved(_moved("the loading of its language model"))


def _module(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ParserMoved(_moved(name)) from error


def _part(module: ModuleType, name: str) -> Callable[..., Any]:
    part = getattr(module, name, None)
    if not callable(part):
        raise ParserMoved(_moved(f"{module.__name__}.{name}"))
    return part  # type: ignore[no-any-return]  # callable() proves no more than that


def _moved(what: str) -> str:
    return f"this release of unstructured lacks {what}, or no longer uses it: install the one that pyproject.toml names"
