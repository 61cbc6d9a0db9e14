import re
import time

import pytest

from orb_core.service import default_store
from orb_core.store.manifest import Notes
from tests.browser.driving import GRID, HEADER_PX, ROW_PX, settled
from tests.ui.app import a_run

pytestmark = pytest.mark.timeout(180)
STAR, TITLE = 93, 225
"""How far from the table's left edge the middle of a column is, in pixels."""
TYPED = "abcdefghijklmnop"


def open_runs(page, server, query="", shown=None):
    page.goto(f"{server.url}/runs{query}")
    page.get_by_text(f"Runs · {shown or len(default_store().list())}").wait_for()
    settled(page)


def click_cell(page, x, row=0):
    table = page.locator(GRID).first.bounding_box()
    page.mouse.click(table["x"] + x, table["y"] + HEADER_PX + ROW_PX * (row + 0.5))


def notes_become(run, **wanted):
    until = time.monotonic() + 20
    while run.notes != Notes(**wanted) and time.monotonic() < until:
        time.sleep(0.1)
    assert run.notes == Notes(**wanted)


def test_a_title_typed_right_after_a_star_keeps_every_key_however_late_the_editor_is(server, browser):
    run = a_run()

    def late(route):
        time.sleep(0.6)
        route.continue_()

    browser.route("**/data-grid-overlay-editor*", late)
    open_runs(browser, server)
    click_cell(browser, STAR)
    click_cell(browser, TITLE)
    browser.wait_for_timeout(100)
    browser.keyboard.type(TYPED, delay=30)
    browser.wait_for_timeout(300)
    browser.keyboard.press("Enter")
    notes_become(run, title=TYPED, starred=True)
    click_cell(browser, TITLE)
    browser.keyboard.type("again", delay=30)
    browser.keyboard.press("Enter")
    notes_become(run, title="again", starred=True)


def test_the_table_stands_still_while_an_edit_is_written(server, browser):
    a_run()
    open_runs(browser, server)
    browser.evaluate(
        "grid => { window.tops = new Set(); const look = () => { window.tops.add("
        "document.querySelector(grid)?.getBoundingClientRect().top); requestAnimationFrame(look); }; look(); }",
        GRID,
    )
    for _ in range(4):
        click_cell(browser, STAR)
        browser.wait_for_timeout(600)
        settled(browser)
    assert len(browser.evaluate("[...window.tops]")) == 1


def test_a_link_restores_the_filters_of_the_trades(server, browser):
    run = a_run(symbols=("SPY", "QQQ"))
    browser.goto(f"{server.url}/run?run={run.run_id}&tab=Trades")
    browser.get_by_text("Select a row to see its day").wait_for()
    settled(browser)
    browser.get_by_role("button", name="Wins").click()
    browser.get_by_text(re.compile(r"\d+ of \d+ trades")).wait_for()
    settled(browser)
    said = browser.get_by_text(re.compile(r"\d+ of \d+ trades")).inner_text()
    assert "t_outcome=" in browser.url
    browser.reload()
    browser.get_by_text(said).wait_for()
