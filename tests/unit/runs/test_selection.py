"""Files that a run selects, and its message if there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgdatahub.config import Config, load_config
from pgdatahub.errors import ConfigError
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.runs.files.selection import Discovery, Selection, find_files


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
        ("data/sale", "data/sale: file or folder not found (did you mean data/sales?)"),
        ("sale", "sale: file or folder not found (did you mean sales?)"),
        ("sales/2026", "sales/2026: file or folder not found (did you mean sales/2025?)"),
        ("data/other", "data/other: file or folder not found (the data root is data)"),
        ("sales/2025/~$a.xlsx", "~$a.xlsx: no workbook there would be loaded (skipped: a lock file"),
        ("empty", "data/empty: no workbook there belongs to the data root"),
        ("~$a.xlsx", "~$a.xlsx: file or folder not found (the data root is data)"),
        ("x" * 300, "file or folder not found"),
        ("elsewhere", "elsewhere: no workbook there belongs to the data root (the data root is data)"),
    ],
)
def test_path_without_workbook_is_an_error_with_a_hint(config: Config, path: str, message: str) -> None:
    Path("elsewhere").mkdir()
    Path("data/empty").mkdir()
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


@pytest.mark.parametrize("written", ["sales", "sales/2025", "sales/2025/a.xlsx", "data/sales", "./sales"])
def test_a_path_may_leave_out_the_data_root(config: Config, written: str) -> None:
    for selection in (Selection(paths=(Path(written),)), Selection(reload=(Path(written),))):
        assert [source.identity for source in find(config, selection).files] == ["sales/2025/a.xlsx"]


def test_a_folder_elsewhere_does_not_hide_one_of_the_data_root(config: Config) -> None:
    Path("sales").mkdir()
    assert [source.identity for source in find(config, Selection(paths=(Path("sales"),))).files] == [
        "sales/2025/a.xlsx"
    ]


def test_a_path_of_the_working_directory_comes_first(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = Path("data/stock/sales")
    inner.mkdir()
    (inner / "b.xlsx").write_bytes(b"PK")
    config = config.model_copy(update={"data_root": str(Path("data").absolute())})
    monkeypatch.chdir("data/stock")
    found = find(config, Selection(paths=(Path("sales"),)))
    assert [source.identity for source in found.files] == ["stock/sales/b.xlsx"]


def configured(yaml: str) -> Config:
    Path("config").mkdir()
    Path("config/etl_config.yaml").write_text(yaml)
    return load_config()


@pytest.mark.usefixtures("config")
def test_configured_folders_that_cannot_load_are_named() -> None:
    Path("data/empty").mkdir()
    Path("data/notes").mkdir()
    Path("data/notes/a.txt").write_text("x")
    settings = configured(
        "slaes: {sheet: A, 2025: {sheet: B}}\nempty: {sheet: A}\nnotes: {sheet: A}\n"
        "sales: {2026: {sheet: A}}\nSTOCK: {sheet: A}\nnothing: {sheet: A}\n"
    )
    assert list(find(settings, Selection()).warnings) == [
        "config/etl_config.yaml:1: the folder slaes is not in the data root; did you mean sales?",
        "config/etl_config.yaml:2: the folder empty has no workbook",
        "config/etl_config.yaml:3: the folder notes has no workbook",
        "config/etl_config.yaml:4: the folder sales/2026 is not in the data root; did you mean sales/2025?",
        "config/etl_config.yaml:6: the folder nothing is not in the data root",
    ]


@pytest.mark.usefixtures("config")
def test_an_excluded_file_that_is_asked_for_is_explained() -> None:
    settings = configured('stock: {exclude: "a*"}\n')
    assert dict(find(settings, Selection()).ignored)['excluded by "a*"'] == ("stock/a.xlsx",)
    with pytest.raises(ConfigError, match=r'no workbook there would be loaded \(skipped: excluded by "a\*"\)'):
        find(settings, Selection(paths=(Path("stock/a.xlsx"),)))
