from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pgdatahub.config import FolderOptions
from pgdatahub.config.folder_file import read_folders
from pgdatahub.config.folders import FolderTree
from pgdatahub.errors import ConfigError
from pgdatahub.values.identifiers import ColumnNames

SHOWN = "config/etl_config.yaml"
Read = Callable[[str | bytes], FolderTree]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def write_and_read(text: str | bytes) -> FolderTree:
        path = tmp_path / "etl_config.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_folders(path, SHOWN)

    return write_and_read


def folders(tree: FolderTree) -> list[str]:
    return ["/".join(folder.parts) for folder in tree.configured_folders()]


def test_a_folder_has_its_own_sheet_its_parents_or_the_default(read: Read) -> None:
    tree = read("default_sheet: Sheet1\nsales:\n  sheet: SalesData\n  2024:\n    sheet: Q1_Sales\n  2025: {}\nhr:\n")
    assert tree.options_for(["sales"]).sheet == ("SalesData",)
    assert tree.options_for(["sales", "2024"]).sheet == ("Q1_Sales",)
    assert tree.options_for(["sales", "2024", "deeper"]).sheet == ("Q1_Sales",)
    assert tree.options_for(["sales", "2025"]).sheet == ("SalesData",)
    assert tree.options_for(["hr"]).sheet == ("Sheet1",)
    assert tree.options_for(["unmentioned"]).sheet == ("Sheet1",)
    assert tree.options_for([]).sheet == ("Sheet1",)


def test_options_of_the_whole_file_are_inherited_by_every_folder(read: Read) -> None:
    tree = read("errors: fail\ndefault_sheet: A\nsales:\n  errors: text\n")
    assert tree.options_for(["sales"]).errors == "text"
    assert tree.options_for(["hr"]).errors == "fail"


def test_folders_match_without_case_and_unicode_composition(read: Read) -> None:
    tree = read("SALES:\n  Größe:\n    sheet: x\n")
    assert tree.options_for(["sales", "Gro\u0308ße"]).sheet == ("x",)
    assert tree.options_for(["Sales", "GRÖSSE"]).sheet == ("x",)


@pytest.mark.parametrize(
    "name", ["007", "2024", "2024_01", "2024-01-15", "1e3", "0x10", "no", "on", "1:30", "true", ".5", "+1"]
)
def test_folder_and_sheet_names_are_taken_as_written(read: Read, name: str) -> None:
    tree = read(f"{name}:\n  sheet: {name}\n")
    assert folders(tree) == [name]
    assert tree.options_for([name]).sheet == (name,)


def test_a_key_with_a_final_slash_is_always_a_folder(read: Read) -> None:
    tree = read("sheet/:\n  sheet: x\ncolumns/:\n  sheet: y\nerrors/:\n")
    assert folders(tree) == ["sheet", "columns", "errors"]
    assert tree.options_for(["columns"]).sheet == ("y",)


def test_an_option_name_with_a_mapping_is_a_folder(read: Read) -> None:
    tree = read("types:\n  sheet: x\ncolumns:\n  a: {skip: true}\n")
    assert folders(tree) == ["types"]
    assert tree.options_for(["types"]).columns["a"].skip


def test_a_path_is_a_folder_in_a_folder(read: Read) -> None:
    tree = read("sales/2024/:\n  sheet: x\n")
    assert folders(tree) == ["sales", "sales/2024"]
    assert tree.options_for(["sales"]).sheet is None
    assert tree.options_for(["sales", "2024"]).sheet == ("x",)


def test_an_empty_folder_has_the_defaults(read: Read) -> None:
    assert folders(read("sales:\nhr: ~\n")) == ["sales", "hr"]


def test_a_configured_folder_knows_its_line(read: Read) -> None:
    tree = read("# first\nsales:\n  sheet: x\n  2024:\n    sheet: y\n")
    assert [folder.where for folder in tree.configured_folders()] == [f"{SHOWN}:2", f"{SHOWN}:4"]


def test_a_sheet_may_be_a_list(read: Read) -> None:
    assert read("a:\n  sheet: [Q1, 'Q*', 2024]\n").options_for(["a"]).sheet == ("Q1", "Q*", "2024")


