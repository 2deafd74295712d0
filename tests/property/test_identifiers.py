"""Laws of the names of any header row."""

from __future__ import annotations

import re
from random import Random

from hypothesis import assume, given
from hypothesis import strategies as st

from pgdatahub.values.identifiers import CUT_BYTES, ColumnNames, cut, fold, table_name

VALID = re.compile(r"[a-z_][a-z0-9_]*")
RESERVED = ("source_file", "load_timestamp")

# Any text, and texts of few letters that often fold alike, or to each other's numbered names.
header = st.one_of(
    st.text(max_size=100),
    st.text(alphabet="aA_ 2%#-", min_size=1, max_size=4),
    st.sampled_from(
        ["a", "A", "a_2", "a 3", "column 2", "column_2_2", "source_file", "Load timestamp", "x" * 70, "x" * 90]
    ),
)
headers = st.dictionaries(st.integers(0, 40), header, max_size=25)
renames = st.dictionaries(header, header, max_size=4)


def all_names(columns: ColumnNames, positions: int = 60) -> list[str]:
    return [columns.name(position) for position in range(positions)]


@given(st.text())
def test_folding_gives_a_name_that_needs_no_quotes_or_nothing(text: str) -> None:
    assert fold(text) == "" or VALID.fullmatch(fold(text))


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet="ab_", min_size=1, max_size=200))
def test_cutting_twice_is_cutting_once_and_fits(text: str) -> None:
    assert len(cut(text)) <= CUT_BYTES
    assert cut(cut(text)) == cut(text)


@given(headers, renames)
def test_names_beyond_the_header_row_are_unique_valid_unreserved(row: dict[int, str], rename: dict[str, str]) -> None:
    found = all_names(ColumnNames(row.items(), rename=rename))
    assert len(set(found)) == len(found)
    assert all(VALID.fullmatch(name) and len(name) <= CUT_BYTES for name in found)
    assert not set(found) & set(RESERVED)


@given(headers, renames, st.randoms(use_true_random=False))
def test_names_depend_on_the_header_row_and_not_its_container(
    row: dict[int, str], rename: dict[str, str], random: Random
) -> None:
    shuffled = list(row.items())
    random.shuffle(shuffled)
    assert all_names(ColumnNames(shuffled, rename=rename)) == all_names(ColumnNames(row.items(), rename=rename))


@given(headers, st.randoms(use_true_random=False))
def test_header_without_clash_keeps_its_name_at_any_position(row: dict[int, str], random: Random) -> None:
    positions = list(row)
    random.shuffle(positions)
    moved = dict(zip(positions, row.values(), strict=True))
    wanted = [cut(fold(text)) for text in row.values() if text.strip()]
    columns = ColumnNames(moved.items())
    for position, text in moved.items():
        name = cut(fold(text))
        positional = any(not fold(other) and f"column_{at + 1}" == name for at, other in moved.items())
        if name and wanted.count(name) == 1 and name not in RESERVED and not positional:
            assert columns.name(position) == name


@given(headers, header)
def test_new_last_column_keeps_names_unless_it_claims_one(row: dict[int, str], new: str) -> None:
    before = ColumnNames(row.items())
    named = {position: before.name(position) for position, text in row.items() if text.strip()}
    assume((cut(fold(new)) or "column_51") not in named.values())
    after = ColumnNames([*row.items(), (50, new)])
    assert {position: after.name(position) for position in named} == named


@given(headers)
def test_every_clash_is_reported_with_all_its_headers(row: dict[int, str]) -> None:
    columns = ColumnNames(row.items())
    reported = {text for clash in columns.clashes for text in clash}
    for position, text in row.items():
        if text.strip() and fold(text) and columns.name(position) != cut(fold(text)):
            assert text in reported


@given(headers, st.lists(header, max_size=5, unique_by=str.strip))
def test_key_found_is_the_header_or_folds_to_the_name(row: dict[int, str], keys: list[str]) -> None:
    columns = ColumnNames(row.items())
    find = columns.finder(keys)
    for position in range(45):
        key = find(position)
        text = columns.header(position)
        if key is None:
            assert text is None or text.strip() not in [key.strip() for key in keys]
        else:
            assert (text is not None and key.strip() == text.strip()) or cut(fold(key)) == columns.name(position)


@given(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=6))
def test_a_folder_always_has_a_valid_table_name(parts: list[str]) -> None:
    name = table_name(parts)
    assert VALID.fullmatch(name)
    assert len(name) <= CUT_BYTES
    assert table_name([name]) == name
