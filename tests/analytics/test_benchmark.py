from datetime import date

import numpy as np
import pandas as pd
import pytest

from orb_core import EventLoopBacktest, load_config
from orb_core.analytics.benchmark import buy_and_hold, held_together
from orb_core.data.synthetic import SyntheticSource

START, END = date(2024, 2, 1), date(2024, 3, 28)


def held(symbol, start=START, bars=None):
    config = load_config()
    if bars is None:
        bars = SyntheticSource(config.session, seed=0).fetch(symbol, date(2024, 1, 2), END, "1m")
    sessions = EventLoopBacktest(config).run(bars, symbol, start, END).sessions
    return bars, sessions, buy_and_hold(bars, sessions, config.data.bar_minutes)


def test_holding_starts_at_the_first_open_of_the_run_and_ends_at_its_last_close():
    bars, sessions, curve = held("SPY")
    of_run = bars[bars["timestamp_utc"] >= sessions.loc[~sessions["warmup"], "open"].min()]
    assert curve["return_pct"].iloc[0] == 0.0
    assert curve["return_pct"].iloc[-1] == pytest.approx(of_run["close"].iloc[-1] / of_run["open"].iloc[0] - 1)
    assert curve["timestamp"].iloc[0] == pd.Timestamp("2024-02-01 14:30", tz="UTC")
    assert curve["timestamp"].iloc[-1] == pd.Timestamp("2024-03-28 20:00", tz="UTC")
    assert len(curve) == 1 + (~sessions["warmup"]).sum()
    assert curve.dtypes.astype("str").tolist() == ["datetime64[ns, UTC]", "float64"]


def test_bars_outside_the_sessions_and_days_without_bars_change_nothing():
    bars, _, curve = held("SPY")
    late = pd.Timestamp("2024-03-15 21:00", tz="UTC").as_unit("ns")
    after_hours = bars.iloc[-1:].assign(timestamp_utc=late, high=1e4, close=1e4)
    gap = bars["timestamp_utc"].dt.date == date(2024, 3, 11)
    odd = pd.concat([bars[~gap], after_hours]).sort_values("timestamp_utc").reset_index(drop=True)
    other = held("SPY", bars=odd)[2]
    kept = curve[curve["timestamp"].dt.date != date(2024, 3, 11)].reset_index(drop=True)
    pd.testing.assert_frame_equal(other, kept)


def test_capital_is_split_equally_and_waits_as_cash_for_a_symbol_that_starts_later():
    spy, qqq = held("SPY")[2], held("QQQ", start=date(2024, 3, 1))[2]
    both = held_together([spy, qqq]).set_index("timestamp")["return_pct"]
    np.testing.assert_allclose(both.iloc[-1], (spy["return_pct"].iloc[-1] + qqq["return_pct"].iloc[-1]) / 2)
    at = pd.Timestamp("2024-02-15 21:00", tz="UTC")
    assert both[at] == pytest.approx(spy.set_index("timestamp")["return_pct"][at] / 2)
    assert both.index.is_monotonic_increasing
    pd.testing.assert_frame_equal(held_together([spy]), spy)
