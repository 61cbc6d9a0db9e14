"""How far luck alone moves a metric: the 95 % intervals of those for which redrawing trades or days says it."""

from typing import Final

import numpy as np
import pandas as pd

from orb_core.analytics.equity import daily_r, utc_ns
from orb_core.analytics.metrics import Floats, bootstrap_ci95, bootstrap_means

Interval = tuple[float, float]

_MINUTE_NS: Final = 60e9
_Z: Final = 1.959964  # the middle 95 % of a normal distribution


def metric_intervals(trades: pd.DataFrame, sessions: pd.DataFrame, sessions_per_year: int) -> dict[str, Interval]:
    """95 % intervals of metrics beside the headline.

    Parameters
    ----------
    trades : DataFrame
        Of all symbols, columns of `records.TRADES`.
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
    Conover (1999), Practical Nonparametric Statistics, section 3.2, from the order statistics.
    """
    r = trades["realized_r"].to_numpy()
    held = (utc_ns(trades["exit_timestamp"]) - utc_ns(trades["entry_timestamp"])) / _MINUTE_NS
    means = {
        "average_win_r": bootstrap_means(r[r > 0]),
        "average_loss_r": bootstrap_means(r[r < 0], seed=1),
        "average_mfe_r": bootstrap_means(trades["max_favorable_r"].to_numpy()),
        "average_mae_r": bootstrap_means(trades["max_adverse_r"].to_numpy()),
        "average_minutes_held": bootstrap_means(held),
        "trades_per_session": bootstrap_means(_trades_a_day(trades, sessions)),
    }
    daily = np.asarray(daily_r(sessions), np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        # One seed redraws the same trades each time: the parts of a ratio move together.
        ratios = {
            "payoff_ratio": means["average_win_r"] / -means["average_loss_r"],
            "profit_factor": bootstrap_means(np.maximum(r, 0.0)) / bootstrap_means(np.maximum(-r, 0.0)),
            "std_r": _spread(r),
            "sortino": bootstrap_means(daily)
            / np.sqrt(bootstrap_means(np.minimum(daily, 0.0) ** 2))
            * np.sqrt(sessions_per_year),
        }
        found = {name: bootstrap_ci95(values) for name, values in (means | ratios).items()}
    return {**found, "median_r": _of_median(r)}


def _spread(r: Floats) -> Floats:
    """The sample standard deviation of each redrawing."""
    mean, square = bootstrap_means(r), bootstrap_means(r**2)
    return np.sqrt(np.maximum(square - mean**2, 0.0) * (r.size / max(r.size - 1, 1)))


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