def test_every_option_of_a_folder_is_read(read: Read) -> None:
    options = read(
        """
a:
  sheet_column: Quarter
  header_row: auto
  skip_rows: 2
  stop_at: blank
  errors: text
  uncached: blank
  merged: fill
  hidden: skip
  nulls: [n/a, "-", "", null]
  table: All Sales
  schema: Raw
  on_changed: replace
  new_columns: freeze
  types: freeze
"""
    ).options_for(["a"])
    assert options.sheet_column == "quarter"
    assert (options.header_row, options.skip_rows, options.stop_at) == ("auto", 2, "blank")
    assert (options.errors, options.uncached, options.merged, options.hidden) == ("text", "blank", "fill", "skip")
    assert options.nulls == ("n/a", "-", "", "null")
    assert (options.table, options.schema) == ("all_sales", "Raw")
    assert (options.on_changed, options.new_columns, options.types) == ("replace", "freeze", "freeze")


def test_a_column_inherits_option_by_option(read: Read) -> None:
    tree = read(
        """
sales:
  columns:
    Amount: {type: numeric, nulls: n/a}
  2024:
    columns:
      Amount: {decimal: ","}
      007: {skip: true}
"""
    )
    assert tree.options_for(["sales"]).columns["Amount"].decimal is None
    amount = tree.options_for(["sales", "2024"]).columns["Amount"]
    assert (amount.type, amount.decimal, amount.nulls) == ("numeric", ",", ("n/a",))
    assert set(tree.options_for(["sales", "2024"]).columns) == {"Amount", "007"}


@pytest.mark.parametrize("text", ["", "\n\n", "# a comment\n", "---\n", "~\n", "\ufeff", "{}"])
def test_an_empty_file_leaves_all_defaults(read: Read, text: str) -> None:
    assert read(text) == FolderTree()


def test_windows_line_ends_and_a_byte_order_mark_are_fine(read: Read) -> None:
    assert read("\ufeffsales:\r\n  sheet: x\r\n").options_for(["sales"]).sheet == ("x",)


