"""Results of files that were loaded, only read, skipped, or that failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from traceback import format_exception
from typing import Final

from pgdatahub.config.secrets import Secrets
from pgdatahub.errors import CellError, FileError, HistoryLostError, OutOfMemoryError, PgDataHubError
from pgdatahub.load.contracts.hidden_values import free_words, without_values
from pgdatahub.load.staging.staged_file import Staged, StagedFile
from pgdatahub.model.faults import group_faults, together
from pgdatahub.model.file_notice import FileNotice
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import ImportRow
from pgdatahub.model.results import Failure, FileResult, Outcome, PartResult
from pgdatahub.model.schema import TableName
from pgdatahub.plugins.manager import DISABLE_VARIABLE
from pgdatahub.postgres.proofs.unknown_rows import UnknownRows
from pgdatahub.readers.choice.left_out import describe_left_out
from pgdatahub.readers.tables.layout import EmptySheetError
from pgdatahub.values.counting import count
from pgdatahub.values.evidence import HIDDEN

MEMORY_HINT: Final = "use fewer workers (--workers 1) or smaller batches (--chunk-size 1000)"


def of_staged(staged: Staged, outcome: Outcome) -> PartResult:
    """Return the result of a part that was read to its end."""
    return PartResult(
        table=staged.source.table,
        outcome=outcome,
        rows=staged.rows,
        sheets=staged.sheets,
        observed=staged.observed,
        counts=staged.counts,
        examples=staged.examples,
        notices=staged.notices,
        quarantined=staged.quarantined,
        faults=staged.faults,
    )


def of_file(source: SourceFile, parts: Sequence[PartResult], *, sheets_left_out: tuple[str, ...] = ()) -> FileResult:
    """Return the result of a file from those of its parts."""
    outcomes = {part.outcome for part in parts}
    outcome = next((one for one in (Outcome.LOADED, Outcome.READ) if one in outcomes), Outcome.SKIPPED)
    if len(parts) == 1:
        reason, observed, import_id = parts[0].reason, parts[0].observed, parts[0].import_id
    else:
        reason = "; ".join(dict.fromkeys(part.reason for part in parts if part.reason)) or None
        observed, import_id = None, None
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for part in parts:
        counts.update(part.counts)
        examples = {**part.examples, **examples}
    return FileResult(
        source=source,
        outcome=outcome,
        reason=reason if outcome is Outcome.SKIPPED else None,
        rows=sum(part.rows for part in parts),
        sheets=tuple(dict.fromkeys(sheet for part in parts for sheet in part.sheets)),
        changes=tuple(change for part in parts for change in part.changes),
        observed=observed,
        counts=dict(counts),
        examples=examples,
        notices=tuple(dict.fromkeys(notice for part in parts for notice in part.notices)),
        import_id=import_id,
        sheets_left_out=sheets_left_out,
        parts=tuple(parts) if len(parts) > 1 or parts[0].table != source.table else (),
        quarantined=sum(part.quarantined for part in parts),
        faults=together(fault for part in parts for fault in part.faults),
    )


def of_staged_file(staged: StagedFile, parts: Sequence[PartResult], *, loads: bool) -> FileResult:
    """Return the result of a file that was read.

    Args:
        staged: The file.
        parts: The result of each part.
        loads: A part is loaded, so that the notices about reading the file matter.
    """
    left_out = staged.parts[0].sheets_left_out if loads and staged.parts else ()
    result = replace(of_file(staged.source, parts, sheets_left_out=left_out), unknown_keys=staged.unknown_keys)
    return replace(result, notices=(*staged.notices, *result.notices)) if loads else result


def of_imports(source: SourceFile, imports: Sequence[ImportRow], told: FileResult | None = None) -> FileResult | None:
    """Return the result of a file that a run loaded, with the history's figures; None without imports.

    Args:
        source: The file.
        imports: Its imports by this run.
        told: The result that its worker reported, if any.
    """
    if not imports:
        return None
    known = {part.table: part for part in told.by_table} if told and told.outcome is Outcome.LOADED else {}
    parts = [
        confirmed_part(known.get(past.table) or PartResult(table=past.table, outcome=Outcome.LOADED), past)
        for past in imports
    ]
    result = of_file(source, parts)
    if told is None or not known:
        return result
    return replace(
        told, rows=result.rows, import_id=result.import_id, parts=result.parts, quarantined=result.quarantined
    )


def confirmed_part(result: PartResult, past: ImportRow) -> PartResult:
    """Return the result of a loaded part with the history's figures."""
    return replace(result, rows=past.row_count, import_id=past.id, quarantined=past.quarantined)


