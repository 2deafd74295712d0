"""The exceptions of pgdatahub and the exit codes of its console script.

Every failure that a workbook, a setting, a plugin or a server can cause is one of these; anything else is a bug::

    PgDataHubError
    ├── ConfigError            a setting, option or argument is wrong               exit 2
    ├── PluginError            a plugin cannot be loaded, or nobody answers a hook  exit 2
    ├── FileError              one file cannot be loaded; the run goes on           exit 1
    │   ├── ReadError          the file cannot be read as a workbook
    │   │   ├── NotAWorkbookError   CSV, HTML, text … under a workbook's name
    │   │   ├── EncryptedError      password-protected
    │   │   ├── CorruptError        damaged, truncated, or made to harm
    │   │   ├── EmptyFileError      no bytes at all
    │   │   └── FileChangedError    deleted, replaced or truncated while being read
    │   ├── SheetError         no such sheet, or a sheet without a table
    │   ├── CellError          one cell cannot be loaded under the folder's policies
    │   ├── SchemaError        the table cannot take the file (limits, contract, dependents, own types)
    │   ├── LoadError          the server refused the rows
    │   │   └── TableBusyError      another session kept the table busy
    │   ├── ContentChangedError  loaded before with other content, which the folder does not allow
    │   └── WorkerDiedError    the process that was loading it died
    ├── DatabaseError          no database, or it went away                         exit 3
    │   ├── PrivilegeError           the role may not do it; in the midst of a run this costs the file
    │   └── TransientDatabaseError   worth trying again: the connection was lost, the server restarts …
    │       ├── UnreachableError     no connection can be opened at the moment
    │       └── ContentionError      another session is in the way: deadlock, lock timeout …
    ├── SpoolError             the rows read cannot be kept: the disk is full       exit 1
    ├── ExecutorError          the executor cannot be used, or is gone              exit 2
    ├── PauseFileError         a pause file stands in the way, or is damaged        exit 4
    └── UndoError              what was asked cannot be undone, and why             exit 1

All of them survive pickling, since they come back from worker processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """What the console script tells its caller."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NO_DATABASE = 3
    PAUSED = 4
    SCHEMA_CHANGES = 5
    INTERRUPTED = 130
    TERMINATED = 143


class PgDataHubError(Exception):
    """What happened, where, and what to do about it.

    Args:
        message: What happened, one sentence without a final period.
        where: The place: ``file › sheet › cell``, a setting, a table.
        hint: What the reader can do about it.
    """

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} ({self.hint})" if self.hint else text

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception.__reduce__ calls cls(*args) and so cannot carry keyword-only arguments across processes.
        return (_rebuild, (type(self), self.message, self.where, self.hint), None)

    def located(self, where: str) -> PgDataHubError:
        """Return the same error with ``where`` put before the place it already names."""
        joined = f"{where} › {self.where}" if self.where else where
        error = _rebuild(type(self), self.message, joined, self.hint)
        error.__cause__ = self.__cause__
        return error


def _rebuild(kind: type[PgDataHubError], message: str, where: str | None, hint: str | None) -> PgDataHubError:
    return kind(message, where=where, hint=hint)


class ConfigError(PgDataHubError):
    """A setting, option or argument is wrong."""

    exit_code = ExitCode.USAGE


class PluginError(PgDataHubError):
    """A plugin cannot be loaded, misbehaves, or no plugin answers a hook."""

    exit_code = ExitCode.USAGE


class FileError(PgDataHubError):
    """One file cannot be loaded; nothing of it is in the database, and the run goes on."""


class ReadError(FileError):
    """The file cannot be read as a workbook."""


class NotAWorkbookError(ReadError):
    """The file is something else under a workbook's name."""


class EncryptedError(ReadError):
    """The workbook is protected by a password."""


class CorruptError(ReadError):
    """The workbook is damaged, truncated, or made to harm whoever opens it."""


class EmptyFileError(ReadError):
    """The file has no bytes."""


class FileChangedError(ReadError):
    """The file was deleted, replaced or truncated while it was being read."""


class SheetError(FileError):
    """There is no such sheet, or no table in it."""


class CellError(FileError):
    """One cell cannot be loaded under the folder's policies.

    ``others`` has the errors of further cells, as long as the error stays in the process that raised it.
    """

    others: tuple[CellError, ...] = ()

    @property
    def all(self) -> tuple[CellError, ...]:
        """This error and those of further cells."""
        return (self, *self.others)


def joined(errors: Sequence[CellError], most: int = 10) -> CellError:
    """Return one error that names the first ``most`` of several cells; the first with its hint."""
    first, *others = errors
    if not others:
        return first
    named = "; ".join(f"{error.where}: {error.message}" for error in others[: most - 1])
    more = "; and more" if len(errors) > most else ""
    message = f"{first.message}; also {named}{more}"
    return CellError(message, where=first.where, hint=first.hint)


class SchemaError(FileError):
    """The table cannot take the file: a limit, a contract, a dependent object, a column's own type."""


class LoadError(FileError):
    """The server refused the rows."""


class TableBusyError(LoadError):
    """Another session kept the table busy for so long that the file was given up."""


class WorkerDiedError(FileError):
    """The process that was loading the file died: out of memory, killed, crashed."""


class ContentChangedError(FileError):
    """The file was loaded before with other content, and its older rows must stay as they are."""


class HistoryLostError(FileError):
    """The table has rows of imports that the history does not know, so that the file might be loaded twice."""


class DatabaseError(PgDataHubError):
    """There is no database to talk to, or it went away."""

    exit_code = ExitCode.NO_DATABASE


class PrivilegeError(DatabaseError):
    """The role may not do what was asked. Where that is one table's matter, it costs the file, not the run."""


class TransientDatabaseError(DatabaseError):
    """A database error that is worth trying again."""


class UnreachableError(TransientDatabaseError):
    """No connection can be opened at the moment: refused, timed out, the server starts up, too many clients."""


class ContentionError(TransientDatabaseError):
    """Another session is in the way: a deadlock, a serialization failure, a lock that is not given back."""


class SpoolError(PgDataHubError):
    """The rows that were read cannot be kept until they are loaded: the disk is full. The run ends."""


class ExecutorError(PgDataHubError):
    """The executor that was asked for cannot be used, its workers do not fit, or it is gone."""

    exit_code = ExitCode.USAGE


class PauseFileError(PgDataHubError):
    """A pause file stands in the way of a run, or cannot be used."""

    exit_code = ExitCode.PAUSED


class UndoError(PgDataHubError):
    """What was asked cannot be undone; the message says why."""
