from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orb_core import EventLoopBacktest
from orb_core.analytics.compare import BRIDGE, RunRecord, banner, changed_bars, compare, verdict
from orb_core.analytics.equity import combine, daily_r
from orb_core.analytics.robustness import PairedDifference
from orb_core.analytics.verify import verify
from orb_core.analytics.words import r_multiple
from orb_core.config.load import config_from_mapping
from orb_core.data.synthetic import SyntheticSource
from tests.strategies import SYMBOL, worlds

TABLES = ("trades", "fills", "stops", "signals", "sessions")
FIRST, START, END = date(2024, 1, 2), date(2024, 2, 1), date(2024, 3, 28)
MONTHS = {"2024-01": "x", "2024-02": "y", "2024-03": "z"}


def record(settings, *, symbols=("SPY",), start=START, end=END):
    config = config_from_mapping(settings)
    source = SyntheticSource(config.session, seed=0)
    results = [
        EventLoopBacktest(config).run(source.fetch(symbol, FIRST, end, "1m"), symbol, start, end) for symbol in symbols
    ]
    tables = {kind: combine([getattr(result, kind) for result in results]) for kind in TABLES}
    return RunRecord(config, start, end, "1", dict.fromkeys(symbols, MONTHS), tables)


@pytest.fixture(scope="module")
def plain():
    return record({})


@pytest.fixture(scope="module")
def midpoint():
    return record({"trade": {"stop_mode": "or_midpoint"}, "costs": {"slippage_ticks": 2}})


def test_the_bridge_leads_from_the_total_of_a_to_that_of_b(plain, midpoint):
    result = compare(plain, midpoint)
    assert [part.label for part in result.bridge] == list(BRIDGE.values())
    assert result.total_a + sum(part.r for part in result.bridge) == pytest.approx(result.total_b, abs=1e-9)
    assert result.total_a == pytest.approx(plain.tables["trades"]["realized_r"].sum())
    assert result.difference.difference == pytest.approx(result.total_b - result.total_a)
    assert sum(part.trades > 0 for part in result.bridge) >= 4


def test_the_days_are_those_of_the_runs_without_their_warmup(plain, midpoint):
    days = compare(plain, midpoint).days.set_index("session_date")
    expected = daily_r(plain.tables["sessions"])
    assert list(days.index) == list(expected.index)
    np.testing.assert_allclose(days["a"], expected)


def test_only_days_and_symbols_that_both_have_are_compared(plain):
    longer = record({}, symbols=("SPY", "QQQ"), start=date(2024, 1, 16), end=date(2024, 3, 1))
    result = compare(plain, longer)
    first, last = result.days["session_date"].iloc[[0, -1]].dt.date
    assert (first, last) == (START, date(2024, 3, 1))
    assert set(result.trades["symbol"]) == {"SPY"}
    assert result.trades["session_date"].dt.date.between(START, date(2024, 3, 1)).all()
    assert result.banner[0] == "Only B has QQQ: compared on the symbols both have."
    assert result.banner[1] == "Shared days only: A has 2024-02-01 → 2024-03-28, B 2024-01-16 → 2024-03-01."


def test_runs_that_share_no_day_have_nothing_to_compare(plain):
    elsewhere = record({}, start=date(2024, 1, 16), end=date(2024, 1, 31))
    result = compare(plain, elsewhere)
    assert result.verdict == "A and B share no day: there is nothing to compare."
    assert result.days.empty
    assert result.trades.empty
    assert [part.r for part in result.bridge] == [0.0] * len(BRIDGE)


def test_two_runs_that_never_traded_are_not_said_to_have_earned_the_same():
    result = compare(record({"orb": {"min_atr_mult": 0.99}}), record({"orb": {"min_atr_mult": 0.98}}))
    assert result.traded_the_same
    assert result.verdict == f"Neither A nor B traded on {len(result.days)} shared days."


def test_a_run_beside_itself_made_the_same_trades(plain):
    result = compare(plain, plain)
    assert result.traded_the_same
    earned = r_multiple(result.trades["realized_r_a"].sum())
    assert result.verdict == (
        f"A and B traded the same: {len(result.trades)} trades on {len(result.days)} shared days, {earned} in each."
    )
    assert result.banner == ()
    assert result.settings == {}


def test_settings_that_differ_are_told_with_the_value_of_each(plain, midpoint):
    assert compare(plain, midpoint).settings == {
        "trade.stop_mode": ("or_opposite", "or_midpoint"),
        "costs.slippage_ticks": (1.0, 2.0),
    }


@pytest.mark.parametrize(
    ("difference", "sentence"),
    [
        ((252, 6.1, -3.2, 15.1), "B earned +6.10 R more over 252 shared days (95 %: −3.20 … +15.10): could be chance."),
        ((252, -6.1, -15.1, -0.2), "B earned 6.10 R less over 252 shared days (95 %: −15.10 … −0.20): hardly chance."),
        ((60, 0.001, -1, 1), "A and B earned the same over 60 shared days (95 %: −1.00 … +1.00): could be chance."),
        ((1, 2.0, np.nan, np.nan), "B earned +2.00 R more over 1 shared day: too few to tell it from chance."),
    ],
)
def test_the_verdict_is_a_sentence_a_trader_understands(difference, sentence):
    assert verdict(PairedDifference(*difference, 0.5)) == sentence


