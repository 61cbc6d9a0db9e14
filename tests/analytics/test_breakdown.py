import math

import numpy as np
import pandas as pd
import pytest
import quantstats.stats as quantstats

from orb_core.analytics import breakdown, metrics
from orb_core.analytics.equity import book, equity_curve
from orb_core.engine import records

DAY = 24 * 60
START = pd.Timestamp("2024-01-02 14:30", tz="UTC")  # a Tuesday


@pytest.fixture
def trades(make_trades):
    return make_trades(
        (0, 30, 1.0),
        (45, 50, -1.0),
        (3 * DAY, 3 * DAY + 5, 2.0),
        (7 * DAY, 7 * DAY + 5, -0.5),
        (30 * DAY, 30 * DAY + 5, 0.25),
        score=[2.0, 3.0, 3.0, 2.0, 2.0],
    )


def test_weekdays_come_in_order_of_the_week(trades):
    table = breakdown.by_weekday(trades)
    assert list(table) == ["weekday", *breakdown.GROUP]
    assert table["weekday"].tolist() == ["Tue", "Thu", "Fri"]
    assert table["trades"].tolist() == [3, 1, 1]
    assert table["total_r"].tolist() == [-0.5, 0.25, 2.0]
    assert table["win_rate"].tolist() == pytest.approx([1 / 3, 1, 1])


def test_the_hour_is_the_exchange_s(trades):
    table = breakdown.by_hour(trades, "America/New_York")
    assert table["hour"].tolist() == [9, 10]
    assert table["trades"].tolist() == [4, 1]


def test_groups_carry_the_interval_of_their_average(trades):
    table = breakdown.by_score(trades)
    assert table["score"].tolist() == [2.0, 3.0]
    low, high = metrics.bootstrap_ci95(metrics.bootstrap_means(np.array([1.0, -0.5, 0.25])))
    assert table.loc[0, ["average_r_low", "average_r_high"]].tolist() == [low, high]
    assert math.isnan(breakdown.by_weekday(trades)["average_r_low"][1])


def test_months_are_counted_by_session_date(trades):
    assert breakdown.by_month(trades).to_dict("records") == [
        {"year": 2024, "month": 1, "trades": 4, "total_r": 1.5},
        {"year": 2024, "month": 2, "trades": 1, "total_r": 0.25},
    ]


def test_groups_split_all_trades_and_all_r(random_trades):
    trades = random_trades(200)
    for table in (
        breakdown.by_weekday(trades),
        breakdown.by_hour(trades, "America/New_York"),
        breakdown.by_score(trades),
        breakdown.by_month(trades),
    ):
        assert table["trades"].sum() == 200
        assert table["total_r"].sum() == pytest.approx(trades["realized_r"].sum())


def test_no_bin_of_the_histogram_holds_wins_and_losses(trades):
    table = breakdown.r_histogram(trades, width=0.4)
    assert ((table["to_r"] <= 0) | (table["from_r"] >= 0)).all()
    assert table["trades"].sum() == 5
    assert table["from_r"].tolist() == pytest.approx(np.arange(-3, 6) * 0.4)


def test_a_result_far_out_widens_the_bins_instead_of_adding_thousands(make_trades):
    table = breakdown.r_histogram(make_trades((0, 1, -1.0), (2, 3, 1000.0)), width=0.25)
    assert len(table) <= 100
    assert table["trades"].tolist()[0] == table["trades"].tolist()[-1] == 1


def test_the_deepest_drawdown_comes_first(make_trades, make_config):
    rows = [(0, 1, 1.0), (DAY, DAY + 1, -0.5), (2 * DAY, 2 * DAY + 1, 1.0), (3 * DAY, 3 * DAY + 1, -2.0)]
    equity = equity_curve(book(make_trades(*rows), make_config()), START, 100_000)
    table = breakdown.drawdown_table(equity)
    assert table["depth_r"].tolist() == [-2.0, -0.5]
    assert table["trades"].tolist() == [1, 2]
    assert table["days"].tolist() == [1, 2]
    assert table["recovered"].isna().tolist() == [True, False]
    assert table["recovered"][1] == START + pd.Timedelta(days=2, minutes=1)
    assert table["peak"][0] == table["recovered"][1]
    assert len(breakdown.drawdown_table(equity, most=1)) == 1


def test_drawdowns_are_found_where_quantstats_finds_them(random_trades, make_config):
    equity = equity_curve(book(random_trades(300), make_config()), START, 100_000)
    table = breakdown.drawdown_table(equity, most=1000)
    daily = pd.Series(equity["drawdown_r"].to_numpy(), index=pd.date_range("2000-01-01", periods=len(equity)))
    theirs = quantstats.drawdown_details(daily).sort_values("max drawdown")
    assert table["depth_r"].tolist() == pytest.approx((theirs["max drawdown"] / 100).tolist())


def test_reasons_are_counted_in_their_own_order():
    signals = pd.DataFrame({"accepted": [True, False, False], "reason": ["", "score", "time_cutoff"]})
    assert breakdown.refusals(signals).to_dict("list") == {"reason": ["time_cutoff", "score"], "signals": [1, 1]}


def test_no_trades_give_empty_tables_with_their_columns(make_trades, make_config):
    none = make_trades()
    assert list(breakdown.by_weekday(none)) == ["weekday", *breakdown.GROUP]
    assert breakdown.by_hour(none, "America/New_York").empty
    assert breakdown.by_month(none).empty
    assert breakdown.r_histogram(none).empty
    equity = equity_curve(book(none, make_config()), START, 100_000)
    assert list(breakdown.drawdown_table(equity)) == ["depth_r", "peak", "bottom", "recovered", "trades", "days"]
    signals = pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in records.SIGNALS.items()})
    assert breakdown.refusals(signals).empty


def test_a_year_holds_its_months(random_trades):
    trades = random_trades(300)
    years, months = breakdown.by_year(trades), breakdown.by_month(trades)
    assert years["year"].tolist() == sorted(months["year"].unique())
    assert years["total_r"].to_numpy() == pytest.approx(months.groupby("year")["total_r"].sum().to_numpy())
