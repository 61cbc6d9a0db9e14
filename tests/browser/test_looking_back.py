import re

import pytest

from tests.browser.driving import GRID, HEADER_PX, ROW_PX, settled
from tests.ui.app import a_run

pytestmark = pytest.mark.timeout(180)


def test_two_runs_are_ticked_compared_swapped_and_followed_to_a_day(server, browser):
    a_run()
    a_run("trade.stop_mode=or_midpoint")
    browser.goto(f"{server.url}/runs")
    browser.get_by_text("Runs · 2").wait_for()
    settled(browser)
    grid = browser.locator(GRID).first.bounding_box()
    for row in (0, 1):
        browser.mouse.click(grid["x"] + 23, grid["y"] + HEADER_PX + ROW_PX * row + ROW_PX / 2)
        browser.get_by_role("button", name=f"Delete {row + 1}").wait_for()
        settled(browser)
    browser.get_by_role("button", name="Compare 2").click()
    browser.wait_for_url(re.compile(r"/compare\?runs=backtest_.*backtest_"))
    browser.get_by_text("shared days").first.wait_for()
    settled(browser)
    older, newer = re.findall(r"backtest_[0-9_]*\d", browser.url)
    browser.get_by_role("button", name="swap_horiz").click()
    browser.wait_for_url(re.compile(rf"runs={newer}.*{older}"))
    settled(browser)
    browser.reload()
    browser.get_by_text("Trades, one to one").wait_for()
    settled(browser)
    trades = browser.locator(GRID).last
    trades.scroll_into_view_if_needed()
    box = trades.bounding_box()
    browser.mouse.click(box["x"] + 18, box["y"] + HEADER_PX + ROW_PX / 2)
    browser.get_by_role("link", name=re.compile("in A$")).click()
    browser.wait_for_url(re.compile(rf"/session\?.*run={newer}"))
    browser.get_by_text("Breakouts of the day").wait_for()
    browser.go_back()
    browser.get_by_text("Trades, one to one").wait_for()


def test_a_day_of_the_calendar_opens_its_chart_and_the_way_back_leads_to_the_days(server, browser):
    run = a_run()
    browser.goto(f"{server.url}/run?run={run.run_id}&tab=Days")
    browser.get_by_text("Every session").wait_for()
    settled(browser)
    calendar = browser.locator(".js-plotly-plot").first
    x, y = calendar.evaluate(
        "plot => { const box = plot.getBoundingClientRect(), a = plot._fullLayout, d = plot.calcdata[0][5];"
        "return [box.x + a.xaxis._offset + a.xaxis.l2p(d.p), box.y + a.yaxis._offset + a.yaxis.l2p(d.b + d.s / 2)]; }"
    )
    browser.mouse.click(x, y)
    browser.wait_for_url(re.compile(r"/session\?.*date=2024-01-09"))
    browser.get_by_text("Breakouts of the day").wait_for()
    browser.go_back()
    browser.get_by_text("Every session").wait_for()


def test_days_left_out_in_the_ledger_are_a_change_on_launch(server, browser):
    run = a_run()
    browser.goto(f"{server.url}/run?run={run.run_id}&tab=Days")
    browser.get_by_text("Every session").wait_for()
    settled(browser)
    browser.get_by_role("button", name="Leave out").last.scroll_into_view_if_needed()
    box = browser.locator(GRID).last.bounding_box()
    browser.mouse.click(box["x"] + 18, box["y"] + HEADER_PX + ROW_PX / 2)
    browser.get_by_role("button", name="Leave out 1 day").click()
    browser.get_by_text("Changed (1)").wait_for()
    browser.keyboard.press("Control+Enter")
    browser.get_by_text("Days left out").first.wait_for()


@pytest.mark.parametrize("page", ["compare", "compare?runs={}", "run?run={}&tab=Days", "run?run={}&tab=Patterns"])
def test_a_link_into_a_server_just_started_shows_the_view(page, server, browser):
    run = a_run()
    browser.goto(f"{server.url}/{page.format(run.run_id)}")
    browser.get_by_role("link", name="Launch").wait_for()
    settled(browser)
    content = {"compare": "Choose two runs", "Days": "Every session", "Patterns": "Spread of R"}
    browser.get_by_text(next(text for name, text in content.items() if name in page)).first.wait_for()
