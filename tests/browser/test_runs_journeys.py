import re
import time

import pytest

from orb_core.service import default_store
from orb_core.store.manifest import Notes
from orb_core.store.run_zip import pack
from tests.browser.driving import GRID, HEADER_PX, ROW_PX, settled
from tests.ui.app import a_run

pytestmark = pytest.mark.timeout(180)
PICK, STAR, TITLE = 23, 69, 170
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


def test_a_star_a_title_a_tag_and_a_note_edited_in_the_table_survive_a_reload(server, browser):
    run = a_run()
    open_runs(browser, server)
    click_cell(browser, STAR)
    notes_become(run, starred=True)
    click_cell(browser, TITLE)
    browser.keyboard.type("wide <b>ranges</b>", delay=20)
    browser.keyboard.press("Enter")
    notes_become(run, starred=True, title="wide <b>ranges</b>")
    settled(browser)
    for _ in range(13):
        browser.keyboard.press("ArrowRight")
    browser.keyboard.press("Enter")
    browser.keyboard.type("spring", delay=20)
    browser.keyboard.press("Enter")
    browser.keyboard.press("Tab")
    notes_become(run, starred=True, title="wide <b>ranges</b>", tags=("spring",))
    settled(browser)
    browser.keyboard.press("ArrowRight")
    browser.keyboard.type("gap days", delay=20)
    browser.keyboard.press("Enter")
    notes_become(run, starred=True, title="wide <b>ranges</b>", tags=("spring",), note="gap days")
    browser.set_viewport_size({"width": 1920, "height": 1080})  # as wide as the table
    browser.reload()
    browser.get_by_text("Runs · 1").wait_for()
    settled(browser)
    for cell in ("true", "wide <b>ranges</b>", "spring", "gap days"):
        browser.locator("[role=gridcell]", has_text=cell).first.wait_for(state="attached")


def test_two_sessions_edit_different_runs_at_once_and_a_deleted_one_comes_back(server, browser):
    older, newer = a_run(), a_run("orb.base_minutes=30")
    other = browser.context.browser.new_page()
    for page in (browser, other):
        open_runs(page, server)
    for row, (page, title) in enumerate(((browser, "mine"), (other, "theirs"))):
        click_cell(page, TITLE, row)
        page.keyboard.type(title, delay=20)
    for page in (browser, other):
        page.keyboard.press("Enter")
    notes_become(newer, title="mine")
    notes_become(older, title="theirs")
    settled(browser)
    click_cell(browser, PICK, 1)
    browser.get_by_role("button", name="Delete 1").click()
    browser.get_by_text("Deleted 1 run.").wait_for()
    assert [line.run_id for line in default_store().list()] == [newer.run_id]
    browser.get_by_role("button", name="Undo").click()
    browser.get_by_text("Runs · 2").wait_for()
    assert [line.notes.title for line in default_store().list()] == ["mine", "theirs"]


def test_filters_come_back_by_link_and_back_button_and_a_zip_is_imported_again(server, browser, tmp_path):
    run, _ = a_run(), a_run("orb.base_minutes=30")
    zipped = tmp_path / "run.zip"
    zipped.write_bytes(pack(run))
    open_runs(browser, server)
    browser.get_by_role("textbox", name="Find").fill("opening range")
    browser.keyboard.press("Enter")
    browser.get_by_text("Runs · 1 of 2").wait_for()
    settled(browser)
    assert "find=opening" in browser.url
    browser.reload()
    browser.get_by_text("Runs · 1 of 2").wait_for()
    browser.get_by_role("link", name="Data").click()
    browser.get_by_text("No bars are kept yet").wait_for()
    browser.go_back()
    browser.get_by_text("Runs · 1 of 2").wait_for()
    default_store().delete(run.run_id)
    open_runs(browser, server)
    browser.get_by_role("button", name="Import").click()
    browser.locator("input[type=file]").set_input_files(zipped)
    browser.get_by_text("Imported. It stands in the list").wait_for()
    browser.get_by_text("Runs · 2").wait_for()
