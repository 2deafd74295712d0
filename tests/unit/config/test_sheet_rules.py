"""Rules for sheets in ``etl_config.yaml``: keys, entries, inheritance, contradictions."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from pgdatahub.config import FolderOptions
from pgdatahub.config.folder_file import read_folders
from pgdatahub.config.sheet_keys import literal_characters
from pgdatahub.errors import ConfigError


def _options(tmp_path: Path, yaml: str, *parts: str) -> FolderOptions:
    path = tmp_path / "etl_config.yaml"
    path.write_text(yaml, encoding="utf-8")
    return read_folders(path, "config.yaml").options_for(parts or ("m",))


def test_entries_inherit_from_the_folder_and_override(tmp_path: Path) -> None:
    yaml = """
m:
  errors: fail
  columns: {Amount: {type: numeric, decimal: ","}}
  sheets:
    A: {table: a, errors: text, columns: {Amount: {decimal: ";"}}}
    B:
"""
    a, b = (rule.entries[0] for rule in _options(tmp_path, yaml).rules)
    assert (a.options.errors, b.options.errors) == ("text", "fail")
    assert (a.options.columns["Amount"].type, a.options.columns["Amount"].decimal) == ("numeric", ";")
    assert (a.table, b.table) == ("a", None)


@pytest.mark.parametrize(
    ("folder", "entry", "on_changed"),
    [
        ("on_bad: quarantine", "on_bad: fail", "append"),
        ("on_bad: quarantine", "errors: text", "replace"),
        ("on_bad: fail", "on_bad: blank", "replace"),
        ("on_bad: quarantine\n  on_changed: fail", "on_bad: blank", "fail"),
        ("on_bad: fail\n  on_changed: append", "on_bad: blank", "append"),
        ("key: id", "on_bad: fail", "replace"),
    ],
)
def test_the_entry_decides_on_changed_files(tmp_path: Path, folder: str, entry: str, on_changed: str) -> None:
    yaml = f"m:\n  {folder}\n  sheets: {{A: {{table: a, {entry}}}}}\n"
    (rule,) = _options(tmp_path, yaml).rules
    assert rule.entries[0].options.on_changed == on_changed


def test_a_subfolder_merges_entries_by_key_and_option(tmp_path: Path) -> None:
    yaml = """
m:
  sheets:
    A: {table: a, header_row: 2}
    L: [{table: x}, {table: y}]
  below:
    sheets:
      " a": {header_row: 3}
      L: {table: z}
"""
    rules = {rule.key: rule.entries for rule in _options(tmp_path, yaml, "m", "below").rules}
    assert [(entry.table, entry.options.header_row) for entry in rules[" a"]] == [("a", 3)]
    assert [entry.table for entry in rules["L"]] == ["z"]


def test_the_nearer_of_sheet_and_sheets_counts(tmp_path: Path) -> None:
    yaml = "default_sheet: D\nm:\n  sheets: {A: {}}\n  below:\n    sheet: B\n"
    assert (_options(tmp_path, yaml).sheet, len(_options(tmp_path, yaml).rules)) == (None, 1)
    below = _options(tmp_path, yaml, "m", "below")
    assert (below.sheet, below.rules) == (("B",), ())


@pytest.mark.parametrize(
    ("yaml", "line", "told"),
    [
        ("m:\n  sheet: A\n  sheets: {B: {}}\n", 2, "exclude each other"),
        ("m:\n  sheets: {A: {tabel: x}}\n", 2, "did you mean table"),
        ("m:\n  sheets: {A: {reader: calamine}}\n", 2, "an option of a folder"),
        ("m:\n  sheets: {A: {exclude: x}}\n", 2, "an option of a folder"),
        ("m:\n  sheets:\n    A: {}\n    'a ': {}\n", 4, "already defined"),
        ("m:\n  sheets:\n    A: {table: t, on_changed: fail}\n    B: {table: t}\n", 4, "config.yaml:3"),
        ("m:\n  sheets:\n    *: {}\n", 3, "quote"),
        ("m:\n  sheets: {A: 3}\n", 2, "must be followed by its options"),
        ("m:\n  sheets: {A: []}\n", 2, "is empty"),
        ("m:\n  sheets: [A]\n", 2, "must map names of sheets"),
    ],
)
def test_a_wrong_entry_names_its_line(tmp_path: Path, yaml: str, line: int, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _options(tmp_path, yaml)
    assert caught.value.where == f"config.yaml:{line}"
    assert told in str(caught.value)


def test_a_folder_named_sheets_ends_in_a_slash(tmp_path: Path) -> None:
    assert _options(tmp_path, "sheets/:\n  errors: fail\n", "sheets").errors == "fail"


def test_a_folder_without_sheets_keeps_its_fingerprint(tmp_path: Path) -> None:
    plain = FolderOptions(errors="fail").fingerprint
    assert _options(tmp_path, "m:\n  errors: fail\n  sheets: {A: {table: a}}\n").fingerprint == plain
    assert FolderOptions().fingerprint == "cc67d3d7c37bdbdec5e333b809b39d4633d52a9851cd33273c5ed7fbb3423148"


def test_options_with_rules_can_be_pickled(tmp_path: Path) -> None:
    options = _options(tmp_path, "m:\n  sheets: {A: {table: a}}\n")
    assert pickle.loads(pickle.dumps(options)) == options  # noqa: S301 - bytes of our own


def test_the_routing_changes_with_a_table_not_with_a_policy(tmp_path: Path) -> None:
    routing = _options(tmp_path, "m:\n  sheets: {A: {table: a}}\n").routing
    assert _options(tmp_path, "m:\n  on_changed: fail\n  sheets: {A: {table: a}}\n").routing == routing
    assert _options(tmp_path, "m:\n  sheets: {A: {table: b}}\n").routing != routing


@pytest.mark.parametrize(("key", "count"), [("Q*", 1), ("*", -1), ("Q[12]?", 1), ("a[]b]c", 2), ("a[b", 2), ("?", 0)])
def test_literal_characters_of_a_glob_are_counted(key: str, count: int) -> None:
    assert literal_characters(key) == count
