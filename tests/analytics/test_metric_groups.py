import math
from datetime import date

from orb_core.analytics.metric_groups import GROUPS, metric_groups
from orb_core.config.load import load_config
from orb_core.service import RunRequest, SourceSpec, default_store, run_and_save

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
    store = default_store()
    metrics = store.load(run_and_save(request, store).run_id).metrics()
    assert sorted([*keys(), *SHOWN_ELSEWHERE]) == sorted(metrics)
    groups = metric_groups(metrics)
    assert list(groups) == ["Wins and losses", "Risk", "Is it real", "Time and money"]
    assert all(metric.value and metric.meaning for group in groups.values() for metric in group)


def of_counts(**counts):
    return {**dict.fromkeys(keys()), "total_trades": 12, "sessions": 5, **counts}


def shown(metrics, intervals=None):
    return {metric.label: metric for group in metric_groups(metrics, intervals).values() for metric in group}


def test_a_metric_that_is_undefined_is_a_dash():
    metrics = of_counts()
    counts = ("Wins", "Losses")
    assert {m.value for label, m in shown(metrics).items() if label not in counts} == {"–"}


def test_a_metric_says_what_it_is_counted_over():
    said = shown(of_counts(winning_trades=1, losing_trades=11))
    assert said["Average win"].of == "1 winning trade"
    assert said["Average loss"].of == "11 losing trades"
    assert said["Payoff"].of == "12 trades"
    assert said["Sortino"].of == "5 days"


def test_a_range_is_written_as_its_metric_is_and_a_dash_where_it_is_undefined():
    said = shown(
        of_counts(), {"average_win_r": (0.5, 1.25), "std_r": (math.nan, math.nan), "profit_factor": (0.8, math.nan)}
    )
    assert said["Average win"].range == "+0.50 R … +1.25 R"
    assert said["Spread of trades"].range == "–"
    assert said["Profit factor"].range == "–"
    assert said["Wins"].range == "–"
