"""The pause file: state and settings of a run that ended early, for ``resume``.

The file holds no secrets: settings that are or may hold a password are left out; a resumed run reads them from their
usual source.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import TypeAdapter, ValidationError

from pgdatahub.config import Config
from pgdatahub.errors import PauseFileError
from pgdatahub.model.address import DatabaseAddress
from pgdatahub.model.files import SourceFile
from pgdatahub.system.atomic_write import write_file

FILE_NAME: Final = ".etl_pause.json"
OPTIONS: Final = (
    "data_root",
    "schema_name",
    "sectional_commit",
    "pause_every",
    "pause_seconds",
    "chunk_size",
    "workers",
    "on_error",
)
"""Settings that a resumed run takes over from the paused run, unless the user gives an option."""
_STRAY_SECONDS: Final = 60
"""A temporary file of this age is a leftover of a killed process; writing takes milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PausedFile:
    """A file that a paused run did not load.

    Attributes:
        file: Its path below the data root.
        location: Its absolute path or URL.
        table: The file's table.
        problem: Reason of the failure; None if the run did not reach the file.
        reload: Load the file again, in place of the rows of its earlier import.
    """

    file: str
    location: str
    table: str
    problem: str | None = None
    reload: bool = False

    @classmethod
    def of(cls, source: SourceFile, problem: str | None = None) -> PausedFile:
        """Return the paused file of a source file."""
        return cls(
            file=source.identity,
            location=source.location,
            table=str(source.table),
            problem=problem,
            reload=source.reload,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseState:
    """Contents of the pause file.

    Attributes:
        run_id: The run that ended early.
        paused_at: Moment of the pause, UTC.
        reason: Reason of the pause, as text.
        destination: Description of the database, without secrets.
        options: Settings by field of :class:`~pgdatahub.config.Config`.
        config_file: The file of folder options; None if there was none.
        loaded: Identities of the files that the run, or one that it resumed, loaded.
        skipped: Number of files that were loaded before.
        failed: The files that failed; ``resume`` retries them.
        remaining: The files that the run did not start, or rolled back.
        address: Address of the database; None in files of older versions.
        server_version: Version of the server, 150004 for 15.4; None in files of older versions.
        program: The program that writes the file.
        format: Version of the file's format.
    """

    run_id: str
    paused_at: str
    reason: str
    destination: str
    options: Mapping[str, Any]
    config_file: str | None
    loaded: tuple[str, ...]
    skipped: int
    failed: tuple[PausedFile, ...]
    remaining: tuple[PausedFile, ...]
    address: DatabaseAddress | None = None
    server_version: int | None = None
    program: Literal["pgdatahub"] = "pgdatahub"
    format: Literal[1] = 1

    @property
    def left(self) -> tuple[str, ...]:
        """Locations of the files that ``resume`` loads: first the failed files, then the others."""
        return tuple(dict.fromkeys(paused.location for paused in (*self.failed, *self.remaining)))

    @property
    def reload(self) -> frozenset[str]:
        """Locations of the files to load again in place of their earlier imports."""
        return frozenset(paused.location for paused in (*self.failed, *self.remaining) if paused.reload)


def pause_file(config: Config) -> Path:
    """Return the path of the pause file."""
    return config.state_dir / FILE_NAME


def options_of(config: Config) -> dict[str, Any]:
    """Return the settings that the pause file keeps."""
    return {name: getattr(config, name) for name in OPTIONS}


def read_pause(config: Config) -> PauseState | None:
    """Return the contents of the pause file, None if the file does not exist.

    Raises:
        PauseFileError: The file cannot be read, is damaged, or belongs to another program.
    """
    path = pause_file(config)
    hint = "run --force starts a new run and replaces the file; loaded files stay loaded"
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise PauseFileError(
            f"the pause file cannot be read: {error.strerror or error}", where=str(path), hint=hint
        ) from error
    try:
        return TypeAdapter(PauseState).validate_json(content)
    except ValidationError as error:
        mistake = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, mistake["loc"]))
        message = f"the pause file is damaged, or not of pgdatahub: {place + ': ' if place else ''}{mistake['msg']}"
        raise PauseFileError(message, where=str(path), hint=hint) from None


def write_pause(config: Config, state: PauseState) -> Path:
    """Write the pause file atomically, readable by its owner only, and return its path.

    Raises:
        OSError: The file cannot be written.
    """
    path = pause_file(config)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps({"program": state.program, "format": state.format, **asdict(state)}, indent=1)
    write_file(path, content.encode() + b"\n", mode=0o600)
    _sweep(path)
    return path


def remove_pause(config: Config) -> None:
    """Remove the pause file, if it exists."""
    path = pause_file(config)
    with suppress(OSError):
        path.unlink(missing_ok=True)
    _sweep(path)


def _sweep(path: Path) -> None:
    """Remove temporary files of processes that were killed while writing."""
    with suppress(OSError):
        for stray in path.parent.glob(f".{path.name}.*"):
            if time.time() - stray.stat().st_mtime > _STRAY_SECONDS:
                stray.unlink(missing_ok=True)
