"""The plain opening range breakout in other people's tools, to be timed beside ours.

Plain means: the range of the first 15 minutes, stop orders one tick outside it, the stop at its other side, a target
at 1.5 R, flat at the close, no factors, no costs, one trade a day. Each function takes the bar table and returns the
number of trades, so that a reader sees that the same work was done.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

OR_MINUTES: Final = 15
TICK: Final = 0.01
TARGET_R: Final = 1.5
ZONE: Final = "America/New_York"
NS_PER_DAY: Final = 86_400_000_000_000


def plain_pandas(bars: pd.DataFrame) -> int:
    """Loop over the days with pandas inside, as notebooks have it."""
    results = []
    for _, day in bars.groupby(bars["timestamp_utc"].dt.tz_convert(ZONE).dt.date):
        opening, rest = day.iloc[:OR_MINUTES], day.iloc[OR_MINUTES:]
        upper, lower = opening["high"].max() + TICK, opening["low"].min() - TICK
        risk = upper - lower
        touched = (rest["high"] >= upper) | (rest["low"] <= lower)
        if not touched.any():
            continue
        first = touched.idxmax()
        after = rest.loc[first:].iloc[1:]
        if rest.loc[first, "high"] >= upper:
            stopped, reached = after["low"] <= lower, after["high"] >= upper + TARGET_R * risk
            at_close = (rest["close"].iloc[-1] - upper) / risk
        else:
            stopped, reached = after["high"] >= upper, after["low"] <= lower - TARGET_R * risk
            at_close = (lower - rest["close"].iloc[-1]) / risk
        over = stopped | reached
        if not over.any():
            results.append(at_close)
        else:
            results.append(-1.0 if stopped[over.idxmax()] else TARGET_R)
    return len(results)


@dataclass(frozen=True)
class Levels:
    """What the vectorised tools need to know of each bar."""

    day: NDArray[np.int64]  # [n_bars] number of the session
    is_after_range: NDArray[np.bool_]  # [n_bars]
    upper: NDArray[np.float64]  # [n_bars] trigger of a long, points
    lower: NDArray[np.float64]  # [n_bars] trigger of a short, points


def levels(bars: pd.DataFrame) -> Levels:
    """Triggers of the bar's own day, on every bar."""
    local_ns = bars["timestamp_utc"].dt.tz_convert(ZONE).dt.tz_localize(None).to_numpy().astype(np.int64)
    day = np.unique(local_ns // NS_PER_DAY, return_inverse=True)[1]
    starts = np.flatnonzero(np.diff(day, prepend=-1))
    is_after_range = np.arange(len(day)) - starts[day] >= OR_MINUTES
    high = np.where(is_after_range, -np.inf, bars["high"])
    low = np.where(is_after_range, np.inf, bars["low"])
    return Levels(
        day=day,
        is_after_range=is_after_range,
        upper=np.maximum.reduceat(high, starts)[day] + TICK,
        lower=np.minimum.reduceat(low, starts)[day] - TICK,
    )


def vectorbt(bars: pd.DataFrame) -> int:
    """Prepare arrays of signals, fill and stop them with `Portfolio.from_signals`."""
    import vectorbt as vbt

    at = levels(bars)
    up = at.is_after_range & (bars["high"].to_numpy() >= at.upper)
    touched = up | (at.is_after_range & (bars["low"].to_numpy() <= at.lower))
    touches = pd.Series(touched).groupby(at.day).cumsum().to_numpy()
    entry = touched & (touches == 1)
    last = np.append(at.day[1:] != at.day[:-1], [True])
    trigger = np.where(up, at.upper, at.lower)
    risk = (at.upper - at.lower) / trigger
    portfolio = vbt.Portfolio.from_signals(
        close=bars["close"],
        open=bars["open"],
        high=bars["high"],
        low=bars["low"],
        entries=entry & up,
        exits=last,
        short_entries=entry & ~up,
        short_exits=last,
        price=np.where(entry, trigger, bars["close"]),
        sl_stop=risk,
        tp_stop=TARGET_R * risk,
        size=1.0,
        init_cash=1e9,
    )
    return int(portfolio.trades.count())


def backtesting_py(bars: pd.DataFrame) -> int:
    """Run a `backtesting.Strategy`, whose `next` is called once a bar."""
    from backtesting import Backtest, Strategy

    at = levels(bars)
    frame = bars.set_index("timestamp_utc").tz_localize(None)
    frame.columns = frame.columns.str.capitalize()

    class OpeningRange(Strategy):
        def init(self) -> None:
            self.ordered_day = -1

        def next(self) -> None:
            now = len(self.data) - 1
            day = at.day[now]
            is_last_but_one = now + 2 >= len(at.day) or at.day[now + 2] != day
            if self.ordered_day != day and at.is_after_range[min(now + 1, len(at.day) - 1)] and not is_last_but_one:
                self.ordered_day = day
                upper, lower = at.upper[now], at.lower[now]
                risk = upper - lower
                self.buy(size=1, stop=upper, sl=lower, tp=upper + TARGET_R * risk)
                self.sell(size=1, stop=lower, sl=upper, tp=lower - TARGET_R * risk)
            elif is_last_but_one or self.trades or (self.ordered_day == day and len(self.orders) == 1):
                for order in self.orders:
                    if not order.is_contingent:
                        order.cancel()
            if is_last_but_one:
                self.position.close()

    statistics = Backtest(frame, OpeningRange, cash=1e9, finalize_trades=True).run()
    return int(statistics["# Trades"])
