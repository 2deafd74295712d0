"""Settings of a run, and the origin of each.

Precedence: option > environment > ``.env`` > secrets > ``config/config.json`` > default. A :class:`Config` reads no files or variables
itself; :func:`pgdatahub.config.load_config` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from pgdatahub.config.checks import checked_root, checked_schema, checked_url, expanded, in_directory, pairs
from pgdatahub.config.destination import Destination
from pgdatahub.config.explained import Explained
from pgdatahub.config.folders import FolderTree
from pgdatahub.config.notify_urls import NotifyEvent, checked_urls, joined, listed_events, masked_urls, token_secrets
from pgdatahub.config.secrets import Secrets
from pgdatahub.config.url_masking import masked_url, secrets_of
from pgdatahub.config.urls import conninfo
from pgdatahub.errors import ConfigError
from pgdatahub.values.identifiers import CUT_BYTES

_Place = Annotated[Path, BeforeValidator(expanded), AfterValidator(in_directory)]
_SWITCH: Final = "0 or 1"


class Config(BaseModel):
    """All settings of a run, frozen. :func:`settings` documents the fields; ``directory`` is the base of relative paths."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
    )

    directory: Annotated[Path, BeforeValidator(expanded), AfterValidator(Path.absolute)] = Field(
        default_factory=Path.cwd
    )
    """The base of relative paths, absolute; by default the working directory."""
    database_url: Annotated[
        SecretStr | None,
        AfterValidator(checked_url),
        Explained(
            "DATABASE_URL",
            "the database; default: that of PGHOST or PGSERVICE, else the embedded server",
            "a URL (postgresql://user:password@host:5432/name) or keywords (host=… dbname=…)",
            example="postgresql://user:password@localhost:5432/mydb",
            masked=masked_url,
        ),
    ] = None
    data_root: Annotated[
        str,
        Field(min_length=1),
        AfterValidator(checked_root),
        Explained(
            "ETL_DATA_ROOT",
            "the folder whose subfolders become tables; also a URL such as s3://bucket/folder",
            "a folder, or a URL without a password",
            "--data-root",
        ),
    ] = "data"
    schema_name: Annotated[
        str,
        AfterValidator(checked_schema),
        Explained(
            "ETL_SCHEMA", "the schema of the tables", f"a name of at most {CUT_BYTES} bytes, not pg_…", "--schema"
        ),
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
            "ETL_PAUSE_EVERY", "files between two pauses; 0: never pause", "a whole number, 0 or more", "--pause-every"
        ),
    ] = 0
    pause_seconds: Annotated[
        float,
        Field(ge=0, le=86_400, allow_inf_nan=False),
        Explained(
            "ETL_PAUSE_SECONDS", "length of a pause in seconds", "a number of seconds, 0 to 86400", "--pause-seconds"
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
            "files loaded at a time; default: the number of processors, less one for the server with the compiled core",
            "a whole number, 1 to 1024",
            "--workers",
        ),
    ] = None
    executor: Annotated[
        str,
        Field(min_length=1),
        Explained(
            "ETL_EXECUTOR",
            "executor that loads the files: local (processes of this machine), dask, or a plugin's executor",
            "local, dask, or the name of an installed executor",
            "--executor",
            advanced=True,
        ),
    ] = "local"
    executor_options: Annotated[
        Mapping[str, str],
        BeforeValidator(pairs),
        Explained(
            "ETL_EXECUTOR_OPTIONS",
            "options of the executor",
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
            "1: allow an unencrypted executor, on a private network",
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
            "1: a data root without workbooks (such as an unmounted share) is an error; 0: a warning",
            _SWITCH,
            "--require-files",
        ),
    ] = False
    notify: Annotated[
        SecretStr | None,
        BeforeValidator(joined),
        AfterValidator(checked_urls),
        Explained(
            "ETL_NOTIFY",
            "URLs of Apprise to which a run sends a message, such as slack://… or mailto://…; needs the extra notify",
            "URLs as Apprise takes them (https://appriseit.com/services/), separated by commas",
            example="mailto://user:password@example.com",
            masked=masked_urls,
        ),
    ] = None
    notify_on: Annotated[
        tuple[NotifyEvent, ...],
        Field(min_length=1),
        BeforeValidator(listed_events),
        Explained(
            "ETL_NOTIFY_ON",
            "the runs that send to ETL_NOTIFY: those with failures, with new or ended ones (new_failures), with rows set aside"
            " (quarantine), with changes of a table (schema), or always",
            "words out of failures, new_failures, quarantine, schema and always, separated by commas",
        ),
    ] = ("failures", "quarantine")
    state_dir: Annotated[
        _Place,
        Field(validate_default=True),
        Explained(
            "ETL_STATE_DIR",
            "the folder of .etl_pause.json and etl.log",
            "a folder",
            "--state-dir",
        ),
    ] = Path()
    reader: Annotated[
        Literal["native", "python"] | None,
        Explained(
            "PGDATAHUB_READER",
            "the reader of .xlsx, .xlsb and .ods files: native (the compiled core) or python; default: native if installed",
            "native or python",
            example="python",
            advanced=True,
        ),
    ] = None
    skip_db: Annotated[
        bool, Explained("SKIP_DB", "1: read everything, write nothing", _SWITCH, "--dry-run", common=True)
    ] = False
    debug: Annotated[bool, Explained("DEBUG", "1: show tracebacks", _SWITCH, "--debug", common=True)] = False
    pgdatahub_home: Annotated[
        _Place | None,
        Explained(
            "PGDATAHUB_HOME",
            "the folder of the embedded server's data; default: a folder of your account",
            "a folder",
            advanced=True,
        ),
    ] = None
    pg_bindir: Annotated[
        _Place | None,
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
            "the account that runs the embedded server when root starts it; default: pgdatahub",
            "a name",
            advanced=True,
        ),
    ] = None

    config_file: _Place | None = None
    """The file of folder options, if any."""
    folders: FolderTree = Field(default_factory=FolderTree)
    """The folder options of that file."""
    libpq_environment: bool = False
    """libpq's own variables name a server or a service."""
    origins: Mapping[str, str] = Field(default_factory=dict)
    """Field → origin of the setting; fields at their default are absent."""
    places: Mapping[str, str] = Field(default_factory=dict)
    """Field → place of the setting for messages: ``environment variable DATABASE_URL``, ``.env:3``."""
    notices: tuple[str, ...] = ()
    """Likely mistakes found while loading."""
    ignored_server: str | None = None
    """The one of them about variables of libpq that name no server."""

    @property
    def root_path(self) -> Path:
        """The data root, absolute.

        Raises:
            ConfigError: The data root is a URL.
        """
        if "://" in self.data_root:
            raise ConfigError("this data root is a URL, not a folder of this machine", where=self.data_root)
        return self.directory / Path(self.data_root).expanduser()

    @property
    def destination(self) -> Destination:
        """The database to load into."""
        if self.database_url is not None:
            text = conninfo(self.database_url.get_secret_value())
            return Destination(kind="url", conninfo=text, place=self.places.get("database_url", "DATABASE_URL"))
        return Destination(kind="environment" if self.libpq_environment else "embedded")

    @property
    def secrets(self) -> Secrets:
        """The passwords to mask in texts."""
        found = secrets_of(self.database_url.get_secret_value()) if self.database_url is not None else Secrets()
        return found if self.notify is None else found | token_secrets(self.notify.get_secret_value())

    def origin(self, name: str) -> str:
        """Return the origin of a setting, such as ``environment ETL_SCHEMA``, ``.env:3`` or ``default``."""
        return self.origins.get(name, "default")
