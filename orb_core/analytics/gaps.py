"""How far each session opened from where the one before it had closed: known at its first bar."""

import numpy as np
import pandas as pd

from orb_core.analytics.equity import utc_ns
from orb_core.analytics.metrics import Floats
from orb_core.data.bars import starts_ns
from orb_core.data.sessions import MINUTE_NS


def opening_gaps(bars: pd.DataFrame, sessions: pd.DataFrame, bar_minutes: int) -> Floats:
    """Open of a session's first bar less the close of the last bar of the session before it, in daily ATR.

    Parameters
    ----------
    bars : DataFrame
        The bar table the run was made with, warm-up included.
    sessions : DataFrame
        The symbol's, columns of `records.SESSIONS`: every session of the calendar, in date order.
    bar_minutes : int
        Length of a bar.

    Returns
    -------
    float64[sessions]
        Above 0 where it opened higher. NaN where it is not known: the first session, one without bars or after one
        without bars (what happened in between is no gap), and one whose ATR is not known yet.
    """
    starts = starts_ns(bars)
    first = np.searchsorted(starts, utc_ns(sessions["open"]))
    last = np.searchsorted(starts, utc_ns(sessions["close"]) - bar_minutes * MINUTE_NS, side="right") - 1
    has_bars, atr = first <= last, sessions["daily_atr"].to_numpy()
    known = np.flatnonzero(has_bars[1:] & has_bars[:-1] & (atr[1:] > 0)) + 1
    gaps = np.full(len(sessions), np.nan)
    opened, closed = bars["open"].to_numpy()[first[known]], bars["close"].to_numpy()[last[known - 1]]
    gaps[known] = (opened - closed) / atr[known]
    return gaps


def in_direction(trades: pd.DataFrame, gaps: "pd.Series[float]") -> Floats:
    """The gap of each trade's session, above 0 where the session opened in the trade's direction.

    Parameters
    ----------
    trades : DataFrame
        Columns of `records.TRADES`.
    gaps : Series
        `opening_gaps` by symbol and session date.

    Returns
    -------
    float64[trades]
        NaN where the gap is not known.
    """
    key = pd.MultiIndex.from_arrays([trades["symbol"].astype(str), trades["session_date"]])
    of_trade = np.asarray(gaps.reindex(key), np.float64)
    side = np.where(trades["direction"] == "long", 1.0, -1.0)
    return side * of_trade + 0.0  # a gap of nothing has no sign
