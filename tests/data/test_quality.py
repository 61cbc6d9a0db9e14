import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orb_core.data.bars import check_bars
from orb_core.data.quality import CleanBars, clean_bars
from orb_core.data.sessions import session_table
from orb_core.data.source import with_notes
from orb_core.data.synthetic import SyntheticSource
from orb_core.errors import BarsError, NoBarsError

REAL_BARS = Path(__file__).parents[3] / "shared" / "data"


@dataclass(frozen=True)
class Hours:
    calendar: str = "XNYS"
    open: str | None = None
    close: str | None = None
    timezone: str | None = None


START, END = date(2024, 7, 2), date(2024, 7, 5)  # two full days around a half day
TABLE = session_table(Hours(), START, END)
GOOD = SyntheticSource(Hours()).fetch("SPY", START, END, "1m")


def clean(raw: pd.DataFrame, bar_minutes: int = 1, table=TABLE) -> CleanBars:
    return clean_bars(raw, table, bar_minutes, 15, "SPY.csv")


def at(clock: str, day: str = "2024-07-02") -> int:
    stamp = pd.Timestamp(f"{day} {clock}", tz="America/New_York")
    return int(np.flatnonzero(GOOD["timestamp_utc"] == stamp)[0])


def without(*rows: int) -> pd.DataFrame:
    return GOOD.drop(index=list(rows))


def changed(row: int, **cells: float) -> pd.DataFrame:
    bars = GOOD.copy()
    for name, value in cells.items():
        bars.loc[row, name] = value
    return bars


def test_good_bars_come_back_as_they_are_with_a_spotless_report():
    result = clean(GOOD)
    pd.testing.assert_frame_equal(result.bars, GOOD)
    report = result.report
    assert (report.bars_read, report.bars_used) == (990, 990)
    faults = ("out_of_order", "repeated", "not_a_number", "non_positive", "impossible", "off_grid", "outside_sessions")
    assert not any(getattr(report, name) for name in (*faults, "unknown_volume", "zero_volume"))
    assert [(s.date, s.expected, s.present, s.or_present, s.missing) for s in report.sessions] == [
        ("2024-07-02", 390, 390, 15, ()),
        ("2024-07-03", 210, 210, 15, ()),
        ("2024-07-05", 390, 390, 15, ()),
    ]


def test_missing_minutes_are_named_as_local_ranges():
    rows = [at("09:30"), at("09:44"), at("09:45"), at("12:00"), at("15:58"), at("15:59")]
    first, *others = clean(without(*rows)).report.sessions
    assert first.missing == ("09:30", "09:44–09:45", "12:00", "15:58–15:59")
    assert (first.expected, first.present, first.or_expected, first.or_present) == (390, 384, 15, 13)
    assert not any(s.missing for s in others)


def test_missing_minutes_of_longer_bars_reach_to_their_ends():
    five = SyntheticSource(Hours()).fetch("SPY", START, START, "5m")
    table = session_table(Hours(), START, START)
    first = clean(five.drop(index=[1, 2, 77]), 5, table).report.sessions[0]
    assert first.missing == ("09:35–09:44", "15:55–15:59")
    assert (first.or_expected, first.or_present) == (3, 1)


def test_a_session_without_bars_is_all_missing():
    half_day = GOOD["timestamp_utc"].dt.date == date(2024, 7, 3)
    report = clean(GOOD[~half_day]).report
    assert report.sessions[1].missing == ("09:30–12:59",)
    assert report.sessions_without_bars() == ("2024-07-03",)
    assert report.incomplete_ranges() == ()


def test_sessions_with_a_gap_in_the_opening_range_are_found():
    assert [s.date for s in clean(without(at("09:33"))).report.incomplete_ranges()] == ["2024-07-02"]
    assert clean(without(at("09:45"))).report.incomplete_ranges() == ()


def test_a_session_that_overrides_leave_without_time_lacks_nothing():
    hours = Hours(open="14:00")
    table = session_table(hours, START, END)
    report = clean(SyntheticSource(hours).fetch("SPY", START, END, "1m"), 1, table).report
    assert [(s.expected, s.present, s.missing) for s in report.sessions] == [(120, 120, ()), (0, 0, ()), (120, 120, ())]
    assert report.sessions_without_bars() == ()


def test_rows_out_of_order_are_sorted_and_counted():
    result = clean(GOOD.iloc[::-1])
    pd.testing.assert_frame_equal(result.bars, GOOD)
    assert result.report.out_of_order == 989


