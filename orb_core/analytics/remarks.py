"""What a result does not show by itself: sessions without bars, thin opening ranges, why nothing was traded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from orb_core.analytics.words import OR_STATES, REFUSALS, counted
from orb_core.data.bars import starts_ns
from orb_core.data.sessions import MINUTE_NS

if TYPE_CHECKING:
    from orb_core.engine.backtest import BacktestResult

NO_TRADES: Final = "no trades in"
"""After a symbol's name it begins the warning that says why nothing was traded."""
_DATES_SHOWN: Final = 3


@dataclass(frozen=True)
class ThinRange:
    """A session with bars whose opening range lacks some: how many it has, of how many."""

    session_date: date
    present: int
    expected: int


def thin_opening_ranges(result: BacktestResult, bars: pd.DataFrame) -> tuple[ThinRange, ...]:
    """Return the sessions of a run whose opening range, of the length the run used, has minutes missing.

    Sessions the settings leave out and those without any bar are not among them. Under `data.validate_or: none` there
    are none.
    """
    if result.config.data.validate_or == "none":
        return ()
    sessions = result.sessions
    sessions = sessions[
        (~sessions["warmup"] & (sessions["bars"] > 0) & (sessions["or_state"] != "excluded")).to_numpy()
    ]
    opens = pd.DatetimeIndex(sessions["open"]).as_unit("ns").asi8
    minutes = sessions["or_minutes"].to_numpy()
    present = np.diff(np.searchsorted(starts_ns(bars), [opens, opens + minutes * MINUTE_NS]), axis=0)[0]
    expected = minutes // result.config.data.bar_minutes
    dates = sessions["session_date"].dt.date
    return tuple(
        ThinRange(day, int(there), int(wanted))
        for day, there, wanted in zip(dates, present, expected, strict=True)
        if there < wanted
    )


def warnings(result: BacktestResult, thin: Sequence[ThinRange]) -> tuple[str, ...]:
    """Return what people who look at a result must know, one sentence each, worst first.

    Parameters
    ----------
    result : BacktestResult
    thin : sequence of ThinRange
        Its `thin_opening_ranges`.
    """
    found = []
    sessions = result.sessions[~result.sessions["warmup"].to_numpy()]
    if result.trades.empty:
        found.append(_why_no_trades(result, sessions))
    empty = sessions.loc[(sessions["bars"] == 0).to_numpy(), "session_date"].dt.date.tolist()
    if empty:
        found.append(f"{result.symbol}: no bars in {len(empty)} of {len(sessions)} sessions ({some_dates(empty)})")
    if thin:
        left_out = "; these sessions are left out" if result.config.data.validate_or == "skip" else ""
        found.append(
            f"{result.symbol}: minutes are missing in the opening range of {len(thin)} of {len(sessions)} sessions "
            f"({some_dates([each.session_date for each in thin])}){left_out}"
        )
    return tuple(found)


def _why_no_trades(result: BacktestResult, sessions: pd.DataFrame) -> str:
    refused = result.signals.loc[~result.signals["accepted"].to_numpy(), "reason"]
    candidates = f"Breakouts refused: {_counts(refused, REFUSALS)}" if len(refused) else "No breakout came"
    return (
        f"{result.symbol}: {NO_TRADES} {counted(len(sessions), 'session')}. "
        f"Opening ranges: {_counts(sessions['or_state'], OR_STATES)}. {candidates}"
    )


def _counts(codes: pd.Series[str], words: Mapping[str, str]) -> str:
    return ", ".join(f"{count} × {words[code]}" for code, count in Counter(codes.astype(str)).most_common())


def some_dates(dates: Sequence[date]) -> str:
    """Return the first dates of a list and its last, as they are named in a sentence."""
    shown = ", ".join(map(str, dates[:_DATES_SHOWN]))
    return shown if len(dates) <= _DATES_SHOWN else f"{shown}, … {dates[-1]}"
