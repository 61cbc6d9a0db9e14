"""Results of one or more symbols to booked trades, the equity curve and the metrics that are stored and shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from orb_core.analytics import metrics as number
from orb_core.analytics.equity import book, combine, daily_r, equity_curve, utc_ns
from orb_core.data.sessions import sessions_per_year

if TYPE_CHECKING:
    from orb_core.config.models import RunConfig
    from orb_core.engine.backtest import BacktestResult

_MINUTE_NS: Final = 60e9


@dataclass(frozen=True, eq=False)
class Summary:
    """What a run came to.

    Attributes
    ----------
    trades : DataFrame
        In order of entry, with quantity, equity_before and pnl (`equity.book`).
    equity : DataFrame
        One row per closed trade in order of exit, below a row at the start (`equity.equity_curve`).
    metrics : dict
        The keys of docs/results.md in its order. Python numbers, None where undefined: `json.dumps` takes it as it is.
    """

    trades: pd.DataFrame
    equity: pd.DataFrame
    metrics: dict[str, Any]


def summary(
    results: BacktestResult | Sequence[BacktestResult], config: RunConfig, booked: pd.DataFrame | None = None
) -> Summary:
    """Summary of one symbol's result, or of several as one account.

    Several symbols add up their R per date for the daily ratios (Sharpe, Sortino, probabilistic Sharpe), and share
    session time for the exposure; every other number is over all trades, in order of exit where order matters.

    Parameters
    ----------
    results : BacktestResult or sequence of them
        At least one, in the order the symbols were given.
    config : RunConfig
        Its `sizing` and instruments give the money, its `execution.ambiguity` says which total these trades are.
    booked : DataFrame, optional
        The trades of the whole run as booked together. A symbol of several is summed up from its rows in there, since
        its quantities depend on what the others earned; None books the results' own trades.
    """
    several = results if isinstance(results, Sequence) else [results]
    if booked is None:
        trades = book(combine([result.trades for result in several]), config)
    else:
        trades = booked[booked["symbol"].isin([result.symbol for result in several])].reset_index(drop=True)
    sessions = combine([result.sessions for result in several])
    sessions = sessions[~sessions["warmup"].to_numpy()]
    capital = float(config.sizing.initial_capital)
    equity = equity_curve(trades, sessions["open"].min(), capital)
    days = (max(result.end for result in several) - min(result.start for result in several)).days + 1
    per_year = sessions_per_year(config.session)
    return Summary(
        trades,
        equity,
        {
            **_trade_metrics(equity),
            **_drawdown_metrics(equity),
            **_ratio_metrics(equity, daily_r(sessions).to_numpy().astype(np.float64), per_year),
            **_time_metrics(trades, sessions),
            **_cost_metrics(trades, float(_r(equity).sum()), str(config.execution.ambiguity)),
            **_money_metrics(equity, capital, days),
            "by_direction": _by(trades, "direction"),
            "by_exit_reason": _by(trades, "exit_reason"),
        },
    )


def _trade_metrics(equity: pd.DataFrame) -> dict[str, Any]:
    r = _r(equity)
    return {
        "total_trades": int(r.size),
        "winning_trades": int((r > 0).sum()),
        "losing_trades": int((r < 0).sum()),
        "scratch_trades": int((r == 0).sum()),
        "win_rate": number.finite(number.win_rate(r)),
        "total_r": float(r.sum()),
        "average_r": number.finite(number.mean(r)),
        "median_r": number.finite(number.median(r)),
        "std_r": number.finite(number.std(r)),
        "profit_factor": number.finite(number.profit_factor(r)),
        "payoff_ratio": number.finite(number.payoff_ratio(r)),
        "average_win_r": number.finite(number.mean(r[r > 0])),
        "average_loss_r": number.finite(number.mean(r[r < 0])),
        "largest_win_r": number.finite(number.largest_win(r)),
        "largest_loss_r": number.finite(number.largest_loss(r)),
        "max_consecutive_wins": number.longest_streak(r > 0),
        "max_consecutive_losses": number.longest_streak(r < 0),
    }


def _drawdown_metrics(equity: pd.DataFrame) -> dict[str, Any]:
    """Depth and length of the deepest drawdown in R.

    `max_drawdown_trades` and `max_drawdown_days` (calendar days, by UTC date) last from its peak to the trade that
    made it good, or to the last trade where none did. No drawdown is 0 of each.
    """
    drawdown = equity["drawdown_r"].to_numpy()
    span = number.deepest(drawdown)
    days = 0
    if span is not None:
        dates = equity["timestamp"].iloc[[span.peak, span.end]].dt.normalize()
        days = (dates.iloc[1] - dates.iloc[0]).days
    return {
        "max_drawdown_r": float(drawdown.min()),
        "max_drawdown_trades": span.end - span.peak if span else 0,
        "max_drawdown_days": int(days),
        "recovery_factor": number.finite(number.recovery_factor(_r(equity))),
    }


def _ratio_metrics(equity: pd.DataFrame, daily: number.Floats, per_year: int) -> dict[str, Any]:
    r = _r(equity)
    means = number.bootstrap_means(r)
    return {
        "sharpe": number.finite(number.sharpe(daily, per_year)),
        "sortino": number.finite(number.sortino(daily, per_year)),
        "sqn": number.finite(number.sqn(r)),
        "t_stat": number.finite(number.t_stat(r)),
        "p_value": number.finite(number.bootstrap_p(means)),
        "average_r_ci95": number.finite_list(number.bootstrap_ci95(means)),
        "probabilistic_sharpe": number.finite(number.probabilistic_sharpe(daily)),
    }


def _time_metrics(trades: pd.DataFrame, sessions: pd.DataFrame) -> dict[str, Any]:
    """`sessions` are dates: two symbols on one day are one session. `sessions_traded` counts days of entry."""
    entries, exits = utc_ns(trades["entry_timestamp"]), utc_ns(trades["exit_timestamp"])
    opens, closes = utc_ns(sessions["open"]), utc_ns(sessions["close"])
    held = sum(
        number.session_time(entries[of_trades], exits[of_trades], opens[of_sessions], closes[of_sessions])
        for of_trades, of_sessions in (
            ((trades["symbol"] == symbol).to_numpy(), (sessions["symbol"] == symbol).to_numpy())
            for symbol in sessions["symbol"].unique()
        )
    )
    available = int((closes - opens).sum())
    dates = sessions["session_date"].nunique()
    return {
        "exposure": held / available if available else None,
        "average_minutes_held": number.finite(number.mean((exits - entries) / _MINUTE_NS)),
        "average_mfe_r": number.finite(number.mean(trades["max_favorable_r"].to_numpy())),
        "average_mae_r": number.finite(number.mean(trades["max_adverse_r"].to_numpy())),
        "trades_per_session": len(trades) / dates if dates else None,
        "sessions": int(dates),
        "sessions_traded": int(trades["session_date"].nunique()),
    }


def _cost_metrics(trades: pd.DataFrame, total: float, ambiguity: str) -> dict[str, Any]:
    """Of the two totals, the one of the other policy needs another run and is None here."""
    return {
        "ambiguous_trades": int(trades["ambiguous"].sum()),
        "total_r_conservative": total if ambiguity == "conservative" else None,
        "total_r_optimistic": total if ambiguity == "optimistic" else None,
        "total_cost_r": float(trades["cost_r"].sum()),
    }


def _money_metrics(equity: pd.DataFrame, capital: float, days: int) -> dict[str, Any]:
    """Money, and fractions of capital. `days` are calendar days of the run, both ends counted."""
    final = float(equity["equity"].iloc[-1])
    return {
        "total_pnl": number.finite(final - capital),
        "return_pct": number.finite(final / capital - 1),
        "cagr": number.finite(number.cagr(capital, final, days)),
        "max_drawdown_pct": number.finite(float(equity["drawdown_pct"].min())),
    }


def _by(trades: pd.DataFrame, column: str) -> dict[str, Mapping[str, Any]]:
    """Per name that occurs in the column: count, win rate, total and average R."""
    r = trades["realized_r"].to_numpy()
    names = trades[column].to_numpy()
    return {
        str(name): {
            "trades": int(group.size),
            "win_rate": number.win_rate(group),
            "total_r": float(group.sum()),
            "average_r": number.mean(group),
        }
        for name, group in ((name, r[names == name]) for name in np.unique(names.astype(str)))
    }


def _r(equity: pd.DataFrame) -> number.Floats:
    """R per trade in order of exit: the curve without the row of its start."""
    r: number.Floats = equity["realized_r"].to_numpy()[1:]
    return r
