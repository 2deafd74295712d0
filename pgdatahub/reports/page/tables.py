"""Entries of tables, with their imports, skipped files, columns and changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from pgdatahub.config.column_descriptions import Columns, column_description
from pgdatahub.model.aside import BLANKED_ROWS
from pgdatahub.model.change_phrases import described_changes
from pgdatahub.model.column_comments import description_in
from pgdatahub.model.imports import COUNTED, ChangeRow, ImportRow, Status
from pgdatahub.model.schema import LOAD_TIMESTAMP, RESERVED_COLUMNS, SOURCE_FILE, TableName
from pgdatahub.postgres.history.column_history import ImportedColumn, import_counts, imported_columns
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.inventory import Inventory, take_inventory
from pgdatahub.postgres.keyed.rules import TableRule, all_rules
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.tables.column_estimates import TableEstimates, column_estimates
from pgdatahub.postgres.tables.column_scan import ScannedColumn, TableCount, family_of, scan
from pgdatahub.postgres.tables.table_facts import ColumnFacts, TableFacts, table_facts
from pgdatahub.reports.page.columns import ColumnSources, shown_sample
from pgdatahub.reports.page.content import (
    MOST,
    ChangeEntry,
    ImportEntry,
    KeyFacts,
    Listed,
    SkippedEntry,
    TableEntry,
)
from pgdatahub.reports.page.folders import Folders
from pgdatahub.reports.page.selection import Selection
from pgdatahub.values.evidence import HIDDEN

RowT = TypeVar("RowT", ImportRow, ChangeRow)
_OF_EACH_ROW: Final = {
    SOURCE_FILE: "The file that the row is from",
    LOAD_TIMESTAMP: "When that file was loaded, UTC",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TableEntries:
    """The sources of the entries of all tables."""

    connection: Connection
    folders: Folders
    chosen: Selection
    imports: Mapping[TableName, Sequence[ImportRow]]
    changes: Mapping[TableName, Sequence[ChangeRow]]
    inventory: Mapping[TableName, Inventory]
    facts: Mapping[TableName, TableFacts]
    rules: Mapping[TableName, TableRule]
    imported: Mapping[TableName, Mapping[str, ImportedColumn]]
    counts: Mapping[int, Mapping[str, int]]
    scan: bool
    texts: bool

    @classmethod
    def read(
        cls,
        connection: Connection,
        history: History,
        folders: Folders,
        chosen: Selection,
        *,
        scan: bool,
        texts: bool,
    ) -> TableEntries:
        """Read the sources.

        Args:
            connection: A connection in any transaction.
            history: The metadata tables.
            folders: The settings of folders.
            chosen: The imports and changes of the report.
            scan: Count the values of the columns.
            texts: Show values of texts.
        """
        return cls(
            connection=connection,
            folders=folders,
            chosen=chosen,
            imports=_by_table(chosen.known_imports),
            changes=_by_table(chosen.known_changes),
            inventory={one.table: one for one in take_inventory(connection, history)},
            facts=table_facts(connection, chosen.tables),
            rules=all_rules(connection, history.schema),
            imported=imported_columns(connection, history, chosen.tables),
            counts=import_counts(connection, history),
            scan=scan,
            texts=texts,
        )

    def entry(self, table: TableName, number: int) -> TableEntry:
        """Return the entry of a table.

        Args:
            table: The table.
            number: Its place in the report, from 0.
        """
        known, changes = self.imports.get(table, ()), self.changes.get(table, ())
        imports = [past for past in known if self.chosen.covers(past.run_id)]
        loaded = [past for past in imports if past.status == Status.LOADED]
        inventory, facts = self.inventory.get(table), self.facts.get(table)
        shows = self._shows_values(table, known, changes)
        estimates, count, figures = self._figures(table, facts, shows=shows)
        described = [one for one in described_changes(changes) if self.chosen.has_change(one[0])]
        imported_rows = sum(past.row_count for past in loaded)
        rule = self.rules.get(table)
        options = self.folders.columns(table, [past.identity for past in reversed(known)])
        imported = self.imported.get(table, {})
        columns = sorted(facts.columns if facts is not None else (), key=lambda one: one.name in RESERVED_COLUMNS)
        sources = ColumnSources(
            imported=imported,
            rows=sum(past.row_count for past in known if past.status == Status.LOADED),
            deciding={change.column: change for change in changes if change.column is not None},
            descriptions={
                column.name: description
                for column in columns
                if (description := _description(column, imported, options)) is not None
            },
            key=rule.rule.key if rule is not None else (),
            estimates=estimates.columns if estimates is not None else {},
            counts=count.columns if count else {},
            counted_rows=count.rows if count else 0,
            shows_values=shows,
            shows_texts=self.texts,
        )
        rows = imported_rows if self.chosen.run or inventory is None else inventory.rows
        left_out: Counter[str] = Counter()
        for past in loaded:
            left_out.update(self.counts.get(past.id, {}))
        blanked = left_out.pop(BLANKED_ROWS, 0)
        return TableEntry(
            name=str(table),
            anchor=f"table-{number + 1}",
            description=self.folders.description(table, [past.identity for past in reversed(known)])
            or (facts.comment if facts is not None else None),
            exists=facts is not None,
            rows=count.rows if count else rows,
            counted=count is not None,
            bytes=inventory.bytes if inventory is not None else 0,
            imports=Listed.of(self._import(past) for past in reversed(imports)),
            loaded=len(loaded),
            last_load=max((past.imported_at for past in loaded), default=None),
            aside=sum(past.quarantined for past in loaded),
            blanked=blanked,
            left_out=tuple(sorted(left_out.items())),
            keys=_key_facts(rule, loaded) if rule is not None else None,
            columns=Listed.of(map(sources.entry, columns)),
            figures=figures,
            shows_values=shows,
            skipped=Listed.of(skipped_entries(imports)) if self.chosen.run is None else Listed(),
            changes=Listed.of(
                _change(change, phrase, shows=sources.shows(family_of(change.new_type or "")))
                for change, phrase in reversed(described)
            ),
        )

    def change_moments(self) -> Iterator[datetime]:
        """Yield the times of the changes in the report; a new table is one change."""
        for changes in self.changes.values():
            for change, _ in described_changes(changes):
                if self.chosen.has_change(change):
                    yield change.changed_at

    def _shows_values(self, table: TableName, imports: Iterable[ImportRow], changes: Iterable[ChangeRow]) -> bool:
        """Return whether values of a table may be shown: neither the settings nor the history hide them."""
        hidden = any(column.hidden for column in self.imported.get(table, {}).values())
        hidden = hidden or any(change.sample == HIDDEN for change in changes)
        return not hidden and self.folders.show_values(past.identity for past in imports)

    def _figures(
        self, table: TableName, facts: TableFacts | None, *, shows: bool
    ) -> tuple[TableEstimates | None, TableCount | None, str]:
        """Return estimates, counted figures, and a phrase for their source."""
        if facts is None:
            return None, None, "the table does not exist any more"
        if not facts.readable:
            return None, None, "from the history: this role may not read the table"
        if facts.hides_rows:
            return None, None, "from the history: row-level security hides rows from this role"
        columns = [
            ScannedColumn(
                name=column.name,
                family=family_of(column.type),
                shown=shows and (family_of(column.type).is_shown or self.texts),
            )
            for column in facts.columns[:MOST]
            if column.name not in RESERVED_COLUMNS
        ]
        reason = ""
        if self.scan:
            found = scan(self.connection, table, columns)
            if not isinstance(found, str):
                return None, found, "counted in the table"
            reason = f"{found}; "
        shown = [column.name for column in columns if column.shown]
        estimates = column_estimates(self.connection, table, shown=shown)
        if estimates is None:
            return None, None, f"{reason}from the history"
        when = f"on {estimates.analyzed_at:%Y-%m-%d}" if estimates.analyzed_at else "at an unknown time"
        return estimates, None, f"{reason}estimated {when}"

    def _import(self, past: ImportRow) -> ImportEntry:
        keys = past.keys
        return ImportEntry(
            id=past.id,
            file=past.identity,
            at=past.imported_at,
            rows=past.row_count,
            aside=past.quarantined,
            blanked=self.counts.get(past.id, {}).get(BLANKED_ROWS, 0),
            bytes=past.bytes,
            status=past.status,
            run_id=past.run_id,
            keys=None if keys is None else (keys.new, keys.won, keys.unchanged, keys.lost),
            sheets_left_out=past.sheets_left_out,
        )


def _by_table(rows: Iterable[RowT]) -> dict[TableName, list[RowT]]:
    found: dict[TableName, list[RowT]] = {}
    for row in rows:
        found.setdefault(row.table, []).append(row)
    return found


def _description(column: ColumnFacts, imported: Mapping[str, ImportedColumn], entries: Iterable[Columns]) -> str | None:
    """Return the description of a column in the settings, else in its comment, which for a user's column is all of it."""
    if column.name in RESERVED_COLUMNS:
        return _OF_EACH_ROW[column.name]
    known = imported.get(column.name)
    header = known.header if known is not None else None
    found = column_description(column.name, header, entries)
    if found is not None:
        return found or None
    return description_in(column.comment) or (column.comment if known is None else None)


