from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from orb_core import EventLoopBacktest, load_config
from orb_core.analytics.equity import book
from orb_core.analytics.today import today
from orb_core.config.load import config_from_mapping
from orb_core.data.synthetic import SyntheticSource
from orb_core.engine import records
from orb_core.errors import BarsError
from tests.strategies import SYMBOL, worlds

NEW_YORK = ZoneInfo("America/New_York")
FIRST, DAY = date(2024, 1, 2), date(2024, 3, 20)


@pytest.fixture(scope="module")
def bars():
    return SyntheticSource(load_config().session, seed=0).fetch("SPY", FIRST, date(2024, 3, 22), "1m")


def at(hour, minute, day=20):
    return datetime(2024, 3, day, hour, minute, tzinfo=NEW_YORK)


def test_while_the_range_is_built_it_shows_what_it_is_so_far(bars):
    now = today(bars, load_config(), "SPY", at(9, 38))
    so_far = bars[bars["timestamp_utc"].between(at(9, 30), at(9, 37))]
    assert now.stage == "building"
    assert now.session["or_high"] == so_far["high"].max()
    assert now.session["or_low"] == so_far["low"].min()
    assert now.as_of == at(9, 38)
    assert now.range_ends in {at(9, 40), at(9, 45), at(10, 0)}
    assert [side.direction for side in now.sides] == ["long", "short"]
    assert now.sides[0].trigger == pytest.approx(now.session["or_high"] + 0.01)
    assert now.sides[1].trigger == pytest.approx(now.session["or_low"] - 0.01)


def test_a_bar_that_is_not_over_is_not_looked_at(bars):
    spoilt = bars.assign(high=bars["high"].mask(bars["timestamp_utc"] == at(9, 37), 1e6))
    assert today(spoilt, load_config(), "SPY", at(9, 37)).session["or_high"] < 1e6
    assert today(spoilt, load_config(), "SPY", at(9, 38)).session["or_high"] == 1e6


def test_the_stages_of_a_day_follow_the_run_of_that_day(bars):
    config = config_from_mapping({"scoring": {"enabled": False}})
    for day in (20, 21, 22):
        run = EventLoopBacktest(config).run(bars, "SPY", date(2024, 3, day), date(2024, 3, day))
        trade = run.trades.iloc[0]
        inside = trade["entry_timestamp"] + (trade["exit_timestamp"] - trade["entry_timestamp"]) / 2
        entered = today(bars, config, "SPY", inside.to_pydatetime())
        assert entered.stage == "in_trade"
        assert entered.open_trade["trade_id"] == trade["trade_id"]
        assert entered.open_trade["exit_reason"] == "end_of_data"
        assert entered.sides == ()
        closed = today(bars, config, "SPY", at(16, 30, day))
        assert closed.stage == "over"
        assert closed.open_trade is None
        pd.testing.assert_frame_equal(closed.trades, run.trades)
        pd.testing.assert_frame_equal(closed.signals, run.signals)


def test_on_a_weekend_and_before_the_open_it_is_the_last_session(bars):
    for now in (at(12, 0, 23), at(8, 0, 25)):
        assert today(bars, load_config(), "SPY", now).session_date == date(2024, 3, 22)


def test_bars_that_do_not_reach_into_the_session_show_nothing(bars):
    assert today(bars, load_config(), "SPY", at(9, 45, 25)) is None
    assert today(bars, load_config(), "SPY", at(9, 30)) is None
    assert today(bars, load_config(), "SPY", datetime(2024, 1, 2, 4, tzinfo=NEW_YORK)) is None


@pytest.mark.parametrize(
    ("settings", "state"),
    [
        ({"orb": {"min_atr_mult": 50, "max_atr_mult": 60}}, "too_narrow"),
        ({"session": {"exclude_dates": ["2024-03-20"]}}, "excluded"),
    ],
)
def test_a_session_that_is_not_traded_has_no_sides(bars, settings, state):
    now = today(bars, config_from_mapping(settings), "SPY", at(11, 0))
    assert (now.stage, now.session["or_state"], now.sides) == ("untradable", state, ())


