from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from orb_core.analytics.replay import AT_CLOSE, moments, visible
from orb_core.charts import session_figure
from orb_core.service import default_store, session_view
from tests.charts.session_views import a_session, minute
from tests.ui.app import a_run

MINUTES_A_BAR = 15
OR_LENGTHS = ("orb.base_minutes=30", "orb.short_or_minutes=30", "orb.long_or_minutes=60")
TRAILING = ("trade.trail.mode=r", "trade.trail.start_r=0.3", "trade.trail.distance=0.4")
RUNS = {
    "touched, closed with the session": TRAILING,
    "confirmed at a close, carried over": (*TRAILING, "entry.mode=close", "governance.flatten_at_session_end=false"),
}


def drawn(view, **options):
    return session_figure(view, newest=120, **options).to_dict()


def later(timestamps):
    return timestamps + pd.Timedelta(minutes=MINUTES_A_BAR)


def is_past(frame, column, kind, now):
    """Whether a row's bar is over: one at a close carries that close, all others the start of their bar."""
    end = frame[column].where(frame[kind].isin(AT_CLOSE), later(frame[column])) if kind else later(frame[column])
    return (end <= now).to_numpy()


def with_another_future(day, bar):
    """The same day up to a bar's close, and after it other prices, events and results."""
    now = later(day.bars["timestamp_utc"].iloc[bar])
    rng = np.random.default_rng(bar)
    bars, vwap, session, trades = day.bars.copy(), day.vwap.copy(), day.session.copy(), day.trades.copy()
    prices = ["open", "high", "low", "close"]
    bars.loc[bar + 1 :, prices] *= 3 + rng.random()
    bars.loc[bar + 1 :, "volume"] += 1e9
    vwap[bar + 1 :] *= 5
    session["realized_r"], session["trades"], session["bars"] = 77.0, 9, 1_000
    triggers = {}
    if now < session["open"] + pd.Timedelta(minutes=int(session["or_minutes"])):
        session["or_minutes"] += 30
        session["or_high"], session["or_low"], session["or_width"] = 1e6, 1e-6, 1e6
        session["norm_vol"], session["or_state"] = 9.0, "too_wide"
        triggers = {"upper_trigger": 1e6, "lower_trigger": 1e-6}
    trades = trades[is_past(trades, "entry_timestamp", None, now)].copy()
    is_open = ~is_past(trades, "exit_timestamp", "exit_reason", now)
    trades.loc[is_open, ["exit_price", "realized_r", "gross_r", "cost_r", "max_favorable_r", "max_adverse_r"]] = 99.0
    trades.loc[is_open, ["stop_final", "targets_filled"]] = [1.0, 3]
    trades.loc[is_open, "exit_timestamp"] = now + pd.Timedelta(days=3)
    trades.loc[is_open, "ambiguous"] = True
    return replace(
        day,
        bars=bars.iloc[: bar + 1 + int(rng.integers(0, 4))],
        vwap=vwap,
        session=session,
        trades=trades,
        fills=day.fills[is_past(day.fills, "timestamp", "kind", now)],
        stops=day.stops[(day.stops["timestamp"] <= now).to_numpy()],
        signals=day.signals[is_past(day.signals, "timestamp", None, now)],
        **triggers,
    )


def timestamps_in(value):
    """Every moment anywhere in a figure."""
    if isinstance(value, dict):
        return [t for inner in value.values() for t in timestamps_in(inner)]
    if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.dtype == object):
        return [t for inner in value for t in timestamps_in(inner)]
    if isinstance(value, np.ndarray) and value.dtype.kind == "M":
        return [pd.Timestamp(t) for t in value]
    return [pd.Timestamp(value)] if hasattr(value, "year") and value is not pd.NaT else []


def same(a, b):
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and pd.Series(a).equals(pd.Series(b))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return a is b or a == b


def days_of(overrides):
    """Sessions of a run that differ in what happened: side, targets, moved stops, exits in and after the session."""
    run = a_run(f"data.interval={MINUTES_A_BAR}m", *OR_LENGTHS, *overrides, end=date(2024, 2, 9))
    trades = run.frame("SPY", "trades")
    moved = trades["trade_id"].isin(run.frame("SPY", "stops")["trade_id"])
    is_over_night = trades["exit_timestamp"].dt.date > trades["session_date"].dt.date
    kinds = [trades["direction"].astype(str), trades["targets_filled"].clip(upper=1), moved, is_over_night]
    dates = trades.groupby(kinds)["session_date"].first().dt.date
    return [session_view(default_store(), run.run_id, "SPY", day) for day in sorted(set(dates))]


@pytest.mark.parametrize("overrides", RUNS.values(), ids=RUNS)
def test_no_bar_of_a_replay_shows_anything_of_its_future(overrides):
    days = days_of(overrides)
    assert len(days) > 1
    for day in days:
        offset = day.session["open"].tz_convert(day.timezone).utcoffset()
        for bar in range(len(day.bars)):
            figure = drawn(visible(day, bar))
            assert same(figure, drawn(visible(with_another_future(day, bar), bar))), (day.session_date, bar)
            _, edge = figure["layout"]["xaxis"].pop("range")  # room for bars to come, the same whatever they bring
            assert edge <= day.session["close"].tz_localize(None) + offset, (day.session_date, bar)
            now = later(day.bars["timestamp_utc"].iloc[bar]).tz_localize(None) + offset
            assert max(timestamps_in(figure)) <= now, (day.session_date, bar)


