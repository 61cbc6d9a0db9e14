import json
import math
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from orb_core.analytics import metrics, summary
from orb_core.analytics.equity import CASH, EQUITY, combine
from orb_core.engine import records

KEYS = [
    "total_trades",
    "winning_trades",
    "losing_trades",
    "scratch_trades",
    "win_rate",
    "total_r",
    "average_r",
    "median_r",
    "std_r",
    "profit_factor",
    "payoff_ratio",
    "average_win_r",
    "average_loss_r",
    "largest_win_r",
    "largest_loss_r",
    "max_consecutive_wins",
    "max_consecutive_losses",
    "max_drawdown_r",
    "max_drawdown_trades",
    "max_drawdown_days",
    "recovery_factor",
    "sharpe",
    "sortino",
    "sqn",
    "t_stat",
    "p_value",
    "average_r_ci95",
    "probabilistic_sharpe",
    "exposure",
    "average_minutes_held",
    "average_mfe_r",
    "average_mae_r",
    "trades_per_session",
    "sessions",
    "sessions_traded",
    "ambiguous_trades",
    "total_r_conservative",
    "total_r_optimistic",
    "total_cost_r",
    "total_pnl",
    "return_pct",
    "cagr",
    "max_drawdown_pct",
    "by_direction",
    "by_exit_reason",
]
DAY = 24 * 60


@pytest.fixture
def make_result(make_trades, make_sessions):
    def build(rows, days, symbol="SPY", **columns):
        """`days` is R per session; the result runs from 2 January 2024."""
        return SimpleNamespace(
            symbol=symbol,
            start=date(2024, 1, 2),
            end=date(2024, 1, 1 + len(days)),
            trades=make_trades(*rows, symbol=symbol, **columns),
            sessions=make_sessions(*days, symbol=symbol, warmup=3),
        )

    return build


@pytest.fixture
def spy(make_result):
    # Two trades on the first day, none on the second, one each on the third and fourth.
    return make_result(
        [(0, 39, 2.0), (60, 99, -1.0), (2 * DAY, 2 * DAY + 39, -1.0), (3 * DAY, 3 * DAY + 78, 3.0)],
        [1.0, 0.0, -1.0, 3.0],
        direction=["long", "short", "long", "long"],
        exit_reason=["target", "stop", "stop", "target"],
        max_favorable_r=[2.0, 0.5, 0.5, 3.0],
        max_adverse_r=[-0.5, -1.0, -1.0, -0.5],
        cost_r=[0.1, 0.1, 0.2, 0.1],
        ambiguous=[False, True, False, False],
    )


def test_metrics_have_the_documented_keys_in_their_order(spy, make_config):
    assert list(summary(spy, make_config()).metrics) == KEYS


