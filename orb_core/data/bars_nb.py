"""Numba kernels of the bar table: arrays in, one answer out. No pandas, no config, no I/O."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

NO_TIME = np.iinfo(np.int64).min  # pandas' NaT


@njit(cache=True, nogil=True)
def keeps_invariants_nb(
    starts_ns: NDArray[np.int64],
    open_: NDArray[np.float64],
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    close: NDArray[np.float64],
    volume: NDArray[np.float64],
) -> bool:
    """Say whether stamps increase strictly and every bar is possible; a NaN volume is.

    Notes
    -----
    Without an early way out the loop runs on vectors of bars: a sound table, the usual one, is read once and fast.
    With low above 0 and high finite, the comparisons cover open and close too; NaN fails each of them.
    """
    n = starts_ns.size
    sound = n == 0 or starts_ns[0] != NO_TIME
    for i in range(1, n):
        sound &= starts_ns[i] > starts_ns[i - 1]
    for i in range(n):
        sound &= (low[i] > 0.0) & (high[i] < np.inf)
        sound &= (low[i] <= open_[i]) & (low[i] <= close[i]) & (open_[i] <= high[i]) & (close[i] <= high[i])
        sound &= (not volume[i] < 0.0) & (volume[i] != np.inf)
    return sound


@njit(cache=True, nogil=True)
def shortest_step_nb(starts_ns: NDArray[np.int64]) -> int:
    """Return the least difference between neighbouring stamps, of two or more that increase."""
    shortest: int = starts_ns[1] - starts_ns[0]
    for i in range(2, starts_ns.size):
        shortest = min(shortest, starts_ns[i] - starts_ns[i - 1])
    return shortest
