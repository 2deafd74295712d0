"""Reads ``.xlsx`` and ``.xlsm`` workbooks, recognised by their content."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from pgdatahub.plugins.specs import hookimpl

if TYPE_CHECKING:
    from pgdatahub.config import Config
    from pgdatahub.model.flow import SourceFile, Workbook


class XlsxReader:
    """Opens workbooks of Office Open XML."""

    @hookimpl(trylast=True)
    def pgdatahub_read(self, source: SourceFile, config: Config) -> Workbook | None:
        """Open a workbook of Office Open XML, whatever its name; decline other files and folders with another reader.

        Raises:
            ReadError: It is one and cannot be read.
        """
        # Here, so that listing plugins does not import a reader's machinery.
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
                return None  # the plugin that is asked last names the reason
            if content.format is not Format.XLSX:
                return None
            # The same file object: bytes that were fetched to look at need not be fetched again.
            files.pop_all()
            return XlsxWorkbook(
                file, name=source.name, merged=source.options.merged, reader=choose_reader(config.reader)
            )


create_plugin = XlsxReader
