"""Rules for readers, as a check for a plugin's own tests."""

from __future__ import annotations

import gc
import os
import random
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from math import isfinite
from pathlib import Path
from typing import Final, get_args

from pgdatahub.config import Config
from pgdatahub.errors import FileError
from pgdatahub.model.workbooks import Batch, Sheet, Workbook, sheet_labels
from pgdatahub.testing.reading import SinglePluginReader, source_file
from pgdatahub.values.cells import Column, ErrorValue, InvalidValue, TextColumn, Uncached, Value, cell_address
from pgdatahub.values.column_values import as_values
from pgdatahub.values.python_values import type_value

SAMPLE_ROWS = 25
FEW_ROWS, MANY_ROWS = 80_000, 200_000
"""Both numbers are large enough to fill buffers of a fixed size."""
BATCH_ROWS = 500
MORE_MEMORY = 4 << 20
"""Bytes that reading MANY_ROWS may need beyond reading FEW_ROWS. In memory, 120,000 rows of two numbers take 8.5 MB."""

_CLASSES: Final = tuple(kind for kind in get_args(Value) if kind is not type(None))
_FOREIGN: Final = {
    "foreign-text.unknown-kind": b"a text, and nothing else\n",
    "foreign-picture.unknown-kind": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "foreign-empty.unknown-kind": b"",
}


def check_reader(
    plugin: object,
    write: Callable[[Path, int], object],
    *,
    suffix: str,
    folder: Path,
    streams: bool = True,
    config: Config | None = None,
) -> None:
    """Check that a reader follows the rules, on files that ``write`` writes into ``folder``.

    - The reader accepts its own files, declines others by returning None, and leaves no declined file open.
    - Sheets have names, and are opened by their position among ``sheets``.
    - Batches have at most the requested number of rows; row numbers ascend and are at least 1; every column has a cell
      for each row, of a class that cells can have.
    - The number of rows a batch does not change the cells.
    - ``close()`` closes the file, read to its end or not, and may be called twice.
    - A damaged, cut or empty file of the reader's kind gives a :class:`~pgdatahub.errors.FileError`, None or a workbook that
      can be read to its end, never another exception, and is not left open.
    - Memory does not grow with the number of rows.

    Args:
        plugin: The plugin: a module, or an object, with an implementation of ``pgdatahub_read``.
        write: Writes a file with a header and the given number of rows of at least two cells, without many different long
            texts, because a format may keep all texts in memory.
        suffix: The files' suffix, with its point.
        folder: An empty folder.
        streams: True if the reader reads files without holding them in memory; not all formats and libraries can.
        config: The settings for the reader; by default the default settings.

    Raises:
        AssertionError: A rule is broken; the message names the rule and the place.
    """
    check = _ReaderCheck(SinglePluginReader(plugin, config), folder, suffix)
    sample = folder / f"sample{suffix}"
    write(sample, SAMPLE_ROWS)
    with _no_leaks():
        check.reads(sample)
        check.closes(sample)
        check.declines()
        check.survives(sample)
        if streams:
            few, many = folder / f"few{suffix}", folder / f"many{suffix}"
            write(few, FEW_ROWS)
            write(many, MANY_ROWS)
            check.streams(few, many)


def _require(kept: bool, broken: str) -> None:
    # Not an assert statement: python -O removes those.
    if not kept:
        raise AssertionError(broken)


