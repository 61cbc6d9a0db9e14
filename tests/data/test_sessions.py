from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from orb_core.data.sessions import (
    SessionTable,
    local_instant_ns,
    session_of_bars,
    session_table,
    sessions_per_year,
    span_ns,
    with_warmup,
)
from orb_core.errors import ConfigError


@dataclass(frozen=True)
class Hours:
    calendar: str = "XNYS"
    open: str | None = None
    close: str | None = None
    timezone: str | None = None


def local_hours(table: SessionTable, timezone: str | None = None) -> list[str]:
    zone = ZoneInfo(timezone or table.timezone)

    def clock(ns: int) -> str:
        return datetime.fromtimestamp(ns // 10**9, UTC).astimezone(zone).strftime("%H:%M")

    return [f"{clock(a)}-{clock(b)}" for a, b in zip(table.open_ns, table.close_ns, strict=True)]


def utc_hours(table: SessionTable) -> list[str]:
    return local_hours(table, "UTC")


def day(text: str) -> date:
    return date.fromisoformat(text)


def hours_on(text: str, **overrides: str | None) -> list[str]:
    return local_hours(session_table(Hours(**overrides), day(text), day(text)))


@pytest.mark.parametrize(
    ("session", "close"),
    [
        ("2024-07-03", "13:00"),
        ("2024-11-29", "13:00"),
        ("2023-11-24", "13:00"),
        ("2023-07-03", "13:00"),
        ("2024-12-24", "13:00"),
        ("2025-07-03", "13:00"),
        ("2025-11-28", "13:00"),
        ("2019-07-03", "13:00"),
        ("2013-07-03", "13:00"),
        ("2012-07-03", "13:00"),
        ("2007-11-23", "13:00"),
        ("2021-06-18", "16:00"),  # a full day: Juneteenth became a holiday the year after
        ("2024-03-28", "16:00"),
        ("1990-01-02", "16:00"),
    ],
)
def test_new_york_closes_when_the_exchange_said(session, close):
    table = session_table(Hours(), day(session), day(session))
    assert local_hours(table) == [f"09:30-{close}"]
    assert table.is_half_day.tolist() == [close == "13:00"]
    assert table.timezone == "America/New_York"


@pytest.mark.parametrize(
    "closed",
    [
        "2018-12-05",  # mourning for President Bush
        "2025-01-09",  # for President Carter
        "2007-01-02",  # for President Ford
        "2012-10-29",  # Sandy
        "2012-10-30",
        "2022-06-20",
        "2024-03-29",
        "2023-01-02",
        "2024-06-15",  # a Saturday
    ],
)
def test_new_york_is_closed_when_the_exchange_was(closed):
    assert len(session_table(Hours(), day(closed), day(closed))) == 0


@pytest.mark.parametrize(("year", "sessions"), [(1990, 253), (2001, 248), (2012, 250), (2024, 252), (2025, 250)])
def test_a_year_has_as_many_sessions_as_the_exchange_held(year, sessions):
    assert len(session_table(Hours(), date(year, 1, 1), date(year, 12, 31))) == sessions


def test_next_year_has_sessions():
    year = datetime.now(UTC).year + 1
    assert len(session_table(Hours(), date(year, 1, 1), date(year, 12, 31))) > 245


def test_any_dates_give_a_table_even_where_no_calendar_reaches():
    assert len(session_table(Hours(), date(1, 1, 1), date(9999, 12, 31))) > 70_000
    assert len(session_table(Hours("XTKS"), date(1900, 1, 1), date(1996, 12, 31))) == 0
    assert len(session_table(Hours(), date(2024, 1, 5), date(2024, 1, 2))) == 0


def test_the_open_moves_in_utc_when_the_clocks_change():
    spring = session_table(Hours(), date(2024, 3, 8), date(2024, 3, 11))
    autumn = session_table(Hours(), date(2024, 11, 1), date(2024, 11, 4))
    assert utc_hours(spring) == ["14:30-21:00", "13:30-20:00"]
    assert utc_hours(autumn) == ["13:30-20:00", "14:30-21:00"]
    assert local_hours(spring) == local_hours(autumn) == ["09:30-16:00"] * 2


def test_round_the_clock_markets_have_midnight_sessions():
    crypto = session_table(Hours("24/7"), date(2024, 2, 1), date(2024, 2, 29))
    currencies = session_table(Hours("24/5"), date(2024, 2, 1), date(2024, 2, 29))
    assert (len(crypto), len(currencies)) == (29, 21)
    assert set(crypto.minutes()) == set(currencies.minutes()) == {1440}
    assert set(utc_hours(crypto)) == {"00:00-00:00"}


def test_overrides_anchor_a_round_the_clock_market():
    assert hours_on("2024-02-03", calendar="24/7", open="13:30", close="20:00") == ["13:30-20:00"]
    assert hours_on("2024-02-03", calendar="24/7", open="13:30", close="00:00") == ["13:30-00:00"]


def test_overrides_follow_the_clock_of_another_time_zone():
    hours = Hours("24/7", "09:30", "16:00", "America/New_York")
    table = session_table(hours, date(2024, 11, 2), date(2024, 11, 4))
    assert local_hours(table) == ["09:30-16:00"] * 3
    assert utc_hours(table) == ["13:30-20:00", "14:30-21:00", "14:30-21:00"]
    assert [str(d) for d in table.dates] == ["2024-11-02", "2024-11-03", "2024-11-04"]


def test_an_override_in_another_time_zone_moves_the_open_of_an_exchange():
    table = session_table(Hours(open="16:00", timezone="Europe/London"), date(2024, 3, 8), date(2024, 3, 11))
    # America changes its clocks three weeks before Europe: for those weeks London is four hours ahead.
    assert utc_hours(table) == ["16:00-21:00", "16:00-20:00"]


def test_the_evening_before_belongs_to_a_future_session():
    table = session_table(Hours("CMES", "19:00", "15:00", "America/Chicago"), date(2024, 1, 3), date(2024, 1, 3))
    assert datetime.fromtimestamp(table.open_ns[0] / 1e9, UTC) == datetime(2024, 1, 3, 1, tzinfo=UTC)
    assert datetime.fromtimestamp(table.close_ns[0] / 1e9, UTC) == datetime(2024, 1, 3, 21, tzinfo=UTC)


def test_overrides_reach_beyond_the_regular_hours_of_the_same_date():
    assert hours_on("2024-07-02", open="08:00") == ["08:00-16:00"]
    assert hours_on("2024-07-02", close="20:00") == ["09:30-20:00"]
    assert hours_on("2024-07-02", open="08:00", close="09:00") == ["08:00-09:00"]
    assert hours_on("2024-07-02", open="17:00", close="20:00") == ["17:00-20:00"]


def test_an_early_close_wins_over_a_later_override_only():
    assert hours_on("2024-07-03", close="15:00") == ["09:30-13:00"]
    assert hours_on("2024-07-03", close="20:00") == ["09:30-13:00"]
    assert hours_on("2024-07-03", close="12:00") == ["09:30-12:00"]
    assert hours_on("2024-07-03", open="08:00") == ["08:00-13:00"]


def test_a_session_whose_open_comes_after_its_early_close_exists_without_trading_time():
    table = session_table(Hours(open="14:00"), date(2024, 7, 2), date(2024, 7, 5))
    assert local_hours(table) == ["14:00-16:00", "13:00-13:00", "14:00-16:00"]
    assert table.minutes().tolist() == [120, 0, 120]


@pytest.mark.parametrize(
    "overrides",
    [{"open": "16:00"}, {"open": "16:30"}, {"close": "09:30"}, {"close": "02:00"}, {"open": "12:00", "close": "11:00"}],
)
def test_overrides_that_leave_no_session_are_a_configuration_error(overrides):
    with pytest.raises(ConfigError, match="the open must come before the close"):
        hours_on("2024-07-02", **overrides)


@pytest.mark.parametrize(
    ("opens", "closes"), [("19:30", None), ("20:00", None), ("02:30", None), ("02:30", "06:00"), (None, "20:00")]
)
def test_sessions_never_overlap_when_the_clocks_change(opens, closes):
    table = session_table(Hours("24/7", opens, closes, "America/New_York"), date(2024, 3, 1), date(2024, 11, 30))
    assert (table.close_ns[:-1] <= table.open_ns[1:]).all()
    assert (table.minutes() == 0).sum() <= 1


def test_an_override_that_fails_for_one_season_only_is_a_configuration_error():
    # In winter 18:30 in New York comes before midnight UTC, when the session begins, and 20:15 after it.
    hours = Hours("24/7", "18:30", "20:15", "America/New_York")
    with pytest.raises(ConfigError, match="2024-01-01"):
        session_table(hours, date(2024, 1, 1), date(2024, 12, 31))


def test_warm_up_sessions_precede_the_range_over_holidays():
    table = with_warmup(Hours(), date(2024, 1, 1), date(2024, 1, 3), 3)
    assert [str(d) for d in table.dates] == ["2023-12-27", "2023-12-28", "2023-12-29", "2024-01-02", "2024-01-03"]
    assert len(with_warmup(Hours(), date(2024, 1, 6), date(2024, 1, 7), 3)) == 0
    assert len(with_warmup(Hours("XTKS"), date(1997, 1, 6), date(1997, 1, 7), 3)) == 2
    assert len(with_warmup(Hours(), date(1990, 1, 2), date(1990, 1, 2), 10_000)) == 10_001


def brute_force_instant(from_ns: int, clock: str, timezone: str) -> int:
    moment = datetime.fromtimestamp(from_ns // 10**9, UTC)
    while moment.astimezone(ZoneInfo(timezone)).strftime("%H:%M") != clock:
        moment += timedelta(minutes=1)
    return int(moment.timestamp()) * 10**9


@pytest.mark.parametrize("clock", ["00:00", "01:30", "02:30", "09:30", "15:00", "19:30", "23:59"])
@pytest.mark.parametrize("calendar", ["XNYS", "24/7", "CMES"])
@pytest.mark.parametrize("week", ["2024-03-08", "2024-11-01"])
def test_a_local_instant_is_the_first_minute_that_shows_the_clock_time(clock, calendar, week):
    start = day(week)
    table = session_table(Hours(calendar, timezone="America/New_York"), start, start + timedelta(days=4))
    expected = [brute_force_instant(ns, clock, table.timezone) for ns in table.open_ns.tolist()]
    assert local_instant_ns(table, clock).tolist() == expected


def test_bars_belong_to_the_session_they_start_and_end_in():
    table = session_table(Hours(), date(2024, 7, 2), date(2024, 7, 3))
    minute = 60 * 10**9
    opens, closes = table.open_ns, table.close_ns
    starts = np.array([opens[0] - minute, opens[0], closes[0] - minute, closes[0], opens[1], closes[1] - 4 * minute])
    assert session_of_bars(table, starts, 1).tolist() == [-1, 0, 0, -1, 1, 1]
    assert session_of_bars(table, starts, 5).tolist() == [-1, 0, -1, -1, 1, -1]


def test_no_session_holds_no_bar():
    table = session_table(Hours(), date(2024, 7, 4), date(2024, 7, 4))
    assert session_of_bars(table, np.array([0, 1]), 1).tolist() == [-1, -1]


def test_the_span_of_a_table_covers_the_extended_hours_of_its_dates_only():
    def span(hours: Hours, start: date, end: date) -> list[str]:
        return [
            str(np.datetime64(ns, "ns").astype("datetime64[m]")) for ns in span_ns(session_table(hours, start, end))
        ]

    assert span(Hours(), date(2024, 3, 8), date(2024, 3, 11)) == ["2024-03-08T05:00", "2024-03-12T04:00"]
    assert span(Hours("24/7"), date(2024, 3, 8), date(2024, 3, 9)) == ["2024-03-08T00:00", "2024-03-10T00:00"]
    assert span(Hours("CMES"), date(2024, 3, 8), date(2024, 3, 8)) == ["2024-03-07T23:00", "2024-03-09T06:00"]
    assert span_ns(session_table(Hours(), date(2024, 3, 9), date(2024, 3, 9))) == (0, 0)


def test_only_the_round_the_clock_market_has_365_sessions_a_year():
    assert [sessions_per_year(Hours(c)) for c in ("XNYS", "24/7", "24/5", "CMES")] == [252, 365, 252, 252]


def test_a_cached_table_cannot_be_changed_by_its_readers():
    for overrides in ({}, {"open": "10:00", "close": "15:00"}):
        table = session_table(Hours(**overrides), date(2024, 1, 1), date(2024, 1, 31))
        for array in (table.dates, table.open_ns, table.close_ns, table.is_half_day, local_instant_ns(table, "10:00")):
            assert not array.flags.writeable
