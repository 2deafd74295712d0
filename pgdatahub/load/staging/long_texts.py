"""Bounds for the texts of a sheet: a few bytes of a file may stand for 32,767 characters, as a shared string does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pgdatahub.errors import CorruptError
from pgdatahub.model.files import SourceFile
from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.tables.batch_rows import text_bytes

_BATCH_BYTES: Final = 32 << 20
"""Bytes of the texts of a batch with several rows."""
_ROW_BYTES: Final = 16 << 20
"""Bytes of the texts of a row: 160 cells with Excel's longest text."""
_MOST_BYTES: Final = 1 << 30
"""Bytes of rows below which their share in the file's size does not matter."""
_MOST_FOR_EACH_BYTE: Final = 300
"""Bytes of rows for each byte of the file: ZIP saves up to 100, and shared strings a few."""


def cut_long_texts(batches: Iterator[Batch], sheet: str, source: SourceFile) -> Iterator[Batch]:
    """Yield the batches of a sheet, cut where their texts are long.

    Raises:
        CorruptError: A row, or the sheet, has more text than a real workbook.
    """
    total = 0
    for batch in batches:
        size = text_bytes(batch)
        total += size
        check_rows(source, total)
        yield from _cut(batch, sheet, size)


def _cut(batch: Batch, sheet: str, size: int) -> Iterator[Batch]:
    rows = len(batch.rows)
    if size <= _ROW_BYTES or (rows > 1 and size <= _BATCH_BYTES):
        yield batch
    elif rows == 1:
        raise CorruptError(
            f"the row has {size:,} bytes of text, more than {_ROW_BYTES:,}",
            where=f"{sheet} › row {batch.rows[0]}",
            hint="shorten its texts",
        )
    else:
        for start, end in ((0, rows // 2), (rows // 2, rows)):
            half = batch.slice(start, end)
            yield from _cut(half, sheet, text_bytes(half))


def check_rows(source: SourceFile, size: int) -> None:
    """Refuse rows of ``size`` bytes if only a file that was made to fill a disk has so many.

    Raises:
        CorruptError: The rows are too large for a file of this size.
    """
    if size > _MOST_BYTES and source.size and size > _MOST_FOR_EACH_BYTE * source.size:
        raise CorruptError(
            f"its cells repeat texts: the file of {source.size:,} bytes has more than {size:,} bytes of rows",
            hint="shorten the texts, or split the workbook",
        )