@contextmanager
def _no_leaks() -> Iterator[None]:
    """Fail if a resource was left for the garbage collector to close."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        yield
        gc.collect()
    leaks = [str(warning.message) for warning in caught if issubclass(warning.category, ResourceWarning)]
    _require(not leaks, f"left for the garbage collector to close: {'; '.join(leaks)}")


class _ReaderCheck:
    """The rules for readers, one a method.

    Args:
        reader: The reader.
        folder: Folder for the files.
        suffix: Suffix of the reader's files.
    """

    def __init__(self, reader: SinglePluginReader, folder: Path, suffix: str) -> None:
        self._reader = reader
        self._folder = folder
        self._suffix = suffix

    def reads(self, sample: Path) -> None:
        """Check that batches are valid, and that the rows do not depend on the size of a batch."""
        contents = [self._content(sample, max_rows) for max_rows in (BATCH_ROWS, 7, 1)]
        rows = len({(sheet, row) for sheet, row, _ in contents[0]})
        _require(rows > SAMPLE_ROWS, f"{sample.name} has {SAMPLE_ROWS} rows and a header, and {rows} rows were read")
        _require(contents[0] == contents[1] == contents[2], "what is read depends on how many rows a batch may have")

    def closes(self, sample: Path) -> None:
        """Check that close() closes the file at any time, and may be called twice."""
        for batches_read in (0, 1, None):
            workbook = self._take(sample)
            if batches_read != 0:
                for _ in _batches(workbook.open(0), 5):
                    if batches_read:
                        break
            workbook.close()
            _require(not _is_open(sample), "close() does not close the file")
            workbook.close()

    def declines(self) -> None:
        """Check that the reader returns None for files of another kind."""
        for name, content in _FOREIGN.items():
            path = self._folder / name
            path.write_bytes(content)
            try:
                answer = self._reader.read(source_file(path))
            except Exception as error:
                raise AssertionError(f"{name} is not the reader's, and it raises instead of returning None") from error
            if answer is not None:
                answer.close()
            _require(answer is None, f"{name} is not the reader's, and it takes it")
            _require(not _is_open(path), f"the reader declines {name} and leaves it open")

    def survives(self, sample: Path) -> None:
        """Check that a damaged file is read, declined, or refused with a :class:`~pgdatahub.errors.FileError`."""
        content = sample.read_bytes()
        noise = random.Random(1).randbytes(4096)  # noqa: S311 - the same noise in every run
        damaged = {
            "empty": b"",
            "cut": content[: len(content) // 2],
            "noise": noise,
            "overwritten": content[: len(content) // 3] + noise[:64] + content[len(content) // 3 + 64 :],
        }
        for name, damage in damaged.items():
            path = self._folder / f"{name}{self._suffix}"
            path.write_bytes(damage)
            try:
                workbook = self._reader.read(source_file(path))
                if workbook is not None:
                    with closing(workbook):
                        for position in range(len(workbook.sheets)):
                            for _ in workbook.open(position).batches(BATCH_ROWS):
                                pass
            except FileError:
                pass
            except Exception as error:
                raise AssertionError(
                    f"a damaged file ({path.name}) raises {type(error).__name__}, and not a ReadError"
                ) from error
            _require(not _is_open(path), f"a damaged file ({path.name}) is left open")

    def streams(self, few: Path, many: Path) -> None:
        """Check that peak memory does not grow with the number of rows."""
        growth = self._peak(many) - self._peak(few)
        _require(
            growth <= MORE_MEMORY,
            f"reading {MANY_ROWS:,} rows takes {growth:,} bytes more memory than {FEW_ROWS:,} rows: nothing is streamed",
        )

    def _take(self, path: Path) -> Workbook:
        workbook = self._reader.read(source_file(path))
        if workbook is None:
            raise AssertionError(f"the reader declines {path.name}, which is of its own kind")
        return workbook

    def _content(self, path: Path, max_rows: int) -> dict[tuple[int, int, int], str]:
        content = {}
        with closing(self._take(path)) as workbook:
            labels = sheet_labels(workbook.sheets)
            _require(bool(labels), "a workbook has at least one sheet")
            for number, (info, label) in enumerate(zip(workbook.sheets, labels, strict=True)):
                sheet = workbook.open(number)
                _require(
                    sheet.name in (info.name, label),
                    f"the sheet at position {number} is listed as {info.name!r} and opened as {sheet.name!r}",
                )
                for batch in _batches(sheet, max_rows):
                    for position, column in batch.columns.items():
                        for row, value in zip(batch.rows, as_values(column), strict=True):
                            content[number, row, position] = _shown(value)
                _require(all(isinstance(notice, str) for notice in sheet.notices), "notices are texts")
        return content

    def _peak(self, path: Path) -> int:
        gc.collect()
        tracing = tracemalloc.is_tracing()
        if not tracing:
            tracemalloc.start()
        try:
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            with closing(self._take(path)) as workbook:
                for _ in workbook.open(0).batches(BATCH_ROWS):
                    pass
            return tracemalloc.get_traced_memory()[1] - before
        finally:
            if not tracing:
                tracemalloc.stop()


def _batches(sheet: Sheet, max_rows: int) -> Iterator[Batch]:
    """Yield the batches of a sheet after checking each."""
    _require(all(position >= 0 for position in sheet.hidden_columns), "hidden columns are positions, from 0")
    last = 0
    for batch in sheet.batches(max_rows):
        rows = list(batch.rows)
        _require(
            len(rows) <= max_rows, f"a batch of at most {max_rows} rows was asked for, and one of {len(rows)} came"
        )
        _require(
            all(isinstance(row, int) for row in rows) and [last, *rows] == sorted({last, *rows}),
            f"the numbers of rows ascend from 1, also across batches; after {last} came {rows[:10]}",
        )
        _require(batch.hidden_rows <= set(rows), "hidden rows are among the batch's rows")
        for position, column in batch.columns.items():
            _check_column(position, column, rows)
        last = rows[-1] if rows else last
        yield batch


def _check_column(position: int, column: Column, rows: list[int]) -> None:
    _require(isinstance(position, int) and position >= 0, f"columns have positions, from 0, and not {position!r}")
    _require(len(column) == len(rows), f"column {position} has {len(column)} cells for {len(rows)} rows")
    if isinstance(column, TextColumn):
        _require(
            all(isinstance(text, bytes) for text in column.texts),
            f"column {position} has TextColumn that are not bytes",
        )
        return
    for row, value in zip(rows, column, strict=True):
        place = cell_address(row, position)
        _require(
            value is None or isinstance(value, _CLASSES),
            f"{place} is a {type(value).__name__}, which is not a cell value",
        )
        _require(not isinstance(value, float) or isfinite(value), f"{place} is {value}, which no cell holds")


def _shown(value: Value) -> str:
    # Values, not classes: 43 and 43.0 are one value, and so are a date and its midnight.
    return repr(value if isinstance(value, ErrorValue | InvalidValue | Uncached) else type_value(value))


def _is_open(path: Path) -> bool:
    """Return whether this process has the file open, independent of the library that opened it."""
    status = path.stat()
    for descriptor in range(3, _DESCRIPTORS):
        try:
            if os.path.samestat(os.fstat(descriptor), status):
                return True
        except OSError:
            continue
    return False


_DESCRIPTORS: Final = 1024
"""Descriptors to check: the system assigns the lowest free one, and a test has few files open."""
