"""Reader plugin for ``.xlsx`` and ``.xlsm`` workbooks, recognised by content."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from pgdatahub.plugins.specs import hookimpl

if TYPE_CHECKING:
    from pgdatahub.config import Config
    from pgdatahub.model.files import SourceFile
    from pgdatahub.model.workbooks import Workbook


class XlsxReader:
    """Reader of Office Open XML workbooks."""

    @hookimpl(trylast=True)
    def pgdatahub_read(self, source: SourceFile, config: Config) -> Workbook | None:
        """Open a workbook of Office Open XML, whatever its name; decline other files and folders with another reader.

        Raises:
            ReadError: The file has this format and cannot be read.
        """
        # A late import, so that listing plugins does not import a reader.
        from pgdatahub.readers.detect import Format, detect
        from pgdatahub.readers.xlsx.reader_choice import choose_reader
        from pgdatahub.readers.xlsx.workbook import XlsxWorkbook

        if source.options.reader != "auto":
            return None
        with ExitStack() as files:
            try:
                file = files.enter_context(source.open())
                content = detect(file)
            except OSError:
                return None  # the last plugin names the reason
            if content.format is not Format.XLSX:
                return None
            # Keep the file open: its fetched bytes are reused.
            files.pop_all()
            return XlsxWorkbook(
                file, name=source.name, merged=source.options.merged, reader=choose_reader(config.reader)
            )


create_plugin = XlsxReader
