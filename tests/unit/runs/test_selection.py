"""Which of the files that are there a run takes up, and what it says where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgdatahub.config import Config, load_config
from pgdatahub.errors import ConfigError
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.runs.selection import Discovery, Selection, find_files


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The settings of a directory with workbooks, and lock files beside them, in two folders."""
    monkeypatch.chdir(tmp_path)
    for folder in ("sales/2025", "stock"):
        path = tmp_path / "data" / folder
        path.mkdir(parents=True)
        for name in ("a.xlsx", "~$a.xlsx"):
            (path / name).write_bytes(b"PK")
    return load_config()


def find(config: Config, selection: Selection) -> Discovery:
    return find_files(config, Stages(create_plugin_manager(disabled=())), selection)


@pytest.mark.parametrize(
    ("selection", "files", "passed_over"),
    [
        (Selection(), ["sales/2025/a.xlsx", "stock/a.xlsx"], ["sales/2025/~$a.xlsx", "stock/~$a.xlsx"]),
        (Selection(paths=(Path("data/stock"),)), ["stock/a.xlsx"], ["stock/~$a.xlsx"]),
        (Selection(paths=(Path("data/stock/a.xlsx"),)), ["stock/a.xlsx"], []),
        (Selection(tables=("stock",)), ["stock/a.xlsx"], ["stock/~$a.xlsx"]),
        (Selection(reload=(Path("data/sales"),)), ["sales/2025/a.xlsx"], ["sales/2025/~$a.xlsx"]),
        (
            Selection(paths=(Path("data/stock"),), reload=(Path("data/sales"),)),
            ["stock/a.xlsx", "sales/2025/a.xlsx"],
            ["sales/2025/~$a.xlsx", "stock/~$a.xlsx"],
        ),
        (Selection(tables=("stock",), reload=(Path("data/stock/a.xlsx"),)), ["stock/a.xlsx"], ["stock/~$a.xlsx"]),
    ],
)
def test_only_what_was_asked_for_is_taken_up_and_spoken_of(
    config: Config, selection: Selection, files: list[str], passed_over: list[str]
) -> None:
    found = find(config, selection)
    assert [source.identity for source in found.files] == files
    assert sorted(name for names in found.ignored.values() for name in names) == passed_over


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("sales", "sales: there is no such file or folder (it is below the data root: name it data/sales)"),
        ("sales/2025/a.xlsx", "it is below the data root: name it data/sales/2025/a.xlsx"),
        ("data/sale", "data/sale: there is no such file or folder (the data root is data)"),
        ("~$a.xlsx", "~$a.xlsx: there is no such file or folder (the data root is data)"),
        ("x" * 300, "there is no such file or folder"),
        ("elsewhere", "elsewhere: no workbook there belongs to the data root (the data root is data)"),
    ],
)
def test_path_without_workbook_is_an_error_with_a_hint(config: Config, path: str, message: str) -> None:
    Path("elsewhere").mkdir()
    with pytest.raises(ConfigError) as error:
        find(config, Selection(paths=(Path(path),)))
    assert message in str(error.value)


def test_directory_elsewhere_is_not_below_the_data_root(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path("data").absolute()
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    with pytest.raises(ConfigError) as error:
        find(config.model_copy(update={"data_root": str(root)}), Selection(paths=(Path(),)))
    assert f"no workbook there belongs to the data root (the data root is {root})" in str(error.value)
