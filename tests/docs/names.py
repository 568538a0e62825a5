"""Names for what is random in a run, so that two runs read the same: ids, tokens, keys, times."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from redaction.tokens import make_token
from redaction.types import Kind
from store import schema
from store.engine import snapshot
from store.sealed import DocumentKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.wiring import House

DELIMITER: Final = "0123456789abcdef"
AUDIT_ID: Final = "c41d7d0e-52ab-4c57-9d1e-0f6a8e3b7c21"
CONVERSATION: Final = "5a6e9b1c-0d7f-4e2a-8b3c-94d1f2a6e708"
PSEUDONYM: Final = "7b1e0c9d5a4f43e28c6d1f0a9b8e7d6c"
HASH: Final = "3f9a61c2" * 8
TIME: Final = "2026-03-02T08:05:00.000000+00:00"

_CODES: Final = ("7F3K", "9XQ2", "B4TM", "5HWN", "C8RJ", "2VZP")
_FORMS: Final = "2M5BKTRW"
_TOKEN: Final = re.compile(rf"\b({'|'.join(Kind)})_([0-9A-Z]{{4}})([0-9A-Z])[0-9A-Z]\b")
_FIXED: Final[Mapping[str, str]] = {
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00": TIME,
    r'(?<="who": ")[0-9a-f]{32}': PSEUDONYM,
    r'(?<="date": ")\d{4}-\d\d-\d\d(?=")': TIME[:10],
    r"\b[0-9a-f]{64}\b": HASH,
    r"\bntk_[\w-]{43}": "ntk_…",
}


class Tokens:
    """Gives each token of a text a fixed one, in the order of their appearance; what belongs together still does."""

    def __init__(self) -> None:
        """Begin without any, but for the example in the system text of every prompt, which stays."""
        self._codes = {("USER", _CODES[0]): _CODES[0]}
        self._forms: defaultdict[str, dict[str, str]] = defaultdict(dict, {_CODES[0]: {"2": "2"}})

    def __call__(self, text: str) -> str:
        """Give a text with fixed tokens."""
        return _TOKEN.sub(self._fixed, text)

    def _fixed(self, match: re.Match[str]) -> str:
        kind, code, form = match.groups()
        fixed = self._codes.setdefault((kind, code), _CODES[len(self._codes)])
        forms = self._forms[fixed]
        return make_token(Kind(kind), fixed, forms.setdefault(form, _FORMS[len(forms)]))


class Names:
    """Replaces each random name by a fixed one."""

    def __init__(self, house: House) -> None:
        """Read the names of folders, documents and chunks."""
        self._known = _of_places(house)
        self._tokens = Tokens()

    def learn(self, **known: str | None) -> None:
        """Give the names of one request: its audit_id, its conversation, the delimiter of its prompt."""
        fixed = {"audit_id": AUDIT_ID, "conversation": CONVERSATION, "delimiter": DELIMITER}
        self._known |= {real: fixed[name] for name, real in known.items() if real}

    def __call__(self, text: str) -> str:
        """Give a text with fixed names."""
        for real, fixed in self._known.items():
            text = text.replace(real, fixed)
        for pattern, fixed in _FIXED.items():
            text = re.sub(pattern, fixed, text)
        return self._tokens(text)


def _of_places(house: House) -> dict[str, str]:
    with snapshot(house.store.engine) as connection:
        nodes = {row.id: row for row in connection.execute(select(schema.node))}
        documents = list(connection.execute(select(schema.document)))
        chunks = list(connection.execute(select(schema.chunk)))

    def path(node: str) -> str:
        row = nodes[node]
        return node.partition(":")[2] if row.parent_id is None else f"{path(row.parent_id)}/{row.name}"

    def title(row: object) -> str:
        wrapping = house.store.keys.documents(row.key_id)  # type: ignore[attr-defined]
        key = DocumentKey.unwrap(row.id, row.wrapped_key, wrapping)  # type: ignore[attr-defined]
        return re.sub(r"\W+", "-", key.open_title(row.sealed_title).lower()).strip("-")  # type: ignore[attr-defined]

    folders = {id_: f"folder:{path(id_)}" for id_ in nodes if id_.startswith("folder:")}
    titles = {row.id: f"doc:{title(row)}" for row in documents}
    numbers = {row.id: f"{titles[row.document_id].partition(':')[2]}/{row.ord + 1}" for row in chunks}
    return folders | titles | numbers
