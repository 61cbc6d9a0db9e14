import re

import numpy as np
import pytest

from tests.browser.driving import GRID, HEADER_PX, ROW_PX, browsing, settled
from tests.charts.test_palette import contrast
from tests.ui.app import a_run

pytestmark = pytest.mark.timeout(180)

COLOURS_OF = "element => [getComputedStyle(element).color, getComputedStyle(element).backgroundColor]"
UNMARKED = """() => {
    const focused = document.activeElement
    const shown = focused.tagName === 'INPUT' ? focused.closest('label') : focused, look = getComputedStyle(shown)
    const isMarked = look.outlineStyle !== 'none' || look.boxShadow !== 'none'
    return isMarked || ['BODY', 'MAIN'].includes(focused.tagName) ? '' : shown.outerHTML.slice(0, 200)
}"""

WATCH_HEIGHTS = """() => {
    window.heights = new Set()
    const look = () => {
        const drawn = document.querySelector('.js-plotly-plot .main-svg')
        const height = drawn?.getBoundingClientRect().height
        if (height && getComputedStyle(drawn).visibility === 'visible') window.heights.add(Math.round(height))
        requestAnimationFrame(look)
    }
    look()
}"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_run_and_the_symbols_are_legible(dark, server):
    with browsing(dark=dark) as (page, _):
        page.goto(server.url)
        run = page.get_by_test_id("stBaseButton-primary").first
        run.wait_for()
        settled(page)
        for element in (run, page.locator("[data-tag]").first):
            text, behind = (re.findall(r"[\d.]+", colour) for colour in element.evaluate(COLOURS_OF))
            assert contrast(*(np.array(rgb[:3], dtype=float) for rgb in (text, behind))) >= 4.5


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1920, 1080)])
def test_a_result_is_seen_as_a_whole_and_fills_the_window(width, height, server):
    run = a_run(symbols=("SPY", "QQQ", "IWM"))
    with browsing(width=width, height=height) as (page, _):
        page.goto(f"{server.url}/?run={run.run_id}")
        last = page.get_by_role("button", name="Open run")
        last.wait_for()
        settled(page)
        box = last.bounding_box()
        assert 0.75 * height <= box["y"] + box["height"] <= height


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1920, 1080)])
def test_charts_of_a_run_and_a_day_and_a_long_table_of_trades_use_the_height_of_the_window(width, height, server):
    run = a_run()
    trade = run.all_trades().iloc[0]
    day = f"session?run={run.run_id}&symbol=SPY&date={trade['session_date']:%Y-%m-%d}"
    with browsing(width=width, height=height) as (page, _):
        for address, what in (
            (day, ".js-plotly-plot"),
            (f"{day}&replay=true", ".js-plotly-plot"),
            (f"run?run={run.run_id}", ".js-plotly-plot"),
            (f"run?run={run.run_id}&tab=What-if", ".js-plotly-plot"),
            (f"run?run={run.run_id}&tab=Trades", GRID),
        ):
            page.goto(f"{server.url}/{address}")
            page.locator(what).first.wait_for()
            settled(page)
            box = page.locator(what).first.bounding_box()
            assert 0.8 * height <= box["y"] + box["height"] <= height, address


def test_a_playing_chart_keeps_its_height_from_bar_to_bar(server):
    run = a_run()
    trade = run.all_trades().iloc[0]
    with browsing(width=1920, height=1080) as (page, _):
        day = f"{trade['session_date']:%Y-%m-%d}"
        page.goto(f"{server.url}/session?run={run.run_id}&symbol=SPY&date={day}&replay=true&bar=40")
        page.get_by_text("bar 40 of").wait_for()
        settled(page)
        page.evaluate(WATCH_HEIGHTS)
        page.keyboard.press("Space")
        page.get_by_text(re.compile(r"bar (4[8-9]|5\d) of")).wait_for()
        assert page.evaluate("[...window.heights]") == [700]


def test_the_table_of_symbols_is_as_high_as_its_rows(server, browser):
    run = a_run(symbols=tuple(f"MADE{i}" for i in range(6)))
    browser.goto(f"{server.url}/?run={run.run_id}")
    browser.get_by_role("button", name="Open run").wait_for()
    settled(browser)
    assert browser.locator(GRID).first.bounding_box()["height"] < HEADER_PX + 6 * ROW_PX + ROW_PX / 2


@pytest.mark.parametrize(
    "page", ["", "runs", "data", "compare", "run?run={}", "run?run={}&tab=Days", "run?run={}&tab=Setup"]
)
def test_no_page_is_wider_than_the_window(page, server, browser):
    run = a_run()
    browser.goto(f"{server.url}/{page.format(run.run_id)}")
    browser.get_by_test_id("stTopNav").wait_for()
    settled(browser)
    assert browser.get_by_test_id("stMain").evaluate("main => main.scrollWidth - main.clientWidth") == 0


def test_where_the_focus_is_can_be_seen_all_the_way_through_a_page(server, browser):
    run = a_run()
    trade = run.all_trades().iloc[0]
    where = f"run={run.run_id}&symbol=SPY&date={trade['session_date']:%Y-%m-%d}"
    browser.goto(f"{server.url}/session?{where}")
    browser.get_by_text("Breakouts of the day").wait_for()
    settled(browser)
    unmarked = browser.evaluate(UNMARKED)
    for _ in range(12):
        browser.keyboard.press("Tab")
        unmarked = unmarked or browser.evaluate(UNMARKED)
    assert unmarked == ""
