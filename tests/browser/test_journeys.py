import re

import pytest

from tests.browser.driving import click_row, settled
from tests.ui.app import a_run

pytestmark = pytest.mark.timeout(180)


def test_from_the_first_visit_to_a_trade_on_its_chart(server, browser):
    browser.goto(server.url)
    browser.get_by_role("button", name="Run the demo").click()
    browser.get_by_text("Win rate").wait_for()
    settled(browser)
    assert browser.get_by_text("Made-up prices").count()
    assert "run=backtest_" in browser.url
    browser.get_by_role("button", name="Show trades").click()
    browser.wait_for_url(re.compile(r"/run\?.*tab=Trades"))
    browser.get_by_text("Select a row to see its day").wait_for()
    settled(browser)
    click_row(browser, 0)
    browser.wait_for_url(re.compile(r"/session\?.*trade=SPY-20240102-1"))
    browser.get_by_text("Breakouts of the day").wait_for()
    settled(browser)
    chart = browser.locator(".js-plotly-plot")
    shown = chart.evaluate("plot => plot.data.filter(trace => trace.x.length).map(trace => trace.name)")
    assert {"Price", "VWAP", "Entry", "Stop in force"} <= set(shown)
    browser.go_back()
    browser.get_by_text("Select a row to see its day").wait_for()
    assert "/run?" in browser.url


def test_an_error_is_told_beside_its_field_and_gone_when_mended(server, browser):
    browser.goto(server.url)
    minutes = browser.get_by_role("spinbutton", name="Opening range (min)")
    minutes.fill("45")
    minutes.press("Enter")
    browser.get_by_text("1 field needs mending").wait_for()
    assert browser.get_by_text("Must be at least “Opening range” (45)").is_visible()
    browser.get_by_role("spinbutton", name="Long range (min)").fill("60")
    browser.keyboard.press("Enter")
    browser.get_by_text("1 field needs mending").wait_for(state="detached")
    browser.keyboard.press("Control+Enter")
    browser.get_by_text("OR 45 ← 15, Long range 60").wait_for()


def test_run_stays_in_sight_while_the_settings_scroll(server, browser):
    browser.goto(server.url)
    settled(browser)
    browser.get_by_role("strong").filter(has_text="Factors").scroll_into_view_if_needed()
    assert browser.get_by_role("button", name="Run", exact=False).first.is_visible()
    box = browser.locator(".st-key-launch-run").bounding_box()
    assert 0 <= box["y"] < 100


def test_a_long_run_shows_progress_and_can_be_cancelled(server, browser):
    browser.goto(server.url)
    settled(browser)
    symbols = browser.get_by_role("combobox", name="Symbols")
    symbols.fill(" ".join(f"MADE{i}" for i in range(60)))
    symbols.press("Enter")
    browser.get_by_text("MADE59").first.wait_for()
    settled(browser)
    browser.keyboard.press("Escape")
    browser.keyboard.press("Control+Enter")
    browser.get_by_text(re.compile(r"Bars of \d+ of 61 symbols")).wait_for()
    browser.get_by_role("button", name="Cancel").click()
    browser.get_by_text("Opening range breakout, tested day by day").wait_for()  # the page is free at once
    browser.get_by_text(re.compile("cancelled. .* of 61 symbols are kept|Nothing was saved")).wait_for()


@pytest.mark.parametrize("page", ["", "runs", "data", "run", "session"])
def test_a_link_into_a_server_just_started_has_its_menu_and_its_content(page, server, browser):
    run = a_run()
    query = {"run": f"?run={run.run_id}", "session": f"?run={run.run_id}&symbol=SPY&date=2024-01-03"}.get(page, "")
    browser.goto(f"{server.url}/{page}{query}")
    browser.get_by_role("link", name="Launch").wait_for()
    settled(browser)
    assert browser.locator("[data-layout=wide]").count()
    content = {
        "": "Win rate",
        "runs": "Runs · 1",
        "data": "No bars are kept yet",
        "run": "Sharpe",
        "session": "Breakouts of the day",
    }[page]
    browser.get_by_text(content).first.wait_for()
