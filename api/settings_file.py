"""Changes the one table of `ntk.toml` that a command may change: where the index is kept."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any, Final

from api.errors import BadSettings
from api.settings import variable_of
from store.whole import put

if TYPE_CHECKING:
    from api.settings import IndexSettings
    from store.folder import Layout

_TABLE: Final = re.compile(r"^[ \t]*\[index\][ \t]*(#.*)?$\n?(^[ \t]*[^\s\[#].*\n?)*", re.MULTILINE)


def with_index(layout: Layout, named: IndexSettings | None) -> str:
    """Give what the settings file is to be for an index on a server, or in the data folder; nothing is written yet.

    Raises:
        BadSettings: A variable wins over the file, or the table stands in it in a way that is the operator's own.
    """
    if (variable := variable_of("index")) is not None:
        raise BadSettings(f"the variable {variable} says where the index is, and wins over {layout.settings}: unset it")
    old = layout.settings.read_text(encoding="utf-8")
    wanted = tomllib.loads(old)
    wanted.pop("index", None)
    table = {} if named is None else named.model_dump(exclude_unset=True)
    new = _TABLE.sub("", old).rstrip() + "\n"
    if table:
        wanted["index"] = table
        new += "\n[index]\n" + "".join(f"{key} = {_value(value)}\n" for key, value in table.items())
    if _read(new) != wanted:  # it is a dotted key, or an inline table: not to be guessed at
        raise BadSettings(f"take what says index out of {layout.settings}, or write it as a table, [index]")
    return new


def rewrite(layout: Layout, text: str) -> None:
    """Put a text into the place of the settings file, whole or not at all."""
    put(layout.settings, text)


def _value(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)  # JSON and TOML write texts, numbers and booleans alike


def _read(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
