import re
from datetime import UTC, date, datetime

import pytest

from orb_core.analytics.words import r_multiple
from pages.parts import today
from tests.ui.app import a_run, open_app, rerun, texts

DAY = "2024-03-28"


@pytest.fixture
def clock(monkeypatch):
    """Set New York's time of a day whose bars the runs below have, as far as that time."""

    def set_to(time, day=DAY):
        class Clock(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.fromisoformat(f"{day}T{time}:30-04:00").astimezone(tz or UTC)

        monkeypatch.setattr(today, "datetime", Clock)

    return set_to


def today_of(app):
    (part,) = [part for part in app.expander if re.match(r"\*\*(Today|Last session)", part.label)]
    return part.label.replace("\\", ""), part.dataframe[0].value


def test_before_the_range_is_complete_its_end_is_told_and_both_sides_have_a_trigger_and_a_stop(clock):
    a_run()
    clock("09:40")
    title, table = today_of(open_app())
    (until,) = set(table["State"])
    assert until.startswith("Range until ")
    assert f"SPY range until {until[-5:]}" in title
    assert table["Side"].tolist() == ["▲ long", "▼ short"]
    assert (table[["Trigger", "Stop", "1 R ="]] != "–").all(axis=None)


def test_the_columns_keep_their_order_and_the_needed_come_first_whatever_the_first_symbol_is_doing(clock):
    a_run("orb.adaptive=false", "scoring.enabled=false", symbols=("QQQ", "SPY", "IWM"))
    seen = set()
    for time in ("09:40", "09:45", "10:20", "15:30"):
        clock(time)
        _, table = today_of(rerun(open_app()))
        assert list(table) == [name for name in today.COLUMNS if name not in {"Trades", "R"}]
        seen |= set(table["State"])
    assert any(state.startswith("In from ") and state.endswith(" R so far") for state in seen)
    assert seen & {"Would be taken", "Beyond it: has to come back first"}


def test_a_symbol_without_bars_of_the_session_is_named(clock, tmp_path):
    from orb_core.config.load import load_config
    from orb_core.service import RunRequest, SourceSpec, default_store, run_and_save

    for symbol, until in (("SPY", DAY), ("QQQ", "2024-03-27")):
        bars = a_run(symbols=(symbol,)).bars(symbol)
        bars[bars["timestamp_utc"] <= f"{until} 21:00+00:00"].to_parquet(tmp_path / f"{symbol}.parquet")
    dates = date(2024, 3, 1), date(2024, 3, 28)
    request = RunRequest(load_config(), ("SPY", "QQQ"), *dates, SourceSpec("file", tmp_path))
    run_and_save(request, default_store())
    clock("10:30")
    app = open_app()
    assert set(today_of(app)[1]["Symbol"]) == {"SPY"}
    assert "No bars of this session yet: QQQ." in texts(app)


def test_the_title_is_today_only_on_the_day_itself_and_says_that_prices_are_made_up(clock):
    a_run()
    clock("10:30")
    title, _ = today_of(open_app())
    assert title.startswith("**Today** · SPY ")
    assert title.endswith(":orange-badge[Made-up prices]")
    clock("10:30", day="2024-03-30")
    title, _ = today_of(open_app())
    assert title.startswith("**Last session · Thu 2024-03-28** · SPY ")


def test_a_day_that_is_over_shows_its_trades_and_no_empty_column(clock):
    run = a_run("governance.max_signals_per_day=1", symbols=("SPY", "QQQ"))
    clock("18:00")
    app = open_app()
    _, table = today_of(app)
    assert list(table) == ["Symbol", "As of", "State", "Trades", "R", "Range", "Last"]
    trades = run.all_trades()
    of_day = trades[trades["session_date"] == DAY].set_index("symbol")["realized_r"]
    assert dict(zip(table["Symbol"], table["R"], strict=True)) == {s: r_multiple(r) for s, r in of_day.items()}
    assert table["Trades"].tolist() == ["1", "1"]
    assert "Run again" not in texts(app)


def test_newer_bars_are_to_be_had_while_the_session_goes_on(clock):
    a_run()
    clock("10:30")
    assert "Run again to have newer bars." in texts(open_app())
