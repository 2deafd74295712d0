"""The report's content: what the history, the statistics and a scan tell, and what stays hidden."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import psycopg
import pytest
from markdown_it import MarkdownIt
from psycopg import sql

from pgdatahub import run
from pgdatahub.config import Config, load_config
from pgdatahub.errors import ConfigError
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.database import open_database
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.postgres.tables.column_scan import Family, ScannedColumn, TableCount, scan
from pgdatahub.reports.page.content import ColumnEntry, Report, TableEntry
from pgdatahub.reports.page.render import html, markdown
from pgdatahub.reports.page.report import make_report
from pgdatahub.reports.page.selection import LAST, Choice
from pgdatahub.testing.workbooks import make_workbook
from tests.integration.reports.conftest import IMAGE, MARKS, SCRIPT, SECRET, connected
from tests.stored_tables import database_of_module


class Page(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.text = ""
        self._skipped = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes |= {name for name, _ in attrs}
        self._skipped = tag == "style"
        self.text += " " if tag in ("dd", "td", "th", "p", "li", "span") else ""

    def handle_endtag(self, tag: str) -> None:
        self._skipped = self._skipped and tag != "style"

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.text += data


def table(report: Report, name: str) -> TableEntry:
    (found,) = (one for one in report.tables.shown if one.name == name)
    return found


def column(report: Report, of: str, name: str) -> ColumnEntry:
    (found,) = (one for one in table(report, of).columns.shown if one.name == name)
    return found


@pytest.fixture(scope="module")
def plain(loaded: Config) -> Report:
    return make_report(loaded, Choice())


@pytest.fixture(scope="module")
def scanned(loaded: Config) -> Report:
    return make_report(loaded, Choice(scan=True))


def test_report_has_loaded_skipped_failed_and_aside(plain: Report) -> None:
    totals = plain.totals
    assert (totals.tables, totals.files, totals.skipped, plain.standing, totals.aside) == (4, 6, 1, 4, 1)
    orders = table(plain, "orders")
    assert [(one.file, one.rows, one.status) for one in orders.imports.shown] == [
        ("orders/02.xlsx", 100, "loaded"),
        ("orders/01.xlsx", 200, "loaded"),
    ]
    assert [(one.file, one.same_as) for one in orders.skipped.shown] == [("orders/03 copy.xlsx", "orders/01.xlsx")]
    (failure,) = (one for one in plain.failures.shown if one.table == "odd")
    assert (failure.file, failure.table, failure.cleared_at) == ("odd/broken <i>.xlsx", "odd", None)
    assert "the zip file has no directory" in failure.reason
    assert table(plain, "customers").aside == 1


def test_page_shows_the_figures_of_the_report(plain: Report) -> None:
    page = Page(html(plain))
    shown = " ".join(page.text.split())
    for text in ("Files loaded 6", "Files skipped 1", "Files not loaded ✕ 4", "Rows set aside ▲ 1"):
        assert text in shown
    assert "▲ 1 row set aside in etl_quarantine" in shown
    assert page.elements["main"] == 1
    assert page.elements["h1"] == 1
    assert page.elements["script"] == 0


def test_columns_have_type_cell_and_share_of_nulls(plain: Report) -> None:
    quantity = column(plain, "orders", "quantity")
    assert quantity.type == "TEXT"
    assert quantity.cell == "Sheet1!D6"
    assert quantity.sample is None  # a text
    assert quantity.nulls is not None
    assert quantity.nulls.value == pytest.approx(50 / 300)
    day = column(plain, "orders", "day")
    assert (day.type, day.cell, day.sample) == ("DATE", "Sheet1!B2", "2025-01-01")
    representative = column(plain, "orders", "sales_rep")
    assert representative.nulls is not None
    assert representative.nulls.value == pytest.approx(200 / 300)


def test_schema_changes_name_file_and_cell(plain: Report) -> None:
    assert [(one.column, one.what, one.file, one.cell) for one in table(plain, "orders").changes.shown] == [
        ("sales_rep", "new column, TEXT", "02.xlsx", "Sheet1!F2"),
        ("quantity", "INTEGER → TEXT", "02.xlsx", "Sheet1!D6"),
        (None, "new table, 7 columns", "01.xlsx", None),
    ]
    assert sum(one.changes for one in plain.periods) == 6
    assert sum(one.failed for one in plain.periods) == 4
    assert sum(one.files for one in plain.periods) == 6


def test_keyed_table_has_companion_and_rows_won_and_lost(plain: Report) -> None:
    keys = table(plain, "customers").keys
    assert keys is not None
    assert (keys.mode, keys.key, keys.companion) == ("merge", ("id",), "customers_replaced")
    assert (keys.new, keys.won, keys.lost) == (3, 1, 0)
    shown = " ".join(Page(html(plain)).text.split())
    assert "Rows that won 1" in shown
    assert "Companion customers_replaced" in shown


def test_estimates_name_the_day_of_the_last_analyze(loaded: Config, plain: Report) -> None:
    with connected(loaded) as connection:
        row = connection.execute("SELECT timezone('UTC', last_analyze)::date::text FROM pg_stat_user_tables").fetchone()
    assert row is not None
    assert table(plain, "orders").figures == f"estimated on {row[0]}"
    order = column(plain, "orders", "order")
    assert (order.estimated, order.distinct, order.low, order.high) == (True, 300, "0", "299")
    assert order.histogram is not None
    assert sum(one.share for one in order.histogram.bins) == pytest.approx(1)


def test_scan_counts_what_the_server_counts(loaded: Config, scanned: Report) -> None:
    orders = table(scanned, "orders")
    assert (orders.rows, orders.counted, orders.figures) == (300, True, "counted in the table")
    with connected(loaded) as connection:
        for name in ("order", "day", "product", "quantity"):
            query = sql.SQL("SELECT count(*) - count({0}), count(DISTINCT {0}) FROM orders").format(
                sql.Identifier(name)
            )
            row = connection.execute(query).fetchone()
            assert row is not None
            found = column(scanned, "orders", name)
            assert found.nulls is not None
            assert (round(found.nulls.value * 300), found.distinct) == row
    gift = column(scanned, "orders", "gift")
    assert (gift.true, gift.distinct) == (67, 2)
    product = column(scanned, "orders", "product")
    assert (product.lengths, product.low, product.common) == ((13, 13), None, ())


def test_histogram_counts_every_value_in_its_part(scanned: Report) -> None:
    order = column(scanned, "orders", "order").histogram
    assert order is not None
    assert [(one.label, one.count) for one in order.bins] == [
        (f"{first} to {first + 14}", 15) for first in range(0, 300, 15)
    ]
    day = column(scanned, "orders", "day").histogram
    assert day is not None
    assert sum(one.count or 0 for one in day.bins) == 300
    assert day.bins[0].label == "2025-01-01 to 2025-01-02"


def test_odd_numbers_and_moments_are_counted(loaded: Config) -> None:
    names = {"float": Family.NUMBER, "number": Family.NUMBER, "day": Family.DATE, "moment": Family.MOMENT}
    names |= {"span": Family.TIME, "document": Family.OTHER}
    columns = [ScannedColumn(name=name, family=family, shown=True) for name, family in names.items()]
    with connected(loaded) as connection:
        connection.execute("""
            CREATE TABLE extreme AS SELECT * FROM (VALUES
                ('NaN'::float8, 'NaN'::numeric, 'infinity'::date, '-infinity'::timestamp, '1 year'::interval, '{"a": 1}'::json),
                (1e308, 1e-400::numeric, '4000-01-01 BC', '2025-01-01', '0', NULL),
                (-1e308, 1e400::numeric, '9999-12-31', '2025-01-02 12:00', '-5 days', '2'),
                (7, 7, NULL, NULL, NULL, NULL)) v(float, number, day, moment, span, document)
        """)
        with (
            open_database(loaded, lambda _line: None) as database,
            transaction(database.engine, read_only=True) as other,
        ):
            found = scan(other, TableName(schema="public", name="extreme"), columns)
        connection.execute("DROP TABLE extreme")
    assert isinstance(found, TableCount)
    assert [found.columns[name].values for name in names] == [4, 4, 3, 3, 3, 2]
    assert [found.columns[name].high for name in names] == [
        "NaN",
        "NaN",
        "infinity",
        "2025-01-02 12:00:00",
        "1 year",
        None,
    ]
    bins = [found.columns[name].bins for name in names]
    assert [sum(one.counts) if one else None for one in bins] == [1, 1, 2, 2, None, None]


def test_texts_are_shown_on_request_only(loaded: Config, plain: Report, scanned: Report) -> None:
    for report in (plain, scanned):
        assert "secret text" not in html(report) + markdown(report)
        assert "n/a" not in html(report).replace("pgdatahub", "")
    shown = make_report(loaded, Choice(scan=True, texts=True))
    assert column(shown, "orders", "product").low == "secret text 0"
    assert column(shown, "orders", "quantity").sample == "n/a"
    estimated = make_report(loaded, Choice(texts=True))
    assert dict(column(estimated, "orders", "product").common)["secret text 1"] == pytest.approx(50 / 300, abs=0.01)


def test_failures_quote_cells_on_request_only(loaded: Config, plain: Report) -> None:
    reasons = {one.file: one.reason for one in plain.failures.shown}
    assert reasons["failing/cells.xlsx"] == "cells that cannot be loaded: A2 (type)"
    assert reasons["failing/sheets/q.xlsx"] == "no sheet 'Q3'"
    shown = {one.file: one.reason for one in make_report(loaded, Choice(texts=True)).failures.shown}
    assert "much money" in shown["failing/cells.xlsx"]
    assert "money" not in shown["failing/secret/cells.xlsx"]
    assert "hidden money" not in html(make_report(loaded, Choice(texts=True, scan=True)))


@pytest.mark.parametrize("count", [False, True])
def test_folder_without_samples_shows_no_value(loaded: Config, count: bool) -> None:
    report = make_report(loaded, Choice(scan=count, texts=True))
    text = html(report) + markdown(report)
    assert "Anna" not in text
    assert not re.search(r"987[,.]?[67]\d\d", text)
    pay = column(report, "people", "pay")
    assert (pay.low, pay.high, pay.histogram, pay.sample, pay.common) == (None, None, None, None, ())
    assert pay.distinct == 60
    assert "No values are shown" in text


def test_history_hides_values_without_the_settings(loaded: Config, tmp_path: Path) -> None:
    assert loaded.database_url is not None
    url = loaded.database_url.get_secret_value()
    elsewhere = load_config(directory=tmp_path, overrides={"database_url": url})
    text = html(make_report(elsewhere, Choice(scan=True, texts=True)))
    assert "Anna" not in text
    assert str(SECRET) not in text
    assert "secret text 0" in text  # of another folder


def test_settings_hide_values_that_the_history_has(loaded: Config, tmp_path: Path) -> None:
    assert loaded.database_url is not None
    url = loaded.database_url.get_secret_value()
    (tmp_path / "config").mkdir()
    (tmp_path / "config/etl_config.yaml").write_text("orders: {samples: false}\n")
    stricter = load_config(directory=tmp_path, overrides={"database_url": url})
    report = make_report(stricter, Choice(scan=True, texts=True))
    assert "secret text" not in html(report)
    assert column(report, "orders", "day").low is None
    assert all(one.sample is None for one in table(report, "orders").changes.shown)


def test_hostile_names_are_text_in_the_page(loaded: Config) -> None:
    source = html(make_report(loaded, Choice(scan=True, texts=True)))
    page = Page(source)
    assert page.elements["script"] == page.elements["img"] == page.elements["b"] == page.elements["i"] == 0
    assert not {name for name in page.attributes if name.startswith("on")}
    assert page.elements["main"] == 1
    for text in (SCRIPT, IMAGE, MARKS, "broken <i>.xlsx", "<b>sheet", "=1+1"):
        assert text in page.text
    assert "\u202e" not in source
    assert re.search("https?:", re.sub(r"[^\"]*g\.example[^\"]*", "", source)) is None


def test_hostile_names_are_text_in_markdown(loaded: Config) -> None:
    text = markdown(make_report(loaded, Choice(scan=True, texts=True)))
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    assert {child.type for child in inline} <= {"text", "softbreak", "text_special"}
    assert {token.type for token in tokens if token.type.startswith(("html", "code", "fence"))} == set()
    cells = [token.content for token in tokens if token.type == "inline"]
    shown = ["".join(child.content for child in token.children or ()) for token in tokens if token.type == "inline"]
    assert cells
    for wanted in (SCRIPT, IMAGE, MARKS, "Country of the <b>invoice</b> | not of the parcel"):
        assert wanted in shown


def test_dictionary_has_descriptions_of_columns(plain: Report) -> None:
    assert column(plain, "customers", "country").description == "Country of the <b>invoice</b> | not of the parcel"
    assert "Country of the &lt;b&gt;invoice" in html(plain)
    assert table(plain, "customers").description == "Customers <i>of the shop</i>"
    assert table(plain, "orders").description is None


def test_comments_of_a_user_are_descriptions(loaded: Config) -> None:
    with connected(loaded) as connection:
        connection.execute("COMMENT ON TABLE people IS 'Staff, by the <b>office</b>'")
        connection.execute("ALTER TABLE people ADD note text; COMMENT ON COLUMN people.note IS 'By hand'")
        report = make_report(loaded, Choice(table="people"))
        connection.execute("ALTER TABLE people DROP note; COMMENT ON TABLE people IS NULL")
    assert table(report, "people").description == "Staff, by the <b>office</b>"
    assert column(report, "people", "note").description == "By hand"
    assert column(report, "people", "pay").description is None


def test_report_of_a_run_has_its_files_only(loaded: Config, plain: Report) -> None:
    run_id = table(plain, "orders").imports.shown[0].run_id
    report = make_report(loaded, Choice(run=run_id))
    assert (report.scope, report.totals.files, report.standing) == (f"run {run_id}", 6, 4)
    assert make_report(loaded, Choice(run=LAST)).scope == report.scope
    with pytest.raises(ConfigError, match="the history has no run 'x'"):
        make_report(loaded, Choice(run="x"))


def test_report_of_a_table_has_this_table_only(loaded: Config) -> None:
    report = make_report(loaded, Choice(table="odd"))
    assert [one.name for one in report.tables.shown] == ["odd"]
    assert report.failures.total == 1
    assert make_report(loaded, Choice(table="people")).failures.total == 0
    failing = make_report(loaded, Choice(table="failing"))
    assert (failing.tables.total, failing.failures.total, failing.scope) == (0, 1, "table failing")
    with pytest.raises(ConfigError, match="the history knows no table 'none'"):
        make_report(loaded, Choice(table="none"))


def test_scan_ends_at_the_limit_of_time(loaded: Config) -> None:
    columns = [ScannedColumn(name="order", family=Family.WHOLE, shown=True)]
    name = TableName(schema="public", name="orders")
    with connected(loaded) as other, other.transaction():
        other.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        with (
            open_database(loaded, lambda _line: None) as database,
            transaction(database.engine, read_only=True) as connection,
        ):
            assert scan(connection, name, columns, seconds=1) == "not counted: it takes longer than 1 s"
            assert connection.scalar("SELECT 1") == 1
            assert connection.scalar("SHOW statement_timeout") == "0"


def test_scan_holds_no_lock_afterwards(loaded: Config) -> None:
    columns = [ScannedColumn(name="order", family=Family.WHOLE, shown=True)]
    with (
        open_database(loaded, lambda _line: None) as database,
        transaction(database.engine, read_only=True) as connection,
    ):
        assert isinstance(scan(connection, TableName(schema="public", name="orders"), columns), TableCount)
        held = "SELECT count(*) FROM pg_locks WHERE relation = 'orders'::regclass AND pid = pg_backend_pid()"
        assert connection.scalar(held) == 0


def test_wide_table_is_counted_in_one_query(loaded: Config) -> None:
    wide = [f"c{number}" for number in range(500)]
    with connected(loaded) as connection:
        definitions = sql.SQL(", ").join(sql.SQL("{} int DEFAULT 1").format(sql.Identifier(name)) for name in wide)
        connection.execute(sql.SQL("CREATE TABLE wide ({})").format(definitions))
        connection.execute("INSERT INTO wide DEFAULT VALUES")
    columns = [ScannedColumn(name=name, family=Family.WHOLE, shown=True) for name in wide]
    with (
        open_database(loaded, lambda _line: None) as database,
        transaction(database.engine, read_only=True) as opened,
    ):
        found = scan(opened, TableName(schema="public", name="wide"), columns)
    with connected(loaded) as connection:
        connection.execute("DROP TABLE wide")
    assert isinstance(found, TableCount)
    assert (found.rows, len(found.columns), found.columns["c499"].low) == (1, 500, "1")


@pytest.fixture(scope="module")
def reader(loaded: Config) -> Iterator[Config]:
    """The settings with a role that may only read, by the statements of the documentation."""
    page = (Path(__file__).parents[3] / "docs/how-to/look-at-what-was-loaded.md").read_text(encoding="utf-8")
    (statements,) = re.findall(r"```sql\n(CREATE ROLE.+?)```", page, flags=re.DOTALL)
    with connected(loaded) as connection:
        connection.execute(statements.encode())
        name = connection.info.dbname
        assert loaded.database_url is not None
        given = psycopg.conninfo.conninfo_to_dict(loaded.database_url.get_secret_value())
        yield loaded.model_copy(
            update={
                "database_url": type(loaded.database_url)(
                    psycopg.conninfo.make_conninfo("", **given | {"user": "report_reader", "password": "change me"})
                )
            }
        )
        connection.execute(
            sql.SQL("DROP OWNED BY report_reader; REVOKE ALL ON DATABASE {} FROM report_reader").format(
                sql.Identifier(name)
            )
        )
        connection.execute("DROP ROLE report_reader")


def test_reading_role_gets_the_same_report(reader: Config, scanned: Report) -> None:
    found = make_report(reader, Choice(scan=True))
    assert replace(found, made_at=scanned.made_at, destination="") == replace(scanned, destination="")


def test_role_without_the_tables_gets_the_history(loaded: Config, reader: Config) -> None:
    with connected(loaded) as connection:
        connection.execute("REVOKE SELECT ON orders FROM report_reader")
        found = make_report(reader, Choice(scan=True))
        connection.execute("GRANT SELECT ON orders TO report_reader")
    orders = table(found, "orders")
    assert orders.figures == "from the history: this role may not read the table"
    assert column(found, "orders", "quantity").nulls is not None
    assert table(found, "odd").counted


def test_empty_database_gives_a_page_without_tables(server_url: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with database_of_module(server_url, "reports") as url:
        config = load_config(directory=tmp_path, overrides={"database_url": url})
        unknown = make_report(config, Choice())
        make_workbook(tmp_path / "data/sales/a.xlsx", {"S": [["Id"]]})
        run(config)
        with psycopg.connect(url) as connection:
            connection.execute("DROP TABLE sales")
        dropped = make_report(config, Choice(scan=True))
    assert "Nothing was loaded yet" in html(unknown)
    assert "Nothing was loaded yet" in markdown(unknown)
    assert "✕ does not exist any more" in html(dropped)
