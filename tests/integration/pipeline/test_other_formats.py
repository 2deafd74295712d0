"""Every value of an .xls, .xlsb or .ods file is in the table, exactly: compared with xlrd, calamine and odfpy, cell for cell.

The files are the cases of this project and, where there is one, the corpus of other people's workbooks. Where a reader says
something else, ``allowed_differences.yaml`` says which side is right, and why; a difference that it allows and that is not there
any more is a failure too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from openpyxl.utils import get_column_letter, range_boundaries
from ruamel.yaml import YAML

from pgdatahub.model.results import FileResult, Outcome
from tests.integration.pipeline.test_cell_for_cell import CORPUS, DIFFERENCES, PROJECT, Loaded, _load, text_of
from tests.integration.pipeline.witnesses import READERS, Sheet

CASES: Final = PROJECT / "tests" / "cases"
FORMATS: Final = PROJECT / "tests" / "formats"
"""One workbook of all kinds of cells, saved in each format."""


def files(ending: str) -> dict[str, Path]:
    """Return the files of a format by the names that the list of differences has for them."""
    found = {f"cases/{path.name}": path for path in sorted(CASES.glob(f"*{ending}"))}
    found[f"formats/all{ending}"] = FORMATS / f"all{ending}"
    if CORPUS.is_dir():
        paths = sorted(path for path in CORPUS.rglob("*") if path.suffix.lower() == ending)
        found |= {path.relative_to(CORPUS).as_posix(): path for path in paths}
    return found


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A run over the files of a format, a folder for each sheet.

    Attributes:
        loaded: The run's report and its database.
        sheets: Folder → file, sheet, and the cells that the other reader finds there.
        unread: Files that the other reader cannot read, each with its reason.
    """

    loaded: Loaded
    sheets: Mapping[str, tuple[str, str, Sheet]]
    unread: Mapping[str, str]


@pytest.fixture(scope="module", params=READERS)
def compared(
    request: pytest.FixtureRequest, server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Compared]:
    ending: str = request.param
    directory = tmp_path_factory.mktemp(ending.strip("."))
    (directory / "config").mkdir()
    sheets: dict[str, tuple[str, str, Sheet]] = {}
    unread: dict[str, str] = {}
    settings = ["header_row: none", "errors: text", "uncached: blank"]
    for number, (file, path) in enumerate(files(ending).items()):
        try:
            found = READERS[ending](path)
        except Exception as error:  # noqa: BLE001 - the readers raise errors of many classes
            unread[file] = type(error).__name__
            continue
        for index, (sheet, cells) in enumerate(found.items()):
            folder = f"f{number:03d}_{index:02d}"
            (directory / "data" / folder).mkdir(parents=True)
            (directory / "data" / folder / path.name).symlink_to(path)
            sheets[folder] = file, sheet, cells
            settings += [f"{folder}/:", f"  sheet: {json.dumps([sheet], ensure_ascii=False)}"]
    (directory / "config" / "etl_config.yaml").write_text("\n".join(settings), encoding="utf-8")
    for loaded in _load(server_url, directory):
        yield Compared(loaded=loaded, sheets=sheets, unread=unread)


def _list(key: str, ending: str) -> list[dict[str, object]]:
    """Return the entries of the list that are about files of a format which are there."""
    known = files(ending)
    return [entry for entry in YAML(typ="safe", pure=True).load(DIFFERENCES)[key] if entry["file"] in known]


def _ending(compared: Compared) -> str:
    return Path(next(file for file, _, _ in compared.sheets.values())).suffix.lower()


def _addresses(area: str) -> Iterator[str]:
    """Yield the addresses of the cells of an area."""
    left, top, right, bottom = (int(each or 0) for each in range_boundaries(area))
    return (f"{get_column_letter(column)}{row}" for row in range(top, bottom + 1) for column in range(left, right + 1))


def _differences(
    compared: Compared, result: FileResult, folder: str
) -> Iterator[tuple[str, tuple[str | None, str | None]]]:
    """Yield address, other reader's value and table's value of each cell in which the two differ."""
    _, _, cells = compared.sheets[folder]
    names = list(compared.loaded.columns(folder)) if result.outcome is Outcome.LOADED else []
    rows = compared.loaded.rows(result, names) if names else []
    if len(rows) != len(cells):
        yield "rows", (str(len(cells)), str(len(rows)))
        return
    for (number, seen), row in zip(sorted(cells.items()), rows, strict=True):
        found = {int(name.removeprefix("column_")) - 1: text_of(value) for name, value in zip(names, row, strict=True)}
        for column in sorted(found.keys() | seen.keys()):
            theirs, ours = seen.get(column), found.get(column)
            if (theirs is None) != (ours is None) or (theirs and ours is not None and not theirs.agrees(ours)):
                yield f"{get_column_letter(column + 1)}{number}", (theirs.text if theirs else None, ours)


def test_tables_have_the_cells_that_another_reader_finds(compared: Compared) -> None:
    missing = {
        (entry["file"], entry["sheet"]): set(_addresses(str(entry["missing"])))
        for entry in _list("other formats", _ending(compared))
        if "missing" in entry
    }
    results = {result.source.identity.split("/")[0]: result for result in compared.loaded.report.results}
    differences: dict[tuple[str, str], dict[str, list[str | None]]] = {}
    cells = 0
    for folder, (file, sheet, seen) in compared.sheets.items():
        result = results[folder]
        if result.failure is not None:
            differences[file, sheet] = {"failure": [None, result.failure.kind]}
            continue
        if not seen and result.outcome is Outcome.SKIPPED:
            continue
        found = {address: list(values) for address, values in _differences(compared, result, folder)}
        unseen = missing.get((file, sheet), set())
        found = {address: values for address, values in found.items() if address not in unseen or values[0] is not None}
        if found:
            differences[file, sheet] = found
        cells += sum(map(len, seen.values()))
    assert cells > 40
    allowed: dict[tuple[object, object], dict[str, object]] = {}
    for entry in _list("other formats", _ending(compared)):
        assert entry["right"] in ("pgdatahub", "the other reader", "both")
        assert entry["reason"]
        if "missing" in entry:
            continue
        listed = entry["differences"]
        assert isinstance(listed, dict)
        allowed.setdefault((entry["file"], entry["sheet"]), {}).update(listed)
    assert differences == allowed


def test_files_that_the_other_reader_cannot_read_are_listed(compared: Compared) -> None:
    ending = _ending(compared)
    assert compared.unread == {str(entry["file"]): entry["error"] for entry in _list("unread by others", ending)}
