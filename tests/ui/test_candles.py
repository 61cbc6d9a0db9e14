import json

from orb_core import durable
from orb_core.charts.palette import LIGHT, palette
from tests.ui.app import a_run, open_app, rerun

OTHER = palette(dark=False, green_red=True)


def a_session():
    run = a_run()
    return open_app("session", run=run.run_id, symbol="SPY", date="2024-01-03")


def candle_colours(app):
    (chart,) = app.get("plotly_chart")
    candles = next(trace for trace in json.loads(chart.proto.spec)["data"] if trace["type"] == "candlestick")
    return candles["increasing"]["line"]["color"], candles["decreasing"]["line"]["color"]


def switch(app, on):
    app.toggle(key="candles.green_red").set_value(on)
    return rerun(app)


def test_candles_are_blue_and_orange_until_green_and_red_are_preferred():
    app = a_session()
    assert candle_colours(app) == (LIGHT.up, LIGHT.down)
    assert candle_colours(switch(app, on=True)) == (OTHER.up, OTHER.down)
    assert candle_colours(switch(app, on=False)) == (LIGHT.up, LIGHT.down)


def test_the_preference_holds_in_the_replay_on_other_pages_and_after_a_reload():
    app = switch(a_session(), on=True)
    app.button(key="session.replay").click()
    assert candle_colours(rerun(app)) == (OTHER.up, OTHER.down)
    reloaded = a_session()
    assert reloaded.toggle(key="candles.green_red").value
    assert candle_colours(reloaded) == (OTHER.up, OTHER.down)


def test_a_preference_that_cannot_be_kept_is_told(monkeypatch):
    app = a_session()

    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "write", full)
    switch(app, on=True)
    assert "No space left on device" in app.toast[0].value
    assert candle_colours(app) == (LIGHT.up, LIGHT.down)
    assert not app.toggle(key="candles.green_red").value
