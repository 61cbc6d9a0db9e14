import numpy as np
import pandas as pd
import pytest

from orb_core.analytics.breakdown import GROUP
from orb_core.analytics.compare import BridgePart
from orb_core.analytics.quarters import by_quarter
from orb_core.charts.capital import capital_figure
from orb_core.charts.compare import bridge_figure, totals_figure
from orb_core.charts.patterns import POINTS, by_lot


def test_the_bridge_ends_where_b_is_and_leaves_empty_parts_out():
    parts = (BridgePart("Without A's own trades", -2.0, 3), BridgePart("Costs of the same trades", 0.0, 0))
    data = bridge_figure(5.0, 3.0, parts).data[0]
    assert list(data.y) == ["A", "Without A's own trades", "B"]
    assert list(data.measure) == ["absolute", "relative", "total"]
    assert list(data.text) == ["+5.00 R", "−2.00 R", "+3.00 R"]


def test_no_line_crosses_the_labels_of_the_bridge():
    axis = bridge_figure(5.0, 3.0, (BridgePart("Without A's own trades", -2.0, 3),)).layout.xaxis
    assert not axis.showgrid
    assert not axis.zeroline


def test_lines_of_several_runs_differ_in_more_than_colour():
    total = pd.Series([0.0, 1.0], index=pd.to_datetime(["2024-01-02", "2024-01-03"]))
    lines = totals_figure(dict.fromkeys("ABC", total), title="").data
    assert len({line.line.dash for line in lines}) == len({line.line.color for line in lines}) == 3


def test_a_line_alone_is_solid_and_needs_no_legend():
    total = pd.Series([0.0, 1.0], index=pd.to_datetime(["2024-01-02", "2024-01-03"]))
    figure = totals_figure({"A and B": total}, title="")
    assert figure.data[0].line.dash == "solid"
    assert not figure.layout.showlegend


def test_run_and_benchmark_both_start_at_nothing():
    times = pd.date_range("2024-01-02", periods=3, tz="UTC")
    equity = pd.DataFrame({"timestamp": times, "equity": [200.0, 210.0, 190.0]})
    held = pd.DataFrame({"timestamp": times, "return_pct": [0.0, 0.1, 0.2]})
    run, benchmark = capital_figure(equity, held).data
    assert list(run.y) == pytest.approx([0, 5, -5])
    assert list(benchmark.y) == pytest.approx([0, 10, 20])


def test_run_and_benchmark_share_the_clock_of_the_run():
    times = pd.date_range("2024-01-02", periods=3, tz="UTC")
    equity = pd.DataFrame({"timestamp": times.tz_convert("Asia/Tokyo"), "equity": [200.0, 210.0, 190.0]})
    held = pd.DataFrame({"timestamp": times, "return_pct": [0.0, 0.1, 0.2]})
    figure = capital_figure(equity, held)
    assert figure.layout.xaxis.title.text == "Tokyo time"
    assert {pd.Timestamp(line.x[0]).hour for line in figure.data} == {9}


def test_after_its_last_trade_the_run_s_capital_stays_as_it_is_until_the_end():
    times = pd.date_range("2024-01-02", periods=3, tz="UTC")
    equity = pd.DataFrame({"timestamp": times[:2], "equity": [200.0, 210.0]})
    held = pd.DataFrame({"timestamp": times, "return_pct": [0.0, 0.1, 0.2]})
    run, benchmark = capital_figure(equity, held).data
    assert list(run.y) == pytest.approx([0, 5, 5])
    assert list(run.x) == list(benchmark.x)


def test_a_lot_of_trades_is_drawn_by_lot_and_always_the_same():
    assert by_lot(3).tolist() == [0, 1, 2]
    assert len(by_lot(100_000)) == POINTS
    assert (by_lot(100_000) == by_lot(100_000)).all()


def trades(*r):
    return pd.DataFrame({"realized_r": np.array(r, dtype=float)})


def test_quarters_hold_every_trade_once_the_lowest_first():
    table = by_quarter(trades(1, 2, 3, 4, 5, 6, 7, 8), np.array([8.0, 7, 6, 5, 4, 3, 2, 1]))
    assert table["trades"].tolist() == [2, 2, 2, 2]
    assert table["total_r"].tolist() == [15, 11, 7, 3]
    assert table[["low", "middle", "high"]].iloc[0].tolist() == [1, 1.5, 2]


def test_equal_values_stay_together_and_missing_ones_are_left_out():
    table = by_quarter(trades(1, 2, 3, 4), np.array([5.0, 5.0, np.nan, 5.0]))
    assert table["trades"].tolist() == [3]
    assert list(by_quarter(trades(), np.array([]))) == ["low", "middle", "high", *GROUP]
