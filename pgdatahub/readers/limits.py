"""Limits on the resources that reading a workbook may take.

A workbook is a zip file from an untrusted source: a few kilobytes can inflate to terabytes. The sizes of real files are the
reason for each limit.
"""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits for one workbook; a workbook beyond a limit fails with a ``CorruptError`` that names the limit.

    Attributes:
        ratio: Inflated bytes for each deflated byte, over everything read from a workbook. Deflate cannot exceed 1,032;
            large sheets of one value come near 1,032, other sheets reach about 100.
        ratio_from: Inflated bytes below which the ratio is not checked; for a small part, a quarter of the part's limit.
        part_bytes: Inflated bytes of a sheet or of the shared strings. A full sheet of 50 columns is about 2.5 GiB.
        small_part_bytes: Inflated bytes of any other part (workbook, styles, relationships).
        directory_bytes: Bytes of the zip file's directory: some 100,000 parts.
        cell_bytes: UTF-8 bytes of one cell's text. Excel allows 32,767 characters.
        row_bytes: UTF-8 bytes of the texts of one row.
        token_bytes: Bytes of one piece of markup: a tag with its attributes, a comment.
        depth: Nesting depth of elements; worksheets have at most a dozen levels.
        columns: Excel's number of columns.
        rows: Excel's number of rows.
        repeated_cells: Cells of rows that repeat another row, in a format that writes such rows once (``.ods``).
        merged_areas: Merged areas of a sheet.
        cell_styles: Cell styles of a workbook. Excel allows 65,490.
        number_formats: Number formats that a workbook defines. Excel allows some 250.
        strings_in_memory: UTF-8 bytes of shared strings that stay in memory; the others go to a temporary file.
    """

    ratio: int = 400
    ratio_from: int = 512 * MIB
    part_bytes: int = 16 * 1024 * MIB
    small_part_bytes: int = 64 * MIB
    directory_bytes: int = 8 * MIB
    cell_bytes: int = MIB
    row_bytes: int = 16 * MIB
    token_bytes: int = 4 * MIB
    depth: int = 64
    columns: int = 16384
    rows: int = 1048576
    repeated_cells: int = 32_000_000
    merged_areas: int = 300_000
    strings_in_memory: int = 64 * MIB
    cell_styles: int = 250_000
    number_formats: int = 100_000


DEFAULT_LIMITS = Limits()
