import math

import numpy as np
import pytest
import scipy.stats

from orb_core.analytics.robustness import paired_difference


def test_the_interval_of_a_paired_difference_agrees_with_scipy():
    rng = np.random.default_rng(0)
    market = rng.normal(0, 3, 250)
    a, b = market + rng.normal(0, 0.3, 250), market + rng.normal(0.02, 0.3, 250)
    ours = paired_difference(a, b)
    theirs = scipy.stats.bootstrap(
        (b - a,), np.sum, n_resamples=10_000, method="percentile", rng=np.random.default_rng(0), batch=1000
    ).confidence_interval
    assert ours.difference == pytest.approx(b.sum() - a.sum())
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.8)


def test_what_moves_both_on_a_day_says_nothing_about_their_difference():
    market = np.random.default_rng(1).normal(0, 10, 100)
    steady = paired_difference(market, market + 0.1)
    assert (steady.low, steady.difference, steady.high) == pytest.approx((10.0, 10.0, 10.0))
    assert not steady.could_be_chance
    assert steady.p_value == 0.0


def test_swapping_the_two_turns_the_sign_and_nothing_else():
    a, b = np.random.default_rng(2).normal(0.1, 1, (2, 60))
    there, back = paired_difference(a, b), paired_difference(b, a)
    assert (back.difference, back.low, back.high) == pytest.approx((-there.difference, -there.high, -there.low))
    assert back.p_value == there.p_value
    assert back.could_be_chance == there.could_be_chance


def test_equal_results_could_be_chance():
    same = paired_difference(np.ones(10), np.ones(10))
    assert (same.difference, same.low, same.high, same.p_value) == (0.0, 0.0, 0.0, 1.0)
    assert same.could_be_chance


@pytest.mark.parametrize("days", [0, 1])
def test_too_few_days_have_a_difference_but_no_interval(days):
    few = paired_difference(np.zeros(days), np.ones(days))
    assert (few.days, few.difference) == (days, float(days))
    assert math.isnan(few.low)
    assert math.isnan(few.p_value)
    assert few.could_be_chance


def test_differences_of_pure_luck_are_called_more_than_chance_about_one_time_in_twenty():
    rng = np.random.default_rng(3)
    called = [not paired_difference(*rng.normal(0, 1, (2, 120))).could_be_chance for _ in range(200)]
    assert 0.01 <= np.mean(called) <= 0.10
