import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orb_core import EventLoopBacktest
from orb_core.analytics.matching import match_trades
from tests.strategies import SYMBOL, changed, worlds

PARTS = ["only_a_r", "only_b_r", "entry_r", "exit_r", "unit_r", "costs_r"]


def rows(table, *columns):
    return [
        tuple(None if pd.isna(value) else value for value in row) for row in table[list(columns)].to_numpy().tolist()
    ]


def test_trades_entered_at_the_same_moment_match(make_trades):
    a = make_trades((0, 10, 1.0), (30, 40, -1.0))
    b = make_trades((30, 40, -1.0), (0, 10, 1.0), trade_id=["x", "y"])
    assert rows(match_trades(a, b), "trade_id_a", "trade_id_b", "status") == [
        ("SPY-1", "y", "same"),
        ("SPY-2", "x", "same"),
    ]


def test_of_the_others_the_nearest_entries_match_first(make_trades):
    a = make_trades((0, 5, 1.0), (20, 25, 1.0))
    b = make_trades((18, 19, 1.0), (100, 101, 1.0), (2, 3, 1.0))
    assert rows(match_trades(a, b), "trade_id_a", "trade_id_b", "status", "change") == [
        ("SPY-1", "SPY-3", "changed", "entry"),
        ("SPY-2", "SPY-1", "changed", "entry"),
        (None, "SPY-2", "only_b", ""),
    ]


def test_no_trade_is_matched_twice(make_trades):
    a = make_trades((10, 11, 1.0))
    b = make_trades((9, 9.5, 1.0), (11, 12, 1.0))
    assert rows(match_trades(a, b), "trade_id_a", "trade_id_b", "status") == [
        ("SPY-1", "SPY-1", "changed"),
        (None, "SPY-2", "only_b"),
    ]


@pytest.mark.parametrize(
    "other", [{"direction": ["short"]}, {"symbol": "QQQ"}, {"session_date": [pd.Timestamp(2024, 5, 1)]}]
)
def test_trades_of_another_side_symbol_or_session_do_not_match(make_trades, other):
    table = match_trades(make_trades((0, 10, 1.0)), make_trades((0, 10, 2.0), **other))
    assert rows(table, "status", "difference_r", *PARTS[:2]) == [("only_a", -1.0, -1.0, 0.0), ("only_b", 2.0, 0.0, 2.0)]


@pytest.mark.parametrize(
    ("changes", "change"),
    [
        ({}, ""),
        ({"entry_price": [100.01]}, "entry"),
        ({"stop_initial": [98.0], "risk": [2.0]}, "stop"),
        ({"exit_price": [101.5]}, "exit"),
        ({"exit_reason": ["target"]}, "exit"),
        ({"cost_r": [0.03]}, "costs"),
        ({"cost_r": [0.03], "entry_price": [100.5]}, "entry"),
        ({"entry_price": [100.0 + 1e-12], "cost_r": [0.02 + 1e-13]}, ""),
    ],
)
def test_a_changed_trade_is_named_by_the_first_thing_that_differs(make_trades, changes, change):
    whole = {"stop_initial": [99.0], "risk": [1.0], "exit_price": [101.0], "cost_r": [0.02]}
    table = match_trades(make_trades((0, 10, 0.98), **whole), make_trades((0, 10, 0.98), **(whole | changes)))
    assert rows(table, "status", "change") == [("changed" if change else "same", change)]


def trade(make_trades, *, side, entry, exit_, risk, cost):
    sign = 1 if side == "long" else -1
    gross = sign * (exit_ - entry) / risk
    return make_trades(
        (0, 10, gross - cost / risk),
        direction=[side],
        entry_price=[entry],
        exit_price=[exit_],
        risk=[risk],
        gross_r=[gross],
        cost_r=[cost / risk],
    )


@pytest.mark.parametrize(
    ("a", "b", "parts"),
    [
        ({}, {"entry": 100.5}, {"entry_r": -0.25}),
        ({}, {"exit_": 106.0}, {"exit_r": 1.0}),
        ({}, {"cost": 0.2}, {"costs_r": -0.05}),
        ({}, {"risk": 4.0}, {"unit_r": -0.975}),
        ({"side": "short"}, {"side": "short", "entry": 100.5}, {"entry_r": 0.25}),
        ({"side": "short"}, {"side": "short", "exit_": 98.0}, {"exit_r": 3.0}),
    ],
)
def test_each_part_of_a_difference_is_what_that_one_change_brings(make_trades, a, b, parts):
    plain = {"side": "long", "entry": 100.0, "exit_": 104.0, "risk": 2.0, "cost": 0.1}
    row = match_trades(trade(make_trades, **(plain | a)), trade(make_trades, **(plain | b))).iloc[0]
    assert row[PARTS].to_dict() == pytest.approx(dict.fromkeys(PARTS, 0.0) | parts)
    assert row["difference_r"] == pytest.approx(sum(parts.values()))


def test_runs_without_trades_match_to_an_empty_table(make_trades):
    assert match_trades(make_trades(), make_trades()).empty
    assert rows(match_trades(make_trades(), make_trades((0, 1, 2.0))), "status", "only_b_r") == [("only_b", 2.0)]
    assert rows(match_trades(make_trades((0, 1, 2.0)), make_trades()), "status", "only_a_r") == [("only_a", -2.0)]


def run(world, config):
    return EventLoopBacktest(config).run(world.bars, SYMBOL, world.start, world.end).trades


SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "trade": st.fixed_dictionaries(
            {},
            optional={
                "stop_mode": st.sampled_from(["or_opposite", "or_midpoint", "swing"]),
                "extra_stop_buffer": st.sampled_from([0.0, 0.5]),
                "move_be_at_r": st.sampled_from([None, 0.5]),
            },
        ),
        "costs": st.fixed_dictionaries({"slippage_ticks": st.sampled_from([0, 3]), "commission_pct": st.just(0.0002)}),
        "governance": st.fixed_dictionaries({"max_signals_per_day": st.sampled_from([1, 20])}),
        "entry": st.fixed_dictionaries({"mode": st.sampled_from(["touch", "close", "or_end"])}),
        "execution": st.fixed_dictionaries({"ambiguity": st.sampled_from(["conservative", "optimistic"])}),
    },
)


@given(world=worlds(), changes=SETTINGS)
def test_every_trade_is_in_the_table_once_and_its_parts_add_up(world, changes):
    a, b = run(world, world.config), run(world, changed(world.config, changes))
    table = match_trades(a, b)
    for side, trades in (("a", a), ("b", b)):
        assert sorted(table[f"trade_id_{side}"].dropna()) == sorted(trades["trade_id"])
    scale = 1 + table[[*PARTS]].abs().max().max() if len(table) else 1
    np.testing.assert_allclose(table[PARTS].sum(axis=1), table["difference_r"], atol=1e-9 * scale)
    np.testing.assert_allclose(
        table["difference_r"].sum(), b["realized_r"].sum() - a["realized_r"].sum(), atol=1e-9 * scale
    )


@given(world=worlds())
def test_a_run_compared_with_itself_is_the_same_throughout(world):
    trades = run(world, world.config)
    table = match_trades(trades, trades.copy())
    assert set(table["status"]) <= {"same"}
    assert not table[["difference_r", *PARTS]].to_numpy().any()
