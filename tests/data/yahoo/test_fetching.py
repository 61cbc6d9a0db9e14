from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from orb_core.data.bars import check_bars
from orb_core.data.quality import clean_bars
from orb_core.data.sessions import session_table
from orb_core.data.source import is_final, notes_of
from orb_core.errors import BeyondReachError, NoBarsError, NoSessionsError
from tests.fakes.yahoo import market_bars

from .conftest import FRIDAY, FRIDAY_DATE, MONDAY_DATE, WEEK


def of_dates(bars, start, end):
    dates = bars["timestamp_utc"].dt.date
    return bars[(dates >= start) & (dates <= end)].reset_index(drop=True)


def test_bars_arrive_as_the_market_made_them(source, yahoo):
    bars = source.fetch("SPY", *WEEK)
    check_bars(bars)
    made = market_bars("SPY", date(2025, 12, 1), FRIDAY_DATE)
    made[["open", "high", "low", "close"]] = made[["open", "high", "low", "close"]].round(2)
    pd.testing.assert_frame_equal(bars, of_dates(made, MONDAY_DATE, FRIDAY_DATE))
    assert notes_of(bars) == ()


def test_regular_hours_and_unadjusted_prices_are_asked_for_by_the_second(source, yahoo):
    source.fetch("SPY", *WEEK)
    (asked,) = yahoo.charts()
    assert (asked.host, asked.query["includePrePost"]) == ("query2.finance.yahoo.com", "false")
    assert [str(end) for end in asked.span()] == ["2026-03-16 13:30:00+00:00", "2026-03-20 20:00:00+00:00"]


def test_all_hosts_go_to_the_mirror_with_path_and_query_kept(source, yahoo):
    source.fetch("SPY", *WEEK)
    assert {request.host for request in yahoo.requests} == {
        "fc.yahoo.com",
        "query1.finance.yahoo.com",
        "query2.finance.yahoo.com",
    }


def test_a_mirror_may_lie_below_a_path(source, yahoo, monkeypatch):
    monkeypatch.setenv("ORB_YAHOO_URL", yahoo.url + "/mirror/")
    with pytest.raises(Exception, match="404"):
        source.fetch("SPY", *WEEK)
    assert yahoo.requests[-1].path == "/mirror/v8/finance/chart/SPY"


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("ES", "ES=F"),
        ("ES=F", "ES=F"),
        ("BRK.B", "BRK-B"),
        ("BRK/B", "BRK-B"),
        ("BF.A", "BF-A"),
        ("^GSPC", "^GSPC"),
        ("BTC", "BTC-USD"),
        ("BTC-USD", "BTC-USD"),
        ("BTC/USD", "BTC-USD"),
        ("VOD.L", "VOD.L"),
        ("7203.T", "7203.T"),
        ("SAP.DE", "SAP.DE"),
    ],
)
def test_symbols_are_asked_for_as_yahoo_writes_them(source, yahoo, spy, typed, asked):
    yahoo.bars = {asked: spy}
    assert len(source.fetch(typed, FRIDAY_DATE, FRIDAY_DATE, "1m")) == 390
    assert [request.symbol for request in yahoo.charts()] == [asked]
    assert source.identity(typed, "1m") == asked


def test_thirty_days_of_minutes_are_asked_for_in_weeks_oldest_first(source, yahoo):
    bars = source.fetch("SPY", date(2026, 2, 19), FRIDAY_DATE, "1m")
    spans = [request.span() for request in yahoo.charts()]
    assert len(bars) == 22 * 390
    assert len(spans) == 5
    assert spans == sorted(spans)
    assert all(end - begin <= timedelta(days=7) for begin, end in spans)


def test_sixty_days_of_longer_bars_come_with_one_request(source, yahoo):
    bars = source.fetch("SPY", date(2026, 1, 20), FRIDAY_DATE, "5m")
    assert len(yahoo.charts()) == 1
    assert (len(bars), bars["timestamp_utc"].diff().min()) == (43 * 78, pd.Timedelta(minutes=5))


def test_thirty_minute_bars_are_made_of_fifteen_minute_ones(source, yahoo):
    bars = source.fetch("SPY", *WEEK[:2], "30m")
    assert yahoo.charts()[0].query["interval"] == "15m"
    assert len(bars) == 5 * 13
    fifteen = source.fetch("SPY", *WEEK[:2], "15m")
    assert bars["volume"].sum() == fifteen["volume"].sum()
    assert bars["high"].max() == fifteen["high"].max()
    assert (bars["open"].tolist(), bars["close"].tolist()) == (
        fifteen["open"].tolist()[::2],
        fifteen["close"].tolist()[1::2],
    )


