"""The regular hours of a calendar, as far as settings must agree with them; real sessions are orb_core.data's."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from orb_core.errors import ConfigError

if TYPE_CHECKING:
    from orb_core.config.models import SessionSettings

DAY: Final = timedelta(days=1)
MINUTE: Final = timedelta(minutes=1)
_WINTER_AND_SUMMER: Final = (date(2024, 1, 16), date(2024, 7, 16))


@dataclass(frozen=True)
class RegularHours:
    """Earliest open and latest close a calendar has ever had as its rule, on its own clock.

    `open_day` and `close_day` are days from the session's date: a futures session opens the evening before (-1), a
    round-the-clock one closes at the next midnight (1).
    """

    timezone: str
    open: time
    open_day: int
    close: time
    close_day: int


@dataclass(frozen=True)
class RegularSession:
    """One session that keeps the regular hours, with the overrides of the settings applied."""

    open: datetime
    close: datetime

    @property
    def minutes(self) -> int:
        """Length in minutes."""
        return int((self.close - self.open).total_seconds()) // 60

    def first(self, clock: str) -> datetime:
        """Return the first instant from the open on at which the local clock shows this."""
        return _first(clock, self.open)


@cache
def regular_hours(calendar: str) -> RegularHours:
    """Regular hours of an exchange_calendars calendar, built for one month since its rules do not depend on dates.

    Raises
    ------
    ConfigError
        If this version of exchange_calendars cannot build it: 4.13 fails on Orthodox Easter (ASEX, XBEL, XBSE, XCYS)
        with pandas 3.1.
    """
    from exchange_calendars import get_calendar

    try:
        rules = get_calendar(calendar, start="2026-03-02", end="2026-03-31")
    except (NotImplementedError, ValueError) as error:
        raise ConfigError(f"cannot be built by the installed exchange_calendars ({error}); choose another") from None
    return RegularHours(
        timezone=str(rules.tz),
        open=min(opens for _, opens in rules.open_times),
        open_day=rules.open_offset,
        close=max(closes for _, closes in rules.close_times),
        close_day=rules.close_offset,
    )


def exchange_zone(settings: "SessionSettings") -> str:
    """Return the IANA name of the clock on which sessions of these settings are read."""
    return settings.timezone or regular_hours(settings.calendar).timezone


def regular_sessions(settings: "SessionSettings") -> Iterator[RegularSession]:
    """Yield a regular session in winter and one in summer: the time zone of the settings may shift by another rule.

    An override is the first instant, from the calendar's open on, at which the local clock shows it; an open before
    the calendar's open, and a close that would fall on a later date than the calendar's, are the clock on the session's
    own date.

    Raises
    ------
    ConfigError
        As `regular_hours`.
    """
    hours = regular_hours(settings.calendar)
    own_zone = ZoneInfo(hours.timezone)
    zone = ZoneInfo(exchange_zone(settings))
    for day in _WINTER_AND_SUMMER:
        opens = datetime.combine(day + hours.open_day * DAY, hours.open, own_zone).astimezone(zone)
        closes = datetime.combine(day + hours.close_day * DAY, hours.close, own_zone).astimezone(zone)
        new_open, new_close = opens, closes
        if settings.open is not None:
            new_open, own = _first(settings.open, opens), _on(day, settings.open, zone)
            if new_open >= closes and own < opens:
                new_open = own
        if settings.close is not None:
            new_close = _first(
                settings.close, opens + MINUTE
            )  # the midnight after, for a market that opens at midnight
            if new_close.date() > closes.date():
                new_close = _on(day, settings.close, zone)
        yield RegularSession(new_open, new_close)


def _first(clock: str, start: datetime) -> datetime:
    instant = datetime.combine(start.date(), time.fromisoformat(clock), start.tzinfo)
    return instant if instant >= start else instant + DAY


def _on(day: date, clock: str, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), zone)
