import doctest
import math

import pytest

from orb_core.analytics import words
from orb_core.analytics.words import breakeven_win_rate, how_it_ended, number, percent, price_digits, r_multiple
from orb_core.engine import records


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(words).failed == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.00 R"), (-0.001, "0.00 R"), (18.417, "+18.42 R"), (-1234.5, "−1,234.50 R"), (None, "–"), (math.nan, "–")],
)
def test_r_has_a_sign_two_decimals_and_no_minus_on_zero(value, text):
    assert r_multiple(value) == text


def test_a_percentage_that_does_not_exist_is_a_dash():
    assert percent(None) == "–"


@pytest.mark.parametrize(("tick", "digits"), [(0.01, 2), (0.0, 2), (0.25, 2), (0.1, 2), (0.00005, 5), (1e-8, 8)])
def test_prices_show_the_decimals_of_their_tick(tick, digits):
    assert price_digits(tick) == digits


def test_breaking_even_is_losses_against_wins():
    assert breakeven_win_rate({"average_win_r": 1.5, "average_loss_r": -1.0}) == pytest.approx(0.4)
    assert breakeven_win_rate({"average_win_r": None, "average_loss_r": -1.0}) is None


@pytest.mark.parametrize(
    ("filled", "reason", "t1_price", "said"),
    [
        (0, "session_end", 101.0, "Session's close"),
        (2, "trailing", 101.0, "T1 + T2, then trailing stop"),
        (1, "target", 101.0, "Target"),
        (2, "end_of_data", 101.0, "T1 + T2, then end of the data"),
        (1, "session_end", math.nan, "T2, then session's close"),
        (0, "stop", math.nan, "Stop"),
    ],
)
def test_a_trades_end_is_said_in_words(filled, reason, t1_price, said):
    assert how_it_ended(filled, reason, t1_price) == said


def test_every_code_of_the_result_tables_has_its_words():
    assert set(words.EXITS) == set(records.EXIT_REASONS)
    assert set(words.REFUSALS) == set(records.REFUSALS) - {""}
    assert set(words.OR_STATES) == set(words.SHORT_OR_STATES) == set(records.OR_STATES)
    assert set(words.FACTORS) == set(records.FACTORS)
    assert number(1.0, 0) == "1"
