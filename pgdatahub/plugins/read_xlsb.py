"""Reader plugin for binary Excel workbooks (``.xlsb``), recognised by content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgdatahub.plugins.detected_file import open_detected
from pgdatahub.plugins.specs import hookimpl

if TYPE_CHECKING:
    from pgdatahub.config import Config
    from pgdatahub.model.files import SourceFile
    from pgdatahub.model.workbooks import Workbook


@hookimpl(trylast=True)
def pgdatahub_read(source: SourceFile, config: Config) -> Workbook | None:
    """Open a binary Excel workbook, whatever its name; decline other files and folders with another reader.

    Raises:
        ReadError: The file has this format and cannot be read.
    """
    # Late imports, so that listing plugins does not import a reader.
    from pgdatahub.readers.detect import Format
    from pgdatahub.readers.xlsb import XlsbWorkbook
    from pgdatahub.readers.xlsx.reader_choice import choose_reader

    file = open_detected(source, Format.XLSB)
    if file is None:
        return None
    reader = choose_reader(config.reader)
    return XlsbWorkbook(file, name=source.name, merged=source.options.merged, reader=reader)
