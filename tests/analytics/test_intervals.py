import math

import numpy as np
import pytest

from orb_core.analytics import intervals
from orb_core.analytics.intervals import metric_intervals
from orb_core.analytics.metrics import bootstrap_means, payoff_ratio, profit_factor, sortino, std


def intervals_of(trades, sessions):
    return metric_intervals(trades, sessions, 252)


def by_hand(values, metric, draws=4_000):
    """The percentile interval as the textbook has it: draw, compute, sort."""
    rng = np.random.default_rng(1)
    redrawn = [metric(values[rng.integers(0, values.size, values.size)]) for _ in range(draws)]
    return np.percentile(redrawn, [2.5, 97.5])


@pytest.mark.parametrize(("name", "metric"), [("profit_factor", profit_factor), ("std_r", std)])
def test_an_interval_is_that_of_redrawing_whole_trades(name, metric, random_trades, make_sessions):
    trades = random_trades(150)
    low, high = intervals_of(trades, make_sessions(0.5, -1.0))[name]
    expected = by_hand(trades["realized_r"].to_numpy(), metric)
    assert [low, high] == pytest.approx(expected, abs=0.15 * np.ptp(expected))


def test_the_payoff_is_redrawn_within_wins_and_losses(random_trades, make_sessions):
    trades = random_trades(150)
    r = trades["realized_r"].to_numpy()
    rng = np.random.default_rng(1)
    redrawn = [
        payoff_ratio(np.concatenate([rng.choice(part, part.size) for part in (r[r > 0], r[r < 0])]))
        for _ in range(4_000)
    ]
    expected = np.percentile(redrawn, [2.5, 97.5])
    assert intervals_of(trades, make_sessions(1.0, -1.0))["payoff_ratio"] == pytest.approx(
        expected, abs=0.15 * np.ptp(expected)
    )


def test_daily_figures_are_redrawn_by_day_without_the_warm_up(random_trades, make_sessions):
    daily = np.random.default_rng(3).normal(0.1, 1.0, 120)
    found = intervals_of(random_trades(60), make_sessions(*daily, warmup=5))
    expected = by_hand(daily, lambda values: sortino(values, 252))
    assert found["sortino"] == pytest.approx(expected, abs=0.15 * np.ptp(expected))


def test_days_without_a_trade_count_in_the_trades_a_day(make_trades, make_sessions):
    day = 24 * 60
    trades = make_trades((0, 1, 1.0), (2, 3, 1.0), (day, day + 1, 1.0), (day + 2, day + 3, 1.0))
    everywhere = intervals_of(trades, make_sessions(2.0, 2.0))["trades_per_session"]
    half_of_the_days = intervals_of(trades, make_sessions(2.0, 2.0, 0.0, 0.0))["trades_per_session"]
    assert everywhere == (2.0, 2.0)
    assert half_of_the_days == (0.0, 2.0)


def test_the_median_lies_between_two_trades_of_the_run(make_trades, make_sessions):
    # 100 trades: (100 - 1.96 * 10) / 2 = 40.2, so the 40th from either end.
    trades = make_trades(*((k, k + 1, float(k)) for k in range(1, 101)))
    assert intervals_of(trades, make_sessions(0.0))["median_r"] == (40.0, 61.0)


@pytest.mark.parametrize("rows", [(), ((0, 1, 1.0),)])
def test_nothing_is_said_of_the_spread_of_one_trade_or_none(rows, make_trades, make_sessions):
    found = intervals_of(make_trades(*rows), make_sessions(0.0))
    assert all(math.isnan(end) for ends in found.values() for end in ends)


def test_a_ratio_to_a_loss_that_many_redrawings_lack_has_no_upper_end(make_trades, make_sessions):
    trades = make_trades(*((k, k + 1, 1.0) for k in range(9)), (9, 10, -1.0))
    low, high = intervals_of(trades, make_sessions(8.0))["profit_factor"]
    assert 0 < low < 9
    assert math.isnan(high)


def test_of_many_trades_the_limit_of_redrawing_is_taken_and_says_the_same(random_trades, make_sessions, monkeypatch):
    trades, sessions = random_trades(12_000), make_sessions(0.5, -1.0)
    monkeypatch.setattr(intervals, "MANY", 10**9)
    redrawn = intervals_of(trades, sessions)
    monkeypatch.undo()

    def few(values, seed=0):
        assert values.size < 5_000, "took longer than anyone waits"
        return bootstrap_means(values, seed)

    monkeypatch.setattr(intervals, "bootstrap_means", few)
    found = intervals_of(trades, sessions)
    for name in ("average_win_r", "average_mfe_r", "payoff_ratio", "profit_factor", "std_r", "average_minutes_held"):
        assert found[name] == pytest.approx(redrawn[name], abs=0.06 * np.ptp(redrawn[name]))
