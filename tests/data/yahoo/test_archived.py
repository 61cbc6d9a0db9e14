import signal
import subprocess
import sys
import time
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from loguru import logger

from orb_core.data.day_archive import DayArchive
from orb_core.data.source import is_final, notes_of
from orb_core.errors import ArchiveError, CancelledError
from tests.data.yahoo.conftest import FRIDAY_DATE, MONDAY_DATE, WEEK
from tests.fakes.yahoo import BAD_GATEWAY, market_bars

ROOT = Path(__file__).parents[3]


def dates_asked(yahoo, symbol=None):
    """First and last date of each request."""
    return [tuple(str(end.date()) for end in request.span()) for request in yahoo.charts(symbol)]


def without(bars, *spans):
    """The bars but for those of these spans of time."""
    for begin, end in spans:
        bars = bars[(bars["timestamp_utc"] < begin) | (bars["timestamp_utc"] >= end)]
    return bars


def test_a_range_is_served_from_the_archive_without_a_request(make_source, yahoo):
    first = make_source().fetch("SPY", *WEEK)
    asked = len(yahoo.requests)
    pd.testing.assert_frame_equal(make_source().fetch("SPY", *WEEK), first)
    assert len(yahoo.requests) == asked


def test_only_missing_sessions_are_asked_for(make_source, yahoo):
    make_source().fetch("SPY", date(2026, 3, 11), date(2026, 3, 12), "1m")
    bars = make_source().fetch("SPY", date(2026, 3, 9), FRIDAY_DATE, "1m")
    assert len(bars) == 10 * 390
    assert dates_asked(yahoo) == [
        ("2026-03-11", "2026-03-12"),
        ("2026-03-09", "2026-03-10"),
        ("2026-03-13", "2026-03-19"),
        ("2026-03-20", "2026-03-20"),
    ]


def test_minutes_outlive_yahoos_thirty_days(make_source, yahoo, clock):
    kept = make_source().fetch("SPY", *WEEK)
    clock.time += timedelta(days=365)
    yahoo.bars.clear()
    pd.testing.assert_frame_equal(make_source().fetch("SPY", *WEEK), kept)


def test_names_of_one_symbol_share_its_archive(make_source, yahoo, spy):
    yahoo.bars["ES=F"] = spy
    make_source().fetch("ES", *WEEK)
    make_source().fetch("ES=F", *WEEK)
    assert len(yahoo.charts()) == 1
    assert make_source().archive.entries()[0].text() == "yahoo/ES=F/1m/2026-03-16"


def test_an_incomplete_session_is_asked_for_again_on_a_later_day_and_replaced_whole(make_source, yahoo, clock, spy):
    hole = (pd.Timestamp("2026-03-18 15:00", tz="UTC"), pd.Timestamp("2026-03-18 16:00", tz="UTC"))
    yahoo.bars["SPY"] = without(spy, hole).assign(volume=1.0)
    assert len(make_source().fetch("SPY", *WEEK)) == 5 * 390 - 60
    yahoo.bars["SPY"] = spy
    assert len(make_source().fetch("SPY", *WEEK)) == 5 * 390 - 60
    clock.time += timedelta(hours=8)
    bars = make_source().fetch("SPY", *WEEK)
    assert len(bars) == 5 * 390
    wednesday = bars["timestamp_utc"].dt.date == date(2026, 3, 18)
    assert (bars.loc[~wednesday, "volume"] == 1).all()
    assert (bars.loc[wednesday, "volume"] > 1).all()
    assert dates_asked(yahoo)[1:] == [("2026-03-18", "2026-03-18")]


def test_a_session_that_stays_incomplete_is_asked_for_once_a_day(make_source, yahoo, clock, spy):
    hole = (pd.Timestamp("2026-03-18 15:00", tz="UTC"), pd.Timestamp("2026-03-18 15:01", tz="UTC"))
    yahoo.bars["SPY"] = without(spy, hole)
    for _ in range(3):
        make_source().fetch("SPY", *WEEK)
        make_source().fetch("SPY", *WEEK)
        clock.time += timedelta(days=1)
    assert dates_asked(yahoo) == [("2026-03-16", "2026-03-20"), *[("2026-03-18", "2026-03-18")] * 2]


def test_an_empty_session_is_remembered_until_the_next_day(make_source, yahoo, clock, spy):
    friday = (pd.Timestamp(FRIDAY_DATE, tz="UTC"), pd.Timestamp(FRIDAY_DATE, tz="UTC") + timedelta(days=1))
    yahoo.bars["SPY"] = without(spy, friday)
    for _ in range(2):
        bars = make_source().fetch("SPY", *WEEK)
        assert notes_of(bars) == ("no bars of 2026-03-20: Yahoo has none",)
        assert not is_final(bars)
    assert len(yahoo.charts()) == 1
    clock.time += timedelta(days=2)
    assert is_final(make_source().fetch("SPY", *WEEK))
    assert dates_asked(yahoo)[1:] == [("2026-03-20", "2026-03-20")]


def test_a_running_session_is_asked_for_again_as_it_goes_on_and_once_more_after_its_close(make_source, yahoo, clock):
    lengths = []
    for time_of_day in ("15:00:10", "15:00:50", "15:01:30", "20:00:30", "20:10:00", "20:31:00", "23:00:00"):
        clock.time = datetime.fromisoformat(f"2026-03-20T{time_of_day}+00:00")
        lengths.append((len(make_source().fetch("SPY", FRIDAY_DATE, FRIDAY_DATE, "1m")), len(yahoo.charts())))
    assert lengths == [(90, 1), (90, 1), (91, 2), (390, 3), (390, 4), (390, 5), (390, 5)]


