from datetime import date, time

import numpy as np
import pytest

from pages.parts import trades_tab
from pages.parts.trades_filter import TradeFilter
from pages.parts.trades_table import COLUMN_SETS, trades_columns, trades_table
from tests.ui.app import a_run, open_app, rerun, texts


@pytest.fixture(scope="module")
def trades(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORB_RUNS_DIR", str(tmp_path_factory.mktemp("runs")))
        return a_run(symbols=("SPY", "QQQ")).all_trades()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (TradeFilter(), lambda t: t["realized_r"] < np.inf),
        (TradeFilter(symbol=["QQQ"]), lambda t: t["symbol"] == "QQQ"),
        (TradeFilter(side=["short"]), lambda t: t["direction"] == "short"),
        (TradeFilter(outcome=["win"]), lambda t: t["realized_r"] > 0),
        (TradeFilter(outcome=["loss", "scratch"]), lambda t: t["realized_r"] <= 0),
        (TradeFilter(outcome=["unclear"]), lambda t: t["ambiguous"]),
        (TradeFilter(ended=["stop"]), lambda t: t["exit_reason"] == "stop"),
        (TradeFilter(factor=["vwap", "-adx"]), lambda t: (t["vwap_flag"] == 1) & (t["adx_flag"] == 0)),
        (TradeFilter(r_from=-0.5, r_to=1.0), lambda t: t["realized_r"].between(-0.5, 1.0)),
        (
            TradeFilter(days=(date(2024, 2, 1), date(2024, 2, 9))),
            lambda t: t["session_date"].between("2024-02-01", "2024-02-09"),
        ),
        (TradeFilter(days=(date(2024, 2, 1),)), lambda t: t["session_date"] >= "2024-02-01"),
        (TradeFilter(weekday=["Mon", "Fri"]), lambda t: t["session_date"].dt.day_name().isin(["Monday", "Friday"])),
        (
            TradeFilter(time_from=time(10, 0), time_to=time(11, 0)),
            lambda t: t["entry_local"].dt.strftime("%H:%M").between("10:00", "11:00"),
        ),
    ],
)
def test_each_filter_keeps_what_it_says(trades, asked, expected):
    assert asked.fits(trades).tolist() == expected(trades).tolist()


def test_several_filters_must_all_fit(trades):
    one, other = TradeFilter(side=["long"]), TradeFilter(outcome=["win"])
    both = TradeFilter(side=["long"], outcome=["win"])
    assert both.n_set == 2
    assert (both.fits(trades) == one.fits(trades) & other.fits(trades)).all()


def test_a_filter_narrows_the_table_and_says_what_is_left():
    run = a_run(symbols=("SPY", "QQQ"))
    app = open_app("run", run=run.run_id, tab="Trades")
    app.multiselect(key="t_symbol").set_value(["QQQ"])
    rerun(app)
    assert set(app.dataframe[0].value["symbol"]) == {"QQQ"}
    assert f"{len(app.dataframe[0].value)} of {len(run.all_trades())} trades" in texts(app)
    app.number_input(key="t_r_from").set_value(99.0)
    assert not rerun(app).dataframe
    assert "None of" in texts(app)
    assert app.button(key="trades.clear").label == "Clear 2 filters"
    app.button(key="trades.clear").click()
    assert len(rerun(app).dataframe[0].value) == len(run.all_trades())


def test_every_column_set_is_in_the_table_and_all_holds_the_others(trades):
    columns = set(trades_table(trades.head()).columns)
    assert all(set(names) <= set(COLUMN_SETS["All"]) <= columns for names in COLUMN_SETS.values())


def test_too_many_trades_come_in_pages_in_the_order_asked_for(monkeypatch):
    monkeypatch.setattr(trades_tab, "PAGED_ABOVE", 20)
    monkeypatch.setattr(trades_tab, "PAGE_ROWS", 30)
    run = a_run()
    app = open_app("run", run=run.run_id, tab="Trades")
    assert len(app.dataframe[0].value) == 30
    app.selectbox(key="t_order").set_value("best")
    rerun(app)
    assert app.dataframe[0].value["r"].iloc[0] == run.all_trades()["realized_r"].max()


def test_factors_that_were_off_have_no_columns():
    run = a_run("factors.adx.enabled=false")
    columns = trades_columns(run, "New York")
    assert columns["adx_flag"] is columns["adx_value"] is None
    assert columns["vwap_flag"] is not None


def test_a_factor_says_yes_or_no_and_scores_sort_as_numbers(trades):
    table = trades_table(trades)
    assert set(table["vwap_flag"]) == {"yes", "no"}
    assert table[["score", "needed"]].equals(trades[["score", "required"]].set_axis(["score", "needed"], axis=1))


def test_only_factors_that_read_a_number_have_a_column_for_it(trades):
    shown = [name for name in COLUMN_SETS["Factors"] if name.endswith("_value")]
    assert shown == [name for name in trades if name.endswith("_value") and trades[name].notna().any()] + ["adx_value"]
