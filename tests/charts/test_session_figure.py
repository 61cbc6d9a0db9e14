from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from orb_core.analytics.replay import visible
from orb_core.charts import session_figure
from orb_core.charts.palette import palette
from orb_core.charts.session import is_all_in_sight, spread_labels
from tests.charts.session_views import a_session, minute


def trace(figure, name):
    found = [t for t in figure.data if t.name == name]
    assert len(found) == 1, [t.name for t in figure.data]
    return found[0]


def test_times_are_the_exchanges_and_say_so():
    figure = session_figure(a_session())
    assert pd.Timestamp(trace(figure, "Price").x[0]) == pd.Timestamp("2024-03-12 09:30")
    assert figure.layout.xaxis.title.text == "Time, New York"


def test_the_entry_points_the_way_of_the_trade_and_its_line_ends_at_breakeven():
    figure = session_figure(a_session())
    entry = trace(figure, "Entry")
    assert (list(entry.marker.symbol), entry.marker.angle) == (["triangle-up"], 90)
    line = trace(figure, "Entry price")
    assert pd.Timestamp(line.x[-1]) == pd.Timestamp("2024-03-12 11:01")  # the bar after T1


def test_the_stop_steps_where_it_moved_and_ends_with_the_trade():
    view = a_session()
    stop = trace(session_figure(view), "Stop in force")
    assert stop.line.shape == "hv"
    assert [pd.Timestamp(x).strftime("%H:%M") for x in stop.x] == ["10:17", "11:01", "11:40"]
    assert list(stop.y) == [view.trades["stop_initial"][0], *[view.trades["stop_final"][0]] * 2]


def test_a_target_line_ends_where_it_was_filled_and_a_dot_marks_the_fill():
    figure = session_figure(a_session())
    targets = trace(figure, "Targets")
    assert targets.line.dash == "dash"
    ends = [None if x is None else pd.Timestamp(x).strftime("%H:%M") for x in targets.x]
    assert ends == ["10:17", "11:00", None, "10:17", "11:40", None, "10:17", "11:40"]
    assert len(trace(figure, "Target filled").x) == 1


def test_a_refused_candidate_shows_its_reason_in_words():
    refused = trace(session_figure(a_session()), "Refused")
    assert list(refused.marker.symbol) == ["diamond-open"]
    assert "After the 15:00 cutoff" in refused.customdata[0]


def test_labels_at_the_right_edge_carry_price_and_r():
    view = a_session()
    texts = [a.text for a in session_figure(view).layout.annotations]
    trade = view.trades.iloc[0]
    assert f"Stop {trade['stop_initial']:.2f} · −1.00 R" in texts
    assert f"T2 {trade['t2_price']:.2f} · +1.50 R" in texts
    assert f"Out {view.fills['price'].iloc[-1]:.2f} · −0.03 R" in texts


def test_the_chart_reaches_to_the_next_target_and_an_arrow_points_to_those_beyond():
    view = a_session()
    figure = session_figure(view)
    trade = view.trades.iloc[0]
    high = figure.layout.yaxis.range[1]
    assert trade["t2_price"] < high < trade["runner_price"]
    (beyond,) = [a for a in figure.layout.annotations if "↑" in a.text]
    assert beyond.text == f"↑ Runner {trade['runner_price']:.2f} · +2.00 R"
    assert beyond.y == high


def test_targets_out_of_sight_keep_their_order_at_either_edge():
    view = a_session()
    entry, risk = view.trades.loc[0, ["entry_price", "risk"]]
    for direction, side in (("long", 1), ("short", -1)):
        prices = {
            name: entry + side * n * risk for name, n in (("t1_price", 9), ("t2_price", 10), ("runner_price", 11))
        }
        trades = view.trades.assign(direction=direction, targets_filled=0, **prices)
        figure = session_figure(replace(view, trades=trades))
        by_name = {a.text.split()[-5]: a for a in figure.layout.annotations if a.text.endswith(" R")}
        t2, runner = by_name["T2"], by_name["Runner"]
        assert t2.y == runner.y == figure.layout.yaxis.range[1 if side > 0 else 0]
        assert (t2.ay - runner.ay) * side > 0


def test_the_prior_days_value_is_named_where_its_visible_part_is():
    view = a_session()
    low = session_figure(view).layout.yaxis.range[0]
    view = replace(view, value_area=(low - 100, low + 0.1))
    (label,) = [a for a in session_figure(view).layout.annotations if a.text == "Prior day's value"]
    assert label.y == pytest.approx(low + 0.05)
    view = replace(view, value_area=(low - 100, low - 1))
    assert "Prior day's value" not in [a.text for a in session_figure(view).layout.annotations]


def test_lines_lie_over_the_grid_and_under_the_candles():
    assert {shape.layer for shape in session_figure(a_session()).layout.shapes} == {"between"}


def test_the_legend_names_only_what_is_in_sight():
    view = a_session()
    in_part = trace(session_figure(view), "Refused")
    assert len(in_part.x) == 1  # at 15:00, where panning finds it
    assert not in_part.showlegend
    assert trace(session_figure(view, whole_day=True), "Refused").showlegend
    assert trace(session_figure(view), "Stop hit").showlegend


def test_the_legend_of_a_replay_drops_what_has_left_its_chart():
    assert trace(session_figure(visible(a_session(), 200), newest=120), "Entry").showlegend is False
    assert trace(session_figure(visible(a_session(), 100), newest=120), "Entry").showlegend