def test_the_last_row_of_a_stamp_is_kept():
    result = clean(pd.concat([changed(5, volume=1.0), GOOD.iloc[[5]]]))
    pd.testing.assert_frame_equal(result.bars, GOOD)
    assert (result.report.repeated, result.report.out_of_order) == (1, 1)


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ({"open": np.nan}, "not_a_number"),
        ({"close": np.inf}, "not_a_number"),
        ({"timestamp_utc": pd.NaT}, "not_a_number"),
        ({"low": 0.0}, "non_positive"),
        ({"low": -5.0}, "non_positive"),
        ({"high": 1.0}, "impossible"),
        ({"low": 10_000.0}, "impossible"),
    ],
)
def test_impossible_bars_are_dropped_and_counted_by_their_fault(cells, fault):
    result = clean(changed(5, **cells))
    pd.testing.assert_frame_equal(result.bars, without(5).reset_index(drop=True))
    faults = {name: getattr(result.report, name) for name in ("not_a_number", "non_positive", "impossible")}
    assert faults == {"not_a_number": 0, "non_positive": 0, "impossible": 0, fault: 1}


@pytest.mark.parametrize("volume", [np.nan, np.inf, -1.0])
def test_a_volume_that_cannot_be_is_unknown_and_the_bar_kept(volume):
    result = clean(changed(5, volume=volume))
    assert np.isnan(result.bars["volume"].iloc[5])
    assert (result.report.unknown_volume, result.report.bars_used) == (1, 990)


def test_zero_volume_is_counted_per_session():
    report = clean(changed(at("10:00", "2024-07-03"), volume=0.0)).report
    assert (report.zero_volume, [s.zero_volume for s in report.sessions]) == (1, [0, 1, 0])


def test_volume_0_on_a_moving_price_is_false_and_kept_as_it_is():
    row = at("10:00", "2024-07-03")
    bars = changed(row, volume=0.0)
    result = clean(bars)
    pd.testing.assert_frame_equal(result.bars, bars)
    assert (result.report.false_zero_volume, [s.false_zero_volume for s in result.report.sessions]) == (1, [0, 1, 0])
    (note,) = result.report.notes
    assert note.startswith("1 bars have volume 0 although the price moved, most of them on 2024-07-03 (1)")


def test_volume_0_is_true_where_the_price_stood_still():
    row = at("10:00")
    price = GOOD["close"].iloc[row - 1]
    report = clean(changed(row, open=price, high=price, low=price, close=price, volume=0.0)).report
    assert (report.zero_volume, report.false_zero_volume) == (1, 0)
    first = at("09:30", "2024-07-03")
    price = GOOD["close"].iloc[first - 1]
    opening = clean(changed(first, open=price, high=price, low=price, close=price, volume=0.0)).report
    assert opening.false_zero_volume == 1  # a session opens with a trade


def test_a_last_bar_without_range_or_volume_in_the_middle_of_a_session_looks_unfinished():
    row = at("11:00", "2024-07-05")
    price = GOOD["close"].iloc[row]
    live = changed(row, open=price, high=price, low=price, volume=0.0).iloc[: row + 1]
    report = clean(live).report
    assert report.unfinished_bar == "2024-07-05T15:00:00+00:00"
    assert report.notes[-1].startswith("the last bar (2024-07-05T15:00:00+00:00) looks unfinished")
    assert clean(GOOD.iloc[: row + 1]).report.unfinished_bar is None
    assert clean(changed(989, open=price, high=price, low=price, close=price, volume=0)).report.unfinished_bar is None


def test_what_the_source_said_of_its_bars_is_in_the_report():
    assert clean(with_notes(GOOD.copy(), ["moved back by 1 min"])).report.notes == ("moved back by 1 min",)
    assert clean(GOOD).report.notes == ()


def test_bars_outside_every_session_are_kept_and_counted():
    evening = GOOD.iloc[:3].assign(timestamp_utc=GOOD["timestamp_utc"].iloc[:3] + pd.Timedelta(hours=8))
    raw = pd.concat([GOOD, evening]).sort_values("timestamp_utc")
    report = clean(raw).report
    assert (report.bars_read, report.bars_used, report.outside_sessions) == (993, 990, 3)


def test_bars_of_other_dates_are_left_out():
    days_before = GOOD.assign(timestamp_utc=GOOD["timestamp_utc"] - pd.Timedelta(days=7))
    days_after = GOOD.assign(timestamp_utc=GOOD["timestamp_utc"] + pd.Timedelta(days=7))
    result = clean(pd.concat([days_before, GOOD, days_after]))
    pd.testing.assert_frame_equal(result.bars, GOOD)
    assert (result.report.bars_read, result.report.outside_sessions) == (2970, 0)