def test_days_before_yahoos_reach_are_not_asked_for_and_the_error_says_which_exist_and_what_else_can_be_done(
    source, yahoo
):
    with pytest.raises(BeyondReachError) as raised:
        source.fetch("SPY", date(2026, 2, 2), date(2026, 2, 13), "1m")
    assert str(raised.value) == (
        "Yahoo keeps 1m bars for 30 days, now those from 2026-02-19 to 2026-03-20; 2026-02-02 to 2026-02-13 is "
        "older. Ask for these dates, or use 5m bars, which Yahoo keeps for 60 days (`--interval 5m`); files of your "
        "own (`--data PATH`); made-up prices (`--synthetic`)"
    )
    assert yahoo.requests == []


def test_days_before_any_reach_suggest_no_other_interval_but_what_is_archived(source, yahoo):
    source.fetch("SPY", *WEEK)
    with pytest.raises(BeyondReachError, match="the 5 archived sessions between 2026-03-16 and 2026-03-20") as raised:
        source.fetch("SPY", date(2024, 1, 2), date(2024, 1, 31), "1m")
    assert "--interval" not in str(raised.value)


def test_what_exists_of_a_range_is_served_and_what_does_not_is_named(source, yahoo):
    bars = source.fetch("SPY", date(2026, 2, 17), FRIDAY_DATE, "1m")
    assert len(bars) == 22 * 390
    assert notes_of(bars) == ("no bars of 2026-02-17, 2026-02-18: older than the 30 days of 1m bars Yahoo keeps",)
    assert is_final(bars)


def test_a_warm_up_beyond_reach_is_neither_an_error_nor_missing(make_source, yahoo):
    source = make_source(first_session=date(2026, 2, 20))
    bars = source.fetch("SPY", date(2026, 1, 20), FRIDAY_DATE, "1m")
    assert len(bars) == 22 * 390
    assert notes_of(bars) == ()


def test_a_warm_up_alone_is_nothing_to_run_on(make_source, yahoo, spy):
    yahoo.bars["SPY"] = of_dates(spy, date(2026, 1, 1), date(2026, 3, 13))
    with pytest.raises(NoBarsError, match="no 1m bars of SPY for 2026-03-16 to 2026-03-20: Yahoo has none"):
        make_source(first_session=MONDAY_DATE).fetch("SPY", date(2026, 3, 2), FRIDAY_DATE, "1m")


def test_a_range_without_a_session_is_an_error_without_a_request(source, yahoo):
    with pytest.raises(NoSessionsError, match="2026-03-14 to 2026-03-15"):
        source.fetch("SPY", date(2026, 3, 14), date(2026, 3, 15), "1m")
    assert yahoo.requests == []


def test_a_session_that_has_not_opened_is_not_asked_for(source, yahoo):
    with pytest.raises(NoBarsError, match="2026-03-23: not opened yet"):
        source.fetch("SPY", date(2026, 3, 23), date(2026, 3, 23), "1m")
    assert yahoo.requests == []


def test_a_limit_that_is_nearer_than_it_should_be_costs_a_session_not_the_run(source, yahoo):
    yahoo.keeps_seconds_back = 86_400
    bars = source.fetch("SPY", date(2026, 2, 19), FRIDAY_DATE, "1m")
    assert len(bars) == 21 * 390
    (note,) = notes_of(bars)
    assert note.startswith("no bars of 2026-02-19: Yahoo does not give these bars")
    assert "must be within the last 30 days" in note


def test_a_limit_much_nearer_than_it_should_be_is_not_felt_for_in_the_dark(source, yahoo):
    yahoo.keeps_seconds_back = 20 * 86_400
    with pytest.raises(BeyondReachError, match="must be within the last 30 days"):
        source.fetch("SPY", date(2026, 2, 19), FRIDAY_DATE, "1m")
    assert len({request.span() for request in yahoo.charts()}) == 3


