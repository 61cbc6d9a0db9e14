import math

import numpy as np
import pandas as pd
import pytest
import quantstats.stats as quantstats
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st

from orb_core.analytics import metrics

R = np.array([1.5, -1.0, -1.0, 2.0, 0.0, 0.5, -1.0])
NONE = np.array([])

results = st.lists(st.floats(-20, 20).map(lambda value: round(value, 4)), max_size=60).map(
    lambda values: np.array(values, dtype=np.float64)
)


def fractions(r):
    """As returns of 1 % risk a day: quantstats takes a series with values above 1 and none below 0 for prices."""
    return pd.Series(r / 100, index=pd.bdate_range("2020-01-01", periods=len(r)))


@pytest.fixture(scope="module")
def year():
    return np.random.default_rng(3).normal(0.08, 1.1, 252)


def test_hand_computed_trade_numbers():
    assert metrics.mean(R) == pytest.approx(1 / 7)
    assert metrics.median(R) == 0
    assert metrics.std(R) == pytest.approx(math.sqrt((9.5 - 1 / 7) / 6))
    assert metrics.win_rate(R) == pytest.approx(3 / 7)
    assert metrics.profit_factor(R) == pytest.approx(4 / 3)
    assert metrics.payoff_ratio(R) == pytest.approx(4 / 3)
    assert metrics.largest_win(R) == 2
    assert metrics.largest_loss(R) == -1
    assert metrics.t_stat(R) == pytest.approx(scipy.stats.ttest_1samp(R, 0).statistic)
    assert metrics.sqn(R) == metrics.t_stat(R)


@pytest.mark.parametrize("r", [[0.5, 0.5], [-1.0, -1.0000000000000002], [0.1 + 0.2, 0.3], [0.0, 0.0]])
def test_values_that_are_equal_but_for_rounding_do_not_vary(r):
    assert metrics.std(np.array(r)) == 0.0
    assert math.isnan(metrics.sqn(np.array(r)))
    assert math.isnan(metrics.sharpe(np.array(r), 252))


def test_values_that_differ_by_little_do_vary():
    assert metrics.std(np.array([1.0, 1.00001])) == pytest.approx(1e-5 / math.sqrt(2))


def test_a_scratch_trade_is_neither_a_win_nor_a_loss_and_ends_a_streak():
    assert metrics.win_rate(np.array([0.0, 1.0])) == 0.5
    assert metrics.longest_streak(np.array([1.0, 1.0, 0.0, 1.0]) > 0) == 2
    assert metrics.longest_streak(R < 0) == 2


@pytest.mark.parametrize(("flags", "longest"), [([], 0), ([False], 0), ([True], 1), ([True, False, True, True], 2)])
def test_the_longest_streak_counts_at_both_ends(flags, longest):
    assert metrics.longest_streak(np.array(flags, dtype=bool)) == longest


@pytest.mark.parametrize(
    "number",
    [
        metrics.mean,
        metrics.median,
        metrics.std,
        metrics.win_rate,
        metrics.profit_factor,
        metrics.payoff_ratio,
        metrics.share_of_best,
        metrics.largest_win,
        metrics.largest_loss,
        metrics.recovery_factor,
        metrics.t_stat,
        metrics.sqn,
        metrics.probabilistic_sharpe,
        lambda r: metrics.sharpe(r, 252),
        lambda r: metrics.sortino(r, 252),
        lambda r: metrics.bootstrap_p(metrics.bootstrap_means(r)),
        lambda r: metrics.bootstrap_ci95(metrics.bootstrap_means(r))[0],
    ],
)
def test_without_trades_a_number_is_undefined_rather_than_zero(number):
    assert math.isnan(number(NONE))


def test_what_divides_by_nothing_is_undefined_rather_than_infinite():
    wins, equal = np.array([1.0, 2.0]), np.array([0.1, 0.1, 0.1])
    assert math.isnan(metrics.profit_factor(wins))
    assert math.isnan(metrics.payoff_ratio(wins))
    assert math.isnan(metrics.recovery_factor(wins))
    assert math.isnan(metrics.sortino(wins, 252))
    assert math.isnan(metrics.sharpe(equal, 252))
    assert math.isnan(metrics.t_stat(equal))
    assert math.isnan(metrics.probabilistic_sharpe(equal))
    assert metrics.profit_factor(-wins) == 0


def test_losing_only_has_no_largest_win():
    assert math.isnan(metrics.largest_win(np.array([-1.0, 0.0])))
    assert math.isnan(metrics.largest_loss(np.array([1.0, 0.0])))


def test_one_trade_can_be_more_than_all_of_the_profit():
    assert metrics.share_of_best(np.array([3.0, -1.0])) == pytest.approx(1.5)
    assert math.isnan(metrics.share_of_best(np.array([3.0, -4.0])))


def test_drawdown_is_measured_from_a_peak_that_starts_at_zero():
    np.testing.assert_allclose(metrics.drawdowns(np.array([-1.0, 2.0, -0.5])), [0, -1, 0, -0.5])


def test_a_drawdown_lasts_from_its_last_peak_to_the_trade_that_makes_it_good():
    curve = metrics.drawdowns(np.array([1.0, 0.0, -2.0, 1.0, -1.5, 3.0, -1.0]))
    first, second = metrics.drawdown_spans(curve)
    assert first == metrics.DrawdownSpan(peak=2, bottom=5, end=6, recovered=True)
    assert second == metrics.DrawdownSpan(peak=6, bottom=7, end=7, recovered=False)
    assert metrics.deepest(curve) == first


