import os
from datetime import date

import pytest
from loguru import logger

from orb_core import load_config, service
from orb_core.charts.palette import DARK, LIGHT
from orb_core.service import RunRequest, SourceSpec
from orb_core.store.runs import RunStore
from tests.browser.driving import CHROMIUM, browsing

UP = "[data-figure=equity] .js-line"


@pytest.fixture(autouse=True, scope="module")
def browser_is_there():
    if CHROMIUM is None:
        why = "no chromium, chromium-browser or google-chrome on the PATH"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The address of a written report."""
    logger.remove()
    store = RunStore(tmp_path_factory.mktemp("runs"))
    dates = date(2024, 1, 2), date(2024, 1, 31)
    request = RunRequest(load_config(), ("SPY", "QQQ"), *dates, SourceSpec("synthetic"), run_id="month")
    service.run_and_save(request, store)
    return service.write_reports(store, "month")[0].as_uri()


@pytest.mark.parametrize("width", [1240, 390])
def test_every_chart_is_drawn_offline_and_fits_the_width(report, width):
    with browsing(width=width) as (page, complaints):
        page.context.set_offline(True)
        page.goto(report)
        page.wait_for_selector("#examples figure:last-of-type .plot-container")
        places = page.locator("[data-figure]").count()
        assert page.locator("[data-figure] .plot-container").count() == places == 17
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert complaints == []


@pytest.mark.parametrize(("dark", "palette"), [(False, LIGHT), (True, DARK)])
def test_charts_have_the_colours_of_the_reader_s_system_and_are_light_on_paper(report, dark, palette):
    from playwright.sync_api import expect

    with browsing(dark=dark) as (page, complaints):
        page.goto(report)
        expect(page.locator(UP).first).to_have_css("stroke", rgb(palette.up))
        page.emulate_media(media="print")
        expect(page.locator(UP).first).to_have_css("stroke", rgb(LIGHT.up))
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.locator("[data-figure=equity] svg.main-svg").first.get_attribute("width") == "690"
        assert complaints == []


def rgb(colour):
    return f"rgb({', '.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))})"
