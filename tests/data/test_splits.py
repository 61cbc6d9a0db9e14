from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orb_core.data.bars import check_bars
from orb_core.data.quality import CleanBars, adjust_splits, clean_bars
from orb_core.data.sessions import session_table
from orb_core.data.splits import RATIOS
from orb_core.data.synthetic import SyntheticSource

START, END = date(2024, 1, 2), date(2024, 12, 31)
PRICES = ["open", "high", "low", "close"]


@dataclass(frozen=True)
class Hours:
    calendar: str = "XNYS"
    open: str | None = None
    close: str | None = None
    timezone: str | None = None


TABLE = session_table(Hours(), START, END)


@cache
def year(seed: int = 0, symbol: str = "SPY") -> pd.DataFrame:
    return SyntheticSource(Hours(), seed).fetch(symbol, START, END, "30m")


def clean(bars: pd.DataFrame) -> CleanBars:
    return clean_bars(bars, TABLE, 30, 30, "AAPL.csv")


def split(bars: pd.DataFrame, session: int, new: int, old: int) -> pd.DataFrame:
    """Bars as they are when nobody takes a split of `new` shares for `old` out."""
    before = bars["timestamp_utc"] < pd.Timestamp(TABLE.open_ns[session], tz="UTC")
    bars = bars.copy()
    bars.loc[before, PRICES] *= new / old
    bars.loc[before, "volume"] /= new / old
    return bars


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), symbol=st.sampled_from(["SPY", "NVDA", "ES=F", "BTC-USD"]))
def test_no_usual_year_has_a_suspected_split(seed, symbol):
    assert clean(year(seed, symbol)).report.suspected_splits == ()


@settings(max_examples=60)
@given(session=st.integers(1, 251), ratio=st.sampled_from(RATIOS))
def test_every_common_split_of_a_usual_year_is_suspected_and_can_be_taken_out(session, ratio):
    report = clean(split(year(), session, *ratio)).report
    (found,) = report.suspected_splits
    assert (found.session_date, found.ratio) == (str(TABLE.dates[session]), "{}:{}".format(*ratio))
    adjusted = adjust_splits(clean(split(year(), session, *ratio)), TABLE)
    check_bars(adjusted.bars)
    pd.testing.assert_frame_equal(adjusted.bars, year(), rtol=1e-12)
    assert adjusted.report.splits_adjusted
    assert not report.splits_adjusted


def test_two_splits_are_both_taken_out():
    raw = split(split(year(), 200, 4, 1), 100, 1, 10)
    adjusted = adjust_splits(clean(raw), TABLE)
    assert [s.ratio for s in adjusted.report.suspected_splits] == ["1:10", "4:1"]
    pd.testing.assert_frame_equal(adjusted.bars, year(), rtol=1e-12)


def test_the_report_says_what_a_split_does_and_what_was_done_about_it():
    raw = split(year(), 100, 7, 1)
    (before,) = clean(raw).report.notes
    assert "looks like a 7:1 split: ranges and averages across it are wrong, unless" in before
    assert "--adjust-splits" in before
    (after,) = adjust_splits(clean(raw), TABLE).report.notes
    assert "taken for a 7:1 split: the prices before are divided by 7, the volumes multiplied by it" in after


def test_nothing_is_adjusted_where_nothing_is_suspected():
    spotless = clean(year())
    assert adjust_splits(spotless, TABLE) is spotless


@given(share=st.floats(0.71, 1.4))
def test_a_gap_of_up_to_40_percent_is_no_split(share):
    assert clean(split(year(), 100, 1, 1).assign(**gapped(share))).report.suspected_splits == ()


def gapped(share: float) -> dict[str, pd.Series]:
    later = (year()["timestamp_utc"] >= pd.Timestamp(TABLE.open_ns[100], tz="UTC")).to_numpy()
    return {name: year()[name] * np.where(later, share, 1) for name in PRICES}


@pytest.mark.parametrize(("off", "is_suspected"), [(0.0, True), (0.02, True), (0.06, False)])
def test_a_gap_beside_a_common_ratio_is_no_split(off, is_suspected):
    found = clean(year().assign(**gapped((1 + off) / 2))).report.suspected_splits
    assert bool(found) == is_suspected


def test_a_crash_by_a_half_is_no_split_as_its_day_is_wild():
    bars = year().assign(**gapped(0.5))
    day = bars["timestamp_utc"].dt.date == TABLE.dates[100].astype(date)
    bars.loc[day, "high"] *= 1.15
    bars.loc[day, "low"] *= 0.85
    assert clean(bars).report.suspected_splits == ()


def test_a_price_halved_over_a_hole_of_weeks_is_no_split():
    bars = year().assign(**gapped(0.5))
    opens = pd.to_datetime(TABLE.open_ns[[90, 100]], utc=True)
    hole = bars["timestamp_utc"].between(*opens, inclusive="left")
    assert clean(bars[~hole]).report.suspected_splits == ()
    one_day = bars["timestamp_utc"].dt.date == TABLE.dates[99].astype(date)
    assert clean(bars[~one_day]).report.suspected_splits[0].ratio == "2:1"


def test_bars_outside_sessions_are_adjusted_by_their_date():
    raw = split(year(), 100, 2, 1)
    session = pd.Timestamp(TABLE.open_ns[100], tz="UTC")
    evening, morning = session - pd.Timedelta(hours=15), session - pd.Timedelta(hours=2)
    outside = raw.iloc[:2].assign(timestamp_utc=[evening, morning])
    bars = adjust_splits(clean(pd.concat([raw, outside])), TABLE).bars.set_index("timestamp_utc")
    assert bars.loc[evening, "open"] == outside["open"].iloc[0] / 2
    assert bars.loc[morning, "open"] == outside["open"].iloc[1]