def test_a_drawdown_made_good_up_to_rounding_is_over():
    assert metrics.deepest(metrics.drawdowns(np.array([0.3, -0.1, -0.2, 0.1, 0.2]))).recovered


def test_a_curve_that_never_falls_has_no_drawdown():
    assert metrics.deepest(metrics.drawdowns(np.array([1.0, 2.0]))) is None
    assert metrics.deepest(metrics.drawdowns(NONE)) is None


@given(results)
def test_drawdowns_never_rise_above_zero_and_their_spans_hold_their_depth(r):
    curve = metrics.drawdowns(r)
    assert (curve <= 0).all()
    for span in metrics.drawdown_spans(curve):
        assert span.peak < span.bottom <= span.end
        assert curve[span.bottom] == curve[span.peak : span.end + 1].min()
        assert curve[span.peak] > -1e-9
        assert span.recovered == (curve[span.end] > -1e-9)


@given(results, st.randoms(use_true_random=False))
def test_the_order_of_trades_does_not_change_what_ignores_order(r, random):
    shuffled = r.copy()
    random.shuffle(shuffled)
    for number in (metrics.mean, metrics.std, metrics.profit_factor, metrics.win_rate, metrics.t_stat):
        assert number(shuffled) == pytest.approx(number(r), nan_ok=True, abs=1e-9)


@given(results)
def test_expectancy_is_wins_and_losses_weighed_by_how_often_they_come(r):
    assume((r > 0).any() and (r < 0).any())
    loss_rate = float((r < 0).mean())
    expected = metrics.win_rate(r) * metrics.mean(r[r > 0]) + loss_rate * metrics.mean(r[r < 0])
    assert metrics.mean(r) == pytest.approx(expected, abs=1e-9)


def test_sharpe_and_sortino_agree_with_quantstats(year):
    returns = fractions(year)
    assert metrics.sharpe(year, 252) == pytest.approx(quantstats.sharpe(returns), rel=1e-12)
    assert metrics.sortino(year, 252) == pytest.approx(quantstats.sortino(returns), rel=1e-12)


def test_trade_ratios_agree_with_quantstats(year):
    returns = fractions(year)
    assert metrics.profit_factor(year) == pytest.approx(quantstats.profit_factor(returns), rel=1e-12)
    assert metrics.payoff_ratio(year) == pytest.approx(quantstats.payoff_ratio(returns), rel=1e-12)
    assert metrics.win_rate(year) == pytest.approx(quantstats.win_rate(returns), rel=1e-12)
    assert metrics.longest_streak(year > 0) == quantstats.consecutive_wins(returns)
    assert metrics.longest_streak(year < 0) == quantstats.consecutive_losses(returns)


def test_days_without_a_trade_count_in_the_sharpe_ratio():
    # Trades of mean m and deviation s on a share p of the days: SR² = p·m² / (s² + (1 − p)·m²).
    rng = np.random.default_rng(0)
    traded = rng.random(200_000) < 0.6
    daily = np.where(traded, rng.normal(0.05, 1.0, traded.size), 0.0)
    share, m, s = traded.mean(), daily[traded].mean(), daily[traded].std()
    expected = math.sqrt(share * m**2 / (s**2 + (1 - share) * m**2) * 252)
    assert metrics.sharpe(daily, 252) == pytest.approx(expected, rel=1e-4)


def test_probabilistic_sharpe_gives_the_published_example():
    # Bailey & López de Prado (2014): annual Sharpe 2.5 over 1,250 days, best of 100 trials; 0.1132 is what luck gives.
    ratio = 2.5 / math.sqrt(250)
    assert metrics.probabilistic_sharpe_of(ratio, 1250, -3, 10, benchmark=0.1132) == pytest.approx(0.9004, abs=2e-4)


def test_probabilistic_sharpe_takes_its_moments_as_scipy_does(year):
    skewed = np.exp(year) - 1.2
    ratio = skewed.mean() / skewed.std(ddof=1)
    skewness, kurtosis = scipy.stats.skew(skewed), scipy.stats.kurtosis(skewed, fisher=False)
    error = math.sqrt((1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2) / (skewed.size - 1))
    assert metrics.probabilistic_sharpe(skewed) == pytest.approx(scipy.stats.norm.cdf(ratio / error), rel=1e-9)


def test_probabilistic_sharpe_of_moments_without_a_variance_is_undefined():
    assert math.isnan(metrics.probabilistic_sharpe_of(1.0, 3, 1.5, 1.5))


def test_growth_is_annual_and_undefined_once_the_capital_is_gone():
    assert metrics.cagr(100.0, 121.0, 730) == pytest.approx(1.1 ** (365.25 / 365) - 1)
    assert math.isnan(metrics.cagr(100.0, 0.0, 30))
    assert math.isnan(metrics.cagr(100.0, -5.0, 30))


def test_time_in_the_market_counts_only_session_time():
    opens, closes = np.array([0, 100, 200]), np.array([10, 110, 210])
    entries, exits = np.array([2, 105, 115]), np.array([5, 203, 150])
    # 3 inside the first session; 5 of the second and 3 of the third; nothing between sessions.
    assert metrics.session_time(entries, exits, opens, closes) == 11
    assert metrics.session_time(NONE.astype(int), NONE.astype(int), opens, closes) == 0


def test_undefined_becomes_none_at_the_edge():
    assert metrics.finite(math.nan) is None
    assert metrics.finite(math.inf) is None
    assert type(metrics.finite(np.float64(1.0))) is float
    assert metrics.finite_list((1.0, math.nan)) is None
    assert metrics.finite_list((1.0, 2.0)) == [1.0, 2.0]
