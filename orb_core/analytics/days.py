"""What became of a run's days, and what their opening ranges were like."""

from typing import Final

import numpy as np
import pandas as pd

from orb_core.analytics.breakdown import in_groups
from orb_core.analytics.words import OR_STATES

TRADED: Final = "Traded"
ALL_REFUSED: Final = "Every candidate was refused"
NO_CANDIDATE: Final = "Tradable, without a candidate"
WIDTHS: Final = ("narrow", "middle", "wide")


def day_outcomes(days: pd.DataFrame) -> pd.DataFrame:
    """Sessions by what became of them, in the order from traded to left out.

    Parameters
    ----------
    days : DataFrame
        What `ledger.ledger` returns.

    Returns
    -------
    DataFrame
        `outcome` (words), `sessions`, `trades`, `realized_r`; those that occur.
    """
    outcome = days["or_state"].astype("str").map(OR_STATES).to_numpy(dtype=object)
    tradable = (days["or_state"] == "valid").to_numpy()
    outcome[tradable] = NO_CANDIDATE
    outcome[(days["candidates"] > 0).to_numpy()] = ALL_REFUSED
    outcome[(days["trades"] > 0).to_numpy()] = TRADED
    order = (TRADED, ALL_REFUSED, NO_CANDIDATE, *OR_STATES.values())
    groups = days.assign(outcome=pd.Categorical(outcome, order)).groupby("outcome", observed=True)
    counted = groups.agg(sessions=("trades", "size"), trades=("trades", "sum"), realized_r=("realized_r", "sum"))
    return counted.reset_index().astype({"outcome": "str"})


def by_date(days: pd.DataFrame) -> pd.DataFrame:
    """One row per session date of a ledger: `session_date`, `trades`, `realized_r` of all symbols, and `why`.

    `why` is the ledger's where there is one symbol, else how many there are.
    """
    dates = days.groupby("session_date")
    together = dates.agg(trades=("trades", "sum"), realized_r=("realized_r", "sum"), why=("why", "first"))
    symbols = dates.size()
    several = symbols > 1
    together.loc[several, "why"] = symbols[several].astype("str") + " symbols"
    return together.reset_index()


def range_widths(days: pd.DataFrame) -> pd.DataFrame:
    """How high the opening ranges of the tradable sessions were, by symbol.

    Returns
    -------
    DataFrame
        `symbol`, `sessions`, `minutes` (median length), `width` (median, points), and `atr_low`, `atr_median`,
        `atr_high`: quartiles of the height as a multiple of daily ATR, NaN where no session had one.
    """
    tradable = days[(days["or_state"] == "valid").to_numpy()]
    ratio = tradable["or_width"] / tradable["daily_atr"]
    quartiles = ("atr_low", "atr_median", "atr_high")
    rows = [
        {
            "symbol": str(symbol),
            "sessions": len(part),
            "minutes": float(part["or_minutes"].median()),
            "width": float(part["or_width"].median()),
            **dict(zip(quartiles, ratio[part.index].quantile([0.25, 0.5, 0.75]), strict=True)),
        }
        for symbol, part in tradable.groupby("symbol", observed=True, sort=False)
    ]
    return pd.DataFrame(rows, columns=["symbol", "sessions", "minutes", "width", *quartiles])


def by_range_width(trades: pd.DataFrame) -> pd.DataFrame:
    """Groups by the height of the opening range as a multiple of daily ATR, cut into three of equal counts.

    Returns
    -------
    DataFrame
        `width` (`WIDTHS`), `up_to` (the largest multiple in it) and `breakdown.GROUP`; empty below three trades
        with an ATR.
    """
    ratio = (trades["or_width"] / trades["daily_atr"]).to_numpy()
    known = np.isfinite(ratio)
    if known.sum() < len(WIDTHS):
        return in_groups(trades.iloc[:0], np.array([], dtype=np.int64), "width").assign(up_to=np.array([]))
    edges = np.quantile(ratio[known], [1 / 3, 2 / 3, 1])
    third = np.searchsorted(edges[:2], ratio[known])
    groups = in_groups(trades[known], third, "width")
    present = groups["width"].to_numpy()
    return groups.assign(width=[WIDTHS[n] for n in present], up_to=edges[present])
