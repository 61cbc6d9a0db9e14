"""What a run came to at a glance: the headline figures, and what a trader should be wary of, worst first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from orb_core.analytics.metrics import deepest, share_of_best
from orb_core.analytics.words import MINUS, breakeven_win_rate, counted, number, percent, r_multiple

FEW_TRADES: Final = 30
MANY_UNCLEAR: Final = 0.05
HIGH_COSTS: Final = 0.25
YEAR_OF_DAYS: Final = 360
"""From the first session of a year to its last there are a few days less than 365."""
CARRIED: Final = 0.5
HALF_A_CENT: Final = 0.005
"""Totals nearer than this read the same in two decimals."""


@dataclass(frozen=True)
class Figure:
    """One headline figure: what it is, its value, what puts it into proportion, and how it is computed."""

    label: str
    value: str
    below: str
    meaning: str


def headline(metrics: Mapping[str, Any], equity: pd.DataFrame) -> tuple[Figure, ...]:
    """Return the six headline figures of a run with trades.

    Parameters
    ----------
    metrics : mapping
        `summary(…).metrics`, with the totals under both policies for unclear fills.
    equity : DataFrame
        The curve they were taken from: it shows whether the worst drop was made good.
    """
    return (
        _total(metrics),
        _per_trade(metrics),
        Figure(
            "Trades",
            number(metrics["total_trades"], 0),
            f"on {number(metrics['sessions_traded'], 0)} of {counted(metrics['sessions'], 'day')}",
            "Closed trades, and the days of the run on which at least one was entered.",
        ),
        Figure(
            "Win rate",
            percent(metrics["win_rate"]),
            _breaks_even(metrics),
            "Share of trades with a result above zero after costs. It breaks even at |average loss| / (average win + "
            "|average loss|): with these average wins and losses, a lower rate loses money.",
        ),
        _worst_drop(metrics, equity),
        _costs(metrics),
    )


def secondary(metrics: Mapping[str, Any]) -> tuple[Figure, ...]:
    """Return the figures a run's own page shows beside the headline."""
    share = _unclear_share(metrics)
    return (
        Figure(
            "Unclear fills",
            number(metrics["ambiguous_trades"], 0),
            f"{percent(share)} of trades",
            "Trades with a bar that touched both stop and target, or may have touched the stop before the entry: bars "
            "do not say what came first.",
        ),
        Figure(
            "Sharpe",
            number(metrics["sharpe"]),
            f"over {counted(metrics['sessions'], 'day')}",
            "Mean / standard deviation of the daily R, days without a trade counted as 0, times the root of the "
            "sessions in a year.",
        ),
    )


def cautions(metrics: Mapping[str, Any], trades: pd.DataFrame | None = None, *, days: int) -> tuple[str, ...]:
    """Return what to be wary of, one sentence each, worst first; nothing for a run without trades.

    Parameters
    ----------
    metrics : mapping
        As for `headline`.
    trades : DataFrame, optional
        The run's, as `equity.book` returns them; without them nobody can say what a single day brought, nor what the
        account was too small for.
    days : int
        Calendar days from the run's first date to its last, both counted.
    """
    n = metrics["total_trades"]
    if n == 0:
        return ()
    found = []
    if (metrics["max_drawdown_pct"] or 0.0) <= -1:
        found.append("The account lost all it had: with positions of this size nobody could have traded on.")
    found += _hanging_on_unclear_fills(metrics) + _other_in_money(metrics) + _unpaid(trades)
    interval = metrics["average_r_ci95"]
    if n < FEW_TRADES:
        found.append(f"Only {counted(n, 'trade')}: too few to say anything, whatever the figures show.")
    elif interval is not None and interval[0] <= 0 <= interval[1]:
        found.append("The range for the average trade includes 0: this could be chance.")
    found += _carried(metrics, trades)
    if _unclear_share(metrics) > MANY_UNCLEAR:
        found.append(f"{percent(_unclear_share(metrics))} of the trades hang on unclear fills.")
    gross = metrics["total_r"] + metrics["total_cost_r"]
    if gross > 0 and metrics["total_cost_r"] > HIGH_COSTS * gross:
        found.append(f"Commissions eat {percent(metrics['total_cost_r'] / gross, 0)} of the gross profit.")
    if days < YEAR_OF_DAYS:
        seen = counted(metrics["sessions"], "session")
        found.append(f"Less than a year, {seen}: not every kind of market was seen.")
    return tuple(found)


def _hanging_on_unclear_fills(metrics: Mapping[str, Any]) -> list[str]:
    """Whether the run won under one policy for unclear fills, and did not under the other."""
    totals = [metrics[name] for name in ("total_r_conservative", "total_r_optimistic")]
    if None in totals or min(totals) > 0 or max(totals) < HALF_A_CENT:
        return []
    low, high = map(r_multiple, sorted(totals))
    return [f"Unclear fills decide whether this run won or lost: {low} to {high}."]


