"""Errors for files with a workbook's name, and for archives of any name, that no reader accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgdatahub.errors import FileChangedError, ReadError
from pgdatahub.plugins.specs import hookimpl

if TYPE_CHECKING:
    from pgdatahub.model.files import SourceFile
    from pgdatahub.model.workbooks import Workbook


@hookimpl(trylast=True)
def pgdatahub_read(source: SourceFile) -> Workbook | None:
    """Raise an error for a file with a workbook's name, or an archive, that no reader accepts; decline other files.

    Raises:
        ReadError: The message names the real format of the file.
    """
    # A late import, so that listing plugins does not import a reader.
    from pgdatahub.readers.detect import Format, detect, refuse
    from pgdatahub.readers.packages.ole import SIGNATURE
    from pgdatahub.readers.signatures import WORKBOOK_SUFFIXES

    try:
        with source.open() as file:
            content = detect(file)
            file.seek(0)
            beginning = file.read(len(SIGNATURE))
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
    if source.suffix not in WORKBOOK_SUFFIXES and not beginning.startswith((b"PK\x03\x04", SIGNATURE)):
        return None  # a file of another plugin, which may be disabled
    raise refuse(content).located(source.name)
