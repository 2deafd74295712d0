"""Pictures of a marked workbook in LibreOffice's own window, on a screen that is not there.

``python docs/workbook_pictures.py docs/static`` makes a workbook with five kinds of faults, has ``pgdatahub check --mark`` mark it,
and takes the pictures. They are kept in the repository, since a build of the documentation has no office program. The script needs
LibreOffice, Xvfb, xdotool and ImageMagick
(``apt-get install --no-install-recommends libreoffice-calc xvfb xdotool imagemagick``) and XlsxWriter.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

SCREEN: Final = ":97"
SIZE: Final = "1180x560x24"
CONTRACT: Final = """orders:
  columns:
    Order ID: {required: true, unique: true}
    Status: {values: [open, paid]}
    Amount: {type: numeric, min: 0}
    Day: {type: date, format: "%d.%m.%Y"}
    Code: {pattern: "[A-Z]-[0-9]+"}
"""
CUSTOMERS: Final = ("Aalto Oy", "Bergström AB", "Costa Lda", "Dubois SA", "Evans Ltd", "Fischer GmbH", "Garcia SL")
FAULTS: Final = {"C4": "Open", "D6": -4, "E8": "soon", "F10": "a 9", "A12": 1001}
"""Cell → wrong content, one for each rule."""


def take_pictures(folder: Path) -> None:
    """Mark a workbook, and write pictures of its list and of its cells to a folder.

    Args:
        folder: The folder; it must exist.

    Raises:
        RuntimeError: A program failed, or LibreOffice showed no window.
    """
    with tempfile.TemporaryDirectory(prefix="pictures-") as temporary:
        place = Path(temporary)
        marked = _marked_workbook(place)
        with _screen() as environment:
            command = ["soffice", f"-env:UserInstallation={(place / 'profile').as_uri()}", "--norestore", "--nologo"]
            with subprocess.Popen([*command, str(marked)], env=environment, stderr=subprocess.DEVNULL) as office:  # noqa: S603 - as written above
                try:
                    _wait_for_window(marked.name, environment)
                    _take(folder / "marked-list.png", environment)
                    _do("xdotool key ctrl+Prior", environment)
                    _do("xdotool mousemove 400 190 sleep 0.5 mousemove 402 192", environment)  # over C4
                    _take(folder / "marked-cells.png", environment)
                finally:
                    _do(f"pkill -P {office.pid}", environment, check=False)
                    office.terminate()


def write_workbook(path: Path) -> None:
    """Write a workbook with a chart, and with a fault of each kind."""
    import xlsxwriter

    workbook = xlsxwriter.Workbook(path)
    sheet = workbook.add_worksheet("Orders")
    heading = workbook.add_format({"bold": True, "bg_color": "#E8EEF4", "bottom": 1})
    money = workbook.add_format({"num_format": "#,##0.00"})
    sheet.write_row(0, 0, ["Order ID", "Customer", "Status", "Amount", "Day", "Code"], heading)
    for row in range(1, 17):
        status = "paid" if row % 3 == 1 else "open"
        sheet.write_row(row, 0, [1000 + row, CUSTOMERS[row % len(CUSTOMERS)], status])
        sheet.write(row, 3, row * 12.5, money)
        sheet.write_row(row, 4, [f"{row:02}.03.2025", f"A-{100 + row}"])
    for cell, value in FAULTS.items():
        sheet.write(cell, value, *([money] if cell.startswith("D") else []))
    sheet.set_column(0, 0, 10)
    sheet.set_column(1, 1, 16)
    sheet.set_column(2, 5, 12)
    chart = workbook.add_chart({"type": "column"})
    chart.add_series({"values": "=Orders!$D$2:$D$17", "categories": "=Orders!$A$2:$A$17"})
    chart.set_legend({"none": True})
    sheet.insert_chart("H2", chart, {"x_scale": 0.75, "y_scale": 0.75})
    workbook.close()


def _marked_workbook(place: Path) -> Path:
    (place / "config").mkdir()
    (place / "config" / "etl_config.yaml").write_text(CONTRACT, encoding="utf-8")
    (place / "data" / "orders").mkdir(parents=True)
    write_workbook(place / "data" / "orders" / "march.xlsx")
    command = [str(Path(sys.executable).with_name("pgdatahub")), "check", "data", "--mark", "march.xlsx"]
    done = subprocess.run(command, cwd=place, check=False, capture_output=True, text=True)  # noqa: S603 - as written above
    if not (place / "march.xlsx").exists():
        raise RuntimeError(f"pgdatahub check --mark: {done.stdout}{done.stderr}")
    return place / "march.xlsx"


@contextmanager
def _screen() -> Iterator[dict[str, str]]:
    """Yield the environment of a screen that is not there."""
    with subprocess.Popen(["Xvfb", SCREEN, "-screen", "0", SIZE], stderr=subprocess.DEVNULL) as server:  # noqa: S603, S607 - as above
        try:
            time.sleep(2)
            yield {**os.environ, "DISPLAY": SCREEN}
        finally:
            server.terminate()


def _wait_for_window(name: str, environment: dict[str, str]) -> None:
    for _ in range(60):
        time.sleep(1)
        if _do(f"xdotool search --onlyvisible --name {name}", environment, check=False):
            time.sleep(5)  # until the window has its content
            return
    raise RuntimeError("LibreOffice showed no window")


def _take(path: Path, environment: dict[str, str]) -> None:
    time.sleep(2)
    # Without the date, so that an unchanged picture is an unchanged file.
    _do(f"import -window root {path}", environment)
    _do(f"convert {path} +dither -colors 64 -strip -define png:exclude-chunks=date,time PNG8:{path}", environment)


def _do(command: str, environment: dict[str, str], *, check: bool = True) -> str:
    done = subprocess.run(command.split(), env=environment, check=False, capture_output=True, text=True)  # noqa: S603 - as above
    if check and done.returncode != 0:
        raise RuntimeError(f"{command}: {done.stderr}")
    return done.stdout


if __name__ == "__main__":
    take_pictures(Path(sys.argv[1]).resolve())
