"""The sessions of a run for the reference: the exchange calendar, and a clock that is watched minute by minute."""

from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import exchange_calendars

from orb_core.config.models import RunConfig
from tests.engine.reference_market import MINUTE_NS, Session

CALENDAR_YEARS = ("2011-01-01", "2025-12-31")


def run_sessions(config: RunConfig, start: date, end: date) -> list[Session]:
    """The sessions from `start` to `end`, after the run's warm-up sessions."""
    settings, cutoff = config.session, config.governance.time_cutoff
    calendar, schedule = calendar_schedule(settings.calendar)
    dates = list(schedule)
    first, stop = bisect_left(dates, start), bisect_right(dates, end)
    sessions = []
    for day in dates[max(0, first - config.data.warmup_sessions) : stop]:
        open_ns, close_ns, is_half_day = schedule[day]
        timezone = settings.timezone or str(calendar.tz)
        if settings.open is not None:
            opens_ns = first_showing(settings.open, timezone, open_ns)
            open_ns = opens_ns if opens_ns < close_ns else showing_on(day, settings.open, timezone)
        if settings.close is not None:
            closes_ns = first_showing(settings.close, timezone, open_ns + MINUTE_NS)
            close_ns = min(closes_ns, close_ns) if is_half_day else closes_ns
        cutoff_ns = None if cutoff is None else first_showing(cutoff, timezone, open_ns)
        sessions.append(Session(day, min(open_ns, close_ns), close_ns, is_half_day, day < start, cutoff_ns))
    return sessions


@cache
def calendar_schedule(
    name: str,
) -> tuple[exchange_calendars.ExchangeCalendar, dict[date, tuple[int, int, bool]]]:
    first, last = CALENDAR_YEARS
    calendar = exchange_calendars.get_calendar(name, start=first, end=last)
    early = set(calendar.early_closes)
    opens, closes = calendar.schedule["open"], calendar.schedule["close"]
    return calendar, {
        label.date(): (opens[label].value, closes[label].value, label in early) for label in calendar.sessions
    }


@cache
def first_showing(clock: str, timezone: str, from_ns: int) -> int:
    """The first whole minute from `from_ns` on at which the clock on the wall shows `clock`."""
    zone, instant_ns = ZoneInfo(timezone), from_ns
    while f"{datetime.fromtimestamp(instant_ns / 1e9, UTC).astimezone(zone):%H:%M}" != clock:
        instant_ns += MINUTE_NS
    return instant_ns


def showing_on(day: date, clock: str, timezone: str) -> int:
    hours, minutes = clock.split(":")
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(timezone))
    local = midnight.replace(tzinfo=None) + timedelta(hours=int(hours), minutes=int(minutes))
    return int(local.replace(tzinfo=ZoneInfo(timezone)).timestamp()) * 1_000_000_000
