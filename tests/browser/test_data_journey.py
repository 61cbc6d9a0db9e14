import re
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.browser.driving import settled
from tests.fakes.yahoo import FakeYahoo, market_bars

pytestmark = pytest.mark.timeout(180)
TODAY = datetime.now(UTC).date()


@pytest.fixture
def yahoo(monkeypatch):
    with FakeYahoo() as fake:
        fake.bars["SPY"] = market_bars("SPY", TODAY - timedelta(days=45), TODAY)
        monkeypatch.setenv("ORB_YAHOO_URL", fake.url)
        yield fake


def a_file(folder):
    path = folder / "two months.csv"
    market_bars("SPY", date(2024, 1, 2), date(2024, 3, 8)).to_csv(path, index=False)
    return path


def test_symbols_are_fetched_with_progress_looked_at_and_removed_again(yahoo, server, browser):
    yahoo.scripts["SPY"] = [lambda usual: usual._replace(delay_s=1.0)] * 3
    browser.goto(f"{server.url}/data")
    browser.get_by_text("No bars are kept yet").wait_for()
    symbols = browser.get_by_role("combobox", name="Symbols")
    symbols.fill("spy")
    symbols.press("Enter")
    settled(browser)
    browser.keyboard.press("Escape")
    browser.get_by_role("button", name="Fetch").click()
    browser.get_by_text(re.compile(r"SPY \(1 of 1\): \d+ of \d+ sessions")).wait_for()
    browser.get_by_text("sessions fetched").wait_for()
    browser.get_by_text("No session lacks a minute").wait_for()
    states = browser.locator(".js-plotly-plot").first.evaluate("plot => plot.data.map(trace => trace.x.length)")
    assert states[0] >= 18
    assert states[1:] == [0, 0, 0]
    settled(browser)
    browser.get_by_role("button", name="Remove", exact=True).click()
    browser.get_by_text("cannot be fetched again").wait_for()
    browser.get_by_role("dialog").get_by_role("button", name="Remove").click()
    browser.get_by_text("No bars are kept yet").wait_for()
    assert browser.get_by_role("dialog").count() == 0


def test_a_file_is_uploaded_previewed_kept_and_run(tmp_path, server, browser):
    browser.goto(f"{server.url}/data")
    browser.get_by_text("No bars are kept yet").wait_for()
    browser.locator("input[type=file]").set_input_files(a_file(tmp_path))
    browser.get_by_text("First rows, as they stand").wait_for()
    browser.get_by_role("textbox", name="Symbol of these bars").fill("SPY")
    browser.keyboard.press("Enter")
    browser.get_by_role("button", name="Keep").click()
    browser.get_by_text("bars kept").wait_for()
    browser.get_by_text("imported from two months.csv").wait_for()
    settled(browser)
    assert "bars=import" in browser.url
    browser.get_by_role("button", name="Run on Launch").click()
    browser.get_by_role("button", name="Run the demo").wait_for()
    settled(browser)
    browser.keyboard.press("Control+Enter")
    browser.get_by_text("Win rate").first.wait_for(timeout=60_000)
    assert browser.get_by_text("Imported bars").count()


def test_a_first_visit_fetches_and_runs_spy(yahoo, server, browser):
    browser.goto(server.url)
    browser.get_by_role("button", name="Fetch and run SPY").click()
    browser.get_by_text("Win rate").first.wait_for(timeout=60_000)
    assert browser.get_by_text("Yahoo").count()
