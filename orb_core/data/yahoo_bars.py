"""What Yahoo sends to bars: float32 noise, invented zero volumes, live rows and stray stamps taken out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd

from orb_core.data.bars import PRICES, VALUES
from orb_core.data.day_archive import DayBars
from orb_core.data.sessions import MINUTE_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# The farthest a float32 lies from the number it was made of, as a fraction of it, and a little for the conversion.
_FLOAT32_ERROR: Final = 2.0**-24 * 1.001
_FEWEST_DECIMALS, _MOST_DECIMALS = 2, 10


class Window(NamedTuple):
    """What is wanted of one session, in nanoseconds since 1970.

    Attributes
    ----------
    from_ns, until_ns : int
        Bars that start before or end after are left out.
    open_ns : int
        Bars start a whole number of bars from it. Yahoo's live row starts at the second of the request.
    """

    from_ns: int
    until_ns: int
    open_ns: int


def day_bars(history: pd.DataFrame) -> DayBars:
    """Return yfinance's table as arrays, in order of time, prices without float32 noise.

    Parameters
    ----------
    history : DataFrame
        As `Ticker.history` returns it: indexed by tz-aware bar starts, with Open, High, Low, Close and Volume.
    """
    if history.empty:
        return DayBars(np.empty(0, dtype=np.int64), {name: np.empty(0) for name in VALUES})
    starts_ns = pd.DatetimeIndex(history.index).as_unit("ns").asi8
    order = np.argsort(starts_ns, kind="stable")
    columns = {name: history[name.title()].to_numpy(dtype=np.float64)[order] for name in VALUES}
    for name in PRICES:
        columns[name] = without_float32_noise(columns[name])
    return DayBars(starts_ns[order], columns)


def session_bars(bars: DayBars, window: Window, asked_minutes: int, bar_minutes: int, now_ns: int) -> DayBars:
    """Return the finished bars of one session, with an unknown volume where Yahoo sent 0 for a moving price.

    Parameters
    ----------
    bars : DayBars
        Of `asked_minutes`, in order of time.
    window : Window
    asked_minutes, bar_minutes : int
        Length of the bars Yahoo sent, and of those to return.
    now_ns : int
        When Yahoo was asked: bars that end later are unfinished.
    """
    asked_ns, bar_ns = asked_minutes * MINUTE_NS, bar_minutes * MINUTE_NS
    inside = bars.between(window.from_ns, window.until_ns - asked_ns + 1)
    chosen = inside.where((inside.starts_ns - window.open_ns) % asked_ns == 0)
    chosen.columns["volume"] = _known_volume(chosen)
    if bar_minutes != asked_minutes:
        chosen = _put_together(chosen, window.open_ns, bar_ns)
    return chosen.where(chosen.starts_ns + bar_ns <= min(window.until_ns, now_ns))


def without_float32_noise(prices: Floats) -> Floats:
    """Return each price with the fewest decimals that a float32 cannot tell from it, and at least 2.

    Yahoo sends prices that went through float32: 475.31 arrives as 475.30999755859375. At least 2, as a float64 of
    cents stays itself wherever it comes from. A price beyond 10 decimals stays as it is, NaN too.

    Parameters
    ----------
    prices : float64[n]

    Returns
    -------
    float64[n]
        In the order of `prices`: equal stays equal, and lower never becomes higher.
    """
    cleaned = prices.copy()
    noisy = np.flatnonzero(np.isfinite(prices))
    for decimals in range(_FEWEST_DECIMALS, _MOST_DECIMALS + 1):
        rounded = np.round(prices[noisy], decimals)
        is_close = np.abs(rounded - prices[noisy]) <= np.abs(prices[noisy]) * _FLOAT32_ERROR
        cleaned[noisy[is_close]] = rounded[is_close]
        noisy = noisy[~is_close]
        if not noisy.size:
            break
    return cleaned


def _known_volume(bars: DayBars) -> Floats:
    """Return the volumes of a session, NaN for 0 on a bar whose price moved, in it or from the bar before.

    A session's first price comes from a trade: its 0 is never true.
    """
    volume, close = bars.columns["volume"], bars.columns["close"]
    moved = (bars.columns["high"] != bars.columns["low"]) | (np.diff(close, prepend=np.nan) != 0)
    return np.where((volume == 0) & moved, np.nan, volume)


def _put_together(bars: DayBars, open_ns: int, bar_ns: int) -> DayBars:
    """Return longer bars on the grid of the session's open; yfinance's own lie on the clock's half hours."""
    if not bars.starts_ns.size:
        return bars
    longer_ns = bars.starts_ns - (bars.starts_ns - open_ns) % bar_ns
    first = np.flatnonzero(np.diff(longer_ns, prepend=-1))
    last = np.append(first[1:], longer_ns.size) - 1
    columns = bars.columns
    return DayBars(
        longer_ns[first],
        {
            "open": columns["open"][first],
            "high": np.maximum.reduceat(columns["high"], first),
            "low": np.minimum.reduceat(columns["low"], first),
            "close": columns["close"][last],
            "volume": np.add.reduceat(columns["volume"], first),
        },
    )
