"""Where the R came from: trades by weekday, hour, score and month, the spread of R, and the drawdowns one by one.

Frames in, small frames out, ready for a table or a bar chart. Averages come with their 95 % bootstrap interval and
count, since most groups are too small to say anything.
"""

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orb_core.analytics.metrics import Floats, bootstrap_ci95, bootstrap_means, drawdown_spans, mean, win_rate
from orb_core.analytics.words import WEEKDAYS
from orb_core.engine import records

GROUP: Final = ("trades", "win_rate", "total_r", "average_r", "average_r_low", "average_r_high")
"""Columns of a group beside its name; the last two are the 95 % interval of the average, NaN below two trades."""

_MOST_BINS: Final = 100


def by_weekday(trades: pd.DataFrame) -> pd.DataFrame:
    """Groups by the weekday of the session traded: `weekday` (Mon to Sun; those that occur) and `GROUP`."""
    groups = in_groups(trades, pd.DatetimeIndex(trades["session_date"]).day_of_week.to_numpy(), "weekday")
    return groups.assign(weekday=[WEEKDAYS[day] for day in groups["weekday"]])


def by_hour(trades: pd.DataFrame, timezone: str) -> pd.DataFrame:
    """Groups by the clock hour of entry in `timezone`: `hour` (9 is 09:00 to 09:59; those that occur) and `GROUP`."""
    local = pd.DatetimeIndex(trades["entry_timestamp"]).tz_convert(timezone)
    return in_groups(trades, local.hour.to_numpy(), "hour")


def by_score(trades: pd.DataFrame) -> pd.DataFrame:
    """Groups by the factors' score at the signal: `score` (rising; those that occur) and `GROUP`."""
    return in_groups(trades, trades["score"].to_numpy(), "score")


def by_month(trades: pd.DataFrame) -> pd.DataFrame:
    """Total R and count per month of the sessions traded: `year`, `month` (1 to 12), `trades`, `total_r`."""
    months = trades["session_date"].to_numpy().astype("datetime64[M]").astype(np.int64)
    names, position = np.unique(months, return_inverse=True)
    return pd.DataFrame(
        {
            "year": names // 12 + 1970,
            "month": names % 12 + 1,
            "trades": np.bincount(position, minlength=names.size),
            "total_r": np.bincount(position, weights=trades["realized_r"].to_numpy(), minlength=names.size),
        }
    )


def by_year(trades: pd.DataFrame) -> pd.DataFrame:
    """Groups by the year of the session traded: `year` and `GROUP`."""
    return in_groups(trades, pd.DatetimeIndex(trades["session_date"]).year.to_numpy(), "year")


def r_histogram(trades: pd.DataFrame, width: float = 0.25) -> pd.DataFrame:
    """Number of trades per step of R: `from_r` (inclusive), `to_r` (exclusive), `trades`.

    0 is an edge, so that no bin holds both wins and losses. `width` is doubled until there are at most 100 bins;
    empty bins between others are there too.
    """
    r = trades["realized_r"].to_numpy()
    if not r.size:
        return pd.DataFrame({"from_r": np.array([]), "to_r": np.array([]), "trades": np.array([], dtype=np.int64)})
    while np.floor(r.max() / width) - np.floor(r.min() / width) >= _MOST_BINS:
        width *= 2
    bins = np.floor(r / width).astype(np.int64)
    lower = np.arange(bins.min(), bins.max() + 1) * width
    return pd.DataFrame({"from_r": lower, "to_r": lower + width, "trades": np.bincount(bins - bins.min())})


def drawdown_table(equity: pd.DataFrame, most: int = 10) -> pd.DataFrame:
    """The deepest drawdowns of R, deepest first.

    Parameters
    ----------
    equity : DataFrame
        What `equity.equity_curve` returns, on any clock.
    most : int
        At most so many rows.

    Returns
    -------
    DataFrame
        `depth_r` (< 0), `peak`, `bottom`, `recovered` (times of exit; NaT where it never was), `trades` and `days`
        (calendar, by the date on that clock) from the peak to the recovery, or to the last trade.
    """
    depth = equity["drawdown_r"].to_numpy()
    spans = sorted(drawdown_spans(depth), key=lambda span: float(depth[span.bottom]))[:most]
    peak, bottom, end = (np.array([span[i] for span in spans], dtype=np.int64) for i in range(3))
    times = pd.DatetimeIndex(equity["timestamp"])
    is_recovered = np.array([span.recovered for span in spans], dtype=bool)
    return pd.DataFrame(
        {
            "depth_r": depth[bottom],
            "peak": times[peak],
            "bottom": times[bottom],
            "recovered": times[end].where(is_recovered),
            "trades": end - peak,
            "days": (times[end].normalize() - times[peak].normalize()).days.to_numpy(),
        }
    )


def refusals(signals: pd.DataFrame) -> pd.DataFrame:
    """How many candidates were refused for which reason: `reason`, `signals`, without those of 0."""
    counts = signals.loc[~signals["accepted"], "reason"].value_counts()
    found = [reason for reason in records.REFUSALS if counts.get(reason, 0)]
    return pd.DataFrame(
        {
            "reason": pd.Series(found, dtype="str"),
            "signals": np.array([counts[reason] for reason in found], dtype=int),
        }
    )


def in_groups(trades: pd.DataFrame, names: NDArray[Any], column: str) -> pd.DataFrame:
    """Groups by any name of each trade: `column` (sorted; those that occur) and `GROUP`.

    Parameters
    ----------
    trades : DataFrame
    names : array[trades]
        Which group each trade is of.
    column : str
        What the groups' names are called.
    """
    r = trades["realized_r"].to_numpy()
    values, position = np.unique(names, return_inverse=True)
    rows = [_group(r[position == i]) for i in range(values.size)]
    numbers = pd.DataFrame(rows, columns=list(GROUP), dtype="float64").astype({"trades": "int64"})
    numbers.insert(0, column, values)
    return numbers


def _group(r: Floats) -> tuple[float, ...]:
    return (r.size, win_rate(r), float(r.sum()), mean(r), *bootstrap_ci95(bootstrap_means(r)))
