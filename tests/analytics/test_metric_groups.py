from datetime import date

from orb_core.analytics.metric_groups import GROUPS, metric_groups
from orb_core.config.load import load_config
from orb_core.service import RunRequest, SourceSpec, run_backtest

SHOWN_ELSEWHERE = [
    "total_trades",
    "win_rate",
    "total_r",
    "average_r",
    "average_r_ci95",
    "max_drawdown_r",
    "max_drawdown_days",
    "sharpe",
    "sessions",
    "sessions_traded",
    "ambiguous_trades",
    "total_r_conservative",
    "total_r_optimistic",
    "by_direction",
    "by_exit_reason",
]


def keys():
    return [key for rows in GROUPS.values() for key, *_ in rows]


def test_every_metric_is_in_the_headline_or_in_one_group():
    request = RunRequest(load_config(), ("SPY",), date(2024, 1, 2), date(2024, 1, 12), SourceSpec("synthetic"))
    metrics = run_backtest(request).combined.metrics
    assert sorted([*keys(), *SHOWN_ELSEWHERE]) == sorted(metrics)
    groups = metric_groups(metrics)
    assert list(groups) == ["Wins and losses", "Risk", "Is it real", "Time and money"]
    assert all(figure.value and figure.meaning for group in groups.values() for figure in group)


def test_a_metric_that_is_undefined_is_a_dash():
    metrics = dict.fromkeys(keys())
    assert {figure.value for group in metric_groups(metrics).values() for figure in group} == {"–"}