def test_half_days_and_both_weeks_of_clock_changes_are_whole(source, yahoo, clock, spy):
    clock.time = datetime(2025, 12, 26, 22, tzinfo=UTC)
    assert len(source.fetch("SPY", date(2025, 12, 24), date(2025, 12, 26), "1m")) == 210 + 390
    clock.time = FRIDAY
    week_before_and_after = source.fetch("SPY", date(2026, 3, 6), date(2026, 3, 9), "1m")
    local = week_before_and_after["timestamp_utc"].dt.tz_convert("America/New_York").dt.time.astype(str)
    assert len(week_before_and_after) == 780
    assert (local.min(), local.max()) == ("09:30:00", "15:59:00")
    assert notes_of(week_before_and_after) == ()


def test_the_unfinished_bar_and_the_live_row_of_a_running_session_are_left_out(source, yahoo, clock, spy):
    clock.time = datetime(2026, 3, 20, 15, 0, 37, tzinfo=UTC)
    live = spy[spy["timestamp_utc"] == "2026-03-20 15:00"].assign(timestamp_utc=pd.Timestamp(clock.time), volume=0.0)
    yahoo.bars["SPY"] = pd.concat([spy[spy["timestamp_utc"] <= "2026-03-20 15:00"], live])
    bars = source.fetch("SPY", FRIDAY_DATE, FRIDAY_DATE, "1m")
    assert bars["timestamp_utc"].iloc[-1] == pd.Timestamp("2026-03-20 14:59", tz="UTC")
    assert len(bars) == 90


def test_a_row_sent_twice_is_one_bar_and_a_gap_stays_a_gap(source, yahoo, spy):
    day = of_dates(spy, FRIDAY_DATE, FRIDAY_DATE)
    yahoo.bars["SPY"] = pd.concat([day[:100], day[99:100], day[130:]])
    bars = source.fetch("SPY", FRIDAY_DATE, FRIDAY_DATE, "1m")
    assert (len(bars), bars["timestamp_utc"].is_unique) == (360, True)


def test_false_zero_and_missing_volumes_are_unknown_in_the_quality_report(source, yahoo, spy):
    day = of_dates(spy, FRIDAY_DATE, FRIDAY_DATE)
    day.loc[[10, 20, 30], "volume"] = [0, np.nan, 0]
    day.loc[30, ["open", "high", "low", "close"]] = day.loc[29, "close"]
    yahoo.bars["SPY"] = day
    table = session_table(source._config.session, FRIDAY_DATE, FRIDAY_DATE)
    report = clean_bars(source.fetch("SPY", FRIDAY_DATE, FRIDAY_DATE, "1m"), table, 1, 15, "yahoo").report
    assert (report.unknown_volume, report.zero_volume) == (2, 1)


def test_hours_of_the_settings_cut_the_bars_that_are_archived_whole(make_source, yahoo):
    late = make_source(["session.open=10:00", "session.close=15:00"])
    assert len(late.fetch("SPY", *WEEK)) == 5 * 300
    assert len(make_source().fetch("SPY", *WEEK)) == 5 * 390
    assert len(yahoo.charts()) == 1


def test_round_the_clock_markets_are_whole_days(make_source, yahoo):
    yahoo.calendar = "24/7"
    yahoo.bars["BTC-USD"] = market_bars("BTC-USD", MONDAY_DATE, FRIDAY_DATE, "24/7")
    whole = make_source(["session.calendar=24/7"]).fetch("BTC", MONDAY_DATE, date(2026, 3, 19), "1m")
    anchored = make_source(["session.calendar=24/7", "session.open=09:30", "session.timezone=America/New_York"])
    assert len(whole) == 4 * 1440
    assert len(anchored.fetch("BTC", MONDAY_DATE, date(2026, 3, 19), "1m")) == 4 * (1440 - 13 * 60 - 30)
    assert len(yahoo.charts()) == 1


def test_twenty_symbols_at_once_get_each_their_own_bars(source, yahoo):
    symbols = [f"S{n}" for n in range(20)]
    yahoo.bars |= {symbol: market_bars(symbol, FRIDAY_DATE, FRIDAY_DATE) for symbol in symbols}
    with ThreadPoolExecutor(20) as pool:
        fetched = dict(
            zip(symbols, pool.map(lambda s: source.fetch(s, FRIDAY_DATE, FRIDAY_DATE, "1m"), symbols), strict=True)
        )
    for symbol, bars in fetched.items():
        assert bars["close"].tolist() == yahoo.bars[symbol]["close"].round(2).tolist()
    assert len(yahoo.charts()) == 20
