"""Binary Excel workbooks (``.xlsb``), read by a streaming reader of their records (MS-XLSB, "BIFF12")."""

from pgdatahub.readers.xlsb.workbook import XlsbWorkbook

__all__ = ["XlsbWorkbook"]
