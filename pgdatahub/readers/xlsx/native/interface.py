"""The C interface of the compiled core, as ``abi.rs`` declares it."""

from __future__ import annotations

import ctypes
from datetime import date
from functools import lru_cache
from typing import Final

from pgdatahub.errors import ReadError
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.xlsx.native.library import load_library

KIND_CODES: Final = 11
BATCH_ROWS: Final = 8192
BATCH_CELLS: Final = 400_000
"""A batch ends at either. Each column of a batch costs some 20 µs in Python, whatever its rows; larger batches leave the processor's
cache before they are rows."""
MOST_PREFIXES: Final = 64
"""Namespace prefixes that the core is told of; it looks through all of them for each name that has one."""
_ITEM_BYTES: Final = 8 * 1024 * 1024
_CORE_EPOCH: Final = date(1970, 1, 1)
"""The core counts days from here."""

_POINTER = ctypes.c_void_p
_SIZE = ctypes.c_size_t
_INT = ctypes.c_int32
_BYTES = ctypes.c_char_p


class Options(ctypes.Structure):
    """Bounds and switches of a workbook; see ``abi.rs``."""

    _fields_ = (
        ("cell_bytes", ctypes.c_uint64),
        ("row_bytes", ctypes.c_uint64),
        ("token_bytes", ctypes.c_uint64),
        ("item_bytes", ctypes.c_uint64),
        ("strings_in_memory", ctypes.c_uint64),
        ("epoch", ctypes.c_int64),
        ("rows", ctypes.c_uint32),
        ("columns", ctypes.c_uint32),
        ("batch_rows", ctypes.c_uint32),
        ("batch_cells", ctypes.c_uint32),
        ("has_epoch", ctypes.c_uint32),
        ("trim", ctypes.c_uint32),
    )


class SheetState(ctypes.Structure):
    """The state of a sheet's reading; see ``abi.rs``."""

    _fields_ = (
        ("rows", ctypes.c_uint64),
        ("row_numbers", ctypes.POINTER(ctypes.c_uint32)),
        ("hidden", ctypes.c_uint64),
        ("hidden_numbers", ctypes.POINTER(ctypes.c_uint32)),
        ("columns", ctypes.c_uint64),
        ("cells", ctypes.c_uint64),
        ("last_row", ctypes.c_uint64),
        ("cleaned", ctypes.c_uint64),
        ("cleaned_row", ctypes.c_uint64),
        ("cleaned_column", ctypes.c_uint64),
        ("formulas", ctypes.c_uint64),
        ("formula_row", ctypes.c_uint64),
        ("formula_column", ctypes.c_uint64),
        ("written", ctypes.c_uint64),
        ("repeated", ctypes.c_uint64),
    )


class TableSettings(ctypes.Structure):
    """The names of a document of OpenDocument and its styles; see ``abi.rs``."""

    _fields_ = (
        ("namespaces", ctypes.c_char_p),
        ("namespaces_bytes", ctypes.c_size_t),
        ("declared", ctypes.c_char_p),
        ("declared_bytes", ctypes.c_size_t),
        ("style_names", ctypes.c_char_p),
        ("style_names_bytes", ctypes.c_size_t),
        ("columns", ctypes.POINTER(ctypes.c_uint32)),
        ("columns_count", ctypes.c_size_t),
        ("notes_areas", ctypes.c_uint32),
    )


class ColumnState(ctypes.Structure):
    """A column of a batch; see ``abi.rs``."""

    _fields_ = (
        ("position", ctypes.c_uint64),
        ("fields", ctypes.c_void_p),
        ("fields_bytes", ctypes.c_uint64),
        ("kinds", ctypes.c_void_p),
        ("largest_row", ctypes.c_uint64),
        ("largest_at", ctypes.c_uint64),
        ("counts", ctypes.c_uint64 * KIND_CODES),
        ("first_rows", ctypes.c_uint64 * KIND_CODES),
        ("first_at", ctypes.c_uint64 * KIND_CODES),
    )


