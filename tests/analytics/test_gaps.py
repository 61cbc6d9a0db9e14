import math

import numpy as np
import pandas as pd
import pytest

from orb_core.analytics.gaps import in_direction, opening_gaps
from orb_core.explore import gaps_of_trades
from orb_core.service import default_store
from tests.ui.app import a_run

BAR_MINUTES = 30


def bars_of(sessions, prices):
    """Two bars in each session that has prices: its first, opening at the one, and its last, closing at the other."""
    rows = []
    for opened, closed, (first, last) in zip(sessions["open"], sessions["close"], prices, strict=True):
        if first is not None:
            rows += [(opened, first, 50.0), (closed - pd.Timedelta(minutes=BAR_MINUTES), 50.0, last)]
    return pd.DataFrame(rows, columns=["timestamp_utc", "open", "close"])


def gaps(sessions, *prices, atr):
    return opening_gaps(bars_of(sessions, prices), sessions.assign(daily_atr=atr), BAR_MINUTES).tolist()


def test_a_gap_is_the_open_less_the_last_close_in_atr(make_sessions):
    found = gaps(make_sessions(0, 0, warmup=1), (100, 102), (105, 103), (102.5, 100), atr=[1.5, 2.0, 4.0])
    assert found[1:] == [(105 - 102) / 2.0, (102.5 - 103) / 4.0]


def test_the_first_session_of_all_has_no_gap_but_the_first_after_the_warm_up_has(make_sessions):
    found = gaps(make_sessions(0, warmup=1), (100, 102), (103, 103), atr=[2.0, 2.0])
    assert math.isnan(found[0])
    assert found[1] == 0.5


def test_neither_a_session_without_bars_nor_the_one_after_it_has_a_gap(make_sessions):
    found = gaps(make_sessions(0, 0, 0, 0), (100, 102), (None, None), (110, 111), (112, 112), atr=[2.0] * 4)
    assert [math.isnan(gap) for gap in found] == [True, True, True, False]
    assert found[3] == 0.5


def test_there_is_no_gap_while_the_atr_is_not_known(make_sessions):
    found = gaps(make_sessions(0, 0, 0), (100, 102), (104, 104), (105, 106), atr=[np.nan, np.nan, 1.0])
    assert math.isnan(found[1])
    assert found[2] == 1.0


def test_a_gap_counts_above_zero_in_the_direction_of_the_trade(make_trades):
    trades = make_trades((0, 1, 1.0), (2, 3, 1.0), (24 * 60, 24 * 60 + 1, 1.0), direction=["long", "short", "long"])
    dates = pd.DatetimeIndex(trades["session_date"].unique())
    found = in_direction(trades, pd.concat({"SPY": pd.Series([0.5, np.nan], index=dates)}))
    assert found[:2].tolist() == [0.5, -0.5]
    assert math.isnan(found[2])


def test_the_gap_of_a_stored_trade_is_that_of_its_own_symbol_s_bars():
    run = a_run(symbols=("SPY", "QQQ"))
    found = gaps_of_trades(default_store(), run.run_id)
    trades = run.all_trades()
    assert {"long", "short"} <= set(trades["direction"])
    assert set(trades["symbol"]) == {"SPY", "QQQ"}
    for at in (0, 1, len(trades) // 2, len(trades) - 1):
        trade = trades.iloc[at]
        bars = run.bars(trade["symbol"])
        day = bars["timestamp_utc"].dt.tz_localize(None).dt.normalize()
        before = bars[day < trade["session_date"]]["close"].iloc[-1]
        gap = (bars[day == trade["session_date"]]["open"].iloc[0] - before) / trade["daily_atr"]
        assert found[at] == pytest.approx(gap if trade["direction"] == "long" else -gap)


def test_a_gap_depends_on_nothing_after_the_open():
    run = a_run()
    sessions, bars = run.frame("SPY", "sessions"), run.bars("SPY")
    row = len(sessions) // 2
    later = (bars["timestamp_utc"] > sessions["open"].iloc[row]).to_numpy()
    changed = bars.copy()
    changed.loc[later, ["open", "high", "low", "close"]] *= 3
    before, after = (opening_gaps(each, sessions, 1) for each in (bars, changed))
    assert after[: row + 1].tolist() == pytest.approx(before[: row + 1].tolist(), nan_ok=True)
    assert after[row + 1] != before[row + 1]
    # The opening bar itself is known at its open alone.
    opening = (bars["timestamp_utc"] == sessions["open"].iloc[row]).to_numpy()
    changed.loc[opening, ["high", "low", "close"]] *= 3
    assert opening_gaps(changed, sessions, 1)[row] == before[row]
