"""Reads ``.xlsx`` and ``.xlsm`` workbooks, recognised by their content."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from pgdatahub.errors import EmptyFileError, EncryptedError, NotAWorkbookError, ReadError
from pgdatahub.plugins.specs import hookimpl

if TYPE_CHECKING:
    from pgdatahub.config import Config
    from pgdatahub.model.flow import SourceFile, Workbook

_OURS = frozenset({".xlsx", ".xlsm", ".xltx", ".xltm"})


class XlsxReader:
    """Opens workbooks of Office Open XML."""

    @hookimpl(trylast=True)
    def pgdatahub_read(self, source: SourceFile, config: Config) -> Workbook | None:
        """Open a workbook of Office Open XML, whatever its name; decline the kinds that another reader takes.

        Raises:
            ReadError: It is one and cannot be read, or its name says that it is one and it is nothing that anyone reads.
        """
        from pgdatahub.readers.limits import Limits
        from pgdatahub.readers.xlsx.reader_choice import choose_reader
        from pgdatahub.readers.xlsx.sniffing import Content, sniff
        from pgdatahub.readers.xlsx.workbook import XlsxWorkbook

        if source.options.reader != "auto":
            return None
        ours = source.suffix in _OURS
        with ExitStack() as files:
            file = files.enter_context(source.open())
            try:
                content = sniff(file, Limits())
            except ReadError as error:
                if ours:
                    raise error.located(source.name) from error
                return None
            if content is Content.XLSX:
                # The same one: what was fetched to look at it need not be fetched again.
                files.pop_all()
                return XlsxWorkbook(
                    file,
                    name=source.name,
                    merged=source.options.merged,
                    reader=choose_reader(config.reader),
                )
        if content is Content.ENCRYPTED:
            raise EncryptedError(
                "the workbook is protected by a password", where=source.name, hint="save a copy without a password"
            )
        if content in (Content.XLS, Content.XLSB, Content.ODS) or not ours:
            return None
        if content is Content.EMPTY:
            raise EmptyFileError("the file is empty", where=source.name)
        raise NotAWorkbookError(
            f"this is {content.value} under a workbook's name",
            where=source.name,
            hint="open it in Excel or LibreOffice and save it as .xlsx",
        )


create_plugin = XlsxReader
