"""The metrics beside the headline, in four groups: each with its value, its count and how it is computed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from orb_core.analytics.intervals import Interval
from orb_core.analytics.words import NOTHING, counted, number, percent, r_multiple

Write = Callable[[float | None], str]


def _minutes(value: float | None) -> str:
    text = number(value, 0)
    return text if text == NOTHING else f"{text} min"


def _amount(value: float | None) -> str:
    text = number(value)
    return text if text == NOTHING else f"{text} R"


def _count(value: float | None) -> str:
    return number(value, 0)


def _money(value: float | None) -> str:
    return number(value, 2, sign=True)


Of = tuple[str, str]
"""The metric that counts what a metric is computed from, and what is counted."""

_TRADES: Final[Of] = ("total_trades", "trade")
_WINS: Final[Of] = ("winning_trades", "winning trade")
_LOSSES: Final[Of] = ("losing_trades", "losing trade")
_DAYS: Final[Of] = ("sessions", "day")

GROUPS: Final[Mapping[str, tuple[tuple[str, str, Write, Of, str], ...]]] = {
    "Wins and losses": (
        ("winning_trades", "Wins", _count, _TRADES, "trades above 0 R"),
        ("losing_trades", "Losses", _count, _TRADES, "trades below 0 R"),
        ("scratch_trades", "Scratches", _count, _TRADES, "trades at exactly 0 R"),
        ("average_win_r", "Average win", r_multiple, _WINS, "mean of the wins"),
        ("average_loss_r", "Average loss", r_multiple, _LOSSES, "mean of the losses"),
        ("largest_win_r", "Best trade", r_multiple, _WINS, "largest result"),
        ("largest_loss_r", "Worst trade", r_multiple, _LOSSES, "smallest result"),
        ("payoff_ratio", "Payoff", number, _TRADES, "average win / |average loss|"),
        ("profit_factor", "Profit factor", number, _TRADES, "sum of the wins / |sum of the losses|"),
        ("max_consecutive_wins", "Longest winning streak", _count, _TRADES, "wins in a row"),
        ("max_consecutive_losses", "Longest losing streak", _count, _TRADES, "losses in a row"),
    ),
    "Risk": (
        ("median_r", "Median trade", r_multiple, _TRADES, "half of the trades are below it"),
        ("std_r", "Spread of trades", _amount, _TRADES, "standard deviation of the trades, of a sample (n − 1)"),
        (
            "max_drawdown_trades",
            "Worst drop, trades",
            _count,
            _TRADES,
            "from its peak until it was made good, or to the last",
        ),
        (
            "max_drawdown_pct",
            "Worst drop of the account",
            percent,
            _TRADES,
            "deepest fall below the highest equity so far",
        ),
        ("recovery_factor", "Recovery factor", number, _TRADES, "total R / depth of the worst drop"),
        ("average_mfe_r", "Average best", r_multiple, _TRADES, "how far trades went their way"),
        ("average_mae_r", "Average worst", r_multiple, _TRADES, "how far trades went against it"),
    ),
    "Is it real": (
        (
            "p_value",
            "Redrawings that lose",
            percent,
            _TRADES,
            "share of 10,000 redrawings of the trades with a mean not above 0",
        ),
        ("t_stat", "t statistic", number, _TRADES, "mean / standard deviation × √trades"),
        (
            "sqn",
            "System quality number",
            number,
            _TRADES,
            "the same number, by Van Tharp's name and without his cap at 100 trades",
        ),
        ("sortino", "Sortino", number, _DAYS, "as Sharpe, over the downside deviation √(mean of min(daily R, 0)²)"),
        (
            "probabilistic_sharpe",
            "Probabilistic Sharpe",
            percent,
            _DAYS,
            "probability of a true Sharpe above 0 (Bailey and López de Prado, 2012)",
        ),
    ),
    "Time and money": (
        ("trades_per_session", "Trades a day", number, _DAYS, "trades / sessions"),
        ("average_minutes_held", "Average hold", _minutes, _TRADES, "entry to last exit"),
        ("exposure", "Time in the market", percent, _DAYS, "share of session time with an open trade"),
        ("total_cost_r", "Commissions", _amount, _TRADES, "sum over the trades; slippage is in the prices already"),
        ("total_pnl", "Profit", _money, _TRADES, "in the currency of the prices, at the position size of the settings"),
        ("return_pct", "Return", percent, _TRADES, "profit / capital at the start"),
        ("cagr", "Return a year", percent, _TRADES, "compounded; wild over less than a year"),
    ),
}
"""Title of the group → key of the metric, its name, how it is written, what it is counted over, how it is computed."""


@dataclass(frozen=True)
class Metric:
    """One metric as it is read: `range` is its 95 % interval, a dash where it has none."""

    label: str
    value: str
    range: str
    of: str
    meaning: str


def metric_groups(
    metrics: Mapping[str, Any], intervals: Mapping[str, Interval] | None = None
) -> dict[str, tuple[Metric, ...]]:
    """Return the secondary metrics by group.

    Parameters
    ----------
    metrics : mapping
        `summary(…).metrics`.
    intervals : mapping, optional
        What `intervals.metric_intervals` returns for the same run.
    """
    known = intervals or {}
    return {
        title: tuple(
            Metric(name, write(metrics[key]), _range(known.get(key), write), counted(metrics[of[0]], of[1]), meaning)
            for key, name, write, of, meaning in rows
        )
        for title, rows in GROUPS.items()
    }


def _range(ends: Interval | None, write: Write) -> str:
    return NOTHING if ends is None or np.isnan(ends).any() else f"{write(ends[0])} … {write(ends[1])}"