def _key_facts(rule: TableRule, loaded: Iterable[ImportRow]) -> KeyFacts:
    counts = [past.keys for past in loaded if past.keys is not None]
    return KeyFacts(
        mode=rule.rule.mode,
        key=rule.rule.key,
        newest=rule.rule.newest,
        companion=str(rule.companion),
        new=sum(one.new for one in counts),
        won=sum(one.won for one in counts),
        unchanged=sum(one.unchanged for one in counts),
        lost=sum(one.lost for one in counts),
    )


def skipped_entries(imports: Iterable[ImportRow]) -> list[SkippedEntry]:
    """Return the files that imports cover beside their own, each at its latest comparison, the newest first."""
    latest: dict[str, SkippedEntry] = {}
    for past in imports:
        if past.status not in COUNTED:
            continue
        for one in past.duplicates:
            known = latest.get(one.identity)
            if known is None or one.seen_at > known.at:
                latest[one.identity] = SkippedEntry(file=one.identity, same_as=past.identity, at=one.seen_at)
    return sorted(latest.values(), key=lambda entry: entry.at, reverse=True)


def _change(change: ChangeRow, phrase: str, *, shows: bool) -> ChangeEntry:
    return ChangeEntry(
        at=change.changed_at,
        column=change.column,
        what=phrase,
        file=change.source_file.rpartition("/")[2],
        cell=change.cell,
        sample=shown_sample(change, shows=shows),
    )
