"""The table ``etl_quarantine``: rows of loaded files that break rules, and emptied cells.

The rows belong to their import: written in its transaction, and deleted in the one that takes its rows out of the table.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from psycopg import sql

from pgdatahub.errors import PrivilegeError
from pgdatahub.model.aside import BLANKED_ROWS, CELLS, ROW, AsideRow
from pgdatahub.model.schema import IMPORTS, QUARANTINE, TableName
from pgdatahub.postgres.history.aside_json import cells_in, damaged_aside, faults_in, layout_in
from pgdatahub.postgres.history.damaged_rows import PARSING_ERRORS, json_number
from pgdatahub.postgres.history.file_names import file_parameters, of_file
from pgdatahub.postgres.rows.copy_writer import QuietWriter
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.server_encoding import check_cells, fitted, storable
from pgdatahub.postgres.tables import catalog
from pgdatahub.system import failpoints

_COLUMNS: Final = ("import_id", "sheet", "row_number", "action", "cells", "kinds", "faults", "section", "ordinal")
_json = partial(json.dumps, ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineCounts:
    """The rows of one import in ``etl_quarantine``: rows that are not in the table, and rows with emptied cells."""

    rows: int = 0
    blanked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineDifference:
    """An import whose rows in ``etl_quarantine`` are not as loaded: the numbers of the history, and those found."""

    import_id: int
    identity: str
    recorded: QuarantineCounts
    found: QuarantineCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedRow:
    """A row of a loaded file in ``etl_quarantine``.

    Attributes:
        import_id: The import.
        table: Its table.
        source_file: Its file: an absolute path or a URL.
        identity: The path of the file below the data root.
        sheet: The sheet.
        row: The number of the row in the sheet, from 1.
        action: ``row``: the row is not in the table; ``cells``: the row is there, with these cells empty.
        cells: Name of a column → text, in the order of the sheet's columns.
        kinds: A letter for the kind of each cell, in the same order.
        faults: Each with ``cell``, ``column`` and ``rule``.
        columns: The names of the sheet's columns in their order, those of empty cells too.
    """

    import_id: int
    table: TableName
    source_file: str
    identity: str
    sheet: str
    row: int
    action: str
    cells: Mapping[str, str]
    kinds: str
    faults: tuple[Mapping[str, str], ...]
    columns: Sequence[str]


class Quarantine:
    """The table ``etl_quarantine`` of one schema.

    Args:
        schema: The schema of the metadata tables.
    """

    def __init__(self, schema: str) -> None:
        self._name = TableName(schema=schema, name=QUARANTINE)
        self._table = sql.Identifier(schema, QUARANTINE)
        self._imports = sql.Identifier(schema, IMPORTS)

    def exists(self, connection: Connection) -> bool:
        """Return whether the table exists; databases of earlier versions get it with the next run."""
        return catalog.is_table(connection, self._name)

    def is_readable(self, connection: Connection) -> bool:
        """Return whether the table exists, and the role may read it: a grant of an earlier version does not name it."""
        query = "SELECT to_regclass(%(name)s) IS NOT NULL AND has_table_privilege(to_regclass(%(name)s), 'SELECT')"
        return bool(connection.scalar(query, {"name": self._table.as_string(None)}))

    def add(self, connection: Connection, import_id: int, rows: Iterable[tuple[int, AsideRow]]) -> None:
        """Write the rows of an import, each with the number of rows read before it.

        Raises:
            LoadError: The database's encoding cannot hold a character of a cell.
        """
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
            self._table, sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
        )
        cursor = connection.driver.cursor()
        with cursor.copy(statement, writer=QuietWriter(cursor)) as copy:
            for ordinal, row in rows:
                check_cells(connection, row)
                faults = [{"cell": cell, "column": column, "rule": rule} for cell, column, rule in row.faults]
                copy.write_row(
                    (
                        import_id,
                        fitted(connection, row.sheet),
                        row.row,
                        row.action,
                        _json(dict(row.cells)),
                        row.kinds,
                        _json(fitted(connection, faults)),
                        row.section,
                        ordinal,
                    )
                )
        failpoints.reach("quarantined")

    def delete(self, connection: Connection, ids: Collection[int]) -> None:
        """Delete the rows of imports."""
        if not ids or not self.exists(connection):
            return
        # Most imports have none, and then the role needs no right on this table.
        having = sql.SQL("SELECT id FROM {} WHERE id = ANY (%s) AND layout IS NOT NULL").format(self._imports)
        found = [row[0] for row in connection.execute(having, [list(ids)])]
        if found:
            connection.execute(sql.SQL("DELETE FROM {} WHERE import_id = ANY (%s)").format(self._table), [found])

    def contents(self, connection: Connection, import_id: int) -> list[tuple[int, Mapping[str, str], str]]:
        """Return the rows of an import in their order: the number of rows read before each, its cells and their kinds."""
        if not self.is_readable(connection):
            return []
        query = sql.SQL("SELECT ordinal, cells, kinds FROM {} WHERE import_id = %s ORDER BY ordinal").format(
            self._table
        )
        return [(row[0], row[1], row[2]) for row in connection.execute(query, (import_id,))]

    def differences(
        self, connection: Connection, table: TableName, *, missing: Collection[str] = ()
    ) -> list[QuarantineDifference]:
        """Return the loaded imports of a table whose numbers of rows here are not those of the history.

        Args:
            connection: A connection in any transaction.
            table: The table.
            missing: The columns that metadata tables of an older version lack.
        """
        if "quarantined" in missing:
            return []
        there = self.exists(connection)
        if there and not self.is_readable(connection):
            return self._refuse_to_guess(connection, table)
        rows: sql.Composable = self._table
        if not there:  # a user dropped it, with all rows that were set aside
            rows = sql.SQL("(SELECT NULL::bigint AS import_id, NULL::text AS action WHERE false)")
        query = sql.SQL("""
            SELECT * FROM (
                SELECT i.id, i.identity, i.quarantined, coalesce({blanked}, 0) AS blanked,
                       count(q.*) FILTER (WHERE q.action = {row}) AS rows_now,
                       count(q.*) FILTER (WHERE q.action = {cells}) AS blanked_now
                  FROM {imports} i LEFT JOIN {table} q ON q.import_id = i.id
                 WHERE i.table_schema = %s AND i.table_name = %s AND i.status = 'loaded'
                 GROUP BY i.id) counted
             WHERE (quarantined, blanked) <> (rows_now, blanked_now) ORDER BY id
        """).format(
            blanked=json_number(sql.SQL("(i.counts -> {})").format(BLANKED_ROWS)),
            row=ROW,
            cells=CELLS,
            imports=self._imports,
            table=rows,
        )
        return [
            QuarantineDifference(
                import_id=row[0],
                identity=row[1],
                recorded=QuarantineCounts(rows=row[2], blanked=row[3]),
                found=QuarantineCounts(rows=row[4], blanked=row[5]),
            )
            for row in connection.execute(query, (table.schema, table.name))
        ]

    def _refuse_to_guess(self, connection: Connection, table: TableName) -> list[QuarantineDifference]:
        """Refuse to answer about imports with rows here that the role may not read.

        Raises:
            PrivilegeError: There is such an import.
        """
        query = sql.SQL("""
            SELECT EXISTS (SELECT FROM {} WHERE table_schema = %s AND table_name = %s AND layout IS NOT NULL
                              AND status = 'loaded')
        """).format(self._imports)
        if connection.scalar(query, (table.schema, table.name)):
            raise PrivilegeError(f"permission denied for {self._name}", hint="grant SELECT on it to the role")
        return []

    def orphans(self, connection: Connection) -> dict[int, int]:
        """Return import id → number of rows, for imports that the history does not know or whose rows are gone."""
        if not self.is_readable(connection):
            return {}
        query = sql.SQL("""
            SELECT import_id, count(*) FROM {table} q
             WHERE NOT EXISTS (SELECT FROM {imports} i WHERE i.id = q.import_id AND i.status = 'loaded')
             GROUP BY import_id ORDER BY import_id
        """).format(table=self._table, imports=self._imports)
        return {int(row[0]): int(row[1]) for row in connection.execute(query)}

    def select(
        self,
        connection: Connection,
        *,
        table: str | None = None,
        file_tail: str | None = None,
        import_id: int | None = None,
    ) -> Iterator[QuarantinedRow]:
        """Yield the rows of loaded imports in the order of loading and of the sheet; each given condition narrows them.

        Args:
            connection: A connection in a transaction.
            table: Of the table with this name, or ``schema.name``.
            file_tail: Of this ``source_file``, or of one that ends with it after a ``/``.
            import_id: Of this import.
        """
        if not self.exists(connection) or not storable(connection, [file_tail or ""]):
            return
        conditions = {
            "(i.table_name = %(table)s OR i.table_schema || '.' || i.table_name = %(table)s)": table is not None,
            of_file("i.source_file"): file_tail is not None,
            "i.id = %(id)s": import_id is not None,
        }
        given = [sql.SQL(condition) for condition, applies in conditions.items() if applies]
        query = sql.SQL("""
            SELECT i.id, i.table_schema, i.table_name, i.source_file, i.identity, q.sheet, q.row_number, q.action,
                   q.cells, q.kinds, q.faults, q.section
              FROM {table} q JOIN {imports} i ON i.id = q.import_id
             WHERE {conditions} ORDER BY q.import_id, q.section, q.row_number
        """).format(
            table=self._table,
            imports=self._imports,
            conditions=sql.SQL(" AND ").join([*given, sql.SQL("i.status = 'loaded'")]),
        )
        values = {"table": table, **file_parameters(file_tail), "id": import_id}
        orders: dict[int, Sequence[str]] = {}
        known = None
        with connection.driver.cursor("quarantine") as cursor:
            cursor.execute(query, values)
            for row in cursor:
                if row[0] != known:
                    known, orders = row[0], self._column_orders(connection, row[0])
                yield _row(row, orders.get(row[11], ()))

    def _column_orders(self, connection: Connection, import_id: int) -> dict[int, Sequence[str]]:
        """Return the names of the columns of an import's sheets by section, in the order of the sheet."""
        query = sql.SQL("SELECT layout FROM {} WHERE id = %(id)s").format(self._imports)
        layout = layout_in({"id": import_id, "layout": connection.scalar(query, {"id": import_id})})
        return {entry["section"]: [name for _, _, name in entry["columns"]] for entry in layout.values()}


def _row(row: Any, order: Sequence[str]) -> QuarantinedRow:
    try:
        return _quarantined(row, order)
    except PARSING_ERRORS as error:
        raise damaged_aside(row[6], row[5], f"import {row[0]} ({row[4]})", error) from error


def _quarantined(row: Any, order: Sequence[str]) -> QuarantinedRow:
    # The server sorts the keys of jsonb by length; the letters are in the order of the names' bytes.
    cells = cells_in(row[8], row[9])
    kinds = dict(zip(sorted(cells, key=str.encode), row[9], strict=True))
    names = [*(name for name in order if name in kinds), *(name for name in kinds if name not in order)]
    return QuarantinedRow(
        import_id=row[0],
        table=TableName(schema=row[1], name=row[2]),
        source_file=row[3],
        identity=row[4],
        sheet=row[5],
        row=row[6],
        action=row[7],
        cells={name: cells[name] for name in names},
        kinds="".join(kinds[name] for name in names),
        faults=faults_in(row[10]),
        columns=order,
    )
