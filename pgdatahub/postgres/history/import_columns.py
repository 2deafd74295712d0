"""The columns of ``etl_imports`` in the forms of the database and of the program."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql

from pgdatahub.model.aside import BLANKED_CELLS
from pgdatahub.model.imports import KEY_COUNTS, LEFT_OUT, Duplicate, ImportRow, KeyCounts, Replay
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.history.damaged_rows import JsonFormError, as_list, as_object, checked_import, parsed

if TYPE_CHECKING:
    from typing_extensions import LiteralString

IMPORT_COLUMNS: Final = (
    "id",
    "table_schema",
    "table_name",
    "source_file",
    "identity",
    "file_sha256",
    "content_sha256",
    "settings",
    "run_id",
    "row_count",
    "bytes",
    "imported_at",
    "status",
    "reverted_at",
)
"""The columns of ``etl_imports`` that an :class:`ImportRow` has."""

ADDED_COLUMNS: Final[Mapping[str, LiteralString]] = {
    "duplicates": "'[]'::jsonb",
    "reading": "0",
    "routing": "NULL::text",
    "tables": "NULL::jsonb",
    "path_key": "''::text",
    "rank_key": "NULL::bytea",
    "modified_at": "NULL::timestamp",
    "xid": "NULL::bigint",
    "quarantined": "0",
    "layout": "NULL::jsonb",
    "replays": "NULL::jsonb",
}
"""Further columns, which tables of an older version lack, with their defaults."""

IDENTITY_KEY_CHARACTERS: Final = 300
"""Characters of a path in the index that finds the imports of a file; an index entry holds 2,700 bytes."""

_ONLY_FOR_THE_SERVER: Final = frozenset({"rank_key", "modified_at", "xid", "layout"})
"""Added columns that an :class:`ImportRow` does not have."""
_OF_TABLE: Final = ("table_schema", "table_name")
_OF_IMPORT: Final = tuple(name for name in IMPORT_COLUMNS if name not in _OF_TABLE)


def selected_columns(missing: Collection[str]) -> sql.Composable:
    """Return the columns of an :class:`ImportRow` from ``etl_imports`` as ``i``.

    Args:
        missing: The columns that a table of an older version lacks.
    """
    added: list[sql.Composable] = [
        sql.SQL("{} AS {}").format(
            sql.SQL(default) if name in missing else sql.Identifier("i", name), sql.Identifier(name)
        )
        for name, default in ADDED_COLUMNS.items()
        if name not in _ONLY_FOR_THE_SERVER
    ]
    if "xid" in missing:
        added.append(sql.SQL("NULL::jsonb AS keys"))
    else:
        added.append(sql.SQL("CASE WHEN i.xid IS NOT NULL THEN i.counts END AS keys"))
    counted = sql.SQL("i.counts -> {} AS sheets_left_out, i.counts -> {} AS emptied").format(
        sql.Literal(LEFT_OUT), sql.Literal(BLANKED_CELLS)
    )
    return sql.SQL(", ").join([*(sql.Identifier("i", name) for name in IMPORT_COLUMNS), counted, *added])


def import_row(row: Mapping[str, Any]) -> ImportRow:
    """Return the import in a row of ``etl_imports``.

    Raises:
        HistoryDamagedError: A user changed the row.
    """
    checked_import(row)
    values = {name: row[name] for name in _OF_IMPORT}
    return ImportRow(
        table=_table(row["table_schema"], row["table_name"]),
        sheets_left_out=parsed(row, "counts", lambda: texts_in(row["sheets_left_out"])),
        duplicates=parsed(row, "duplicates", lambda: tuple(map(_duplicate, as_list(row["duplicates"])))),
        reading=row["reading"],
        routing=row["routing"],
        path_key=row["path_key"],
        keys=None if row["keys"] is None else parsed(row, "counts", lambda: _key_counts(row["keys"])),
        quarantined=row["quarantined"],
        emptied=parsed(row, "counts", lambda: int(row["emptied"] or 0)),
        replays=parsed(row, "replays", lambda: tuple(map(_replay, _list_or_null(row["replays"])))),
        tables=parsed(row, "tables", lambda: tuple(map(_named_table, _list_or_null(row["tables"])))),
        **values,
    )


def texts_in(value: Any) -> tuple[str, ...]:
    """Return a JSON list of texts; null for none."""
    texts = _list_or_null(value)
    if not all(isinstance(text, str) for text in texts):
        raise JsonFormError("its JSON has another value where a text belongs")
    return tuple(texts)


def _list_or_null(value: Any) -> list[Any]:
    return [] if value is None else as_list(value)


def _named_table(value: Any) -> TableName:
    schema, name = texts_in(value)
    return _table(schema, name)


def _key_counts(value: Any) -> KeyCounts:
    counts = as_object(value)
    return KeyCounts(**{name: int(counts.get(key, 0)) for name, key in KEY_COUNTS.items()})


def _duplicate(value: Any) -> Duplicate:
    entry = as_object(value)
    return Duplicate(**{**entry, "seen_at": datetime.fromisoformat(entry["seen_at"])})


def _replay(value: Any) -> Replay:
    entry = as_object(value)
    return Replay(
        at=datetime.fromisoformat(entry["at"]),
        run_id=entry["run_id"],
        rows=entry["rows"],
        xid=entry["xid"],
        before=entry.get("before"),
        settings=entry["settings"],
    )


def replay_to_json(replay: Replay) -> dict[str, Any]:
    """Return a replay in the form of ``etl_imports.replays``."""
    return asdict(replay) | {"at": replay.at.isoformat(" ")}


def duplicate_to_json(duplicate: Duplicate) -> dict[str, Any]:
    """Return a duplicate in the form of ``etl_imports.duplicates``; versions before marked copies know no other keys."""
    entry = asdict(duplicate) | {"seen_at": duplicate.seen_at.isoformat(" ")}
    return entry if duplicate.corrected else {key: value for key, value in entry.items() if key != "corrected"}


def tables_to_json(tables: Sequence[TableName]) -> list[list[str]] | None:
    """Return tables in the form of ``etl_imports.tables``; None for none."""
    return [[table.schema, table.name] for table in tables] or None


@lru_cache(maxsize=256)
def _table(schema: str, name: str) -> TableName:
    return TableName(schema=schema, name=name)
