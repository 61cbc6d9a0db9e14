from datetime import date

import pandas as pd
import pytest

from orb_core.config.load import load_config
from orb_core.service import RunRequest, SourceSpec, default_store, run_and_save
from tests.ui.app import a_run, open_app, rerun, texts, wait_for_the_run


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
    assert set(ledger(app)["state"]) == {"Too narrow"}


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


def left_out(run, **chosen):
    app = open_app("run", run=run.run_id, tab="Days")
    for name, value in chosen.items():
        app.session_state[f"out.{name}"] = value
    rerun(app).button(key="out.take").click()
    return rerun(app)


def test_weekdays_half_days_and_dates_are_left_out_together():
    run = a_run("session.exclude_dates=[2024-01-10]", "session.weekdays=[mon, tue, wed, thu]")
    app = left_out(run, weekdays=["mon"], half_days=True, dates=["2024-02-14"])
    assert app.session_state["set.session.weekdays"] == ["tue", "wed", "thu"]
    assert app.session_state["set.session.half_days"] == "skip"
    assert app.session_state["set.session.exclude_dates"] == ["2024-01-10", "2024-02-14"]


def test_what_is_left_out_is_not_traded_by_the_next_run_and_counts_as_a_change():
    run = a_run(start=date(2024, 11, 18), end=date(2024, 12, 31))  # with two half days, and the Mondays of five weeks
    app = left_out(run, weekdays=["mon"], half_days=True, dates=["2024-12-10"])
    app.switch_page("pages/launch.py")  # the driver stays where it was
    assert "3 changed settings are not shown" in texts(rerun(app))
    app.button(key="launch.run_button").click()
    wait_for_the_run(rerun(app))
    made, _ = (default_store().load(line.run_id) for line in default_store().list())
    traded = pd.to_datetime(made.all_trades()["session_date"])
    assert set(traded.dt.day_name()) == {"Tuesday", "Wednesday", "Thursday", "Friday"}
    assert not set(traded.dt.strftime("%Y-%m-%d")) & {"2024-11-29", "2024-12-24", "2024-12-10"}
    assert run.config.session.half_days == "trade"


def test_what_is_left_out_of_one_run_is_not_left_out_of_another():
    run, other = a_run(), a_run("orb.base_minutes=30")
    app = open_app("run", run=run.run_id, tab="Days")
    app.session_state["out.weekdays"] = ["mon"]
    assert "Leave out: Mon" in [block.proto.popover.label for block in rerun(app).get("popover")]
    app.query_params["run"] = other.run_id
    assert not rerun(app).session_state["out.weekdays"]


def test_a_selected_session_opens_on_its_chart():
    run = a_run()
    app = select(open_app("run", run=run.run_id, tab="Days"), run, 3)
    app.button(key="days.show").click()
    rerun(app)
    assert app.query_params["date"] == "2024-01-05"
    assert len(app.get("plotly_chart")) == 1


def test_a_run_whose_symbols_all_failed_says_so(tmp_path):
    (tmp_path / "bars").mkdir()
    source = SourceSpec("file", path=tmp_path / "bars")
    request = RunRequest(load_config(), ("SPY",), date(2024, 1, 2), date(2024, 1, 31), source)
    run_id = run_and_save(request, default_store()).run_id
    for tab in ("Days", "Setup"):
        assert not open_app("run", run=run_id, tab=tab).error
    assert "no results" in texts(open_app("run", run=run_id, tab="Days"))


def test_the_list_counts_sessions_of_one_symbol_and_symbol_days_of_several():
    january = {"start": date(2024, 1, 2), "end": date(2024, 1, 31)}
    one, two = a_run(**january), a_run(symbols=("SPY", "QQQ"), **january)
    assert "**Every session** :gray[· 21 sessions, of which" in texts(open_app("run", run=one.run_id, tab="Days"))
    assert "**Every session** :gray[· 42 symbol-days, of which" in texts(open_app("run", run=two.run_id, tab="Days"))
