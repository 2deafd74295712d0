from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pluggy
import pytest

from pgdatahub.config import Config, load_config
from pgdatahub.errors import ConfigError
from pgdatahub.model.files import SourceFile
from pgdatahub.plugins import discover_folders, specs
from pgdatahub.plugins.discover_folders import discover
from pgdatahub.plugins.manager import Stages


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def configured(root: Path | str, yaml: str = "", directory: Path | None = None) -> Config:
    directory = directory or Path(root).parent
    if yaml:
        (directory / "config").mkdir(exist_ok=True)
        (directory / "config" / "etl_config.yaml").write_text(yaml, encoding="utf-8")
    return load_config(overrides={"data_root": str(root)}, directory=directory)


def put(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"1234")


def found(files: list[SourceFile]) -> list[str]:
    return [file.identity for file in files if file.ignored is None]


def ignored(files: list[SourceFile]) -> dict[str, str]:
    return {file.identity: file.ignored for file in files if file.ignored is not None}


def test_every_workbook_belongs_to_the_table_of_its_folder(root: Path) -> None:
    put(root, "Sales/a.xlsx", "Sales/2024/Q1 West/b.XLS", "Sales/c.Ods", "x/d.xlsb", "x/e.xlsm")
    files = list(discover(configured(root)))
    assert {file.identity: file.table.name for file in files} == {
        "Sales/a.xlsx": "sales",
        "Sales/c.Ods": "sales",
        "Sales/2024/Q1 West/b.XLS": "sales_2024_q1_west",
        "x/d.xlsb": "x",
        "x/e.xlsm": "x",
    }
    assert all(file.ignored is None and file.size == 4 and file.table.schema == "public" for file in files)
    assert [file.location for file in files] == [f"{root}/{file.identity}" for file in files]


def test_the_order_is_a_persons_whatever_the_file_system_says(root: Path) -> None:
    put(root, "b/w10.xlsx", "b/W9.xlsx", "b/a/z.xlsx", "a10/x.xlsx", "a9/x.xlsx", "b/w9.xlsx", "b/w.xlsx")
    files = found(list(discover(configured(root))))
    assert files == ["a9/x.xlsx", "a10/x.xlsx", "b/W9.xlsx", "b/w9.xlsx", "b/w10.xlsx", "b/w.xlsx", "b/a/z.xlsx"]


def test_folders_that_differ_by_case_only_are_one_table(root: Path) -> None:
    put(root, "Sales/a.xlsx", "sales/b.xlsx")
    assert {file.table.name for file in discover(configured(root))} == {"sales"}


def test_the_folders_options_name_table_and_schema(root: Path) -> None:
    put(root, "sales/a.xlsx", "other/b.xlsx")
    files = list(discover(configured(root, "sales:\n  table: turnover\n  schema: finance\n  header_row: 3\n")))
    by_identity = {file.identity: file for file in files}
    assert str(by_identity["sales/a.xlsx"].table) == "finance.turnover"
    assert by_identity["sales/a.xlsx"].options.header_row == 3
    assert str(by_identity["other/b.xlsx"].table) == "other"


def test_what_is_no_candidate_is_named_with_the_reason(root: Path) -> None:
    put(root, "in_root.xlsx", "s/~$a.xlsx", "s/.b.xlsx", "s/.git/c.xlsx", "s/.git/deep/d.xlsx", "s/e.csv", "s/README")
    os.mkfifo(root / "s" / "pipe.xlsx")
    (root / "s" / "nowhere.xlsx").symlink_to(root / "missing.xlsx")
    files = list(discover(configured(root)))
    assert found(files) == []
    reasons = ignored(files)
    assert set(reasons) == {
        "in_root.xlsx", "s/~$a.xlsx", "s/.b.xlsx", "s/.git/c.xlsx", "s/.git/deep/d.xlsx", "s/e.csv", "s/README",
        "s/pipe.xlsx", "s/nowhere.xlsx",
    }  # fmt: skip
    assert "directly in the data root" in reasons["in_root.xlsx"]
    assert "lock file" in reasons["s/~$a.xlsx"]
    assert reasons["s/.b.xlsx"] == "a hidden file"
    assert reasons["s/.git/c.xlsx"] == reasons["s/.git/deep/d.xlsx"] == "in a hidden folder"
    assert reasons["s/e.csv"] == "not a workbook: .csv (needs pgdatahub-read-csv)"
    assert reasons["s/README"] == "not a workbook: no suffix"
    assert reasons["s/pipe.xlsx"] == "not a regular file"
    assert reasons["s/nowhere.xlsx"] == "the link is broken"


