"""Settings of a key against the rule in force for the table, and against the columns of a file."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from pgdatahub.errors import FileError, SchemaError
from pgdatahub.load.evolve import Evolution
from pgdatahub.load.staging.staged_file import Staged
from pgdatahub.model.explain import deciding_evidence
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import AlterType, OpaqueType
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.keyed.flag import flag_type_error
from pgdatahub.postgres.keyed.key_index import always_numbered, check_sortable
from pgdatahub.postgres.keyed.rules import TableRule
from pgdatahub.postgres.keyed.setup import needs_rekey
from pgdatahub.values.sql_types import SqlType

if TYPE_CHECKING:
    from pgdatahub.config.key_rule import KeyRule
    from pgdatahub.postgres.server.connection import Connection


def check_rule(source: SourceFile, stored: TableRule | None) -> None:
    """Check that the settings of a file's folder are the rule in force for its table.

    Raises:
        SchemaError: They differ, or the table is the companion of another.
    """
    wanted = source.options.rule
    if stored is None:
        return
    if stored.table != source.table:
        raise SchemaError(
            f"{source.table} has the rows of {stored.table} that other rows replace, and takes no file",
            hint="set table: for the folder",
        )
    if wanted is None or not agrees(stored.rule, wanted):
        raise needs_rekey(source.table, stored.rule, wanted)


def agrees(stored: KeyRule, wanted: KeyRule) -> bool:
    """Return whether a table under a rule can take files under another; no loaded row changes its place."""
    facts = [(rule.mode, set(rule.key), rule.newest, rule.missing) for rule in (stored, wanted)]
    # A table that refused equal keys has none.
    return facts[0] == facts[1] and stored.duplicates in ("fail", wanted.duplicates)


def check_columns(staged: Staged, evolution: Evolution, history: History | None, connection: Connection | None) -> None:
    """Check that a file has the columns of the key, its time if that orders files, and a fixed type for a column that does.

    Args:
        staged: The part.
        evolution: The changes of its table.
        history: The metadata tables; None if there are none.
        connection: A connection in any transaction; None without a database.

    Raises:
        FileError: The time of the file's last change is not known.
        SchemaError: A column is not there, or the values of a file could change its type.
    """
    rule = staged.source.options.rule
    if rule is None:
        return
    if rule.newest == "modified" and staged.source.modified_at is None:
        raise FileError(
            "newest: modified needs the time of the file's last change, which its storage does not tell",
            hint="set newest: path or a column, or put the files into a storage that tells it",
        )
    names = evolution.observed.by_name
    lacks = [name for name in rule.key if name not in names]
    if lacks:
        raise SchemaError(
            f"the file lacks the column {lacks[0]} of the key ({', '.join(rule.key)})",
            where=f"table {staged.source.table}",
            hint="add the column, or name it in aliases: or rename:",
        )
    _check_flag(staged, evolution)
    _check_numbered(staged, evolution, connection)
    ordered, columns = rule.column, evolution.plan.result.by_name
    for name in (*rule.key, *([ordered] if ordered is not None and ordered in columns else [])):
        kind = columns[name].type
        if isinstance(kind, OpaqueType) and connection is not None:
            check_sortable(connection, staged.source.table, name, kind)
    if ordered is not None and ordered not in evolution.plan.result.by_name:
        raise SchemaError(
            f"the file lacks the column {ordered}, which orders the rows (newest: {ordered}), and the table has none yet",
            where=f"table {staged.source.table}",
            hint="load a file that has it first",
        )
    if ordered is None or staged.source.options.has_fixed_type(ordered):
        return
    stored = evolution.stored
    own = stored is not None and ordered in stored.by_name
    made: Collection[str] = ()
    if history is not None and connection is not None:
        made = history.schema_changes.created_columns(connection, staged.source.table)
    if own and ordered not in made:
        _check_type_stays(staged, evolution, ordered)
        return
    raise SchemaError(
        f"newest: {ordered} needs a column of a fixed type: one text cell would make it TEXT and change the order of all rows",
        where=f"table {staged.source.table}",
        hint=f"set columns: {{{ordered}: {{type: timestamp}}}} (or date, integer …)",
    )


def _check_flag(staged: Staged, evolution: Evolution) -> None:
    """Check that the file lacks the column that flags missing keys, and that a table which has it has a BOOLEAN there.

    Raises:
        SchemaError: The file has the column, or the table has another type.
    """
    rule, where = staged.source.options.rule, f"table {staged.source.table}"
    if rule is None or rule.missing is None:
        return
    if rule.missing in evolution.observed.by_name:
        raise SchemaError(
            f"the file has the column {rule.missing}, which missing_keys: flag sets",
            where=where,
            hint="flag another column; or skip: leaves the file's column out, rename: gives it another name",
        )
    stored = evolution.stored.by_name.get(rule.missing) if evolution.stored is not None else None
    if stored is not None and stored.type is not SqlType.BOOLEAN:
        raise flag_type_error(staged.source.table, stored)


def _check_type_stays(staged: Staged, evolution: Evolution, ordered: str) -> None:
    """Check that the file does not make a column of the user's own that orders rows TEXT.

    Raises:
        SchemaError: It would; the message names the cell.
    """
    for change in evolution.plan.changes:
        if isinstance(change, AlterType) and change.name == ordered and change.new is SqlType.TEXT:
            evidence = deciding_evidence(change)
            raise SchemaError(
                f"{evidence.sample if evidence else 'a value'!r} is not a valid {change.old.label} in the column {ordered},"
                " which orders the rows: as TEXT it would change the order of all rows",
                where=evidence.cell.replace("!", " › ") if evidence else f"table {staged.source.table}",
                hint="correct the cell",
            )


def _check_numbered(staged: Staged, evolution: Evolution, connection: Connection | None) -> None:
    """Check that the file has no column, beside the key, that the server lets no row of the companion set again.

    Raises:
        SchemaError: It has one.
    """
    rule, stored = staged.source.options.rule, evolution.stored
    if rule is None or not rule.is_merge or stored is None or connection is None:
        return
    foreign = {name for name, column in stored.by_name.items() if isinstance(column.type, OpaqueType)}
    names = foreign & evolution.observed.by_name.keys() - set(rule.key)
    numbered = always_numbered(connection, staged.source.table, names) if names else []
    if numbered:
        raise SchemaError(
            f"the table numbers its column {numbered[0]} itself (GENERATED ALWAYS AS IDENTITY), and the file has it too",
            where=f"table {staged.source.table}",
            hint="make it GENERATED BY DEFAULT; or skip: leaves the file's column out, rename: gives it another name",
        )