def test_a_run_by_hand(spy, make_config):
    run = summary(spy, make_config())
    daily = np.array([1.0, 0.0, -1.0, 3.0])
    expected = {
        "total_trades": 4,
        "winning_trades": 2,
        "losing_trades": 2,
        "scratch_trades": 0,
        "win_rate": 0.5,
        "total_r": 3.0,
        "average_r": 0.75,
        "median_r": 0.5,
        "profit_factor": 2.5,
        "payoff_ratio": 2.5,
        "average_win_r": 2.5,
        "average_loss_r": -1.0,
        "largest_win_r": 3.0,
        "largest_loss_r": -1.0,
        "max_consecutive_wins": 1,
        "max_consecutive_losses": 2,
        "max_drawdown_r": -2.0,
        "max_drawdown_trades": 3,
        "max_drawdown_days": 3,
        "recovery_factor": 1.5,
        "sharpe": daily.mean() / daily.std(ddof=1) * math.sqrt(252),
        "sortino": 0.75 / 0.5 * math.sqrt(252),
        "exposure": (39 + 39 + 39 + 78) / (4 * 390),
        "average_minutes_held": 48.75,
        "average_mfe_r": 1.5,
        "average_mae_r": -0.75,
        "trades_per_session": 1.0,
        "sessions": 4,
        "sessions_traded": 3,
        "ambiguous_trades": 1,
        "total_r_conservative": 3.0,
        "total_r_optimistic": None,
        "total_cost_r": 0.5,
        "total_pnl": 2000 - 1020 - 1009 + 2997,
    }
    assert {name: run.metrics[name] for name in expected} == pytest.approx(expected)
    assert run.metrics["by_direction"] == {
        "long": {"trades": 3, "win_rate": 2 / 3, "total_r": 4.0, "average_r": 4 / 3},
        "short": {"trades": 1, "win_rate": 0.0, "total_r": -1.0, "average_r": -1.0},
    }
    assert run.metrics["by_exit_reason"] == {
        "stop": {"trades": 2, "win_rate": 0.0, "total_r": -2.0, "average_r": -1.0},
        "target": {"trades": 2, "win_rate": 1.0, "total_r": 5.0, "average_r": 2.5},
    }
    assert run.metrics["return_pct"] == pytest.approx(0.02968)
    assert run.metrics["cagr"] == pytest.approx(1.02968 ** (365.25 / 4) - 1)
    assert run.metrics["max_drawdown_pct"] == pytest.approx(-2029 / 102_000)
    assert run.metrics["p_value"] == metrics.bootstrap_p(metrics.bootstrap_means(np.array([2.0, -1, -1, 3])))


def test_tables_have_the_declared_columns(spy, make_config):
    run = summary(spy, make_config())
    assert run.trades.dtypes.astype(str).to_dict() == records.TRADES | CASH
    assert run.equity.dtypes.astype(str).to_dict() == EQUITY
    assert run.equity["timestamp"].iloc[0] == spy.sessions["open"].iloc[3]


def test_a_run_without_trades_is_a_result_like_any_other(make_result, make_config):
    run = summary(make_result([], [0.0, 0.0, 0.0]), make_config())
    undefined = {name for name, value in run.metrics.items() if value is None}
    assert list(run.metrics) == KEYS
    assert undefined == {
        "win_rate",
        "average_r",
        "median_r",
        "std_r",
        "profit_factor",
        "payoff_ratio",
        "average_win_r",
        "average_loss_r",
        "largest_win_r",
        "largest_loss_r",
        "recovery_factor",
        "sharpe",
        "sortino",
        "sqn",
        "t_stat",
        "p_value",
        "average_r_ci95",
        "probabilistic_sharpe",
        "average_minutes_held",
        "average_mfe_r",
        "average_mae_r",
        "total_r_optimistic",
    }
    assert run.metrics["by_direction"] == run.metrics["by_exit_reason"] == {}
    assert {run.metrics[name] for name in ("total_trades", "total_r", "exposure", "cagr", "max_drawdown_days")} == {0}
    assert len(run.equity) == 1


def test_one_trade_defines_no_spread(make_result, make_config):
    numbers = summary(make_result([(0, 10, 1.0)], [1.0]), make_config()).metrics
    assert [numbers[name] for name in ("std_r", "t_stat", "p_value", "average_r_ci95", "sharpe")] == [None] * 5


def test_metrics_are_plain_values_that_json_takes(spy, make_config):
    numbers = summary(spy, make_config()).metrics
    assert json.loads(json.dumps(numbers, allow_nan=False)) == numbers
    plain = (int, float, type(None), list, dict)
    assert all(type(value) in plain for value in numbers.values())


def test_the_policy_that_was_traded_has_its_total_and_the_other_none(spy, make_config):
    numbers = summary(spy, make_config(ambiguity="optimistic")).metrics
    assert (numbers["total_r_conservative"], numbers["total_r_optimistic"]) == (None, 3.0)
    assert summary(spy, make_config()).metrics["total_r_optimistic"] is None


