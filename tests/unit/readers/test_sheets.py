from __future__ import annotations

import pytest

from pgdatahub.config import FolderOptions
from pgdatahub.errors import SheetError
from pgdatahub.model.flow import SheetInfo
from pgdatahub.readers.sheets import choose_sheets

SHEETS = (
    SheetInfo(name="Notes", visible=False),
    SheetInfo(name="Q2"),
    SheetInfo(name="q2"),
    SheetInfo(name="Q1 "),
    SheetInfo(name="Q9", visible=False),
    SheetInfo(name="Data [raw]"),
)


def choose(*wanted: str) -> tuple[str, ...]:
    return choose_sheets(SHEETS, FolderOptions(sheet=wanted or None))


def test_the_first_visible_sheet_is_taken_where_nothing_is_asked_for() -> None:
    assert choose() == ("Q2",)


def test_a_name_as_written_wins_over_one_that_differs_in_case() -> None:
    assert choose("q2") == ("q2",)
    assert choose("Q2") == ("Q2",)


@pytest.mark.parametrize(("wanted", "found"), [("q1", "Q1 "), ("  DATA [RAW] ", "Data [raw]"), ("notes", "Notes")])
def test_a_name_is_found_without_regard_to_case_and_outer_space_and_even_if_hidden(wanted: str, found: str) -> None:
    assert choose(wanted) == (found,)


def test_a_glob_means_visible_sheets_in_the_order_of_the_workbook() -> None:
    assert choose("q*") == ("Q2", "q2", "Q1 ")


def test_names_come_in_the_order_asked_for_and_once() -> None:
    assert choose("Q1", "Q?", "Notes", "q2") == ("Q1 ", "Q2", "q2", "Notes")


@pytest.mark.parametrize("wanted", ["Q7", "X*", "N*", ""])
def test_a_missing_sheet_is_an_error_that_lists_those_there_are(wanted: str) -> None:
    with pytest.raises(SheetError, match=r"no sheet .*'Notes' \(hidden\), 'Q2', 'q2'"):
        choose("Q2", wanted)


def test_a_workbook_without_a_visible_sheet_is_an_error() -> None:
    with pytest.raises(SheetError, match=r"no visible sheet .*'A' \(hidden\)"):
        choose_sheets([SheetInfo(name="A", visible=False)], FolderOptions())
    with pytest.raises(SheetError, match="no visible sheet"):
        choose_sheets([], FolderOptions())
