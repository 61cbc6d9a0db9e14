"""Exchange calendar and session settings to the sessions of a range, as arrays.

A session is half-open, `[open, close)`; a bar belongs to it when it starts and ends inside (strategy.md, 2).
Everything is vectorised and cached: building a calendar costs about 0.2 s once per process.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from orb_core.errors import ConfigError

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from orb_core.config.models import SessionSettings

MINUTE_NS: Final = 60_000_000_000
_NEVER: Final = np.iinfo(np.int64).max
# One calendar window serves every run: dates outside it (nanoseconds end in 2262) widen it, up to these years.
_USUAL_FIRST_YEAR: Final = 1980
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
_ROUND_THE_CLOCK: Final = "24/7"

_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True, eq=False)
class SessionTable:
    """The sessions of a range in date order; never overlapping. The arrays are shared and read-only.

    Attributes
    ----------
    dates : datetime64[D][n]
        The calendar's session labels.
    open_ns, close_ns : int64[n]
        Nanoseconds since 1970 UTC. Equal where an overridden open is not before an early close: that
        session exists, and no bar can belong to it.
    is_half_day : bool[n]
        The calendar closes early.
    timezone : str
        IANA name of the clock that `open`, `close` and `time_cutoff` are read on.
    """

    dates: NDArray[np.datetime64]
    open_ns: NDArray[np.int64]
    close_ns: NDArray[np.int64]
    is_half_day: NDArray[np.bool_]
    timezone: str

    def __len__(self) -> int:
        """Return the number of sessions."""
        return self.dates.size

    def minutes(self) -> NDArray[np.int64]:
        """Return the length of each session in minutes, int64[n]."""
        return (self.close_ns - self.open_ns) // MINUTE_NS


def session_table(settings: SessionSettings, start: date, end: date) -> SessionTable:
    """Return the calendar's sessions from `start` to `end`, both inclusive; possibly none.

    `settings.open` and `.close` are applied. `weekdays`, `half_days` and `exclude_dates` are not: those sessions exist.

    Raises
    ------
    ConfigError
        The overrides leave no session of the range with its open before its close.
    """
    return with_warmup(settings, start, end, 0)


def with_warmup(settings: SessionSettings, start: date, end: date, warmup_sessions: int) -> SessionTable:
    """Return `session_table(settings, start, end)` preceded by that many calendar sessions.

    Fewer precede it only where the calendar itself begins. A range without a session has no warm-up either.

    Raises
    ------
    ConfigError
        As `session_table`.
    """
    hours = _Hours(settings.calendar, settings.open, settings.close, settings.timezone)
    return _table(hours, start, end, warmup_sessions)


@lru_cache(maxsize=256)
def local_instant_ns(table: SessionTable, clock: str) -> NDArray[np.int64]:
    """Return per session the first instant, from its open on, at which the local clock shows `clock`.

    Parameters
    ----------
    table : SessionTable
        Its `timezone` is the clock's.
    clock : str
        "HH:MM".

    Returns
    -------
    int64[n]
        Nanoseconds since 1970 UTC; it may lie after the session's close. A clock time that a change to
        summer time skips is first shown on the day after; of a repeated one, the first from the open on counts.
    """
    return _read_only(_first_instants(clock, table.timezone, table.open_ns))


def sessions_per_year(settings: SessionSettings) -> int:
    """Return how many sessions annualise a daily figure: 365 for the `24/7` calendar, 252 for all others."""
    return 365 if settings.calendar == _ROUND_THE_CLOCK else 252


def span_ns(table: SessionTable) -> tuple[int, int]:
    """Return the first and the last instant of a table's dates, nanoseconds since 1970 UTC; both 0 without a session.

    From the local midnight that begins the first date, or the open if that is earlier, to the one that ends the
    last date, or the close if that is later: extended hours of those dates are inside, other dates are not.
    """
    if not len(table):
        return 0, 0
    bounds = np.array([table.dates[0], table.dates[-1] + 1])
    begins, ends = _own_date_instants("00:00", table.timezone, bounds).tolist()
    return min(begins, int(table.open_ns[0])), max(ends, int(table.close_ns[-1]))


def session_of_bars(table: SessionTable, starts_ns: NDArray[np.int64], bar_minutes: int) -> NDArray[np.int64]:
    """Return the index in `table` of the session each bar belongs to, −1 for none.

    Parameters
    ----------
    table : SessionTable
    starts_ns : int64[n_bars]
        Bar starts, nanoseconds since 1970 UTC, in any order.
    bar_minutes : int
        Length of a bar; one that starts inside a session but ends after its close does not belong to it.

    Returns
    -------
    int64[n_bars]
    """
    if not len(table):
        return np.full(starts_ns.size, -1, dtype=np.int64)
    index = np.searchsorted(table.open_ns, starts_ns, side="right") - 1
    is_inside = (index >= 0) & (starts_ns + bar_minutes * MINUTE_NS <= table.close_ns[index])
    return np.where(is_inside, index, -1)


class _Hours(NamedTuple):
    """The settings that decide when sessions open and close; hashable whatever the others are."""

    calendar: str
    open: str | None
    close: str | None
    timezone: str | None


@lru_cache(maxsize=256)
def _table(hours: _Hours, start: date, end: date, warmup: int) -> SessionTable:
    first_year = max(_FIRST_YEAR, min(_USUAL_FIRST_YEAR, start.year - 1 - warmup // 200))
    last_year = min(_LAST_YEAR, max(datetime.now(UTC).year + 1, end.year))
    whole = _overridden_calendar(hours, first_year, last_year)
    first = int(np.searchsorted(whole.dates, np.datetime64(start, "D")))
    stop = int(np.searchsorted(whole.dates, np.datetime64(end, "D"), side="right"))
    rows = slice(max(0, first - warmup), stop) if first < stop else slice(0, 0)
    table = SessionTable(
        whole.dates[rows], whole.open_ns[rows], whole.close_ns[rows], whole.is_half_day[rows], whole.timezone
    )
    _refuse_empty_sessions(table, hours)
    return table


def _refuse_empty_sessions(table: SessionTable, hours: _Hours) -> None:
    # Forgiven on half days, and on the two days a year when the clock repeats or skips the hour that is meant.
    clocks_change = _utc_offsets(table.open_ns, table.timezone) != _utc_offsets(
        table.dates.astype("datetime64[ns]").astype(np.int64), table.timezone
    )
    empty = np.flatnonzero((table.minutes() == 0) & ~table.is_half_day & ~clocks_change)
    if empty.size:
        raise ConfigError(
            f"`session.open` {hours.open!r} and `session.close` {hours.close!r} ({table.timezone}) leave no trading "
            f"time in the {hours.calendar} session of {table.dates[empty[0]]}: the open must come before the close. "
            "Change one of them, or set `session.timezone` to the clock they are meant on"
        )


@lru_cache(maxsize=16)
def _overridden_calendar(hours: _Hours, first_year: int, last_year: int) -> SessionTable:
    table = _calendar(hours.calendar, first_year, last_year)
    clock = hours.timezone or table.timezone
    open_ns, close_ns = table.open_ns, table.close_ns
    if hours.open is not None:
        instant = _first_instants(hours.open, clock, table.open_ns)
        same_day = _own_date_instants(hours.open, clock, table.dates)
        is_before_calendar = (instant >= table.close_ns) & (same_day < table.open_ns)
        open_ns = np.where(is_before_calendar, same_day, instant)
    if hours.close is not None:
        # Strictly after the open, so that 24/7 with "00:00" closes at the next midnight. Never overnight: a
        # clock time that only comes round on a later date than the calendar's close means the session's own date.
        instant = _first_instants(hours.close, clock, table.open_ns + 1)
        is_overnight = _local_dates(instant, clock) > _local_dates(table.close_ns, clock)
        close_ns = np.where(is_overnight, _own_date_instants(hours.close, clock, table.dates), instant)
        close_ns = np.where(table.is_half_day, np.minimum(close_ns, table.close_ns), close_ns)
        # Bites only on the 25-hour day of a round-the-clock market: a bar belongs to one session.
        close_ns[:-1] = np.minimum(close_ns[:-1], open_ns[1:])
    return SessionTable(
        table.dates, _read_only(np.minimum(open_ns, close_ns)), _read_only(close_ns), table.is_half_day, clock
    )


@lru_cache(maxsize=16)
def _calendar(name: str, first_year: int, last_year: int) -> SessionTable:
    import exchange_calendars  # 0.1 to 0.4 s, which `--help` must not pay

    first, last = pd.Timestamp(first_year, 1, 1), pd.Timestamp(last_year, 12, 31)
    try:
        calendar = exchange_calendars.get_calendar(name, start=first, end=last)
    except ValueError:  # a few exchanges publish their holidays for some years only
        known = exchange_calendars.get_calendar(name)
        first = max(first, known.bound_min() or first)
        last = min(last, known.bound_max() or last)
        calendar = exchange_calendars.get_calendar(name, start=first, end=last)
    return SessionTable(
        dates=_read_only(calendar.sessions.to_numpy().astype("datetime64[D]")),
        open_ns=_read_only(np.array(calendar.opens_nanos, dtype=np.int64)),
        close_ns=_read_only(np.array(calendar.closes_nanos, dtype=np.int64)),
        is_half_day=_read_only(np.asarray(calendar.sessions.isin(calendar.early_closes))),
        timezone=str(calendar.tz),
    )


def _first_instants(clock: str, timezone: str, from_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first instants at or after `from_ns` at which the clock of `timezone` shows `clock`."""
    local_clock = _local_dates(from_ns, timezone) + pd.Timedelta(f"{clock}:00")
    first = np.full(from_ns.size, _NEVER)
    for days in range(3):  # a third day, because a change to summer time can skip the clock time on the second
        for is_dst in (True, False):
            instants = (
                (local_clock + pd.Timedelta(days=days))
                .tz_localize(timezone, ambiguous=np.full(from_ns.size, is_dst), nonexistent="NaT")
                .asi8  # NaT is the least integer: before every `from_ns`
            )
            first = np.where(instants >= from_ns, np.minimum(first, instants), first)
    return first


def _own_date_instants(clock: str, timezone: str, dates: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Return when the clock of `timezone` shows `clock` on each date; for a skipped time, the moment it is skipped."""
    local_clock = pd.DatetimeIndex(dates.astype("datetime64[ns]")) + pd.Timedelta(f"{clock}:00")
    first = np.ones(dates.size, dtype=np.bool_)
    return local_clock.tz_localize(timezone, ambiguous=first, nonexistent="shift_forward").asi8


def _local_dates(instants_ns: NDArray[np.int64], timezone: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(instants_ns, tz="UTC").tz_convert(timezone).tz_localize(None).normalize()


def _utc_offsets(instants_ns: NDArray[np.int64], timezone: str) -> NDArray[np.int64]:
    return pd.DatetimeIndex(instants_ns, tz="UTC").tz_convert(timezone).tz_localize(None).asi8 - instants_ns


def _read_only(array: NDArray[_Scalar]) -> NDArray[_Scalar]:
    array.flags.writeable = False
    return array
