"""Workbooks that are zip files: opened, closed and located in errors in one way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Generic, Literal, TypeAlias, TypeVar

from pgdatahub.errors import FileError
from pgdatahub.model.files import MarkedOrigin
from pgdatahub.model.workbooks import RangeInfo, Sheet, SheetInfo, sheet_labels
from pgdatahub.readers.limits import DEFAULT_LIMITS, Limits
from pgdatahub.readers.packages.marked_origin import read_origins
from pgdatahub.readers.packages.package import Package

Reader: TypeAlias = Literal["native", "python", "parser"]
"""The compiled core; the row expression with the parser; the parser alone, by which the others are judged."""

AnySheet = TypeVar("AnySheet", bound=Sheet)


class PackageWorkbook(ABC, Generic[AnySheet]):
    """A workbook in a zip file, as :class:`pgdatahub.model.workbooks.Workbook` asks for.

    Args:
        file: A path, or the bytes, seekable; a file object given is closed with the workbook.
        name: The file's name, for errors.
        merged: Whether a merged area's value stands in its first cell or in all of them.
        limits: How much the file may ask.
        reader: The reader of the sheets.

    Raises:
        ReadError: The file cannot be read as such a workbook.
    """

    def __init__(
        self,
        file: BinaryIO | Path,
        *,
        name: str,
        merged: Literal["top_left", "fill"] = "top_left",
        limits: Limits = DEFAULT_LIMITS,
        reader: Reader = "python",
    ) -> None:
        self._name = name
        self._fill_merged = merged == "fill"
        self._limits = limits
        self._reader: Reader = reader
        self._ranges: Sequence[RangeInfo] | None = None
        self._file: BinaryIO = file.open("rb") if isinstance(file, Path) else file
        try:
            self._package = Package(self._file, limits)
            self._open_package(self._package)
            self._labels = sheet_labels(self.sheets)
        except FileError as error:
            self.close()
            raise error.located(name) from error
        except BaseException:
            self.close()
            raise

    @property
    @abstractmethod
    def sheets(self) -> Sequence[SheetInfo]:
        """The sheets with cells, in their order."""

    @property
    def ranges(self) -> Sequence[RangeInfo]:
        """The tables and named ranges; read at the first use.

        Raises:
            CorruptError: A part that has them is damaged.
        """
        if self._ranges is None:
            try:
                self._ranges = self._read_ranges()
            except FileError as error:
                raise error.located(self._name) from error
        return self._ranges

    @property
    def origins(self) -> Sequence[MarkedOrigin]:
        """The files whose corrected copy the workbook says to be; see :mod:`pgdatahub.readers.packages.marked_origin`."""
        return read_origins(self._package)

    def open(self, position: int) -> AnySheet:
        """Open the sheet ``sheets[position]``; one sheet at a time is open.

        Raises:
            ReadError: A part that the sheet needs is missing or damaged.
        """
        label = self._labels[position]
        where = f"{self._name} › {label}"
        try:
            return self._open_sheet(position, label, where)
        except FileError as error:
            raise self._explained(error, position).located(where) from error

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._file.close()

    @abstractmethod
    def _open_package(self, package: Package) -> None:
        """Read the parts that list the sheets."""

    @abstractmethod
    def _open_sheet(self, position: int, label: str, where: str) -> AnySheet:
        """Open a sheet under its label; ``where`` is the place for its errors."""

    @abstractmethod
    def _read_ranges(self) -> Sequence[RangeInfo]:
        """Read the tables and named ranges."""

    def _explained(self, error: FileError, position: int) -> FileError:
        """Return the error of a sheet that cannot be opened, with all that is known of it."""
        del position
        return error
