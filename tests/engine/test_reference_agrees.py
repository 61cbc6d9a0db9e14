import os
from datetime import date

import pandas as pd
import pytest
from hypothesis import given, settings

from orb_core.config.load import config_from_mapping
from orb_core.engine.backtest import EventLoopBacktest
from tests.engine.runs import COLUMNS, first_difference, reference_of, run_engine, run_reference
from tests.strategies import SYMBOL, World, worlds, worlds_off_their_grid

# ORB_EXAMPLES=5000 looks for rarer disagreements than a test run has time for.
EXAMPLES = int(os.environ.get("ORB_EXAMPLES", "300"))


@settings(max_examples=EXAMPLES, deadline=None)
@given(worlds())
def test_engine_and_reference_agree_in_every_column_of_every_table(world: World):
    assert first_difference(run_engine(world), reference_of(world).run()) is None


@settings(max_examples=EXAMPLES // 4, deadline=None)
@given(worlds(entry={"mode": "touch"}, scoring={"enabled": False}, governance={"flatten_at_session_end": False}))
def test_engine_and_reference_agree_on_trades_that_stay_open_overnight(world: World):
    assert first_difference(run_engine(world), reference_of(world).run()) is None


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(worlds_off_their_grid())
def test_engine_and_reference_agree_on_prices_that_reach_a_level_but_for_rounding(world: World):
    assert first_difference(run_engine(world), reference_of(world).run()) is None


@settings(max_examples=EXAMPLES // 10, deadline=None)
@given(worlds())
def test_engine_and_reference_drop_the_same_bars(world: World):
    result = EventLoopBacktest(world.config).run(world.bars, SYMBOL, str(world.start), str(world.end))
    assert result.dropped_bars == reference_of(world).dropped_bars
    assert (result.start, result.end) == (world.start, world.end)


@settings(max_examples=EXAMPLES // 10, deadline=None)
@given(worlds())
def test_the_tables_have_the_declared_columns_and_dtypes_whatever_happened(world: World):
    result = EventLoopBacktest(world.config).run(world.bars, SYMBOL, world.start, world.end)
    for kind, columns in COLUMNS.items():
        dtypes = {name: str(dtype) for name, dtype in getattr(result, kind).dtypes.items()}
        assert list(dtypes.items()) == list(columns.items()), kind


@pytest.mark.parametrize("run", [run_engine, run_reference])
def test_a_trade_kept_overnight_past_the_first_tradable_bar_leaves_no_candidate_at_the_end_of_the_range(run):
    rising = [(100, 101, 99, 101), *[(101, 102, 100, 101)] * 12]
    falling = [(101, 102, 100, 102), (102, 102, 101, 101), (101, 101, 98, 98), *[(98, 99, 97, 98)] * 10]
    settings_ = {
        "orb": {"base_minutes": 30, "adaptive": False, "enable_validity_filter": False},
        "entry": {"mode": "or_end"},
        "scoring": {"enabled": False},
        "trade": {"partials": False, "primary_r": None, "move_be_at_r": None},
        "governance": {"time_cutoff": None, "flatten_at_session_end": False},
        "data": {"interval": "30m"},
    }
    days = [date(2024, 1, 2), date(2024, 1, 3)]
    tables = run(world_of(rising + falling, settings_, days))
    assert [signal["session_date"] for signal in tables["signals"]] == days[:1]
    assert [(trade["exit_reason"], trade["bars_held"]) for trade in tables["trades"]] == [("stop", 15)]


@pytest.mark.parametrize("run", [run_engine, run_reference])
@pytest.mark.parametrize("side", [1, -1])
def test_a_target_that_an_open_reaches_but_for_rounding_is_filled_at_that_open(run, side):
    settings_ = {
        "instruments": {SYMBOL: {"tick_size": 0.0}},
        "orb": {"base_minutes": 30, "adaptive": False, "enable_validity_filter": False},
        "scoring": {"enabled": False},
        "trade": {"partials": False, "primary_r": 1.00000002, "move_be_at_r": None},
        "costs": {"commission_per_unit": 0.0, "slippage_ticks": 0},
        "data": {"interval": "30m"},
    }
    rising = [(100, 101, 99, 100), (100.5, 101.5, 100.4, 101.4), *[(103, 103, 103, 103)] * 11]
    mirrored = [(200 - o, 200 - low, 200 - high, 200 - c) for o, high, low, c in rising]
    (trade,) = run(world_of(rising if side > 0 else mirrored, settings_, [date(2024, 1, 2)] * 2))["trades"]
    assert trade["exit_reason"] == "target"
    assert trade["exit_price"] == 100 + 3 * side
    assert trade["realized_r"] == 1.0


def world_of(prices, settings_, days):
    """Bars of half an hour on the sessions of two days, or of one named twice."""
    world = World(pd.DataFrame(), config_from_mapping(settings_), days[0], days[1], step=1.0)
    of_run = world.sessions[-len(set(days)) :]
    stamps = [ns for session in of_run for ns in range(session.open_ns, session.close_ns, world.bar_ns)]
    bars = pd.DataFrame(prices, columns=["open", "high", "low", "close"], dtype="float64").assign(volume=1.0)
    bars.insert(0, "timestamp_utc", pd.to_datetime(stamps, utc=True).as_unit("ns"))
    return world.with_bars(bars)


@pytest.mark.parametrize("kind", COLUMNS)
def test_the_comparison_notices_a_changed_row_of(kind: str):
    one, other = ({k: [{"a": 1.0}] for k in COLUMNS} for _ in range(2))
    assert first_difference(one, other) is None
    other[kind] = [{"a": 1.0 + 1e-8}]
    assert first_difference(one, other).startswith(kind)
    other[kind] = []
    assert first_difference(one, other).startswith(kind)
