import pandas as pd
import pytest

from orb_core.analytics.headline import cautions, headline, secondary

METRICS = {
    "total_trades": 311,
    "losing_trades": 170,
    "win_rate": 0.441,
    "total_r": 18.42,
    "total_r_conservative": 18.42,
    "total_r_optimistic": 24.12,
    "average_r": 0.06,
    "average_r_ci95": [0.01, 0.14],
    "average_win_r": 1.42,
    "average_loss_r": -1.0,
    "largest_win_r": 3.2,
    "max_drawdown_r": -9.8,
    "max_drawdown_days": 41,
    "max_drawdown_pct": -0.098,
    "sessions": 252,
    "sessions_traded": 191,
    "total_cost_r": 2.0,
    "total_pnl": 17_310.0,
    "ambiguous_trades": 13,
    "sharpe": 1.1,
}

MADE_GOOD = (0.0, -9.8, 0.0)


def figures(*, drops=MADE_GOOD, **changes):
    equity = pd.DataFrame({"drawdown_r": drops})
    return {figure.label: (figure.value, figure.below) for figure in headline({**METRICS, **changes}, equity)}


def test_the_headline_is_six_figures_each_in_proportion():
    assert figures() == {
        "Total": ("+18.42 R", "up to +24.12 R if unclear fills went your way"),
        "Per trade": ("+0.06 R", "95 %: +0.01 … +0.14"),
        "Trades": ("311", "on 191 of 252 days"),
        "Win rate": ("44.1 %", "breaks even at 41.3 %"),
        "Worst drop": ("−9.80 R", "41 days"),
        "Costs": ("10 %", "of gross profit"),
    }


def test_the_total_of_a_hopeful_run_says_how_low_it_may_be():
    assert figures(total_r=24.12)["Total"] == ("+24.12 R", "down to +18.42 R if unclear fills went against you")


def test_a_total_that_unclear_fills_do_not_change_says_so():
    assert figures(total_r_optimistic=18.4200000001)["Total"][1] == "unclear fills: no effect"
    assert figures(total_r_optimistic=18.42, ambiguous_trades=0)["Total"][1] == "no unclear fills"


@pytest.mark.parametrize("drops", [(0.0, -9.8, -4.0), (0.0, -9.8), (-9.8, -4.0, -4.1)])
def test_a_worst_drop_that_was_not_made_good_says_so(drops):
    assert figures(drops=drops)["Worst drop"] == ("−9.80 R", "41 days so far")


@pytest.mark.parametrize("drops", [(0.0, 0.0), (0.0, -9.8, 0.0, -4.0)])
def test_a_last_drop_that_is_not_the_worst_is_not_taken_for_it(drops):
    assert figures(drops=drops)["Worst drop"][1] == "41 days"


def test_costs_without_a_gross_profit_are_told_per_trade():
    assert figures(total_r=-31.1, total_cost_r=15.55)["Costs"] == ("−0.05 R", "per trade")


def test_a_run_that_only_won_has_no_rate_to_break_even():
    assert figures(losing_trades=0, average_loss_r=None)["Win rate"][1] == "no loss yet"


def test_unclear_fills_and_sharpe_stand_beside_the_headline():
    assert [(f.value, f.below) for f in secondary(METRICS)] == [("13", "4.2 % of trades"), ("1.10", "over 252 days")]


