"""Sheets of Python values under a contract, taken through all stages into tables of a real server.

A reader plugin yields the values, so no workbook is written and a property can be tried on many files in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import pytest

from pgdatahub.config import Config, load_config
from pgdatahub.config.folder_file import read_folders
from pgdatahub.load.pipeline import Pipeline
from pgdatahub.model.events import NullReporter
from pgdatahub.model.faults import Fault
from pgdatahub.model.files import SourceFile
from pgdatahub.model.results import FileResult
from pgdatahub.model.schema import TableName
from pgdatahub.model.workbooks import Batch, Sheet, SheetInfo, Workbook
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.plugins.specs import hookimpl
from pgdatahub.postgres.database import connect
from pgdatahub.values.cells import Value
from tests.stored_tables import StoredTables, database_of_module

Rows: TypeAlias = "Sequence[Sequence[Value]]"
Sheets: TypeAlias = "Mapping[str, Rows]"
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class RowsSheet:
    name: str
    rows: Rows
    hidden_columns: frozenset[int] = frozenset()
    notices: tuple[str, ...] = ()

    def batches(self, max_rows: int) -> Iterator[Batch]:
        width = max(map(len, self.rows), default=0)
        for start in range(0, len(self.rows), max_rows):
            rows = self.rows[start : start + max_rows]
            columns = {at: [row[at] if at < len(row) else None for row in rows] for at in range(width)}
            yield Batch(rows=range(start + 1, start + len(rows) + 1), columns=columns)


@dataclass(frozen=True, slots=True)
class RowsWorkbook:
    content: Sheets

    @property
    def sheets(self) -> tuple[SheetInfo, ...]:
        return tuple(SheetInfo(name=name) for name in self.content)

    def open(self, position: int) -> Sheet:
        name = list(self.content)[position]
        return RowsSheet(name, self.content[name])

    def close(self) -> None:
        pass


@dataclass(slots=True)
class RowsReader:
    """Reads ``.rows`` files, which only name what is kept here."""

    kept: dict[str, Sheets] = field(default_factory=dict, repr=False)

    @hookimpl
    def pgdatahub_read(self, source: SourceFile) -> Workbook | None:
        return RowsWorkbook(self.kept[source.location]) if source.suffix == ".rows" else None


@dataclass(slots=True, repr=False, kw_only=True)
class Bench(StoredTables):
    """Loads sheets of Python values under a contract."""

    directory: Path
    config: Config
    pipeline: Pipeline
    reader: RowsReader

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """Show a failing example without the connections."""
        printer.text("bench")

    def new_table(self) -> str:
        return f"t{next(_numbers)}"

    def source(self, contract: str, sheets: Sheets | Rows, *, table: str, file: str = "f") -> SourceFile:
        content = sheets if isinstance(sheets, Mapping) else {"Sheet1": sheets}
        settings = self.directory / "etl_config.yaml"
        indented = "\n".join(f"  {line}" for line in contract.splitlines())
        settings.write_text(f"{table}:\n{indented}\n" if contract.strip() else "")
        options = read_folders(settings).options_for([table])
        path = self.directory / table / f"{file}.rows"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{next(_numbers)} {content!r}", encoding="utf-8", errors="surrogatepass")
        self.reader.kept[str(path)] = content
        return SourceFile(
            location=str(path),
            identity=f"{table}/{path.name}",
            table=TableName(schema="public", name=table),
            options=options,
            size=path.stat().st_size,
        )

    def process(
        self, contract: str, sheets: Sheets | Rows, *, table: str, file: str = "f", chunk: int = 10_000
    ) -> FileResult:
        pipeline = replace(self.pipeline, config=self.config.model_copy(update={"chunk_size": chunk}))
        return pipeline.process(self.source(contract, sheets, table=table, file=file))

    def aside(self, table: str) -> list[tuple[Any, ...]]:
        """Return the rows in the quarantine: sheet, row, action, cells, kinds, rules by cell."""
        found = self.execute(
            "SELECT q.sheet, q.row_number, q.action, q.cells, q.kinds, q.faults FROM etl_quarantine q"
            " JOIN etl_imports i ON i.id = q.import_id WHERE i.table_name = %s ORDER BY import_id, section, row_number",
            table,
        )
        return [(*row[:5], {f"{fault['rule']} {fault['cell']}" for fault in row[5]}) for row in found]

    def counts(self, table: str) -> list[tuple[int, int]]:
        """Return the rows and the rows set aside of each loaded import of a table, by the history."""
        return self.execute(
            "SELECT row_count, quarantined FROM etl_imports WHERE table_name = %s AND status = 'loaded' ORDER BY id",
            table,
        )


@pytest.fixture(scope="module")
def bench(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with database_of_module(server_url, "contracts") as url:
        directory = tmp_path_factory.mktemp("files")
        config = load_config(overrides={"data_root": str(directory), "database_url": url}, directory=directory)
        reader = RowsReader()
        manager = create_plugin_manager()
        manager.register(reader, name="rows")
        pipeline = Pipeline(
            stages=Stages(manager), config=config, reporter=NullReporter(), run_id="test", database=connect(url)
        )
        pipeline.known(())
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            yield Bench(directory=directory, config=config, pipeline=pipeline, reader=reader, connection=connection)


def told(faults: Sequence[Fault]) -> set[str]:
    """Return the faults as ``rule cell``; that of a column or a file as ``rule sheet column``."""
    return {
        f"{fault.rule} {cell.cell}" if cell.cell else " ".join(filter(None, (fault.rule, fault.sheet, fault.column)))
        for fault in faults
        for cell in fault.cells
    }
