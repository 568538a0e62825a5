"""`.ntk.yaml`: what the owner of a folder says about it: whose it is, how sensitive, and for whom.

A file that cannot be understood is a fault and no missing file: what was meant to be confidential would
else get the label of the folder above. All below it waits in quarantine until somebody corrects it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema

from acl.errors import BadLabel, BadName
from acl.labels import REGULATED, Compartment, Level, parse_compartment, parse_level
from acl.names import Subject, UserId, parse_name
from ingest.errors import Unreadable
from ingest.types import shown
from ingest.yaml_lines import read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DECLARATION_NAME: Final = ".ntk.yaml"
DECLARATION_BYTES: Final = 64_000
DECLARATION_LIKE: Final = re.compile(r"\.ntk\.ya?ml", re.IGNORECASE)  # any of these was meant to be one
_MOST: Final = 200  # readers or compartments of one folder: for more there are groups
_LONGEST: Final = 140  # characters of a name or a compartment
_ID: Final = "[A-Za-z0-9._-]{1,120}"


@dataclass(frozen=True, slots=True)
class Declaration:
    """What one folder says for itself and all below it.

    What it does not say, holds as above it; of inheritance, as it was.
    """

    owner: UserId | None = None
    level: Level | None = None
    compartments: frozenset[Compartment] = frozenset()
    readers: frozenset[Subject] = frozenset()
    inherit: bool | None = None

    @property
    def names(self) -> frozenset[Subject]:
        """Everybody whom it names."""
        return self.readers | ({Subject(self.owner)} if self.owner else frozenset())


@dataclass(frozen=True, slots=True)
class Faulty:
    """A declaration that cannot be understood, and why: with the line, and what to do."""

    reason: str


def _told(parse: Callable[[str], object]) -> Callable[[str], str]:
    """Turn what the parser of a name refuses into what the model refuses, with the same words."""

    def checked(text: str) -> str:
        if len(text) > _LONGEST:
            raise ValueError(f"it is longer than {_LONGEST} characters")
        try:
            parse(text)
        except (BadLabel, BadName) as error:
            raise ValueError(str(error)) from None
        return text

    return checked


def _owner(text: str) -> str:
    return parse_name(text, frozenset({"user"}))


def _reader(text: str) -> str:
    return parse_name(text, frozenset({"user", "group", "role"}))


_Owner = Annotated[str, AfterValidator(_told(_owner)), WithJsonSchema({"type": "string", "pattern": f"^user:{_ID}$"})]
_Reader = Annotated[
    str,
    AfterValidator(_told(_reader)),
    WithJsonSchema({"type": "string", "pattern": f"^(user|group|role):{_ID}$"}),
]
_Level = Annotated[
    str,
    AfterValidator(_told(parse_level)),
    WithJsonSchema({"type": "string", "enum": [level.name.lower() for level in Level]}),
]
_Compartment = Annotated[
    str,
    AfterValidator(_told(parse_compartment)),
    WithJsonSchema(
        {"type": "string", "pattern": rf"^({'|'.join(sorted(REGULATED))}|trade-secret\.[a-z0-9-]{{1,60}})$"}
    ),
]


class DeclarationFile(BaseModel):
    """What a folder says about itself and all below it. Each part may be left away; then it is as above."""

    model_config = ConfigDict(extra="forbid", strict=True, title=DECLARATION_NAME)

    owner: _Owner = Field(default="", description="Whose the documents are: a user, who answers for them.")
    level: _Level = Field(
        default="", description="How sensitive they are. It can raise what a folder above says, and never lower it."
    )
    compartments: Annotated[list[_Compartment], Field(max_length=_MOST)] = Field(
        default=[], description="Closed circles that they belong to, beside those of the folders above."
    )
    readers: Annotated[list[_Reader], Field(min_length=1, max_length=_MOST)] = Field(
        default=[], description="Users, groups and roles that may read them, beside those of the folders above."
    )
    inherit: bool = Field(
        default=True,
        description="Whether rules of the folders above apply. With `false`, owner, level and readers have to stand "
        "here; the label of the folders above still holds. Left away, it stays as it is: in a new folder, they apply.",
    )


def parse_declaration(data: bytes) -> Declaration | Faulty:
    """Read the content of a declaration."""
    try:
        content, lines = read_yaml(data)
    except Unreadable as error:
        return Faulty(str(error))
    if not content:
        return Faulty(f"it says nothing: write {_KEYS}, or remove it")
    try:
        file = DeclarationFile.model_validate(content)
    except ValidationError as error:
        return Faulty(_explained(error, lines))
    return Declaration(
        owner=UserId(file.owner) if file.owner else None,
        level=parse_level(file.level) if file.level else None,
        compartments=frozenset(map(parse_compartment, file.compartments)),
        readers=frozenset(map(Subject, file.readers)),
        inherit=file.inherit if "inherit" in file.model_fields_set else None,
    )


_KEYS: Final = ", ".join(list(DeclarationFile.model_fields)[:-1]) + " or " + list(DeclarationFile.model_fields)[-1]


def _explained(error: ValidationError, lines: Mapping[tuple[str | int, ...], int]) -> str:
    """Say what is wrong with the first wrong part, in its line. A model's own words quote and explain nothing."""
    first = min(error.errors(include_url=False), key=lambda each: lines.get(each["loc"], 0))
    place, key = first["loc"], shown(str(first["loc"][0]))[:40]
    return f"line {lines.get(place, 1)}: {_wrong(key, first, part=len(place) > 1)}"


def _wrong(key: str, error: Any, *, part: bool) -> str:
    if error["type"] == "value_error":
        return f"{key}: {error['ctx']['error']}"
    if error["input"] is None:
        return f"{key} has no value: write one, or remove the line"
    said = _WRONG.get(error["type"], "has a part that is no text: write no blank behind a colon, or put it in quotes")
    if error["type"] == "string_type" and not part:
        said = "is no text to YAML, which takes no, 12 and 2026-01-31 for something else: put it in quotes"
    return f"{key} {said}"


_WRONG: Final = {
    "extra_forbidden": f"is no key here: write {_KEYS}",
    "too_short": "is empty: name somebody, or remove the line",
    "too_long": f"has more than {_MOST} parts: use a group",
    "list_type": "is no list: write it in brackets, [one, two], or with a dash before each",
    "bool_type": "is neither true nor false: write one of them, without quotes",
}


def declaration_schema() -> dict[str, Any]:
    """Give the JSON Schema of a declaration, for editors that check what is written."""
    schema = DeclarationFile.model_json_schema()
    for part in schema["properties"].values():
        del part["default"]  # it stands for "as above" or "as it is", and cannot be written
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