def test_a_tree_survives_the_way_to_another_process(read: Read) -> None:
    tree = read("sales:\n  columns: {a: {type: date}}\n")
    assert pickle.loads(pickle.dumps(tree)) == tree  # noqa: S301 - bytes of our own


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("sales:\n  shet: x\n", 2, "'shet' is not an option", "did you mean sheet?"),
        ("sales:\n  Header_Row: 1\n", 2, "'Header_Row' is not an option", "did you mean header_row?"),
        ("sales:\n  default_sheet: x\n", 2, "'default_sheet' is not an option", "a folder is followed by"),
        ("sales: SalesData\n", 1, "'sales' is not an option", "sales: {sheet: SalesData}"),
        ("sales/: SalesData\n", 1, "must be followed by its options", "sheet: Sheet1"),
        ("a:\n  errors: blnk\n", 2, "errors must be one of blank, text, fail, not 'blnk'", "did you mean blank?"),
        ("a:\n  header_row: 0\n", 2, "header_row must be the number of a row", None),
        ("a:\n  header_row: last\n", 2, "not 'last'", None),
        ("a:\n  header_row: 1.5\n", 2, "not '1.5'", None),
        ("a:\n  skip_rows: -1\n", 2, "skip_rows must be a whole number, 0 or more, not '-1'", None),
        ("a:\n  skip_rows: [1]\n", 2, "not ['1']", None),
        ("a:\n  encoding: base64\n", 2, "encoding must be the name of an encoding such as utf-8", None),
        ("a:\n  encoding: latin 99\n", 2, "Python knows no such encoding of texts", None),
        ("a:\n  encoding: unicode_escape\n", 2, "is a notation, not the encoding of a file", None),
        ("a:\n  delimiter: ab\n", 2, "delimiter must be a single character, or tab, comma", None),
        ("a:\n  delimiter: '\"'\n", 2, "delimiter must be", None),
        ("a:\n  quote: x\n", 2, "quote must be a single character", None),
        ("a:\n  sheet: []\n", 2, "sheet must be a text or a list of texts", None),
        ("a:\n  sheet: ''\n", 2, "sheet must be", None),
        ("a:\n  sheet:\n", 2, "sheet has no value", None),
        ("a:\n  sheet: [[x]]\n", 2, "sheet must be", None),
        ("a:\n  hidden: [load]\n", 2, "hidden must be one of", None),
        ("a:\n  table: '---'\n", 2, "no letter or digit", None),
        ("a:\n  sheet_column: Source File\n", 2, "source_file is a reserved column of every table", None),
        ("a:\n  schema: " + "ü" * 32 + "\n", 2, "at most 63 bytes", None),
        ("a:\n  schema: pg_mine\n", 2, "begin with pg_", None),
        ("a:\n  columns: [x]\n", 2, "columns must map headers to options", None),
        ("a:\n  columns:\n    x: numeric\n", 3, "'x' must be followed by its options", "x: {type: numeric}"),
        ("a:\n  columns:\n    x: {typ: numeric}\n", 3, "'typ' is not an option of a column", "did you mean type?"),
        ("a:\n  columns:\n    x:\n      type: nummeric\n", 4, "type must be one of", None),
        ("a:\n  columns:\n    x: {type: decimals, decimal: ','}\n", 3, "not 'decimals'", None),
        ("a:\n  columns:\n    x: {skip: yes}\n", 3, "skip must be true or false", None),
        ("a:\n  columns:\n    x: {decimal: ','}\n", 3, "need a type", None),
        ("a:\n  columns:\n    x: {type: real, decimal: ',', thousands: ','}\n", 3, "the same character", None),
        ("a:\n  columns:\n    x: {type: text, format: '%d.%m.%Y'}\n", 3, "format needs a type", None),
        ("a:\n  columns:\n    x: {type: date, format: 'dd.mm.yyyy'}\n", 3, "format must be a date format", None),
        ("a:\n  columns:\n    x: {type: date, format: '%d.%m.'}\n", 3, "the format has no year", None),
        ("a:\n  columns:\n    x: {type: date, format: '%d.%m.%Q %Y'}\n", 3, "bad directive", None),
        ("a:\n  columns:\n    x: {rename: load_timestamp}\n", 3, "load_timestamp is a reserved column of every table", None),
        ("a:\n  columns:\n    x: {aliases: y}\n    z: {aliases: [q, y]}\n", 1, "'y' is claimed by two columns", None),
        ("a:\n  columns:\n    '': {skip: true}\n", 3, "a column needs a header or a name", "column_7"),
        ("a: {sheet: x}\nA: {sheet: y}\n", 2, "'A' is already defined", f"first in {SHOWN}:1"),
        ("a: {sheet: x}\na/: {sheet: y}\n", 2, "'a' is already defined", None),
        ("a:\n  sheet: x\n  sheet: y\n", 3, "'sheet' is already defined", "first in line 2"),
        ("../other: {sheet: x}\n", 1, "not a folder below the data root", None),
        ("/: {sheet: x}\n", 1, "not a folder below the data root", None),
        ("- sales\n", 1, "must map folders to their options", None),
        ("sales\n", 1, "must map folders to their options", None),
        ("? [a]\n: x\n", 1, "a key must be a plain text", None),
        ("b: *x\n", 1, "anchors and aliases", "inherit"),
        ("\na: &x {sheet: y}\nb: *x\n", 2, "anchors and aliases", "inherit"),
        ("<<: {sheet: x}\n", 1, "merge keys", "inherit"),
        ("sales:\n\tsheet: x\n", 2, "invalid YAML", "spaces, not tabs"),
        ("sales: 'open\n", 2, "invalid YAML", None),
        ("sales:\n  sheet: x\n hr:\n  sheet: y\n", 3, "invalid YAML", None),
        ("a: 1\n---\nb: 2\n", 2, "invalid YAML", None),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line_and_a_fix(
    read: Read, text: str, line: int, message: str, hint: str | None
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert message in caught.value.message
    assert caught.value.where == f"{SHOWN}:{line}"
    if hint is not None:
        assert hint in (caught.value.hint or "")


def test_a_contradiction_by_inheritance_is_named_where_it_arises(read: Read) -> None:
    with pytest.raises(ConfigError, match="format needs a type") as caught:
        read("a:\n  columns:\n    x: {type: numeric}\n  b:\n    columns:\n      x: {format: '%d.%m.%Y'}\n")
    assert caught.value.where == f"{SHOWN}:6"


@pytest.mark.parametrize(
    "junk",
    [
        b"\x00\x01\x02",
        b"PK\x03\x04\x14\x00\x06\x00",
        b"\xff\xfes\x00a\x00",
        b"\x80abc",
        b"%YAML 9\n---\na: {}",
        b"%YAML 1.3\n---\na: {}",
        b"@",
        b"a: \x07",
        b"[" * 100_000,
        b"a: " + b"{a: " * 300 + b"}" * 300,
        b"a: &a [*a]",
    ],
)
def test_junk_is_refused_and_named(read: Read, junk: bytes) -> None:
    with pytest.raises(ConfigError) as caught:
        read(junk)
    assert (caught.value.where or "").startswith(SHOWN)


def test_a_billion_laughs_are_refused_at_once(read: Read) -> None:
    lines = ["a0: &a0 {sheet: x}"] + [f"a{n}: &a{n} {{x: *a{n - 1}, y: *a{n - 1}}}" for n in range(1, 60)]
    with pytest.raises(ConfigError, match="anchors"):
        read("\n".join(lines))


def test_a_folded_text_has_no_marks_of_its_folds(read: Read) -> None:
    tree = read("a:\n  sheet: >-\n    Sales\n    2024\n  columns:\n    x: {type: date}\n")
    assert tree.options_for(["a"]).sheet == ("Sales 2024",)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        read_folders(tmp_path)
    assert caught.value.where == str(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("{min: 5}", "min needs a type"),
        ("{type: text, max: 5}", "max needs a type"),
        ("{type: integer, min: 9, max: 1}", "min 9 is above max 1"),
        ("{pattern: '('}", "pattern must be a regular expression for the whole value, not '(': it is not a regular"),
        ("{type: integer, values: [1, x]}", "values: 'x' is not a valid integer"),
        ("{type: date, min: 31.12.2025}", "min: '31.12.2025' is not a valid date"),
        ("{required: yes}", "required must be one of false, column, true, not 'yes'"),
        ("{values: ['']}", "an empty cell passes every rule but required"),
    ],
)
def test_a_wrong_rule_names_file_and_line(read: Read, options: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)) as error:
        read(f"sales:\n  columns:\n    Amount: {options}\n")
    assert error.value.where == f"{SHOWN}:3"


