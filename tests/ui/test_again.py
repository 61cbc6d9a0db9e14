import re
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from orb_core.config.load import load_config
from orb_core.explore import benchmark, request_to_latest, sessions_today, verify_run
from orb_core.service import RunRequest, SourceSpec, default_store, run_and_save
from pages.parts import computed
from tests.ui.app import a_run, open_app, rerun, texts, wait_for_the_run


def test_a_run_that_still_comes_out_as_it_was_says_so():
    run = a_run(symbols=("SPY", "QQQ"))
    app = open_app("run", run=run.run_id, tab="Setup")
    app.button(key="run.verify").click()
    rerun(app)
    assert [box.value.split()[0] for box in app.success] == ["Identical\\:"]


def test_a_run_that_comes_out_differently_names_the_trades_and_why(monkeypatch):
    run = a_run()
    backtest = "orb_core.explore.EventLoopBacktest.run"
    real = verify_run.__globals__["EventLoopBacktest"].run

    def with_a_trade_less(self, *args, **kwargs):
        result = real(self, *args, **kwargs)
        object.__setattr__(result, "trades", result.trades.iloc[1:])
        return result

    monkeypatch.setattr(backtest, with_a_trade_less)
    monkeypatch.setattr("orb_core.explore.ENGINE_VERSION", "99.0")
    computed._verification.clear()
    app = open_app("run", run=run.run_id, tab="Setup")
    app.button(key="run.verify").click()
    rerun(app)
    said = app.warning[0].value.replace("\\", "")
    assert "1 of" in said
    assert "the engine is version 99.0" in said
    assert app.dataframe[0].value["what"].tolist() == ["Only in A"]
    computed._verification.clear()


def run_again(run):
    app = open_app("run", run=run.run_id, tab="Setup")
    app.button(key="run.again").click()
    return wait_for_the_run(rerun(app))


def test_a_run_made_again_on_the_same_bars_is_the_run_that_is_there():
    run = a_run("orb.base_minutes=30", symbols=("SPY", "QQQ"))
    app = run_again(run)
    assert [line.run_id for line in default_store().list()] == [run.run_id]
    assert app.query_params["run"] == run.run_id
    assert [toast.value.replace("\\", "") for toast in app.toast] == [
        f"Nothing changed: this is {run.run_id}, stored before."
    ]


def test_a_run_made_again_on_bars_that_changed_is_a_new_run_of_the_same_settings(tmp_path):
    bars = a_run().bars("SPY")
    path = tmp_path / "SPY.parquet"
    bars.to_parquet(path)
    request = RunRequest(
        load_config(overrides=["orb.base_minutes=30"]),
        ("SPY",),
        date(2024, 2, 1),
        date(2024, 3, 28),
        SourceSpec("file", path=path),
    )
    run = default_store().load(run_and_save(request, default_store()).run_id)
    default_store().annotate(run.run_id, title="Mine")
    prices = ["open", "high", "low", "close"]
    bars.assign(**{name: bars[name] * 2 for name in prices}).to_parquet(path)
    app = run_again(default_store().load(run.run_id))
    newest = default_store().list()[0]
    assert newest.run_id != run.run_id
    made, before = newest.manifest, run.manifest
    assert (made.config_hash, list(made.symbols), made.start, made.end, made.source) == (
        before.config_hash,
        list(before.symbols),
        before.start,
        before.end,
        before.source,
    )
    assert made.symbols["SPY"].fingerprint != before.symbols["SPY"].fingerprint
    assert newest.notes.title == "Mine"
    assert not app.toast


def test_a_run_is_carried_on_to_the_newest_bars_as_a_new_run():
    today = datetime.now(tz=UTC).date()
    run = a_run(start=today - timedelta(days=40), end=today - timedelta(days=10))
    request = request_to_latest(run.run_id, default_store(), today)
    assert (request.start, request.end, request.rerun_of) == (run.manifest.start, today, None)
    app = open_app("run", run=run.run_id, tab="Setup")
    app.button(key="run.extend").click()
    wait_for_the_run(rerun(app))
    newest = default_store().list()[0].manifest
    assert (newest.start, newest.end) == (run.manifest.start, today)
    assert newest.config_hash == run.manifest.config_hash


def test_a_run_that_reaches_to_today_cannot_be_carried_on():
    today = datetime.now(tz=UTC).date()
    app = open_app("run", run=a_run(start=today - timedelta(days=20), end=today).run_id, tab="Setup")
    assert "run.extend" not in {button.key for button in app.button}


def test_today_shows_where_the_last_session_stands():
    today = datetime.now(tz=UTC).date()
    a_run(start=today - timedelta(days=20), end=today)
    app = open_app()
    assert re.match(r"\*\*(Today|Last session · .*)\*\* · SPY ", app.expander[0].label)
    (row, *_) = app.expander[0].dataframe[0].value.to_dict("records")
    assert row["Symbol"] == "SPY"
    assert " to " in row["Range"]


def test_a_run_of_long_ago_has_no_today():
    a_run()
    assert not [part for part in open_app().expander if re.match(r"\*\*(Today|Last session)", part.label)]


@pytest.mark.parametrize("minutes", [5, 40, 120])
def test_the_session_is_looked_at_with_the_account_as_the_run_left_it(minutes):
    run = a_run(symbols=("SPY", "QQQ"))
    now = datetime(2024, 3, 28, 13, 30, tzinfo=UTC) + timedelta(minutes=minutes)
    found = sessions_today(default_store(), run.run_id, now)
    assert [each.symbol for each in found] == ["SPY", "QQQ"]
    assert all(each.as_of <= now for each in found)


def test_buy_and_hold_starts_at_nothing_and_ends_with_the_last_close():
    run = a_run()
    held = benchmark(default_store(), run.run_id)
    bars = run.bars("SPY")
    inside = bars[bars["timestamp_utc"] >= run.frame("SPY", "sessions").query("not warmup")["open"].iloc[0]]
    assert held["return_pct"].iloc[0] == 0
    assert held["return_pct"].iloc[-1] == pytest.approx(inside["close"].iloc[-1] / inside["open"].iloc[0] - 1)


def test_the_overview_holds_the_run_against_buy_and_hold():
    run = a_run(symbols=("SPY", "QQQ"))
    app = open_app("run", run=run.run_id)
    app.session_state["equity.way"] = "% of capital"
    rerun(app)
    assert "buy and hold in equal parts" in texts(app)
    app.session_state["equity.way"] = "R by time"
    rerun(app)
    assert "buy and hold" not in texts(app)


def test_the_deepest_drops_are_a_closed_group():
    app = open_app("run", run=a_run().run_id)
    assert app.expander[-1].label == "Deepest drops"
    app.session_state["result.group.drops"] = True
    table = rerun(app).dataframe[-1].value
    assert np.all(np.diff(table["depth_r"]) >= 0)


def test_a_run_that_never_fell_says_so_instead_of_an_empty_table():
    trades = a_run("governance.max_signals_per_day=1").all_trades()
    won = trades.loc[trades["realized_r"] > 0, "session_date"].iloc[0].date()
    run = a_run("governance.max_signals_per_day=1", start=won, end=won)
    assert run.metrics()["max_drawdown_r"] == 0
    app = open_app("run", run=run.run_id)
    app.session_state["result.group.drops"] = True
    assert "never fell below its highest point" in texts(rerun(app))
