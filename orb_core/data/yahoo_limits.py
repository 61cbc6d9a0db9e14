"""How far back Yahoo keeps bars, and how many days one request may ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from orb_core.data.sessions import MINUTE_NS
from orb_core.data.source import interval_minutes

if TYPE_CHECKING:
    from numpy.typing import NDArray

DAY_NS: Final = 1_440 * MINUTE_NS
# Yahoo counts back from the second it is asked, which comes after the second in which this is computed.
_MARGIN_NS: Final = 10 * MINUTE_NS


class Limit(NamedTuple):
    """Days back from now, and the most days of one request."""

    days: int
    request_days: int


# Yahoo allows requests of 8 days of 1m bars, and of all its days of longer ones.
# Source: its answers of status 422, as quoted in github.com/ranaroussi/yfinance issues 356, 2451 and 2902.
LIMITS: Final = {
    "1m": Limit(30, 7),
    "2m": Limit(60, 60),
    "5m": Limit(60, 60),
    "15m": Limit(60, 60),
    "30m": Limit(60, 60),
}


def reach_ns(interval: str, now_ns: int) -> int:
    """Return the earliest instant that Yahoo can be asked about, nanoseconds since 1970."""
    return now_ns - LIMITS[interval].days * DAY_NS + _MARGIN_NS


def request_interval(interval: str) -> str:
    """Return the interval to ask for: yfinance, too, makes 30m bars of 15m, as Yahoo's own are wrong."""
    return "15m" if interval == "30m" else interval


def longer_interval(interval: str, open_ns: int, now_ns: int, or_minutes: Sequence[int]) -> str | None:
    """Return the shortest longer interval that Yahoo still has of a session, and that fits the opening ranges, if any.

    Parameters
    ----------
    interval : str
    open_ns, now_ns : int
        When the session opened, and now.
    or_minutes : sequence of int
        Must be multiples of the interval.
    """
    names = list(LIMITS)
    longer = (name for name in names[names.index(interval) + 1 :] if open_ns >= reach_ns(name, now_ns))
    return next((name for name in longer if not any(m % interval_minutes(name) for m in or_minutes)), None)


def requests_for(
    sessions: NDArray[np.int64], from_ns: NDArray[np.int64], until_ns: NDArray[np.int64], interval: str
) -> Iterator[NDArray[np.int64]]:
    """Yield the sessions of each request, oldest first, as they expire first.

    Parameters
    ----------
    sessions : int64[n]
        Increasing indices of the sessions to ask for. A request never spans one that is not among them.
    from_ns, until_ns : int64[all sessions]
        What to ask for, nanoseconds since 1970.
    interval : str
    """
    longest = LIMITS[interval].request_days * DAY_NS
    begin = 0
    for at in range(1, sessions.size + 1):
        is_over = (
            at == sessions.size
            or sessions[at] != sessions[at - 1] + 1
            or until_ns[sessions[at]] - from_ns[sessions[begin]] > longest
        )
        if is_over:
            yield sessions[begin:at]
            begin = at
