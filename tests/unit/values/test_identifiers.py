from __future__ import annotations

import pickle
import time

import pytest

from pgdatahub.values.identifiers import CUT_BYTES, ColumnNames, cut, fold, is_positional, table_name


def names(*headers: str, **rename: str) -> list[str]:
    columns = ColumnNames(enumerate(headers), rename=rename)
    return [columns.name(position) for position in range(len(headers))]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Amount", "amount"),
        ("  Order   Date\n(UTC) ", "order_date_utc"),
        ("Größe", "grosse"),
        ("Gro\u0308ße", "grosse"),
        ("Цена", "tsena"),
        ("价格", "jiage"),
        ("한국어", "hangugeo"),
        ("\u1112\u1161\u11ab국어", "hangugeo"),
        ("Rate %", "rate_percent"),
        ("Rate%", "rate_percent"),
        ("％", "percent"),
        ("#", "number"),
        ("Order #2", "order_number_2"),
        ("50%", "_50_percent"),
        ("2024", "_2024"),
        ("2024-01-15", "_2024_01_15"),
        ("__init__", "init"),
        ('"; drop table x; --', "drop_table_x"),
        ("a.b\\c'd", "a_b_c_d"),
        ("---", ""),
        ("\ud800", ""),
        ("", ""),
    ],
)
def test_a_text_folds_to_ascii_words_joined_by_underscores(text: str, name: str) -> None:
    assert fold(text) == name


def test_percent_and_number_signs_keep_headers_apart() -> None:
    assert names("Rate", "Rate %", "Rate #") == ["rate", "rate_percent", "rate_number"]


def test_a_long_name_is_cut_to_63_bytes_and_ends_in_a_hash() -> None:
    long, other = "x" * 80, "x" * 79 + "y"
    assert len(cut(long)) == CUT_BYTES
    assert cut(long) != cut(other)
    assert cut(long).startswith("x" * 54 + "_")
    assert cut("x" * 63) == "x" * 63


def test_the_name_of_a_long_header_never_changes() -> None:
    # A column that was loaded under this name must be found again by a later version.
    assert names("Total amount invoiced to the customer in the reporting period, net of all discounts") == [
        "total_amount_invoiced_to_the_customer_in_the_reporting_929c6266"
    ]


def test_equal_headers_are_numbered_in_order_and_reported() -> None:
    columns = ColumnNames([(0, "Amount"), (1, "amount"), (2, "x"), (3, "AMOUNT ")])
    assert [columns.name(position) for position in range(4)] == ["amount", "amount_2", "x", "amount_3"]
    assert columns.clashes == (("Amount", "amount", "AMOUNT "),)


def test_a_numbered_name_leaves_a_header_its_own_name() -> None:
    assert names("a", "a", "a_2", "A 3") == ["a", "a_4", "a_2", "a_3"]


def test_groups_of_equal_headers_are_numbered_apart() -> None:
    assert names("a", "a", "b", "b", "b") == ["a", "a_2", "b", "b_2", "b_3"]


def test_numbers_of_equal_long_headers_fit_into_63_bytes() -> None:
    tenth, ninth = names(*["x" * 80] * 10)[9:7:-1]
    assert (len(ninth), ninth[:53], ninth[-2:]) == (63, "x" * 52 + "_", "_9")
    assert (len(tenth), tenth[:52], tenth[-3:]) == (63, "x" * 51 + "_", "_10")


def test_headers_that_are_cut_alike_stay_apart() -> None:
    long = "x" * 80
    assert len(set(names(long, long, long + "y"))) == 3


@pytest.mark.parametrize("header", ["source_file", "Source File", "LOAD-TIMESTAMP"])
def test_a_header_cannot_take_a_name_that_every_table_needs(header: str) -> None:
    columns = ColumnNames([(0, header)])
    assert columns.name(0) == f"{fold(header)}_2"
    assert columns.clashes == ((header,),)


def test_a_column_without_header_is_named_by_position() -> None:
    columns = ColumnNames([(0, "a"), (1, "  "), (3, "---")])
    assert [columns.name(position) for position in (1, 2, 3, 16383)] == [
        "column_2",
        "column_3",
        "column_4",
        "column_16384",
    ]
    assert columns.header(1) is None
    assert columns.header(3) == "---"


def test_a_column_without_header_avoids_headers_like_its_name() -> None:
    columns = ColumnNames([(0, "Column 7"), (1, "column_7_2")])
    assert columns.name(6) == "column_7_3"


def test_a_rename_goes_by_the_header_as_written() -> None:
    assert names("Rate", "rate", Rate="first", rate="second") == ["first", "second"]


def test_a_rename_goes_by_the_name_where_no_header_is_written_so() -> None:
    assert names("Amount", "Amount", amount_2="net") == ["amount", "net"]
    assert names("Amount", "Amount", amount="gross") == ["gross", "amount_2"]
    assert names("Order\nDate", **{"Order Date": "ordered"}) == ["ordered"]


