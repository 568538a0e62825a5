"""What lies on the disk: no text of a document, anywhere (searched byte by byte)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from store.engine import snapshot, write
from store.envelope import new_key
from store.schema import document, metadata
from store.sealed import DocumentKey
from tests.sparse import parts_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds import World

# Put together here, so that no file of a test run holds them by accident. Words, since the index takes texts apart.
TITLE = "zqtitle" + "vexbrimk"
WORDS = ["zqchunk" + "plodwurf", "zqsecond" + "grimsnak"]


def forms(word: str) -> list[bytes]:
    return [form.encode(coding) for form in (word, word.upper(), word.title()) for coding in ("utf-8", "utf-16-le")]


def places(root: Path, word: str) -> list[str]:
    """Name the files below a folder that hold a word in any form."""
    contents = {path: b"".join(parts_of(path).values()) for path in root.rglob("*") if path.is_file()}
    return [path.name for path, data in contents.items() if any(form in data for form in forms(word))]


@pytest.mark.sqlite
def test_the_disk_holds_no_title_and_no_text(world: World) -> None:
    """Copies of a disk, a backup or a write-ahead log must be worth nothing without the master key."""
    root = world.store.layout.root
    coll = world.collection("letters")
    anna = world.user("anna")
    world.allow_everyone(coll)
    doc = world.document(coll, f"A letter about {WORDS[0]}.", f"It says {WORDS[1]}.", title=f"On {TITLE}")
    with write(world.store.engine) as connection:  # written twice, so that freed pages are searched too
        key = DocumentKey("doc:other", new_key())
        connection.execute(update(document).values(sealed_title=key.seal_title(TITLE)))
    assert (root / "ntk.db-wal").stat().st_size > 0
    assert any((root / "index").rglob("*.mmap"))
    assert [places(root, word) for word in (TITLE, *WORDS)] == [[], [], []]

    world.index.close()
    world.store.engine.dispose()
    assert not (root / "ntk.db-wal").exists()
    assert [places(root, word) for word in (TITLE, *WORDS)] == [[], [], []]
    assert places(root, doc) != []  # the search finds what is there: the id stands in clear
    assert places(root, anna) != []


def test_no_row_holds_a_title_or_a_text(world: World) -> None:
    doc = world.document(world.collection("letters"), f"A letter about {WORDS[0]}.", title=f"On {TITLE}")
    with snapshot(world.store.engine) as connection:
        rows = [tuple(row) for table in metadata.sorted_tables for row in connection.execute(select(table))]
    values = [value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row]
    assert doc.encode() in values
    assert not [value for value in values for word in (TITLE, WORDS[0]) for form in forms(word) if form in value]


def test_the_words_are_there_for_who_has_the_key(world: World) -> None:
    coll = world.collection("letters")
    anna = world.user("anna")
    world.allow_everyone(coll)
    world.document(coll, f"A letter about {WORDS[0]}.", title=f"On {TITLE}")
    (snippet,) = world.find(WORDS[0], anna).snippets
    assert WORDS[0] in snippet.text
    assert TITLE in snippet.title
