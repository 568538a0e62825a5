"""An application: a program through which people ask, what it is for, and what it may send where."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from acl.errors import PolicyError
from acl.labels import Label, parse_label
from acl.names import SUBJECT_KINDS, parse_name

_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
_PROVIDER: Final = r"^[a-z0-9][a-z0-9._-]{0,62}$"


def _checked_label(text: str) -> str:
    try:
        return str(parse_label(text))
    except PolicyError as error:
        raise ValueError(str(error)) from error


def _checked_subject(text: str) -> str:
    try:
        return parse_name(text, SUBJECT_KINDS)
    except PolicyError as error:
        raise ValueError(str(error)) from error


class Application(BaseModel):
    """An application as it is registered. One that is not registered sends nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=_NAME, description="its name, without app:; the doors are `http` and `command-line`")
    purpose: str = Field(min_length=10, max_length=500, description="what it is for, in a sentence")
    owner: str = Field(pattern=r"^user:[A-Za-z0-9._-]{1,120}$", description="who answers for it")
    ceiling: Annotated[str, AfterValidator(_checked_label)] = Field(
        description="the highest label that may leave through it, such as internal or confidential+gdpr"
    )
    users: tuple[Annotated[str, AfterValidator(_checked_subject)], ...] = Field(
        min_length=1, max_length=200, description="who may ask through it: user:…, group:…, role:everyone"
    )
    reveal: tuple[Annotated[str, AfterValidator(_checked_subject)], ...] = Field(
        default=("role:everyone",),
        max_length=200,
        description="who of them is shown names in answers; the others see the tokens that stand for them",
    )
    provider: str | None = Field(default=None, pattern=_PROVIDER, description="whose model answers; without, nobody's")
    model: str | None = Field(default=None, max_length=200, description="which one; without it, its first")
    local: str | None = Field(
        default=None,
        pattern=_PROVIDER,
        description="the local provider for what may not leave; without it, answers are quotes then",
    )
    local_model: str | None = Field(default=None, max_length=200)
    note: str = Field(default="", max_length=500, description="what is to be known of this version")
    retired: bool = Field(default=False, description="whether nobody may ask through it any more")

    @property
    def ceiling_label(self) -> Label:
        """The ceiling as a label."""
        return parse_label(self.ceiling)
