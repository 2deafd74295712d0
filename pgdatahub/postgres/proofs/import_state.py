"""The present state of one import: its rows, and changes made by hand since it was loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgdatahub.model.imports import ImportRow, Status
from pgdatahub.model.schema import RESERVED_COLUMNS, TableSchema
from pgdatahub.postgres.keyed.rows import find_keyed_rows
from pgdatahub.postgres.keyed.rules import TableRule
from pgdatahub.postgres.rows.import_rows import find_rows
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.values.counting import count

if TYPE_CHECKING:
    from typing_extensions import LiteralString

    from pgdatahub.postgres.history.imports import History


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportState:
    """The present rows of an import, and their differences from the rows that it loaded.

    Attributes:
        rows: The number of rows that name the import.
        missing: Reasons why rows are missing.
        changed: Reasons why rows differ from the loaded rows.
        unreadable: The reason why its rows cannot be distinguished from other rows; None if they can.
    """

    rows: int = 0
    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unreadable: str | None = None


UNREADABLE_HINT = "give the column its name back; without it nothing tells whose a row is"


def examine_import(
    connection: Connection,
    past: ImportRow,
    current: TableSchema | None,
    *,
    rule: TableRule | None = None,
    history_schema: str = "",
) -> ImportState:
    """Return the present state of an import.

    Args:
        connection: A connection in any transaction.
        past: The import.
        current: The columns of its table; None if the table is gone.
        rule: The rule of a table with a companion.
        history_schema: The schema of the metadata tables; needed with a rule.
    """
    if current is None:
        return ImportState(missing=(f"the table {past.table} is gone, and its {count(past.row_count, 'row')} with it",))
    lost = [name for name in RESERVED_COLUMNS if name not in current.by_name]
    if lost:
        return ImportState(unreadable=f"{' and '.join(lost)} of {past.table} was dropped, or renamed, by hand")
    found = find_rows(connection, past) if rule is None else find_keyed_rows(connection, history_schema, rule, past)
    missing: list[str] = []
    changed: list[str] = []
    if found.count < past.row_count:
        gone = past.row_count - found.count
        missing.append(
            f"it brought {count(past.row_count, 'row')}, and the table has {found.count:,}: {gone:,} deleted by hand, "
            "or given to another import"
        )
    elif found.count > past.row_count:
        more = found.count - past.row_count
        changed.append(
            f"it brought {count(past.row_count, 'row')}, and {found.count:,} name it: {more:,} added by hand"
        )
    if found.rewritten:
        written = "written later than the others" if rule is None else "not written by pgdatahub"
        changed.append(
            f"of its {count(found.count, 'row')}, {found.rewritten:,} {'was' if found.rewritten == 1 else 'were'} {written}: changed or added by hand"
        )
    return ImportState(rows=found.count, missing=tuple(missing), changed=tuple(changed))


def named_twice(connection: Connection, history: History, past: ImportRow) -> list[ImportRow]:
    """Return the other loaded imports that name the same rows: a user wrote a row of the history."""
    condition: LiteralString = (
        "i.table_schema = %(schema)s AND i.table_name = %(name)s AND i.imported_at = %(moment)s AND i.source_file = %(file)s"
        " AND i.status = %(loaded)s AND i.id <> %(id)s"
    )
    values = {
        "schema": past.table.schema,
        "name": past.table.name,
        "moment": past.imported_at,
        "file": past.source_file,
        "loaded": Status.LOADED.value,
        "id": past.id,
    }
    return history.select_where(connection, condition, values)
