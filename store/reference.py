"""What names a secret, and what it names. No IO.

    file:PATH                        a file that its owner alone may read
    env:NAME                         a variable of the environment
    vault:MOUNT/PATH#FIELD           HashiCorp Vault or OpenBao, key-value engine, version 2
    aws-sm:NAME or ARN [#FIELD]      AWS Secrets Manager
    gcp-sm:PROJECT/NAME[/VERSION] [#FIELD]   Google Cloud Secret Manager; without a version the latest
    azure-kv:VAULT/NAME [#FIELD]     Azure Key Vault; VAULT is its short name, or its host in another cloud

A field is one of the secret's JSON object; without one, the secret is the whole text.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

from store.errors import SecretMissing

if TYPE_CHECKING:
    from collections.abc import Mapping

Scheme = Literal["file", "env", "vault", "aws-sm", "gcp-sm", "azure-kv"]

LONGEST: Final = 16_384  # characters of a secret; what is longer is no key, password or URL
FORMS: Final = "file:PATH, env:NAME, vault:MOUNT/PATH#FIELD, aws-sm:NAME, gcp-sm:PROJECT/NAME or azure-kv:VAULT/NAME"

_PART: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}"  # begins with no dot: nothing climbs out of a path
_FIELD: Final = rf"(?:\#(?P<field>{_PART}))"
_PLACES: Final[Mapping[Scheme, str]] = {
    "file": r"(?P<place>[^\n]+)",
    "env": r"(?P<place>[^\n=]+)",
    "vault": rf"(?P<place>{_PART}(?:/{_PART})+){_FIELD}",
    "aws-sm": rf"(?P<place>[A-Za-z0-9/_+=.@:-]{{1,2048}}){_FIELD}?",
    "gcp-sm": r"(?P<place>[a-z0-9][a-z0-9-]{3,61}/[A-Za-z0-9_-]{1,255}"
    rf"(?:/(?:latest|[1-9][0-9]{{0,9}}))?){_FIELD}?",
    "azure-kv": r"(?P<place>[a-z][a-z0-9-]{1,22}[a-z0-9]"
    rf"(?:\.vault\.(?:azure\.net|azure\.cn|usgovcloudapi\.net))?/[A-Za-z0-9-]{{1,127}}){_FIELD}?",
}
_FORM: Final = {scheme: re.compile(f"{scheme}:{place}", re.ASCII) for scheme, place in _PLACES.items()}


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a secret is."""

    scheme: Scheme
    place: str  # all after the scheme, without the field
    field: str | None = None  # of a secret that is a JSON object

    def __str__(self) -> str:
        """Give it as it was written."""
        return f"{self.scheme}:{self.place}" + (f"#{self.field}" if self.field else "")


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret, and since when it has been what it is."""

    value: str = field(repr=False)
    made_at: datetime | None = None  # None: nobody knows


def parse(text: str) -> Reference:
    """Read a reference.

    Raises:
        SecretMissing: It has none of the forms. The message does not repeat it: it may be the secret itself.
    """
    for scheme, form in _FORM.items():
        if found := form.fullmatch(text):
            parts = found.groupdict()
            return Reference(scheme, parts["place"], parts.get("field"))
    raise SecretMissing(f"a secret reference has the form {FORMS}")


def checked(reference: Reference, value: str) -> str:
    """Give a secret without surrounding blanks.

    Raises:
        SecretMissing: It is empty, too long, or holds a control character.
    """
    if len(value) > LONGEST:
        raise SecretMissing(f"the secret {reference} is longer than {LONGEST} characters")
    secret = value.strip()
    if not secret:
        raise SecretMissing(f"the secret {reference} is not there or is empty")
    if not secret.isprintable():
        raise SecretMissing(f"the secret {reference} holds a control character or a line break")
    return secret


def part_of(reference: Reference, text: str) -> str:
    """Give the field of a secret that is a JSON object; without a field, the whole text.

    Raises:
        SecretMissing: It is no such object, or has no such field, or there is no text in it.
    """
    if reference.field is None:
        return text
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise SecretMissing(f"the secret {reference} is no JSON object, so it has no field")
    return entry(reference, values)


def entry(reference: Reference, values: Mapping[str, object]) -> str:
    """Give the field that a reference names.

    Raises:
        SecretMissing: There is none, or no text in it.
    """
    value = values.get(reference.field or "")
    if value is None:
        raise SecretMissing(f"the secret {reference} has no such field")
    if not isinstance(value, str):
        raise SecretMissing(f"the secret {reference} is no text")
    return value


def moment(value: object) -> datetime | None:
    """Read a time that a secrets manager told; None for what is none."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime) or value.tzinfo is None:
        return None
    return value.astimezone(UTC)
