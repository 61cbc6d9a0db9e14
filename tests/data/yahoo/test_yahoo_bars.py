import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orb_core.data.bars import PRICES, VALUES
from orb_core.data.day_archive import DayBars
from orb_core.data.sessions import MINUTE_NS
from orb_core.data.yahoo_bars import Window, session_bars, without_float32_noise

OPEN = 1_774_013_400 * 10**9


def bars_of(minutes, close, volume, high=None):
    close = np.array(close, dtype=float)
    columns = dict.fromkeys(PRICES, close) | {"volume": np.array(volume, dtype=float)}
    if high is not None:
        columns["high"] = np.array(high, dtype=float)
    return DayBars(OPEN + np.array(minutes) * MINUTE_NS, columns)


def of_session(bars, minutes=390, asked=1, wanted=1, now_minutes=10_000):
    window = Window(OPEN, OPEN + minutes * MINUTE_NS, OPEN)
    return session_bars(bars, window, asked, wanted, OPEN + int(now_minutes * MINUTE_NS))


@pytest.mark.parametrize(
    ("sent", "price"),
    [
        (475.30999755859375, 475.31),
        (475.30999, 475.31),
        (657.8599853515625, 657.86),
        (np.float32(0.00012345), 0.00012345),
        (np.float32(118.7525), 118.7525),
        (np.float32(1.08505), 1.08505),
        (np.float32(67_234.52), 67_234.52),
        (4512.25, 4512.25),
        (100_123.45, 100_123.45),
        (700_123.4375, 700_123.44),
        (3e-12, 3e-12),
    ],
)
def test_float32_noise_is_removed_from_cents_sub_pennies_pairs_and_coins(sent, price):
    assert without_float32_noise(np.array([float(sent)])).tolist() == [price]


def test_a_missing_price_stays_missing():
    assert np.isnan(without_float32_noise(np.array([np.nan]))).all()


@given(cents=st.integers(1, 8_000_000))
def test_every_price_in_cents_survives_float32(cents):
    sent = np.array([np.float32(cents / 100)], dtype=float)
    assert without_float32_noise(sent).tolist() == [cents / 100]


@given(prices=st.lists(st.floats(2.0**-20, 1e6, width=32), min_size=2, max_size=20))
def test_removing_noise_never_swaps_two_prices(prices):
    cleaned = without_float32_noise(np.sort(np.array(prices, dtype=float)))
    assert (np.diff(cleaned) >= 0).all()


def test_a_volume_of_zero_is_unknown_where_the_price_moved():
    bars = bars_of(range(6), [10, 10, 11, 11, 11, 11], [5, 0, 0, 0, 0, 7], high=[10, 10, 11, 11, 12, 11])
    volume = of_session(bars).columns["volume"]
    assert np.isnan(volume).tolist() == [False, False, True, False, True, False]
    assert volume[1] == volume[3] == 0


def test_a_first_bar_never_had_a_volume_of_zero():
    assert np.isnan(of_session(bars_of([0], [10], [0])).columns["volume"]).all()


def test_only_finished_bars_on_the_grid_of_the_session_are_kept():
    bars = bars_of([-1, 0, 1, 1.5, 2, 3, 4, 5], range(10, 18), [1] * 8)
    kept = of_session(bars, minutes=5, now_minutes=4.99)
    assert ((kept.starts_ns - OPEN) / MINUTE_NS).tolist() == [0, 1, 2, 3]


def test_half_hours_are_put_together_from_the_open_whatever_the_clock_says():
    bars = bars_of([0, 15, 30, 45, 60], [10, 12, 11, 9, 8], [1, 2, 3, 0, 5])
    kept = of_session(bars, asked=15, wanted=30, now_minutes=89)
    assert ((kept.starts_ns - OPEN) / MINUTE_NS).tolist() == [0, 30]
    assert [kept.columns[name].tolist() for name in VALUES[:4]] == [[10, 11], [12, 11], [10, 9], [12, 9]]
    assert kept.columns["volume"].tolist()[0] == 3
    assert np.isnan(kept.columns["volume"][1])  # a part of it is unknown


def test_no_bars_stay_no_bars():
    for wanted in (1, 30):
        assert of_session(bars_of([], [], []), wanted=wanted).starts_ns.size == 0
