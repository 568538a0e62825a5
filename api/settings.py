"""The settings, from `ntk.toml` in the data folder and from `NTK_…` variables, which win.

Every setting names its unit and what it does; docs/reference/settings.md is generated from here.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from api.errors import BadSettings
from redaction.errors import BadPattern
from redaction.keeping import MOST_DAYS, Keeping
from redaction.references import OwnNumbers

if TYPE_CHECKING:
    from store.folder import Layout

PREFIX: Final = "NTK_"
# Variables that are no settings: where the data folder is, who asks on the command line, what tests use.
_OTHER_VARIABLES: Final = ("NTK_DATA", "NTK_KEY", "NTK_GOLDEN")
_TEST_PREFIX: Final = "NTK_TEST_"
_KEPT: Final = Keeping()
_DAYS: Final = "for how many days what is {} is kept; 0: not at all, it is gone with the answer"


class RecognitionSettings(BaseModel):
    """What is recognised beyond what every text may hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    region: str = Field(
        default="GB",
        pattern="^[A-Z]{2}$",
        description="country where a phone number without a country code is dialled: two letters, as in ISO 3166",
    )
    numbers: tuple[str, ...] = Field(
        default=(),
        max_length=50,
        description="patterns, in the syntax of RE2, of numbers that the organisation gives to staff, customers, cases",
    )
    guess: bool = Field(
        default=True,
        description="whether to mask as well what is, by the shape of a sentence, probably a name; "
        "without it, only what rules and the directory know is masked",
    )

    models: tuple[str, ...] = Field(
        default=(),
        max_length=5,
        description="models of others that add to what is masked: spacy:MODEL, gliner:FOLDER or presidio:MODEL",
    )

    @field_validator("numbers")
    @classmethod
    def _usable(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        try:
            OwnNumbers(patterns)
        except BadPattern as error:
            raise ValueError(str(error)) from error
        return patterns


class RetentionSettings(BaseModel):
    """For how long what was said is kept, by its label."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    public: int = Field(default=_KEPT.public, ge=0, le=MOST_DAYS, description=_DAYS.format("public"))
    internal: int = Field(default=_KEPT.internal, ge=0, le=MOST_DAYS, description=_DAYS.format("internal"))
    confidential: int = Field(
        default=Keeping().confidential, ge=0, le=MOST_DAYS, description=_DAYS.format("confidential")
    )
    restricted: int = Field(default=_KEPT.restricted, ge=0, le=MOST_DAYS, description=_DAYS.format("restricted"))

    @model_validator(mode="after")
    def _usable(self) -> Self:
        self.keeping()
        return self

    def keeping(self) -> Keeping:
        """Give it as the value that decides."""
        return Keeping(self.public, self.internal, self.confidential, self.restricted)


class IndexSettings(BaseModel):
    """A Qdrant server or cluster that keeps the index."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(min_length=1, description="URL of the server, with its port, such as https://qdrant.example:6333")
    key: str = Field(
        default="",
        description="secret reference of the key (file:PATH, env:NAME or in a secrets manager); empty: none needed",
    )
    collection: str = Field(
        default="need-to-know", description="name of the index there: letters, digits, underscores, hyphens"
    )
    grpc: int | None = Field(default=None, ge=1, le=65535, description="port for gRPC; without it, all goes over HTTP")
    ca: str | None = Field(
        default=None,
        min_length=1,
        description="file of certificates in PEM, below the data folder if relative, by which the server proves who it "
        "is; without it, the public authorities",
    )
    allow_plain_http: bool = Field(
        default=False,
        description="whether key and vectors may go to any host over http; without it, to this machine and to private "
        "addresses alone",
    )
    connect: float = Field(default=2, gt=0, le=60, description="seconds to wait for a connection")
    search: float = Field(default=10, gt=0, le=600, description="seconds from a question to the end of its answer")
    write: float = Field(default=60, gt=0, le=3600, description="seconds until what was told is written")
    shards: int | None = Field(
        default=None, ge=1, description="parts of a new collection; without it, as the server is set up, as below"
    )
    replicas: int | None = Field(default=None, ge=1, description="copies of each part")
    replicas_written: int | None = Field(
        default=None, ge=1, description="copies that must have a write before it counts"
    )


class Settings(BaseSettings):
    """Everything that can be set. There are no others, and an unknown name is refused."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, case_sensitive=False
    )

    master_key: str = Field(
        min_length=1,
        description="secret reference of the master key (file:PATH, below the data folder if relative, env:NAME "
        "or in a secrets manager); it may hold several, the newest first, with blanks between",
    )
    database: str | None = Field(
        default=None,
        min_length=1,
        description="secret reference (file:PATH, env:NAME or in a secrets manager) of the URL of a PostgreSQL "
        "database, postgresql://USER:PASSWORD@HOST/NAME; without it, SQLite in the data folder",
    )
    recognition: RecognitionSettings = Field(default=RecognitionSettings(), description="what is recognised in texts")
    retention: RetentionSettings = Field(
        default=RetentionSettings(), description="for how long conversations, and requests that wait, are kept"
    )
    index: IndexSettings | None = Field(
        default=None, description="the server that keeps the index; without it, it is in the data folder"
    )
    fusion: Literal["dbsf", "rrf"] = Field(
        default="dbsf",
        description="how what is found by meaning and what is found by words become one order: dbsf adds up the scores "
        "of both, rrf the places in both",
    )
    keys: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="of each secret reference that a provider's record may name, the hosts that its key may go to; "
        "a key that is not here goes nowhere",
    )
    counters: str | None = Field(
        default=None,
        min_length=1,
        description="secret reference of the URL of a Redis that counts questions for all processes; without it, each "
        "counts for itself",
    )
    forbidden: tuple[str, ...] = Field(
        default=(),
        max_length=100,
        description="regular expressions in the syntax of RE2 that no answer may fit, such as names of projects; "
        "one that does is blocked",
    )
    canaries: tuple[str, ...] = Field(
        default=(),
        max_length=100,
        repr=False,
        description="words of 16 or more letters and digits that were put into documents to see where they turn up; "
        "an answer with one in it, however encoded, is blocked",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no .env file is read
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - secrets are references
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(layout: Layout) -> Settings:
    """Read the settings of a data folder.

    Raises:
        BadSettings: The file or a variable is wrong; the message names each and never shows a value.
    """
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and not _is_known(name))
    if unknown:
        raise BadSettings(f"the variable {unknown[0]} is no setting: see docs/reference/settings.md")

    class FileSettings(Settings):
        model_config = SettingsConfigDict(toml_file=layout.settings)

    try:
        return FileSettings()
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{layout.settings} is not valid TOML: {error}") from error
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise BadSettings(f"{layout.settings} cannot be read: write it in TOML, in UTF-8") from error
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise BadSettings(f"the settings in {layout.settings} and the NTK_ variables: {problems}") from error


def variable_of(setting: str) -> str | None:
    """Give a variable of the environment that sets something of a setting, if there is one."""
    names = (name for name in sorted(os.environ) if name.startswith(PREFIX))
    return next((name for name in names if _setting_of(name) == setting), None)


def cache_folder() -> Path | None:
    """Give where to keep what can be made again, for this user: `need-to-know` in XDG_CACHE_HOME, or in ~/.cache.

    None where the user has no home.
    """
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if named.is_absolute():  # others are to be passed over, says the XDG base directory specification
        return named / "need-to-know"
    try:
        return Path.home() / ".cache" / "need-to-know"
    except RuntimeError:
        return None


def _is_known(variable: str) -> bool:
    is_other = variable in _OTHER_VARIABLES or variable.startswith(_TEST_PREFIX)
    return is_other or _setting_of(variable) in Settings.model_fields


def _setting_of(variable: str) -> str:
    return variable.removeprefix(PREFIX).lower().split("__")[0]
