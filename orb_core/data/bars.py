"""The bar table every source ends in: its columns, dtypes, invariants and fingerprint.

`timestamp_utc` is a bar's **start**, datetime64[ns, UTC], strictly increasing; open, high, low, close (points) and
volume are float64. Prices are finite and above 0, with low <= open, close <= high. A volume is >= 0, or NaN: unknown.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

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


class BarArrays(NamedTuple):
    """The columns of a bar table: int64[n] starts in nanoseconds since 1970 UTC, float64[n] prices and volume."""

    starts_ns: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]


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
    columns = _columns(frame, origin)
    try:
        return (
            frame[list(columns)]
            .reset_index(drop=True)
            .astype({TIMESTAMP: TIME_DTYPE, **dict.fromkeys(VALUES, "float64")})
        )
    except (ValueError, TypeError) as error:
        raise BarsError(f"{origin}: a column cannot be read as numbers or times ({error})") from error


def check_bars(frame: pd.DataFrame, origin: str = "bars") -> BarArrays:
    """Raise unless `frame` keeps every invariant of a bar table. A frame without rows does.

    Parameters
    ----------
    frame : DataFrame
        At least `COLUMNS`, with exactly their dtypes; `as_bars` converts what is merely stored otherwise.
    origin : str
        Where the bars came from, to begin an error with.

    Returns
    -------
    BarArrays
        Its columns, checked.

    Raises
    ------
    BarsError
        Naming the first row that breaks one.
    """
    columns = _columns(frame, origin)
    if wrong := _wrong_dtypes(columns):
        raise BarsError(
            f"{origin}: {', '.join(wrong)}; {TIMESTAMP} must be {TIME_DTYPE} and the rest float64. "
            "`orb_core.data.bars.as_bars` converts a frame"
        )
    return _sound_arrays(columns, frame, origin)


def bar_arrays(frame: pd.DataFrame, origin: str = "bars") -> BarArrays:
    """Return the columns of bars as `check_bars` does, converted by `typed_bars` where they are of other dtypes.

    Raises
    ------
    BarsError
        The frame cannot be read as a bar table, or breaks an invariant of one.
    """
    columns = _columns(frame, origin)
    if _wrong_dtypes(columns):
        frame = typed_bars(frame, origin)
        columns = _columns(frame, origin)
    return _sound_arrays(columns, frame, origin)


def sound_bars(
    open_: NDArray[np.float64], high: NDArray[np.float64], low: NDArray[np.float64], close: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return which bars have possible prices: finite, above 0, low <= open, close <= high. bool[n]."""
    sound = (low > 0) & (high < np.inf)
    return sound & (low <= open_) & (low <= close) & (open_ <= high) & (close <= high)


def fingerprint(bars: pd.DataFrame) -> str:
    """Return the SHA-256 (hex) of a bar table's columns, in order: equal for equal bars on every machine."""
    return fingerprint_of_arrays(starts_ns(bars), *(bars[name].to_numpy() for name in VALUES))


def fingerprint_of_arrays(starts_ns: NDArray[np.int64], *values: NDArray[np.float64]) -> str:
    """Return the fingerprint of the bar table of these columns, in order."""
    digest = hashlib.sha256(np.ascontiguousarray(starts_ns, dtype="<i8").data)
    for column in values:
        # One bit pattern for every NaN and for both zeros.
        digest.update(np.where(np.isnan(column), np.nan, column + 0.0).astype("<f8", copy=False).data)
    return digest.hexdigest()


def _columns(frame: pd.DataFrame, origin: str) -> dict[str, pd.Series]:
    """The frame's columns of a bar table, taken once: each lookup in a frame costs more than the work done on it."""
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise BarsError(
            f"{origin}: no column {', '.join(missing)}; bars have {', '.join(COLUMNS)}, "
            f"and here are {', '.join(map(str, frame.columns)) or 'none'}"
        )
    columns = {name: frame[name] for name in COLUMNS}
    dtype = columns[TIMESTAMP].dtype
    if not isinstance(dtype, pd.DatetimeTZDtype):
        raise BarsError(
            f"{origin}: {TIMESTAMP} is {dtype}, which names no time zone; stamps must be tz-aware. Say which clock "
            "they are on, for example `frame['timestamp_utc'].dt.tz_localize('America/New_York')`"
        )
    return columns


def _wrong_dtypes(columns: dict[str, pd.Series]) -> list[str]:
    """Which columns are of another dtype than a bar table's, like "open is int64"."""
    wanted = {TIMESTAMP: TIME_DTYPE, **dict.fromkeys(VALUES, np.float64)}
    return [f"{name} is {columns[name].dtype}" for name, dtype in wanted.items() if columns[name].dtype != dtype]


def _sound_arrays(columns: dict[str, pd.Series], frame: pd.DataFrame, origin: str) -> BarArrays:
    """The columns in the one layout kernels are compiled for: in one piece, read-only; copied only if interleaved."""
    from orb_core.data.bars_nb import keeps_invariants_nb

    starts = columns[TIMESTAMP].array.asi8
    values = (np.ascontiguousarray(columns[name].to_numpy()) for name in VALUES)
    arrays = BarArrays(*map(_read_only, (starts, *values)))
    if not keeps_invariants_nb(*arrays):
        _refuse_order(arrays, frame, origin)
        _refuse_values(arrays, frame, origin)
    return arrays


def _read_only(values: NDArray[Any]) -> NDArray[Any]:
    view = values.view()
    view.flags.writeable = False  # numba compiles anew for arrays that may be written to
    return view


def _refuse_order(arrays: BarArrays, frame: pd.DataFrame, origin: str) -> None:
    stamps = arrays.starts_ns
    if stamps.min() == pd.NaT.value:
        row = int(stamps.argmin())
        raise BarsError(f"{origin}: row {row} has no {TIMESTAMP}; every bar needs its start")
    is_after = stamps[1:] > stamps[:-1]
    if not is_after.all():
        row = int(is_after.argmin()) + 1
        raise BarsError(
            f"{origin}: {TIMESTAMP} must be strictly increasing, but row {row} ({frame[TIMESTAMP].iloc[row]}) does not "
            f"come after row {row - 1} ({frame[TIMESTAMP].iloc[row - 1]}); sort the bars and keep one of equal stamps"
        )


def _refuse_values(arrays: BarArrays, frame: pd.DataFrame, origin: str) -> None:
    _, open_, high, low, close, volume = arrays
    good = sound_bars(open_, high, low, close) & ~(volume < 0) & ~np.isinf(volume)
    row = int(good.argmin())
    shown = ", ".join(f"{name} {frame[name].iloc[row]}" for name in VALUES)
    raise BarsError(
        f"{origin}: row {row} ({frame[TIMESTAMP].iloc[row]}) has {shown}; prices must be finite and above 0 with "
        "low <= open, close <= high, volume >= 0 (or NaN where unknown). Leave such bars out"
    )
