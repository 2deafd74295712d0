from __future__ import annotations

import pytest

from pgdatahub.config import FolderOptions
from pgdatahub.config.options import SheetEntry, SheetRule
from pgdatahub.errors import SheetError
from pgdatahub.model.workbooks import SheetInfo, sheet_labels
from pgdatahub.readers.choice.sheet_matching import match_sheets
from pgdatahub.readers.choice.sheets import choose_sheets

SHEETS = (
    SheetInfo(name="Notes", visible=False),
    SheetInfo(name="Q2"),
    SheetInfo(name="Q1 "),
    SheetInfo(name="Q9", visible=False),
    SheetInfo(name="Data [raw]"),
)


def choose(*wanted: str) -> tuple[str, ...]:
    return tuple(SHEETS[position].name for position in choose_sheets(SHEETS, FolderOptions(sheet=wanted or None)))


def positions(*sheets: SheetInfo, sheet: str | None = None) -> tuple[int, ...]:
    return choose_sheets(sheets, FolderOptions(sheet=None if sheet is None else (sheet,)))


def test_first_visible_sheet_is_taken_by_default() -> None:
    assert choose() == ("Q2",)


def test_default_is_the_visible_sheet_among_two_of_one_name() -> None:
    assert positions(SheetInfo(name="Data", visible=False), SheetInfo(name="Data")) == (1,)


def test_all_visible_sheets_of_one_name_match_a_glob() -> None:
    sheets = (SheetInfo(name="Data"), SheetInfo(name="Data", visible=False), SheetInfo(name="Data"))
    assert positions(*sheets, sheet="*") == (0, 2)
    assert positions(*sheets, sheet="dat?") == (0, 2)


@pytest.mark.parametrize("second", ["Data", "DATA"])
@pytest.mark.parametrize("visible", [True, False])
def test_a_name_that_two_sheets_have_is_refused(second: str, visible: bool) -> None:
    sheets = (SheetInfo(name="Data"), SheetInfo(name="Notes"), SheetInfo(name=second, visible=visible))
    for wanted in ("Data", "data"):
        with pytest.raises(SheetError, match=f"2 sheets have the name '{wanted}': sheet 1 'Data', sheet 3 '{second}'"):
            positions(*sheets, sheet=wanted)


def test_a_name_as_written_wins_over_outer_white_space() -> None:
    assert positions(SheetInfo(name="Data "), SheetInfo(name="Data"), sheet="data") == (1,)
    with pytest.raises(SheetError, match="2 sheets have the name 'Data'"):
        positions(SheetInfo(name="Data "), SheetInfo(name=" Data"), sheet="Data")


def test_labels_tell_sheets_of_one_name_apart_by_position() -> None:
    names = ("Data", "Notes", "Data", "DATA")
    labels = sheet_labels([SheetInfo(name=name) for name in names])
    assert labels == ("Data (sheet 1)", "Notes", "Data (sheet 3)", "DATA")


@pytest.mark.parametrize(("wanted", "found"), [("q1", "Q1 "), ("  DATA [RAW] ", "Data [raw]"), ("notes", "Notes")])
def test_sheet_name_ignores_case_and_outer_space_even_if_hidden(wanted: str, found: str) -> None:
    assert choose(wanted) == (found,)


def test_glob_means_visible_sheets_in_workbook_order() -> None:
    assert choose("q*") == ("Q2", "Q1 ")


def test_names_come_in_the_order_asked_for_and_once() -> None:
    assert choose("Q1", "Q?", "Notes", "q2") == ("Q1 ", "Q2", "Notes")


@pytest.mark.parametrize("wanted", ["Q7", "X*", "N*", ""])
def test_a_missing_sheet_is_an_error_that_lists_those_there_are(wanted: str) -> None:
    with pytest.raises(SheetError, match=r"no sheet .*'Notes' \(hidden\), 'Q2', 'Q1 '"):
        choose("Q2", wanted)


def test_a_workbook_without_a_visible_sheet_is_an_error() -> None:
    with pytest.raises(SheetError, match=r"no visible sheet .*'A' \(hidden\)"):
        choose_sheets([SheetInfo(name="A", visible=False)], FolderOptions())
    with pytest.raises(SheetError, match="no visible sheet"):
        choose_sheets([], FolderOptions())


OWN = (SheetInfo(name="PGDataHub Faults"), SheetInfo(name="Data"), SheetInfo(name="pgdatahub faults 2"))


def test_lists_of_faults_are_never_chosen_by_default_or_glob() -> None:
    assert positions(*OWN) == (1,)
    assert positions(*OWN, sheet="*") == (1,)
    with pytest.raises(SheetError, match="no sheet 'pgdata\\*'"):
        positions(*OWN, sheet="pgdata*")
    rule = SheetRule(key="*", entries=(SheetEntry(options=FolderOptions()),))
    assert list(match_sheets(OWN, [rule])) == [1]


def test_a_list_of_faults_is_chosen_by_its_exact_name() -> None:
    assert positions(*OWN, sheet="pgdatahub faults") == (0,)


def test_a_workbook_of_lists_alone_is_refused() -> None:
    with pytest.raises(SheetError, match="only lists of faults"):
        positions(OWN[0], OWN[2])


def test_a_name_that_only_begins_like_a_list_is_data() -> None:
    assert positions(SheetInfo(name="pgdatahub faults 2025-01")) == (0,)