EXCLUDES = """
exclude: ["_old", "*draft*", "tmp/", "/s/x.xlsx"]
s:
  exclude: ["2024/*.xls", "**/copy.xlsx"]
  2025: {exclude: [b.xlsx]}
"""


def test_excluded_files_and_folders_are_left_out(root: Path) -> None:
    left_out = [
        "_old/a.xlsx", "s/_OLD/a.xlsx", "s/Draft 1.xlsx", "s/2025/my draft.xlsx", "s/tmp/a.xlsx", "s/x.xlsx",
        "s/2024/a.xls", "s/copy.xlsx", "s/2025/deep/copy.xlsx", "s/2025/b.xlsx", "s/2025/q/b.xlsx",
    ]  # fmt: skip
    kept = ["s/a.xlsx", "s/tmp.xlsx", "s/2024/a.xlsx", "s/2024/q/a.xls", "s/2025/x.xlsx", "s/b.xlsx", "t/s/x.xlsx"]
    put(root, *left_out, *kept)
    files = list(discover(configured(root, EXCLUDES)))
    assert sorted(found(files)) == sorted(kept)
    reasons = ignored(files)
    assert reasons["_old"] == 'excluded by "_old"'
    assert reasons["s/tmp"] == 'excluded by "tmp/"'
    assert reasons["s/2025/b.xlsx"] == 'excluded by "b.xlsx"'
    assert len(reasons) == len(left_out), "a folder counts as one"


def test_an_excluded_folder_is_not_read(root: Path) -> None:
    put(root, "s/a.xlsx", "_old/b.xlsx")
    (root / "_old" / "loop").symlink_to(root / "_old" / "loop")
    files = list(discover(configured(root, "exclude: _old")))
    assert set(ignored(files)) == {"_old"}
    assert not any(file.unreadable for file in files)


def test_excluding_files_changes_no_fingerprint(root: Path) -> None:
    plain, excluding = (configured(root, f"s: {{{more}}}").folders.options_for(["s"]) for more in ("", "exclude: x"))
    assert excluding.exclude == ("x",)
    assert plain.fingerprint == excluding.fingerprint


def test_files_without_bytes_are_not_ignored(root: Path) -> None:
    (root / "s").mkdir()
    (root / "s" / "a.xlsx").touch()
    assert found(list(discover(configured(root)))) == ["s/a.xlsx"]


def test_circles_of_links_end(root: Path) -> None:
    put(root, "a/x.xlsx", "b/y.xlsx")
    (root / "a" / "up").symlink_to(root)
    (root / "a" / "self").symlink_to(root / "a")
    (root / "a" / "b").symlink_to(root / "b")
    (root / "b" / "a").symlink_to(root / "a")
    (root / "b" / "loop").symlink_to(root / "b" / "loop")
    files = list(discover(configured(root)))
    assert found(files) == ["a/x.xlsx", "a/b/y.xlsx", "b/y.xlsx", "b/a/x.xlsx"]
    assert ignored(files)["a/up"] == "the link leads to a folder that contains it"
    assert "b/loop" in ignored(files)


def test_a_data_root_that_is_a_link_stays_as_written(root: Path) -> None:
    put(root, "s/a.xlsx")
    link = root.parent / "link"
    link.symlink_to(root)
    assert [file.location for file in discover(configured(link))] == [f"{link}/s/a.xlsx"]


