"""What the backtest asks of any source of bars."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final, Protocol

import pandas as pd

INTERVALS: Final = ("1m", "2m", "5m", "15m", "30m")
_NOTES: Final = "notes"
_IS_FINAL: Final = "is_final"


class Source(Protocol):
    """Somewhere bars come from. An implementation may be slow; it is asked once per symbol and run."""

    @property
    def name(self) -> str:
        """Return the word `--source` and run.json know it by."""

    def identity(self, symbol: str, interval: str) -> str:
        """Return what the bars depend on beside symbol, dates, interval and sessions; equal text, equal bars.

        A seed, the size and time of a file, …: bars kept under another identity are fetched anew.
        """

    def fetch(self, symbol: str, start: date, end: date, interval: str) -> pd.DataFrame:
        """Return the bars of `symbol` from sessions `start` to `end`, both inclusive.

        Parameters
        ----------
        symbol : str
            As the user gave it, upper-case.
        start, end : date
            Session dates; `start` already includes the warm-up, so bars may begin later, or end earlier.
        interval : str
            One of `INTERVALS`.

        Returns
        -------
        DataFrame
            The columns of `orb_core.data.bars`, tz-aware. Rows may still be unsorted, repeated, outside every
            session or impossible: `orb_core.data.quality.clean_bars` mends and reports that. What people who look at
            a result must know of how the bars came about goes with them by `with_notes`.

        Raises
        ------
        DataError
            No bars could be had.
        """


def interval_minutes(interval: str) -> int:
    """Return the length in minutes of an interval such as "5m"."""
    return int(interval.removesuffix("m"))


def with_notes(bars: pd.DataFrame, notes: Sequence[str], *, is_final: bool = True) -> pd.DataFrame:
    """Return fetched bars with sentences about them, which end in the quality report and beside the results.

    Bars that are not final lack some which may be there when the source is asked again: `--cache` does not keep them.
    """
    bars.attrs[_NOTES] = tuple(notes)
    bars.attrs[_IS_FINAL] = is_final
    return bars


def notes_of(bars: pd.DataFrame) -> tuple[str, ...]:
    """Return what `with_notes` said of bars; it gets lost when a frame is made into another one."""
    return tuple(bars.attrs.get(_NOTES, ()))


def is_final(bars: pd.DataFrame) -> bool:
    """Return whether `with_notes` did not say otherwise."""
    return bool(bars.attrs.get(_IS_FINAL, True))