def test_a_live_bar_beside_the_grid_is_dropped():
    live = GOOD.iloc[[-1]].assign(timestamp_utc=GOOD["timestamp_utc"].iloc[[-1]] - pd.Timedelta(seconds=23))
    result = clean(pd.concat([GOOD, live]).sort_values("timestamp_utc"))
    pd.testing.assert_frame_equal(result.bars, GOOD)
    assert result.report.off_grid == 1


def test_a_jump_is_reported_and_kept():
    row = at("11:00")
    spike = changed(row, high=GOOD["high"].iloc[row] * 1.1)
    result = clean(spike)
    pd.testing.assert_frame_equal(result.bars, spike)
    known = len(clean(GOOD).report.jumps)
    jumps = result.report.jumps
    assert len(jumps) == known + 1
    assert max(jumps, key=lambda j: j.median_ranges).timestamp_utc == "2024-07-02T15:00:00+00:00"


def test_an_overnight_gap_is_no_jump():
    second_day = GOOD["timestamp_utc"].dt.date > date(2024, 7, 2)
    doubled = GOOD.copy()
    doubled.loc[second_day, ["open", "high", "low", "close"]] *= 2
    assert clean(doubled).report.jumps == clean(GOOD).report.jumps


def test_bars_longer_than_asked_for_are_refused_with_the_interval_they_have():
    five = SyntheticSource(Hours()).fetch("SPY", START, END, "5m")
    with pytest.raises(BarsError, match=r"5m apart on 2024-07-02 and 2 more sessions, but 1m .*--interval 5m"):
        clean(five)


def test_bars_shorter_than_asked_for_are_refused_with_the_interval_they_have():
    with pytest.raises(BarsError, match=r"1m apart .*, but 5m bars were asked for\. .*--interval 1m"):
        clean(GOOD, 5)


def test_an_interval_nobody_can_ask_for_is_named_with_those_one_can():
    hourly = SyntheticSource(Hours()).fetch("SPY", date(2024, 1, 2), date(2024, 1, 31), "30m").iloc[::2]
    table = session_table(Hours(), date(2024, 1, 2), date(2024, 1, 31))
    with pytest.raises(BarsError, match=r"bars are 60m apart .* Bars can be 1m, 2m, 5m, 15m, 30m"):
        clean(hourly, 1, table)


@pytest.mark.parametrize(("asked", "other"), [("1m", "5m"), ("5m", "1m")])
def test_one_session_of_another_interval_is_refused(asked, other):
    source = SyntheticSource(Hours())
    days = [(START, asked), (date(2024, 7, 3), other), (END, asked)]
    mixed = pd.concat([source.fetch("SPY", day, day, interval) for day, interval in days])
    with pytest.raises(BarsError, match=rf"{other} apart on 2024-07-03, but {asked} bars"):
        clean(mixed, int(asked[0]))


def test_a_thinly_traded_symbol_is_no_other_interval():
    thin = GOOD.iloc[[at("09:30"), at("09:36"), at("10:00"), at("13:02")]]
    assert clean(thin).report.bars_used == 4


def test_naive_stamps_are_refused():
    with pytest.raises(BarsError, match=r"SPY\.csv: timestamp_utc is datetime64.*no time zone"):
        clean(GOOD.assign(timestamp_utc=GOOD["timestamp_utc"].dt.tz_localize(None)))


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (GOOD.iloc[:0], "no bars for the 3 sessions from 2024-07-02 to 2024-07-05"),
        (GOOD.assign(open=-1.0), "none of the 990 bars has possible prices"),
        (
            GOOD.assign(timestamp_utc=GOOD["timestamp_utc"] + pd.Timedelta(days=30)),
            "reach from 2024-08-01 13:30:00.* none lies in the 3 sessions",
        ),
    ],
)
def test_nothing_left_is_an_error_that_says_what_there_was(raw, sentence):
    with pytest.raises(NoBarsError, match=sentence):
        clean(raw)


def test_bars_of_the_warm_up_alone_are_nothing_to_run_on():
    warm_up = GOOD[GOOD["timestamp_utc"].dt.date < END]
    with pytest.raises(NoBarsError, match="none lies in the session of 2024-07-05"):
        clean_bars(warm_up, TABLE, 1, 15, "SPY.csv", END)
    assert clean_bars(GOOD, TABLE, 1, 15, "SPY.csv", END).report.bars_used == 990


def test_the_report_is_plain_json():
    report = clean(without(at("09:33"))).report
    stored = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert stored["missing_bars"] == 1
    assert stored["sessions"][0]["missing"] == ["09:33"]


