"""Parts of the report's page: lists, periods, histograms, charts, and texts in Markdown."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pgdatahub.postgres.tables.column_estimates import ColumnEstimate
from pgdatahub.postgres.tables.column_scan import CountedBins, Family, family_of
from pgdatahub.reports.page.charts import period_chart
from pgdatahub.reports.page.content import Listed
from pgdatahub.reports.page.histogram import Histogram, counted_histogram, estimated_extremes, estimated_histogram
from pgdatahub.reports.page.markdown_text import markdown_text
from pgdatahub.reports.page.periods import Calendar
from pgdatahub.reports.page.render import percent, size


@pytest.mark.parametrize(("number", "shown", "more"), [(0, 0, 0), (500, 500, 0), (501, 500, 1), (2_000, 500, 1_500)])
def test_list_has_500_entries_and_counts_the_others(number: int, shown: int, more: int) -> None:
    listed = Listed.of(range(number))
    assert (len(listed.shown), listed.more, listed.total) == (shown, more, number)


@pytest.mark.parametrize(
    ("days", "unit", "periods"), [(0, "day", 1), (119, "day", 120), (120, "week", 18), (1_000, "month", 33)]
)
def test_many_days_become_weeks_and_months(days: int, unit: str, periods: int) -> None:
    first = datetime(2024, 1, 3, 23, 59, tzinfo=timezone.utc)
    calendar = Calendar()
    calendar.load(first, rows=10, aside=1)
    calendar.load(first + timedelta(days=days), rows=5, aside=0)
    calendar.fail(first)
    calendar.change(first)
    found, listed = calendar.periods()
    assert (found, len(listed)) == (unit, periods)
    sums = [sum(getattr(one, name) for one in listed) for name in ("files", "rows", "aside", "failed", "changes")]
    assert sums == [2, 15, 1, 1, 1]
    assert listed[0].label == {"day": "2024-01-03", "week": "2024-01-01", "month": "2024-01-01"}[unit]


def test_failed_files_stand_on_those_that_loaded() -> None:
    calendar = Calendar()
    for _ in range(3):
        calendar.load(datetime(2024, 1, 1, tzinfo=timezone.utc), rows=1, aside=0)
    calendar.fail(datetime(2024, 1, 1, tzinfo=timezone.utc))
    chart = period_chart(calendar.periods()[1])
    (loaded,), (failed,) = chart.loaded.bars, chart.failed.bars
    assert chart.loaded.most == 4
    assert (loaded.y, loaded.height) == (25, 75)
    assert (failed.y, failed.height) == (0, 25)
    assert chart.changes.bars == ()


def labels(histogram: Histogram | None) -> list[tuple[str, int | None]]:
    assert histogram is not None
    return [(one.label, one.count) for one in histogram.bins]


def test_histogram_names_the_values_of_each_part() -> None:
    whole = counted_histogram(Family.WHOLE, CountedBins(low=-0.5, step=1, counts=(2, 0, 1)))
    assert labels(whole) == [("0", 2), ("1", 0), ("2", 1)]
    wide = counted_histogram(Family.WHOLE, CountedBins(low=-1_000.5, step=500, counts=(1, 1)))
    assert labels(wide) == [("-1,000 to -501", 1), ("-500 to -1", 1)]
    day = counted_histogram(Family.DATE, CountedBins(low=-43_200, step=86_400 * 2, counts=(1,)))
    assert labels(day) == [("1970-01-01 to 1970-01-02", 1)]
    number = counted_histogram(Family.NUMBER, CountedBins(low=0, step=0.005, counts=(3,)))
    assert labels(number) == [("0.0000 to 0.0050", 3)]
    assert counted_histogram(Family.WHOLE, CountedBins(low=0, step=1, counts=(0,))) is None


def test_estimated_histogram_spreads_equal_parts() -> None:
    estimate = ColumnEstimate(nulls=0.5, distinct=5, common=(("1", 0.25),), bounds=("1", "2", "4"))
    found = estimated_histogram(Family.WHOLE, estimate)
    assert found is not None
    assert [one.label for one in found.bins] == ["1", "2", "3", "4"]
    assert sum(one.share for one in found.bins) == pytest.approx(1)
    assert found.bins[0].share > found.bins[3].share


def test_estimated_extremes_are_those_of_all_samples() -> None:
    days = ColumnEstimate(
        nulls=0, distinct=4, common=(("2025-03-01", 0.5), ("2024-01-01", 0.2)), bounds=("2025-01-01", "2025-02-01")
    )
    assert estimated_extremes(Family.DATE, days) == ("2024-01-01", "2025-03-01")
    assert estimated_extremes(Family.TEXT, days) == (None, None)
    numbers = ColumnEstimate(nulls=0, distinct=3, bounds=("-5", "9", "10"))
    assert estimated_extremes(Family.WHOLE, numbers) == ("-5", "10")


@pytest.mark.parametrize("bound", ["infinity", "0044-03-15 BC", "NaN", "x"])
@pytest.mark.parametrize("family", [Family.DATE, Family.MOMENT, Family.NUMBER, Family.TEXT])
def test_values_without_a_place_have_no_histogram(family: Family, bound: str) -> None:
    estimate = ColumnEstimate(nulls=0, distinct=2, bounds=("1", bound))
    assert estimated_histogram(family, estimate) is None


def test_moments_of_a_zone_have_a_histogram() -> None:
    bounds = ("2024-01-01 00:00:00+00", "2024-01-01 12:30:00.5+00")
    found = estimated_histogram(Family.MOMENT, ColumnEstimate(nulls=0, distinct=2, bounds=bounds))
    assert found is not None
    assert found.bins[0].label == "2024-01-01 00:00 to 2024-01-01 00:37"


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("numeric(12,2)", Family.NUMBER),
        ("timestamp(3) without time zone", Family.MOMENT),
        ("character varying(20)", Family.TEXT),
        ("integer[]", Family.OTHER),
        ("uuid", Family.OTHER),
        ('"My type"', Family.OTHER),
    ],
)
def test_family_of_a_type_ignores_its_length(name: str, family: Family) -> None:
    assert family_of(name) is family


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0%"), (0.0004, "<0.1%"), (0.05, "5.0%"), (0.5, "50%"), (0.9996, ">99.9%"), (0.995, "99.5%"), (1, "100%")],
)
def test_percentage_is_0_or_100_only_if_the_share_is(share: float, text: str) -> None:
    assert percent(share) == text


def test_sizes_have_three_digits() -> None:
    assert [size(number) for number in (0, 999, 1_000, 123_456, 5_000_000_000_000)] == [
        "0 bytes",
        "999 bytes",
        "1.0 kB",
        "123 kB",
        "5.0 TB",
    ]


@given(st.text(alphabet="a_ *`[]()<>|#~$&\\!:/@.w1-+=\n\"'", max_size=30))
@example("<script>alert(1)</script>")
@example("![x](http://e.example)")
@example("www.e.example a@e.example https://e.example mailto:a@e.example")
@example("a|b`c*d_e_f")
@example("\\`\\[x]")
@example("&lt;b&gt;")
def test_markdown_shows_a_text_and_nothing_else(text: str) -> None:
    shown = " ".join(text.split())
    source = f"| head |\n|---|\n| x{markdown_text(text)}x |\n\n## x{markdown_text(text)}x\n"
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(source)
    found = [token for token in tokens if token.type == "inline"]
    assert len(found) == 3
    for token in found[1:]:
        children = token.children or ()
        assert {child.type for child in children} <= {"text", "text_special"}
        assert "".join(child.content for child in children) == f"x{shown}x"
