import json
from datetime import datetime

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState

from pages.parts import replay
from tests.ui.app import a_run, open_app, rerun, texts


def a_replay(**changes):
    run = a_run()
    trades = run.all_trades()
    trade = trades[trades["targets_filled"] > 0].iloc[0]
    where = {"symbol": "SPY", "date": f"{trade['session_date']:%Y-%m-%d}", "trade": trade["trade_id"]}
    app = open_app("session", run=run.run_id, **where, **changes)
    app.button(key="session.replay").click()
    return rerun(app), trade


def button(app, key):
    return next(b for b in app.button if b.key == f"replay.{key}")


def press(app, key):
    button(app, key).click()
    return rerun(app)


def bar(app):
    return app.session_state["replay.bar"]


def test_the_replay_begins_where_the_range_is_complete_and_tells_nothing_of_the_trade():
    app, trade = a_replay()
    assert bar(app) == trade["or_minutes"] - 1
    assert "No trade yet." in texts(app)
    assert f"{trade['realized_r']:+.2f}" not in texts(app)
    assert "Factors at the signal" not in texts(app)
    assert "None so far." in texts(app)


def test_steps_go_one_bar_and_jumps_to_what_happened():
    app, _ = a_replay()
    began = bar(app)
    assert bar(press(app, "chevron_right")) == began + 1
    assert bar(press(app, "chevron_left")) == began
    places = [bar(press(app, name)) for name in ("OR end", "Signal", "Entry", "First fill", "Exit")]
    assert places == sorted(places)
    assert places[1] == places[2] - 1


def test_a_trade_is_open_at_its_entry_and_its_result_comes_with_its_exit():
    app, trade = a_replay()
    press(app, "Entry")
    assert "; open. 1 R =" in texts(app)
    assert "Factors at the signal" in texts(app)
    press(app, "Exit")
    assert f"{trade['realized_r']:+.2f} R after costs".replace("-", "−") in texts(app)


def test_playing_goes_on_by_itself_at_its_speed_until_paused():
    app, _ = a_replay()
    began = bar(app)
    for _ in range(2):
        press(app, "faster")
    assert button(app, "faster").label == "5×"
    press(app, "play")
    playing = bar(app)
    assert playing > began
    assert bar(rerun(app)) >= playing + 5
    stopped = bar(press(app, "play"))
    assert bar(rerun(app)) == stopped


def test_playing_ends_with_the_day():
    app, _ = a_replay()
    app.session_state["replay.bar"] = 388
    press(app, "play")
    assert bar(app) == 389
    assert not app.session_state["replay.playing"]
    assert button(app, "play").disabled


def test_the_speeds_come_round_again():
    app, _ = a_replay()
    labels = [button(app, "faster").label] + [button(press(app, "faster"), "faster").label for _ in range(4)]
    assert labels == ["1×", "2×", "5×", "15×", "1×"]


def test_a_replay_has_an_address_that_leads_into_it_and_stays_with_the_next_trade():
    app, trade = a_replay()
    assert app.query_params["replay"] == "true"
    again = open_app("session", **app.query_params)
    assert bar(again) == bar(app)
    again.button(key="session.arrow_forward").click()
    rerun(again)
    assert again.query_params["trade"] != trade["trade_id"]
    assert again.query_params["replay"] == "true"
    assert "No trade yet." in texts(again)
    again.button(key="session.replay").click()
    rerun(again)
    assert "replay" not in again.query_params
    assert "1 R =" in texts(again)


def test_a_bar_that_was_stepped_or_jumped_to_is_in_the_address_and_found_by_it():
    app, _ = a_replay()
    assert "bar" not in app.query_params
    press(app, "chevron_right")
    assert app.query_params["bar"] == str(bar(app) + 1)
    press(app, "Entry")
    assert f"bar {app.query_params['bar']} of 390" in texts(app)
    assert bar(open_app("session", **app.query_params)) == bar(app)


def test_the_address_stays_while_it_plays_and_holds_the_bar_it_is_paused_at():
    app, _ = a_replay()
    press(app, "play")
    rerun(app)
    assert "bar" not in app.query_params
    press(app, "play")
    assert app.query_params["bar"] == str(bar(app) + 1)
    app.session_state["replay.bar"] = 388
    press(app, "play")
    assert app.query_params["bar"] == "390"


def test_going_back_in_the_browser_shows_the_bar_of_that_address():
    app, _ = a_replay()
    began = bar(app)
    press(app, "chevron_right")
    before = app.query_params["bar"]
    press(app, "chevron_right")
    app.query_params["bar"] = before
    assert bar(rerun(app)) == began + 1
    del app.query_params["bar"]
    assert bar(rerun(app)) == began


@pytest.mark.parametrize("text", ["", "0", "391", "-1", "1.5", "1e3", "٣", " 7", "007", "nan", "<b>1</b>", "9" * 5000])
def test_an_address_with_no_bar_of_the_day_begins_as_one_without(text):
    app, trade = a_replay(bar=text)
    assert bar(app) == trade["or_minutes"] - 1


def test_the_whole_day_has_an_address_too():
    run = a_run()
    trades = run.all_trades()
    trade = trades[trades["bars_held"] < 100].iloc[0]
    where = {"run": run.run_id, "symbol": "SPY", "date": f"{trade['session_date']:%Y-%m-%d}"}
    where["trade"] = trade["trade_id"]

    def shown(app):
        (spec,) = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
        first, last = (datetime.fromisoformat(end) for end in spec["layout"]["xaxis"]["range"])
        return (last - first).total_seconds() / 60

    app = open_app("session", **where)
    assert shown(app) < 130
    app.button(key="session.whole_day").click()
    assert shown(rerun(app)) > 380
    assert shown(open_app("session", **where, whole_day="true")) > 380


def test_the_switch_to_the_whole_day_rests_where_all_of_it_is_shown():
    run = a_run("orb.min_atr_mult=0.99")
    day = run.frame("SPY", "sessions").query("~warmup")["session_date"].iloc[0]
    app = open_app("session", run=run.run_id, symbol="SPY", date=f"{day:%Y-%m-%d}")
    assert app.button(key="session.whole_day").disabled


def test_a_key_pressed_while_the_whole_page_is_drawn_is_heard(monkeypatch):
    app, _ = a_replay()
    began, step = bar(app), button(app, "chevron_right").proto.id
    below = replay.below

    def pressed_meanwhile(*args, **kwargs):
        below(*args, **kwargs)
        monkeypatch.setattr(replay, "below", below)
        pressed = WidgetStates(widgets=[WidgetState(id=step, trigger_value=True)])
        message = RerunData(fragment_id=ThreadState.get().fragment_id, widget_states=pressed)
        get_script_run_ctx().script_requests.request_rerun(message)

    monkeypatch.setattr(replay, "below", pressed_meanwhile)
    assert bar(rerun(app)) == began + 1