def skipped_part(table: TableName, reason: str) -> PartResult:
    """Return the result of a part that is not to be loaded."""
    return PartResult(table=table, outcome=Outcome.SKIPPED, reason=reason)


def skipped(source: SourceFile, reason: str, *, seconds: float = 0.0) -> FileResult:
    """Return the result of a file that is not to be loaded."""
    return FileResult(source=source, outcome=Outcome.SKIPPED, reason=reason, seconds=seconds)


def skipped_as_empty(source: SourceFile, error: EmptySheetError) -> FileResult:
    """Return the result of a file whose sheet is empty, with a notice if another visible sheet has data."""
    loud = error.left_out and source.options.sheet is None
    return replace(
        skipped(source, FileNotice(error.message, "without a value")),
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
    if not source.options.shows_values:
        error = without_values(error) if isinstance(error, FileError) else free_words(error) or error
    message, hint = error.message, error.hint
    if secrets is not None:
        message, hint = secrets.mask(message), hint and secrets.mask(hint)
    faults = (
        group_faults(
            (fault for one in (error.all if isinstance(error, CellError) else (error,)) for fault in one.faults),
            counted=error.counted,
            search_ended_early=error.more,
        )
        if isinstance(error, FileError)
        else ()
    )
    failure = Failure(
        kind=type(error).__name__,
        message=message,
        where=error.where,
        hint=hint,
        faults=faults,
        sender_can_fix=isinstance(error, FileError) and error.sender_can_fix,
    )
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
        f"the table {unknown.table} has {count(unknown.rows, 'row')} of imports that the history in schema {history_schema} does "
        f"not know, such as {count(group.rows, 'row')} of {group.source_file} ({group.load_timestamp:%Y-%m-%d %H:%M} UTC): "
        "loading might double them",
        hint="run --adopt rebuilds the history from the files; or set ETL_SCHEMA to the schema of the history that knows "
        "them, give the folder another schema: or table:, or empty the table",
    )
    return failed(source, error)


def unexpected(source: SourceFile, error: Exception, *, secrets: Secrets, plugin: str | None = None) -> FileResult:
    """Return the result of a file on which a plugin, or this program, raised an unexpected error.

    A lack of memory is a failure of its own, not a mistake of a program.

    Args:
        source: The file.
        error: The error; its text and its traceback may hold a password.
        secrets: The passwords to mask in them.
        plugin: The plugin that raised the error, if known.
    """
    if isinstance(error, MemoryError):
        return failed(source, OutOfMemoryError("there is not enough memory for this file", hint=MEMORY_HINT))
    culprit = f"the plugin {plugin!r}" if plugin else "pgdatahub, or a plugin,"
    text = secrets.mask(str(error)) if source.options.shows_values else HIDDEN
    way_round = f", or set {DISABLE_VARIABLE}={plugin}" if plugin else ""
    failure = Failure(
        kind=type(error).__name__,
        message=f"{culprit} made a mistake: {type(error).__name__}: {text}",
        hint=f"DEBUG=1 has etl.log show where{way_round}",
        traceback=secrets.mask("".join(format_exception(error))) if source.options.shows_values else None,
    )
    return FileResult(source=source, outcome=Outcome.FAILED, failure=failure)
