"""Splits that nobody has taken out of the prices: suspected from an overnight jump, and adjusted when asked for.

A gap is suspected if all of this holds:

* the ratio of the last close to the next open lies within `TOLERANCE` of a ratio in `RATIOS`;
* the second session is at most the `MOST_SESSIONS_APART`th after the first, as prices drift over longer holes;
* the session after it is a usual one: its range, relative to its open, is at most `USUAL_RANGES` times the median of
  the sessions before. A split changes the number on the paper and nothing else, while a day on which a price really
  fell by a half is wild.

The mildest split in the table is a fall by a third overnight, far beyond what a usual gap is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from orb_core.data.bars import PRICES, TIMESTAMP, starts_ns
from orb_core.data.sessions import span_ns

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from orb_core.data.sessions import SessionTable

# New shares for old ones.
_FORWARD: Final = ((3, 2), *((new, 1) for new in (2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 50)))
_REVERSE: Final = tuple((1, old) for old in (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100))
RATIOS: Final = (*_FORWARD, *_REVERSE)
TOLERANCE: Final = 0.04
USUAL_RANGES: Final = 4
USUAL_SESSIONS: Final = 20
MOST_SESSIONS_APART: Final = 5


@dataclass(frozen=True)
class SuspectedSplit:
    """A gap that looks like a split.

    Attributes
    ----------
    session_date : str
        The first session at the new price.
    ratio : str
        New shares for old ones: "7:1".
    close_before, open_after : float
        On both sides of the gap, as they came.
    """

    session_date: str
    ratio: str
    close_before: float
    open_after: float

    @property
    def factor(self) -> float:
        """Return what prices before are divided by."""
        new, old = self.ratio.split(":")
        return int(new) / int(old)

    def sentence(self, *, is_adjusted: bool) -> str:
        """Return what people are told of it."""
        gap = f"{self.session_date} opens at {self.open_after:g} after a close of {self.close_before:g}"
        if is_adjusted:
            return (
                f"{gap}, taken for a {self.ratio} split: the prices before are divided by {self.factor:g}, the volumes "
                "multiplied by it"
            )
        return (
            f"{gap}, which looks like a {self.ratio} split: ranges and averages across it are wrong, unless the bars "
            "before are adjusted (`--adjust-splits`)"
        )


def suspected_splits(used: pd.DataFrame, session: NDArray[np.int64], table: SessionTable) -> tuple[SuspectedSplit, ...]:
    """Return the gaps between sessions that look like splits.

    Parameters
    ----------
    used : DataFrame
        A bar table, all bars in sessions.
    session : int64[n_bars]
        The session of each, as an index of `table`.
    table : SessionTable
    """
    if not session.size:
        return ()
    first = np.flatnonzero(np.diff(session, prepend=-1))
    last = np.append(first[1:], session.size) - 1
    open_, close = used["open"].to_numpy()[first], used["close"].to_numpy()[last]
    gaps = np.log(close[:-1] / open_[1:])
    ratios = np.log([new / old for new, old in RATIOS])
    nearest = np.abs(gaps[:, None] - ratios).argmin(axis=1)
    is_near = np.abs(gaps - ratios[nearest]) <= math.log1p(TOLERANCE)
    is_near &= np.diff(session[first]) <= MOST_SESSIONS_APART
    if not is_near.any():
        return ()
    highest = np.maximum.reduceat(used["high"].to_numpy(), first)
    ranges = (highest - np.minimum.reduceat(used["low"].to_numpy(), first)) / open_
    return tuple(
        SuspectedSplit(
            str(table.dates[session[first[after]]]),
            "{}:{}".format(*RATIOS[nearest[after - 1]]),
            float(close[after - 1]),
            float(open_[after]),
        )
        for after in np.flatnonzero(is_near) + 1
        if ranges[after] <= USUAL_RANGES * np.median(ranges[max(0, after - USUAL_SESSIONS) : after])
    )


def without_splits(bars: pd.DataFrame, splits: tuple[SuspectedSplit, ...], table: SessionTable) -> pd.DataFrame:
    """Return the bars with the prices before each split divided by its factor, and the volumes multiplied.

    Bars outside sessions count as of the date they lie on.

    Parameters
    ----------
    bars : DataFrame
        A bar table.
    splits : tuple of SuspectedSplit
    table : SessionTable
        Holds the sessions of the splits.
    """
    factor = np.ones(len(bars))
    stamps = starts_ns(bars)
    for split in splits:
        begins, _ = span_ns(_only(table, split.session_date))
        factor[stamps < begins] *= split.factor
    columns = {name: bars[name] / factor for name in PRICES} | {"volume": bars["volume"] * factor}
    return bars[[TIMESTAMP]].assign(**columns)


def _only(table: SessionTable, session_date: str) -> SessionTable:
    row = int(np.searchsorted(table.dates, np.datetime64(session_date, "D")))
    rows = slice(row, row + 1)
    return replace(
        table,
        dates=table.dates[rows],
        open_ns=table.open_ns[rows],
        close_ns=table.close_ns[rows],
        is_half_day=table.is_half_day[rows],
    )
