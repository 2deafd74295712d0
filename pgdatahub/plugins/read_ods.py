"""Reader plugin for OpenDocument spreadsheets (``.ods``), recognised by content."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from pgdatahub.plugins.specs import hookimpl

if TYPE_CHECKING:
    from pgdatahub.config import Config
    from pgdatahub.model.files import SourceFile
    from pgdatahub.model.workbooks import Workbook


@hookimpl(trylast=True)
def pgdatahub_read(source: SourceFile, config: Config) -> Workbook | None:
    """Open an OpenDocument spreadsheet, whatever its name; decline other files and folders with another reader.

    Raises:
        ReadError: The file has this format and cannot be read.
    """
    # A late import, so that listing plugins does not import a reader.
    from pgdatahub.readers.detect import Format, detect
    from pgdatahub.readers.ods import OdsWorkbook
    from pgdatahub.readers.xlsx.reader_choice import choose_reader

    if source.options.reader != "auto":
        return None
    with ExitStack() as files:
        try:
            file = files.enter_context(source.open())
            content = detect(file)
        except OSError:
            return None  # the last plugin names the reason
        if content.format is not Format.ODS:
            return None
        files.pop_all()
        reader = choose_reader(config.reader)
        return OdsWorkbook(file, name=source.name, merged=source.options.merged, reader=reader)
