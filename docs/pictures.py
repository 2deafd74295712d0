"""Terminal pictures, and a report: real runs of the program on the quickstart's workbooks, under a pseudo-terminal.

``python docs/pictures.py FOLDER`` runs :data:`PICTURES` in order, in one directory and with an embedded server of its own,
and writes an SVG for each, and the report on the database. The documentation's build does this every time.
``python docs/pictures.py docs/static run`` writes only the picture that README shows, which the repository keeps.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

WIDTH: Final = 100
QUICKSTART: Final = Path(__file__).parents[1] / "examples" / "quickstart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture of a command and its output.

    Attributes:
        name: The file's name without its ending.
        command: The command as typed.
        prepare: A command to run before, without a picture.
    """

    name: str
    command: str
    prepare: str = ""


PICTURES: Final = (
    Picture(
        name="inspect",
        command="pgdatahub inspect 'data/sales/2025/orders 2025-03.xlsx'",
    ),
    Picture(name="plan", command="pgdatahub plan data/sales/2025"),
    Picture(name="run", command="pgdatahub run data/sales/2025"),
    Picture(name="second-run", command="pgdatahub run data/sales/2025"),
    Picture(name="verbose-run", command="pgdatahub run -v data/sales/2025"),
    Picture(name="revert", command="pgdatahub revert --source-file 'orders 2025-03.xlsx' --with-schema --yes"),
    Picture(name="history", command="pgdatahub history"),
)
"""The pictures, in the order in which to take them: each command continues from the state the one before left."""
REPORT: Final = "report.html"
"""The page that ``pgdatahub report`` makes of the state after the last command."""


def take_pictures(folder: Path, *, names: Collection[str] = ()) -> None:
    """Run the commands and write their pictures to a folder, which is created if it does not exist.

    Args:
        folder: The folder.
        names: The pictures to write; all if empty. All commands run, since each needs the ones before.

    Raises:
        RuntimeError: A command failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _place() as (directory, environment):
        for picture in PICTURES:
            if picture.prepare:
                subprocess.run(["bash", "-c", picture.prepare], cwd=directory, env=environment, check=True)  # noqa: S603, S607 - the commands above
            shown = _run(picture.command, directory, environment)
            svg = as_svg(picture.command, shown.replace(str(directory), "~/coffee"))
            if not names or picture.name in names:
                (folder / f"{picture.name}.svg").write_text(svg, encoding="utf-8")
        if not names:
            report = ["pgdatahub", "report", "--scan", "-o", str(folder.resolve() / REPORT)]
            subprocess.run(report, cwd=directory, env=environment, check=True, capture_output=True)  # noqa: S603 - likewise


@contextmanager
def _place() -> Iterator[tuple[Path, Mapping[str, str]]]:
    """Yield a directory with the quickstart in it, and an environment without this machine's settings."""
    # A short path: the path of a Unix socket has at most about 100 bytes.
    with tempfile.TemporaryDirectory(prefix="pictures-") as temporary:
        place = Path(temporary)
        place.chmod(0o711)  # as root, the server runs under another account, which must be able to enter
        directory = place / "coffee"
        for name in ("data", "config"):
            shutil.copytree(QUICKSTART / name, directory / name)
        kept = {name: os.environ[name] for name in ("HOME", "USER", "LANG") if name in os.environ}
        environment = {
            **kept,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PGDATAHUB_HOME": str(place / "home"),
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            # Colours as on a terminal, without progress bars.
            "TTY_INTERACTIVE": "0",
            "LC_ALL": "C.UTF-8",
        }
        # Start the server first, so that no picture shows the path of its data directory.
        start = ["pgdatahub", "db", "start"]
        subprocess.run(start, cwd=directory, env=environment, check=True, capture_output=True)  # noqa: S603 - likewise
        try:
            yield directory, environment
        finally:
            stop = ["pgdatahub", "db", "stop", "--force"]
            subprocess.run(stop, cwd=directory, env=environment, check=False, stderr=subprocess.DEVNULL)  # noqa: S603 - likewise


def _run(command: str, directory: Path, environment: Mapping[str, str]) -> str:
    """Return the output of a command on a terminal, with its colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, WIDTH, 0, 0))
    with subprocess.Popen(  # noqa: S603 - likewise
        ["bash", "-c", command],  # noqa: S607
        cwd=directory,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        pieces = []
        while True:
            try:
                piece = os.read(ours, 1 << 16)
            except OSError:  # Linux reports the end of a pseudo-terminal as EIO
                break
            if not piece:
                break
            pieces.append(piece)
    os.close(ours)
    shown = b"".join(pieces).decode().replace("\r\n", "\n")
    if process.returncode != 0:
        raise RuntimeError(f"{command}: exit code {process.returncode}\n{shown}")
    return shown


def as_svg(command: str, shown: str) -> str:
    """Return a picture of a command and its output, which may have ANSI colours."""
    import io

    from rich._export_format import CONSOLE_SVG_FORMAT
    from rich.console import Console
    from rich.text import Text

    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, legacy_windows=False)
    console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
    console.print(Text.from_ansi(shown.strip("\n")))
    # Rich's own frame, without the fonts that it would load from another server.
    frame = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    frame = frame.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace")
    return console.export_svg(title="coffee", code_format=frame, unique_id="terminal")


if __name__ == "__main__":
    take_pictures(Path(sys.argv[1]), names=sys.argv[2:])
