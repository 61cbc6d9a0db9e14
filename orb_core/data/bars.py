"""The bar table every source ends in: its columns, dtypes, invariants and fingerprint.

`timestamp_utc` is a bar's **start**, datetime64[ns, UTC], strictly increasing; open, high, low, close (points) and
volume are float64. Prices are finite and above 0, with low <= open, close <= high. A volume is >= 0, or NaN: unknown.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from orb_core.errors import BarsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

TIMESTAMP: Final = "timestamp_utc"
PRICES: Final = ("open", "high", "low", "close")
VALUES: Final = (*PRICES, "volume")
COLUMNS: Final = (TIMESTAMP, *VALUES)
TIME_DTYPE: Final = "datetime64[ns, UTC]"


def bar_frame(starts_ns: NDArray[np.int64], values: dict[str, NDArray[np.float64]]) -> pd.DataFrame:
    """Return the bar table of these columns, unchecked.

    Parameters
    ----------
    starts_ns : int64[n]
        Bar starts, nanoseconds since 1970 UTC.
    values : dict of float64[n]
        One array for each of `VALUES`.

    Returns
    -------
    DataFrame
        `COLUMNS`, n rows.
    """
    stamps = pd.DatetimeIndex(starts_ns, tz="UTC")
    return pd.DataFrame({TIMESTAMP: stamps, **{name: values[name] for name in VALUES}})


def starts_ns(bars: pd.DataFrame) -> NDArray[np.int64]:
    """Return the bar starts of a bar table, int64[n], nanoseconds since 1970 UTC."""
    return pd.DatetimeIndex(bars[TIMESTAMP]).as_unit("ns").asi8


def as_bars(frame: pd.DataFrame, origin: str = "bars") -> pd.DataFrame:
    """Return `frame` as a bar table: converted by `typed_bars`, then checked. Rows are neither sorted nor dropped.

    Raises
    ------
    BarsError
        The frame is not, and cannot be read as, a bar table.
    """
    table = typed_bars(frame, origin)
    check_bars(table, origin)
    return table


def typed_bars(frame: pd.DataFrame, origin: str = "bars") -> pd.DataFrame:
    """Return the columns of a bar table in their dtypes, in whatever order, and with whatever values, the rows are.

    Stamps of any time zone and resolution become nanoseconds UTC, numbers float64. Other columns are left out and
    the index is renumbered.

    Parameters
    ----------
    frame : DataFrame
        At least `COLUMNS`.
    origin : str
        Where the bars came from, to begin an error with.

    Raises
    ------
    BarsError
        A column is missing or cannot be converted, or the stamps name no time zone.
    """
    _require_columns(frame, origin)
    _require_aware(frame, origin)
    try:
        return (
            frame[list(COLUMNS)]
            .reset_index(drop=True)
            .astype({TIMESTAMP: TIME_DTYPE, **dict.fromkeys(VALUES, "float64")})
        )
    except (ValueError, TypeError) as error:
        raise BarsError(f"{origin}: a column cannot be read as numbers or times ({error})") from error


def check_bars(frame: pd.DataFrame, origin: str = "bars") -> None:
    """Raise unless `frame` keeps every invariant of a bar table. A frame without rows does.

    Parameters
    ----------
    frame : DataFrame
        At least `COLUMNS`, with exactly their dtypes; `as_bars` converts what is merely stored otherwise.
    origin : str
        Where the bars came from, to begin an error with.

    Raises
    ------
    BarsError
        Naming the first row that breaks one.
    """
    _require_columns(frame, origin)
    _require_aware(frame, origin)
    dtypes = {name: str(frame[name].dtype) for name in COLUMNS}
    wrong = [f"{name} is {dtypes[name]}" for name in VALUES if dtypes[name] != "float64"]
    if dtypes[TIMESTAMP] != TIME_DTYPE:
        wrong.insert(0, f"{TIMESTAMP} is {dtypes[TIMESTAMP]}")
    if wrong:
        raise BarsError(
            f"{origin}: {', '.join(wrong)}; {TIMESTAMP} must be {TIME_DTYPE} and the rest float64. "
            "`orb_core.data.bars.as_bars` converts a frame"
        )
    _check_order(frame, origin)
    _check_values(frame, origin)


def sound_bars(
    open_: NDArray[np.float64], high: NDArray[np.float64], low: NDArray[np.float64], close: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return which bars have possible prices: finite, above 0, low <= open, close <= high. bool[n]."""
    sound = (low > 0) & (high < np.inf)
    return sound & (low <= open_) & (low <= close) & (open_ <= high) & (close <= high)


