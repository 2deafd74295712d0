"""Binary workbooks for tests, record by record (MS-XLSB)."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterable, Sequence
from io import BytesIO

RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def record(identifier: int, payload: bytes = b"") -> bytes:
    """Return a record."""
    head = bytes((identifier,)) if identifier < 0x80 else bytes((identifier & 0x7F | 0x80, identifier >> 7))
    size = len(payload)
    while size >= 0x80:
        head += bytes((size & 0x7F | 0x80,))
        size >>= 7
    return head + bytes((size,)) + payload


def wide(text: str) -> bytes:
    """Return a text with its number of UTF-16 units."""
    data = text.encode("utf-16-le", "surrogatepass")
    return struct.pack("<I", len(data) // 2) + data


def row(number: int, *, hidden: bool = False) -> bytes:
    """Return the header of a row (from 1)."""
    return record(0, struct.pack("<IIHBBBI", number - 1, 0, 300, 0, 0x10 if hidden else 0, 0, 0))


def cell(identifier: int, column: int, value: bytes = b"", style: int = 0) -> bytes:
    """Return a cell."""
    return record(identifier, struct.pack("<II", column, style) + value)


def short(identifier: int, value: bytes = b"", style: int = 0) -> bytes:
    """Return a cell without a column number."""
    return record(identifier, struct.pack("<I", style) + value)


def real(column: int, number: float, style: int = 0) -> bytes:
    """Return a cell with a double."""
    return cell(5, column, struct.pack("<d", number), style)


def rk(column: int, number: int, style: int = 0) -> bytes:
    """Return a cell with an integer."""
    return cell(2, column, struct.pack("<i", number << 2 | 2), style)


def text(column: int, value: str) -> bytes:
    """Return a cell with a text of its own."""
    return cell(6, column, wide(value))


def sheet(*cells: bytes, before: bytes = b"", after: bytes = b"") -> bytes:
    """Return a worksheet part."""
    return record(129) + before + record(145) + b"".join(cells) + record(146) + after + record(130)


def merged(first_row: int, last_row: int, first_column: int, last_column: int) -> bytes:
    """Return a merged area; rows and columns from 0."""
    area = struct.pack("<4I", first_row, last_row, first_column, last_column)
    return record(177, struct.pack("<I", 1)) + record(176, area) + record(178)


def styles(codes: Sequence[str | int]) -> bytes:
    """Return a styles part: a cell style for each code, or number of a built-in format."""
    formats = b"".join(
        record(44, struct.pack("<H", 164 + index) + wide(code))
        for index, code in enumerate(codes)
        if isinstance(code, str)
    )
    cells = b"".join(
        record(47, struct.pack("<HH", 0, 164 + index if isinstance(code, str) else code) + bytes(12))
        for index, code in enumerate(codes)
    )
    count = struct.pack("<I", len(codes))
    of_styles = record(626, count) + record(47, struct.pack("<HH", 0xFFFF, 14) + bytes(12)) + record(627)
    return (
        record(278)
        + record(615, count)
        + formats
        + record(616)
        + of_styles
        + record(617, count)
        + cells
        + record(618)
        + record(279)
    )


def strings(items: Iterable[bytes]) -> bytes:
    """Return a shared strings part of payloads of its items."""
    return record(159, bytes(8)) + b"".join(record(19, item) for item in items) + record(160)


def workbook(
    sheets: Sequence[bytes],
    *,
    codes: Sequence[str | int] = (),
    items: Iterable[bytes] = (),
    date1904: bool = False,
    names: Sequence[str] | None = None,
    states: Sequence[int] | None = None,
    kinds: Sequence[str] | None = None,
    calculation: bytes = b"",
    after_sheets: bytes = b"",
    tables: Sequence[tuple[int, bytes]] = (),
) -> BytesIO:
    """Return a workbook of worksheet parts."""
    names = names or [f"Sheet{number + 1}" for number in range(len(sheets))]
    states = states or [0] * len(sheets)
    kinds = kinds or ["worksheet"] * len(sheets)
    listed = b"".join(
        record(156, struct.pack("<II", state, number + 1) + wide(f"rId{number + 1}") + wide(name))
        for number, (name, state) in enumerate(zip(names, states, strict=True))
    )
    properties = record(153, struct.pack("<II", int(date1904), 0) + wide(""))
    book = record(131) + properties + record(143) + listed + record(144) + after_sheets + calculation + record(132)
    links = [(f"rId{number + 1}", kind, f"worksheets/sheet{number + 1}.bin") for number, kind in enumerate(kinds)]
    links += [("rIdA", "styles", "styles.bin"), ("rIdB", "sharedStrings", "sharedStrings.bin")]
    parts: dict[str, bytes] = {
        "_rels/.rels": _relationships([("rId1", "officeDocument", "xl/workbook.bin")]),
        "xl/_rels/workbook.bin.rels": _relationships(links),
        "xl/workbook.bin": book,
        "xl/styles.bin": styles(codes),
        "xl/sharedStrings.bin": strings(items),
    }
    parts |= {f"xl/worksheets/sheet{number + 1}.bin": part for number, part in enumerate(sheets)}
    for number, (position, part) in enumerate(tables, 1):
        parts[f"xl/tables/table{number}.bin"] = part
        of_sheet = [(f"rId{index}", "table", f"../tables/table{index}.bin")
                    for index, (other, _) in enumerate(tables, 1) if other == position]  # fmt: skip
        parts[f"xl/worksheets/_rels/sheet{position + 1}.bin.rels"] = _relationships(of_sheet)
    return package(parts)


def defined_name(name: str, tokens: bytes, *, sheet: int = 0xFFFFFFFF, flags: int = 0) -> bytes:
    """Return a defined name (MS-XLSB 2.4.711)."""
    formula = struct.pack("<I", len(tokens)) + tokens + struct.pack("<I", 0)
    return record(39, struct.pack("<IBI", flags, 0, sheet) + wide(name) + formula + struct.pack("<I", 0xFFFFFFFF))


def references(*sheets: tuple[int, int, int]) -> bytes:
    """Return references to the workbook itself (book 0) and another one (book 1), with first and last sheet."""
    packed = b"".join(struct.pack("<Iii", *each) for each in sheets)
    books = record(357) + record(355, wide("rId9"))
    return record(353) + books + record(362, struct.pack("<I", len(sheets)) + packed) + record(354)


def table(
    name: str,
    area: tuple[int, int, int, int],
    columns: Sequence[str],
    *,
    number: int = 1,
    headers: int = 1,
    totals: int = 0,
    flags: int = 0,
) -> bytes:
    """Return a part with an Excel table; the area has first and last row, first and last column, from 0."""
    head = struct.pack("<4I5I", *area, 0, number, headers, totals, flags) + bytes(28) + wide(name) + wide(name)
    none = struct.pack("<I", 0xFFFFFFFF)
    listed = b"".join(record(347, bytes(24) + wide(f"c{n}") + wide(each) + none) for n, each in enumerate(columns))
    return record(343, head) + listed + record(344)


def package(parts: dict[str, bytes]) -> BytesIO:
    """Return a package of parts."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    file.seek(0)
    return file


def _relationships(links: Sequence[tuple[str, str, str]]) -> bytes:
    items = "".join(
        f'<Relationship Id="{one}" Type="{RELATIONSHIPS}/{two}" Target="{three}"/>' for one, two, three in links
    )
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{items}</Relationships>'
    ).encode()
