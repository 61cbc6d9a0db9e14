import json
import re
from datetime import date

import pytest

from orb_core.explore import what_if_grid
from orb_core.service import default_store
from tests.ui.app import a_run, open_app, texts


def grid_shown(app) -> dict:
    (chart,) = app.get("plotly_chart")
    return json.loads(chart.proto.spec)["data"][0]


def test_the_framed_cell_is_the_run_itself():
    run = a_run()
    app = open_app("run", run=run.run_id, tab="What-if")
    assert not app.exception
    found = what_if_grid(default_store(), run.run_id)
    row, column = found.own
    assert found.total_r[row, column] == pytest.approx(run.manifest.totals.total_r, rel=1e-12)
    shown = grid_shown(app)["text"][row][column]
    assert shown.replace("−", "-") == f"{run.manifest.totals.average_r:+.2f}"


def test_the_grid_says_that_it_is_no_backtest_and_that_the_best_cell_is_partly_luck():
    app = open_app("run", run=a_run().run_id, tab="What-if")
    assert "No other cell is a backtest" in texts(app)
    assert "partly luck" in texts(app)


def test_a_run_without_trades_has_nothing_to_try():
    run = a_run("orb.min_atr_mult=0.99")
    assert run.manifest.totals.trades == 0
    app = open_app("run", run=run.run_id, tab="What-if")
    assert not app.exception
    assert "no trades to try" in texts(app)
    assert what_if_grid(default_store(), run.run_id) is None


def test_the_best_cell_comes_with_its_range():
    run = a_run()
    said = texts(open_app("run", run=run.run_id, tab="What-if")).replace("−", "-")
    found = what_if_grid(default_store(), run.run_id)
    best, low, high = re.search(
        r"(?:own targets|no target|target \S+ R): (\S+) R per trade, 95 %: (\S+) … (\S+)\)", said
    ).groups()
    assert float(best) == pytest.approx(found.average_r.max(), abs=0.005)
    assert float(low) < float(best) < float(high)


def test_a_single_trade_is_one_trade_without_a_range():
    run = a_run("governance.max_signals_per_day=1", end=date(2024, 1, 2))
    said = texts(open_app("run", run=run.run_id, tab="What-if"))
    assert "· 1 trade]" in said
    assert "95 %" not in said


def test_the_best_cell_is_dotted_and_the_runs_own_framed_over_it():
    run = a_run()
    (chart,) = open_app("run", run=run.run_id, tab="What-if").get("plotly_chart")
    found = what_if_grid(default_store(), run.run_id)
    shapes = json.loads(chart.proto.spec)["layout"]["shapes"]
    cells = [(shape["y0"] + 0.5, shape["x0"] + 0.5, shape["line"]["dash"]) for shape in shapes]
    best = divmod(int(found.average_r.argmax()), found.average_r.shape[1])
    assert cells == [(*best, "dot"), (*found.own, "solid")]
