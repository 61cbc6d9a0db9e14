"""The metrics beside the headline, in four groups: each with its value, its unit and how it is computed."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from orb_core.analytics.headline import Figure
from orb_core.analytics.words import NOTHING, number, percent, r_multiple

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


GROUPS: Final[Mapping[str, tuple[tuple[str, str, Write, str], ...]]] = {
    "Wins and losses": (
        ("winning_trades", "Wins", _count, "trades above 0 R"),
        ("losing_trades", "Losses", _count, "trades below 0 R"),
        ("scratch_trades", "Scratches", _count, "trades at exactly 0 R"),
        ("average_win_r", "Average win", r_multiple, "mean of the wins"),
        ("average_loss_r", "Average loss", r_multiple, "mean of the losses"),
        ("largest_win_r", "Best trade", r_multiple, "largest result"),
        ("largest_loss_r", "Worst trade", r_multiple, "smallest result"),
        ("payoff_ratio", "Payoff", number, "average win / |average loss|"),
        ("profit_factor", "Profit factor", number, "sum of the wins / |sum of the losses|"),
        ("max_consecutive_wins", "Longest winning streak", _count, "wins in a row"),
        ("max_consecutive_losses", "Longest losing streak", _count, "losses in a row"),
    ),
    "Risk": (
        ("median_r", "Median trade", r_multiple, "half of the trades are below it"),
        ("std_r", "Spread of trades", _amount, "standard deviation of the trades, of a sample (n − 1)"),
        ("max_drawdown_trades", "Worst drop, trades", _count, "from its peak until it was made good, or to the last"),
        ("max_drawdown_pct", "Worst drop of the account", percent, "deepest fall below the highest equity so far"),
        ("recovery_factor", "Recovery factor", number, "total R / depth of the worst drop"),
        ("average_mfe_r", "Average best", r_multiple, "how far trades went their way"),
        ("average_mae_r", "Average worst", r_multiple, "how far trades went against it"),
    ),
    "Is it real": (
        (
            "p_value",
            "Redrawings that lose",
            percent,
            "share of 10,000 redrawings of the trades with a mean not above 0",
        ),
        ("t_stat", "t statistic", number, "mean / standard deviation × √trades"),
        (
            "sqn",
            "System quality number",
            number,
            "the same number, by Van Tharp's name and without his cap at 100 trades",
        ),
        ("sortino", "Sortino", number, "as Sharpe, over the downside deviation √(mean of min(daily R, 0)²)"),
        (
            "probabilistic_sharpe",
            "Probabilistic Sharpe",
            percent,
            "probability of a true Sharpe above 0 (Bailey and López de Prado, 2012)",
        ),
    ),
    "Time and money": (
        ("trades_per_session", "Trades a day", number, "trades / sessions"),
        ("average_minutes_held", "Average hold", _minutes, "entry to last exit"),
        ("exposure", "Time in the market", percent, "share of session time with an open trade"),
        ("total_cost_r", "Commissions", _amount, "sum over the trades; slippage is in the prices already"),
        ("total_pnl", "Profit", _money, "in the currency of the prices, at the position size of the settings"),
        ("return_pct", "Return", percent, "profit / capital at the start"),
        ("cagr", "Return a year", percent, "compounded; wild over less than a year"),
    ),
}
"""Title of the group → key of the metric, its name, how it is written, how it is computed."""


def metric_groups(metrics: Mapping[str, Any]) -> dict[str, tuple[Figure, ...]]:
    """Return the secondary metrics by group.

    Parameters
    ----------
    metrics : mapping
        `summary(…).metrics`.
    """
    return {
        title: tuple(Figure(name, write(metrics[key]), "", meaning) for key, name, write, meaning in rows)
        for title, rows in GROUPS.items()
    }
