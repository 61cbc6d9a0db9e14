import re

import pytest

from tests.browser.driving import over_a_slow_line, settled
from tests.ui.app import a_run

pytestmark = pytest.mark.timeout(180)
LEFT_OUT = """n => {
    const calendar = document.querySelector(".js-plotly-plot").data?.[0];  // none while it is drawn anew
    return calendar?.text.filter(text => text === "✕").length === n;
}"""


def paste_symbols(page, text):
    """Type into the symbols what a clipboard holds, in one go."""
    page.get_by_role("combobox", name="Symbols").click()
    page.keyboard.insert_text(text)
    page.keyboard.press("Enter")
    settled(page)
    page.keyboard.press("Escape")


def upload(page, text):
    file = {"name": "mine.yaml", "mimeType": "application/yaml", "buffer": text.encode()}
    page.get_by_test_id("stPopoverBody").locator("input[type=file]").set_input_files(file)
    settled(page)


def click_point(chart, n):
    """Click the nth point or bar of a chart's first trace."""
    settled(chart.page)
    chart.scroll_into_view_if_needed()
    chart.locator(".main-svg").first.wait_for()
    settled(chart.page)
    x, y = chart.evaluate(
        """(plot, n) => {
            const box = plot.getBoundingClientRect(), a = plot._fullLayout, d = plot.calcdata[0][n];
            const up = 's' in d ? d.b + d.s / 2 : d.y;
            return [box.x + a.xaxis._offset + a.xaxis.l2p(d.x ?? d.p), box.y + a.yaxis._offset + a.yaxis.l2p(up)];
        }""",
        n,
    )
    chart.page.mouse.click(x, y)
    settled(chart.page)


def test_three_symbols_and_a_file_whose_error_is_corrected_are_run_by_ctrl_enter_and_kept_as_a_preset(server, browser):
    browser.goto(server.url)
    settled(browser)
    paste_symbols(browser, "qqq, iwm\n")
    browser.get_by_text("qqq is read as QQQ").wait_for()
    browser.get_by_role("button", name="Menu").click()
    upload(browser, "orb: {base_minuts: 20}")
    browser.get_by_text("did you mean orb.base_minutes?").wait_for()
    minutes = browser.get_by_role("spinbutton", name="Opening range (min)")
    assert minutes.input_value() == "15"
    upload(browser, "orb: {base_minutes: 20}")
    browser.get_by_text("The settings are those of mine.yaml").wait_for()
    assert minutes.input_value() == "20"
    browser.get_by_role("textbox", name="Save these settings as").fill("My gaps")
    browser.get_by_role("button", name="Save", exact=False).first.click()
    browser.get_by_text("Saved as “My gaps”").wait_for()
    browser.keyboard.press("Escape")
    browser.keyboard.press("Control+Enter")
    browser.wait_for_url(re.compile("run=backtest_"))
    browser.reload()
    browser.get_by_text("SPY, QQQ, IWM · My gaps").wait_for()
    settled(browser)
    assert minutes.input_value() == "20"


def test_a_run_is_cloned_changed_and_run(server, browser):
    run = a_run("orb.base_minutes=20")
    browser.goto(f"{server.url}/run?run={run.run_id}&tab=Setup")
    browser.get_by_role("button", name="Clone into Launch").click()
    minutes = browser.get_by_role("spinbutton", name="Opening range (min)")
    minutes.wait_for()
    settled(browser)
    assert minutes.input_value() == "20"
    minutes.fill("25")
    minutes.press("Enter")
    browser.get_by_text("Changed (1)").wait_for()
    browser.keyboard.press("Control+Enter")
    browser.get_by_text("OR 25 ← 20").wait_for()
    settled(browser)
    browser.get_by_role("button", name="Open run").click()
    browser.get_by_role("tab", name="Setup").click()
    browser.get_by_role("button", name="Run again").click()
    browser.get_by_text("Nothing changed: this is").wait_for()


def test_a_run_outlives_a_reload_and_a_closed_tab_and_is_seen_on_every_page_until_it_is_cancelled(server, browser):
    browser.goto(server.url)
    settled(browser)
    paste_symbols(browser, " ".join(f"MADE{i}" for i in range(300)))
    browser.keyboard.press("Control+Enter")
    browser.get_by_text(re.compile(r"Bars of \d+ of 301 symbols")).wait_for()
    browser.reload()
    browser.get_by_text("Running SPY, MADE0, MADE1 +298").wait_for()
    other = browser.context.browser.new_page()
    browser.goto("about:blank")
    for page in ("runs", "data", ""):
        other.goto(f"{server.url}/{page}")
        other.get_by_text("Running SPY, MADE0, MADE1 +298").wait_for()
    settled(other)
    assert other.get_by_role("spinbutton", name="Opening range (min)").is_enabled()
    other.get_by_role("button", name="Cancel").click()
    other.get_by_text("Cancelling SPY").wait_for()
    other.get_by_text("Cancelling SPY").wait_for(state="detached")
    other.get_by_role("button", name="Dismiss").wait_for()


@pytest.mark.parametrize("names", [("AAA", "BBB", "CCC", "DDD"), ("aaa", "bbb", "ccc", "ddd")])
def test_symbols_typed_one_right_after_the_other_are_all_taken(server, browser, names):
    browser.goto(server.url)
    settled(browser)
    field = browser.get_by_role("combobox", name="Symbols")
    field.click()
    for name in names:
        browser.keyboard.type(name, delay=40)
        browser.keyboard.press("Enter")
        browser.wait_for_timeout(60)
    settled(browser)
    browser.keyboard.press("Escape")
    words = browser.get_by_test_id("stMultiSelect").first.inner_text().split()
    assert [word for word in words if word in {*map(str.upper, names), *names, "SPY", "QQQ"}] == ["SPY", *names]


def test_factors_switched_off_over_a_slow_line_stay_off(server, browser):
    over_a_slow_line(browser, 300)
    browser.goto(server.url)
    settled(browser)
    pills = browser.get_by_role("group", name="Factors").get_by_role("button")
    on = [pill for pill in pills.all() if pill.get_attribute("aria-pressed") == "true"]
    for pill in on:
        pill.click()
        browser.wait_for_timeout(250)
    browser.get_by_text(f"Changed ({len(on)})").wait_for()


def test_days_picked_in_the_charts_are_a_change_on_launch(server, browser):
    run = a_run()
    browser.goto(f"{server.url}/run?run={run.run_id}&tab=Days")
    browser.get_by_text("Every session").wait_for()
    settled(browser)
    browser.get_by_text("Pick days to leave out").click()
    browser.get_by_text("select a day to leave it out").wait_for()
    calendar, weekdays = browser.locator(".js-plotly-plot").nth(0), browser.locator(".js-plotly-plot").nth(1)
    for day, crossed in ((5, 1), (6, 2), (5, 1)):
        click_point(calendar, day)
        browser.wait_for_function(LEFT_OUT, arg=crossed)
    click_point(weekdays, 1)
    menu = browser.get_by_role("button", name="Leave out: 1 date, Tue")
    menu.click()
    browser.get_by_role("button", name="Take to Launch").click()
    browser.get_by_text("Changed (2)").wait_for()
    browser.keyboard.press("Control+Enter")
    browser.get_by_text(re.compile("Weekdays .*Days left out")).first.wait_for()
