"""Write the pages of docs/reference from the code: settings, errors, commands, HTTP.

    python -m docs.generate

Each page is a function that gives its text; a test compares it with the file.
"""

from __future__ import annotations

import inspect
import json
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from fastapi import FastAPI

from acl.admin.edits import KINDS
from acl.labels import Label, Level
from acl.names import DocumentId
from api.admission import MAX_BODY
from api.app import create_app
from api.ask import MAX_EPOCH, AskIn, to_json
from api.errors import ERRORS, UNEXPECTED, Exit
from docs import declaration
from docs.commands_page import cli_page
from docs.page import page, table
from docs.settings_page import settings_page
from egress.answer import MAX_QUESTION
from egress.route import Route
from egress.types import Citation, Reply
from ingest.declared import declaration_schema
from ingest.types import MAX_BYTES
from retrieval.types import ChunkId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from api.errors import Row
    from api.wiring import House

REFERENCE: Final = Path(__file__).parent / "reference"
EXITS: Final[Mapping[Exit, str]] = {
    Exit.YES: "It was done.",
    Exit.NO: "It was not: nothing that you may read answers the question, or an error of this kind.",
    Exit.MISUSE: "It was asked wrongly: an argument, a setting or a secret is not right.",
    Exit.PARTLY: "Some files of a folder could not be read, or another process has the data folder.",
}
# What the fields of a question mean. A field that is not here stops the generator.
ASKED: Final[Mapping[str, str]] = {
    "question": f"What you want to know; the flow answers up to {MAX_QUESTION:,} characters.",
    "conversation": "The id that an earlier reply gave. People keep their tokens within a conversation.",
    "collection": "The name of a collection to stay in, alone: `handbook`, not `coll:handbook`.",
    "min_epoch": "An epoch of the policy that a change of it gave. There is no answer from an older policy, but the "
    "error `policy-behind`, with `Retry-After`.",
}
# What the fields of a reply mean. Same.
REPLIED: Final[Mapping[str, str]] = {
    "answer": "The answer, with citations such as `[1]`; real names are back in it.",
    "citations": "The excerpts that it stands on: number, title, text, document, chunk, where in the chunk (offsets "
    "in characters), the headings above it, and the date on which the file was last changed, if that is known.",
    "outcome": "`answered`, or `nothing` when nothing that the asker may read answers it. Both have status 200. "
    "`waiting`, with status 202, when a second person has to approve what would be sent.",
    "route": "Where the prompt went: `decision` is `provider`, `approve`, `local` or `none`; `rule` says what decided "
    "it.",
    "redactions": "How many stretches of the texts were replaced by tokens, by kind.",
    "label": "The label of the answer: the most restrictive of the question and the excerpts.",
    "prompt": "Word for word what the model got; null when there was none.",
    "left": "Whether that prompt left this machine.",
    "request": "What waits for a second person: once it is approved, `POST /api/v1/requests/{id}/answer` gives the "
    "answer, once. Otherwise null.",
    "warnings": "What the output checks dropped or found odd, which emergency access was used, which sources are older "
    "versions of others.",
    "understood_as": "The question with the earlier ones of the conversation that it goes on from; null when it was "
    "taken as it was asked.",
    "conversation": "Pass it on with the next question of the same conversation.",
    "audit_id": "The name of this request in the audit trail.",
}
EVENTS: Final[Mapping[str, str]] = {
    "stage": 'Where the request is, as `{"stage": "searching"}`.',
    "delta": 'The next piece of the checked answer, as `{"text": …}`.',
    "done": "The whole reply, as above. Nothing follows.",
    "error": "The problem, as under [errors](errors.md). Nothing follows.",
}


def main() -> None:
    """Write every page."""
    REFERENCE.mkdir(exist_ok=True)
    for name, write in PAGES.items():
        (REFERENCE / name).write_text(write(), encoding="utf-8")


def errors_page() -> str:
    """Give the page of all errors: codes, statuses, exit codes."""
    rows = [_error_row(row, error.__doc__) for error, row in ERRORS.items()]
    return page(
        "Errors",
        "api/errors.py",
        "Over HTTP an error is a body of the type `application/problem+json` (RFC 9457) with `type`, `title`, "
        "`status`, `detail` and `code`; a malformed request adds `errors`. On the command line it is one line, "
        "`ntk: MESSAGE (code)`, and an exit code; with `--json`, the same body stands on standard output as well. The "
        "codes never change.",
        table(
            ("code", "HTTP", "exit", "title", "what it means", "detail"),
            [*rows, _error_row(UNEXPECTED, "Nobody foresaw it. The log has its place in the code, not its text.")],
        ),
        "Where the detail is *fixed*, a caller over HTTP gets a general text and the error's own message stays in the "
        "log, since it may name what a caller has no business knowing. The command line always shows the message. "
        "Errors of the protocol itself, such as an unknown path, have the code `http-STATUS`.",
        "## Exit codes",
        table(("exit", "meaning"), [(str(int(code)), EXITS[code]) for code in Exit]),
    )


