"""LibreOffice without a window: workbooks converted, and their cells changed as a person would."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOW_TO_GET_IT = "needs LibreOffice: apt-get install --no-install-recommends libreoffice-calc"
FILTERS = {
    ".xlsx": "Calc MS Excel 2007 XML",
    ".xlsm": "Calc MS Excel 2007 VBA XML",
    ".ods": "calc8",
    ".pdf": "calc_pdf_Export",
}
_MODULE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Work" script:language="StarBasic">
{source}
</script:module>
"""
_LIBRARY = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE library:library PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "library.dtd">
<library:library xmlns:library="http://openoffice.org/2000/library" library:name="Standard" library:readonly="false"
 library:passwordprotected="false">{element}</library:library>
"""
_WORK = """Sub Edit
  Dim hidden(0) As New com.sun.star.beans.PropertyValue
  hidden(0).Name = "Hidden" : hidden(0).Value = True
  Dim saved(0) As New com.sun.star.beans.PropertyValue
  saved(0).Name = "FilterName" : saved(0).Value = "{filter}"
  doc = StarDesktop.loadComponentFromURL("{source}", "_blank", 0, hidden())
{changes}
  doc.storeToURL("{target}", saved())
  doc.close(True)
  StarDesktop.terminate()
End Sub"""


_ADD_MACRO = """  doc.BasicLibraries.VBACompatibilityMode = True
  If Not doc.BasicLibraries.hasByName("Standard") Then doc.BasicLibraries.createLibrary("Standard")
  module = "Sub Hello" & Chr(10) & "{line}" & Chr(10) & "End Sub" & Chr(10)
  doc.BasicLibraries.getByName("Standard").insertByName("Greeting", module)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LibreOffice:
    """LibreOffice with a profile of its own.

    Attributes:
        program: The path of ``soffice``.
        profile: A directory for its profile.
    """

    program: str
    profile: Path

    @classmethod
    def find(cls, profile: Path) -> LibreOffice | None:
        """Return LibreOffice if it is installed."""
        program = shutil.which("soffice") or shutil.which("libreoffice")
        return None if program is None else cls(program=program, profile=profile)

    def save_as(
        self,
        source: Path,
        target: Path,
        changes: Mapping[tuple[str, str], str | float] | None = None,
        *,
        basic: str | None = None,
    ) -> Path:
        """Open a workbook, change cells, and save it in the format of the target's ending.

        Args:
            source: The workbook.
            target: The file to write.
            changes: Sheet and address → new content; an empty text as address deletes the sheet.
            basic: A line of Basic, which becomes a macro of the workbook.
        """
        lines = [_change(sheet, cell, value) for (sheet, cell), value in (changes or {}).items()]
        if basic is not None:
            lines += [_ADD_MACRO.format(line=basic.replace('"', '""'))]
        macro = _WORK.format(
            filter=FILTERS[target.suffix],
            source=source.resolve().as_uri(),
            target=target.resolve().as_uri(),
            changes="\n".join(lines),
        )
        command = [self.program, f"-env:UserInstallation={self.profile.resolve().as_uri()}"]
        command += ["--headless", "--norestore", "macro:///Standard.Work.Edit"]
        problem = ""
        for _ in range(2):  # the first start makes the profile, and may put another library in the place of this one
            self._write_library(macro)
            done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
            problem = done.stderr
            if target.exists():
                return target
        raise RuntimeError(f"LibreOffice did not write {target}: {problem}")

    def _write_library(self, macro: str) -> None:
        basic = self.profile / "user" / "basic" / "Standard"
        basic.mkdir(parents=True, exist_ok=True)
        escaped = macro.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
        (basic / "Work.xba").write_text(_MODULE.format(source=escaped), encoding="utf-8")
        element = '<library:element library:name="Work"/>'
        (basic / "script.xlb").write_text(_LIBRARY.format(element=element), encoding="utf-8")
        (basic / "dialog.xlb").write_text(_LIBRARY.format(element=""), encoding="utf-8")


def _change(sheet: str, cell: str, value: str | float) -> str:
    name = sheet.replace('"', '""')
    if not cell:
        return f'  doc.Sheets.removeByName("{name}")'
    place = f'  doc.Sheets.getByName("{name}").getCellRangeByName("{cell}")'
    if isinstance(value, str):
        text = value.replace('"', '""')
        return f'{place}.setString("{text}")'
    return f"{place}.setValue({value})"
