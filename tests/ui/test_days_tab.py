import pytest

from orb_core.config.load import load_config
from orb_core.service import RunRequest, SourceSpec, default_store, run_and_save
from tests.ui.app import a_run, open_app, rerun, texts


def ledger(app):
    return app.dataframe[-1].value


def test_the_ledger_has_every_session_and_adds_up_to_the_run():
    run = a_run()
    table = ledger(open_app("run", run=run.run_id, tab="Days"))
    assert len(table) == run.metrics()["sessions"]
    assert table["trades"].sum() == run.manifest.totals.trades
    assert table["r"].sum() == pytest.approx(run.manifest.totals.total_r)
    assert (table["why"] != "").all()


def test_a_run_without_trades_has_its_ledger():
    run = a_run("orb.min_atr_mult=0.99")
    app = open_app("run", run=run.run_id, tab="Days")
    assert ledger(app)["why"].str.startswith("The opening range was too narrow").any()


def test_months_add_up_to_the_run():
    run = a_run()
    months = open_app("run", run=run.run_id, tab="Days").dataframe[0].value
    assert months["Year"].sum() == pytest.approx(run.manifest.totals.total_r)
    assert months.columns.tolist()[1:4] == ["Jan", "Feb", "Mar"]


def test_sessions_without_a_trade_can_be_looked_at_alone():
    app = open_app("run", run=a_run().run_id, tab="Days")
    app.session_state["days.which"] = "Without a trade"
    assert set(ledger(rerun(app))["trades"]) == {0}


def select(app, run, *rows):
    app.session_state[f"days.ledger.{run.run_id}.All"] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return rerun(app)


def test_days_are_left_out_as_a_change_of_the_settings():
    run = a_run("session.exclude_dates=[2024-01-10]")
    app = select(open_app("run", run=run.run_id, tab="Days"), run, 0, 2)
    app.button(key="days.leave_out").click()
    rerun(app)
    assert app.session_state["set.session.exclude_dates"] == ["2024-01-02", "2024-01-04", "2024-01-10"]
    assert list(app.session_state["ask.dates"]) == [run.manifest.start, run.manifest.end]


def test_a_selected_session_opens_on_its_chart():
    run = a_run()
    app = select(open_app("run", run=run.run_id, tab="Days"), run, 3)
    app.button(key="days.show").click()
    rerun(app)
    assert app.query_params["date"] == "2024-01-05"
    assert len(app.get("plotly_chart")) == 1


def test_a_run_whose_symbols_all_failed_says_so(tmp_path):
    (tmp_path / "bars").mkdir()
    from datetime import date

    source = SourceSpec("file", path=tmp_path / "bars")
    request = RunRequest(load_config(), ("SPY",), date(2024, 1, 2), date(2024, 1, 31), source)
    run_id = run_and_save(request, default_store()).run_id
    for tab in ("Days", "Setup"):
        assert not open_app("run", run=run_id, tab=tab).error
    assert "no results" in texts(open_app("run", run=run_id, tab="Days"))
