import sys
import time
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from orb_core import data_service
from orb_core.config.load import load_config
from pages.parts import data_cached
from tests.fakes.yahoo import TOO_MANY, FakeYahoo, market_bars
from tests.ui.app import open_app, rerun, texts, wait_for_the_run

TODAY = datetime.now(UTC).date()


@pytest.fixture(scope="module")
def spy():
    return market_bars("SPY", TODAY - timedelta(days=45), TODAY)


@pytest.fixture(autouse=True)
def yfinance_of_a_new_process():
    yield
    if "yfinance" in sys.modules:
        sys.modules["yfinance.data"].SingletonMeta._instances.clear()


@pytest.fixture
def yahoo(monkeypatch, spy):
    with FakeYahoo() as fake:
        fake.bars["SPY"] = spy
        monkeypatch.setenv("ORB_YAHOO_URL", fake.url)
        yield fake


def page(**query):
    return open_app("data", **query)


def wait_for_the_fetch(app):
    until = time.monotonic() + 60
    while "data.job" in app.session_state and time.monotonic() < until:
        time.sleep(0.1)
        rerun(app)
    assert "data.job" not in app.session_state
    return app


def fetched(app, *symbols):
    app.multiselect(key="data.symbols").set_value(list(symbols))
    rerun(app)
    app.button(key="data.fetch").click()
    return wait_for_the_fetch(rerun(app))


def uploaded(app, name, content):
    app.file_uploader[0].upload(name, content, "application/octet-stream")
    return rerun(app)


def a_week(symbol="SPY"):
    return market_bars(symbol, date(2024, 1, 2), date(2024, 1, 8))


def as_csv(bars, **columns):
    return bars.rename(columns=columns).to_csv(index=False).encode()


def local_csv(bars):
    local = bars.assign(date=bars["timestamp_utc"].dt.tz_convert("America/New_York").dt.tz_localize(None))
    return local[["date", "open", "high", "low", "close", "volume"]].to_csv(index=False).encode()


def test_a_page_without_bars_says_how_to_begin():
    app = page()
    assert "No bars are kept yet" in texts(app)
    assert app.button(key="data.fetch").disabled


def test_fetching_archives_what_yahoo_keeps_and_shows_it(yahoo):
    app = fetched(page(), "SPY")
    assert "sessions fetched" in texts(app)
    (kept,) = data_service.datasets()
    assert (kept.symbol, kept.interval, kept.origin) == ("SPY", "1m", "yahoo")
    assert kept.sessions >= 18
    assert len(app.get("plotly_chart")) >= 1
    assert "Quality" in texts(app)


def test_fetching_again_asks_for_nothing_and_says_so(yahoo):
    app = fetched(page(), "SPY")
    asked = len(yahoo.charts())
    fetched(app, "SPY")
    assert len(yahoo.charts()) == asked
    assert "nothing new" in texts(app)


def test_an_unknown_symbol_and_a_rate_limit_are_told_apart_and_the_rest_is_kept(yahoo):
    yahoo.scripts["QQQ"] = [TOO_MANY] * 9
    app = fetched(page(), "SPY", "NOPE", "QQQ", "IWM")
    said = texts(app)
    assert "NOPE" in said
    assert "IWM" in said.split("Not asked for")[1]
    assert [kept.symbol for kept in data_service.datasets()] == ["SPY"]


def test_missing_minutes_are_drawn_and_listed(yahoo, spy):
    days = spy["timestamp_utc"].dt.date
    day = days[days < TODAY].iloc[-1]  # today's session may not have begun
    first = spy.index[spy["timestamp_utc"].dt.date == day][0]
    yahoo.bars["SPY"] = spy.drop(index=[first + 3, first + 4])
    app = fetched(page(), "SPY")
    assert "1 of" in texts(app)
    assert "the opening range of 1 is not whole" in texts(app)
    missing = next(frame.value for frame in app.dataframe if "Missing" in frame.value)
    assert missing["Missing"].tolist() == ["09:33–09:34"]
    assert missing["Session"].tolist() == [str(day)]


def test_a_fetch_can_be_cancelled_and_keeps_what_it_has(yahoo, spy):
    yahoo.scripts["SPY"] = [lambda usual: usual._replace(delay_s=0.6)] * 9
    app = page()
    app.multiselect(key="data.symbols").set_value(["SPY"])
    rerun(app)
    app.button(key="data.fetch").click()
    rerun(app)
    app.button(key="data.cancel").click()
    wait_for_the_fetch(rerun(app))
    assert "cancelled" in texts(app)
    assert sum(kept.sessions for kept in data_service.datasets()) < 18


