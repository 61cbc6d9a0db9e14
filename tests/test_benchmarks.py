"""The tools that are timed side by side do the same work."""

from benchmarks import rivals
from benchmarks.engine import PLAIN, Figure
from benchmarks.market import synthetic_bars
from orb_core import EventLoopBacktest, load_config


def test_the_pandas_loop_makes_the_plain_trades_of_the_engine():
    bars = synthetic_bars().iloc[: 60 * 390]
    trades = EventLoopBacktest(load_config(overrides=PLAIN)).run(bars).trades
    assert rivals.plain_pandas(bars) == len(trades) > 50


def test_a_figure_beyond_its_budget_is_missed():
    assert Figure("speed", 5.9, "M bars/s", least=6).verdict == "MISSED"
    assert Figure("wall", 3.1, "s", most=3).verdict == "MISSED"
    assert Figure("wall", 2.9, "s", most=3).verdict == "kept"
