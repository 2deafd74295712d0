"""The settings of a run, where each came from, and the one function that gathers them.

Option > environment > ``.env`` > ``config/config.json`` > default. A :class:`Config` itself reads nothing: made in code,
it is what it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from pgdatahub.config.folders import FolderTree
from pgdatahub.config.secrets import Secrets
from pgdatahub.config.urls import Destination, conninfo, masked_url, secrets_of
from pgdatahub.errors import ConfigError
from pgdatahub.values.identifiers import CUT_BYTES


@dataclass(frozen=True, slots=True)
class Explained:
    """What a setting is for and what it takes, beside its field in :class:`Config`.

    Attributes:
        variable: The environment variable.
        help: One line on what it does.
        expects: What a value must be, to follow "must be".
        option: The command-line option that sets it, if there is one.
        example: What the template shows, where the default says nothing.
        advanced: Most people never need it.
    """

    variable: str
    help: str
    expects: str
    option: str | None = None
    example: str = ""
    advanced: bool = False


def _checked_url(value: SecretStr) -> SecretStr:
    conninfo(value.get_secret_value())
    return value


def _checked_schema(value: str) -> str:
    if not value.strip() or "\0" in value or len(value.encode("utf-8", "replace")) > CUT_BYTES:
        raise ValueError
    return value


def _expanded(value: object) -> object:
    return Path(value).expanduser() if isinstance(value, str | Path) and str(value) else value


def _pairs(value: object) -> object:
    """Return what ``key=value,key=value`` says."""
    if not isinstance(value, str):
        return value
    pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
    if not all(key.strip() and equals for key, equals, _ in pairs):
        raise ValueError
    return {key.strip(): given.strip() for key, _, given in pairs}


def _checked_root(value: str) -> str:
    if "://" in value and (masked_url(value) != value or "?" in value):
        raise ValueError(
            "source_file shows it, so credentials stand where its driver looks for them: files of its own, or variables"
            " such as AWS_PROFILE and FSSPEC_SFTP_PASSWORD"
        )
    return value


_Directory = Annotated[Path, BeforeValidator(_expanded)]
_SWITCH: Final = "0 or 1"


class Config(BaseModel):
    """All settings of a run, frozen. Fields are explained by :func:`settings`; relative paths lie in ``directory``."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
    )

    database_url: Annotated[
        SecretStr | None,
        AfterValidator(lambda value: value and _checked_url(value)),
        Explained(
            "DATABASE_URL",
            "the database: a URL, or keywords (host=… dbname=…); else PGHOST or PGSERVICE, else the embedded server",
            "a URL (postgresql://user:password@host:5432/name) or keywords (host=… dbname=…)",
            example="postgresql://user:password@localhost:5432/mydb",
        ),
    ] = None
    data_root: Annotated[
        str,
        Field(min_length=1),
        AfterValidator(_checked_root),
        Explained(
            "ETL_DATA_ROOT",
            "the folder whose subfolders become tables; also a URL such as s3://bucket/folder",
            "a folder, or a URL without a password",
            "--data-root",
        ),
    ] = "data"
    schema_name: Annotated[
        str,
        AfterValidator(_checked_schema),
        Explained("ETL_SCHEMA", "the schema of the tables", f"a name of at most {CUT_BYTES} bytes", "--schema"),
    ] = "public"
    sectional_commit: Annotated[
        bool,
        Explained(
            "ETL_SECTIONAL_COMMIT", "1: one transaction per folder; 0: one per file", _SWITCH, "--sectional-commit"
        ),
    ] = False
    pause_every: Annotated[
        int,
        Field(ge=0),
        Explained(
            "ETL_PAUSE_EVERY", "pause after so many files; 0: never", "a whole number, 0 or more", "--pause-every"
        ),
    ] = 0
    pause_seconds: Annotated[
        float,
        Field(ge=0, le=86_400, allow_inf_nan=False),
        Explained(
            "ETL_PAUSE_SECONDS", "how long a pause is, in seconds", "a number of seconds, 0 to 86400", "--pause-seconds"
        ),
    ] = 30.0
    chunk_size: Annotated[
        int,
        Field(ge=1, le=10_000_000),
        Explained(
            "ETL_CHUNK_SIZE", "rows in memory at a time, per worker", "a whole number, 1 to 10000000", "--chunk-size"
        ),
    ] = 10_000
    workers: Annotated[
        int | None,
        Field(ge=1, le=1024),
        Explained(
            "ETL_WORKERS",
            "files loaded at a time; else the number of processors, less one for the server with the compiled core",
            "a whole number, 1 to 1024",
            "--workers",
        ),
    ] = None
    executor: Annotated[
        str,
        Field(min_length=1),
        Explained(
            "ETL_EXECUTOR",
            "who loads the files: local (processes of this machine), dask, or what a plugin brings",
            "local, dask, or the name of an installed executor",
            "--executor",
            advanced=True,
        ),
    ] = "local"
    executor_options: Annotated[
        Mapping[str, str],
        BeforeValidator(_pairs),
        Explained(
            "ETL_EXECUTOR_OPTIONS",
            "what the executor needs to know, as key=value,key=value",
            "key=value,key=value",
            "--executor-opt",
            example="scheduler=tls://scheduler.example.com:8786",
            advanced=True,
        ),
    ] = Field(default_factory=dict)
    insecure_executor: Annotated[
        bool,
        Explained(
            "ETL_INSECURE_EXECUTOR",
            "1: allow an executor that is not encrypted, on a network that is your own",
            _SWITCH,
            "--insecure-executor",
            advanced=True,
        ),
    ] = False
    on_error: Annotated[
        Literal["continue", "stop"],
        Explained(
            "ETL_ON_ERROR",
            "after a file that fails: continue with the others, or stop",
            "continue or stop",
            "--on-error",
        ),
    ] = "continue"
    require_files: Annotated[
        bool,
        Explained(
            "ETL_REQUIRE_FILES",
            "1: a data root without any workbook, as where a share is not mounted, is an error; 0: a warning",
            _SWITCH,
            "--require-files",
        ),
    ] = False
    state_dir: Annotated[
        _Directory,
        Explained(
            "ETL_STATE_DIR",
            "the folder of .etl_pause.json and etl.log; else the working directory",
            "a folder",
            "--state-dir",
        ),
    ] = Path()
    reader: Annotated[
        Literal["native", "python"] | None,
        Explained(
            "PGDATAHUB_READER",
            "the reader of .xlsx files: native (the compiled core) or python; else native where it is installed",
            "native or python",
            example="python",
            advanced=True,
        ),
    ] = None
    skip_db: Annotated[bool, Explained("SKIP_DB", "1: read everything, write nothing", _SWITCH, "--dry-run")] = False
    debug: Annotated[bool, Explained("DEBUG", "1: show tracebacks", _SWITCH, "--debug")] = False
    pgdatahub_home: Annotated[
        _Directory | None,
        Explained(
            "PGDATAHUB_HOME",
            "where the embedded server keeps its data; else a place of your account",
            "a folder",
            advanced=True,
        ),
    ] = None
    pg_bindir: Annotated[
        _Directory | None,
        Explained(
            "PGDATAHUB_PG_BINDIR",
            "PostgreSQL programs for the embedded server, instead of its own",
            "a folder",
            advanced=True,
        ),
    ] = None
    pg_osuser: Annotated[
        str | None,
        Explained(
            "PGDATAHUB_PG_OSUSER",
            "the account that runs the embedded server when root starts it; else pgdatahub",
            "a name",
            advanced=True,
        ),
    ] = None

    directory: _Directory = Field(default_factory=Path.cwd)
    """Where relative paths begin; the working directory, absolute."""
    config_file: _Directory | None = None
    """The file of folder options; None if there is none."""
    folders: FolderTree = Field(default_factory=FolderTree)
    """What that file says."""
    libpq_environment: bool = False
    """libpq's own variables name a server, or a service."""
    origins: Mapping[str, str] = Field(default_factory=dict)
    """Where each setting came from, by field; those left out are at their default."""
    places: Mapping[str, str] = Field(default_factory=dict)
    """The place of each setting for messages, by field: ``environment variable DATABASE_URL``, ``.env:3``."""
    notices: tuple[str, ...] = ()
    """What was found on the way and looks like a mistake."""

    @model_validator(mode="after")
    def _absolute(self) -> Config:
        # object.__setattr__ would go past pydantic's bookkeeping; __dict__ is where a frozen model keeps its fields.
        self.__dict__["directory"] = self.directory.absolute()
        for name in ("state_dir", "config_file", "pgdatahub_home", "pg_bindir"):
            path = getattr(self, name)
            self.__dict__[name] = None if path is None else self.directory / path
        return self

    @property
    def root_path(self) -> Path:
        """The data root, absolute.

        Raises:
            ConfigError: It is a URL.
        """
        if "://" in self.data_root:
            raise ConfigError("this data root is a URL, not a folder of this machine", where=self.data_root)
        return self.directory / Path(self.data_root).expanduser()

    @property
    def destination(self) -> Destination:
        """Where the rows go."""
        if self.database_url is not None:
            text = conninfo(self.database_url.get_secret_value())
            return Destination(kind="url", conninfo=text, place=self.places.get("database_url", "DATABASE_URL"))
        return Destination(kind="environment" if self.libpq_environment else "embedded")

    @property
    def secrets(self) -> Secrets:
        """The passwords that no text may show."""
        return secrets_of(self.database_url.get_secret_value()) if self.database_url is not None else Secrets()

    def origin(self, name: str) -> str:
        """Return where the setting ``name`` came from, such as ``environment ETL_SCHEMA``, ``.env`` or ``default``."""
        return self.origins.get(name, "default")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting, for whoever reads, writes or explains it.

    Attributes:
        name: The field of :class:`Config`.
        default: Its default as it would be written in the environment; empty for none.
        explained: The rest.
    """

    name: str
    default: str
    explained: Explained


def settings() -> Mapping[str, Setting]:
    """Return every setting that can be given from outside, by field."""
    found = {}
    for name, field in Config.model_fields.items():
        explained = next((item for item in field.metadata if isinstance(item, Explained)), None)
        if explained is not None:
            default = field.get_default(call_default_factory=True)
            found[name] = Setting(name=name, default=as_written(default), explained=explained)
    return found


def as_written(value: object) -> str:
    """Return a setting's value as the environment would have it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, Mapping):
        return ",".join(f"{key}={given}" for key, given in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def _shown(value: str) -> str:
    """Return a value without what may be a secret in a URL."""
    return masked_url(value).partition("?")[0] if "://" in value else value


def make_config(values: Mapping[str, Any], places: Mapping[str, str], **rest: Any) -> Config:
    """Make a :class:`Config` of values from anywhere.

    Args:
        values: By field.
        places: Where each value stands, for messages.
        **rest: Further fields.

    Raises:
        ConfigError: A value is wrong; the message names the setting and what it takes.
    """
    try:
        return Config(**values, places=places, **rest)
    except ValidationError as error:
        mistake = error.errors(include_url=False, include_context=False)[0]
        name = str(mistake["loc"][0])
        explained = settings()[name].explained
        value = values.get(name)
        shown = "" if name == "database_url" else f", not {_shown(str(value))!r}"
        told = name == "database_url" or (name == "data_root" and mistake["type"] == "value_error")
        hint = str(mistake["msg"]).removeprefix("Value error, ") if told else None
        # "from None": pydantic's own error could hold a password.
        raise ConfigError(f"{name} must be {explained.expects}{shown}", where=places.get(name), hint=hint) from None