def _error_row(row: Row, meaning: str | None) -> tuple[str, ...]:
    text = (meaning or "").strip().partition("\n")[0]
    return f"`{row.code}`", str(row.status), str(int(row.exit)), row.title, text, "fixed" if row.shown else "its own"


def http_page() -> str:
    """Give the page of the HTTP interface."""
    paths = interface().openapi()["paths"]
    rows = [
        (f"`{method.upper()} {path}`", operation.get("description", "").partition("\n")[0] or PROBES[path])
        for path, methods in paths.items()
        for method, operation in methods.items()
    ]
    return page(
        "HTTP interface",
        "the routes in api/",
        "`ntk serve` listens on http://127.0.0.1:8300 unless told otherwise. A request is made as the person whose "
        "API key it carries, and in no other way: `Authorization: Bearer KEY`. No body and no other header names "
        "anybody. The chat page is at `/`, what waits for a second person at `/approvals`, contracts and gates at "
        "`/matrix`. Bodies of more than "
        f"{MAX_BODY:,} bytes (of a file that comes in: {MAX_BYTES:,}) and requests to other host names are refused.",
        table(("request", "what it does"), rows),
        "## The question",
        table(("field", "form", "needed", "meaning"), list(_asked())),
        "A field that is not in this table is refused. So is an identity in the body.",
        "## The reply",
        table(("field", "meaning"), [(f"`{name}`", REPLIED[name]) for name in to_json(EXAMPLE)]),
        f"```json\n{json.dumps(to_json(EXAMPLE), indent=2, ensure_ascii=False)}\n```",
        "## As a stream",
        "With `Accept: text/event-stream` the same reply comes as server-sent events. No piece of an answer is sent "
        "before the whole of it was checked.",
        table(("event", "data"), [(f"`{name}`", meaning) for name, meaning in EVENTS.items()]),
        "## Administration",
        "Whoever has a key may call each of these; what he gets is decided by the rules on him. What he may not know "
        "of is like what is not there: the same status, the same body, an empty list. A change answers 200 with "
        "`epoch`, the number of the policy that it made; pass it as `min_epoch` with a question, to be sure that the "
        "change holds for it. What lets somebody at what is restricted, or the caller himself at anything, answers "
        "202 with `approval`, `reasons` and `expires_at`: it waits for a second person.",
        "A list answers with `items` and `next`; pass that as `after` to get the next page. After the last one it is "
        "null.",
        "`ntk ingest` takes a folder in by the requests below `/api/v1/intake`: it asks for a slip for each folder, "
        "compares files by their hashes, and sends what is new or has changed, each file with its folder's slip. "
        "Nothing is remembered between them, so a run that was cut off is begun again. What is in a header of a file "
        "stands in the table of that request as well.",
        *_requests(),
        "## Edits",
        "The edits of a request are made in their order; all hold, or none. A part with a default may be left away.",
        table(("op", "parts", "what it does"), [_edit(op, kind) for op, kind in sorted(KINDS.items())]),
        "## Try it",
        "```sh\ncurl --silent http://127.0.0.1:8300/api/v1/ask \\\n"
        '    --header "Authorization: Bearer $NTK_KEY" --json \'{"question": "Who do I call when I am sick?"}\'\n```',
    )


def _requests() -> Iterator[str]:
    """Give a table for each request of administration that has fields."""
    schema = interface().openapi()
    for path, methods in schema["paths"].items():
        for method, operation in methods.items() if path != "/api/v1/ask" else ():
            rows = [*_query(operation), *_body(operation, schema["components"]["schemas"])]
            if rows:
                yield f"### `{method.upper()} {path}`"
                yield operation["description"].replace("\n", " ").replace("  ", "\n\n")
                yield table(("field", "form", "needed", "meaning"), rows)


