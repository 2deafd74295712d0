"""Reader of OpenDocument spreadsheets (``.ods``)."""

from pgdatahub.readers.ods.workbook import OdsWorkbook

__all__ = ["OdsWorkbook"]
