from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from loguru import logger

from orb_core import load_config, service
from orb_core.data.synthetic import SyntheticSource
from orb_core.engine.backtest import EventLoopBacktest
from orb_core.errors import StoreError
from orb_core.service import RunRequest, SourceSpec

START, END = date(2024, 1, 29), date(2024, 2, 2)
DAYS = [date(2024, 1, 29), date(2024, 1, 30), date(2024, 1, 31), date(2024, 2, 1), date(2024, 2, 2)]


@pytest.fixture
def store():
    return service.default_store()


@pytest.fixture(autouse=True)
def silent_console():
    logger.remove()


def run(store, *settings, **changes):
    config = load_config(overrides=["data.warmup_sessions=2", *settings])
    request = RunRequest(config, ("SPY",), START, END, SourceSpec("synthetic"))
    return store.load(service.run_and_save(replace(request, **changes), store).run_id)


def views(store, of):
    return [service.session_view(store, of.run_id, "SPY", day) for day in DAYS]


def test_the_bars_of_a_session_are_the_runs(store):
    of = run(store)
    bars = of.bars("SPY")

    for view in views(store, of):
        day = bars[bars["timestamp_utc"].between(view.session["open"], view.session["close"], inclusive="left")]
        pd.testing.assert_frame_equal(view.bars, day.reset_index(drop=True))
        assert len(view.vwap) == len(view.bars) == 390
    assert views(store, of)[0].timezone == "America/New_York"


def test_vwap_is_the_number_the_signals_were_judged_by(store):
    of = run(store, "entry.mode=close")
    checked = 0
    for view in views(store, of):
        for signal in view.signals.itertuples():
            judged = view.bars["timestamp_utc"].searchsorted(signal.timestamp) - 1
            assert view.vwap[judged] == signal.vwap_value
            checked += 1
    assert checked


@pytest.mark.parametrize("settings", [(), ("buffers.use_atr=true", "buffers.fixed=0.03", "buffers.ticks=2")])
def test_triggers_are_the_levels_the_candidates_broke(store, settings):
    of = run(store, *settings)
    checked = 0
    for view in views(store, of):
        for signal in view.signals.itertuples():
            assert signal.trigger == (view.upper_trigger if signal.direction == "long" else view.lower_trigger)
            checked += 1
    assert checked


@pytest.mark.parametrize("settings", [("entry.mode=or_end",), ("orb.max_atr_mult=0.081",)])
def test_a_day_without_a_breakout_to_wait_for_has_no_triggers(store, settings):
    of = run(store, *settings)

    assert all(np.isnan([view.upper_trigger, view.lower_trigger]).all() for view in views(store, of))


def test_the_value_area_is_that_of_the_day_before(store):
    of = run(store)
    bars = of.bars("SPY")
    for before, view in zip(DAYS, views(store, of)[1:], strict=False):
        prior = bars[bars["timestamp_utc"].dt.date == before]
        low, high = prior["low"].min(), prior["high"].max()
        assert view.value_area == pytest.approx((low + 0.25 * (high - low), low + 0.75 * (high - low)))


def test_without_a_day_before_there_is_no_value_area(store):
    of = run(store, "data.warmup_sessions=0")

    assert views(store, of)[0].value_area is None
    assert views(store, of)[1].value_area is not None


def test_every_trade_is_in_the_session_it_was_entered_in_with_its_fills_and_stops(store):
    of = run(store, "governance.flatten_at_session_end=false", "trade.trail.mode=r")
    gathered = [(view.trades, view.fills, view.stops) for view in views(store, of)]

    for kind, tables in zip(("trades", "fills", "stops"), zip(*gathered, strict=True), strict=True):
        whole = of.frame("SPY", kind)
        assert len(whole) > 0
        pd.testing.assert_frame_equal(
            pd.concat(tables).sort_values(list(whole.columns[:4])).reset_index(drop=True),
            whole.sort_values(list(whole.columns[:4])).reset_index(drop=True),
        )


def test_the_neighbours_are_sessions_of_the_run_with_bars(store, tmp_path):
    bars = SyntheticSource(load_config().session).fetch("SPY", date(2024, 1, 25), END, "1m")
    bars[bars["timestamp_utc"].dt.date != date(2024, 1, 31)].to_parquet(tmp_path / "SPY.parquet")
    of = run(store, source=SourceSpec("file", path=tmp_path / "SPY.parquet"))

    assert [(view.previous_date, view.next_date) for view in views(store, of)] == [
        (None, DAYS[1]),
        (DAYS[0], DAYS[3]),
        (DAYS[1], DAYS[3]),
        (DAYS[1], DAYS[4]),
        (DAYS[3], None),
    ]
    empty = views(store, of)[2]
    assert (len(empty.bars), len(empty.vwap), empty.session["or_state"]) == (0, 0, "no_or_bars")


def test_made_up_prices_are_marked(store, tmp_path):
    bars = SyntheticSource(load_config().session).fetch("SPY", date(2024, 1, 25), END, "1m")
    bars.to_parquet(tmp_path / "SPY.parquet")

    assert views(store, run(store))[0].made_up
    assert not views(store, run(store, source=SourceSpec("file", path=tmp_path / "SPY.parquet")))[0].made_up


def test_bars_outside_the_session_are_left_out(store, tmp_path):
    bars = SyntheticSource(load_config().session).fetch("SPY", date(2024, 1, 25), END, "1m")
    early = bars.assign(timestamp_utc=bars["timestamp_utc"] - pd.Timedelta(hours=7))
    pd.concat([early, bars]).drop_duplicates("timestamp_utc", keep="last").to_parquet(tmp_path / "SPY.parquet")
    with_extended_hours = run(store, source=SourceSpec("file", path=tmp_path / "SPY.parquet"))

    for extended, plain in zip(views(store, with_extended_hours), views(store, run(store)), strict=True):
        pd.testing.assert_frame_equal(extended.bars, plain.bars)
        assert extended.value_area == plain.value_area
        np.testing.assert_array_equal(extended.vwap, plain.vwap)


@pytest.mark.parametrize("day", [date(2024, 1, 26), date(2024, 2, 3), date(2030, 1, 1)])
def test_a_day_that_is_no_session_of_the_run_is_refused(store, day):
    of = run(store)

    with pytest.raises(StoreError, match="its sessions lie between 2024-01-29 and 2024-02-02"):
        service.session_view(store, of.run_id, "SPY", day)


def test_only_the_months_of_the_session_and_the_one_before_are_read(store, monkeypatch):
    of = run(store, start=date(2023, 10, 2))
    read = []
    bars = type(of).bars
    monkeypatch.setattr(type(of), "bars", lambda run, symbol, *days: read.append(days) or bars(run, symbol, *days))

    service.session_view(store, of.run_id, "SPY", date(2024, 1, 2))

    assert read == [(date(2023, 12, 29), date(2024, 1, 2))]


def test_what_is_shown_agrees_with_the_engine_of_today(store):
    of = run(store)
    result = EventLoopBacktest(of.config).run(of.bars("SPY"), "SPY", START, END)

    for view in views(store, of):
        day = result.trades[result.trades["session_date"] == pd.Timestamp(view.session_date)]
        pd.testing.assert_frame_equal(view.trades, day.reset_index(drop=True))
