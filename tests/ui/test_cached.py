from datetime import date

import pytest

from orb_core.analytics.words import r_multiple
from orb_core.config.load import load_config
from orb_core.service import RunRequest, SourceSpec, default_store, run_and_save
from tests.ui.app import a_run, open_app, rerun, wait_for_the_run

YEAR = (date(2024, 1, 2), date(2024, 12, 31))


@pytest.fixture
def year(tmp_path):
    """A file of more than 100,000 bars, and a writer of it with one close in their middle changed."""
    made = a_run(start=YEAR[0], end=YEAR[1])
    bars, path = made.bars("SPY"), tmp_path / "SPY.parquet"
    assert len(bars) > 100_000
    bars.to_parquet(path)
    trades = made.all_trades()
    default_store().delete(made.run_id)
    held = trades[(trades["exit_reason"] == "session_end").to_numpy()]
    trade = held.iloc[len(held) // 2]
    last = int(bars["timestamp_utc"].searchsorted(trade["exit_timestamp"])) - 1
    assert 0.25 < last / len(bars) < 0.75
    bar = bars.loc[last]
    # Inside the bar's range, so that the trade still ends there: at another price.
    to = max(bar["low"], bar["high"], key=lambda price: abs(price - bar["close"]))
    assert to != bar["close"]

    def change():
        changed = bars.copy()
        changed.loc[last, "close"] = to
        changed.to_parquet(path)
        return trade["trade_id"], to - bar["close"]

    return path, change


def exit_price(app, trade_id):
    trades = app.dataframe[0].value
    return trades.loc[trades["trade_id"] == trade_id, "exit"].item()


def test_one_bar_changed_among_a_hundred_thousand_is_a_new_run_with_a_new_result(year):
    path, change = year
    app = open_app()
    app.selectbox(key="ask.source").set_value("file")
    rerun(app)
    app.text_input(key="ask.path").set_value(str(path))
    app.date_input(key="ask.dates").set_value(YEAR)

    def total():
        app.button(key="launch.run_button").click()
        wait_for_the_run(rerun(app))
        newest = default_store().list()[0].manifest
        (shown,) = [metric.value for metric in app.metric if metric.label == "Total"]
        assert shown == r_multiple(newest.totals.total_r)
        return newest.totals.total_r

    before = total()
    stored = len(default_store().list())
    assert total() == before
    assert len(default_store().list()) == stored
    change()
    assert total() != before
    assert len(default_store().list()) == stored + 1


def test_a_run_of_the_same_id_with_one_bar_changed_shows_its_own_trades(year):
    path, change = year

    def run_it():
        run_and_save(
            RunRequest(load_config(), ("SPY",), *YEAR, SourceSpec("file", path=path), run_id="same"), default_store()
        )

    run_it()
    app = open_app("run", run="same", tab="Trades")
    trade_id, by = change()
    before = exit_price(app, trade_id)
    default_store().delete("same")
    run_it()
    assert exit_price(rerun(app), trade_id) - before == pytest.approx(by)