def fingerprint(bars: pd.DataFrame) -> str:
    """Return the SHA-256 (hex) of a bar table's columns, in order: equal for equal bars on every machine."""
    digest = hashlib.sha256()
    digest.update(np.ascontiguousarray(starts_ns(bars), dtype="<i8").tobytes())
    for name in VALUES:
        values = bars[name].to_numpy(dtype="<f8")
        # One bit pattern for every NaN and for both zeros.
        digest.update(np.ascontiguousarray(np.where(np.isnan(values), np.nan, values + 0.0)).tobytes())
    return digest.hexdigest()


def _require_columns(frame: pd.DataFrame, origin: str) -> None:
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise BarsError(
            f"{origin}: no column {', '.join(missing)}; bars have {', '.join(COLUMNS)}, "
            f"and here are {', '.join(map(str, frame.columns)) or 'none'}"
        )


def _require_aware(frame: pd.DataFrame, origin: str) -> None:
    dtype = frame[TIMESTAMP].dtype
    if not isinstance(dtype, pd.DatetimeTZDtype):
        raise BarsError(
            f"{origin}: {TIMESTAMP} is {dtype}, which names no time zone; stamps must be tz-aware. Say which clock "
            "they are on, for example `frame['timestamp_utc'].dt.tz_localize('America/New_York')`"
        )


def _check_order(frame: pd.DataFrame, origin: str) -> None:
    stamps = starts_ns(frame)
    if stamps.size and stamps.min() == np.iinfo(np.int64).min:
        row = int(stamps.argmin())
        raise BarsError(f"{origin}: row {row} has no {TIMESTAMP}; every bar needs its start")
    is_after = stamps[1:] > stamps[:-1]
    if not is_after.all():
        row = int(is_after.argmin()) + 1
        raise BarsError(
            f"{origin}: {TIMESTAMP} must be strictly increasing, but row {row} ({frame[TIMESTAMP].iloc[row]}) does not "
            f"come after row {row - 1} ({frame[TIMESTAMP].iloc[row - 1]}); sort the bars and keep one of equal stamps"
        )


def _check_values(frame: pd.DataFrame, origin: str) -> None:
    if frame.empty:
        return
    open_, high, low, close, volume = (frame[name].to_numpy() for name in VALUES)
    # With low above 0 and high finite, the comparisons cover open and close too; NaN fails each of them.
    is_sound = (
        bool(low.min() > 0)
        and bool(high.max() < np.inf)
        and all(bool(x.all()) for x in (low <= open_, low <= close, open_ <= high, close <= high))
        and not bool((volume < 0).any())
        and not bool(np.isinf(volume).any())
    )
    if not is_sound:
        good = sound_bars(open_, high, low, close) & ~(volume < 0) & ~np.isinf(volume)
        row = int(good.argmin())
        shown = ", ".join(f"{name} {frame[name].iloc[row]}" for name in VALUES)
        raise BarsError(
            f"{origin}: row {row} ({frame[TIMESTAMP].iloc[row]}) has {shown}; prices must be finite and above 0 with "
            "low <= open, close <= high, volume >= 0 (or NaN where unknown). Leave such bars out"
        )