def _query(operation: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for one in operation.get("parameters", ()):
        if one["in"] in ("query", "header"):
            yield _field(one["name"], {**one["schema"], "description": one["description"]}, needed=one["required"])


def _body(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    model = schemas[content["$ref"].rpartition("/")[2]] if "$ref" in content else {}
    for name, field in model.get("properties", {}).items():
        yield _field(name, field, needed=name in model.get("required", ()))


def _field(name: str, field: Mapping[str, Any], *, needed: bool) -> tuple[str, ...]:
    one: Mapping[str, Any] = next((form for form in field.get("anyOf", ()) if form["type"] != "null"), field)
    form = FORMS.get(one.get("format", ""), FORMS[one["type"]])
    if one["type"] == "array" and one["items"].get("type") == "string":
        form = "list of texts"
    if "enum" in one:
        form = ", ".join(f"`{value}`" for value in one["enum"])
    limits = [
        f", at most {int(one[key]):,}{unit}" for key, unit in LIMITS.items() if one.get(key, MAX_EPOCH) < MAX_EPOCH
    ]
    default = f"no: `{json.dumps(field['default'])}`" if field.get("default") not in (None, "", []) else "no"
    return f"`{name}`", form + "".join(limits), "yes" if needed else default, field["description"]


def _edit(op: str, kind: type[Any]) -> tuple[str, ...]:
    parts = [f"`{part.name}`" + _without(part.default) for part in fields(kind)]
    return f"`{op}`", ", ".join(parts), (inspect.getdoc(kind) or "").partition("\n")[0]


def _without(default: object) -> str:
    if default is MISSING:
        return ""
    shown = str(default) if isinstance(default, Label) else default
    return f" (`{json.dumps(shown)}`)"


FORMS: Final[Mapping[str, str]] = {
    "string": "text",
    "integer": "number",
    "boolean": "true or false",
    "array": "list of objects",
    "object": "object",
    "date-time": "time",
}
LIMITS: Final[Mapping[str, str]] = {"maxLength": " characters", "maximum": "", "maxItems": ""}

PROBES: Final[Mapping[str, str]] = {
    "/healthz": "Say that the process is alive. It needs no key and tells nothing else.",
    "/readyz": "Say whether database and index answer. It needs no key and tells nothing else.",
}

EXAMPLE: Final = Reply(
    outcome="answered",
    answer="Call Priya Raman before 08:30. [1]",
    citations=(
        Citation(
            number=1,
            title="Calling in sick",
            excerpt="When you are sick, call Priya Raman before 08:30.",
            document=DocumentId("doc:3f0c…"),
            chunk=ChunkId("9d2b…"),
            start=0,
            end=49,
            headings=("Calling in sick", "Whom to call"),
            dated=datetime(2026, 3, 2, tzinfo=UTC),
        ),
    ),
    route=Route(rule="internal may go to llm.example", provider="llm.example"),
    model="small-model",
    redactions={"USER": 1},
    label=Label(Level.INTERNAL),
    prompt="You answer one question from numbered excerpts of documents. …",
    warnings=(),
    conversation="5a6e…",
    audit_id="c41d…",
)


def interface() -> FastAPI:
    """Give the application that answers HTTP, without an installation behind it."""
    # create_app only keeps the house for the requests, of which there are none here. What it gives back is the
    # application inside of functions, such as the one that adds the security headers.
    door: Any = create_app(cast("House", None))
    while not isinstance(door, FastAPI):
        door = inspect.getclosurevars(door).nonlocals["app"]
    return door


def declaration_page() -> str:
    """Give the page of what a folder may declare."""
    return page(
        declaration.TITLE, "ingest/declared.py", declaration.ABOUT, table(*declaration.table()), *declaration.MORE
    )


def schema_file() -> str:
    """Give the JSON Schema of a declaration."""
    return json.dumps(declaration_schema(), indent=2) + "\n"


def _asked() -> Iterable[tuple[str, ...]]:
    schema = AskIn.model_json_schema()
    for name, field in schema["properties"].items():
        form: Mapping[str, Any] = next((one for one in field.get("anyOf", ()) if one["type"] != "null"), field)
        limit = f", at most {form['maxLength']:,} characters" if "maxLength" in form else ""
        needed = "yes" if name in schema["required"] else "no"
        yield f"`{name}`", f"{form.get('format', FORMS[form['type']])}{limit}", needed, ASKED[name]


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "settings.md": settings_page,
    "errors.md": errors_page,
    "cli.md": cli_page,
    "http.md": http_page,
    "declaration.md": declaration_page,
    "declaration.schema.json": schema_file,
}

if __name__ == "__main__":
    main()
