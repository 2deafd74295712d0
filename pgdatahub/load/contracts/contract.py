"""The contract of a folder: verdicts on the rows of one file.

A verdict depends on the row, its file and the settings of its folder; never on the table, the history or another file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pgdatahub.config import FolderOptions
from pgdatahub.config.coerce_values import exceeds
from pgdatahub.errors import CellFault
from pgdatahub.load.contracts.equal_keys import EqualKeys, Rank
from pgdatahub.load.contracts.fault_report import FaultReport
from pgdatahub.load.contracts.uniqueness import Suspects, UniqueColumn
from pgdatahub.model.aside import MAX_BYTES, MAX_ROWS, AsideRow
from pgdatahub.values.counting import count

_FILE = (0, 0, 0)
_KEYS = ""
"""The name of the keys among columns under suspicion; no column has it."""


@dataclass(slots=True, kw_only=True)
class Contract:
    """The contract for the rows that a file brings to one table.

    Attributes:
        report: The faults so far.
        sheets: The sheets of the rows, for faults of all rows; empty where they are all that the file has.
        suspects: Name of a column → its cells of equal values, as an earlier reading found them; None in the first reading.
        unique: Name of a column → its values so far.
        keys: The keys so far; None without a key that the program can compare.
        layout: Sheet → the place of its table and the names of its columns.
        stops: A fault that fails the file ends this reading, since a transaction waits for it; the next one finds all faults.
    """

    report: FaultReport = field(default_factory=FaultReport)
    sheets: str = ""
    suspects: Mapping[str, Suspects] | None = None
    unique: dict[str, UniqueColumn] = field(default_factory=dict)
    keys: EqualKeys | None = None
    layout: dict[str, Any] = field(default_factory=dict)
    stops: bool = False
    _aside: int = 0
    _bytes: int = 0
    _is_full: bool = False

    def unique_column(self, name: str) -> UniqueColumn:
        """Return the values of a column with ``unique: true``."""
        if name not in self.unique:
            suspects = None if self.suspects is None else self.suspects.get(name, {})
            self.unique[name] = UniqueColumn(suspects)
        return self.unique[name]

    def equal_keys(self, rank: Rank | None) -> EqualKeys:
        """Return the keys so far.

        Args:
            rank: The order of the values of a column under ``newest``; None without such a column.
        """
        if self.keys is None:
            self.keys = EqualKeys(suspects=None if self.suspects is None else self.suspects.get(_KEYS, {}), rank=rank)
        return self.keys

    def equal_values(self) -> Mapping[str, Suspects] | None:
        """Return the cells of equal values for which the file must be read again; None if that is not needed."""
        found = {name: suspects for name, column in self.unique.items() if (suspects := column.finish())}
        if self.keys is not None and (suspects := self.keys.finish()):
            found[_KEYS] = suspects
        return {**(self.suspects or {}), **found} if found else None

    def finish(self, options: FolderOptions) -> None:
        """Judge the file as a whole, after its last row."""
        rows = self.report.rows
        if rows < options.min_rows:
            self._fail_all("min-rows", expected=f"at least {options.min_rows:,}", value=f"{rows:,}")
        if options.max_rows is not None and rows > options.max_rows:
            self._fail_all("max-rows", expected=f"at most {options.max_rows:,}", value=f"{rows:,}")
        bad = self.report.bad_rows
        if options.on_bad != "fail" and exceeds(bad, rows, options.max_bad):
            self._fail_all("max-bad", expected=f"at most {options.max_bad}", value=f"{bad:,} of {count(rows, 'row')}")

    def hold(self, rows: Sequence[AsideRow]) -> None:
        """Count rows that are set aside; too many fail the file."""
        self._aside += len(rows)
        self._bytes += sum(row.size for row in rows)
        if self._is_full or (self._aside <= MAX_ROWS and self._bytes <= MAX_BYTES):
            return
        self._is_full = True
        expected = f"at most {MAX_ROWS:,} rows and {MAX_BYTES // 2**20} MB a file"
        self._fail_all("quarantine-limit", expected=expected, value=count(self._aside, "row"))

    def _fail_all(self, rule: str, *, expected: str, value: str) -> None:
        """Add a fault of all rows for the table."""
        self.fail(rule, sheet=self.sheets, expected=expected, value=value)

    def fail(
        self,
        rule: str,
        *,
        sheet: str = "",
        column: str = "",
        header: str | None = None,
        cell: str = "",
        row: int = 0,
        expected: str | None = None,
        value: str | None = None,
        hint: str | None = None,
        place: tuple[int, int, int] = _FILE,
    ) -> None:
        """Add a fault of a column or of the file, which fails the file."""
        fault = CellFault(
            rule=rule,
            cell=cell,
            row=row,
            value=value,
            expected=expected,
            sheet=sheet,
            column=column,
            header=header,
            hint=hint,
        )
        self.report.add((sheet, column, rule, expected), 1, [(place, fault)])
        self.report.fails = True
