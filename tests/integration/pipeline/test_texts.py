r"""Texts arrive exactly: what ``COPY`` gives a meaning, what looks like something else, what is very long."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from pgdatahub.model.results import Outcome

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Rows, Warehouse

TEXTS = (
    *("\\", "\\\\", "\\.", "\\N", "\\n", "\\t", "a\\", "\\x41", "\\101"),
    *("tab\tin", "line\nbreak", "\nfirst", "last\n", "a\n\nb", "\t", "two\r\nkinds", "carriage\rreturn"),
    *(" leading", "trailing ", "  both  ", "no\u00a0break", "\u200bzero", "\ufeffmark", "\u2028line"),
    *('"', "'", '""', "''", "it's", 'a "quoted" word', "a,b;c|d", "NULL", "null", "None", "nan", "inf"),
    *("😀", "👩‍👩‍👧", "é", "e\u0301", "ÄÖÜß", "漢字", "עברית", "\U0010ffff", "\x7f", "\x01"),
    *("007", "1", "1.0", "1e5", "-0", "0x10", "1,000.00", "1.000,00", "12345678901234567890", "٣"),
    *("true", "FALSE", "2024-01-31", "31.01.2024", "12:30", "#N/A", "=1+1", "{}", "%s", ":a", "$1"),
    "x" * 32767,
)
"""Each is one cell; Excel allows 32,767 characters."""


@pytest.fixture
def loaded(warehouse: Warehouse) -> Warehouse:
    warehouse.write("texts/a.xlsx", [["number", "text"], *([n, text] for n, text in enumerate(TEXTS))])
    warehouse.load()
    return warehouse


def _expected(text: str) -> str | None:
    return None if text.isspace() else text


def test_texts_are_in_the_table_to_the_last_character(loaded: Warehouse) -> None:
    rows = dict(loaded.rows("texts"))
    wrong = {text: rows[n] for n, text in enumerate(TEXTS) if rows[n] != _expected(text)}
    assert wrong == {}
    assert len(rows) == len(TEXTS)


def test_text_like_a_number_date_or_boolean_stays_text(warehouse: Warehouse) -> None:
    warehouse.write("texts/a.xlsx", [["n", "d", "b", "t"], ["007", "2024-01-31", "true", "12:30"]])
    warehouse.load()
    types = list(warehouse.columns("texts").values())
    assert types[:4] == ["text"] * 4
    assert warehouse.rows("texts") == [("007", "2024-01-31", "true", "12:30")]


def test_characters_postgresql_cannot_store_are_counted(warehouse: Warehouse) -> None:
    # Excel writes characters that XML forbids as _xHHHH_; so does the writer of this workbook.
    warehouse.write("texts/a.xlsx", [["a", "b"], ["nul\0here", "x"], ["fine", "also\0"]])
    (result,) = warehouse.load().results
    assert warehouse.rows("texts") == [("nulhere", "x"), ("fine", "also")]
    (notice,) = result.notices
    assert "2 " in notice
    assert "NUL" in notice
    assert notice.endswith("Sheet1 › A2")


def test_a_literal_escape_stays_literal(warehouse: Warehouse) -> None:
    warehouse.write("texts/a.xlsx", [["a"], ["_x0041_"], ["_x005F_"], ["x_x000D_y"]])
    warehouse.load()
    assert warehouse.rows("texts") == [("_x0041_",), ("_x005F_",), ("x_x000D_y",)]


def test_loading_texts_again_finds_the_same_content(loaded: Warehouse) -> None:
    rows: Rows = [["number", "text"], *([n, text] for n, text in enumerate(TEXTS))]
    # In other bytes: another sheet beside it.
    loaded.write_sheets("texts/b.xlsx", {"Sheet1": rows, "Other": [["x"]]})
    reasons = [result.reason for result in loaded.run().results]
    assert reasons[0] is not None
    assert reasons[0].startswith("already loaded")
    assert reasons[1] is not None
    assert reasons[1].startswith("has the same content as texts/a.xlsx")


def test_cell_of_10_megabytes_is_a_named_error_others_load(warehouse: Warehouse) -> None:
    # No writer lets a cell have more than Excel allows, so the text is put into the file's XML afterwards.
    path = warehouse.write("texts/a.xlsx", [["a"], ["PLACEHOLDER"]])
    parts = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            parts[name] = archive.read(name).replace(b"PLACEHOLDER", bytes(97 + n % 26 for n in range(10 * 2**20)))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    warehouse.write("texts/b.xlsx", [["a"], ["fine"]])
    bad, good = sorted(warehouse.run().results, key=lambda result: result.source.identity)
    assert bad.failure is not None
    assert bad.failure.kind == "CorruptError"
    assert len(str(bad.failure)) < 1000
    assert good.outcome is Outcome.LOADED
    assert warehouse.rows("texts") == [("fine",)]
