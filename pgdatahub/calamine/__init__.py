"""Workbooks in ``.xls``, ``.xlsb`` and ``.ods``, read by python-calamine in a process of its own.

That library holds a whole sheet in memory, and its panics, aborts and hangs would take the caller with them. Here they
cost the one file: ``child`` is the program of the process, ``process`` the handle by which it is held and asked, and
``workbook`` what the rest of the house sees.
"""

from pgdatahub.calamine.workbook import CalamineWorkbook

__all__ = ["CalamineWorkbook"]
