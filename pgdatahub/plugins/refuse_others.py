"""Errors for files with a workbook's name that no reader accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgdatahub.errors import FileChangedError, ReadError
from pgdatahub.plugins.specs import hookimpl

if TYPE_CHECKING:
    from pgdatahub.model.files import SourceFile
    from pgdatahub.model.workbooks import Workbook


@hookimpl(trylast=True)
def pgdatahub_read(source: SourceFile) -> Workbook | None:
    """Raise an error for a file with a workbook's name that no reader accepts; decline other names.

    Raises:
        ReadError: The file has a workbook's name; the message names its real format.
    """
    # A late import, so that listing plugins does not import a reader.
    from pgdatahub.readers.detect import Format, detect, refuse
    from pgdatahub.readers.signatures import WORKBOOK_SUFFIXES

    try:
        with source.open() as file:
            content = detect(file)
    except FileNotFoundError as error:
        raise FileChangedError("the file was deleted") from error
    except OSError as error:
        raise ReadError(f"the file cannot be read: {error.strerror or error}") from error
    if content.format is Format.OLD_XLS and source.options.reader == "calamine":
        raise ReadError(
            f"python-calamine does not read {content.looks_like} without a container",
            where=source.name,
            hint="leave out reader: calamine for its folder",
        )
    if content.format in (Format.XLSX, Format.XLSB, Format.ODS, Format.XLS, Format.OLD_XLS):
        return None  # a reader was disabled
    if source.suffix not in WORKBOOK_SUFFIXES:
        return None
    raise refuse(content).located(source.name)
