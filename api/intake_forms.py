"""What client and server say to each other when a folder comes in over HTTP.

The server checks every part; what it gets is somebody's word for what lies in his folder. The client checks too: what
a server says is shown on a terminal.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ingest.declared import DECLARATION_BYTES
from ingest.errors import Unreadable
from ingest.one_by_one import LONGEST_PATH, parents_in
from ingest.outcome import What
from ingest.types import is_shown, shown

MOST_FOLDERS: Final = 1000  # of a request
MOST_FILES: Final = 1000
MOST_REMOVED: Final = 500
PREFIX: Final = "/api/v1/intake"
_NAME: Final = 140  # characters
_LONGEST: Final = 20_000  # characters of what is only told


def _of_file(path: str) -> str:
    try:
        parents_in(path)
    except Unreadable as error:
        raise ValueError(str(error)) from None
    return path


def _of_folder(path: str) -> str:
    return _of_file(f"{path}/f").removesuffix("/f") if path else path


def _encoded(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("it is not in base64") from None
    return text


def _safe(text: str) -> str:
    return text if is_shown(text) else shown(text)


FilePath = Annotated[str, AfterValidator(_of_file)]
FolderPath = Annotated[str, AfterValidator(_of_folder)]
Encoded = Annotated[str, AfterValidator(_encoded), Field(max_length=DECLARATION_BYTES * 4 // 3 + 4)]
Told = Annotated[str, AfterValidator(_safe), Field(max_length=_LONGEST)]
_COLLECTION: Final = Field(max_length=_NAME, description="The name of the collection, without `coll:`.")


class Said(BaseModel):
    """What the client says: nothing in it is guessed, and nothing is passed over."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Heard(BaseModel):
    """What the server says. A newer one may say more."""

    model_config = ConfigDict(extra="ignore", strict=True)


class DeclarationIn(Said):
    """What a folder's own file says, or why it cannot be read."""

    folder: FolderPath = Field(description="The folder.")
    content: Encoded | None = Field(default=None, description="Its `.ntk.yaml`, in base64.")
    fault: str | None = Field(default=None, max_length=300, description="Why that cannot be read.")


class BeginIn(Said):
    """The folders that are to be filled."""

    collection: str = _COLLECTION
    readers: list[str] = Field(
        default=[], max_length=MOST_FOLDERS, description="Users, groups and roles that may read the collection."
    )
    level: str | None = Field(default=None, max_length=_NAME, description="The level of the collection, if it is new.")
    compartments: list[str] = Field(default=[], max_length=MOST_FOLDERS, description="Its compartments.")
    owner: str | None = Field(
        default=None, max_length=_NAME, description="Who owns what no folder names an owner for; else, the caller."
    )
    source: str = Field(
        min_length=1,
        max_length=LONGEST_PATH,
        description="A name for the folder on the client's side, always the same.",
    )
    moved: bool = Field(default=False, description="The folder that fills the collection has got this name now.")
    folders: list[FolderPath] = Field(
        min_length=1, max_length=MOST_FOLDERS, description="The folders that files lie in, with `/`; empty for the top."
    )
    declarations: list[DeclarationIn] = Field(
        default=[], max_length=2 * MOST_FOLDERS, description="What these folders declare, and all above them."
    )
    dry_run: bool = Field(default=False, description="Write nothing, and give slips with which nothing is written.")


class FolderOut(Heard):
    """A folder that is ready to be filled."""

    folder: str
    slip: Annotated[str, Field(max_length=_LONGEST)]
    held: bool
    label: Told | None = None
    readers: int | None = None
    who: list[Told] | None = None


class BeginOut(Heard):
    """All of them."""

    folders: list[FolderOut]
    warnings: list[Told]


class WaitingOut(Heard):
    """Nothing can be taken in before a second person has agreed."""

    approval: Told
    reasons: list[Told]
    expires_at: Told


class FileIn(Said):
    """A file of the folder."""

    path: FilePath = Field(description="Where it lies in the folder.")
    sha256: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{64}$", description="Of its content; without it, it is only looked up."
    )


class CompareIn(Said):
    """Files that may have changed."""

    collection: str = _COLLECTION
    files: list[FileIn] = Field(max_length=MOST_FILES, description="Files, each with `path` and `sha256`.")


class ComparedOut(Heard):
    """Whether a file has to be sent, and the documents that came of it until now."""

    path: str
    unchanged: bool
    documents: list[Told]


class CompareOut(Heard):
    """All of them."""

    files: list[ComparedOut]


class OutcomeOut(Heard):
    """What became of a file, or of something that is attached to it."""

    path: Told
    outcome: What
    chunks: int
    reasons: list[Told]
    notes: list[Told]
    attached: bool


class TakenOut(Heard):
    """What became of a file, of all that is attached to it, and the documents that they are."""

    outcomes: list[OutcomeOut]
    documents: list[Told]


class StockedOut(Heard):
    """A document that came from the folder of a collection."""

    document: Told
    removable: bool


class DocumentsOut(Heard):
    """A page of them."""

    items: list[StockedOut]
    next: Told | None


class RemoveIn(Said):
    """Documents whose files are gone."""

    collection: str = _COLLECTION
    documents: list[Annotated[str, Field(max_length=_NAME)]] = Field(
        max_length=MOST_REMOVED, description="Documents of the list."
    )


class RemoveOut(Heard):
    """How many were deleted."""

    removed: int
