"""One symbol's session, gathered for looking at: what the run stored about it, and nothing computed from later bars."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class SessionView:
    """Everything a session's chart shows. Prices in points, timestamps tz-aware UTC.

    Attributes
    ----------
    symbol : str
    session_date : date
        The calendar's label of the session.
    timezone : str
        IANA name of the zone the session is read in.
    bar_minutes : int
    tick_size : float
        0 where the instrument has none.
    made_up : bool
        The bars are synthetic.
    bars : DataFrame
        The session's bars (`orb_core.data.bars.COLUMNS`), in time order.
    vwap : float64[n_bars]
        As the strategy reads it at each bar's close, NaN where it is undefined.
    session : Series
        The session's row of `records.SESSIONS`.
    upper_trigger, lower_trigger : float
        Breakout levels; NaN where the session was not tradable or has no breakout entry.
    value_area : (low, high) or None
        Of the session before, as the `profile_proxy` factor reads it.
    signals, trades, fills, stops : DataFrame
        The session's rows of `records.SIGNALS`, `TRADES`, `FILLS` and `STOPS`, in time order; a trade belongs to the
        session it was entered in. Signals have, beside that, `refused_for`: what `ledger.refused_for` says.
    previous_date, next_date : date or None
        The neighbouring sessions of the run.
    """

    symbol: str
    session_date: date
    timezone: str
    bar_minutes: int
    tick_size: float
    made_up: bool
    bars: pd.DataFrame
    vwap: NDArray[np.float64]
    session: "pd.Series[Any]"
    upper_trigger: float
    lower_trigger: float
    value_area: tuple[float, float] | None
    signals: pd.DataFrame
    trades: pd.DataFrame
    fills: pd.DataFrame
    stops: pd.DataFrame
    previous_date: date | None
    next_date: date | None
