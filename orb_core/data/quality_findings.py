"""What there is to find in bars that are in order: missing minutes, volumes that cannot be, jumps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from orb_core.data.bars import TIMESTAMP, starts_ns
from orb_core.data.sessions import MINUTE_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orb_core.data.sessions import SessionTable

# A bar whose true range is beyond this many median ranges of its session is reported as a jump.
JUMP_RANGES: Final = 10


@dataclass(frozen=True)
class SessionQuality:
    """The bars of one session: how many there should be and are, and which minutes are missing.

    `missing` holds ranges of exchange-local minutes, both ends included: "09:31–09:33", or "09:31" alone.
    `false_zero_volume` counts bars with volume 0 although the price moved.
    """

    date: str
    expected: int
    present: int
    or_expected: int
    or_present: int
    zero_volume: int
    false_zero_volume: int
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Jump:
    """A bar that moved beyond `JUMP_RANGES` median ranges of its session; it is kept."""

    timestamp_utc: str
    median_ranges: float


def session_rows(
    used: pd.DataFrame, session: NDArray[np.int64], table: SessionTable, bar_minutes: int, or_minutes: int
) -> tuple[SessionQuality, ...]:
    """Return a row for each session of `table`.

    Parameters
    ----------
    used : DataFrame
        A bar table, all bars in sessions and on their grid.
    session : int64[n_bars]
        The session of each, as an index of `table`.
    table : SessionTable
    bar_minutes, or_minutes : int
    """
    slot = (starts_ns(used) - table.open_ns[session]) // (bar_minutes * MINUTE_NS)
    expected = table.minutes() // bar_minutes
    or_expected = np.minimum(or_minutes // bar_minutes, expected)

    def count(selected: NDArray[np.bool_]) -> list[int]:
        counts: list[int] = np.bincount(session[selected], minlength=len(table)).tolist()
        return counts

    rows = zip(
        np.datetime_as_string(table.dates),
        expected.tolist(),
        count(np.ones(session.size, dtype=np.bool_)),
        or_expected.tolist(),
        count(slot < or_expected[session]),
        count(used["volume"].to_numpy() == 0),
        count(_false_zeros(used, session)),
        _missing_ranges(session, slot, expected, table, bar_minutes),
        strict=True,
    )
    return tuple(SessionQuality(str(date), *rest) for date, *rest in rows)


def jumps(used: pd.DataFrame, session: NDArray[np.int64]) -> tuple[Jump, ...]:
    """Return the bars that moved beyond `JUMP_RANGES` median ranges of their session.

    Arguments as of `session_rows`.
    """
    high, low, close = (used[name].to_numpy() for name in ("high", "low", "close"))
    ranges, true_range = high - low, high - low
    before = np.where(session[1:] == session[:-1], close[:-1], close[1:])  # overnight gaps are no jumps
    true_range[1:] = np.maximum(high[1:], before) - np.minimum(low[1:], before)
    first = np.flatnonzero(np.diff(session, prepend=-1))
    bounds = zip(first, [*first[1:], session.size], strict=True)
    usual = np.array([_median_of_moving(ranges[start:stop]) for start, stop in bounds])
    usual = np.repeat(usual, np.diff(first, append=session.size))
    return tuple(
        Jump(used[TIMESTAMP].iloc[i].isoformat(), round(float(true_range[i] / usual[i]), 1))
        for i in np.flatnonzero(true_range > JUMP_RANGES * usual)
    )


def _median_of_moving(ranges: NDArray[np.float64]) -> float:
    """Return the median of the ranges above 0, infinity if there is none. A third of `np.median`'s time."""
    moving = ranges[ranges > 0]
    if not moving.size:
        return math.inf
    below, above = (moving.size - 1) // 2, moving.size // 2
    moving.partition((below, above))
    return float(moving[below] + moving[above]) / 2


def _false_zeros(used: pd.DataFrame, session: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return the bars that say nothing was traded, though a price shows it was: bool[n].

    A session's first price comes from a trade, so its 0 is never true.
    """
    is_zero: NDArray[np.bool_] = used["volume"].to_numpy() == 0
    if not is_zero.any():
        return is_zero
    high, low, close = (used[name].to_numpy() for name in ("high", "low", "close"))
    has_moved = (np.diff(close, prepend=np.nan) != 0) | (np.diff(session, prepend=-1) != 0)
    false_zero: NDArray[np.bool_] = is_zero & (has_moved | (high != low))
    return false_zero


def unfinished_bar(used: pd.DataFrame, session: NDArray[np.int64], table: SessionTable, bar_minutes: int) -> str | None:
    """Return the start of the very last bar if it stands still, untraded, before its session is over.

    Arguments as of `session_rows`.
    """
    last = used.iloc[-1]
    ends_ns = int(starts_ns(used)[-1]) + bar_minutes * MINUTE_NS
    is_still = last["high"] == last["low"] and last["volume"] == 0
    return last[TIMESTAMP].isoformat() if is_still and ends_ns < table.close_ns[session[-1]] else None


def _missing_ranges(
    session: NDArray[np.int64],
    slot: NDArray[np.int64],
    expected: NDArray[np.int64],
    table: SessionTable,
    bar_minutes: int,
) -> list[tuple[str, ...]]:
    """Return each session's runs of missing bars as ranges of local minutes."""
    ends = np.cumsum(expected)
    begins = ends - expected
    # One place per expected bar, all sessions in a row, each followed by a present one that ends its last run.
    present = np.zeros(int(expected.sum()) + len(table), dtype=np.bool_)
    shift = np.arange(len(table))
    present[begins[session] + shift[session] + slot] = True
    present[ends + shift] = True
    change = np.diff(present.astype(np.int8), prepend=1)
    first, after = np.flatnonzero(change == -1), np.flatnonzero(change == 1)
    of_run = np.searchsorted(ends + shift, first)
    minutes = (np.stack([first, after]) - (begins + shift)[of_run]) * bar_minutes
    instants = table.open_ns[of_run] + (minutes - [[0], [1]]) * MINUTE_NS
    clocks = [_clocks(row, table.timezone) for row in instants]
    ranges: list[list[str]] = [[] for _ in range(len(table))]
    for s, start, last in zip(of_run.tolist(), *clocks, strict=True):
        ranges[s].append(start if start == last else f"{start}–{last}")
    return [tuple(r) for r in ranges]


def _clocks(instants_ns: NDArray[np.int64], timezone: str) -> list[str]:
    local = pd.DatetimeIndex(instants_ns, tz="UTC").tz_convert(timezone)
    return [f"{hour:02d}:{minute:02d}" for hour, minute in zip(local.hour, local.minute, strict=True)]
