"""Exceptions of pgdatahub, and exit codes of its console script.

Each failure that a workbook, a setting, a plugin or a server can cause is one of these; any other exception is a bug::

    PgDataHubError
    ├── ConfigError            a setting, option or argument is invalid             exit 2
    ├── PluginError            a plugin cannot be loaded, or no plugin answers      exit 2
    ├── FileError              one file cannot be loaded; the run goes on           exit 1
    │   ├── ReadError          the file cannot be read as a workbook
    │   │   ├── NotAWorkbookError   CSV, HTML, text … under a workbook's name
    │   │   ├── EncryptedError      password-protected
    │   │   ├── CorruptError        damaged, truncated, or malicious
    │   │   ├── EmptyFileError      no bytes
    │   │   └── FileChangedError    deleted, replaced or truncated while being read
    │   ├── SheetError         the sheet is not found, or has no table
    │   ├── CellError          one cell cannot be loaded under the folder's policies
    │   ├── ContractError      the file breaks rules of its folder's contract
    │   ├── SchemaError        the table cannot hold the file (limits, contract, dependents, foreign types)
    │   ├── LoadError          the server refused the rows
    │   │   └── TableBusyError      another session kept the table busy
    │   ├── ContentChangedError  loaded before with other content; the folder forbids that
    │   ├── HistoryLostError   the table has rows that the history does not know
    │   ├── HistoryDamagedError  a metadata table was changed by hand
    │   ├── ReplayError        rows that were set aside cannot be loaded without the file
    │   └── WorkerDiedError    the process that loaded the file died
    ├── DatabaseError          the database is missing or the connection was lost   exit 3
    │   ├── PrivilegeError           the role lacks a privilege; during a run only that file fails
    │   └── TransientDatabaseError   can be retried: lost connection, server restart …
    │       ├── UnreachableError     no connection can be opened at the moment
    │       └── ContentionError      conflict with another session: deadlock, lock timeout …
    ├── SpoolError             the rows read cannot be stored: the disk is full     exit 1
    ├── ExecutorError          the executor cannot be used, or was lost             exit 2
    ├── PauseFileError         a pause file exists already, or is damaged           exit 4
    └── UndoError              the undo is impossible; the message gives the reason exit 1

All can be pickled, since worker processes send them back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from typing_extensions import Self


class ExitCode(IntEnum):
    """Exit codes of the console script."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NO_DATABASE = 3
    PAUSED = 4
    SCHEMA_CHANGES = 5
    INTERRUPTED = 130
    TERMINATED = 143


_ErrorT = TypeVar("_ErrorT", bound="PgDataHubError")


class PgDataHubError(Exception):
    """A failure: its message, its place, and a hint for fixing it.

    Args:
        message: The failure, one sentence without a final period.
        where: The place: ``file › sheet › cell``, a setting, a table.
        hint: The way to fix the failure.
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
        # Exception.__reduce__ calls cls(*args), which loses keyword-only arguments between processes.
        return (_rebuild, (type(self), self.message, self.where, self.hint), None)

    def located(self, where: str) -> Self:
        """Return the same error with ``where`` in front of its place, which may begin with the last part of ``where``."""
        inner = place_within(self.where, where.rpartition("/")[2])
        joined = f"{where} › {inner}" if inner else where
        error = _rebuild(type(self), self.message, joined, self.hint)
        error.__cause__ = self.__cause__
        return error


def place_within(where: str | None, file: str) -> str | None:
    """Return a place without the name of its file in front; None if nothing is left."""
    if where is None or where == file:
        return None
    return where.removeprefix(f"{file} › ")


def _rebuild(kind: type[_ErrorT], message: str, where: str | None, hint: str | None) -> _ErrorT:
    return kind(message, where=where, hint=hint)


class ConfigError(PgDataHubError):
    """A setting, option or argument is invalid."""

    exit_code = ExitCode.USAGE


class PluginError(PgDataHubError):
    """A plugin cannot be loaded, misbehaves, or no plugin answers a hook."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class CellFault:
    """A cell that cannot be loaded, as data.

    Attributes:
        rule: The violated rule: ``type``, ``error``, ``uncached``, ``number``, or a rule of a contract.
        cell: The cell's address, such as ``B17``; empty for a fault of a column or of the whole file.
        row: Its row in the sheet, from 1; 0 if unknown.
        value: The cell's text; None if the cell has none.
        expected: The expected value, such as ``INTEGER``.
        sheet: The sheet; empty if the raiser does not know it.
        column: The column's SQL name; empty if the raiser does not know it.
        header: The column's header as written, if any.
        hint: The way to fix the cell.
    """

    rule: str
    cell: str
    row: int = 0
    value: str | None = None
    expected: str | None = None
    sheet: str = ""
    column: str = ""
    header: str | None = None
    hint: str | None = None

    @property
    def key(self) -> FaultKey:
        """The fault that the cell belongs to."""
        return self.sheet, self.column, self.rule, self.expected


