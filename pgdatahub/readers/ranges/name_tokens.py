"""Meaning of defined names that binary workbooks store as tokens of formulas ([MS-XLS] and [MS-XLSB] 2.5.198 and 2.5.97)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Final, TypeAlias

from pgdatahub.model.workbooks import RangeInfo
from pgdatahub.readers.ranges.defined_names import BROKEN, ELSEWHERE, FORMULA, SEVERAL, area_in, with_area
from pgdatahub.values.cells import cell_address

_REFERENCE: Final = frozenset({0x3A, 0x5A, 0x7A})
_AREA: Final = frozenset({0x3B, 0x5B, 0x7B})
_BROKEN: Final = frozenset({0x3C, 0x5C, 0x7C, 0x3D, 0x5D, 0x7D, 0x1C})
_CONSTANT: Final = frozenset({0x17, 0x1D, 0x1E, 0x1F, 0x20, 0x40, 0x60})
_BEFORE: Final = {0x19: 4, 0x29: 3, 0x49: 3, 0x69: 3}
"""Tokens that may stand before the first operand (an attribute, the size of a reference) → their bytes."""
_PARENTHESES: Final = b"\x15"
_UNION: Final = 0x10
_FUNCTION: Final = frozenset({0x21, 0x41, 0x61})
_FUNCTION_OF_ANY: Final = frozenset({0x22, 0x42, 0x62})
_FUNCTIONS: Final = {29: "INDEX", 78: "OFFSET", 148: "INDIRECT", 169: "COUNTA"}
_LIST: Final = b"\x18\x19"
_COLUMN: Final = 0x3FFF
"""The other two bits of a column tell whether row and column are relative."""

SheetsOfReference: TypeAlias = "Callable[[int], tuple[int, int] | None]"
"""Index of a reference to sheets → the first and the last listed sheet; None for another workbook, negative for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenForm:
    """The form of references in a file format.

    Attributes:
        area: Fields behind the token of an area: reference to sheets, first row, last row, first column, last column.
        cell: Fields behind the token of a cell.
        rows: Rows of a sheet.
        columns: Columns of a sheet.
    """

    area: Struct
    cell: Struct
    rows: int
    columns: int


XLSB: Final = TokenForm(area=Struct("<HIIHH"), cell=Struct("<HIH"), rows=1_048_576, columns=16_384)
XLS: Final = TokenForm(area=Struct("<HHHHH"), cell=Struct("<HHH"), rows=65_536, columns=256)


@dataclass(frozen=True, slots=True, kw_only=True)
class NameTokens:
    """A defined name with its tokens.

    Attributes:
        name: The name.
        tokens: Its formula.
        scope: The position of the sheet that alone knows the name.
        hidden: The workbook does not show the name.
    """

    name: str
    tokens: bytes
    scope: int | None = None
    hidden: bool = False


def range_of_tokens(
    name: NameTokens,
    form: TokenForm,
    sheets_of: SheetsOfReference,
    listed: Sequence[int | None],
    tables: Mapping[int, RangeInfo] | None = None,
) -> RangeInfo:
    """Return the range of a defined name.

    Args:
        name: The name.
        form: The form of references.
        sheets_of: Returns the sheets of a reference.
        listed: The position of each listed sheet, charts included; None for a sheet without cells.
        tables: Number of a table → the table.
    """
    tokens = name.tokens

    def unusable(problem: str) -> RangeInfo:
        return RangeInfo(name=name.name, scope=name.scope, problem=problem, hidden=name.hidden)

    first = tokens[0] if tokens else 0
    if first in _AREA and len(tokens) == 1 + form.area.size:
        reference, top, bottom, left, right = form.area.unpack_from(tokens, 1)
        left, right = left & _COLUMN, right & _COLUMN
        sheets = sheets_of(reference)
        if sheets is None:
            return unusable(with_area(ELSEWHERE))
        if min(sheets) < 0 or max(sheets) >= len(listed):
            return unusable(BROKEN)
        if sheets[0] != sheets[1]:
            return unusable(with_area(SEVERAL, _area_in(tokens, form)))
        position = listed[sheets[0]]
        if position is None or not (top <= bottom < form.rows and left <= right < form.columns):
            return unusable(with_area("it is not an area of a sheet with cells"))
        return RangeInfo(
            name=name.name,
            sheet=position,
            scope=name.scope,
            rows=(top + 1, None if bottom == form.rows - 1 else bottom + 1),
            columns=(left, None if right == form.columns - 1 else right),
            hidden=name.hidden,
        )
    if first in _REFERENCE and len(tokens) == 1 + form.cell.size:
        sheets = sheets_of(form.cell.unpack_from(tokens, 1)[0])
        if sheets is None:
            return unusable(with_area(ELSEWHERE))
        reason = SEVERAL if sheets[0] != sheets[1] else "it is one cell"
        return unusable(with_area(reason, _area_in(tokens, form)))
    if tokens[:2] == _LIST and len(tokens) == 14:
        table = (tables or {}).get(int.from_bytes(tokens[6:10], "little"))
        if table is not None and not tokens[4] & 3:
            return RangeInfo(
                name=name.name, sheet=table.sheet, scope=name.scope, rows=table.rows, columns=table.columns,
                is_table=True, names=table.names, hidden=name.hidden,
            )  # fmt: skip
        return unusable(with_area("it is a part of a table"))
    return unusable(_reason(tokens, form))


def _reason(tokens: bytes, form: TokenForm) -> str:
    """Return the reason why tokens cannot be used."""
    if not tokens or tokens[0] in _BROKEN:
        return BROKEN
    if tokens.rstrip(_PARENTHESES)[-1:] == bytes([_UNION]):
        return with_area(SEVERAL, _area_in(tokens, form))
    for kinds, size in ((_FUNCTION_OF_ANY, 4), (_FUNCTION, 3)):
        if len(tokens) >= size and tokens[-size] in kinds:
            number = int.from_bytes(tokens[-2:], "little") & 0x7FFF
            return with_area(FORMULA.format(_FUNCTIONS.get(number, "a function")), _area_in(tokens, form))
    if tokens[0] in _CONSTANT:
        return with_area("it is a constant")
    return with_area("it is a formula", _area_in(tokens, form))


def _area_in(tokens: bytes, form: TokenForm) -> str:
    """Return the cells with which a formula begins as an area for the settings: ``A1:`` for ``OFFSET(Ref!$A$1,…)``."""
    while tokens and (size := _BEFORE.get(tokens[0])):
        tokens = tokens[size:]
    if not tokens:
        return area_in("")
    if tokens[0] in _AREA and len(tokens) > form.area.size:
        _, top, bottom, left, right = form.area.unpack_from(tokens, 1)
        return f"{cell_address(top + 1, left & _COLUMN)}:{cell_address(bottom + 1, right & _COLUMN)}"
    if tokens[0] in _REFERENCE and len(tokens) > form.cell.size:
        _, row, column = form.cell.unpack_from(tokens, 1)
        return f"{cell_address(row + 1, column & _COLUMN)}:"
    return area_in("")