def test_a_subfolder_removes_inherited_rules(read: Read) -> None:
    rules = "type: integer, required: true, unique: true, values: [1], pattern: '1', min: 0, max: 2"
    none = "required: false, unique: false, values: [], pattern: '', min: '', max: ''"
    tree = read(f"a:\n  columns:\n    N: {{{rules}}}\n  b:\n    columns:\n      n: {{{none}}}\n")
    assert tree.options_for(["a"]).has_contract
    below = tree.options_for(["a", "b"])
    assert not below.column_options(ColumnNames([(0, "N")]))(0).is_judged


def test_limits_of_rows_must_agree(read: Read) -> None:
    with pytest.raises(ConfigError, match="min_rows 5 is above max_rows 4"):
        read("a:\n  min_rows: 5\n  b: {max_rows: 4}\n")


def test_rules_that_fail_the_file_keep_the_fingerprint(read: Read) -> None:
    plain = read("a: {columns: {N: {type: integer}}}\n").options_for(["a"])
    ruled = read("a: {min_rows: 1, columns: {N: {type: integer, min: 0, unique: true}}}\n").options_for(["a"])
    assert ruled.fingerprint == plain.fingerprint


def test_a_further_column_takes_no_rules(read: Read) -> None:
    with pytest.raises(ConfigError, match="the further column 'quarter' takes no rules"):
        read("a:\n  sheet_column: quarter\n  columns: {Quarter: {required: true}}\n")


@pytest.mark.parametrize("rule", ["mode: snapshot", "key: id\n  missing_keys: flag gone"])
def test_rows_set_aside_are_no_missing_keys(read: Read, rule: str) -> None:
    with pytest.raises(ConfigError, match=r"on_bad: quarantine and .* exclude each other"):
        read(f"a:\n  {rule}\n  on_bad: quarantine\n")


@pytest.mark.parametrize(
    ("written", "mark"), [("tab", "\t"), ('"\\t"', "\t"), ("semicolon", ";"), ("'|'", "|"), ("space", " ")]
)
def test_delimiter_is_a_character_or_its_name(tmp_path: Path, written: str, mark: str) -> None:
    file = tmp_path / "etl_config.yaml"
    file.write_text(f"a:\n  delimiter: {written}\n  encoding: Latin-1\n  quote: none\n", encoding="utf-8")
    found = read_folders(file).options_for(("a",))
    assert (found.delimiter, found.encoding, found.quote) == (mark, "iso8859-1", "none")
    assert found.fingerprint != FolderOptions().fingerprint