def test_removing_needs_a_confirmation_and_then_forgets_the_sessions(yahoo):
    app = fetched(page(), "SPY")
    app.button(key="data.remove").click()
    rerun(app)
    assert "cannot be fetched again" in texts(app)
    assert len(data_service.datasets()) == 1
    app.button(key="data.remove_now").click()
    rerun(app)
    assert data_service.datasets() == []
    assert "No bars are kept yet" in texts(app)


def test_an_uploaded_file_is_recognised_before_it_is_kept_and_then_runs():
    bars = a_week()
    app = uploaded(page(), "my bars.csv", as_csv(bars))
    facts = app.dataframe[0].value.set_index("What")["Recognised"]
    assert facts["Rows"] == f"{len(bars):,}"
    assert facts["First"] == "2024-01-02 09:30"
    assert facts["Times here are"] == "New York time"
    assert app.button(key="data.keep").disabled
    app.text_input(key="data.as").set_value("spy")
    rerun(app)
    app.button(key="data.keep").click()
    rerun(app)
    assert "SPY: 1,950 bars kept" in texts(app)
    (kept,) = data_service.datasets()
    assert kept.about.file_name == "my bars.csv"
    pd.testing.assert_frame_equal(data_service.imports().bars(kept.about), bars, check_dtype=False)


def test_what_a_file_does_not_say_is_asked_and_not_guessed():
    bars = a_week()
    app = uploaded(page(), "SPY.csv", local_csv(bars))
    facts = app.dataframe[0].value.set_index("What")["Recognised"]
    assert facts["Time zone of the file"].startswith("not in the file")
    app.text_input(key="data.as").set_value("SPY")
    app.selectbox(key="data.zone").set_value("America/New_York")
    app.selectbox(key="data.side").set_value("open")
    rerun(app)
    app.button(key="data.keep").click()
    rerun(app)
    (kept,) = data_service.datasets()
    assert data_service.imports().bars(kept.about)["timestamp_utc"].iloc[0] == bars["timestamp_utc"].iloc[0]


def test_kept_bars_say_where_they_are_from_in_the_words_of_launch_and_how_much_there_is(yahoo):
    app = fetched(page(), "SPY")
    uploaded(app, "QQQ.csv", as_csv(a_week("QQQ")))
    app.text_input(key="data.as").set_value("QQQ")
    rerun(app)
    app.button(key="data.keep").click()
    kept = next(f.value for f in rerun(app).dataframe if "Kept" in f.value).set_index("Symbol")
    assert kept.loc["QQQ", ["Source", "Kept"]].tolist() == ["Imported bars", "1,950 bars"]
    assert kept.loc["SPY", "Source"] == "Yahoo"
    assert kept.loc["SPY", "Kept"].endswith(" sessions")


def test_stamps_at_the_end_of_bars_are_moved_and_the_page_says_so():
    app = uploaded(page(), "SPY.csv", local_csv(a_week()))
    app.text_input(key="data.as").set_value("SPY")
    app.selectbox(key="data.zone").set_value("America/New_York")
    app.selectbox(key="data.side").set_value("close")
    rerun(app)
    app.button(key="data.keep").click()
    rerun(app)
    assert "moved back by 1 min" in texts(app)


def test_a_file_of_several_symbols_keeps_those_chosen():
    both = pd.concat([a_week("SPY").assign(symbol="SPY"), a_week("QQQ").assign(symbol="QQQ")])
    app = uploaded(page(), "two.csv", as_csv(both))
    app.multiselect(key="data.which").set_value(["QQQ"])
    rerun(app)
    app.button(key="data.keep").click()
    rerun(app)
    assert [kept.symbol for kept in data_service.datasets()] == ["QQQ"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\x00\x01\x02" * 50, "neither Parquet nor text"),
        (b"PAR1 and then nothing", "cannot be read"),
        (b"", "empty"),
        (b"a,b,c\n1,2,3\n", "no known layout"),
    ],
)
def test_a_file_that_is_no_bars_is_explained_under_its_own_name(content, sentence):
    app = uploaded(page(), "odd *name*.csv", content)
    said = texts(app)
    assert sentence in said
    assert "waiting" not in said
    assert data_service.datasets() == []


def test_names_of_files_never_become_names_on_disk(tmp_path):
    app = uploaded(page(), "../../evil.csv", as_csv(a_week()))
    app.text_input(key="data.as").set_value("SPY")
    rerun(app)
    app.button(key="data.keep").click()
    rerun(app)
    names = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert not any("evil" in name for name in names)
    assert "SPY_1m.parquet" in names