def _other_in_money(metrics: Mapping[str, Any]) -> list[str]:
    """Whether the run won in R and lost in money, or the other way round; R counts every trade as equally large."""
    total, profit = metrics["total_r"], metrics["total_pnl"] or 0.0
    if total * profit >= 0 or min(abs(total), abs(profit)) < HALF_A_CENT:
        return []
    figures = f"({r_multiple(total)}, {number(profit)})"
    if total > 0:
        return [f"In R this run won, in money it lost {figures}: its larger positions lost."]
    return [f"In money this run won, in R it lost {figures}: its larger positions won."]


def _unpaid(trades: pd.DataFrame | None) -> list[str]:
    """Whether the account was too small for a trade: for its risk, or for its price beside what else was open."""
    if trades is None or not (is_unpaid := trades["quantity"] == 0).any():
        return []
    n, share = int(is_unpaid.sum()), float(is_unpaid.mean())
    return [f"R alone counts {counted(n, 'trade')} ({percent(share)}) that the account was too small for."]


def _carried(metrics: Mapping[str, Any], trades: pd.DataFrame | None) -> list[str]:
    """Whether one trade, or else one day, brought most of the total; never said of a run that earned nothing."""
    total = metrics["total_r"]
    if total <= 0:
        return []
    shares = {"trade": (metrics["largest_win_r"] or 0.0) / total}
    if trades is not None:
        shares["day"] = share_of_best(trades.groupby("session_date")["realized_r"].sum().to_numpy())
    for one, share in shares.items():
        if share >= 1:
            return [f"Without its best {one}, the run would have earned nothing."]
        if share >= CARRIED:
            return [f"One {one} brought {percent(share, 0)} of the total."]
    return []


def _total(metrics: Mapping[str, Any]) -> Figure:
    total, cautious, hopeful = (metrics[k] for k in ("total_r", "total_r_conservative", "total_r_optimistic"))
    other = hopeful if total == cautious else cautious
    if metrics["ambiguous_trades"] == 0:
        below = "no unclear fills"
    elif other is None or abs(other - total) < HALF_A_CENT:
        below = "unclear fills: no effect"
    elif other > total:
        below = f"up to {r_multiple(other)} if unclear fills went your way"
    else:
        below = f"down to {r_multiple(other)} if unclear fills went against you"
    return Figure(
        "Total",
        r_multiple(total),
        below,
        "Sum of all trades after costs. 1 R = what the trade risked, entry to stop. Below it: the total of a second "
        "run in which unclear fills (stop and target touched in one bar) go the other way.",
    )


def _per_trade(metrics: Mapping[str, Any]) -> Figure:
    interval = metrics["average_r_ci95"]
    below = "too few trades for a range"
    if interval is not None:
        below = f"95 %: {number(interval[0], sign=True)} … {number(interval[1], sign=True)}"
    return Figure(
        "Per trade",
        r_multiple(metrics["average_r"]),
        below,
        "Average result of a trade after costs, and the range that holds it in 95 of 100 redrawings of these trades "
        "(bootstrap, 10,000 draws). A range that includes 0 could be chance.",
    )


def _breaks_even(metrics: Mapping[str, Any]) -> str:
    rate = breakeven_win_rate(metrics)
    if rate is not None:
        return f"breaks even at {percent(rate)}"
    return "no loss yet" if metrics["losing_trades"] == 0 else "no win yet"


def _worst_drop(metrics: Mapping[str, Any], equity: pd.DataFrame) -> Figure:
    drop = deepest(equity["drawdown_r"].to_numpy())
    below = counted(metrics["max_drawdown_days"], "day")
    return Figure(
        "Worst drop",
        r_multiple(metrics["max_drawdown_r"]),
        below if drop is None or drop.recovered else f"{below} so far",
        "Deepest fall of the running total below its highest point so far, which starts at 0; and the days from that "
        "point until it was made good, or “so far” where it was not by the last trade.",
    )


def _costs(metrics: Mapping[str, Any]) -> Figure:
    meaning = "Commissions as a share of the profit before them; slippage is in the prices already."
    cost = metrics["total_cost_r"]
    gross = metrics["total_r"] + cost
    if gross > 0:
        return Figure("Costs", percent(cost / gross, 0), "of gross profit", meaning)
    per_trade = number(cost / metrics["total_trades"])
    value = f"{MINUS}{per_trade} R" if cost > 0 else f"{per_trade} R"
    return Figure("Costs", value, "per trade", meaning)


def _unclear_share(metrics: Mapping[str, Any]) -> float:
    return float(metrics["ambiguous_trades"] / metrics["total_trades"]) if metrics["total_trades"] else 0.0
