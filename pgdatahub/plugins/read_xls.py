"""Reader plugin for workbooks of Excel 2 to 2003 (``.xls``), recognised by content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgdatahub.plugins.detected_file import detect_format
from pgdatahub.plugins.specs import hookimpl

if TYPE_CHECKING:
    from pgdatahub.model.files import SourceFile
    from pgdatahub.model.workbooks import Workbook


@hookimpl(trylast=True)
def pgdatahub_read(source: SourceFile) -> Workbook | None:
    """Open a workbook of Excel 2 to 2003, whatever its name; decline other files and folders with another reader.

    Raises:
        ReadError: The file has this format and cannot be read.
    """
    # A late import, so that listing plugins does not import a reader.
    from pgdatahub.readers.detect import Format

    if source.options.reader != "auto":
        return None
    if detect_format(source) not in (Format.XLS, Format.OLD_XLS):
        return None
    from pgdatahub.readers.xls.workbook import XlsWorkbook

    return XlsWorkbook(source)
