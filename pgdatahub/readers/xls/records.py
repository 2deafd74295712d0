"""Record numbers of workbooks of Excel 2 to 2003 ([MS-XLS] 2.3, and OpenOffice's documentation of the older ones)."""

from __future__ import annotations

from typing import Final

EOF: Final = 0x0A
CONTINUE: Final = 0x3C
BOFS: Final = frozenset({0x0009, 0x0209, 0x0409, 0x0809})
FORMULAS: Final = frozenset({0x0006, 0x0206, 0x0406})
STRINGS: Final = frozenset({0x0007, 0x0207})
"""Results of formulas that are texts."""
SHARED: Final = frozenset({0x0021, 0x0221, 0x04BC, 0x0036, 0x0037, 0x0236})
"""Records that may stand between a formula and its text: arrays, shared formulas, tables."""

LABEL: Final = 0x0204
LABEL_SST: Final = 0x00FD
RSTRING: Final = 0x00D6
NUMBER: Final = 0x0203
RK: Final = 0x027E
MULRK: Final = 0x00BD
BOOLERR: Final = 0x0205
ROW: Final = 0x0208
ROW_OLD: Final = 0x0008
COLINFO: Final = 0x007D
COLWIDTH: Final = 0x0024
MERGED: Final = 0x00E5
DEFAULT_ROW: Final = 0x0225
FILEPASS: Final = 0x002F
NAME: Final = 0x0018
EXTERNSHEET: Final = 0x0017
SUPBOOK: Final = 0x01AE

_GLOBALS: Final = frozenset(
    {
        0x0022,  # DATEMODE
        0x0042,  # CODEPAGE
        0x0085,  # BOUNDSHEET
        0x008E,  # SHEETSOFFSET
        0x008F,  # SHEETHDR
        0x00E0,  # XF
        0x00FC,  # SST
        0x041E,  # FORMAT
    }
)
_OLD: Final = frozenset(
    {
        0x0000,  # DIMENSION of Excel 2
        0x0001,  # BLANK
        0x0002,  # INTEGER
        0x0003,  # NUMBER
        0x0004,  # LABEL
        0x0005,  # BOOLERR
        0x001E,  # FORMAT
        0x0043,  # XF of Excel 2
        0x0044,  # IXFE
        0x0200,  # DIMENSION
        0x0243,  # XF of Excel 3
        0x0443,  # XF of Excel 4
    }
)

FOR_XLRD: Final = _GLOBALS | FORMULAS | STRINGS | SHARED | BOFS | {EOF, CONTINUE, FILEPASS}
"""Records that xlrd reads. It fails on damage in others, such as drawings and links, of which no value depends."""
FOR_XLRD_OLD: Final = FOR_XLRD | _OLD
"""The same for Excel 2 to 4."""