def test_imported_bars_run_from_launch():
    app = uploaded(page(), "SPY.csv", as_csv(market_bars("SPY", date(2023, 11, 1), date(2024, 1, 8))))
    app.text_input(key="data.as").set_value("SPY")
    rerun(app)
    app.button(key="data.keep").click()
    rerun(app)
    app.button(key="data.run").click()
    rerun(app)
    app.switch_page("pages/launch.py")
    rerun(app)
    assert app.session_state["ask.source"] == "imports"
    assert app.session_state["ask.dates"] == (date(2023, 11, 1), date(2024, 1, 8))
    app.button(key="launch.run_button").click()
    wait_for_the_run(rerun(app))
    assert "Imported bars" in texts(app)


def test_an_evening_at_the_end_of_a_file_belongs_to_the_session_of_the_next_date():
    bars = market_bars("ES=F", date(2024, 1, 3), date(2024, 1, 8), "CMES")
    until_sunday_evening = bars[bars["timestamp_utc"] < "2024-01-07 23:40+00:00"]
    assert until_sunday_evening["timestamp_utc"].max().date() == date(2024, 1, 7)
    app = uploaded(page(), "ES.csv", as_csv(until_sunday_evening))
    app.text_input(key="data.as").set_value("ES=F")
    rerun(app)
    app.button(key="data.keep").click()
    rerun(app)
    (kept,) = data_service.datasets()
    hours = load_config(overrides=["session.calendar=CMES"]).session
    assert data_service.quality(kept, hours, 15).report.bars_used == len(until_sunday_evening)
    assert data_service.last_session(kept, hours) == date(2024, 1, 8)
    assert data_service.last_session(kept, load_config().session) == date(2024, 1, 7)


def test_kept_sessions_are_looked_for_under_the_tickers_that_launch_names(monkeypatch):
    config, asked = load_config(overrides=["instruments.SPY.aliases=[SPDR]"]), []
    monkeypatch.setattr(data_cached, "launch_config", lambda: config)
    monkeypatch.setattr(data_service, "archived_from", lambda *given: asked.append(given))
    data_cached.yahoo_dates(("SPDR",), "1m")
    assert asked == [(("SPDR",), "1m", config)]


def test_dates_for_yahoo_begin_within_its_reach_whatever_was_chosen_before():
    app = open_app()
    app.selectbox(key="ask.source").set_value("yahoo")
    rerun(app)
    first, last = data_service.yahoo_reach(load_config().session, "1m")
    assert app.session_state["ask.dates"] == (first, last)
    assert app.date_input(key="ask.dates").min == first
    app.selectbox(key="set.data.interval").set_value("5m")
    rerun(app)
    assert app.date_input(key="ask.dates").min < first
    assert "keeps 5-minute bars for 60 days" in texts(app)


def test_a_first_visit_fetches_and_runs_spy(yahoo):
    app = open_app()
    app.button(key="launch.spy").click()
    wait_for_the_run(rerun(app))
    assert "Yahoo" in texts(app)
    assert app.metric[0].label == "Total"


def test_a_run_that_lacks_days_says_so_beside_its_title_and_on_every_tab(yahoo, spy):
    day = spy["timestamp_utc"].dt.date
    yahoo.bars["SPY"] = spy[day != sorted(day.unique())[-3]]
    app = open_app()
    app.button(key="launch.spy").click()
    wait_for_the_run(rerun(app))
    assert "Some days have no bars" in texts(app)
    app.switch_page("pages/run.py")
    app.query_params["tab"] = "Setup"
    assert "Some days have no bars" in texts(rerun(app))


def test_symbols_pasted_at_once_are_taken_apart():
    app = page()
    app.multiselect(key="data.symbols").set_value(["spy, qqq\nSPY"])
    rerun(app)
    assert app.session_state["data.symbols"] == ["SPY", "QQQ"]


def test_another_import_of_a_symbol_takes_the_place_of_the_first_and_says_so():
    app = page()
    for days in (date(2024, 1, 8), date(2024, 1, 3)):
        uploaded(app, "SPY.csv", as_csv(market_bars("SPY", date(2024, 1, 2), days)))
        app.text_input(key="data.as").set_value("SPY")
        rerun(app)
        last = texts(app)
        app.button(key="data.keep").click()
        rerun(app)
    assert "Takes the place of what was imported of SPY" in last
    (kept,) = data_service.datasets()
    assert kept.about.rows == 780


def test_bars_of_another_market_are_not_judged_by_the_wrong_hours():
    bars = market_bars("BTC-USD", date(2024, 1, 6), date(2024, 1, 7), "24/7")
    app = uploaded(page(), "btc.csv", as_csv(bars))
    app.text_input(key="data.as").set_value("BTC-USD")
    rerun(app)
    app.button(key="data.keep").click()
    rerun(app)
    assert "choose others" in texts(app)
    app.selectbox(key="data.calendar").set_value("24/7")
    rerun(app)
    assert "No session lacks a minute" in texts(app)