@pytest.mark.parametrize(
    ("changes", "begins"),
    [
        ({}, None),
        ({"total_trades": 30, "ambiguous_trades": 0}, None),
        ({"total_trades": 29, "ambiguous_trades": 0}, "Only 29 trades: too few"),
        ({"total_trades": 1, "ambiguous_trades": 0}, "Only 1 trade: too few"),
        ({"average_r_ci95": [0.001, 0.14]}, None),
        ({"average_r_ci95": [0.0, 0.14]}, "The range for the average trade includes 0"),
        ({"average_r_ci95": [-0.2, 0.0]}, "The range for the average trade includes 0"),
        ({"average_r_ci95": [-0.2, -0.001]}, None),
        ({"total_trades": 1000, "ambiguous_trades": 50}, None),
        ({"total_trades": 1000, "ambiguous_trades": 51}, "5.1 % of the trades hang on unclear fills"),
        ({"total_r": 18.0, "total_cost_r": 6.0}, None),
        ({"total_r": 18.0, "total_cost_r": 6.1}, "Commissions eat 25 % of the gross profit"),
        ({"total_r": -8.0, "total_pnl": -8.0, "total_cost_r": 6.0}, None),
        ({"total_r_conservative": -14.67}, "Unclear fills decide whether this run won or lost: −14.67 R to +24.12 R."),
        ({"total_r_optimistic": -2.0}, "Unclear fills decide whether this run won or lost: −2.00 R to +18.42 R."),
        ({"total_r_conservative": 0.0}, "Unclear fills decide whether this run won or lost: 0.00 R to +24.12 R."),
        ({"total_r_conservative": -3.0, "total_r_optimistic": 0.004}, None),
        ({"total_r_conservative": None}, None),
        ({"total_pnl": -5627.375}, "In R this run won, in money it lost (+18.42 R, −5,627.38): its larger positions"),
        ({"total_r": -3.0}, "In money this run won, in R it lost (−3.00 R, 17,310.00): its larger positions won."),
        ({"total_pnl": 0.0}, None),
        ({"total_pnl": None}, None),
        ({"max_drawdown_pct": -0.999}, None),
        ({"max_drawdown_pct": -1.0}, "The account lost all it had: with positions of this size"),
        ({"days": 360}, None),
        ({"days": 359, "sessions": 247}, "Less than a year, 247 sessions"),
        ({"days": 1, "sessions": 1}, "Less than a year, 1 session:"),
        ({"total_trades": 0, "days": 1}, None),
    ],
)
def test_a_warning_begins_exactly_where_it_is_said_to(changes, begins):
    days = changes.pop("days", 366)
    said = cautions({**METRICS, **changes}, days=days)
    assert [sentence[: len(begins or "")] for sentence in said] == [begins] * (begins is not None)


def test_warnings_come_worst_first():
    everything = {"total_trades": 20, "ambiguous_trades": 4, "largest_win_r": 10.0, "total_cost_r": 15.69}
    everything |= {"total_r_conservative": -1.0, "max_drawdown_pct": -1.2, "total_pnl": -1.0}
    assert [sentence.split()[0] for sentence in cautions({**METRICS, **everything}, days=90)] == [
        "The",
        "Unclear",
        "In",
        "Only",
        "One",
        "20.0",
        "Commissions",
        "Less",
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"largest_win_r": 9.21}, "One trade brought 50 % of the total."),
        ({"largest_win_r": 9.2}, None),
        ({"largest_win_r": 18.42}, "Without its best trade, the run would have earned nothing."),
        ({"largest_win_r": 18.41}, "One trade brought 100 % of the total."),
        ({"largest_win_r": 9.3, "total_r": -4.0}, None),
        ({"largest_win_r": None, "total_r": 0.0}, None),
    ],
)
def test_a_trade_that_carries_the_result_is_told(changes, said):
    assert [s for s in cautions({**METRICS, **changes}, days=366) if "One trade" in s or "best trade" in s] == [
        said
    ] * bool(said)


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (0.5, "One day brought 50 % of the total."),
        (0.6, None),
        (-0.5, "One day brought 75 % of the total."),
        (-1.0, "Without its best day, the run would have earned nothing."),
    ],
)
def test_a_day_that_carries_the_result_is_told_where_no_trade_does(make_trades, last, said):
    day = 24 * 60
    trades = make_trades((0, 1, 0.5), (2, 3, 1.0), (day, day + 1, 1.0), (2 * day, 2 * day + 1, last))
    trades = trades.assign(quantity=100.0)
    total = trades["realized_r"].sum()
    metrics = {**METRICS, "total_r": total, "total_cost_r": 0.0, "largest_win_r": 0.4 * total}
    assert cautions(metrics, trades, days=366) == ((said,) if said else ())
    assert cautions(metrics, days=366) == ()


@pytest.mark.parametrize(
    ("quantities", "said"),
    [
        ((100.0, 1e-8, 3.0), ()),
        ((100.0, 0.0, 3.0), ("R alone counts 1 trade (33.3 %) that the account was too small for.",)),
        ((0.0, 0.0, 3.0), ("R alone counts 2 trades (66.7 %) that the account was too small for.",)),
    ],
)
def test_trades_that_the_account_was_too_small_for_are_told(make_trades, quantities, said):
    trades = make_trades((0, 1, 0.5), (2, 3, 0.5), (4, 5, 0.5)).assign(quantity=quantities)
    told = cautions({**METRICS, "total_r": -1.5, "total_pnl": -1.0, "total_cost_r": 0.0}, trades, days=366)
    assert told == said


def test_a_run_of_one_day_is_written_in_the_singular():
    one = {"total_trades": 1, "sessions": 1, "sessions_traded": 1, "max_drawdown_days": 1}
    assert figures(**one)["Trades"] == ("1", "on 1 of 1 day")
    assert figures(**one)["Worst drop"][1] == "1 day"
    assert secondary({**METRICS, **one})[1].below == "over 1 day"
