"""Reads any workbook of a folder that asks for python-calamine (``reader: calamine``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgdatahub.plugins.specs import hookimpl

if TYPE_CHECKING:
    from pgdatahub.model.flow import SourceFile, Workbook


@hookimpl(trylast=True)
def pgdatahub_read(source: SourceFile) -> Workbook | None:
    """Open a workbook by its content, whatever its name; decline other folders and files.

    Raises:
        ReadError: It is one and cannot be read.
    """
    # Here, so that listing plugins does not import a reader's machinery.
    from pgdatahub.readers.detect import Format, detect

    if source.options.reader != "calamine":
        return None
    try:
        with source.open() as file:
            content = detect(file)
    except OSError:
        return None  # the plugin that is asked last names the reason
    if content.format in (Format.XLSX, Format.XLSB, Format.XLS, Format.ODS):
        from pgdatahub.readers.calamine.workbook import CalamineWorkbook

        return CalamineWorkbook(source, content.format)
    return None
