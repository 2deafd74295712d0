"""Beginning of a keyed table or a snapshot: its companion, indexes and rule; and schema changes of the companion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from psycopg import sql

from pgdatahub.config.key_rule import KeyRule, describe_change
from pgdatahub.errors import SchemaError
from pgdatahub.model.schema import (
    RESERVED_COLUMNS,
    AddColumn,
    CreateTable,
    SchemaChange,
    SchemaPlan,
    TableName,
)
from pgdatahub.postgres.keyed.both import companion_of
from pgdatahub.postgres.keyed.flag import add_flag, ensure_flag
from pgdatahub.postgres.keyed.fragments import BEATEN, TIMESTAMP, identifier, listed
from pgdatahub.postgres.keyed.key_index import (
    check_alone,
    check_table,
    create_key_index,
    create_unique_index,
    is_our_index,
    usable_index,
)
from pgdatahub.postgres.keyed.names import companion_name, timestamp_index
from pgdatahub.postgres.keyed.rights import check_owner, is_owned
from pgdatahub.postgres.keyed.rules import TableRule, store_rule
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.tables import catalog, ddl, locks


def make_companion(connection: Connection, table: TableName, *, flag: str | None = None) -> TableName:
    """Create the companion of a table, which is empty; return its name.

    Its rows may be more private than those of the table, so the companion is granted to no other role.

    Args:
        connection: A connection in a transaction that has the table's lock.
        table: The table. The companion has all its columns, without their defaults.
        flag: The column that flags missing keys, if there is one; only the table has it.

    Raises:
        SchemaError: Another object has the name.
    """
    companion = companion_name(table)
    name = identifier(companion)
    if check_name(connection, table):
        connection.execute(sql.SQL("DROP TABLE {}").format(name))
    connection.execute(_create_companion(table, companion))
    current = catalog.reflect(connection, table)
    known = current.by_name if current is not None else {}
    clauses = [sql.SQL("DROP COLUMN {}").format(sql.Identifier(flag))] if flag is not None and flag in known else []
    clauses += [
        sql.SQL("ALTER COLUMN {} DROP NOT NULL").format(sql.Identifier(one.name))
        for one in known.values()
        if one.required and one.name != flag
    ]
    if clauses:
        connection.execute(sql.SQL("ALTER TABLE {} {}").format(name, sql.SQL(", ").join(clauses)))
    # Default privileges may grant new tables to other roles.
    grantees = connection.execute(
        """
        SELECT DISTINCT coalesce(r.rolname::text, 'PUBLIC') AS name
          FROM pg_class c CROSS JOIN aclexplode(c.relacl) g LEFT JOIN pg_roles r ON r.oid = g.grantee
         WHERE c.oid = to_regclass(%(name)s) AND g.grantee <> c.relowner
        """,
        {"name": name.as_string(None)},
    ).fetchall()
    for row in grantees:
        role = sql.SQL("PUBLIC") if row.name == "PUBLIC" else sql.Identifier(row.name)
        connection.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(name, role))
    comment = (
        f"rows of {table} that newer rows of their key replace; pgdatahub brings them back when it reverts an import"
    )
    connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(name, comment))
    return companion


def check_name(connection: Connection, table: TableName) -> bool:
    """Check that nothing has the name of a table's companion; return whether an empty companion of a lost history has it.

    Raises:
        SchemaError: Another object has it.
    """
    companion = companion_of(connection, table)
    if companion is not None and not connection.scalar(
        sql.SQL("SELECT EXISTS (SELECT FROM {})").format(identifier(companion))
    ):
        return True
    companion = companion_name(table)
    taken = "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s)"
    if connection.scalar(taken, (companion.schema, companion.name)) or catalog.namesake_type(connection, companion):
        raise SchemaError(
            f"{companion} is there already, and the table {table} needs that name for the rows that others replace",
            hint=f"rename {companion}, or set table: for the folder",
        )
    return False


def begin_rule(
    connection: Connection,
    history_schema: str,
    table: TableName,
    rule: KeyRule,
    columns: tuple[str, ...],
    *,
    own_index: str | None,
    move: Callable[[TableRule], None] | None = None,
) -> TableRule:
    """Give a table whose rows fit a rule the companion, the indexes and the rule.

    Args:
        connection: A connection in a transaction that has the table's lock.
        history_schema: The schema of the metadata tables.
        table: The table.
        rule: The rule.
        columns: The columns of imports.
        own_index: The user's own unique index on the key, if there is a usable one.
        move: Moves the rows that the table must not have to the companion, before the index is made.

    Raises:
        SchemaError: The table cannot have the rule.
    """
    companion = make_companion(connection, table, flag=rule.missing)
    names = tuple(name for name in columns if name not in RESERVED_COLUMNS)
    ours = own_index is not None and is_our_index(connection, table, own_index)  # of a lost history
    made = TableRule(
        table=table, rule=rule, companion=companion, key_index=own_index, index_is_ours=ours, columns=names
    )
    if move is not None:
        move(made)
    if rule.is_merge and own_index is None:
        made = replace(made, key_index=create_key_index(connection, table, rule.key), index_is_ours=True)
    ensure_flag(connection, made)
    create_other_indexes(connection, made)
    store_rule(connection, history_schema, made)
    return made


def create_other_indexes(connection: Connection, rule: TableRule) -> None:
    """Create the indexes that find rows of an import in both tables, and rows of a key in the companion."""
    of_table, *of_companion = _other_indexes(rule.table, rule.companion, rule.rule)
    # Only the owner of a table makes indexes; without it, an undo reads the table.
    if not catalog.has_index(connection, rule.table, timestamp_index(rule.table)) and is_owned(connection, rule.table):
        connection.execute(of_table)
    for statement in of_companion:
        connection.execute(statement)


def render_rule(plan: SchemaPlan, rule: KeyRule, *, begins: bool, own_index: str | None) -> list[sql.Composed]:
    """Return the statements that follow those of a file that is loaded under a rule, for a plan.

    Args:
        plan: The changes of the table.
        rule: The rule.
        begins: The file is the first one of the table.
        own_index: The user's own unique index on the key, if there is a usable one.
    """
    table, companion = plan.table, companion_name(plan.table)
    if not begins:
        return ddl.render(replace(plan, table=companion, changes=tuple(map(_without_header, plan.changes))))
    unique = [create_unique_index(table, rule.key)] if rule.is_merge and own_index is None else []
    name = rule.missing
    flag = [add_flag(table, name)] if name is not None and name not in plan.result.by_name else []
    return [_create_companion(table, companion), *unique, *flag, *_other_indexes(table, companion, rule)]


def _without_header(change: SchemaChange) -> SchemaChange:
    return AddColumn(column=replace(change.column, header=None)) if isinstance(change, AddColumn) else change


def _create_companion(table: TableName, companion: TableName) -> sql.Composed:
    return sql.SQL("CREATE TABLE {} (LIKE {}, {} boolean NOT NULL DEFAULT false)").format(
        identifier(companion), identifier(table), sql.Identifier(BEATEN)
    )


def _other_indexes(table: TableName, companion: TableName, rule: KeyRule) -> list[sql.Composed]:
    named = sql.SQL("CREATE INDEX {} ON {} ({})")
    unnamed = sql.SQL("CREATE INDEX ON {} ({})")
    of_key = [unnamed.format(identifier(companion), listed(rule.key))] if rule.is_merge else []
    return [
        named.format(sql.Identifier(timestamp_index(table)), identifier(table), TIMESTAMP),
        unnamed.format(identifier(companion), TIMESTAMP),
        *of_key,
    ]


def first_index(connection: Connection, history_schema: str | None, table: TableName, rule: KeyRule) -> str | None:
    """Return the user's own index for the key of an existing table that gets its first import; None for a new index.

    Args:
        connection: A connection in any transaction.
        history_schema: The schema of the metadata tables; None if there are none yet.
        table: The table.
        rule: The rule.

    Raises:
        SchemaError: Only ``rekey`` can give the table the rule, or nothing can.
    """
    loaded, known = False, False
    if history_schema is not None:
        imports = sql.SQL(
            "SELECT coalesce(bool_or(status = 'loaded'), false), count(*) > 0 FROM {} WHERE table_schema = %s AND table_name = %s"
        ).format(sql.Identifier(history_schema, "etl_imports"))
        loaded, known = connection.one(imports, (table.schema, table.name))
    own = None
    if rule.is_merge:
        check_table(connection, table, rule.key)
        own = usable_index(connection, table, rule.key)
    else:
        check_no_references(connection, table)
    has_rows = connection.scalar(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(identifier(table)))
    is_open = has_rows and rule.is_merge and own is None
    if loaded or (is_open and known):
        raise needs_rekey(table, None, rule)
    if is_open:
        raise SchemaError(
            f"the table has rows and no unique index on the key ({', '.join(rule.key)})",
            where=f"table {table}",
            hint="create a unique index on these columns, or delete the rows",
        )
    check_owner(connection, table, rule, own_index=own)
    return own


def check_no_references(connection: Connection, table: TableName) -> None:
    """Check that a table can be a snapshot.

    Raises:
        SchemaError: Foreign keys point to it, or other tables inherit from it.
    """
    check_alone(connection, table)
    referring = connection.scalar(
        """
        SELECT string_agg(DISTINCT k.conrelid::regclass::text, ', ')
          FROM pg_constraint k JOIN pg_class c ON c.oid = k.confrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE k.contype = 'f' AND n.nspname = %(schema)s AND c.relname = %(name)s
        """,
        {"schema": table.schema, "name": table.name},
    )
    if referring:
        raise SchemaError(
            f"foreign keys of {referring} point to the table, and a snapshot replaces all its rows",
            where=f"table {table}",
            hint="set key: and missing_keys: flag COLUMN in place of mode: snapshot",
        )


def needs_rekey(table: TableName, stored: KeyRule | None, wanted: KeyRule | None) -> SchemaError:
    """Return the error of a folder whose settings differ from the rule in force."""
    have, want = describe_change(stored, wanted)
    return SchemaError(
        f"the table has {have}, and the settings of the folder say {want}",
        where=f"table {table}",
        hint=f"run pgdatahub rekey {table.name}, or set the folder's options to what the table has",
    )


def follow_changes(connection: Connection, rule: TableRule, plan: SchemaPlan) -> None:
    """Change the companion as a plan changes its table, and add the columns that imports show for the first time.

    Raises:
        SchemaError: The server refused a change.
    """
    locks.lock_table(connection, rule.companion)
    changes = tuple(change for change in plan.changes if not isinstance(change, CreateTable))
    current = catalog.reflect(connection, rule.companion)
    if current is None:
        raise SchemaError(
            f"the table {rule.companion} is gone, and the rows that others replaced with it",
            where=f"table {rule.table}",
            hint="restore it from a backup, or reset and load the files again",
        )
    added = {change.column.name for change in changes if isinstance(change, AddColumn)}
    wanted = [plan.result.by_name[name] for name in rule.row_columns if name in plan.result.by_name]
    further = tuple(
        AddColumn(column=replace(one, header=None))
        for one in wanted
        if one.name not in current.by_name and one.name not in added
    )
    changes = tuple(
        change
        for change in changes
        if (
            change.column.name not in current.by_name
            if isinstance(change, AddColumn)
            else change.name in current.by_name
        )
    )
    if changes or further:
        ddl.carry_out(connection, SchemaPlan(table=rule.companion, changes=(*changes, *further), result=plan.result))
