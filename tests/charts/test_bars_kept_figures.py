from datetime import date

import pytest

from orb_core import load_config
from orb_core.charts import coverage_figure, gaps_figure
from orb_core.data.kept_bars import CoveredDay, bar_quality, days_of
from orb_core.data.sessions import session_table
from orb_core.data.synthetic import SyntheticSource

SESSION = load_config().session


def quality_without(*positions, session=SESSION):
    first, last = date(2024, 7, 2), date(2024, 7, 5)
    bars = SyntheticSource(session).fetch("SPY", first, last, "1m")
    return bar_quality(bars.drop(index=list(positions)), session_table(session, first, last), 1, 15, "SPY")


@pytest.mark.parametrize("dark", [False, True])
def test_every_state_of_a_session_has_its_own_colour_or_shape_and_its_count(dark):
    days = [
        CoveredDay(date(2024, 1, 2), "complete", 390, 390),
        CoveredDay(date(2024, 1, 3), "incomplete", 388, 390),
        CoveredDay(date(2024, 1, 4), "empty", 0, 390),
        CoveredDay(date(2024, 1, 5), "missing", 0, 0),
    ]
    figure = coverage_figure(days, dark=dark)
    assert [trace.name for trace in figure.data] == ["Complete · 1", "Bars missing · 1", "Empty · 1", "Not kept · 1"]
    assert len({trace.marker.symbol for trace in figure.data}) == 4
    assert [trace.y[0] for trace in figure.data] == ["Tue", "Wed", "Thu", "Fri"]
    assert figure.data[1].customdata[0][1] == ": 388 of 390 bars"


def test_weekends_have_rows_only_where_there_are_sessions():
    week = [CoveredDay(date(2024, 1, 2), "complete", 390, 390)]
    weekend = [*week, CoveredDay(date(2024, 1, 7), "complete", 1440, 1440)]
    assert "Sun" not in coverage_figure(week).layout.yaxis.categoryarray
    assert coverage_figure(weekend).layout.yaxis.categoryarray[-1] == "Sun"


def test_missing_minutes_lie_where_they_are_in_their_session():
    quality = quality_without(3, 4, 395)
    gaps = [(gap.session_date, gap.from_minute, gap.minutes, gap.clocks) for gap in quality.gaps]
    assert gaps == [("2024-07-03", 5, 1, "09:35"), ("2024-07-02", 3, 2, "09:33–09:34")]
    drawn = gaps_figure(quality).data[1]
    assert list(zip(drawn.y, drawn.base, drawn.x, strict=True)) == [("2024-07-03", 5, 1), ("2024-07-02", 3, 2)]


def test_the_opening_range_is_marked_and_the_axis_shows_the_exchanges_clock():
    figure = gaps_figure(quality_without(3))
    (marked,) = figure.layout.shapes
    assert (marked.x0, marked.x1) == (0, 15)
    assert figure.layout.xaxis.ticktext[:2] == ("09:30", "10:00")
    assert figure.layout.xaxis.ticktext[-1] == "16:00"
    assert figure.layout.xaxis.ticklabeloverflow == "allow"


def test_sessions_across_midnight_keep_the_order_of_their_minutes():
    futures = load_config(overrides=["session.calendar=CMES"]).session
    quality = quality_without(10, 700, session=futures)
    assert [gap.from_minute for gap in quality.gaps if gap.session_date == "2024-07-02"] == [10, 700]
    assert (quality.open_clock, quality.session_minutes) == ("17:00", 1440)


def test_a_report_says_which_days_its_bars_cover():
    states = [day.state for day in days_of(quality_without(3, *range(390, 600)).report)]
    assert states == ["incomplete", "missing", "complete"]


def test_missing_minutes_are_named_on_the_clock_of_their_exchange():
    assert gaps_figure(quality_without(3)).layout.xaxis.title.text == "Time, New York"
