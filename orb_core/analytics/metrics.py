"""One small function per number.

Unless said otherwise `r` is float64[n], the net R of each closed trade in exit order (R: multiples of what the trade
risked from entry to stop), a win is `r > 0` and a loss `r < 0`. NaN means undefined; each function says when.
`summary` turns NaN into None.
"""

import math
import sys
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Nanoseconds = NDArray[np.int64]

RESAMPLES: Final = 10_000
ROUNDING: Final = 1e-12
"""Values that differ by less, of the largest, are equal but for rounding."""
_LARGEST_EXPONENT: Final = math.log(sys.float_info.max)
_RECOVERED: Final = -1e-9
"""A drawdown above this is none: sums of R that meet again do so only up to rounding."""


def mean(r: Floats) -> float:
    """Arithmetic mean; of R per trade, the expectancy. NaN without trades."""
    return float(r.mean()) if r.size else math.nan


def median(r: Floats) -> float:
    """Middle value. NaN without trades."""
    return float(np.median(r)) if r.size else math.nan


def std(r: Floats) -> float:
    """Sample standard deviation (ddof 1). NaN below two values, exactly 0 where all are equal up to rounding."""
    if r.size < 2:
        return math.nan
    # Rounding would give equal values a deviation of 1e-17, and every ratio over it an absurd size.
    return float(r.std(ddof=1)) if np.ptp(r) > ROUNDING * np.abs(r).max() else 0.0


def win_rate(r: Floats) -> float:
    """Share of wins among all trades, as a fraction. NaN without trades.

    Differs from quantstats, which leaves trades of exactly 0 out of the count.
    """
    return mean((r > 0).astype(np.float64))


def profit_factor(r: Floats) -> float:
    """Gross wins / gross losses. NaN without a loss."""
    return _ratio(float(r[r > 0].sum()), -float(r[r < 0].sum()))


def payoff_ratio(r: Floats) -> float:
    """Average win / average loss, the loss taken positive. NaN unless there are both."""
    return _ratio(mean(r[r > 0]), -mean(r[r < 0]))


def share_of_best(r: Floats) -> float:
    """The largest value as a fraction of the total: of trades or of days. NaN where the total is not above 0.

    Above 1, all that was earned and more came from that one.
    """
    total = float(r.sum())
    return float(r.max()) / total if total > 0 else math.nan


def largest_win(r: Floats) -> float:
    """Best trade. NaN without a win."""
    return float(r.max()) if (r > 0).any() else math.nan


def largest_loss(r: Floats) -> float:
    """Worst trade, negative. NaN without a loss."""
    return float(r.min()) if (r < 0).any() else math.nan


def longest_streak(flags: NDArray[np.bool_]) -> int:
    """Length of the longest unbroken run of True."""
    padded = np.concatenate(([False], flags, [False])).astype(np.int8)
    edges = np.flatnonzero(np.diff(padded))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def drawdowns(r: Floats) -> Floats:
    """Distance of the running total below its peak, before the first trade and after each.

    Returns
    -------
    float64[n + 1]
        <= 0. Row 0 is the start: the running peak starts at a total of 0.
    """
    total = np.concatenate(([0.0], np.cumsum(r)))
    return total - np.maximum.accumulate(total)


class DrawdownSpan(NamedTuple):
    """One drawdown, as rows of the curve it was found in."""

    peak: int
    """Last row at the peak."""
    bottom: int
    """First row of the greatest depth."""
    end: int
    """First row back at the peak; the last row where that never comes."""
    recovered: bool


def drawdown_spans(drawdown: Floats) -> list[DrawdownSpan]:
    """All drawdowns of a curve, in time order.

    Parameters
    ----------
    drawdown : float64[n + 1]
        <= 0, row 0 being the start; `drawdowns` makes one.
    """
    below = np.concatenate(([False], drawdown < _RECOVERED, [False])).astype(np.int8)
    edges = np.flatnonzero(np.diff(below))
    last = drawdown.size - 1
    return [
        DrawdownSpan(
            peak=int(first) - 1,
            bottom=int(first) + int(np.argmin(drawdown[first:after])),
            end=min(int(after), last),
            recovered=bool(after <= last),
        )
        for first, after in zip(edges[::2], edges[1::2], strict=True)
    ]


def deepest(drawdown: Floats) -> DrawdownSpan | None:
    """The deepest drawdown of a curve, the first of equals; None where it never falls."""
    return min(drawdown_spans(drawdown), key=lambda span: float(drawdown[span.bottom]), default=None)


def recovery_factor(r: Floats) -> float:
    """Total R / depth of the deepest drawdown. NaN without a drawdown."""
    return _ratio(float(r.sum()), -float(drawdowns(r).min()))


def sharpe(daily_r: Floats, sessions_per_year: int) -> float:
    """Annual Sharpe ratio of the daily R, the risk-free rate being 0. NaN below two sessions or without any variation.

    Parameters
    ----------
    daily_r : float64[sessions]
        R per session, 0 for sessions without a trade. Leaving those out overstates it:
        by 27 % where six sessions in ten trade.
    sessions_per_year : int
        252, or 365 for a market that never closes.

    Source
    ------
    Sharpe (1994), "The Sharpe ratio". It equals the Sharpe ratio of returns only where each trade risks the same
    fraction of capital, neither compounded nor cut by the leverage limit.
    """
    return _ratio(mean(daily_r), std(daily_r)) * math.sqrt(sessions_per_year)


