import numpy as np
import pandas as pd
import pytest

from orb_core.analytics import days
from orb_core.analytics.breakdown import GROUP
from orb_core.analytics.words import OR_STATES

MONDAY, TUESDAY = pd.Timestamp("2024-01-08"), pd.Timestamp("2024-01-09")


@pytest.fixture
def ledger():
    return pd.DataFrame(
        {
            "session_date": [MONDAY, MONDAY, TUESDAY, TUESDAY],
            "symbol": pd.Categorical(["SPY", "QQQ", "SPY", "QQQ"]),
            "or_state": pd.Categorical(["valid", "valid", "valid", "too_wide"]),
            "or_minutes": [15, 15, 30, 15],
            "or_width": [1.0, 2.0, 3.0, 50.0],
            "daily_atr": [4.0, 4.0, 4.0, 4.0],
            "candidates": [3, 1, 0, 0],
            "trades": [2, 0, 0, 0],
            "realized_r": [0.5, 0.0, 0.0, 0.0],
            "why": ["2 trades: +0.50 R", "refused", "No breakout", "too wide"],
        }
    )


def test_each_session_has_one_outcome(ledger):
    table = days.day_outcomes(ledger)
    expected = [days.TRADED, days.ALL_REFUSED, days.NO_CANDIDATE, OR_STATES["too_wide"]]
    assert table["outcome"].tolist() == expected
    assert table["sessions"].tolist() == [1, 1, 1, 1]
    assert table["trades"].tolist() == [2, 0, 0, 0]
    assert table["realized_r"].tolist() == [0.5, 0.0, 0.0, 0.0]


def test_a_date_holds_all_symbols(ledger):
    table = days.by_date(ledger)
    assert table["session_date"].tolist() == [MONDAY, TUESDAY]
    assert table["trades"].tolist() == [2, 0]
    assert table["realized_r"].tolist() == [0.5, 0.0]
    assert table["why"].tolist() == ["2 symbols", "2 symbols"]
    assert days.by_date(ledger.iloc[[0, 2]])["why"].tolist() == ["2 trades: +0.50 R", "No breakout"]


def test_only_tradable_ranges_are_measured_in_the_order_of_the_symbols(ledger):
    table = days.range_widths(ledger)
    assert table["symbol"].tolist() == ["SPY", "QQQ"]
    assert table["sessions"].tolist() == [2, 1]
    assert table["minutes"].tolist() == [22.5, 15.0]
    assert table["width"].tolist() == [2.0, 2.0]
    assert table.loc[0, ["atr_low", "atr_median", "atr_high"]].tolist() == [0.375, 0.5, 0.625]


def test_trades_are_cut_into_three_by_the_height_of_their_range(random_trades):
    trades = random_trades(99).assign(or_width=np.arange(1.0, 100.0), daily_atr=10.0)
    table = days.by_range_width(trades)
    assert set(table) == {"width", "up_to", *GROUP}
    assert table["width"].tolist() == list(days.WIDTHS)
    assert table["trades"].tolist() == [33, 33, 33]
    assert table["up_to"].iloc[-1] == pytest.approx(9.9)
    assert table["total_r"].sum() == pytest.approx(trades["realized_r"].sum())


def test_too_few_known_ranges_are_not_cut(random_trades):
    trades = random_trades(5).assign(or_width=1.0, daily_atr=[10.0, 10.0, np.nan, np.nan, np.nan])
    assert days.by_range_width(trades).empty
