"""Results of files that were loaded, only read, skipped, or that failed."""

from __future__ import annotations

from dataclasses import replace
from traceback import format_exception

from pgdatahub.config.secrets import Secrets
from pgdatahub.errors import HistoryLostError, PgDataHubError
from pgdatahub.load.staging import Staged
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import ImportRow
from pgdatahub.model.results import Failure, FileResult, Outcome
from pgdatahub.plugins.manager import DISABLE_VARIABLE
from pgdatahub.postgres.unknown_rows import UnknownRows
from pgdatahub.readers.layout import EmptySheetError
from pgdatahub.readers.left_out import describe_left_out


def of_staged(staged: Staged, outcome: Outcome) -> FileResult:
    """Return the result of a file that was read to its end."""
    return FileResult(
        source=staged.source,
        outcome=outcome,
        rows=staged.rows,
        sheets=staged.sheets,
        observed=staged.observed,
        counts=staged.counts,
        examples=staged.examples,
        notices=staged.notices,
        sheets_left_out=staged.sheets_left_out,
    )


def confirmed(result: FileResult, past: ImportRow) -> FileResult:
    """Return the result of a loaded file with the history's figures."""
    return replace(result, rows=past.row_count, import_id=past.id)


def skipped(source: SourceFile, reason: str) -> FileResult:
    """Return the result of a file that is not to be loaded."""
    return FileResult(source=source, outcome=Outcome.SKIPPED, reason=reason)


def skipped_as_empty(source: SourceFile, error: EmptySheetError) -> FileResult:
    """Return the result of a file whose sheet is empty, with a notice if another visible sheet has data."""
    loud = error.left_out and source.options.sheet is None
    return replace(
        skipped(source, error.message),
        notices=(describe_left_out(error.left_out, source),) if loud else (),
        sheets_left_out=error.left_out,
    )


def failed(source: SourceFile, error: PgDataHubError, *, secrets: Secrets | None = None) -> FileResult:
    """Return the result of a file that cannot be loaded.

    Args:
        source: The file.
        error: The reason.
        secrets: The passwords to mask in the error, in case a plugin wrote the reason.
    """
    message, hint = error.message, error.hint
    if secrets is not None:
        message, hint = secrets.mask(message), hint and secrets.mask(hint)
    failure = Failure(kind=type(error).__name__, message=message, where=error.where, hint=hint)
    return FileResult(source=source, outcome=Outcome.FAILED, failure=failure)


def unknown_rows(source: SourceFile, unknown: UnknownRows, history_schema: str) -> FileResult | None:
    """Return the failure of a file whose rows its table may have already; None if nothing speaks for that.

    Where the history knows no import of the table, any file may be in it; else only one whose name the rows have.
    """
    alike = [group for group in unknown.groups if group.file_name == source.name]
    if unknown.known and not alike:
        return None
    group = (alike or unknown.groups)[-1]
    error = HistoryLostError(
        f"the table {unknown.table} has {unknown.rows:,} rows of imports that the history in schema {history_schema} does "
        f"not know, such as {group.rows:,} rows of {group.source_file} ({group.load_timestamp:%Y-%m-%d %H:%M} UTC): "
        "loading might double them",
        hint="run --adopt rebuilds the history from the files; or set ETL_SCHEMA to the schema of the history that knows "
        "them, give the folder another schema: or table:, or empty the table",
    )
    return failed(source, error)


def unexpected(source: SourceFile, error: Exception, *, secrets: Secrets, plugin: str | None = None) -> FileResult:
    """Return the result of a file on which a plugin, or this program, raised an unexpected error.

    Args:
        source: The file.
        error: The error; its text and its traceback may hold a password.
        secrets: The passwords to mask in them.
        plugin: The plugin that raised the error, if known.
    """
    culprit = f"the plugin {plugin!r}" if plugin else "pgdatahub, or a plugin,"
    way_round = f", or set {DISABLE_VARIABLE}={plugin}" if plugin else ""
    failure = Failure(
        kind=type(error).__name__,
        message=f"{culprit} made a mistake: {type(error).__name__}: {secrets.mask(str(error))}",
        hint=f"DEBUG=1 has etl.log show where{way_round}",
        traceback=secrets.mask("".join(format_exception(error))),
    )
    return FileResult(source=source, outcome=Outcome.FAILED, failure=failure)