def test_a_missing_data_root_says_what_to_do(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere: the data root does not exist .*pgdatahub init"):
        discover(configured(root / "nowhere", directory=root))


def test_a_data_root_that_is_a_file_is_a_configuration_error(root: Path) -> None:
    put(root, "file")
    with pytest.raises(ConfigError, match="file: the data root cannot be read: Not a directory"):
        discover(configured(root / "file"))


def test_a_data_root_at_a_url_is_left_to_its_driver(root: Path) -> None:
    assert list(discover_folders.pgdatahub_discover(configured("s3://bucket/data", directory=root))) == []


def test_a_compound_suffix_is_the_end_of_a_name(root: Path) -> None:
    put(root, "s/a.csv.gz", "s/b.gz", "s/c.csv.GZ", "s/d.tar.gz")
    assert found(list(discover(configured(root), {".csv.gz"}))) == ["s/a.csv.gz", "s/c.csv.GZ"]
    assert ignored(list(discover(configured(root)))) == {
        "s/a.csv.gz": "not a workbook: .csv.gz (needs pgdatahub-read-csv)",
        "s/c.csv.GZ": "not a workbook: .csv.gz (needs pgdatahub-read-csv)",
        "s/b.gz": "not a workbook: .gz",
        "s/d.tar.gz": "not a workbook: .gz",
    }


def test_a_folder_that_cannot_be_read_is_named() -> None:
    # Not below pytest's own folder, which only root can enter. Root can read everything, so another account discovers.
    with TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        put(root, "open/a.xlsx", "shut/b.xlsx")
        (root / "shut").chmod(0)
        program = (
            "import json, os, sys\n"
            "from pathlib import Path\n"
            "from pgdatahub.config import load_config\n"
            "from pgdatahub.plugins.discover_folders import discover\n"
            "from pgdatahub import model\n"
            "config = load_config(overrides={'data_root': sys.argv[1]}, directory=Path(sys.argv[1]))\n"
            "if os.getuid() == 0:\n"
            "    os.setuid(65534)\n"
            "print(json.dumps([[file.identity, file.ignored, file.unreadable] for file in discover(config)]))\n"
        )
        command = [sys.executable, "-c", program, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
        (root / "shut").chmod(0o755)
    assert json.loads(done.stdout or done.stderr) == [
        ["open/a.xlsx", None, False],
        ["shut", "the folder cannot be read: Permission denied", True],
    ]


def test_links_that_lead_nowhere_or_in_circles_may_hide_folders(root: Path) -> None:
    put(root, "s/a.xlsx")
    for name in ("share", ".hidden", "~$lock", "s/gone.xlsx", "s/notes.txt"):
        (root / name).symlink_to(root / "not mounted")
    for name in ("loop", "s/loop.xlsx"):
        (root / name).symlink_to(root / name)
    files = list(discover(configured(root)))
    assert found(files) == ["s/a.xlsx"]
    assert {file.identity: file.ignored for file in files if file.unreadable} == {
        "share": "the folder cannot be read: No such file or directory",
        "loop": "the folder cannot be read: Too many levels of symbolic links",
        "s/loop.xlsx": "the folder cannot be read: Too many levels of symbolic links",
    }


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other limits")
def test_a_path_that_is_too_long_is_unreadable(root: Path) -> None:
    put(root, "s/a.xlsx")
    descriptor = os.open(root, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("x" * 250, dir_fd=descriptor)
        deeper = os.open("x" * 250, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = deeper
    os.close(descriptor)
    files = list(discover(configured(root)))
    assert found(files) == ["s/a.xlsx"]
    (long,) = (file for file in files if file.unreadable)
    assert long.ignored == "the folder cannot be read: File name too long"
    shutil.rmtree(root / ("x" * 250))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_only_names_that_no_table_can_hold_are_ignored(root: Path) -> None:
    put(root, "s/a\nb.xlsx", "s/ü 中.xlsx")
    put(root, os.fsdecode(b"s/caf\xe9.xlsx"), os.fsdecode(b"t\xff/x.xlsx"))
    files = list(discover(configured(root)))
    assert sorted(found(files)) == ["s/a\nb.xlsx", "s/ü 中.xlsx"]
    assert ignored(files) == {
        "s/caf\\xe9.xlsx": "its name is not valid UTF-8",
        "t\\xff/x.xlsx": "its name is not valid UTF-8",
    }
    for file in files:
        assert (file.location + file.identity + file.table.name).encode()


def test_a_plugin_finds_its_own_endings_by_the_same_walk(root: Path) -> None:
    put(root, "s/a.csv", "s/b.xlsx")
    files = list(discover(configured(root), frozenset({".csv"})))
    assert found(files) == ["s/a.csv"]
    assert ignored(files) == {"s/b.xlsx": "not a workbook: .xlsx"}


def test_the_hook_finds_what_the_function_finds(root: Path) -> None:
    put(root, "s/a.xlsx")
    config = configured(root)
    manager = pluggy.PluginManager(specs.PROJECT)
    manager.add_hookspecs(specs)
    manager.register(discover_folders)
    assert list(Stages(manager).discover(config)) == list(discover(config))


def test_importing_the_plugin_imports_only_needed_modules() -> None:
    program = (
        "import sys, pgdatahub.plugins.discover_folders\n"
        "assert not {'pydantic', 'ruamel', 'sqlalchemy', 'pgdatahub.config'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