FaultKey: TypeAlias = "tuple[str, str, str, str | None]"
"""Sheet, column, rule and expected value of cells that are one fault."""


class FileError(PgDataHubError):
    """One file cannot be loaded; nothing of it is in the database, and the run continues.

    ``faults`` exist as long as the error stays in the process that raised it.
    """

    faults: tuple[CellFault, ...] = ()
    """The cells that cannot be loaded, as data."""
    counted: Mapping[FaultKey, int] = MappingProxyType({})
    """The number of cells of a fault, where ``faults`` has only the first ones."""
    more: bool = False
    """The search for such cells stopped before the end of the file."""
    sender_can_fix = False
    """The cause is in the file, not in this machine, the server, or files loaded before."""

    def located(self, where: str) -> Self:
        """Return the same error with ``where`` in front of its place; a fault without a sheet is in the sheet ``where``."""
        error = super().located(where)
        error.more = self.more
        error.counted = self.counted
        error.faults = tuple(fault if fault.sheet else replace(fault, sheet=where) for fault in self.faults)
        return error


class ReadError(FileError):
    """The file cannot be read as a workbook."""

    sender_can_fix = True


class NotAWorkbookError(ReadError):
    """The file has a workbook's name and other content."""


class EncryptedError(ReadError):
    """The workbook is protected by a password."""


class CorruptError(ReadError):
    """The workbook is damaged, truncated or malicious."""


class EmptyFileError(ReadError):
    """The file has no bytes."""


class FileChangedError(ReadError):
    """The file was deleted, replaced or truncated while it was being read."""

    sender_can_fix = False


class SheetError(FileError):
    """The sheet is not found, or has no table."""

    sender_can_fix = True


class CellError(FileError):
    """One cell cannot be loaded under the folder's policies.

    ``others`` exist as long as the error stays in the process that raised it.

    Args:
        message: See :class:`PgDataHubError`.
        where: Likewise.
        hint: Likewise.
        faults: The cells as data.
    """

    sender_can_fix = True
    others: tuple[CellError, ...] = ()
    """Errors of further cells."""

    def __init__(
        self, message: str, *, where: str | None = None, hint: str | None = None, faults: Sequence[CellFault] = ()
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.faults = tuple(faults)

    @property
    def all(self) -> tuple[CellError, ...]:
        """This error and those of further cells."""
        return (self, *self.others)


class ContractError(FileError):
    """The file breaks rules of its folder's contract; ``faults`` are all of them."""

    sender_can_fix = True


class SchemaError(FileError):
    """The table cannot hold the file: a limit, a contract, a dependent object, a column of a foreign type."""

    sender_can_fix = True


class LoadError(FileError):
    """The server refused the rows."""


class TableBusyError(LoadError):
    """Another session locked the table until the retries were used up."""


class ReplayError(FileError):
    """Rows of an import that were set aside cannot be loaded without its file."""


class WorkerDiedError(FileError):
    """The process that loaded the file died: out of memory, killed, crashed."""


class OutOfMemoryError(FileError):
    """The file needs more memory than the process may have."""


class ContentChangedError(FileError):
    """The file was loaded before with other content, and the folder's settings forbid loading it again."""


class HistoryLostError(FileError):
    """The table has rows of imports missing from the history, so the file might be loaded twice."""


class HistoryDamagedError(FileError):
    """A metadata table, or a row of one, was changed by hand; the message names it and the way out.

    ``import_id`` exists as long as the error stays in the process that raised it.
    """

    import_id: int | None = None
    """The import whose row in ``etl_imports`` was changed."""


class DatabaseError(PgDataHubError):
    """The database cannot be reached, or the connection was lost."""

    exit_code = ExitCode.NO_DATABASE


class PrivilegeError(DatabaseError):
    """The role lacks a privilege. If only one table is concerned, the file fails and the run continues."""


class TransientDatabaseError(DatabaseError):
    """A database error after which a retry can succeed."""


class UnreachableError(TransientDatabaseError):
    """No connection can be opened at the moment: refused, timed out, the server starts up, too many clients."""


class ContentionError(TransientDatabaseError):
    """A conflict with another session: a deadlock, a serialization failure, a lock timeout."""


class SpoolError(PgDataHubError):
    """The rows that were read cannot be stored until they are loaded: the disk is full. The run ends."""


class ExecutorError(PgDataHubError):
    """The configured executor cannot be used, its workers do not match, or it was lost."""

    exit_code = ExitCode.USAGE


class PauseFileError(PgDataHubError):
    """A pause file prevents a run, or cannot be used."""

    exit_code = ExitCode.PAUSED


class UndoError(PgDataHubError):
    """The undo is impossible; the message gives the reason."""
