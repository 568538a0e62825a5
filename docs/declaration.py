"""The words of the reference page on `.ntk.yaml`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ingest.declared import DECLARATION_BYTES, DECLARATION_NAME, declaration_schema
from ingest.ignore import IGNORE_BYTES, IGNORE_NAME
from ingest.walk import DEEPEST, MOST_BYTES, MOST_NAMES
from redaction.detect import CARDS, CONFIDENTIAL, HEALTH, SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

TITLE: Final = "Files that steer ingestion"

DETECTED: Final[Mapping[str, Sequence[str]]] = {
    f"`{CARDS}`": ("a payment card number, by issuer, length and check digit",),
    f"`{HEALTH}`": (
        "somebody's health: an illness, a diagnosis, a medicine or a sick note in the passage that says whose it is",
        "`hipaa` is the compartment for health under the GDPR too",
    ),
    f"`{SECRET}`": (
        "a private key, a key or token of a service, a password that is written down",
        "a line that marks the document, such as STRICTLY CONFIDENTIAL, SECRET, VS-NfD or `Classification: secret`",
    ),
    f"`{CONFIDENTIAL}`": ("a line such as CONFIDENTIAL, or Confidential at the edge of the document or on each page",),
}

ABOUT: Final = f"""\
## `{DECLARATION_NAME}`

A file of this name says something about the folder that it lies in and about all below. It is YAML in UTF-8, at most
{DECLARATION_BYTES // 1_000} KB; [the schema](declaration.schema.json) lets an editor check it. Each key may be left
away. [How to label a folder](../how-to/label-a-folder.md) has examples."""


def detected() -> str:
    """Give the table of what detectors find."""
    rows = [(label, "; ".join(DETECTED[label])) for label in DETECTED]
    return "\n".join(["| found | covered from |", "| --- | --- |", *(f"| {what} | {label} |" for label, what in rows)])


MORE: Final = (
    """\
A key that is not in this table, a key twice, a value of another form, a tag, an anchor, a second document, or a file
that is empty, a link, or called `.ntk.yml` is a fault. What lies at or below a folder with a fault waits in quarantine,
with the line and the reason. So does what has no owner, what is opened to somebody whom nobody knows, and what lies
below `inherit: false` without an owner, a level and readers.""",
    f"""\
## `{IGNORE_NAME}`

A file of this name says what of its folder, and of the folders below, is not taken in. It has the syntax of
`.gitignore`: a pattern on each line, `#` for a comment, `!` to bring something back, `/` at the end for folders alone,
`**` for any number of folders. The file that is nearest and has a matching line decides, and in it the last such line.
What lies below a folder that is left out cannot be brought back. Named classes such as `[[:alpha:]]` are not
understood.

It is UTF-8, at most {IGNORE_BYTES // 1_000} KB and 1,000 lines. A folder whose file has a line that is no pattern is
reported with that line, and nothing of it is read.""",
    f"""\
## What holds a document back

A document whose label does not cover what is found in it waits in quarantine; so does one that answered, with the next
run after its label was lowered below that. Detectors only raise: nothing that they find, or fail to find, gives anybody
a right.

{detected()}

They read English and German. They miss what is not written in their words, and can be wrong: a second person
releases what is held for nothing. A document that cannot be looked through is not taken in.""",
    f"""\
## What is never taken in

Files and folders whose name begins with a dot, unless they are asked for; `.git` and the two files above in no
case. Links, pipes, sockets, devices; files of more than 50 MB; folders more than {DEEPEST} deep: these are reported.
A folder with more than {MOST_NAMES:,} names, or with files of more than {MOST_BYTES:,} bytes together, is refused
before anything is read.""",
)


def table() -> tuple[Sequence[str], Iterator[tuple[str, str, str]]]:
    """Give the head and the rows of the table of keys."""
    schema = declaration_schema()["properties"]
    rows = ((f"`{key}`", _form(part), part["description"]) for key, part in schema.items())
    return ("key", "form", "meaning"), rows


def _form(part: Mapping[str, Any]) -> str:
    if part["type"] == "boolean":
        return "`true` or `false`"
    one = part.get("items", part)
    form = ", ".join(f"`{value}`" for value in one["enum"]) if "enum" in one else f"`{one['pattern'].strip('^$')}`"
    return f"a list of {form}" if "items" in part else form
