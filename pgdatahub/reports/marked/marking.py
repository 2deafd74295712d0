"""Marked copy of a file: the workbook itself with marks, or a new workbook for a format that cannot be marked."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from pgdatahub.config import Config
from pgdatahub.errors import ConfigError, FileError
from pgdatahub.load.staging.file_hash import hash_once
from pgdatahub.model.files import MarkedOrigin, SourceFile
from pgdatahub.plugins.manager import Stages
from pgdatahub.readers.detect import Format, detect
from pgdatahub.readers.limits import DEFAULT_LIMITS
from pgdatahub.readers.packages.office_workbook import find_workbook_part
from pgdatahub.readers.packages.package import Package
from pgdatahub.reports.marked.errors import UnmarkableError
from pgdatahub.reports.marked.marks import Faults
from pgdatahub.reports.marked.new_workbook import write_new_workbook
from pgdatahub.reports.marked.package_marking import mark_package
from pgdatahub.reports.marked.rows import read_rows
from pgdatahub.system.atomic_write import replacing
from pgdatahub.system.storage import is_url

NEW_SUFFIX: Final = ".faults.xlsx"
"""The ending of a new workbook beside marked copies, behind the whole name of the sender's file."""
_OTHER: Final = "only .xlsx and .xlsm workbooks can be marked"
_PROTECTED: Final = "it is protected by a password, which this workbook is not"
_MODE: Final = 0o600
"""A copy has the values of a file that others may not be allowed to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedFile:
    """A file that was written for a sender.

    Attributes:
        path: The file.
        cells: The number of coloured cells.
        is_new: It is a new workbook, not a copy of the sender's one.
        remarks: Sentences about that which differs from the sender's workbook, beside the marks.
    """

    path: Path
    cells: int
    is_new: bool
    remarks: tuple[str, ...] = ()


def mark_file(
    source: SourceFile, faults: Faults, target: Path, *, stages: Stages, config: Config, new_target: Path | None = None
) -> MarkedFile:
    """Write the marked copy of a file.

    Args:
        source: The file.
        faults: Its faults.
        target: The path of the copy; its directory must exist.
        stages: The plugins, which read the rows for a new workbook.
        config: The settings.
        new_target: The path of a new workbook; by default ``target``.

    Raises:
        ConfigError: The copy would take the place of the file itself, or its name has an ending that does not fit.
        FileError: The file cannot be read any more.
        OSError: The copy cannot be written.
    """
    new = new_target or target
    for path in (target, new):
        _refuse_itself(source, path)
    with source.open() as file:
        try:
            found_format = detect(file).format
            if found_format is not Format.XLSX:
                raise UnmarkableError(_PROTECTED if found_format is Format.ENCRYPTED else _OTHER)
            # Before anything is written: Excel opens no workbook whose ending does not fit.
            _require_suffix(target, _suffix_of(file))
            sha256 = hash_once(source).sha256
            origin = MarkedOrigin(identity=source.identity, sha256=sha256, bytes=file.seek(0, os.SEEK_END))
            with replacing(target, mode=_MODE) as out:
                marked = mark_package(file, out, faults, DEFAULT_LIMITS, origin=origin)
            return MarkedFile(path=target, cells=marked.cells, is_new=False, remarks=marked.remarks)
        except (UnmarkableError, FileError) as error:
            reason = error.message if isinstance(error, FileError) else str(error)
    _require_suffix(new, ".xlsx")
    with_rows = source.options.shows_values
    found = read_rows(lambda: stages.read(source, config), faults, with_rows=with_rows)
    sentence = f"Your own workbook is not marked: {reason}."
    with replacing(new, mode=_MODE) as out:
        write_new_workbook(out, faults, found, sentence)
    cells = sum(len(columns) for sheet in found.sheets.values() for columns in sheet.bad.values())
    return MarkedFile(path=new, cells=cells, is_new=True, remarks=(f"a new workbook, since {reason}",))


def _refuse_itself(source: SourceFile, path: Path) -> None:
    if is_url(source.location) or not path.exists():
        return
    if path.samefile(source.location):
        raise ConfigError("the marked copy would replace the file itself", where=str(path), hint="name another file")


def _suffix_of(file: BinaryIO) -> str:
    """Return the ending that Excel wants for a workbook: macros and templates have their own."""
    package = Package(file, DEFAULT_LIMITS)
    part = find_workbook_part(package)
    types = {name.lower(): kind.lower() for name, kind in package.content_types().items()}
    return ".xlsm" if part is not None and "macroenabled" in types.get(part.lower(), "") else ".xlsx"


def _require_suffix(path: Path, suffix: str) -> None:
    if path.suffix.lower() != suffix:
        raise ConfigError(
            f"the marked copy is a {suffix} workbook, and Excel does not open it under another ending",
            where=str(path),
            hint=f"name it {path.stem}{suffix}",
        )
