"""Reader plugin for ``.xlsx`` and ``.xlsm`` workbooks, recognised by content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgdatahub.plugins.detected_file import open_detected
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
        # Late imports, so that listing plugins does not import a reader.
        from pgdatahub.readers.detect import Format
        from pgdatahub.readers.xlsx.reader_choice import choose_reader
        from pgdatahub.readers.xlsx.workbook import XlsxWorkbook

        file = open_detected(source, Format.XLSX)
        if file is None:
            return None
        reader = choose_reader(config.reader)
        return XlsxWorkbook(file, name=source.name, merged=source.options.merged, reader=reader)


create_plugin = XlsxReader
