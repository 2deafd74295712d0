"""Test kit for plugin authors: workbooks, reader rules, databases. Needs ``pgdatahub[testing]``. Re-exports only.

No module of the kit depends on a test framework; a broken rule raises :class:`AssertionError`.
"""

from __future__ import annotations

from pgdatahub.testing.databases import temporary_database
from pgdatahub.testing.reader_rules import check_reader
from pgdatahub.testing.reading import read_rows, source_file
from pgdatahub.testing.workbooks import make_workbook

__all__ = ["check_reader", "make_workbook", "read_rows", "source_file", "temporary_database"]