def test_a_wider_calendar_asks_for_the_hours_that_are_lacking(make_source, yahoo):
    yahoo.calendar = "24/7"
    yahoo.bars["BTC-USD"] = market_bars("BTC-USD", MONDAY_DATE, FRIDAY_DATE, "24/7")
    exchange = make_source().fetch("BTC", MONDAY_DATE, date(2026, 3, 19), "1m")
    whole = make_source(["session.calendar=24/7"]).fetch("BTC", MONDAY_DATE, date(2026, 3, 19), "1m")
    assert (len(exchange), len(whole)) == (4 * 390, 4 * 1440)
    pd.testing.assert_frame_equal(make_source().fetch("BTC", MONDAY_DATE, date(2026, 3, 19), "1m"), exchange)
    assert len(yahoo.charts()) == 2


def test_a_damaged_entry_is_fetched_again_and_reported(make_source, yahoo, tmp_path):
    source = make_source()
    whole = source.fetch("SPY", *WEEK)
    with_damage = source.archive._do("written", lambda cache: cache.set("yahoo/SPY/1m/2026-03-18", b"damage"))
    assert with_damage
    said: list[str] = []
    handler = logger.add(said.append, level="WARNING", format="{message}")
    pd.testing.assert_frame_equal(make_source().fetch("SPY", *WEEK), whole)
    logger.remove(handler)
    assert "yahoo/SPY/1m/2026-03-18 is damaged and set aside" in said[0]
    assert dates_asked(yahoo)[1:] == [("2026-03-18", "2026-03-18")]


def test_bars_are_served_though_the_archive_cannot_be_written(make_source, yahoo, tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "archive").write_text("a file in the way")
    bars = make_source().fetch("SPY", *WEEK)
    assert len(bars) == 5 * 390
    assert notes_of(bars)[0].startswith("the fetched sessions could not all be archived: the archive")
    with pytest.raises(ArchiveError, match="could not be"):
        make_source().update("SPY", "1m")


def test_bars_are_served_though_the_cache_folder_cannot_be_made(make_source, yahoo, tmp_path):
    (tmp_path / "in the way").write_text("a file")
    assert len(make_source(cache_dir=tmp_path / "in the way").fetch("SPY", *WEEK)) == 5 * 390


def test_what_was_fetched_before_a_failure_is_archived(make_source, yahoo):
    yahoo.scripts["SPY"] = [lambda usual: usual, lambda usual: usual, *[BAD_GATEWAY] * 6]
    updated = make_source().update("SPY", "1m")
    assert (updated.asked, updated.with_bars) == (10, 10)
    assert "HTTP 502" in str(updated.failure)
    assert len(updated.missing) == 12
    again = make_source().update("SPY", "1m")
    assert (again.asked, again.missing, again.failure) == (12, (), None)
    assert make_source().update("SPY", "1m").asked == 0


def test_an_update_tells_its_progress_and_can_be_stopped_without_loss(make_source, yahoo):
    told = []

    def stop_after_two_requests(done, total):
        told.append((done, total))
        if done > 5:
            raise CancelledError("enough")

    with pytest.raises(CancelledError):
        make_source().update("SPY", "1m", on_progress=stop_after_two_requests)
    assert told == [(0, 22), (5, 22), (10, 22)]
    assert len(make_source().archive.entries()) == 10
    assert make_source().update("SPY", "1m").asked == 12


def start_update(tmp_path, *arguments):
    command = [
        sys.executable,
        "-m",
        "orb_core.data",
        "update",
        "SPY",
        "--cache-dir",
        str(tmp_path / "cache"),
        *arguments,
    ]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def sessions_asked(yahoo, over):
    asked = [(begin.date(), end.date()) for begin, end in (request.span() for request in yahoo.charts())]
    return [day for day in over for begin, end in asked if begin <= day <= end]


def test_two_processes_fetch_each_session_once(live_yahoo, over, tmp_path):
    live_yahoo.scripts["SPY"] = [lambda usual: usual._replace(delay_s=0.3)] * 10
    dates = ("--start", str(over[-10]), "--end", str(over[-1]))
    processes = [start_update(tmp_path, *dates) for _ in range(2)]
    said = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(said) == ["SPY 1m: 10 sessions fetched\n", "SPY 1m: nothing new to fetch\n"]
    assert sessions_asked(live_yahoo, over) == over[-10:]


def test_a_kill_during_an_update_loses_no_session_that_was_complete(live_yahoo, over, tmp_path):
    live_yahoo.scripts["SPY"] = [lambda usual: usual, lambda usual: usual._replace(delay_s=60)]
    dates = ("--start", str(over[-10]), "--end", str(over[-1]))
    process = start_update(tmp_path, *dates)
    waited_until = time.monotonic() + 60
    while len(live_yahoo.charts()) < 2 and time.monotonic() < waited_until:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()

    archive = DayArchive(tmp_path / "cache" / "archive")
    archive.check()
    kept = [key.session_date for key in archive.entries()]
    assert kept == [day for day in over[-10:] if day <= live_yahoo.charts()[0].span()[1].date()]
    assert all(day.is_complete for day in archive.coverage("SPY", "1m"))

    again = start_update(tmp_path, *dates)
    assert again.communicate()[0] == f"SPY 1m: {10 - len(kept)} sessions fetched\n"
    later = live_yahoo.charts()[2:]
    assert min(request.span()[0].date() for request in later) > kept[-1]