def test_labels_never_overlap():
    figure = session_figure(a_session())
    low, high = figure.layout.yaxis.range
    plot = figure.layout.yaxis.domain
    px = (560 - 28 - 36) * (plot[1] - plot[0]) / (high - low)
    places = sorted((a.y - low) * px - a.ay for a in figure.layout.annotations)
    assert min(np.diff(places)) >= 17 - 1e-6


@pytest.mark.parametrize(
    ("wanted", "placed"),
    [([], []), ([50], [50]), ([50, 50], [45, 55]), ([98, 99], [90, 100]), ([1, 60, 0], [10, 60, 0])],
)
def test_labels_move_as_little_as_needed(wanted, placed):
    assert spread_labels(wanted, 10, 0, 100) == pytest.approx(placed)


def test_more_labels_than_fit_share_the_height():
    assert spread_labels([5, 5, 5], 10, 0, 10) == pytest.approx([0, 5, 10])


def test_a_day_without_a_trade_shows_every_bar_and_no_trade():
    view = a_session()
    view = replace(view, trades=view.trades[:0], fills=view.fills[:0], stops=view.stops[:0])
    figure = session_figure(view)
    assert "Entry" not in [t.name for t in figure.data]
    begin, end = (pd.Timestamp(x) for x in figure.layout.xaxis.range)
    assert (end - begin) >= pd.Timedelta(minutes=390)


@pytest.mark.parametrize(("entered", "begins"), [(47, (-1, 0)), (150, (135, 145))])
def test_a_long_trade_is_shown_to_after_its_exit_with_the_opening_range_unless_that_came_long_before(entered, begins):
    view = a_session()
    trades = view.trades.assign(entry_timestamp=[minute(entered)], exit_timestamp=[minute(300)])
    begin, end = (pd.Timestamp(x) for x in session_figure(replace(view, trades=trades)).layout.xaxis.range)
    opened = pd.Timestamp("2024-03-12 09:30")
    assert begins[0] <= (begin - opened) / pd.Timedelta(minutes=1) <= begins[1]
    assert pd.Timestamp("2024-03-12 14:35") < end < pd.Timestamp("2024-03-12 14:45")


def test_a_trade_over_night_is_shown_to_the_end_of_the_session_without_its_exit():
    view = a_session()
    trades = view.trades.assign(exit_timestamp=[minute(1_440)])
    fills = view.fills.assign(timestamp=[minute(47), minute(90), minute(1_440)])
    figure = session_figure(replace(view, trades=trades, fills=fills))
    assert pd.Timestamp(figure.layout.xaxis.range[1]) == pd.Timestamp("2024-03-12 16:00")
    assert not [a for a in figure.layout.annotations if a.text.startswith("Out")]


def test_all_of_a_day_is_in_sight_without_a_trade_or_with_few_bars():
    view = a_session()
    (trade,) = view.trades.itertuples()
    assert not is_all_in_sight(view, trade)
    assert is_all_in_sight(view, None)
    assert is_all_in_sight(replace(view, bars=view.bars[:100]), trade)


def test_a_short_trade_is_in_the_middle_and_the_switch_shows_the_whole_day():
    view = a_session()
    begin, end = (pd.Timestamp(x, tz="America/New_York") for x in session_figure(view).layout.xaxis.range)
    assert begin < minute(47)
    assert end > minute(130)
    assert end - begin < pd.Timedelta(minutes=140)
    begin, end = (pd.Timestamp(x) for x in session_figure(view, whole_day=True).layout.xaxis.range)
    assert end - begin > pd.Timedelta(minutes=389)


def test_volume_is_as_wide_of_one_bar_as_of_many():
    day = a_session()
    one = replace(day, bars=day.bars[:1], vwap=day.vwap[:1] if day.vwap.ndim else day.vwap)
    assert trace(session_figure(one), "Volume").width == trace(session_figure(day), "Volume").width == 45_000


def test_no_candle_is_cut_at_the_edges():
    for whole_day in (False, True):
        figure = session_figure(a_session(), whole_day=whole_day)
        begin, end = (pd.Timestamp(x) for x in figure.layout.xaxis.range)
        half = pd.Timedelta(seconds=30)
        assert not [x for x in pd.to_datetime(figure.data[0].x) for edge in (begin, end) if x - half < edge < x + half]


def test_a_session_without_a_range_or_a_prior_day_is_still_drawn():
    view = a_session()
    session = view.session.copy()
    session["or_high"] = session["or_low"] = float("nan")
    empty = {"trades": view.trades[:0], "fills": view.fills[:0], "stops": view.stops[:0], "signals": view.signals[:0]}
    nan = float("nan")
    view = replace(view, session=session, value_area=None, upper_trigger=nan, lower_trigger=nan, **empty)
    figure = session_figure(view)
    assert figure.layout.shapes == ()
    assert figure.layout.annotations == ()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("green_red", [False, True], ids=["blue and orange", "green and red"])
def test_a_rising_candle_is_hollow_and_a_falling_one_filled_whatever_their_colours(dark, green_red):
    colours = palette(dark=dark, green_red=green_red)
    candles = trace(session_figure(a_session(), colours=colours), "Price")
    assert (candles.increasing.line.color, candles.decreasing.line.color) == (colours.up, colours.down)
    assert candles.increasing.fillcolor == "rgba(0,0,0,0)"
    assert candles.decreasing.fillcolor == colours.down