def test_the_days_of_the_runs_hold_what_could_leak():
    days = [day for overrides in RUNS.values() for day in days_of(overrides)]
    trades, stops = (pd.concat([getattr(day, name) for day in days]) for name in ("trades", "stops"))
    assert set(trades["direction"]) == {"long", "short"}
    assert trades["targets_filled"].min() == 0
    assert set(stops["kind"]) >= {"trailing"}
    assert (trades["exit_timestamp"].dt.date > trades["session_date"].dt.date).any()


def test_a_figure_that_shows_the_future_is_found():
    day = a_session()
    leaking = replace(visible(day, 60), trades=day.trades)
    assert not same(drawn(leaking), drawn(visible(day, 60)))
    assert max(timestamps_in(drawn(leaking))) > pd.Timestamp("2024-03-12 10:31")


def test_at_its_last_bar_a_replay_hides_nothing():
    day = a_session()
    assert same(session_figure(visible(day, 389)).to_dict(), session_figure(day).to_dict())


def test_the_range_grows_while_it_is_measured_and_has_no_triggers_yet():
    day = a_session()
    view = visible(day, 4)
    assert view.session["or_high"] == day.bars["high"][:5].max()
    assert view.session["or_minutes"] == 5
    assert np.isnan(view.upper_trigger)
    assert visible(day, 14).upper_trigger == day.upper_trigger


def test_a_trade_has_no_result_until_its_exit_bar():
    day = a_session()
    assert visible(day, 46).trades.empty
    (trade,) = visible(day, 129).trades.itertuples()
    assert (trade.exit_timestamp, trade.targets_filled, trade.bars_held) == (pd.NaT, 1, 83)
    assert np.isnan(trade.realized_r)
    assert visible(day, 130).trades["realized_r"].tolist() == [0.48]


def test_a_stop_shows_from_the_close_that_moved_it():
    day = a_session()
    assert visible(day, 89).stops.empty
    assert visible(day, 90).trades["stop_final"].tolist() == day.stops["price"].tolist()


def test_an_exit_at_a_close_belongs_to_the_bar_of_that_close():
    day = a_session()
    day = replace(
        day,
        trades=day.trades.assign(exit_reason="time_stop", exit_timestamp=[minute(130)]),
        fills=day.fills.assign(kind=["entry", "t1", "time_stop"]),
    )
    assert len(visible(day, 128).fills) == 2
    assert len(visible(day, 129).fills) == 3
    assert moments(day, "SPY-20240312-1")["Exit"] == 129


def test_jumps_lead_to_the_bars_where_it_happened():
    day = a_session()
    expected = {"OR end": 14, "Signal": 46, "Entry": 47, "First fill": 90, "Exit": 130}
    assert moments(day, "SPY-20240312-1") == expected
    assert moments(day) == {"OR end": 14, "Signal": 46}


def test_a_jump_to_what_happened_in_another_session_is_not_offered():
    day = a_session()
    day = replace(day, trades=day.trades.assign(exit_timestamp=[minute(1_440)]))
    assert "Exit" not in moments(day, "SPY-20240312-1")


def seen(day, bar):
    """From when to when a replay's chart goes, in bar lengths since the open."""
    begin, end = (pd.Timestamp(at) for at in drawn(visible(day, bar))["layout"]["xaxis"]["range"])
    length = pd.Timedelta(minutes=day.bar_minutes)
    opened = day.session["open"].tz_convert(day.timezone).tz_localize(None)
    return (begin + length / 2 - opened) / length, (end - opened) / length


def test_the_first_bars_fill_a_chart_from_the_left_that_widens_when_it_is_full():
    day = a_session()
    assert [seen(day, bar) for bar in (0, 29)] == [(0, 30)] * 2
    assert [seen(day, bar) for bar in (30, 59)] == [(0, 60)] * 2
    assert [seen(day, bar) for bar in (60, 119)] == [(0, 120)] * 2


def test_later_ones_roll_through_a_chart_of_so_many_bars_the_last_at_its_right_edge():
    day = a_session()
    assert [seen(day, bar) for bar in (120, 300, 389)] == [(1, 121), (181, 301), (270, 390)]
    assert len(drawn(visible(day, 300))["data"][0]["x"]) == 120
    assert len(drawn(visible(day, 5))["data"][0]["x"]) == 6


def test_the_chart_of_a_short_session_ends_at_its_close():
    day = a_session()
    day = replace(day, bars=day.bars[:80], vwap=day.vwap, session=pd.Series({**day.session, "close": minute(80)}))
    assert [seen(day, bar) for bar in (10, 65, 79)] == [(0, 30), (0, 80), (0, 80)]
