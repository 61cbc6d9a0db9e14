import re

import pytest

from tests.browser.driving import settled
from tests.ui.app import a_run

pytestmark = pytest.mark.timeout(180)


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
