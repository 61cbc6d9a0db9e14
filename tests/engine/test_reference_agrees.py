import os

import pytest
from hypothesis import given, settings

from orb_core.engine.backtest import EventLoopBacktest
from tests.engine.runs import COLUMNS, first_difference, reference_of, run_engine
from tests.strategies import SYMBOL, World, worlds

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


@pytest.mark.parametrize("kind", COLUMNS)
def test_the_comparison_notices_a_changed_row_of(kind: str):
    one, other = ({k: [{"a": 1.0}] for k in COLUMNS} for _ in range(2))
    assert first_difference(one, other) is None
    other[kind] = [{"a": 1.0 + 1e-8}]
    assert first_difference(one, other).startswith(kind)
    other[kind] = []
    assert first_difference(one, other).startswith(kind)