_SIGNATURES: Final = {
    "pgh_strings_new": (_POINTER, (ctypes.POINTER(Options), _BYTES, _SIZE, _BYTES, _SIZE)),
    "pgh_record_strings_new": (_POINTER, (ctypes.POINTER(Options), _BYTES, _SIZE)),
    "pgh_strings_feed": (_INT, (_POINTER, _BYTES, _SIZE, _INT)),
    "pgh_strings_rest": (_POINTER, (_POINTER, ctypes.POINTER(_SIZE))),
    "pgh_strings_skip": (None, (_POINTER, _SIZE)),
    "pgh_strings_add": (_INT, (_POINTER, _BYTES, _SIZE)),
    "pgh_strings_finish": (_INT, (_POINTER,)),
    "pgh_strings_count": (ctypes.c_uint64, (_POINTER,)),
    "pgh_strings_cleaned": (ctypes.c_uint64, (_POINTER,)),
    "pgh_strings_get": (_POINTER, (_POINTER, ctypes.c_uint64, ctypes.POINTER(_SIZE), ctypes.POINTER(_INT))),
    "pgh_strings_free": (None, (_POINTER,)),
    "pgh_sheet_new": (_POINTER, (_POINTER, ctypes.POINTER(Options), _BYTES, _SIZE, _BYTES, _SIZE)),
    "pgh_record_sheet_new": (_POINTER, (_POINTER, ctypes.POINTER(Options), _BYTES, _SIZE)),
    "pgh_table_sheet_new": (
        _POINTER,
        (_POINTER, ctypes.POINTER(Options), _BYTES, _SIZE, ctypes.POINTER(TableSettings)),
    ),
    "pgh_sheet_resume": (None, (_POINTER, ctypes.c_uint64, ctypes.c_uint64, _INT)),
    "pgh_sheet_feed": (_INT, (_POINTER, _BYTES, _SIZE, _INT)),
    "pgh_sheet_rest": (_POINTER, (_POINTER, ctypes.POINTER(_SIZE))),
    "pgh_sheet_skip": (None, (_POINTER, _SIZE, ctypes.c_uint32)),
    "pgh_sheet_limit_batch": (None, (_POINTER, ctypes.c_uint32)),
    "pgh_sheet_state": (_INT, (_POINTER, ctypes.POINTER(SheetState))),
    "pgh_sheet_column": (_INT, (_POINTER, _SIZE, ctypes.POINTER(ColumnState))),
    "pgh_sheet_clear": (None, (_POINTER,)),
    "pgh_sheet_free": (None, (_POINTER,)),
    "pgh_has_table_tag": (_INT, (_BYTES, _SIZE)),
    "pgh_encode_text": (
        ctypes.c_int64,
        (_POINTER, _POINTER, _SIZE, _SIZE, _BYTES, _SIZE, _POINTER, _SIZE),
    ),
    "pgh_distinct": (ctypes.c_int64, (_BYTES, _SIZE, _SIZE, _POINTER, ctypes.POINTER(_SIZE))),
    "pgh_integers": (
        ctypes.c_int64,
        (_BYTES, _SIZE, _POINTER, _SIZE, ctypes.POINTER(_INT), ctypes.POINTER(ctypes.c_uint64)),
    ),
    "pgh_mark": (_INT, (_POINTER, _SIZE, _POINTER, _SIZE, _SIZE)),
    "pgh_binary_new": (
        _POINTER,
        (_POINTER, _POINTER, _BYTES, _SIZE, _SIZE, _BYTES, _SIZE, ctypes.c_uint32, _POINTER),
    ),
    "pgh_binary_bytes": (_POINTER, (_POINTER, ctypes.POINTER(_SIZE))),
    "pgh_binary_free": (None, (_POINTER,)),
}


def options_of(
    limits: Limits, *, epoch: date | None = None, trim: bool = False, batch_rows: int = BATCH_ROWS
) -> Options:
    """Return bounds and switches as the core has them; ``epoch`` is day 0, None for Excel's system of 1900."""
    return Options(
        cell_bytes=limits.cell_bytes,
        row_bytes=limits.row_bytes,
        token_bytes=limits.token_bytes,
        item_bytes=_ITEM_BYTES,
        strings_in_memory=limits.strings_in_memory,
        rows=limits.rows,
        columns=limits.columns,
        batch_rows=batch_rows,
        batch_cells=BATCH_CELLS,
        epoch=(epoch - _CORE_EPOCH).days if epoch is not None else 0,
        has_epoch=epoch is not None,
        trim=trim,
    )


class NativeError(ReadError):
    """The compiled core failed in a way that its input does not explain."""

    sender_can_fix = False

    def __init__(
        self, message: str = "the compiled reader failed", *, where: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(
            message, where=where, hint=hint or "report the file, and set PGDATAHUB_READER=python meanwhile"
        )


@lru_cache(maxsize=1)
def load_core() -> ctypes.CDLL:
    """Load the library, its functions declared.

    Raises:
        CoreMissingError: The installation has none that fits.
    """
    core = load_library()
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(core, name)
        function.restype = result
        function.argtypes = arguments
    return core


def bytes_at(address: int | None, size: int) -> bytes:
    """Return a copy of bytes that the library owns."""
    return ctypes.string_at(address, size) if address and size else b""
