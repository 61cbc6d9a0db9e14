from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from orb_core import EventLoopBacktest, load_config
from orb_core.config.load import config_from_mapping
from orb_core.data.synthetic import SyntheticSource
from orb_core.engine.what_if import USUAL, Grid, WhatIf, what_if
from orb_core.errors import BarsError
from tests.strategies import SYMBOL, worlds

OWN = Grid((1.0,), ("own",))
START, END = date(2024, 2, 1), date(2024, 12, 31)


@pytest.fixture(scope="module")
def bars():
    return SyntheticSource(load_config().session, seed=0).fetch("SPY", date(2024, 1, 2), END, "1m")


def run(bars, settings):
    config = config_from_mapping(settings)
    return config, EventLoopBacktest(config).run(bars, "SPY", START, END).trades


@given(world=worlds())
def test_the_cell_of_the_runs_own_settings_is_the_run_trade_by_trade(world):
    trades = EventLoopBacktest(world.config).run(world.bars, SYMBOL, world.start, world.end).trades
    grid = what_if(world.bars, trades, world.config, world.start, world.end)
    assert grid.r.shape == (len(USUAL.stops), len(USUAL.targets), len(trades))
    np.testing.assert_array_equal(grid.r[grid.own], trades["realized_r"])
    assert np.isfinite(grid.r).all()


@pytest.mark.parametrize(
    "settings",
    [
        {"trade": {"stop_mode": "swing", "swing_lookback": 1}, "execution": {"ambiguity": "optimistic"}},
        {"trade": {"stop_mode": "swing", "swing_lookback": 1}, "execution": {"limit_fill": "through"}},
        {"trade": {"trail": {"mode": "atr", "start_r": 0.25, "distance": 0.1}}, "costs": {"commission_pct": 0.0001}},
        {"trade": {"trail": {"mode": "swing", "start_r": 0.0}}, "entry": {"mode": "close"}},
        {"trade": {"max_hold_minutes": 20, "runner_r": None}, "governance": {"flatten_at_session_end": False}},
    ],
)
def test_a_busy_year_is_lived_again_to_the_last_bit(bars, settings):
    busy = {"max_signals_per_day": 50, "lockout_after_losses": None, "second_chance_minutes": None}
    settings = {"scoring": {"enabled": False}, **settings, "governance": busy | settings.get("governance", {})}
    config, trades = run(bars, settings)
    assert len(trades) > 250
    r = what_if(bars, trades, config, START, END, OWN).r
    np.testing.assert_array_equal(r[0, 0], trades["realized_r"])


@given(world=worlds(trade={"partials": False, "primary_r": 1.5}))
def test_a_single_target_of_the_runs_own_size_is_the_run_too(world):
    trades = EventLoopBacktest(world.config).run(world.bars, SYMBOL, world.start, world.end).trades
    r = what_if(world.bars, trades, world.config, world.start, world.end, Grid((1.0,), (1.5, "none"))).r
    np.testing.assert_array_equal(r[0, 0], trades["realized_r"])


@given(world=worlds(trade={"partials": False, "primary_r": None}))
def test_no_target_is_the_run_that_has_none(world):
    trades = EventLoopBacktest(world.config).run(world.bars, SYMBOL, world.start, world.end).trades
    r = what_if(world.bars, trades, world.config, world.start, world.end, Grid((1.0,), ("none", 1.5))).r
    np.testing.assert_array_equal(r[0, 0], trades["realized_r"])


@pytest.mark.parametrize("ambiguity", ["conservative", "optimistic"])
@pytest.mark.parametrize(("scale", "target"), [(2.0, 3.0), (0.5, 1.0), (1.5, None)])
def test_one_trade_a_day_with_another_stop_and_target_is_what_a_run_with_them_brings(bars, scale, target, ambiguity):
    def settings(stop, target_r):
        # Off the tick grid, or rounding would set the two stops a tick apart.
        return {
            "instruments": {"SPY": {"tick_size": 0.0}},
            "scoring": {"enabled": False},
            "buffers": {"fixed": 0.01},
            "trade": {
                "stop_mode": "atr",
                "atr_stop_mult": stop,
                "partials": False,
                "primary_r": target_r,
                "move_be_at_r": None,
            },
            "governance": {"max_signals_per_day": 1},
            "execution": {"ambiguity": ambiguity},
        }

    config, trades = run(bars, settings(0.2, 1.5))
    _, other = run(bars, settings(0.2 * scale, None if target is None else target / scale))
    assert len(trades) == len(other) > 100
    r = what_if(bars, trades, config, START, END, Grid((scale,), ("none" if target is None else target,))).r[0, 0]
    np.testing.assert_allclose(r, other["realized_r"] * scale, atol=1e-9)
    assert not np.allclose(r, trades["realized_r"])


def day(*prices, volume=100.0):
    """Minute bars from rows of (open, high, low, close), from 09:30 of one session."""
    stamps = pd.date_range("2024-03-05 14:30", periods=len(prices), freq="min", tz="UTC", unit="ns")
    values = np.array(prices, dtype=np.float64)
    columns = dict(zip(("open", "high", "low", "close"), values.T, strict=True))
    return pd.DataFrame({"timestamp_utc": stamps, **columns, "volume": volume})


