"""What holding the same symbols would have brought: the plainest alternative to trading them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from orb_core.analytics.equity import utc_ns
from orb_core.data.bars import starts_ns
from orb_core.data.sessions import MINUTE_NS


def buy_and_hold(bars: pd.DataFrame, sessions: pd.DataFrame, bar_minutes: int) -> pd.DataFrame:
    """Return of all capital put into one symbol at the run's first open, and kept until its last close.

    No borrowing, no costs, fractional units; futures as if paid in full. Prices are taken as they are: bars that are
    not adjusted for splits and dividends show the one as jumps and leave the other out.

    Parameters
    ----------
    bars : DataFrame
        The bar table the run was made with, warm-up included.
    sessions : DataFrame
        The symbol's, columns of `records.SESSIONS`.
    bar_minutes : int
        Length of a bar.

    Returns
    -------
    DataFrame
        `timestamp` (UTC): the first open, then the close of every session with bars; `return_pct`: gain since the
        purchase as a fraction of capital, 0 in the first row.
    """
    traded = sessions[~sessions["warmup"].to_numpy() & (sessions["bars"].to_numpy() > 0)]
    starts = starts_ns(bars)
    first = np.searchsorted(starts, utc_ns(traded["open"]))
    last = np.searchsorted(starts, utc_ns(traded["close"]) - bar_minutes * MINUTE_NS, side="right") - 1
    held = bars["close"].to_numpy()[last] / bars["open"].to_numpy()[first[0]] - 1.0
    times = pd.concat([traded["open"].iloc[:1], traded["close"]], ignore_index=True)
    return pd.DataFrame({"timestamp": times, "return_pct": np.concatenate(([0.0], held))})


def held_together(curves: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return of capital split equally over several symbols at their first opens, and left alone after.

    Parameters
    ----------
    curves : sequence of DataFrame
        At least one; what `buy_and_hold` returns. Until a symbol's first open its share is cash.
    """
    each = pd.concat([curve.set_index("timestamp")["return_pct"] for curve in curves], axis=1, sort=True)
    return each.ffill().fillna(0.0).mean(axis=1).rename("return_pct").rename_axis("timestamp").reset_index()