def test_a_rename_of_a_repeated_header_means_all_of_them() -> None:
    assert names("Amount", "Amount", Amount="net") == ["net", "net_2"]


def test_a_renamed_column_wins_its_name_over_another_column() -> None:
    assert names("net", "Amount", Amount="net") == ["net_2", "net"]


def test_two_columns_can_swap_their_names() -> None:
    assert names("a", "b", a="b", b="a") == ["b", "a"]


def test_a_column_without_a_header_can_be_renamed_too() -> None:
    columns = ColumnNames([(0, "total")], rename={"column_7": "Total"})
    assert columns.name(6) == "total"
    assert columns.name(0) == "total_2"


def test_column_without_header_at_an_odd_position_is_renamed() -> None:
    columns = ColumnNames([(0, "total")], rename={"column_6": "Net"})
    assert [columns.name(position) for position in (5, 7)] == ["net", "column_8"]


def test_renamed_headers_clash_no_more() -> None:
    assert ColumnNames([(0, "a"), (1, "A")], rename={"A": "b"}).clashes == ()


def test_of_columns_renamed_alike_the_one_with_the_name_keeps_it() -> None:
    columns = ColumnNames([(0, "Betrag"), (1, "Amount"), (2, "x")], rename={"Betrag": "amount", "Amount": "amount"})
    assert [columns.name(position) for position in range(3)] == ["amount_2", "amount", "x"]
    assert columns.clashes == (("Betrag", "Amount"),)


def test_a_new_name_that_another_header_has_is_a_clash() -> None:
    assert ColumnNames([(0, "net"), (1, "Amount")], rename={"Amount": "net"}).clashes == (("net", "Amount"),)


def test_a_finder_prefers_the_key_that_is_a_name() -> None:
    find = ColumnNames([(0, "amount"), (1, "amount"), (4, "x")]).finder(["amount", "amount_2", "column_6", "nothing"])
    assert [find(position) for position in (0, 1, 4, 5, 6)] == ["amount", "amount_2", None, "column_6", None]


def test_column_names_survive_the_way_to_another_process() -> None:
    columns = pickle.loads(pickle.dumps(ColumnNames([(0, "a"), (1, "A")])))  # noqa: S301 - bytes of our own
    assert [columns.name(0), columns.name(1), columns.name(9)] == ["a", "a_2", "column_10"]


def test_a_full_sheet_of_equal_headers_is_named_in_linear_time() -> None:
    begin = time.process_time()
    columns = ColumnNames([(position, "same") for position in range(16_384)])
    assert columns.name(16_383) == "same_16384"
    assert time.process_time() - begin < 5  # 0.1 s; quadratic would be minutes


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (["Sales"], "sales"),
        (["Sales", "2024"], "sales_2024"),
        (["2024", "Q1"], "_2024_q1"),
        (["a", "--- b"], "a_b"),
        (["Größe %"], "grosse_percent"),
    ],
)
def test_a_table_is_named_by_the_parts_of_its_folder(parts: list[str], name: str) -> None:
    assert table_name(parts) == name


def test_folders_that_differ_by_case_only_are_one_table() -> None:
    assert table_name(["Sales", "EU"]) == table_name(["sales", "eu"])


@pytest.mark.parametrize("part", ["---", "\udcff\udcfe", "!"])
def test_a_folder_without_letters_is_not_one_with_its_parent(part: str) -> None:
    assert table_name(["sales", part]).startswith("sales_folder_")
    assert table_name([part]) != table_name([part * 2])


def test_a_long_path_gives_a_name_of_63_bytes() -> None:
    assert len(table_name(["department"] * 10)) <= CUT_BYTES
    assert table_name(["department"] * 10) != table_name(["department"] * 11)


@pytest.mark.parametrize("header", ["xmin", "XMax", "cmin", "cmax", "ctid", "TableOID"])
def test_a_header_cannot_take_the_name_of_a_system_column(header: str) -> None:
    names = ColumnNames([(0, header)])
    assert names.name(0) == f"{header.lower()}_2"
    assert names.clashes == ((header,),)


@pytest.mark.parametrize(
    ("levels", "name"),
    [
        ({}, "by_name"),
        ({"Net Total": 0}, "by_name"),
        ({"Net Total": 1}, "by_header"),
        ({"Net Total": 1, "net_total": 2}, "by_name"),
    ],
)
def test_of_two_renames_the_inner_then_the_name_counts(levels: dict[str, int], name: str) -> None:
    rename = {"net_total": "by_name", "Net Total": "by_header"}
    assert ColumnNames([(0, "Net Total")], rename=rename, levels=levels).name(0) == name


@pytest.mark.parametrize(
    ("key", "answer"), [("column_7", True), ("Column 7", True), ("column", False), ("total", False)]
)
def test_a_key_with_a_number_of_a_column_is_positional(key: str, answer: bool) -> None:
    assert is_positional(key) is answer
