"""Another key for a loaded table, or none: all rows back into the table, then the best row of each key stays there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from pgdatahub.config.key_rule import KeyRule
from pgdatahub.errors import SchemaError, UndoError
from pgdatahub.model.imports import Status
from pgdatahub.model.schema import IMPORTS, RESERVED_COLUMNS, TableName
from pgdatahub.postgres.keyed.flag import end_flag, update_flag
from pgdatahub.postgres.keyed.fragments import (
    BEATEN,
    FILE,
    TIMESTAMP,
    best_first,
    column,
    identifier,
    listed,
    newest_import,
    null_key,
)
from pgdatahub.postgres.keyed.intact import check_both, check_takes_rows
from pgdatahub.postgres.keyed.key_index import check_table, usable_index
from pgdatahub.postgres.keyed.observed_keys import check_key_columns
from pgdatahub.postgres.keyed.retyped import follow_types
from pgdatahub.postgres.keyed.rows import follow_restore
from pgdatahub.postgres.keyed.rules import TableRule, add_xids, all_rules, forget_rule, record_xid, recorded_xids
from pgdatahub.postgres.keyed.same_key import change_in_place, keeps_order
from pgdatahub.postgres.keyed.setup import begin_rule, check_no_references
from pgdatahub.postgres.keyed.whole_rows import move_back, move_out, own_columns
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.tables import catalog, ddl, locks
from pgdatahub.postgres.tables.dependents import dependents
from pgdatahub.postgres.tables.row_guards import kept, row_guards
from pgdatahub.values.counting import count
from pgdatahub.values.rank_key import rank_key

if TYPE_CHECKING:
    from pgdatahub.postgres.history.imports import History

_PLACES = sql.Identifier("pg_temp", "_hub_places")


def rekey(
    connection: Connection, history: History, table: TableName, old: TableRule | None, new: KeyRule | None
) -> TableRule | None:
    """Give a table another rule in the caller's transaction; return what is in force then.

    Args:
        connection: A connection in a transaction that has the table's turn.
        history: The metadata tables.
        table: The table, which exists.
        old: The rule in force; None for a table of all rows.
        new: The new rule; None for a table of all rows.

    Raises:
        UndoError: The rows do not fit the rule, or their order is not known.
        SchemaError: The table cannot have the rule.
    """
    locks.lock_table(connection, table, exclusively=True)
    if old is not None and catalog.is_table(connection, old.companion):
        old = check_both(connection, old)
        follow_restore(connection, history.schema, old)
        follow_types(connection, old.table, old.companion)
        if new is not None and keeps_order(old, new):
            check_takes_rows(connection, old)
            return change_in_place(connection, history.imports, history.schema, old, new)
    writers = recorded_xids(connection, history.schema, table) if old is not None else _usual_writers(connection, table)
    if old is not None:
        _unkey(connection, history, old, keep_flag=new is not None and new.missing == old.rule.missing)
    if new is None:
        # Rows of one import that several transactions wrote would look as if a user had changed some of them.
        rewrite = sql.SQL("UPDATE {0} SET {1} = {1} WHERE {1} IS NOT NULL").format(identifier(table), TIMESTAMP)
        connection.execute(rewrite)
        return None
    columns = tuple(
        name
        for name in dict.fromkeys(
            column.name for observed in history.observed(connection, table) for column in observed.columns
        )
        if name not in RESERVED_COLUMNS
    )
    current = catalog.reflect(connection, table)
    missing = [name for name in (*new.key, new.column) if name and (current is None or name not in current.by_name)]
    if missing:
        raise UndoError(f"the table has no column {missing[0]}", where=str(table))
    check_key_columns(connection, history.imports, table, new)
    _rank(connection, history, table, new)
    own: str | None = None
    if new.is_merge:
        check_table(connection, table, new.key)
        own = usable_index(connection, table, new.key)
        move = partial(_move_others, connection, history)
    else:
        check_no_references(connection, table)
        move = partial(_keep_newest, connection, history)
    rule = begin_rule(connection, history.schema, table, new, columns, own_index=own, move=move)
    update_flag(connection, history.imports, rule.table, rule.rule)
    record_xid(connection, history.schema, table)
    add_xids(connection, history.schema, table, writers)
    return rule


def _usual_writers(connection: Connection, table: TableName) -> list[int]:
    """Return, for each import of a table of all rows, the transaction that wrote most of its rows."""
    query = sql.SQL("""
        SELECT DISTINCT writer FROM (
            SELECT DISTINCT ON ({file}, {timestamp}) xmin::text::bigint AS writer FROM {table}
             WHERE {timestamp} IS NOT NULL GROUP BY {file}, {timestamp}, xmin::text
             ORDER BY {file}, {timestamp}, count(*) DESC) usual
    """).format(file=FILE, timestamp=TIMESTAMP, table=identifier(table))
    return [row.writer for row in connection.execute(query)]


def end_rule(connection: Connection, history_schema: str, rule: TableRule, *, keep_flag: bool = False) -> None:
    """End the rule of a table whose companion has no rows that matter any more.

    The companion, pgdatahub's indexes and its flag of missing keys are dropped.

    Args:
        connection: A connection in a transaction that has the table's lock.
        history_schema: The schema of the metadata tables.
        rule: The rule.
        keep_flag: Leave the flag, which the next rule of the table has too.

    Raises:
        SchemaError: A view, or another object, depends on the companion or the flag.
    """
    if not keep_flag:
        end_flag(connection, rule)
    beside = dependents(connection, rule.companion)
    found = sorted({one.description for one in beside if not one.part_of_table})
    if found:
        raise SchemaError(
            f"{found[0]} depends on {rule.companion}, which is dropped",
            where=f"table {rule.table}",
            hint="drop that first",
        )
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(identifier(rule.companion)))
    for name in rule.own_indexes:
        connection.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(sql.Identifier(rule.table.schema, name)))
    forget_rule(connection, history_schema, rule.table)


def drop_companions(connection: Connection, history_schema: str) -> None:
    """Drop the companions of all tables that have a rule, such as those of tables that a user dropped."""
    for rule in all_rules(connection, history_schema).values():
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(identifier(rule.companion)))


def _unkey(connection: Connection, history: History, rule: TableRule, *, keep_flag: bool) -> None:
    """Move the rows of the companion back, and drop it; a user may have dropped it already."""
    if not catalog.is_table(connection, rule.companion):
        end_rule(connection, history.schema, rule, keep_flag=keep_flag)
        return
    locks.lock_table(connection, rule.companion, exclusively=True)
    beside = connection.scalar(sql.SQL("SELECT count(*) FROM {}").format(identifier(rule.companion)))
    if beside and rule.rule.is_merge and not rule.index_is_ours:
        raise UndoError(
            f"{count(beside, 'row', 'does', 'do')} not fit into the table from {rule.companion}, since its own index"
            f" {rule.key_index} is unique",
            where=str(rule.table),
            hint="drop that index or constraint, or revert the imports of these rows",
        )
    if rule.index_is_ours and rule.key_index is not None:
        connection.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(sql.Identifier(rule.table.schema, rule.key_index)))
    statements = move_back(connection, rule, sql.SQL("true"))
    arrived = sum(connection.execute(statement).rowcount for statement in statements)
    if arrived != beside:
        raise kept(rule.table, row_guards(connection, rule.table), beside - arrived)
    end_rule(connection, history.schema, rule, keep_flag=keep_flag)
    if not catalog.has_index(connection, rule.table, ddl.import_index(rule.table)):
        statement = sql.SQL("CREATE INDEX {} ON {} USING brin ({})")
        connection.execute(
            statement.format(sql.Identifier(ddl.import_index(rule.table)), identifier(rule.table), TIMESTAMP)
        )


def _rank(connection: Connection, history: History, table: TableName, rule: KeyRule) -> None:
    """Give imports of an earlier version their rank, and check that all imports can be ordered."""
    imports = sql.Identifier(history.schema, IMPORTS)
    unranked = connection.execute(
        sql.SQL("SELECT id, identity FROM {} WHERE table_schema = %s AND table_name = %s AND rank_key IS NULL").format(
            imports
        ),
        (table.schema, table.name),
    ).fetchall()
    statement = sql.SQL("UPDATE {} SET rank_key = %s WHERE id = %s").format(imports)
    for row in unranked:
        connection.execute(statement, (rank_key(row.identity), row.id))
    if rule.newest == "modified":
        unknown = connection.scalar(
            sql.SQL(
                "SELECT min(identity) FROM {} WHERE table_schema = %s AND table_name = %s AND status = %s"
                " AND modified_at IS NULL"
            ).format(imports),
            (table.schema, table.name, Status.LOADED.value),
        )
        if unknown is not None:
            raise UndoError(
                f"{unknown} was loaded without the time of its last change, which newest: modified needs",
                where=str(table),
                hint="run --reload FILE records it; or use newest: path",
            )
    # Copies are loaded with a rank of their own, so the path is part of an import. A row that is written again without need
    # would look restored, and verify would read its file.
    connection.execute(
        sql.SQL("""
            UPDATE {} SET path_key = encode(sha256(convert_to(identity, 'UTF8')), 'hex')
             WHERE table_schema = %s AND table_name = %s AND status = %s
               AND path_key IS DISTINCT FROM encode(sha256(convert_to(identity, 'UTF8')), 'hex')
        """).format(imports),
        (table.schema, table.name, Status.LOADED.value),
    )


def _move_others(connection: Connection, history: History, rule: TableRule) -> None:
    key = rule.rule.key
    names = (*rule.row_columns, *own_columns(connection, rule))
    table = identifier(rule.table)
    empty, file = connection.one(
        sql.SQL("SELECT count(*), min({}) FROM {} m WHERE {}").format(FILE, table, null_key(key, "m")),
    )
    if empty:
        raise UndoError(
            f"{count(empty, 'row', 'has', 'have')} an empty key ({', '.join(key)})",
            where=f"{rule.table}, {file or 'rows of no file'}",
            hint="revert these files; or take another key" if file else "fill or delete them; or take another key",
        )
    order = best_first(rule.rule, "m", "i")
    connection.execute(
        sql.SQL("""
            CREATE TEMPORARY TABLE {places} ON COMMIT DROP AS
            SELECT m.ctid AS place, m.tableoid AS part, m.{timestamp} AS moment, {key},
                   row_number() OVER (PARTITION BY {key} ORDER BY {order}) AS number,
                   row_number() OVER (PARTITION BY {key}, m.{timestamp} ORDER BY {order}) AS in_file,
                   rank() OVER (PARTITION BY {key}, m.{timestamp} ORDER BY {order}) AS tied
              FROM {table} m LEFT JOIN {imports} i
                ON i.table_schema = {schema} AND i.table_name = {name} AND i.imported_at = m.{timestamp}
        """).format(
            places=sql.Identifier("_hub_places"),
            timestamp=TIMESTAMP,
            key=listed(key, "m"),
            order=order,
            table=table,
            imports=history.imports,
            schema=rule.table.schema,
            name=rule.table.name,
        )
    )
    tie = connection.scalar(sql.SQL("SELECT count(*) FROM {} WHERE in_file > 1 AND tied = 1").format(_PLACES))
    if tie:
        file = connection.scalar(
            sql.SQL(
                "SELECT min(m.{}) FROM {} m JOIN {} p ON m.ctid = p.place AND m.tableoid = p.part"
                " WHERE p.in_file > 1 AND p.tied = 1"
            ).format(column("source_file"), table, _PLACES)
        )
        raise UndoError(
            f"{count(tie, 'row', 'has', 'have')} the key of another row of their file, and the table does not tell their order",
            where=f"{rule.table}, {file or 'rows of no file'}",
            hint="revert these files, run rekey, and load them again; or take another key",
        )
    moved = sql.SQL("""
        WITH gone AS (DELETE FROM {table} m USING {places} p
                       WHERE m.ctid = p.place AND m.tableoid = p.part AND p.number > 1
                   RETURNING {columns}, p.in_file > 1 AS _is_beaten)
        INSERT INTO {companion} ({plain}, {beaten}) SELECT {plain}, _is_beaten FROM gone
    """).format(
        table=table,
        places=_PLACES,
        columns=listed(names, "m"),
        companion=identifier(rule.companion),
        plain=listed(names),
        beaten=sql.Identifier(BEATEN),
    )
    try:
        # Not under a savepoint, whose rows would have another transaction number than the recorded one.
        connection.execute(moved)
    except psycopg.errors.ForeignKeyViolation as error:
        raise UndoError(
            f"the foreign key {error.diag.constraint_name} of the table {error.diag.table_name} refers to rows that others beat",
            where=str(rule.table),
        ) from error
    connection.execute(sql.SQL("DROP TABLE {}").format(_PLACES))


def _keep_newest(connection: Connection, history: History, rule: TableRule) -> None:
    top = connection.scalar(newest_import(history.imports, rule.rule, rule.table))
    if top is not None:
        condition = sql.SQL("{} IS DISTINCT FROM %(top)s::timestamp").format(TIMESTAMP)
        connection.execute(move_out(connection, rule, condition), {"top": top})
