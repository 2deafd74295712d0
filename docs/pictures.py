"""Terminal pictures, and a report: real runs of the program on the quickstart's workbooks, under a pseudo-terminal.

``python docs/pictures.py FOLDER`` runs :data:`PICTURES` in order, in one directory and with an embedded server of its own,
and writes an SVG for each, and the report on the database. The documentation's build does this every time.
:mod:`terminal_session` records the session that README shows.
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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console

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


def take_pictures(folder: Path) -> None:
    """Run the commands and write their pictures to a folder, which is created if it does not exist.

    Args:
        folder: The folder.

    Raises:
        RuntimeError: A command failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with place() as (directory, environment):
        for picture in PICTURES:
            if picture.prepare:
                subprocess.run(["bash", "-c", picture.prepare], cwd=directory, env=environment, check=True)  # noqa: S603, S607 - the commands above
            shown = _run(picture.command, directory, environment)
            svg = as_svg(picture.command, shown.replace(str(directory), "~/coffee"))
            (folder / f"{picture.name}.svg").write_text(svg, encoding="utf-8")
        report = ["pgdatahub", "report", "--scan", "-o", str(folder.resolve() / REPORT)]
        subprocess.run(report, cwd=directory, env=environment, check=True, capture_output=True)  # noqa: S603 - likewise


@contextmanager
def place() -> Iterator[tuple[Path, Mapping[str, str]]]:
    """Yield a directory with the quickstart in it, and an environment without this machine's settings."""
    # A short path: the path of a Unix socket has at most about 100 bytes.
    with tempfile.TemporaryDirectory(prefix="pictures-") as temporary:
        root = Path(temporary)
        root.chmod(0o711)  # as root, the server runs under another account, which must be able to enter
        directory = root / "coffee"
        for name in ("data", "config"):
            shutil.copytree(QUICKSTART / name, directory / name)
        kept = {name: os.environ[name] for name in ("HOME", "USER", "LANG") if name in os.environ}
        environment = {
            **kept,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PGDATAHUB_HOME": str(root / "home"),
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
    return "\n".join(lines_of(command, directory, environment))


def lines_of(command: str, directory: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of a command's output on a terminal as they come, with their colours.

    Raises:
        RuntimeError: The command failed.
    """
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
        shown = rest = b""
        while True:
            try:
                piece = os.read(ours, 1 << 16)
            except OSError:  # Linux reports the end of a pseudo-terminal as EIO
                break
            if not piece:
                break
            shown += piece
            *lines, rest = (rest + piece).split(b"\n")
            yield from (line.removesuffix(b"\r").decode() for line in lines)
        if rest:
            yield rest.decode()
    os.close(ours)
    if process.returncode != 0:
        raise RuntimeError(f"{command}: exit code {process.returncode}\n{shown.decode()}")


def as_svg(command: str, shown: str) -> str:
    """Return a picture of a command and its output, which may have ANSI colours."""
    return frame(f"\x1b[1;32m$ \x1b[0m\x1b[1m{command}\x1b[0m\n" + shown.strip("\n"))


def frame(shown: str) -> str:
    """Return a picture of a terminal with a text, which may have ANSI colours."""
    from rich._export_format import CONSOLE_SVG_FORMAT
    from rich.text import Text

    console = _console()
    console.print(Text.from_ansi(shown))
    # Rich's own frame, without the fonts that it would load from another server.
    window = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    window = window.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace")
    return console.export_svg(title="coffee", code_format=window, unique_id="terminal")


def rows_of(line: str) -> int:
    """Return the number of rows that a line takes on the terminal."""
    from rich.text import Text

    console = _console()
    return max(1, len(Text.from_ansi(line).wrap(console, WIDTH)))


def _console() -> Console:
    import io

    from rich.console import Console

    return Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, legacy_windows=False)


if __name__ == "__main__":
    take_pictures(Path(sys.argv[1]))
