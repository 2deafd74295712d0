"""The pause file: what a run that ended early has done, what is left, and how to go on.

It holds no secrets: settings that are, or may hold, a password are left out and come from where they always come from.
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
from pgdatahub.model.flow import SourceFile
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
"""The settings that a run is resumed with: what it was started with, unless an option says otherwise."""
_STRAY_SECONDS: Final = 60
"""A temporary file of this age is left over from a process that was killed; writing takes milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PausedFile:
    """A file that is left, or that failed and why.

    Attributes:
        file: Its path below the data root.
        location: Its absolute path or URL.
        table: The table it belongs to.
        problem: Why it failed; None if it is merely left.
        reload: It was to be loaded again in place of what it brought before.
    """

    file: str
    location: str
    table: str
    problem: str | None = None
    reload: bool = False

    @classmethod
    def of(cls, source: SourceFile, problem: str | None = None) -> PausedFile:
        """Return what is to be known of a file."""
        return cls(
            file=source.identity,
            location=source.location,
            table=str(source.table),
            problem=problem,
            reload=source.reload,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseState:
    """What the pause file says.

    Attributes:
        run_id: The run that ended early.
        paused_at: When, UTC.
        reason: Why, for people.
        destination: Where the rows go, without secrets.
        options: Settings by field of :class:`~pgdatahub.config.Config`.
        config_file: The file of folder options; None if there was none.
        loaded: Identities of the files that the run, or one that it resumed, loaded.
        skipped: How many files it passed over because they were loaded before.
        failed: The files that failed; they are tried again.
        remaining: The files that were not taken up, or were rolled back.
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
        """The locations of the files that ``resume`` takes up: those that failed, then the others."""
        return tuple(dict.fromkeys(paused.location for paused in (*self.failed, *self.remaining)))

    @property
    def reload(self) -> frozenset[str]:
        """Those of them that are to be loaded again in place of what they brought before."""
        return frozenset(paused.location for paused in (*self.failed, *self.remaining) if paused.reload)


def pause_file(config: Config) -> Path:
    """Return the path of the pause file."""
    return config.state_dir / FILE_NAME


def options_of(config: Config) -> dict[str, Any]:
    """Return the settings that the pause file keeps."""
    return {name: getattr(config, name) for name in OPTIONS}


def read_pause(config: Config) -> PauseState | None:
    """Return what the pause file says, None if there is none.

    Raises:
        PauseFileError: It cannot be read, is damaged, or is somebody else's.
    """
    path = pause_file(config)
    hint = "run --force begins anew and replaces it; what is loaded stays loaded"
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
    """Write the pause file in one step, for its owner only, and return its path.

    Raises:
        OSError: It cannot be written.
    """
    path = pause_file(config)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps({"program": state.program, "format": state.format, **asdict(state)}, indent=1)
    write_file(path, content.encode() + b"\n", mode=0o600)
    _sweep(path)
    return path


def remove_pause(config: Config) -> None:
    """Remove the pause file, if there is one."""
    path = pause_file(config)
    with suppress(OSError):
        path.unlink(missing_ok=True)
    _sweep(path)


def _sweep(path: Path) -> None:
    """Remove what a process that was killed while it wrote the file has left."""
    with suppress(OSError):
        for stray in path.parent.glob(f".{path.name}.*"):
            if time.time() - stray.stat().st_mtime > _STRAY_SECONDS:
                stray.unlink(missing_ok=True)
