"""Numba kernels of the indicators: they fill arrays that their caller made. No pandas, no config, no I/O.

Every value at index j uses bars up to and including j only. "Session" arrays give each session's first bar
and number of bars; bars of all sessions lie one after the other.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

IS_ZERO = 1e-14  # TA-Lib's TA_IS_ZERO band


@njit(cache=True, nogil=True)
def daily_atr_nb(
    sessions: NDArray[Any],
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    close: NDArray[np.float64],
    atr_period: int,
) -> None:
    """Fill `high`, `low`, `prior_high`, `prior_low` and `daily_atr` of each session.

    Parameters
    ----------
    sessions : SESSION_ROW[n_sessions]
        `first_bar` and `bars` are read.
    high, low, close : float64[n_bars]
        In points, free of NaN.
    atr_period : int
        Sessions in Wilder's average, at least 1.

    Notes
    -----
    Wilder, New Concepts in Technical Trading Systems (1978), seeded with the running mean of the true ranges.
    A session's `daily_atr` and `prior_*` end with the last earlier session that has bars; NaN before there is one.
    Sessions without bars leave `high` and `low` NaN.
    """
    atr, previous_close = np.nan, np.nan
    previous_high, previous_low = np.nan, np.nan
    counted = 0
    for s in range(sessions.size):
        row = sessions[s]
        row.daily_atr = atr
        row.prior_high, row.prior_low = previous_high, previous_low
        row.high, row.low = np.nan, np.nan
        if row.bars == 0:
            continue
        first, stop = row.first_bar, row.first_bar + row.bars
        top, bottom = high[first], low[first]
        for i in range(first + 1, stop):
            top = max(top, high[i])
            bottom = min(bottom, low[i])
        row.high, row.low = top, bottom
        if counted == 0:
            true_range = top - bottom
            atr = true_range
        else:
            true_range = max(top, previous_close) - min(bottom, previous_close)
            weight = min(counted, atr_period - 1)
            atr = (atr * weight + true_range) / (weight + 1)
        counted += 1
        previous_high, previous_low, previous_close = top, bottom, close[stop - 1]


@njit(cache=True, nogil=True)
def session_vwap_nb(
    sessions: NDArray[Any],
    ts_ns: NDArray[np.int64],
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    close: NDArray[np.float64],
    volume: NDArray[np.float64],
    from_or_end: bool,
    vwap: NDArray[np.float64],
) -> None:
    """Volume-weighted average of (h+l+c)/3 over each session's bars up to and including each bar.

    Parameters
    ----------
    sessions : SESSION_ROW[n_sessions]
        `first_bar`, `bars`, `open_ns` and `or_minutes` are read.
    ts_ns : int64[n_bars]
        Bar starts.
    high, low, close, volume : float64[n_bars]
        A NaN volume is unknown: that bar is left out of the sums.
    from_or_end : bool
        Count only bars that start at or after the end of the opening range.
    vwap : float64[n_bars]
        Filled: in points; NaN while no volume has been counted.
    """
    for s in range(sessions.size):
        row = sessions[s]
        count_from_ns = row.open_ns
        if from_or_end:
            count_from_ns += row.or_minutes * 60_000_000_000
        first, stop = row.first_bar, row.first_bar + row.bars
        while first < stop and ts_ns[first] < count_from_ns:
            vwap[first] = np.nan
            first += 1
        weighted, total = 0.0, 0.0
        for i in range(first, stop):
            if not np.isnan(volume[i]):
                weighted += (high[i] + low[i] + close[i]) / 3.0 * volume[i]
                total += volume[i]
            vwap[i] = weighted / total if total > 0.0 else np.nan


@njit(cache=True, nogil=True)
def rolling_relative_volume_nb(volume: NDArray[np.float64], lookback: int, relative: NDArray[np.float64]) -> None:
    """Volume of each bar over the mean volume of the `lookback` bars before it.

    Window sums are put together from running sums of blocks of `lookback` bars (suffix of one block plus prefix
    of the next), never by subtraction: a huge volume leaves no residue behind, an unknown one spoils
    exactly the windows it is in, and the work does not grow with `lookback`.

    Parameters
    ----------
    relative : float64[n_bars]
        Filled: NaN for the first `lookback` bars, where the mean is not positive, and where a volume needed is unknown.
    """
    n = volume.size
    relative[:lookback] = np.nan
    suffix = np.empty(lookback + 1)
    suffix[lookback] = 0.0
    for block in range(lookback, n, lookback):
        for k in range(lookback - 1, -1, -1):
            suffix[k] = suffix[k + 1] + volume[block - lookback + k]
        prefix = 0.0
        for j in range(block, min(block + lookback, n)):
            mean = (suffix[j - block] + prefix) / lookback
            relative[j] = volume[j] / mean if mean > 0.0 else np.nan
            prefix += volume[j]


@njit(cache=True, nogil=True)
def time_of_day_relative_volume_nb(
    sessions: NDArray[Any],
    ts_ns: NDArray[np.int64],
    volume: NDArray[np.float64],
    lookback: int,
    relative: NDArray[np.float64],
) -> None:
    """Session volume so far over its mean at the same offset in the `lookback` previous sessions with bars.

    Parameters
    ----------
    relative : float64[n_bars]
        Filled: NaN without that many previous sessions, where the mean is not positive, and where a volume needed is
        unknown. A previous session that had no bar yet at the offset counts with 0.
    """
    relative[:] = np.nan
    so_far = np.empty(volume.size)
    recent = np.empty(lookback, np.int64)  # ring of the last sessions with bars
    position = np.empty(lookback, np.int64)  # in each of them, the first bar after the current offset
    held = 0
    for s in range(sessions.size):
        row = sessions[s]
        if row.bars == 0:
            continue
        first, stop = row.first_bar, row.first_bar + row.bars
        total = 0.0
        for j in range(first, stop):
            total += volume[j]
            so_far[j] = total
        if held >= lookback:
            for k in range(lookback):
                position[k] = sessions[recent[k]].first_bar
            for j in range(first, stop):
                offset_ns = ts_ns[j] - row.open_ns
                sum_before = 0.0
                for k in range(lookback):
                    other = sessions[recent[(held + k) % lookback]]
                    p = position[(held + k) % lookback]
                    while p < other.first_bar + other.bars and ts_ns[p] - other.open_ns <= offset_ns:
                        p += 1
                    position[(held + k) % lookback] = p
                    if p > other.first_bar:
                        sum_before += so_far[p - 1]
                mean = sum_before / lookback
                if mean > 0.0:
                    relative[j] = so_far[j] / mean
        recent[held % lookback] = s
        held += 1


@njit(cache=True, nogil=True)
def price_action_nb(
    sessions: NDArray[Any],
    open_: NDArray[np.float64],
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    close: NDArray[np.float64],
    pivot_len: int,
    engulfing: bool,
    structure: bool,
    sides: NDArray[np.int8],
) -> None:
    """Where price action favours a side at each bar's close.

    Engulfing: a body that covers the previous, opposite one. Structure: over the last `pivot_len` bars against as
    many before them, a higher high and a higher low (long) or a lower high and a lower low (short). Patterns do not
    reach over a session's open.

    Parameters
    ----------
    sides : int8[n_bars]
        Filled. Bit 1: long, bit 2: short. 0 before the session's `2 * pivot_len`-th bar.
    """
    sides[:] = 0
    for s in range(sessions.size):
        first = sessions[s].first_bar
        for j in range(first + 2 * pivot_len - 1, first + sessions[s].bars):
            long_side, short_side = False, False
            if engulfing:
                o, c, o1, c1 = open_[j], close[j], open_[j - 1], close[j - 1]
                long_side = c > o and c1 < o1 and o <= c1 and c >= o1
                short_side = c < o and c1 > o1 and o >= c1 and c <= o1
            if structure:
                middle = j - pivot_len
                top, bottom = high[j], low[j]
                earlier_top, earlier_bottom = high[middle], low[middle]
                for k in range(1, pivot_len):
                    top = max(top, high[j - k])
                    bottom = min(bottom, low[j - k])
                    earlier_top = max(earlier_top, high[middle - k])
                    earlier_bottom = min(earlier_bottom, low[middle - k])
                long_side = long_side or (top > earlier_top and bottom > earlier_bottom)
                short_side = short_side or (top < earlier_top and bottom < earlier_bottom)
            sides[j] = long_side + 2 * short_side


@njit(cache=True, nogil=True)
def adx_nb(
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    close: NDArray[np.float64],
    period: int,
    adx: NDArray[np.float64],
) -> None:
    """Wilder's average directional index over all bars so far, in TA-Lib's variant (unstable period 0).

    TA-Lib seeds the directional sums with the first `period - 1` changes where Wilder's book takes `period`;
    the two differ by up to 0.4 points near bar 30 and not visibly after about 110 bars.

    Parameters
    ----------
    period : int
        At least 2.
    adx : float64[n_bars]
        Filled: 0 to 100; NaN before bar `2 * period - 1`.
    """
    adx[: 2 * period - 1] = np.nan
    plus_sum, minus_sum, range_sum, dx_sum, value = 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(1, close.size):
        up, down = high[j] - high[j - 1], low[j - 1] - low[j]
        true_range = max(high[j] - low[j], abs(high[j] - close[j - 1]), abs(low[j] - close[j - 1]))
        if j >= period:
            plus_sum -= plus_sum / period
            minus_sum -= minus_sum / period
            range_sum -= range_sum / period
        if down > 0.0 and up < down:
            minus_sum += down
        elif up > 0.0 and up > down:
            plus_sum += up
        range_sum += true_range
        if j < period:
            continue
        dx, has_dx = 0.0, False
        if abs(range_sum) >= IS_ZERO:
            minus_di, plus_di = 100.0 * (minus_sum / range_sum), 100.0 * (plus_sum / range_sum)
            if abs(minus_di + plus_di) >= IS_ZERO:
                dx, has_dx = 100.0 * (abs(minus_di - plus_di) / (minus_di + plus_di)), True
        if j < 2 * period:
            dx_sum += dx
            value = dx_sum / period
        elif has_dx:
            value = (value * (period - 1) + dx) / period
        if j >= 2 * period - 1:
            adx[j] = value
