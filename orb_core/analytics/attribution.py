"""What each factor was worth: trades that had its flag beside trades that had not."""

from collections.abc import Sequence

import pandas as pd

from orb_core.analytics.metrics import Floats, bootstrap_ci95, bootstrap_means, mean
from orb_core.engine import records


def factor_attribution(trades: pd.DataFrame, factors: Sequence[str] = records.FACTORS) -> pd.DataFrame:
    """R with and without each factor's flag, and the difference, each with its 95 % bootstrap interval.

    Only trades that were taken are compared. With a score to pass, a trade without one factor had the others instead:
    the difference is no estimate of what switching the factor off would do, which takes another run.

    Parameters
    ----------
    trades : DataFrame
        Columns of `records.TRADES`.
    factors : sequence of str
        Those that were enabled. A disabled factor's flag is always 0.

    Returns
    -------
    DataFrame
        One row per factor: `factor`; `trades_with`, `average_r_with`, `average_r_with_low`, `average_r_with_high`; the
        same four for `without`; `difference_r` (with minus without), `difference_r_low`, `difference_r_high`.
        Averages are NaN without trades, intervals below two.

    Source
    ------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 8: the two samples are resampled independently.
    """
    r = trades["realized_r"].to_numpy()
    rows = []
    for factor in factors:
        is_with = trades[f"{factor}_flag"].to_numpy() == 1
        rows.append({"factor": factor, **_compared(r[is_with], r[~is_with])})
    return pd.DataFrame(rows)


def _compared(with_factor: Floats, without: Floats) -> dict[str, float]:
    # One stream each: a shared one would couple the two resamples.
    means_with, means_without = bootstrap_means(with_factor, seed=0), bootstrap_means(without, seed=1)
    return {
        **_side("with", with_factor, means_with),
        **_side("without", without, means_without),
        "difference_r": mean(with_factor) - mean(without),
        **_interval("difference_r", means_with - means_without),
    }


def _side(name: str, r: Floats, means: Floats) -> dict[str, float]:
    return {f"trades_{name}": r.size, f"average_r_{name}": mean(r), **_interval(f"average_r_{name}", means)}


def _interval(name: str, means: Floats) -> dict[str, float]:
    low, high = bootstrap_ci95(means)
    return {f"{name}_low": low, f"{name}_high": high}
