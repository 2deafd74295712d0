"""Reader plugin for encrypted workbooks, opened with Office's default password or the folder's password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgdatahub.errors import EncryptedError
from pgdatahub.plugins.detected_file import detect_format
from pgdatahub.plugins.specs import hookimpl

if TYPE_CHECKING:
    from pgdatahub.config import Config
    from pgdatahub.model.files import SourceFile
    from pgdatahub.model.workbooks import Workbook


@hookimpl(trylast=True)
def pgdatahub_read(source: SourceFile, config: Config) -> Workbook | None:
    """Open an encrypted package, whatever its name; decline other files. Another reader opens encrypted ``.xls`` files.

    Raises:
        EncryptedError: No password opens the file.
        ReadError: The file cannot be read.
    """
    # A late import, so that listing plugins does not import a reader.
    from pgdatahub.readers.detect import Format, detect, refuse

    if detect_format(source) is not Format.ENCRYPTED:
        return None
    from pgdatahub.readers.encrypted.package import decrypt_package
    from pgdatahub.readers.xlsx.reader_choice import choose_reader
    from pgdatahub.readers.xlsx.workbook import XlsxWorkbook

    package = decrypt_package(source)
    found = detect(package)
    if found.format is Format.XLSX:
        return XlsxWorkbook(
            package, name=source.name, merged=source.options.merged, reader=choose_reader(config.reader)
        )
    if found.format is Format.XLSB:
        from pgdatahub.readers.xlsb import XlsbWorkbook

        return XlsbWorkbook(package, name=source.name, merged=source.options.merged)
    package.close()
    if found.format is Format.ODS:
        raise EncryptedError("encrypted .ods workbooks cannot be read", where=source.name, hint="save it as .xlsx")
    raise refuse(found).located(source.name)
