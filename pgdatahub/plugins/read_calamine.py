"""Reader plugin for folders with ``reader: calamine``, which python-calamine reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgdatahub.plugins.detected_file import detect_format
from pgdatahub.plugins.specs import hookimpl

if TYPE_CHECKING:
    from pgdatahub.model.files import SourceFile
    from pgdatahub.model.workbooks import Workbook


@hookimpl(trylast=True)
def pgdatahub_read(source: SourceFile) -> Workbook | None:
    """Open a workbook by its content, whatever its name; decline other folders and files.

    Raises:
        ReadError: The file has this format and cannot be read.
    """
    # A late import, so that listing plugins does not import a reader.
    from pgdatahub.readers.detect import Format

    if source.options.reader != "calamine":
        return None
    found = detect_format(source)
    if found in (Format.XLSX, Format.XLSB, Format.XLS, Format.ODS):
        from pgdatahub.readers.calamine.workbook import CalamineWorkbook

        return CalamineWorkbook(source, found)
    return None
