"""Names of OpenDocument elements and attributes, as expat gives them: the namespace, a space, the local name."""

from __future__ import annotations

from typing import Final

_URN: Final = "urn:oasis:names:tc:opendocument:xmlns:"
OFFICE: Final = f"{_URN}office:1.0 "
TABLE: Final = f"{_URN}table:1.0 "
TEXT: Final = f"{_URN}text:1.0 "
STYLE: Final = f"{_URN}style:1.0 "
NUMBER: Final = f"{_URN}datastyle:1.0 "
MANIFEST: Final = f"{_URN}manifest:1.0 "
CALCEXT: Final = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0 "

# content.xml
SPREADSHEET: Final = f"{OFFICE}spreadsheet"
SHEET: Final = f"{TABLE}table"
NULL_DATE: Final = f"{TABLE}null-date"
SHEET_NAME: Final = f"{TABLE}name"
DATE_VALUE_OF_TABLE: Final = f"{TABLE}date-value"

# named ranges
NAMED_RANGE: Final = f"{TABLE}named-range"
NAMED_EXPRESSION: Final = f"{TABLE}named-expression"
CELL_RANGE: Final = f"{TABLE}cell-range-address"
EXPRESSION: Final = f"{TABLE}expression"
DATABASE_RANGE: Final = f"{TABLE}database-range"
TARGET_RANGE: Final = f"{TABLE}target-range-address"
CONTAINS_HEADER: Final = f"{TABLE}contains-header"
ORIENTATION: Final = f"{TABLE}orientation"

# columns and rows
COLUMN: Final = f"{TABLE}table-column"
COLUMN_GROUP: Final = f"{TABLE}table-column-group"
ROW: Final = f"{TABLE}table-row"
ROW_GROUP: Final = f"{TABLE}table-row-group"
CONTAINERS: Final = frozenset(
    f"{TABLE}{name}"
    for name in (
        "table-columns",
        "table-header-columns",
        "table-column-group",
        "table-rows",
        "table-header-rows",
        "table-row-group",
    )
)
"""Elements that hold columns or rows, nested to any depth."""
COLUMNS_REPEATED: Final = f"{TABLE}number-columns-repeated"
ROWS_REPEATED: Final = f"{TABLE}number-rows-repeated"
VISIBILITY: Final = f"{TABLE}visibility"
DISPLAY: Final = f"{TABLE}display"
DEFAULT_CELL_STYLE: Final = f"{TABLE}default-cell-style-name"

# cells
CELL: Final = f"{TABLE}table-cell"
COVERED_CELL: Final = f"{TABLE}covered-table-cell"
COLUMNS_SPANNED: Final = f"{TABLE}number-columns-spanned"
ROWS_SPANNED: Final = f"{TABLE}number-rows-spanned"
STYLE_NAME: Final = f"{TABLE}style-name"
FORMULA: Final = f"{TABLE}formula"
VALUE_TYPE: Final = f"{OFFICE}value-type"
CALC_VALUE_TYPE: Final = f"{CALCEXT}value-type"
VALUE: Final = f"{OFFICE}value"
STRING_VALUE: Final = f"{OFFICE}string-value"
BOOLEAN_VALUE: Final = f"{OFFICE}boolean-value"
DATE_VALUE: Final = f"{OFFICE}date-value"
TIME_VALUE: Final = f"{OFFICE}time-value"

# text
PARAGRAPHS: Final = frozenset({f"{TEXT}p", f"{TEXT}h"})
LISTS: Final = frozenset(f"{TEXT}{name}" for name in ("list", "list-item", "list-header", "section"))
SPACES: Final = f"{TEXT}s"
SPACES_COUNT: Final = f"{TEXT}c"
TAB: Final = f"{TEXT}tab"
LINE_BREAK: Final = f"{TEXT}line-break"
NOT_IN_TEXT: Final = frozenset(
    f"{TEXT}{name}" for name in ("ruby-text", "note", "tracked-changes", "changed-region", "alphabetical-index-mark")
)
"""Elements of the text namespace within a paragraph whose text is not the paragraph's."""
FOREIGN_TO_TEXT: Final = (
    f"{_URN}office:1.0 ",
    f"{_URN}table:1.0 ",
    f"{_URN}drawing:1.0 ",
    f"{_URN}dr3d:1.0 ",
    f"{_URN}form:1.0 ",
    f"{_URN}presentation:1.0 ",
    f"{_URN}chart:1.0 ",
    f"{_URN}svg-compatible:1.0 ",
    f"{_URN}script:1.0 ",
    "http://www.w3.org/1998/Math/MathML ",
)
"""Namespaces of drawings, charts, forms, comments and formulas, whose text is not the cell's."""

# styles
STYLE_ELEMENT: Final = f"{STYLE}style"
STYLE_OWN_NAME: Final = f"{STYLE}name"
FAMILY: Final = f"{STYLE}family"
PARENT_STYLE: Final = f"{STYLE}parent-style-name"
DATA_STYLE: Final = f"{STYLE}data-style-name"
DEFAULT_STYLE: Final = f"{STYLE}default-style"
TABLE_PROPERTIES: Final = f"{STYLE}table-properties"
MAP: Final = f"{STYLE}map"
MAP_CONDITION: Final = f"{STYLE}condition"
MAP_STYLE: Final = f"{STYLE}apply-style-name"
DATA_STYLES: Final = frozenset(
    f"{NUMBER}{name}-style" for name in ("number", "currency", "percentage", "date", "time", "boolean", "text")
)
TRUNCATE: Final = f"{NUMBER}truncate-on-overflow"
LENGTH: Final = f"{NUMBER}style"
TEXTUAL: Final = f"{NUMBER}textual"
INTEGER_DIGITS: Final = f"{NUMBER}min-integer-digits"
DECIMAL_PLACES: Final = f"{NUMBER}decimal-places"
GROUPING: Final = f"{NUMBER}grouping"
DISPLAY_FACTOR: Final = f"{NUMBER}display-factor"
POSITION: Final = f"{NUMBER}position"
