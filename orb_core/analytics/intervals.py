"""How far luck alone moves a metric: the 95 % intervals of those for which redrawing trades or days says it."""

from typing import Final

import numpy as np
import pandas as pd

from orb_core.analytics.equity import daily_r, utc_ns
from orb_core.analytics.metrics import RESAMPLES, Floats, bootstrap_ci95, bootstrap_means

Interval = tuple[float, float]

_MINUTE_NS: Final = 60e9
_Z: Final = 1.959964  # the middle 95 % of a normal distribution
COLUMNS: Final = (
    "session_date",
    "entry_timestamp",
    "exit_timestamp",
    "realized_r",
    "max_favorable_r",
    "max_adverse_r",
)
"""What of the trades is looked at."""
MANY: Final = 5_000
"""From so many values on, means of redrawings follow their normal limit too closely to be worth redrawing."""


def metric_intervals(trades: pd.DataFrame, sessions: pd.DataFrame, sessions_per_year: int) -> dict[str, Interval]:
    """95 % intervals of metrics beside the headline.

    Parameters
    ----------
    trades : DataFrame
        Of all symbols, `COLUMNS` of `records.TRADES`.
    sessions : DataFrame
        Of all symbols, columns of `records.SESSIONS`.
    sessions_per_year : int
        As for `metrics.sharpe`.

    Returns
    -------
    dict
        Key of the metric (docs/results.md) → its ends. An end is NaN where it is undefined: below two trades of its
        kind, or of a ratio to a loss that more than a few redrawings do not have.

    Source
    ------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 13 (percentile interval). Of the median:
    Conover (1999), Practical Nonparametric Statistics, section 3.2, from the order statistics. From `MANY` values on
    the means are drawn from the normal distribution that redrawings come ever closer to (Efron & Tibshirani, chapter
    5: the central limit theorem), with the covariance of the values: 10,000 redrawings of 100,000 trades take seconds.
    """
    r = trades["realized_r"].to_numpy()
    held = (utc_ns(trades["exit_timestamp"]) - utc_ns(trades["entry_timestamp"])) / _MINUTE_NS
    (average_win,), (average_loss,) = _redrawn(r[r > 0]), _redrawn(r[r < 0], seed=1)
    best, worst, minutes = _redrawn(trades["max_favorable_r"].to_numpy(), trades["max_adverse_r"].to_numpy(), held)
    (trades_a_day,) = _redrawn(_trades_a_day(trades, sessions))
    gain, loss, mean, square = _redrawn(np.maximum(r, 0.0), np.maximum(-r, 0.0), r, r**2)
    daily = np.asarray(daily_r(sessions), np.float64)
    daily_mean, below = _redrawn(daily, np.minimum(daily, 0.0) ** 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        redrawn = {
            "average_win_r": average_win,
            "average_loss_r": average_loss,
            "average_mfe_r": best,
            "average_mae_r": worst,
            "average_minutes_held": minutes,
            "trades_per_session": trades_a_day,
            "payoff_ratio": average_win / -average_loss,
            "profit_factor": gain / loss,
            "std_r": np.sqrt(np.maximum(square - mean**2, 0.0) * (r.size / max(r.size - 1, 1))),
            "sortino": daily_mean / np.sqrt(below) * np.sqrt(sessions_per_year),
        }
        found = {name: bootstrap_ci95(values) for name, values in redrawn.items()}
    return {**found, "median_r": _of_median(r)}


def _redrawn(*columns: Floats, seed: int = 0) -> Floats:
    """Means of 10,000 redrawings of a table's rows, by column: one seed redraws the same rows for all of them."""
    table = np.stack(columns)
    n = table.shape[1]
    if n < MANY:
        return np.stack([bootstrap_means(column, seed) for column in table])
    spread = np.cov(table, bias=True).reshape(len(table), len(table)) / n
    draws = np.random.default_rng(seed).multivariate_normal(table.mean(axis=1), spread, RESAMPLES, method="eigh")
    return np.ascontiguousarray(draws.T)


def _trades_a_day(trades: pd.DataFrame, sessions: pd.DataFrame) -> Floats:
    days = sessions.loc[~sessions["warmup"], "session_date"].unique()
    counts = trades["session_date"].value_counts().reindex(days, fill_value=0)
    return np.asarray(counts, np.float64)


def _of_median(r: Floats) -> Interval:
    n = r.size
    below = int(np.floor((n - _Z * np.sqrt(n)) / 2))
    if below < 1:
        return np.nan, np.nan
    in_order = np.sort(r)
    return float(in_order[below - 1]), float(in_order[n - below])
