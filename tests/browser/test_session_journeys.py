import re

import pytest

from tests.browser.driving import GRID, HEADER_PX, ROW_PX, click_row, over_a_slow_line, settled
from tests.ui.app import a_run

pytestmark = pytest.mark.timeout(180)

OPEN_PX = 46 + 46 + 155 + 20
"""From the left of the table of runs to the middle of its button that opens a run."""
TIMES_OF_ENTRY = """() => {
    const entry = document.querySelector(".js-plotly-plot").data.find((trace) => trace.name === "Entry");
    return entry ? Array.from(entry.x) : [];
}"""


def at_trade(browser, trade):
    """Wait until a trade's session is drawn, its entry on the chart and its result in words."""
    day, clock = trade["session_date"], f"{trade['entry_local']:%H:%M}"
    browser.wait_for_url(re.compile(rf"/session\?.*date={day:%Y-%m-%d}&trade={trade['trade_id']}"))
    result = re.escape(f"{trade['realized_r']:+.2f} R after costs".replace("-", "−"))
    browser.get_by_text(re.compile(rf"{clock} → .*{result}")).wait_for()
    settled(browser)
    assert f"{day:%Y-%m-%d}T{clock}" in [time[:16] for time in browser.evaluate(TIMES_OF_ENTRY)]


def at_bar(browser, bar):
    browser.get_by_text(re.compile(rf"bar {bar} of 390")).wait_for()
    settled(browser)


def test_yesterdays_run_is_gone_through_trade_by_trade_and_one_is_replayed(server, browser):
    run = a_run()
    trades = run.all_trades().to_dict("records")
    browser.goto(f"{server.url}/runs")
    browser.get_by_text("Runs · 1").wait_for()
    settled(browser)
    table = browser.locator(GRID).first.bounding_box()
    browser.mouse.click(table["x"] + OPEN_PX, table["y"] + HEADER_PX + ROW_PX / 2)
    browser.get_by_role("tab", name="Trades").click()
    browser.get_by_text("Select a row to see its day").wait_for()
    settled(browser)
    click_row(browser, 2)
    at_trade(browser, trades[2])
    browser.get_by_role("button", name="Trade Shortcut Shift + →").click()
    at_trade(browser, trades[3])
    for key, trade in (("Shift+ArrowRight", 4), ("Shift+ArrowLeft", 3), ("Shift+ArrowRight", 4)):
        browser.keyboard.press(key)
        at_trade(browser, trades[trade])
    browser.reload()
    at_trade(browser, trades[4])

    begin = trades[4]["or_minutes"]
    browser.get_by_role("button", name="Replay").click()
    at_bar(browser, begin)
    assert browser.evaluate(TIMES_OF_ENTRY) == []
    browser.keyboard.press("ArrowRight")
    at_bar(browser, begin + 1)
    browser.keyboard.press("ArrowLeft")
    at_bar(browser, begin)
    browser.get_by_role("button", name="Entry").click()
    browser.get_by_text("; open. 1 R =").wait_for()
    settled(browser)
    assert len(browser.evaluate(TIMES_OF_ENTRY)) == 1
    browser.keyboard.press("Space")
    browser.get_by_role("button", name="Pause").wait_for()
    browser.keyboard.press("Space")
    browser.get_by_role("button", name="Play Shortcut Space").wait_for()
    settled(browser)
    browser.keyboard.press("p")
    at_trade(browser, trades[4])

    browser.go_back()
    browser.get_by_role("button", name="End replay").wait_for()
    browser.get_by_role("link", name="Defaults").click()
    browser.get_by_text("Select a row to see its day").wait_for()


def test_a_replayed_bar_has_an_address_that_a_reload_a_link_and_the_way_back_restore(server, browser):
    run = a_run()
    trade = run.all_trades().iloc[0]
    where = f"run={run.run_id}&symbol=SPY&date={trade['session_date']:%Y-%m-%d}&trade={trade['trade_id']}&replay=true"
    begin = trade["or_minutes"]
    browser.goto(f"{server.url}/session?{where}")
    at_bar(browser, begin)
    for step in (1, 2):
        browser.keyboard.press("ArrowRight")
        at_bar(browser, begin + step)
    browser.wait_for_url(re.compile(rf"bar={begin + 2}$"))
    browser.reload()
    at_bar(browser, begin + 2)
    browser.go_back()
    at_bar(browser, begin + 1)
    browser.keyboard.press("Space")
    browser.get_by_role("button", name="Pause").wait_for()
    browser.get_by_text(re.compile(rf"bar (?!{begin + 1} )\d+ of 390")).wait_for()  # the clock runs
    assert browser.url.endswith(f"bar={begin + 1}")
    browser.keyboard.press("Space")
    browser.get_by_role("button", name="Play Shortcut Space").wait_for()
    browser.wait_for_url(re.compile(rf"bar=(?!{begin + 1}$)\d+$"))
    settled(browser)
    (paused,) = re.findall(r"bar=(\d+)$", browser.url)
    at_bar(browser, paused)
    browser.goto(f"{server.url}/session?{where}&bar=200")
    at_bar(browser, 200)


def test_a_replay_over_a_slow_line_stands_where_it_was_paused(server, browser):
    run = a_run()
    trade = run.all_trades().iloc[0]
    over_a_slow_line(browser, 700)  # longer than a tick, so that ticks with the address of before are on their way
    browser.goto(
        f"{server.url}/session?run={run.run_id}&symbol=SPY&date={trade['session_date']:%Y-%m-%d}"
        f"&trade={trade['trade_id']}&replay=true&bar=16"
    )
    at_bar(browser, 16)
    browser.keyboard.press("ArrowRight")
    browser.keyboard.press("Space")
    browser.get_by_role("button", name="Pause").wait_for()
    browser.get_by_text(re.compile(r"bar (?!1\d )\d+ of 390")).wait_for()
    browser.keyboard.press("Space")
    browser.get_by_role("button", name="Play Shortcut Space").wait_for()
    browser.wait_for_url(re.compile(r"bar=(?!1[67]$)\d+$"))
    browser.wait_for_timeout(2_000)
    at_bar(browser, re.findall(r"bar=(\d+)$", browser.url)[0])


def test_a_replay_ended_before_it_is_drawn_leaves_no_trace_in_the_address(server, browser):
    run = a_run()
    trade = run.all_trades().iloc[0]
    over_a_slow_line(browser, 500)
    browser.goto(f"{server.url}/session?run={run.run_id}&symbol=SPY&date={trade['session_date']:%Y-%m-%d}")
    browser.get_by_role("button", name="Replay").wait_for()
    settled(browser)
    browser.keyboard.press("p")
    browser.wait_for_timeout(150)
    browser.keyboard.press("p")
    browser.wait_for_timeout(3_000)
    settled(browser)
    is_replay = browser.get_by_role("button", name="End replay").count() == 1
    assert ("replay=true" in browser.url) == is_replay
