"""Errors without the values of cells, for folders with ``samples: false``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from pgdatahub.errors import CellError, CellFault, FileError, PgDataHubError
from pgdatahub.model.faults import Fault
from pgdatahub.postgres.server.engine import cause_of, is_raised_by_function
from pgdatahub.values.evidence import HIDDEN

_ErrorT = TypeVar("_ErrorT", bound=FileError)

_QUOTED: Final = re.compile(r'"[^"]*"|(?<==)\([^)]*\)|(?<![\w])\'[^\']*\'')
"""Quoted text, and the values of ``Key (id)=(7)``: a message does not tell values from names."""
_OWN_WORDS: Final = frozenset({"values", "unique", "key"})
"""Rules whose hints name a listed word or a cell, and no value of a cell."""
_OF_THE_FILE: Final = frozenset(
    {"missing-column", "unknown-column", "min-rows", "max-rows", "max-bad", "quarantine-limit"}
)
_MOST_PLACES: Final = 10
_OF_A_FUNCTION: Final = f"a function or trigger in the database refused the rows: {HIDDEN}"
_BY_FUNCTIONS: Final = frozenset({"LoadError", "PrivilegeError"})
"""Kinds of recorded failures that may have the words of a function in the database."""
_REFUSED: Final = f"the server refused the rows: {HIDDEN}"


def without_value(fault: CellFault) -> CellFault:
    """Return a fault of a cell without the cell's value."""
    if fault.rule in _OF_THE_FILE:
        return fault  # its value is a header or a number of rows
    return replace(fault, value=None, hint=fault.hint if fault.rule in _OWN_WORDS else None)


def without_values(error: _ErrorT) -> FileError:
    """Return an error that keeps the places of cells and leaves out their values."""
    if isinstance(free := free_words(error), FileError):
        return free
    errors = error.all if isinstance(error, CellError) else (error,)
    faults = tuple(without_value(fault) for one in errors for fault in one.faults)
    if faults and type(error).__name__ != "ContractError":
        message = _places([(fault.cell, fault.rule) for fault in faults], more=error.more)
        hidden: FileError = type(error)(message, where=error.where, hint="correct the cells")
    else:
        hint = hidden_text(error.hint) if error.hint else error.hint
        cause = cause_of(error)
        if hint and cause is not None and cause.diag.constraint_name:
            hint = f"{hint}: {cause.diag.constraint_name}"
        hidden = type(error)(hidden_text(error.message), where=error.where, hint=hint)
    hidden.faults = faults
    hidden.counted = error.counted
    hidden.more = error.more
    return hidden


def free_words(error: PgDataHubError) -> PgDataHubError | None:
    """Return an error without the words of a function or trigger in the database, which can quote values anyhow.

    None for other errors.
    """
    cause = cause_of(error)
    if cause is None or not is_raised_by_function(cause):
        return None
    return type(error)(f"{_OF_A_FUNCTION} (SQLSTATE {cause.sqlstate})", where=error.where)


def hidden_text(text: str) -> str:
    """Return a message without quoted texts, which may be values."""
    return _QUOTED.sub(HIDDEN, text)


def hidden_faults(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Return recorded faults without the values of cells."""
    return tuple(
        fault
        if fault.rule in _OF_THE_FILE
        else replace(
            fault,
            cells=tuple(
                replace(cell, value=None, hint=cell.hint if fault.rule in _OWN_WORDS else None) for cell in fault.cells
            ),
        )
        for fault in faults
    )


def hidden_reason(reason: str, kind: str, faults: Sequence[Fault]) -> str:
    """Return the message of a recorded failure without the values of cells."""
    if kind in _BY_FUNCTIONS:
        return _REFUSED
    if kind == "ContractError" or not faults:
        return hidden_text(reason)
    cells = [(cell.cell, fault.rule) for fault in faults for cell in fault.cells]
    return _places(cells, more=any(fault.truncated for fault in faults))


def hidden_hint(hint: str | None, kind: str) -> str | None:
    """Return the hint of a recorded failure without the values of cells."""
    return None if hint is None or kind == "LoadError" else hidden_text(hint)


def _places(cells: Sequence[tuple[str, str]], *, more: bool) -> str:
    named = ", ".join(f"{cell} ({rule})" for cell, rule in cells[:_MOST_PLACES])
    return f"cells that cannot be loaded: {named}{' and more' if more or len(cells) > _MOST_PLACES else ''}"
