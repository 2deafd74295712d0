"""The sheets of a workbook, and all that stands before them in ``content.xml``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from pgdatahub.errors import CorruptError, NotAWorkbookError
from pgdatahub.readers.advice import DAMAGED
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.ods import names
from pgdatahub.readers.ods.content import Content, NotSearchableError
from pgdatahub.readers.ods.styles import StyleReader, Styles
from pgdatahub.readers.packages.markup import GuardedParser

_MOST_SHEETS: Final = 100_000
_NULL_DATE: Final = date(1899, 12, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSheet:
    """A sheet as ``content.xml`` has it.

    Attributes:
        name: Its name.
        visible: It is not hidden.
        table: The number of its table.
    """

    name: str
    visible: bool
    table: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetList:
    """The sheets in their order, and the date of the number 0."""

    sheets: tuple[ListedSheet, ...]
    null_date: date


def list_sheets(content: Content, part: str, styles: Styles, limits: Limits) -> SheetList:
    """Return the sheets; the automatic styles are added to ``styles``.

    Raises:
        CorruptError: The part is damaged, or asks too much.
        NotAWorkbookError: It is the content of another kind of document.
    """
    try:
        return _Lister(content, part, styles, limits).list(content.outside())
    except NotSearchableError:
        content.is_searchable = False
    return _Lister(content, part, styles, limits).list(content.whole())


class _Lister:
    """Takes the elements of ``content.xml``."""

    def __init__(self, content: Content, part: str, styles: Styles, limits: Limits) -> None:
        self._content = content
        self._styles = styles
        self._reader = StyleReader(styles)
        self._part = part
        self._limits = limits
        self._depth = 0
        self._body_depth = 0
        """The depth of ``<office:spreadsheet>``, 0 before it."""
        self._tables_open = 0
        self._table_number = -1
        self._found: list[tuple[str, str, int]] = []
        self._namespaces: list[tuple[str, str]] = []
        self._null_date = _NULL_DATE

    def list(self, pieces: Iterable[bytes]) -> SheetList:
        parser = GuardedParser(
            self._part,
            self._limits,
            start=self._start,
            end=self._end,
            text=self._reader.text,
            namespaces=(self._start_namespace, self._end_namespace),
            mapping=True,
        )
        for piece in pieces:
            parser.feed(piece)
        parser.feed(b"", final=True)
        if not self._body_depth:
            raise NotAWorkbookError("the file is an OpenDocument file other than a spreadsheet")
        self._content.encoding = parser.encoding
        sheets = tuple(
            ListedSheet(name=name, visible=style not in self._styles.hidden_sheets, table=table)
            for name, style, table in self._found
        )
        return SheetList(sheets=sheets, null_date=self._null_date)

    def _start_namespace(self, prefix: str | None, uri: str | None) -> None:
        self._namespaces.append((prefix or "", uri or ""))

    def _end_namespace(self, _prefix: str | None) -> None:
        self._namespaces.pop()  # the last declared ends first

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        if self._depth > self._limits.depth:
            raise CorruptError(
                f"the part {self._part} nests elements more than {self._limits.depth} deep", hint=DAMAGED
            )
        if name.rpartition(" ")[2] == "table":
            self._tables_open += 1
            if self._tables_open == 1:
                self._table_number += 1
                if name == names.SHEET and self._body_depth and self._depth == self._body_depth + 1:
                    self._add_sheet(attributes)
        elif self._tables_open:
            return
        elif name == names.SPREADSHEET:
            self._body_depth = self._body_depth or self._depth
        elif not self._body_depth:
            self._reader.start(name, attributes)
        elif name == names.NULL_DATE:
            self._note_null_date(attributes.get(names.DATE_VALUE_OF_TABLE, ""))

    def _end(self, name: str) -> None:
        self._depth -= 1
        if name.rpartition(" ")[2] == "table":
            self._tables_open -= 1
        elif not self._body_depth:
            self._reader.end()

    def _add_sheet(self, attributes: Mapping[str, str]) -> None:
        if not self._found:
            self._content.namespaces = tuple(dict(self._namespaces).items())
        self._found.append(
            (attributes.get(names.SHEET_NAME, ""), attributes.get(names.STYLE_NAME, ""), self._table_number)
        )
        if len(self._found) > _MOST_SHEETS:
            raise CorruptError(f"the workbook has more than {_MOST_SHEETS:,} sheets", hint=DAMAGED)

    def _note_null_date(self, text: str) -> None:
        try:
            self._null_date = date.fromisoformat(text[:10])
        except ValueError:
            return
