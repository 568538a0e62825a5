"""The page of the reference on settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from acl.labels import Level
from api.settings import PREFIX, Settings
from docs.page import page, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

LEVELS: Final = ", ".join(level.name.lower() for level in Level)


def settings_page() -> str:
    """Give the page of all settings and their variables."""
    rows = [
        (f"`{key}`", f"`{PREFIX}{key.replace('.', '__').upper()}`", _form(field), _default(field), field.description)
        for key, field in settings()
    ]
    return page(
        "Settings",
        "api/settings.py",
        "Settings stand in `ntk.toml` in the data folder; a variable of the environment wins over the file. There are "
        "no others: an unknown name is refused, in the file and among the variables that begin with `NTK_`.",
        table(("in `ntk.toml`", "variable", "form", "default", "what it is"), rows),
        "Three more variables are read that are no settings: `NTK_DATA` names the data folder where `--data` is not "
        "given, `NTK_KEY` is the API key of whoever gives a command, and `XDG_CACHE_HOME` says where the converted "
        "embedding model is kept, below `need-to-know`: ninety megabytes for one user, which may be removed at any "
        "time. Where it is not set, that is `~/.cache`.",
        "A new data folder has this file, and needs no more:",
        '```toml\nmaster_key = "file:master.key"\n```',
        "A secret reference is `file:PATH` (the file must be readable by its owner alone; a relative path starts at "
        "the data folder), `env:NAME`, or names a secret in [a secrets manager](../how-to/use-a-secrets-manager.md). "
        "Settings never hold a secret themselves.",
    )


def settings(model: type[BaseModel] = Settings, above: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Give every setting by its full name, those of a table after the table."""
    for name, field in model.model_fields.items():
        yield f"{above}{name}", field
        for part in _parts(field.annotation):
            if issubclass(part, BaseModel):
                yield from settings(part, f"{above}{name}.")


def _parts(annotation: Any) -> list[type]:
    found = [part for part in (annotation, *getattr(annotation, "__args__", ())) if isinstance(part, type)]
    return [part for part in found if part is not type(None)]


def _form(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(field.annotation))
    part = _parts(field.annotation)[-1]
    if issubclass(part, BaseModel):
        return "a table; as a variable, JSON"
    if (known := {Level: LEVELS, bool: "true, false"}.get(part)) is not None:
        return known
    if part is int:
        return _range(field)
    several = {dict: "a table of lists; as a variable, JSON", tuple: "a list of texts; as a variable, JSON"}
    if (kind := get_origin(field.annotation)) in several:
        return several[kind]
    limits = ["not empty" for limit in field.metadata if getattr(limit, "min_length", 0) == 1]
    limits += [f"at most {limit.max_length} characters" for limit in field.metadata if hasattr(limit, "max_length")]
    return ", ".join(["URL" if "Url" in part.__name__ else "text", *limits])


def _range(field: FieldInfo) -> str:
    least = next(limit.ge for limit in field.metadata if hasattr(limit, "ge"))
    most = next((f" to {limit.le}" for limit in field.metadata if hasattr(limit, "le")), " or more")
    return f"whole number, {least}{most}"


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "empty"
    if field.default is PydanticUndefined:
        return "none: it must be set"
    if isinstance(field.default, BaseModel):
        return "as below"
    if isinstance(field.default, bool | int):
        return f"`{str(field.default).lower()}`"
    return f"`{field.default!r}`" if field.default else "empty" if field.default == "" else "not set"