FIVE_MINUTES = {
    "orb": {"base_minutes": 5, "adaptive": False, "enable_validity_filter": False},
    "buffers": {"ticks": 0},
    "scoring": {"enabled": False},
    "costs": {"commission_per_unit": 0.0, "slippage_ticks": 0},
    "trade": {"partials": False, "primary_r": 1.0, "move_be_at_r": None},
    "governance": {"max_signals_per_day": 1},
}


def test_a_trade_worked_out_by_hand():
    # The range is 99 to 101; a long at 101 risks 2 points. Price dips to 100 first, then climbs to 104.5.
    rising = [(100, 101, 99, 100)] * 5 + [
        (100.5, 101.2, 100.4, 101.1),
        (101, 101.5, 100, 101.4),
        (102, 104.5, 101.9, 104),
    ]
    bars = day(*rising)
    config = config_from_mapping(FIVE_MINUTES)
    trades = EventLoopBacktest(config).run(bars, "SPY").trades
    assert trades["realized_r"].tolist() == [1.0]
    days = (date(2024, 3, 5), date(2024, 3, 5))
    grid = what_if(bars, trades, config, *days, Grid((0.5, 0.75, 1.0, 2.0), ("own", 0.25, 1.5, 3.0, "none")))
    np.testing.assert_allclose(
        grid.r[:, :, 0],
        [
            [-0.5, -0.5, -0.5, -0.5, -0.5],  # the dip reaches the stop at 100, in the bar that reaches 101.5 too
            [1.0, 0.25, 1.5, 1.5, 1.5],  # no stop; beyond 104.5 the trade ends with the data, at 104
            [1.0, 0.25, 1.5, 1.5, 1.5],
            [1.0, 0.25, 1.5, 1.5, 1.5],
        ],
    )
    assert grid.own == (2, 0)
    assert grid.average_r[2, 0] == grid.total_r[2, 0] == 1.0


def test_breakeven_and_trail_keep_their_distances_while_the_stop_moves():
    # Up to 103.5 (1.25 R of the run), then down to 100.5: the breakeven stop at 101 takes it, whatever the first stop.
    there_and_back = [(100, 101, 99, 100)] * 5 + [(101, 103.5, 101, 103), (103, 103, 100.5, 100.6)]
    bars = day(*there_and_back)
    config = config_from_mapping(FIVE_MINUTES | {"trade": {"partials": False, "primary_r": None, "move_be_at_r": 1.0}})
    trades = EventLoopBacktest(config).run(bars, "SPY").trades
    days = (date(2024, 3, 5), date(2024, 3, 5))
    r = what_if(bars, trades, config, *days, Grid((0.5, 1.0, 3.0), ("own", 2.0))).r[:, :, 0]
    np.testing.assert_allclose(r, 0.0)


def test_a_stop_is_never_nearer_to_the_fill_than_a_tick():
    flat = [(100, 101, 99, 100)] * 5 + [(100.95, 101.0, 100.9, 100.95)] + [(100.99, 100.995, 100.99, 100.99)] * 3
    bars = day(*flat)
    config = config_from_mapping(FIVE_MINUTES | {"costs": {"commission_per_unit": 0.0, "slippage_ticks": 5}})
    trades = EventLoopBacktest(config).run(bars, "SPY").trades
    assert (trades["entry_price"].item(), trades["risk"].item()) == pytest.approx((101.05, 2.05))
    grid = what_if(bars, trades, config, date(2024, 3, 5), date(2024, 3, 5), Grid((0.001,), ("none",)))
    # The stop lies at 100.99, a tick below the fill at 101.00, and its own slippage comes on top.
    np.testing.assert_allclose(grid.r[0, 0], [(100.99 - 0.05 - 101.05) / 2.05])


def test_a_trade_is_carried_into_the_next_session_where_the_run_does(bars):
    trade = {"runner_r": None, "trail": {"mode": "swing", "start_r": 1.0}, "swing_lookback": 30}
    config, trades = run(bars, {"governance": {"flatten_at_session_end": False}, "trade": trade})
    overnight = trades["exit_timestamp"].dt.date > trades["entry_timestamp"].dt.date
    assert overnight.any()
    grid = what_if(bars, trades, config, START, END)
    np.testing.assert_array_equal(grid.r[grid.own], trades["realized_r"])


def test_the_grids_of_symbols_stand_one_behind_the_other(bars):
    config, trades = run(bars, {})
    half = len(trades) // 2
    parts = [what_if(bars, part, config, START, END) for part in (trades[:half], trades[half:], trades[:0])]
    whole = what_if(bars, trades, config, START, END)
    np.testing.assert_array_equal(WhatIf.together(parts).r, whole.r)
    assert whole.total_r[whole.own] == pytest.approx(trades["realized_r"].sum())


def test_a_run_without_trades_has_an_empty_grid(bars):
    config, trades = run(bars, {})
    grid = what_if(bars, trades[:0], config, START, END)
    assert grid.total_r.shape == (len(USUAL.stops), len(USUAL.targets))
    assert not grid.total_r.any()
    assert np.isnan(grid.average_r).all()


def test_other_bars_than_the_runs_are_refused(bars):
    config, trades = run(bars, {})
    without = bars[bars["timestamp_utc"] != trades["entry_timestamp"][0]]
    with pytest.raises(BarsError, match=f"bars of SPY: 1 of {len(trades)} trades .* such as {trades['trade_id'][0]}"):
        what_if(without, trades, config, START, END)
