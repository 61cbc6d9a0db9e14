from random import Random
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from orb_core.engine import records
from orb_core.engine.indicators_nb import adx_nb, daily_atr_nb
from tests.engine.reference_market import MINUTE_NS, Market
from tests.engine.runs import bar_list
from tests.strategies import BYTES_PER_BAR, bars_of


@st.composite
def random_bars(draw, least: int) -> pd.DataFrame:
    """Coarse bars one minute apart; with a stretch of zeros, flat ones without any movement."""
    n = draw(st.integers(least, 400))
    noise = bytearray(Random(draw(st.integers(0, 2**32 - 1))).randbytes(n * BYTES_PER_BAR))  # noqa: S311
    flat = draw(st.integers(0, len(noise)))
    noise[flat // 3 : flat // 2] = bytes(flat // 2 - flat // 3)
    return bars_of([k * MINUTE_NS for k in range(1, n + 1)], bytes(noise), 0.01, 10_000)


def extremes(bars: pd.DataFrame) -> list[np.ndarray]:
    return [bars[name].to_numpy() for name in ("high", "low", "close")]


def reference_adx(bars: pd.DataFrame, period: int) -> list[float]:
    config = SimpleNamespace(factors=SimpleNamespace(adx=SimpleNamespace(period=period)))
    return Market.adx_of_all_bars(SimpleNamespace(settings=config, bars=bar_list(bars)))


def adx_of(high: np.ndarray, low: np.ndarray, close: np.ndarray, period: int) -> np.ndarray:
    values = np.empty(close.size)
    adx_nb(high, low, close, period, values)
    return values


@settings(max_examples=100, deadline=None)
@given(bars=random_bars(least=2), period=st.integers(2, 20))
def test_adx_is_that_of_ta_lib(bars: pd.DataFrame, period: int):
    expected = talib.ADX(*extremes(bars), timeperiod=period)
    assert np.isnan(expected[: 2 * period - 1]).all()
    np.testing.assert_allclose(adx_of(*extremes(bars), period), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(reference_adx(bars, period), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("slope", [0.0, 0.5, -0.5])
def test_adx_of_a_straight_line_is_that_of_ta_lib(slope: float):
    close = 100 + slope * np.arange(60)
    expected = talib.ADX(close, close, close, timeperiod=14)
    np.testing.assert_allclose(adx_of(close, close, close, 14), expected, rtol=1e-9)


@settings(max_examples=100, deadline=None)
@given(bars=random_bars(least=3), period=st.integers(1, 20))
def test_daily_atr_is_that_of_ta_lib_from_the_period_on(bars: pd.DataFrame, period: int):
    sessions = np.zeros(len(bars) + 1, records.SESSION_ROW)  # one bar each, and one session still to come
    sessions["first_bar"], sessions["bars"] = np.arange(len(sessions)), 1
    sessions["bars"][-1] = 0
    high, low, close = extremes(bars)
    daily_atr_nb(sessions, high, low, close, period)
    # TA-Lib leaves out the first bar, which has no close before it; ours counts it as high - low.
    high, low, close = (np.insert(prices, 0, low[0]) for prices in (high, low, close))
    expected = talib.ATR(high, low, close, timeperiod=period)
    np.testing.assert_allclose(sessions["daily_atr"][period:], expected[period:], rtol=1e-9)


def test_before_the_period_is_full_daily_atr_is_the_mean_of_the_ranges_so_far():
    sessions = np.zeros(4, records.SESSION_ROW)
    sessions["first_bar"], sessions["bars"] = np.arange(4), 1
    high, low, close = (
        np.array([12.0, 15.0, 15.0, 15.0]),
        np.array([10.0, 13.0, 9.0, 9.0]),
        np.array([11.0, 14.0, 10.0, 10.0]),
    )
    daily_atr_nb(sessions, high, low, close, 14)
    np.testing.assert_array_equal(sessions["daily_atr"], [np.nan, 2.0, 3.0, 4.0])
