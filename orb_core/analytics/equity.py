"""Trades to cash: how many units each trade had, what it earned, and the curve that capital and R drew.

Cash never changes a trade's R: it is worked out after the simulation, over the trades of all symbols together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orb_core.analytics.metrics import drawdowns

if TYPE_CHECKING:
    from orb_core.config.models import RunConfig, SizingSettings

CASH: Final[dict[str, str]] = {"quantity": "float64", "equity_before": "float64", "pnl": "float64"}
"""What `book` adds to the trades' columns."""

EQUITY: Final[dict[str, str]] = {
    "timestamp": "datetime64[ns, UTC]",
    "trade_number": "int64",
    "trade_id": "str",
    "realized_r": "float64",
    "cumulative_r": "float64",
    "drawdown_r": "float64",
    "equity": "float64",
    "drawdown_pct": "float64",
}


def combine(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The result tables of several symbols one below the other, in the order given.

    Text stays categorical; a column whose categories differ, such as `symbol`, gets them sorted.
    """
    if len(frames) == 1:
        return frames[0]
    whole = pd.concat(frames, ignore_index=True)
    for name, column in frames[0].items():
        if isinstance(column.dtype, pd.CategoricalDtype):  # concat gives up on categories that differ
            whole[name] = whole[name].astype("category")
    return whole


def book(trades: pd.DataFrame, config: RunConfig) -> pd.DataFrame:
    """Trades in order of entry with `quantity`, `equity_before` and `pnl` (columns `CASH`, in units and money).

    Equity is the initial capital and everything closed by then, that is, with an exit time up to the entry time.
    Under `fixed_risk` a trade may lose `risk_pct` of it from entry to stop; quantities are whole `quantity_step`s,
    rounded down. They are cut so that the notional of what is open, at its entry prices and in full until a
    trade's last exit, stays within `max_leverage` times equity: none are bought with an equity of 0 or below.
    `fixed_quantity` is taken as it is given, whatever the account holds.

    Parameters
    ----------
    trades : DataFrame
        Columns of `records.TRADES`; those of several symbols one below the other, since trades entered at the same time
        are sized in the order they come in.
    """
    ordered = trades.iloc[np.argsort(utc_ns(trades["entry_timestamp"]), kind="stable")].reset_index(drop=True)
    codes, symbols = pd.factorize(ordered["symbol"])
    instruments = [config.instrument(str(symbol)) for symbol in symbols]
    point_value = np.array([instrument.point_value for instrument in instruments], dtype=np.float64)[codes]
    step = np.array([instrument.quantity_step for instrument in instruments], dtype=np.float64)[codes]
    unit_risk = point_value * ordered["risk"].to_numpy()
    quantity, equity_before, pnl = _account(
        _Moments(utc_ns(ordered["entry_timestamp"]), utc_ns(ordered["exit_timestamp"])),
        unit_risk=unit_risk,
        unit_notional=point_value * ordered["entry_price"].to_numpy(),
        unit_pnl=unit_risk * ordered["realized_r"].to_numpy(),
        step=step,
        sizing=config.sizing,
    )
    return ordered.assign(quantity=quantity, equity_before=equity_before, pnl=pnl)


def equity_curve(booked: pd.DataFrame, start: pd.Timestamp, initial_capital: float) -> pd.DataFrame:
    """R and capital after each closed trade, in order of exit, below a row of zeros at `start`.

    Parameters
    ----------
    booked : DataFrame
        What `book` returns, or the rows of one symbol: the curve is then the initial capital plus that symbol's pnl.
    start : Timestamp
        UTC, not after the first exit.
    initial_capital : float
        Above 0.

    Returns
    -------
    DataFrame
        Columns `EQUITY`. `drawdown_r` and `drawdown_pct` are <= 0, the latter a fraction of the highest equity so far.
    """
    exits = utc_ns(booked["exit_timestamp"])
    order = np.argsort(exits, kind="stable")
    realized_r = booked["realized_r"].to_numpy()[order]
    equity = initial_capital + np.concatenate(([0.0], np.cumsum(booked["pnl"].to_numpy()[order])))
    times = np.concatenate(([start.as_unit("ns").value], exits[order]))
    return pd.DataFrame(
        {
            "timestamp": pd.DatetimeIndex(times, tz="UTC"),
            "trade_number": np.arange(times.size, dtype=np.int64),
            "trade_id": pd.array(["", *booked["trade_id"].to_numpy()[order]], dtype="str"),
            "realized_r": np.concatenate(([0.0], realized_r)),
            "cumulative_r": np.concatenate(([0.0], np.cumsum(realized_r))),
            "drawdown_r": drawdowns(realized_r),
            "equity": equity,
            "drawdown_pct": equity / np.maximum.accumulate(equity) - 1,
        }
    )


def daily_r(sessions: pd.DataFrame) -> pd.Series[float]:
    """R of every session of the run by date, 0 where none closed a trade; the R of several symbols added.

    Parameters
    ----------
    sessions : DataFrame
        Columns of `records.SESSIONS`. Warm-up sessions are left out; R counts in the session a trade closed in.
    """
    of_run = sessions[~sessions["warmup"].to_numpy()]
    dates, position = np.unique(of_run["session_date"].to_numpy(), return_inverse=True)
    total = np.bincount(position, weights=of_run["realized_r"].to_numpy(), minlength=dates.size)
    return pd.Series(total, index=pd.DatetimeIndex(dates, name="session_date"), name="realized_r")


def utc_ns(times: pd.Series[pd.Timestamp]) -> NDArray[np.int64]:
    """A column of timestamps as nanoseconds since 1970 UTC."""
    return pd.DatetimeIndex(times).as_unit("ns").asi8


class _Moments:
    """When trades, in order of entry, were entered and left."""

    def __init__(self, entries: NDArray[np.int64], exits: NDArray[np.int64]) -> None:
        self.entries: list[int] = entries.tolist()
        self.exits: list[int] = exits.tolist()
        self.by_exit: list[int] = np.argsort(exits, kind="stable").tolist()


def _account(
    moments: _Moments,
    *,
    unit_risk: NDArray[np.float64],
    unit_notional: NDArray[np.float64],
    unit_pnl: NDArray[np.float64],
    step: NDArray[np.float64],
    sizing: SizingSettings,
) -> tuple[list[float], list[float], list[float]]:
    """Quantity, equity before and pnl of trades in order of entry; `unit_*` is money per unit.

    Lists and one loop: each quantity depends on every trade closed before it. 100,000 trades take 0.15 s.
    """
    risks, notionals, earnings, steps = unit_risk.tolist(), unit_notional.tolist(), unit_pnl.tolist(), step.tolist()
    n = len(risks)
    is_fixed = sizing.mode == "fixed_quantity"
    equity = float(sizing.initial_capital)
    quantity, equity_before, pnl = [0.0] * n, [0.0] * n, [0.0] * n
    open_notional = 0.0
    closed = 0
    for k in range(n):
        # Trades up to k close in order of exit; the first that is still to be entered stops the search,
        # as nothing behind it can have an earlier exit.
        while closed < k and (j := moments.by_exit[closed]) < k and moments.exits[j] <= moments.entries[k]:
            equity += pnl[j]
            open_notional -= quantity[j] * notionals[j]
            closed += 1
        if closed == k:
            open_notional = 0.0  # nothing is open: no rounding is carried along
        equity_before[k] = equity
        if is_fixed:
            quantity[k] = float(sizing.quantity)
        else:
            affordable = (sizing.max_leverage * equity - open_notional) / notionals[k]
            quantity[k] = whole_steps(min(equity * sizing.risk_pct / risks[k], affordable), steps[k])
        open_notional += quantity[k] * notionals[k]
        pnl[k] = quantity[k] * earnings[k]
    return quantity, equity_before, pnl


def whole_steps(quantity: float, step: float) -> float:
    """The quantity rounded down to a multiple of `step`; 0 below one step.

    What lies within rounding of a step counts as that step (0.3 is three steps of 0.1, though 0.3 / 0.1 < 3), and
    the result is the float nearest to the multiple (0.3, not 3 * 0.1 = 0.30000000000000004).
    """
    steps = quantity / step * (1 + 1e-12)
    if not steps < 2**53:
        return quantity  # a step is finer than a float of this size can tell
    steps_per_unit = round(1 / step)
    whole = max(0, math.floor(steps))
    return whole / steps_per_unit if math.isclose(steps_per_unit * step, 1, rel_tol=1e-12) else whole * step
