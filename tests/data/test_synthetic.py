from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pytest

from orb_core.data.bars import check_bars, fingerprint
from orb_core.data.sessions import session_of_bars, session_table
from orb_core.data.synthetic import SyntheticSource
from orb_core.errors import NoSessionsError


@dataclass(frozen=True)
class Hours:
    calendar: str = "XNYS"
    open: str | None = None
    close: str | None = None
    timezone: str | None = None


NEW_YORK = SyntheticSource(Hours())
YEAR = (date(2024, 1, 1), date(2024, 12, 31))


def bars_of(symbol="SPY", start=YEAR[0], end=YEAR[1], interval="1m", source=NEW_YORK) -> pd.DataFrame:
    return source.fetch(symbol, start, end, interval)


def daily(bars: pd.DataFrame) -> pd.DataFrame:
    index = session_of_bars(session_table(Hours(), *YEAR), bars["timestamp_utc"].astype("int64").to_numpy(), 1)
    return bars.groupby(index).agg({"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"})


def by_minute(values: pd.Series, bars: pd.DataFrame) -> pd.Series:
    stamps = bars["timestamp_utc"]
    return values.groupby(stamps.groupby(stamps.dt.date).cumcount()).mean()


def test_the_same_bars_come_out_on_every_machine():
    around_a_half_day = bars_of(start=date(2024, 7, 2), end=date(2024, 7, 5))
    crypto = SyntheticSource(Hours("24/7"), seed=7).fetch("BTC-USD", date(2024, 3, 9), date(2024, 3, 10), "5m")
    assert around_a_half_day.iloc[0, 1:].tolist() == [431.61, 431.63, 431.4, 431.4, 70216.0]
    assert fingerprint(around_a_half_day) == "a1858d497fda713f44b8d08bd1c6bb4596fb7fa19bac0ee7117013022768c7f9"
    assert fingerprint(crypto) == "2d87d22fb522cbe007046cfb9f6e685542a9aedd2bd55defbe968b43ebaaac9c"


def test_a_session_does_not_depend_on_what_else_is_asked():
    year = bars_of()
    for day in (date(2024, 1, 2), date(2024, 7, 3), date(2024, 7, 5), date(2024, 12, 31)):
        alone = bars_of(start=day, end=day)
        same = year[year["timestamp_utc"].dt.date == day].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone, same)


def test_symbols_and_seeds_have_prices_of_their_own():
    day = {"start": date(2024, 7, 2), "end": date(2024, 7, 2)}
    seeded = SyntheticSource(Hours(), seed=1)
    prints = {
        fingerprint(bars_of(**day)),
        fingerprint(bars_of("QQQ", **day)),
        fingerprint(bars_of(**day, source=seeded)),
    }
    assert len(prints) == 3
    returns = [daily(bars_of(s))["close"].diff().iloc[1:] for s in ("SPY", "QQQ")]
    assert abs(np.corrcoef(*returns)[0, 1]) < 0.25


@pytest.mark.parametrize(
    "hours", [Hours(), Hours("24/7"), Hours("CMES"), Hours(open="14:00"), Hours(open="08:00", close="20:00")]
)
def test_every_minute_of_every_session_has_a_bar_and_nothing_else_does(hours):
    start, end = date(2024, 6, 28), date(2024, 7, 8)
    bars = SyntheticSource(hours).fetch("ES=F", start, end, "1m")
    check_bars(bars)
    table = session_table(hours, start, end)
    index = session_of_bars(table, bars["timestamp_utc"].astype("int64").to_numpy(), 1)
    assert np.bincount(index, minlength=len(table)).tolist() == table.minutes().tolist()


@pytest.mark.parametrize("interval", ["2m", "5m", "15m", "30m"])
def test_longer_bars_are_the_minute_bars_put_together(interval):
    dates = {"start": date(2024, 7, 2), "end": date(2024, 7, 5)}
    rules = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    expected = bars_of(**dates).resample(interval.replace("m", "min"), on="timestamp_utc").agg(rules).dropna()
    pd.testing.assert_frame_equal(
        bars_of(**dates, interval=interval), expected.reset_index(), check_dtype=False, check_column_type=False
    )


def test_a_last_bar_that_would_end_after_the_close_is_left_out():
    hours = Hours(close="15:50")
    bars = SyntheticSource(hours).fetch("SPY", date(2024, 7, 2), date(2024, 7, 2), "30m")
    assert len(bars) == 12


def test_prices_lie_on_whole_ticks():
    bars = bars_of(end=date(2024, 1, 31))
    for name in ("open", "high", "low", "close"):
        ticks = np.rint(bars[name] * 100)
        assert (bars[name] == ticks / 100).all()


def test_a_day_moves_about_one_percent_and_gaps_overnight_are_smaller():
    days = daily(bars_of())
    ranges = (days["high"] - days["low"]) / days["close"]
    gaps = (days["open"] / days["close"].shift() - 1).abs().iloc[1:]
    assert 0.008 < ranges.mean() < 0.012
    assert ranges.min() > 0.002
    assert ranges.max() < 0.05
    assert 0.001 < gaps.mean() < 0.005
    assert gaps.max() < 0.03


def test_prices_wander_without_leaving_the_plausible_over_decades():
    for symbol in ("SPY", "QQQ", "DEMO"):
        closes = [
            bars_of(symbol, start=date(year, 6, 3), end=date(year, 6, 7), interval="30m")["close"].iloc[-1]
            for year in range(1990, 2027, 2)
        ]
        assert min(closes) > 5
        assert max(closes) / min(closes) < 20
        assert len(set(closes)) == len(closes)


def test_volume_and_volatility_are_u_shaped():
    bars = bars_of()
    volume, width = by_minute(bars["volume"], bars), by_minute(bars["high"] - bars["low"], bars)
    for profile in (volume, width):
        opening, middle, closing = profile[:15].mean(), profile[150:240].mean(), profile[375:390].mean()
        assert opening > 1.5 * middle
        assert closing > 1.2 * middle


def test_some_sessions_trend_and_others_go_nowhere():
    bars = bars_of()
    days = daily(bars)
    steps = bars["close"].diff().abs().groupby(bars["timestamp_utc"].dt.date).sum().to_numpy()
    directness = ((days["close"] - days["open"]).abs().to_numpy() / steps) * np.sqrt(390)
    assert np.quantile(directness, 0.9) > 1.5
    assert np.quantile(directness, 0.3) < 0.6


def test_dates_without_a_session_are_an_error_that_says_so():
    with pytest.raises(NoSessionsError, match="XNYS has no session from 2024-07-06 to 2024-07-07"):
        bars_of(start=date(2024, 7, 6), end=date(2024, 7, 7))


def test_the_first_session_of_a_calendar_has_bars_too():
    assert len(SyntheticSource(Hours("AIXK")).fetch("X", date(2017, 1, 1), date(2017, 1, 4), "1m")) > 0