@pytest.mark.parametrize(
    ("settings", "begins"),
    [
        ({"trade": {"stop_mode": "or_midpoint"}}, None),
        ({"costs": {"slippage_ticks": 3}}, "Costs differ (costs.slippage_ticks)"),
        ({"instruments": {"SPY": {"tick_size": 0.05}}}, "Costs differ (instruments.SPY.tick_size)"),
        ({"execution": {"limit_fill": "through"}}, "Fill rules differ (execution.limit_fill)"),
        ({"session": {"close": "15:00"}}, "Sessions differ (session.close)"),
        ({"session": {"exclude_dates": ["2024-02-05"]}}, None),
    ],
)
def test_the_banner_names_what_makes_runs_hard_to_compare(plain, settings, begins):
    other = replace(plain, config=config_from_mapping(settings))
    said = banner(plain, other)
    assert len(said) == (begins is not None)
    assert all(sentence.startswith(begins) for sentence in said)


def test_the_banner_names_three_symbols_and_months_and_counts_the_others(plain):
    of_many = dict.fromkeys(("SPY", "QQQ", "IWM", "DIA", "XLF"), MONTHS)
    months = {f"2024-{month:02d}": "x" for month in range(1, 13)}
    assert banner(plain, replace(plain, bars=of_many)) == (
        "Only B has QQQ, IWM, DIA and 1 more: compared on the symbols both have.",
    )
    a, b = replace(plain, bars={"SPY": months}), replace(plain, bars={"SPY": dict.fromkeys(months, "!")})
    assert banner(a, b) == ("The bars of SPY differ in 2024-01, 2024-02, 2024-03 and 9 more.",)


def test_bars_of_another_length_are_not_said_to_differ_month_by_month(plain):
    bars = {"SPY": dict.fromkeys(MONTHS, "!")}
    other = replace(plain, config=config_from_mapping({"data": {"interval": "5m"}}), bars=bars)
    (said,) = banner(plain, other)
    assert said.startswith("Bar lengths differ")


def test_the_banner_names_other_bars_and_another_engine(plain):
    other = replace(plain, bars={"SPY": MONTHS | {"2024-02": "!"}}, engine_version="2")
    assert banner(plain, other) == (
        "The bars of SPY differ in 2024-02.",
        "A was made by engine version 1, B by 2.",
    )


def test_months_that_one_run_has_in_part_are_not_called_different(plain):
    shorter = replace(plain, start=date(2024, 2, 15), bars={"SPY": MONTHS | {"2024-01": "part"}})
    assert changed_bars(plain, shorter) == {}
    assert changed_bars(plain, replace(shorter, bars={"SPY": MONTHS | {"2024-02": "!"}})) == {"SPY": ["2024-02"]}


def test_an_exact_repetition_is_identical(plain):
    result = verify(plain, record({}))
    assert result.is_identical
    assert result.sentence == f"Identical: {len(plain.tables['trades'])} trades, and every table to the last bit."
    assert result.trades.empty
    assert result.causes == result.tables == ()


def test_verifying_names_what_differs_and_why(plain, midpoint):
    other = replace(midpoint, bars={"SPY": MONTHS | {"2024-03": "!"}}, engine_version="2")
    result = verify(plain, other)
    assert not result.is_identical
    assert "trades" in result.tables
    assert len(result.trades) > 0
    assert set(result.trades["status"]) <= {"changed", "only_a", "only_b"}
    assert result.causes == (
        "the bars of SPY changed in 2024-03",
        "the configuration changed (trade.stop_mode, costs.slippage_ticks)",
        "the engine is version 2, the run was made by 1",
    )
    assert result.sentence.endswith("; ".join(result.causes) + ".")


def test_a_difference_without_a_cause_says_so(plain):
    trades = plain.tables["trades"]
    moved = trades.assign(exit_price=trades["exit_price"].where(trades.index != 3, trades["exit_price"] + 0.01))
    result = verify(plain, replace(plain, tables={**plain.tables, "trades": moved}))
    assert result.trades["trade_id_a"].tolist() == [trades["trade_id"][3]]
    assert result.sentence == (
        f"1 of {len(trades)} trades differs: neither bars, configuration nor engine version changed."
    )


def test_the_last_bit_of_any_table_is_looked_at(plain):
    sessions = plain.tables["sessions"]
    nudged = sessions.assign(norm_vol=np.nextafter(sessions["norm_vol"], np.inf))
    result = verify(plain, replace(plain, tables={**plain.tables, "sessions": nudged}))
    assert result.tables == ("sessions",)
    assert result.sentence.startswith("The trades came out the same, but not every table (sessions): neither")


def test_the_order_of_categories_is_no_difference(plain):
    signals = plain.tables["signals"]
    reordered = signals.assign(
        reason=signals["reason"].cat.reorder_categories(sorted(signals["reason"].cat.categories))
    )
    assert verify(plain, replace(plain, tables={**plain.tables, "signals": reordered})).is_identical


def record_of(world):
    result = EventLoopBacktest(world.config).run(world.bars, SYMBOL, world.start, world.end)
    tables = {kind: getattr(result, kind) for kind in TABLES}
    return RunRecord(world.config, world.start, world.end, "1", {SYMBOL: {}}, tables)


@given(world=worlds(), optimistic=st.booleans(), signals=st.sampled_from([1, 2, 20]))
def test_the_parts_of_any_two_runs_add_up_to_their_difference(world, optimistic, signals):
    other = world.with_settings(
        execution={"ambiguity": "optimistic" if optimistic else "conservative"},
        governance={"max_signals_per_day": signals},
        trade={"extra_stop_buffer": 0.5, "move_be_at_r": None},
    )
    result = compare(record_of(world), record_of(other))
    scale = 1 + max(abs(part.r) for part in result.bridge)
    assert sum(part.r for part in result.bridge) == pytest.approx(result.difference.difference, abs=1e-9 * scale)
    assert result.days["b"].sum() == pytest.approx(result.total_b)
