"""Files of Python values, taken by a reader plugin through all stages into tables of a real server.

No workbook is written and none parsed, so that a property can be tried on hundreds of files in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgdatahub.config import Config, FolderOptions, load_config
from pgdatahub.load.pipeline import Pipeline
from pgdatahub.model.events import NullReporter
from pgdatahub.model.files import SourceFile
from pgdatahub.model.results import FileResult, Outcome
from pgdatahub.model.schema import TableName
from pgdatahub.model.workbooks import Batch, Sheet, SheetInfo, Workbook
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.plugins.specs import hookimpl
from pgdatahub.postgres.database import connect
from pgdatahub.values.cells import Value
from tests.stored_tables import StoredTables, database_of_module

Columns = Mapping[str, Sequence[Value]]
"""Header → cells."""


@dataclass(frozen=True, slots=True)
class ColumnsSheet:
    columns: Columns
    name: str = "Sheet1"
    hidden_columns: frozenset[int] = frozenset()
    notices: tuple[str, ...] = ()

    def batches(self, max_rows: int) -> Iterator[Batch]:
        yield Batch(rows=[1], columns={index: [header] for index, header in enumerate(self.columns)})
        length = max(map(len, self.columns.values()))
        for start in range(0, length, max_rows):
            stop = min(start + max_rows, length)
            cells = {index: list(values[start:stop]) for index, values in enumerate(self.columns.values())}
            yield Batch(rows=range(start + 2, stop + 2), columns=cells)


@dataclass(frozen=True, slots=True)
class ColumnsWorkbook:
    columns: Columns
    sheets: tuple[SheetInfo, ...] = (SheetInfo(name="Sheet1"),)

    def open(self, position: int) -> Sheet:
        return ColumnsSheet(self.columns, self.sheets[position].name)

    def close(self) -> None:
        pass


@dataclass(slots=True)
class ColumnsReader:
    """Reads ``.columns`` files, which only name what is kept here."""

    kept: dict[str, Columns] = field(default_factory=dict, repr=False)

    @hookimpl
    def pgdatahub_read(self, source: SourceFile) -> Workbook | None:
        return ColumnsWorkbook(self.kept[source.location]) if source.suffix == ".columns" else None


_numbers = count(1)


@dataclass(slots=True, kw_only=True)
class Loader(StoredTables):
    """Loads columns of Python values, each as a file of its own."""

    directory: Path
    url: str
    config: Config
    pipeline: Pipeline
    reader: ColumnsReader = field(repr=False)

    def need(self, server_version: int) -> None:
        """Skip the test on an older server."""
        if self.connection.info.server_version < server_version:
            pytest.skip(f"PostgreSQL before {server_version // 10000}")

    def new_table(self) -> str:
        """Return a name that no other table has."""
        return f"t{next(_numbers)}"

    def source(self, table: str, columns: Columns, name: str = "", /, **options: Any) -> SourceFile:
        name = name or f"f{next(_numbers)}"
        path = self.directory / table / f"{name}.columns"
        path.parent.mkdir(exist_ok=True)
        # Two files of one content differ in their bytes, so that it is the content that tells.
        path.write_text(f"{next(_numbers)} {columns!r}", encoding="utf-8", errors="surrogatepass")
        self.reader.kept[str(path)] = columns
        return SourceFile(
            location=str(path),
            identity=f"{table}/{path.name}",
            table=TableName(schema="public", name=table),
            options=FolderOptions(**options),
            size=path.stat().st_size,
        )

    def process(self, table: str, columns: Columns, name: str = "", /, **options: Any) -> FileResult:
        return self.pipeline.process(self.source(table, columns, name, **options))

    def load(self, table: str, columns: Columns, name: str = "", /, **options: Any) -> FileResult:
        result = self.process(table, columns, name, **options)
        assert result.outcome is Outcome.LOADED, result.failure or result.reason
        return result

    def fail(self, table: str, columns: Columns, name: str = "", /, **options: Any) -> str:
        """Process a file that must fail and leave nothing; return what is said of it."""
        before = self.dump(table)
        result = self.process(table, columns, name, **options)
        assert result.failure is not None, result.outcome
        assert self.dump(table) == before
        return " | ".join(filter(None, (result.failure.where, result.failure.message, result.failure.hint)))


@pytest.fixture(scope="module")
def loader(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loader]:
    with database_of_module(server_url, "types") as url:
        yield from _loaders(tmp_path_factory.mktemp("files"), url)


def _loaders(directory: Path, url: str) -> Iterator[Loader]:
    config = load_config(overrides={"data_root": str(directory)}, directory=directory)
    reader = ColumnsReader()
    manager = create_plugin_manager()
    manager.register(reader, name="columns")
    pipeline = Pipeline(
        stages=Stages(manager),
        config=config,
        reporter=NullReporter(),
        run_id="test",
        database=connect(url),
    )
    pipeline.known(())
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute("SET IntervalStyle = postgres")
        connection.execute("SET TimeZone = 'UTC'")
        yield Loader(
            directory=directory, url=url, config=config, pipeline=pipeline, reader=reader, connection=connection
        )


@pytest.fixture
def table(loader: Loader) -> str:
    return loader.new_table()