def test_a_market_that_never_closes_has_365_sessions_a_year(spy, make_config):
    usual, always = (summary(spy, make_config(calendar=name)).metrics["sharpe"] for name in ("XNYS", "24/7"))
    assert always / usual == pytest.approx(math.sqrt(365 / 252))


def test_symbols_add_their_r_by_date_and_share_the_sessions(spy, make_result, make_config):
    qqq = make_result([(DAY, DAY + 195, 1.0), (3 * DAY, 3 * DAY + 10, -1.0)], [0.0, 1.0, 0.0, -1.0], symbol="QQQ")
    numbers = summary([spy, qqq], make_config()).metrics
    assert numbers["sharpe"] == pytest.approx(metrics.sharpe(np.array([1.0, 1.0, -1.0, 2.0]), 252))
    assert numbers["total_trades"] == 6
    assert numbers["sessions"] == 4
    assert numbers["sessions_traded"] == 4
    assert numbers["trades_per_session"] == 1.5
    assert numbers["exposure"] == pytest.approx((195 + 195 + 10) / (2 * 4 * 390))


def test_a_symbol_of_several_is_summed_up_from_the_shared_account(spy, make_result, make_config):
    qqq = make_result([(40, 50, -10.0)], [-10.0, 0.0, 0.0, 0.0], symbol="QQQ")
    config = make_config()
    whole = summary([spy, qqq], config)
    alone, shared = summary(spy, config), summary(spy, config, whole.trades)
    assert shared.metrics["total_r"] == alone.metrics["total_r"]
    assert shared.trades["quantity"].tolist() == whole.trades.query("symbol == 'SPY'")["quantity"].tolist()
    assert shared.metrics["total_pnl"] < alone.metrics["total_pnl"]
    both = [shared, summary(qqq, config, whole.trades)]
    assert sum(part.metrics["total_pnl"] for part in both) == pytest.approx(whole.metrics["total_pnl"])


def test_a_drawdown_never_made_good_lasts_to_the_last_trade(make_result, make_config):
    run = summary(
        make_result([(0, 1, 1.0), (DAY, DAY + 1, -2.0), (4 * DAY, 4 * DAY + 1, 0.5)], [1, -2, 0, 0, 0.5]), make_config()
    )
    assert run.metrics["max_drawdown_trades"] == 2
    assert run.metrics["max_drawdown_days"] == 4


def test_the_summary_is_the_same_whatever_the_order_of_equal_symbols(random_trades, make_sessions, make_config):
    results = [
        SimpleNamespace(
            symbol=symbol,
            start=date(2024, 1, 2),
            end=date(2024, 1, 6),
            trades=random_trades(40, symbol),
            sessions=make_sessions(1, 2, 3, 4, 5, symbol=symbol),
        )
        for symbol in ("SPY", "QQQ", "IWM")
    ]
    forward, backward = (summary(order, make_config()).metrics for order in (results, results[::-1]))
    for name in ("total_r", "average_r", "sharpe", "exposure", "profit_factor"):
        assert forward[name] == pytest.approx(backward[name], rel=1e-12)


def test_numbers_agree_with_pandas_over_a_random_run(random_trades, make_sessions, make_config):
    trades = random_trades(300)
    result = SimpleNamespace(
        symbol="SPY", start=date(2024, 1, 2), end=date(2024, 1, 31), trades=trades, sessions=make_sessions(*[0.0] * 30)
    )
    numbers = summary(result, make_config()).metrics
    r = trades["realized_r"]
    assert numbers["total_r"] == pytest.approx(r.sum())
    assert numbers["std_r"] == pytest.approx(r.std())
    assert numbers["max_drawdown_r"] == pytest.approx((r.cumsum() - r.cumsum().cummax().clip(lower=0)).min())
    assert numbers["total_cost_r"] == pytest.approx(combine([trades])["cost_r"].sum())
    streaks = (r > 0).ne((r > 0).shift()).cumsum()
    assert numbers["max_consecutive_wins"] == (r > 0).groupby(streaks).sum().max()
    assert pd.notna(numbers["p_value"])