def sortino(daily_r: Floats, sessions_per_year: int) -> float:
    """Annual Sortino ratio of the daily R against 0. NaN without a losing session. Takes what `sharpe` takes.

    Source
    ------
    Sortino & Price (1994). The downside deviation is over all sessions, those above 0 counting 0.
    """
    downside = math.sqrt(mean(np.minimum(daily_r, 0.0) ** 2))
    return _ratio(mean(daily_r), downside) * math.sqrt(sessions_per_year)


def t_stat(r: Floats) -> float:
    """Student's t of "the mean is 0". NaN below two trades or where all are equal."""
    return _ratio(mean(r), std(r)) * math.sqrt(r.size)


def sqn(r: Floats) -> float:
    """Van Tharp's system quality number, `mean / std * sqrt(n)`. NaN below two trades or where all are equal.

    Differs from the form that counts at most 100 trades: without that cap it is the t statistic.
    """
    return t_stat(r)


def probabilistic_sharpe(daily_r: Floats) -> float:
    """Probability that the true Sharpe ratio is above 0, in view of length, skewness and fat tails.

    Parameters
    ----------
    daily_r : float64[sessions]
        R per session, 0 for sessions without a trade.

    Returns
    -------
    float
        0 to 1; NaN below two sessions or without any variation.

    Source
    ------
    Bailey & López de Prado (2012), "The Sharpe ratio efficient frontier", eq. 11.
    """
    ratio = _ratio(mean(daily_r), std(daily_r))
    if math.isnan(ratio):
        return math.nan
    z = (daily_r - daily_r.mean()) / daily_r.std()
    return probabilistic_sharpe_of(ratio, daily_r.size, float((z**3).mean()), float((z**4).mean()))


def probabilistic_sharpe_of(ratio: float, n: int, skewness: float, kurtosis: float, benchmark: float = 0.0) -> float:
    """`probabilistic_sharpe` from the moments of the series.

    Parameters
    ----------
    ratio, benchmark : float
        Sharpe ratios per session.
    n : int
        Sessions, at least 2.
    skewness, kurtosis : float
        Of the population; kurtosis of a normal distribution is 3.

    Returns
    -------
    float
        NaN where the variance of the estimate is not above 0 (a handful of sessions can give such moments).
    """
    variance = 1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2
    if variance <= 0:
        return math.nan
    return _normal_cdf((ratio - benchmark) * math.sqrt((n - 1) / variance))


def bootstrap_means(r: Floats, seed: int = 0) -> Floats:
    """Means of 10,000 iid resamples of `r`: how far luck alone moves the average.

    Returns
    -------
    float64[10000]
        All NaN below two trades: one trade says nothing about its own spread.
    """
    if r.size < 2:
        return np.full(RESAMPLES, math.nan)
    from orb_core.analytics.bootstrap_nb import resample_means_nb

    means: Floats = resample_means_nb(np.ascontiguousarray(r, dtype=np.float64), RESAMPLES, seed)
    return means


def bootstrap_p(means: Floats) -> float:
    """Share of the resampled means that are not above 0. NaN where `means` is.

    0 says "fewer than one in 10,000". Takes what `bootstrap_means` gives.
    """
    return math.nan if np.isnan(means[0]) else float((means <= 0).mean())


def bootstrap_ci95(means: Floats) -> tuple[float, float]:
    """Ends of the 95 % percentile interval. NaN where `means` is. Takes what `bootstrap_means` gives."""
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def session_time(entries: Nanoseconds, exits: Nanoseconds, opens: Nanoseconds, closes: Nanoseconds) -> int:
    """Nanoseconds of session time that lie between entry and exit, summed over trades.

    Parameters
    ----------
    entries, exits : int64[trades]
        UTC. A trade held overnight counts only the part within sessions.
    opens, closes : int64[sessions]
        UTC, in order, not overlapping.
    """
    if not opens.size or not entries.size:
        return 0
    lengths = closes - opens
    before = np.concatenate(([0], np.cumsum(lengths)[:-1]))

    def elapsed(moments: Nanoseconds) -> Nanoseconds:
        session = np.maximum(np.searchsorted(opens, moments, side="right") - 1, 0)
        within: Nanoseconds = before[session] + np.clip(moments - opens[session], 0, lengths[session])
        return within

    return int((elapsed(exits) - elapsed(entries)).sum())


def cagr(initial: float, final: float, days: int) -> float:
    """Compound annual growth of capital, as a fraction. NaN where nothing is left of it, or beyond what a float holds.

    Parameters
    ----------
    initial, final : float
        Capital; `initial` above 0.
    days : int
        Calendar days, at least 1. Over a few weeks this extrapolates wildly.
    """
    if final <= 0:
        return math.nan
    growth = math.log(final / initial) * 365.25 / days
    return math.expm1(growth) if growth < _LARGEST_EXPONENT else math.nan


def finite(value: float) -> float | None:
    """The value, or None where it is undefined: JSON has no NaN."""
    return float(value) if math.isfinite(value) else None


def finite_list(values: Sequence[float]) -> list[float] | None:
    """The values, or None where one of them is undefined."""
    return [float(value) for value in values] if all(map(math.isfinite, values)) else None


def _ratio(numerator: float, denominator: float) -> float:
    """NaN over 0: a ratio to nothing is undefined, not infinite."""
    return numerator / denominator if denominator != 0 else math.nan


def _normal_cdf(z: float) -> float:
    return 0.5 * (1 + math.erf(z / math.sqrt(2)))