def test_the_quantity_is_the_one_the_first_trade_of_a_run_is_booked_with(bars):
    config = config_from_mapping({"scoring": {"enabled": False}, "sizing": {"max_leverage": 2.0}})
    run = EventLoopBacktest(config).run(bars, "SPY", DAY, DAY)
    trade = book(run.trades, config).iloc[0]
    before = today(bars, config, "SPY", trade["entry_timestamp"].to_pydatetime())
    side = next(side for side in before.sides if side.direction == trade["direction"])
    assert side.quantity == trade["quantity"] > 0
    assert (side.entry_price, side.stop) == (trade["entry_price"], trade["stop_initial"])
    half = today(bars, config, "SPY", trade["entry_timestamp"].to_pydatetime(), equity=50_000.0)
    assert half.sides[0].quantity == pytest.approx(before.sides[0].quantity / 2, abs=1)
    assert today(bars, config, "SPY", trade["entry_timestamp"].to_pydatetime(), equity=0.0).sides[0].quantity == 0
    fixed = config_from_mapping({"sizing": {"mode": "fixed_quantity", "quantity": 7}})
    assert today(bars, fixed, "SPY", at(9, 38)).sides[0].quantity == 7


def follow(world, data, price_of):
    """Bars up to some moment after a range; for each side told of then, the run whose next bar `price_of` makes."""
    sessions = EventLoopBacktest(world.config).run(world.bars, SYMBOL, world.start, world.end).sessions
    starts = world.bars["timestamp_utc"]
    bar = pd.Timedelta(minutes=world.config.data.bar_minutes)
    moments = [
        moment
        for row in sessions[(sessions["or_state"] == "valid") & ~sessions["warmup"]].itertuples()
        for moment in starts[(starts >= row.open) & (starts + bar <= row.close)]
        if moment >= row.open + pd.Timedelta(minutes=row.or_minutes)
    ]
    assume(moments)
    end = data.draw(st.sampled_from(moments))
    bars = world.bars[starts < end]
    try:
        now = today(bars, world.config, SYMBOL, end.to_pydatetime())
    except BarsError:
        reject()  # so few that they look like another interval
    if now is None or now.stage == "building":  # an adaptive range is as long as the history that is known says
        return
    for side in now.sides:
        open_, high, low = price_of(now, side)
        following = {"timestamp_utc": end, "open": open_, "high": high, "low": low, "close": open_, "volume": 100.0}
        longer = pd.concat([bars, pd.DataFrame([following])], ignore_index=True).astype(bars.dtypes)
        try:
            run = EventLoopBacktest(world.config).run(longer, SYMBOL, now.session_date, now.session_date)
        except BarsError:
            reject()
        yield side, end, run


def touching(now, side):
    middle = (now.session["or_high"] + now.session["or_low"]) / 2
    return middle, max(middle, side.trigger), min(middle, side.trigger)


def opening(now, side):
    return now.last_price, now.last_price, now.last_price


def assert_told(side, moment, run):
    signal = run.signals.iloc[-1]
    assert (signal["timestamp"], signal["direction"]) == (moment, side.direction)
    assert (signal["reason"], signal["score"], signal["required"]) == (side.refusal, side.score, side.required)
    assert signal["trigger"] == side.trigger
    for factor in side.factors:
        assert signal[f"{factor.name}_flag"] == factor.agrees
        np.testing.assert_equal(signal[f"{factor.name}_value"], factor.value)
    if side.refusal:
        return
    trade = run.trades.iloc[-1]
    assert (trade["entry_price"], trade["stop_initial"], trade["risk"]) == (side.entry_price, side.stop, side.risk)
    np.testing.assert_equal(trade[["t1_price", "t2_price", "runner_price"]].tolist(), list(side.targets))


@given(world=worlds(entry={"mode": "touch"}), data=st.data())
def test_a_touch_in_the_next_bar_brings_exactly_the_candidate_that_was_told(world, data):
    for side, moment, run in follow(world, data, touching):
        if side.is_armed:
            assert_told(side, moment, run)
        else:
            assert run.signals.empty or run.signals["timestamp"].iloc[-1] != moment


@given(world=worlds(entry={"mode": "or_end"}), data=st.data())
def test_an_entry_at_the_end_of_the_range_is_the_one_that_was_told(world, data):
    for side, moment, run in follow(world, data, opening):
        assert_told(side, moment, run)


def test_every_factor_that_counts_is_shown_and_no_other(bars):
    config = config_from_mapping({"factors": {"vwap": {"enabled": False}, "adx": {"enabled": True}}})
    names = [factor.name for factor in today(bars, config, "SPY", at(9, 38)).sides[0].factors]
    assert names == [name for name in records.FACTORS if name != "vwap"]
