"""The decision whether a file is loaded already, for each of its parts, under the locks of their tables.

So two runs cannot both find a file new. :mod:`pgdatahub.load.known.known_files` decides simple cases before, by the bytes alone.

A file with the content of another import is a *duplicate*: the run skips the file, and the import records it. When the
import's own file changes under ``on_changed: replace``, a duplicate inherits the rows (see
:mod:`pgdatahub.load.replace`). So the table has the content of every file, no matter which of several equal files was
loaded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from pgdatahub.errors import ContentChangedError
from pgdatahub.load.known.dedup_facts import DedupDecision, PartFacts, is_origin
from pgdatahub.load.known.skip_reasons import named, why_skipped
from pgdatahub.model.file_notice import FileNotice
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import COUNTED, ImportRow, Status
from pgdatahub.model.schema import TableName
from pgdatahub.readers.reading_rules import reading_version
from pgdatahub.values.counting import count


def decide(
    parts: Sequence[PartFacts],
    *,
    file_sha256: str,
    run_id: str,
    routing: str | None = None,
    tables: Collection[TableName] = (),
) -> tuple[DedupDecision, ...]:
    """Return the decision on each part of a file.

    Another file is a duplicate as a whole or not at all: its imports count only if they have the content of every part.
    So a sheet that two files have in common is loaded from both, and after a revert of one file the table has the rows
    of the other. Files of the same settings must have the same tables, or the order of loading would matter; a file of
    other settings may lack a table that it did not have under these.

    Args:
        parts: The parts of the file, each in a table of its own.
        file_sha256: SHA-256 of the file's bytes.
        run_id: The run that is about to load the file.
        routing: The hash of the settings that give the file several tables; None for a file of one table.
        tables: All tables of such a file, also those of parts that the user did not select.

    Raises:
        ContentChangedError: The file was loaded before with other content, and its folder sets ``on_changed: fail``.
    """
    covering = _covering(parts, file_sha256, routing, frozenset(tables))
    return tuple(_decide(part, covering, file_sha256=file_sha256, run_id=run_id) for part in parts)


def decide_gone(source: SourceFile, past: Sequence[ImportRow], *, file_sha256: str) -> DedupDecision:
    """Return the decision on a table that a file has imports in, and no part for any more.

    Args:
        source: The file with that table, and the settings of its folder.
        past: Its loaded imports there.
        file_sha256: SHA-256 of its bytes.

    Raises:
        ContentChangedError: The file was loaded before with other content, and its folder sets ``on_changed: fail``.
    """
    gone = DedupDecision(skip="the file does not have this table any more")
    older = [one for one in past if source.reload or one.file_sha256 != file_sha256]
    if source.reload:
        rows = _rows(older)
        return replace(gone, retired=tuple(older), notice=f"{rows} of the file left {source.table}")
    decision = _with_older(gone, older, source) if older else gone
    notice = None
    if decision.retired:
        text = (
            f"the file has nothing for {source.table} any more: {_rows(decision.retired)} left it (on_changed: replace)"
        )
        notice = FileNotice(text, "rows left a table that the changed file has nothing for (on_changed: replace)")
    return replace(decision, notice=notice)


_Version: TypeAlias = tuple[str, str]
"""A file as it was loaded: its path below the data root, and the SHA-256 of its bytes."""


def _versions(past: ImportRow) -> set[_Version]:
    """Return the files whose content an import has: its own, and those skipped as duplicates of it."""
    duplicates = (one for one in past.duplicates if not one.corrected)
    return {(past.identity, past.file_sha256), *((one.identity, one.file_sha256) for one in duplicates)}


def _covering(
    parts: Sequence[PartFacts], file_sha256: str, routing: str | None, tables: frozenset[TableName]
) -> set[_Version]:
    """Return the files that have the content of every part, in an import that counts at least once."""
    repeated: dict[_Version, list[ImportRow]] = {}
    for part in parts:
        for past in part.imports:
            if part.repeats(past, file_sha256):
                for version in _versions(past):
                    repeated.setdefault(version, []).append(past)

    def has(version: _Version, part: PartFacts) -> bool:
        imports = repeated[version]
        if any(past.table == part.source.table for past in imports):
            return True
        lacked_it = all(part.source.table not in past.all_tables for past in imports)
        return version[1] == file_sha256 or (lacked_it and any(past.routing != routing for past in imports))

    def is_whole(version: _Version) -> bool:
        same_settings = [past for past in repeated[version] if routing is not None and past.routing == routing]
        return version[1] == file_sha256 or all(past.all_tables == tables for past in same_settings)

    return {
        version
        for version, imports in repeated.items()
        if any(past.status in COUNTED for past in imports)
        and is_whole(version)
        and all(has(version, part) for part in parts)
    }


def _decide(part: PartFacts, covering: set[_Version], *, file_sha256: str, run_id: str) -> DedupDecision:
    source = part.source
    counted = [past for past in part.imports if past.status in COUNTED]
    same = [
        past
        for past in counted
        if part.repeats(past, file_sha256)
        and (past.is_file(source.identity, file_sha256, source.fingerprint) or _versions(past) & covering)
    ]
    older = [past for past in counted if past not in same and _moment(past, source) is not None]
    by_us = [past for past in same if past.run_id == run_id and past.status == Status.LOADED]
    for past in by_us:
        if past.identity == source.identity:
            return DedupDecision(loaded_by_us=past)
    # Of several equal files that are to be loaded again, only the first one is.
    if by_us or (same and not source.reload):
        return _skip(same, older, source, file_sha256)
    if source.reload:
        # An older reading of the same rows, and the file was saved since: the content differs by the rules alone.
        outdated = [past for past in older if past.row_count == part.rows and _is_outdated(past, source)]
        same, older = [*same, *outdated], [past for past in older if past not in outdated]
    replaced = tuple(past for past in same if past.status == Status.LOADED)
    released = tuple(past.id for past in same if past.status == Status.HELD)
    decision = DedupDecision(replaced=replaced, released=released, notice=_notice(part, replaced, counted))
    decision = _with_older(decision, older, source) if older else decision
    return _with_origins(decision, counted, source) if source.origins else decision


def _with_origins(decision: DedupDecision, counted: Sequence[ImportRow], source: SourceFile) -> DedupDecision:
    """Return the decision on the corrected copy of other files, by the folder's ``on_changed``.

    Raises:
        ContentChangedError: One of them is loaded, and the folder sets ``on_changed: fail``.
    """
    policy = source.options.on_changed
    own = tuple(
        past
        for past in counted
        if past.status == Status.LOADED and is_origin(past, source) and past not in decision.going
    )
    names = ", ".join(dict.fromkeys(past.identity for past in own))
    if policy == "fail" and own and not source.reload:
        raise ContentChangedError(
            f"the file is the corrected version of {names}, which is loaded",
            hint="run --reload FILE replaces those rows; on_changed: append or replace takes changed files",
        )
    if policy == "append":
        text = f"is the changed version of {names}: its rows are added (on_changed: append)" if own else None
        kind = "changed versions of files, whose rows are added (on_changed: append)"
    elif own:
        text = f"is the changed version of {names}: its rows take the place of {_rows(own)}"
        kind = "changed versions of files under other names"
        decision = replace(decision, retired=(*decision.retired, *own))
    else:
        claimed = ", ".join(dict.fromkeys(one.identity for one in source.origins if one.identity != source.identity))
        text = f"is the changed version of {claimed}, which runs skip in its old form" if claimed else None
        kind = "changed versions of files under other names"
    if text is None:
        return decision
    text = f"{decision.notice}; {text}" if decision.notice else text
    return replace(decision, notice=FileNotice(text, kind))


def _notice(part: PartFacts, replaced: Sequence[ImportRow], counted: Sequence[ImportRow]) -> str | None:
    if replaced:
        text = f"loaded again, in place of its rows of {replaced[-1].imported_at:%Y-%m-%d %H:%M} UTC"
        return FileNotice(text, "loaded again, in place of its earlier rows")
    equal = [past for past in counted if past.content_sha256 == part.content_sha256]
    if equal and equal[0].identity != part.source.identity:
        return f"the same rows as those of {named(equal[0])} in {part.source.table}; another part of the file differs"
    return None


def _skip(same: Sequence[ImportRow], older: Sequence[ImportRow], source: SourceFile, file_sha256: str) -> DedupDecision:
    # A loaded import has more to report than a held one, and the file's own import more than another file's.
    past = min(same, key=lambda one: (one.status != Status.LOADED, _moment(one, source) is None, one.id))
    why = why_skipped(past, source, file_sha256)
    seen = max((moment for moment in (_moment(one, source) for one in same) if moment is not None), default=None)
    changed = any(seen is None or moment > seen for one in older if (moment := _moment(one, source)) is not None)
    if not changed:
        return DedupDecision(
            skip=why,
            known=past,
            origin=None if past.is_file(source.identity, file_sha256, source.fingerprint) else past,
        )
    decision = _with_older(DedupDecision(skip=why, known=past, origin=past), older, source)
    rows = sum(one.row_count for one in decision.retired)
    if rows:
        text = f"{why}; its {count(rows, 'older row', 'is', 'are')} not in the table any more (on_changed: replace)"
        why = FileNotice(text, f"{why.kind}, with older rows removed (on_changed: replace)")
    return replace(decision, skip=why, notice=None)


def _with_older(decision: DedupDecision, older: Sequence[ImportRow], source: SourceFile) -> DedupDecision:
    """Return the decision on a file that had other content before, by the folder's ``on_changed``."""
    policy = source.options.on_changed
    kind = f"the file changed since it was loaded (on_changed: {policy})"
    own = tuple(
        past
        for past in older
        if past.status == Status.LOADED and (past.identity == source.identity or past.corrects(source.identity))
    )
    before = f"its content of {max(filter(None, (_moment(past, source) for past in older))):%Y-%m-%d %H:%M} UTC"
    if policy == "append":
        if not own:
            return decision
        added = f"the file changed: its rows are added to those of {before} (on_changed: append)"
        return replace(decision, notice=FileNotice(added, kind))
    # A held import has no rows in the table, so a duplicate of it may change.
    if policy == "fail" and not source.reload and any(past.status == Status.LOADED for past in older):
        raise ContentChangedError(
            f"the file is not what it was: {before} is loaded",
            hint="run --reload FILE replaces those rows; on_changed: append or replace takes changed files",
        )
    left = tuple(past for past in older if past not in own)
    notice = decision.notice
    if own:
        notice = FileNotice(f"the file changed: its rows take the place of the {_rows(own)} of {before}", kind)
    return replace(decision, retired=own, left=left, notice=notice)


def _rows(imports: Iterable[ImportRow]) -> str:
    """Return the number of the rows of imports, with its noun."""
    return count(sum(one.row_count for one in imports), "row")


def _is_outdated(past: ImportRow, source: SourceFile) -> bool:
    return past.identity == source.identity and past.reading < reading_version(past.identity)


def _moment(past: ImportRow, source: SourceFile) -> datetime | None:
    """Return the time when the file was last seen with the content of an import; None if it never was."""
    moments = [past.imported_at] if past.identity == source.identity and past.status == Status.LOADED else []
    duplicate = past.duplicate(source.identity)
    return max([*moments, *([duplicate.seen_at] if duplicate else [])], default=None)