@settings(deadline=None, max_examples=60)
@given(
    rows=st.lists(st.integers(0, 989), min_size=1, max_size=400),
    bad=st.sets(st.integers(0, 989), max_size=20),
    seed=st.integers(0, 2**32 - 1),
)
def test_whatever_the_mess_the_good_rows_come_back_in_order_and_every_minute_is_accounted_for(rows, bad, seed):
    messy = GOOD.copy()
    messy.loc[list(bad), "low"] = np.nan
    messy = messy.iloc[rows].sample(frac=1, random_state=seed)
    kept = sorted(set(rows) - bad)
    if not kept:
        with pytest.raises(NoBarsError):
            clean(messy)
        return
    result = clean(messy)
    check_bars(result.bars)
    pd.testing.assert_frame_equal(result.bars, GOOD.iloc[kept].reset_index(drop=True))
    for row, session in enumerate(result.report.sessions):
        stamps = {s for s in result.bars["timestamp_utc"] if str(s.date()) == session.date}
        assert session.present == len(stamps)
        missing = set()
        for text in session.missing:
            first, _, last = text.partition("–")
            bounds = [pd.Timestamp(f"{session.date} {c}", tz="America/New_York") for c in (first, last or first)]
            missing.update(pd.date_range(*bounds, freq="min"))
        opens, closes = (pd.Timestamp(t[row], tz="UTC") for t in (TABLE.open_ns, TABLE.close_ns))
        assert stamps | missing == set(pd.date_range(opens, closes, freq="min", inclusive="left"))
        assert not stamps & missing


def real_report(file: str, calendar: str = "XNYS"):
    raw = pd.read_parquet(REAL_BARS / file)
    dates = raw["timestamp_utc"].dt.date
    table = session_table(Hours(calendar), dates.min(), dates.max())
    return clean(raw, 5 if "5m" in file else 1, table).report


@pytest.mark.skipif(not REAL_BARS.exists(), reason="the real bars are not on this machine")
def test_false_zero_volumes_and_live_bars_of_real_downloads_are_found():
    for symbol, zeros in (("QQQ", 191), ("NVDA", 172), ("TSLA", 177), ("SPY", 4)):
        report = real_report(f"yahoo/{symbol}_1m.parquet")
        assert report.zero_volume == report.false_zero_volume == zeros
        assert report.sessions[0].false_zero_volume in range(60)
    assert max(s.false_zero_volume for s in real_report("yahoo/QQQ_1m.parquet").sessions) == 53
    assert real_report("yahoo/QQQ_1m.parquet").unfinished_bar == "2026-03-31T14:59:00+00:00"
    assert real_report("yahoo/NVDA_1m.parquet").unfinished_bar is None


@pytest.mark.skipif(not REAL_BARS.exists(), reason="the real bars are not on this machine")
def test_a_stretch_missing_from_a_real_download_is_found():
    holes = {s.date: s.missing for s in real_report("yahoo/SPY_5m.parquet").sessions}
    assert holes["2026-01-30"] == ("10:20–15:59",)
    assert holes["2026-02-02"][0].startswith("09:30–")


@pytest.mark.skipif(not REAL_BARS.exists(), reason="the real bars are not on this machine")
def test_extended_hours_half_days_and_an_unadjusted_split_of_real_bars_are_found():
    apple = real_report("lean/AAPL_1m.parquet")
    assert (apple.outside_sessions, apple.bars_used) == (1133, 1170)
    (split,) = apple.suspected_splits
    assert (split.session_date, split.ratio, split.close_before, split.open_after) == (
        "2014-06-09",
        "7:1",
        645.57,
        92.69,
    )
    assert {s.date: s.expected for s in real_report("lean/GOOG_1m.parquet").sessions}["2015-12-24"] == 210


@pytest.mark.skipif(not REAL_BARS.exists(), reason="the real bars are not on this machine")
def test_no_other_real_bars_have_a_suspected_split():
    for file in REAL_BARS.glob("*/*.parquet"):
        calendar = {"ES": "CMES", "CO": "24/7"}.get(file.name[:2], "XNYS")
        found = real_report(f"{file.parent.name}/{file.name}", calendar).suspected_splits
        assert bool(found) == (file.name == "AAPL_1m.parquet"), file


@pytest.mark.skipif(not REAL_BARS.exists(), reason="the real bars are not on this machine")
def test_clean_real_bars_have_a_clean_report():
    for symbol in ("SPY", "QQQ"):
        report = real_report(f"ib/{symbol}_1m.parquet")
        assert report.notes == ()
        assert [s.date for s in report.sessions if s.missing] == ["2025-12-18"]  # the download ends there
