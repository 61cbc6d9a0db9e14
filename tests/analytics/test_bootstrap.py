import math

import numpy as np
import pytest
import scipy.stats

from orb_core.analytics import metrics
from orb_core.analytics.bootstrap_nb import resample_means_nb

MASK = (1 << 64) - 1


def split_mix_64(seed):
    state = seed
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield z ^ (z >> 31)


def positions(numbers, n):
    drawn = []
    while len(drawn) < n:
        z = next(numbers)
        drawn += [(z % 2**32 * n) >> 32, ((z >> 32) * n) >> 32]
    return drawn[:n]


def test_the_generator_of_the_reference_is_split_mix_64():
    # First outputs for seed 1234567, as listed with Vigna's splitmix64.c implementations.
    numbers = split_mix_64(1234567)
    assert [next(numbers) for _ in range(3)] == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@pytest.mark.parametrize("n", [1, 2, 7, 300])
@pytest.mark.parametrize("seed", [0, 5])
def test_the_kernel_draws_what_the_slow_reference_draws(n, seed):
    values = np.random.default_rng(n).normal(size=n)
    numbers = split_mix_64(seed)
    expected = [values[positions(numbers, n)].mean() for _ in range(20)]
    np.testing.assert_allclose(resample_means_nb(values, 20, seed), expected, atol=1e-12)


def test_every_trade_is_drawn_equally_often():
    n = 50
    means = np.array([resample_means_nb(np.eye(n)[i], 400, 0).sum() for i in range(n)])
    assert means.sum() == pytest.approx(400)
    counts = means * n
    assert scipy.stats.chisquare(counts).pvalue > 0.001


def test_the_interval_agrees_with_scipy_s_percentile_bootstrap():
    r = np.random.default_rng(1).normal(0.1, 1.2, 200)
    theirs = scipy.stats.bootstrap(
        (r,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(0), batch=1000
    ).confidence_interval
    low, high = metrics.bootstrap_ci95(metrics.bootstrap_means(r))
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.012)


def test_the_p_value_is_close_to_the_normal_one_for_many_trades():
    r = np.random.default_rng(2).normal(0.05, 1.0, 1000)
    expected = scipy.stats.norm.sf(r.mean() / (r.std() / math.sqrt(r.size)))
    assert metrics.bootstrap_p(metrics.bootstrap_means(r)) == pytest.approx(expected, abs=0.015)


def test_the_same_trades_give_the_same_interval_every_time():
    r = np.random.default_rng(3).normal(size=77)
    np.testing.assert_array_equal(metrics.bootstrap_means(r), metrics.bootstrap_means(r[::1].copy()))
    assert (metrics.bootstrap_means(r) != metrics.bootstrap_means(r, seed=1)).any()


def test_one_trade_has_no_interval():
    means = metrics.bootstrap_means(np.array([1.0]))
    assert math.isnan(metrics.bootstrap_p(means))
    assert all(map(math.isnan, metrics.bootstrap_ci95(means)))


def test_losing_only_cannot_be_above_zero_and_winning_only_cannot_be_below():
    assert metrics.bootstrap_p(metrics.bootstrap_means(np.array([-1.0, -0.5]))) == 1
    assert metrics.bootstrap_p(metrics.bootstrap_means(np.array([1.0, 0.5]))) == 0
    assert metrics.bootstrap_p(metrics.bootstrap_means(np.array([0.0, 0.0]))) == 1
