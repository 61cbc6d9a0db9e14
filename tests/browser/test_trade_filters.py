import re

import pytest

from tests.browser.driving import settled
from tests.ui.app import a_run

pytestmark = pytest.mark.timeout(180)


def test_filters_that_were_cleared_stay_cleared_in_the_address_too(server, browser):
    run = a_run(symbols=("SPY", "QQQ"))
    asked = "t_symbol=SPY&t_outcome=Wins&t_r_from=0.5&t_days=2024-01-02&t_days=2024-02-02&t_weekday=Fri"
    browser.goto(f"{server.url}/run?run={run.run_id}&tab=Trades&{asked}&t_time_from=09:45")
    browser.get_by_text(re.compile(r"\d+ of \d+ trades")).wait_for()
    settled(browser)
    browser.get_by_role("button", name="Clear 6 filters").click()
    browser.get_by_text(re.compile(r"of \d+ trades")).wait_for(state="detached")
    settled(browser)
    assert browser.get_by_text(re.compile(r"\d+ trades · ")).is_visible()
    assert not re.search(r"[?&]t_", browser.url)
