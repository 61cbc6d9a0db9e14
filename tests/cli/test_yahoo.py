"""Backtests on bars from Yahoo, the default source: a fake of it on this machine, at the time it is."""

import json
import time
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from loguru import logger

import run_backtest
from orb_core import load_config
from orb_core.data.sessions import session_table
from orb_core.data.yahoo_limits import reach_ns
from orb_core.store.runs import RunStore
from tests.fakes.yahoo import BAD_GATEWAY, FakeYahoo, market_bars


@pytest.fixture(autouse=True)
def no_log_left_open():
    yield
    logger.remove()


@pytest.fixture
def store(runs_dir):
    return RunStore(runs_dir)


@pytest.fixture(scope="module")
def days() -> list[date]:
    """The sessions that are over, oldest first: some Yahoo no longer keeps, the rest it does."""
    today = datetime.now(UTC).date()
    table = session_table(load_config().session, today - timedelta(days=45), today)
    over = table.close_ns < pd.Timestamp.now("UTC").value - 3_600 * 10**9
    return table.dates[over].tolist()


@pytest.fixture
def yahoo(days, monkeypatch):
    with FakeYahoo() as fake:
        fake.bars = {symbol: market_bars(symbol, days[0], days[-1]) for symbol in ("SPY", "QQQ")}
        monkeypatch.setenv("ORB_YAHOO_URL", fake.url)
        yield fake


def run(start, end, *arguments, symbols=("SPY",)):
    dates = ("--start", str(start), "--end", str(end))
    return run_backtest.main(["--symbols", *symbols, *dates, "--run-id", "mine", *arguments])


def test_yahoo_is_where_bars_come_from_unless_said_otherwise(store, yahoo, days):
    assert run(days[-5], days[-1], symbols=("SPY", "QQQ")) == 0
    loaded = store.load("mine")
    assert (loaded.manifest.status, loaded.manifest.source["kind"]) == ("complete", "yahoo")
    assert len(loaded.frame("SPY", "sessions").query("~warmup")) == 5
    assert {request.symbol for request in yahoo.charts()} == {"SPY", "QQQ"}


def test_what_yahoo_no_longer_has_is_named_in_the_console_and_in_run_json(store, yahoo, days, capsys):
    assert run(days[0], days[-1]) == 0
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    record = json.loads((store.path / "mine" / "run.json").read_text())["symbols"]["SPY"]
    opens = session_table(load_config().session, days[0], days[-1]).open_ns
    gone = [str(day) for day, at in zip(days, opens, strict=True) if at < reach_ns("1m", time.time_ns())]
    assert record["missing_sessions"] == gone
    for said in (shown, " ".join(record["warnings"])):
        assert f"{gone[0]} to {gone[-1]}: older than the 30 days of 1m bars Yahoo keeps" in said


def test_a_symbol_that_fails_does_not_stop_the_others(store, yahoo, days):
    assert run(days[-2], days[-1], symbols=("SPY", "NOPE")) == 1
    manifest = store.load("mine").manifest
    assert manifest.status == "partial"
    assert "no symbol NOPE" in manifest.failures["NOPE"]


def test_cached_bars_are_kept_with_what_was_said_of_them_and_need_no_yahoo(store, yahoo, days, monkeypatch, tmp_path):
    assert run(days[0], days[-1], "--cache", "--cache-dir", str(tmp_path / "kept")) == 0
    assert (tmp_path / "kept" / f"SPY_{days[0]}_{days[-1]}.parquet").is_file()
    monkeypatch.setenv("ORB_YAHOO_URL", "http://127.0.0.1:9")
    again = ["--cache", "--cache-dir", str(tmp_path / "kept"), "--run-id", "again"]
    assert run(days[0], days[-1], *again) == 0
    first, second = (store.load(name).manifest.symbols["SPY"] for name in ("mine", "again"))
    assert (second.fingerprint, second.warnings) == (first.fingerprint, first.warnings)


def test_bars_that_may_still_come_are_not_cached(store, yahoo, days, tmp_path):
    yahoo.scripts["SPY"] = [lambda usual: usual] + [BAD_GATEWAY] * 6
    no_warmup = ("--set", "data.warmup_sessions=0")
    assert run(days[-10], days[-1], *no_warmup, "--cache", "--cache-dir", str(tmp_path / "kept")) == 0
    assert "HTTP 502" in " ".join(store.load("mine").manifest.symbols["SPY"].warnings)
    assert list((tmp_path / "kept").glob("*.parquet")) == []


def test_without_a_network_the_archive_still_serves(store, yahoo, days, monkeypatch):
    assert run(days[-5], days[-1], "--set", "data.warmup_sessions=0") == 0
    monkeypatch.setenv("ORB_YAHOO_URL", "http://127.0.0.1:9")
    assert run(days[-5], days[-1], "--set", "data.warmup_sessions=0", "--run-id", "again") == 0
    first, second = (store.load(name).manifest.symbols["SPY"] for name in ("mine", "again"))
    assert second.fingerprint == first.fingerprint


@pytest.mark.parametrize("end", [date(2024, 1, 31)])
def test_dates_beyond_reach_fail_with_what_can_be_done(store, yahoo, end, capsys):
    assert run(date(2024, 1, 2), end) == 1
    error = store.load("mine").manifest.failures["SPY"]
    assert "Yahoo keeps 1m bars for 30 days" in error
    assert "--data PATH" in error
    assert "--synthetic" in error
