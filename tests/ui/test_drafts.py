import json
from datetime import date

import pytest
from streamlit.runtime.state.session_state import STREAMLIT_INTERNAL_KEY_PREFIX

from orb_core.service import default_store
from pages.parts import drafts
from pages.parts.forms import key
from pages.parts.settings import by_path
from tests.ui.app import a_run, open_app, rerun, texts, wait_for_the_run


def told_to_the_tab(app):
    (component,) = app.get("bidi_component")
    return json.loads(component.proto.json)


def kept(app):
    return told_to_the_tab(app)["draft"]


def handed_back(app, text):
    """Draw the app again as when its script in the browser hands something back."""
    (component,) = app.get("bidi_component")
    states = app._tree.get_widget_states()
    said = json.dumps([{"event": "found", "value": text}])
    states.widgets.add(id=f"{STREAMLIT_INTERNAL_KEY_PREFIX}_{component.proto.id}__events", json_trigger_value=said)
    app._run(states)
    assert not app.exception, [e.message for e in app.exception]
    return app


def edited(app):
    """Change something of every kind, one of it wrongly."""
    app.selectbox(key="form.preset_choice").set_value("first_hour_breakout")
    rerun(app)
    app.number_input(key="set.orb.base_minutes").set_value(700)
    app.number_input(key="set.costs.commission_per_unit").set_value(0.0035)
    app.toggle(key="set.trade.partials").set_value(False)
    app.selectbox(key="set.entry.direction").set_value("long")
    app.multiselect(key="ask.symbols").set_value(["SPY", "a$b"])
    app.date_input(key="ask.dates").set_value((date(2024, 2, 1), date(2024, 2, 29)))
    app.selectbox(key="set.data.interval").set_value("5m")
    app.button_group(key="form.view").set_value("All")
    return rerun(app)


def sidebar_of(app):
    names = [f"ask.{name}" for name in drafts.Asked.model_fields] + ["form.preset", "form.base", "form.view"]
    return {name: app.session_state[name] for name in (*names, *map(key, by_path()))}


def test_a_sidebar_nobody_touched_is_no_draft():
    a_run("orb.base_minutes=20", symbols=("QQQ",))
    assert kept(open_app()) is None


def test_a_new_session_takes_a_draft_over_whole_wrong_values_included():
    run = a_run()
    before = edited(open_app(run=run.run_id))
    after = handed_back(open_app(run=run.run_id), kept(before))
    assert sidebar_of(after) == sidebar_of(before)
    assert kept(after) == kept(before)
    assert [texts(app).count("2 fields need mending") for app in (before, after)] == [1, 1]


def test_a_draft_is_run_as_it_stands():
    before = open_app()
    before.number_input(key="set.orb.base_minutes").set_value(25)
    before.multiselect(key="ask.symbols").set_value(["SPY", "QQQ"])
    rerun(before)
    after = handed_back(open_app(), kept(before))
    after.button(key="launch.run_button").click()
    wait_for_the_run(rerun(after))
    (line,) = default_store().list()
    assert list(line.manifest.symbols) == ["SPY", "QQQ"]
    assert default_store().load(line.run_id).config.orb.base_minutes == 25


def test_what_was_run_or_put_back_is_no_draft_any_more():
    app = open_app()
    app.number_input(key="set.orb.base_minutes").set_value(25)
    assert kept(rerun(app))
    app.button_group(key="form.view").set_value("Changed")
    rerun(app)
    app.button(key="form.reset.orb.base_minutes").click()
    app.button_group(key="form.view").set_value("Basic")
    assert kept(rerun(app)) is None
    app.number_input(key="set.orb.base_minutes").set_value(25)
    app.button(key="launch.run_button").click()
    wait_for_the_run(rerun(app))
    assert told_to_the_tab(app)["run"] == default_store().list()[0].run_id
    assert kept(app) is None


def test_the_tab_is_asked_by_a_session_that_begins_on_launch_and_no_more_once_it_has_answered():
    app = open_app()
    token = told_to_the_tab(app)["session"]
    assert token
    assert told_to_the_tab(rerun(app))["session"] == token
    assert told_to_the_tab(open_app())["session"] != token
    assert told_to_the_tab(handed_back(app, "{}"))["session"] is None


def spoilt(text, change):
    draft = json.loads(text)
    change(draft)
    return json.dumps(draft)


@pytest.mark.parametrize(
    "change",
    [
        lambda draft: draft["changed"].update({"orb.base_minutes": "20"}),
        lambda draft: draft["changed"].update({"orb.base_minutes": 2**53}),
        lambda draft: draft["changed"].update({"orb.base_minutes": None}),
        lambda draft: draft["changed"].update({"costs.commission_per_unit": float("nan")}),
        lambda draft: draft["changed"].update({"costs.commission_per_unit": float("inf")}),
        lambda draft: draft["changed"].update({"trade.partials": 1}),
        lambda draft: draft["changed"].update({"entry.direction": ["long"]}),
        lambda draft: draft["changed"].update({"entry.direction": "sideways"}),
        lambda draft: draft["changed"].update({"session.weekdays": ["mon", "mon"]}),
        lambda draft: draft["changed"].update({"session.weekdays": ["someday"]}),
        lambda draft: draft["changed"].update({"session.exclude_dates": [1]}),
        lambda draft: draft["changed"].update({"no.such_setting": 1}),
        lambda draft: draft["base"]["orb"].update({"base_minutes": -1}),
        lambda draft: draft["base"].update({"unheard_of": {}}),
        lambda draft: draft["base"]["sizing"].update({"initial_capital": float("nan")}),
        lambda draft: draft.update(view="Everything"),
        lambda draft: draft.update(more=1),
        lambda draft: draft.pop("preset"),
        lambda draft: draft["asked"].update(source="rumours"),
        lambda draft: draft["asked"].update(symbols=[""]),
        lambda draft: draft["asked"].update(symbols="SPY"),
        lambda draft: draft["asked"].update(dates=["0001-01-01", "2024-01-02"]),
        lambda draft: draft["asked"].update(dates=["2024-01-02", "9999-01-01"]),
        lambda draft: draft["asked"].update(dates=["2024-02-02", "2024-01-02"]),
        lambda draft: draft["asked"].update(dates=["2024-01-02"] * 3),
        lambda draft: draft["asked"].update(taken_over={"kind": "synthetic", "seed": "much"}),
        lambda draft: draft["asked"].update(path="a" * drafts.LARGEST),
    ],
)
def test_a_draft_that_was_tampered_with_is_dropped_whole_and_said_once(change):
    text = kept(edited(open_app()))
    untouched = sidebar_of(app := open_app())
    handed_back(app, spoilt(text, change))
    assert sidebar_of(app) == untouched
    assert [toast.value for toast in app.toast] == ["What was changed before could not be read any more."]
    assert kept(app) is None
    assert not rerun(app).toast


@pytest.mark.parametrize("text", ["", "null", "[]", "{", "[" * 90_000, '"\\ud800"', 7, None, {"preset": "x"}])
def test_what_is_no_draft_at_all_is_dropped(text):
    untouched = sidebar_of(app := open_app())
    assert sidebar_of(handed_back(app, text)) == untouched


def test_a_draft_of_a_version_without_some_settings_has_their_defaults():
    text = kept(edited(open_app()))

    def older(draft):
        del draft["base"]["execution"]

    app = handed_back(open_app(), spoilt(text, older))
    assert app.session_state["set.execution.limit_fill"] == "touch"
    assert app.session_state["set.orb.base_minutes"] == 700


def test_markup_in_a_draft_is_text():
    text = kept(edited(open_app()))

    def nasty(draft):
        draft.update(preset="<script>alert(1)</script> **bold**", view="Changed", changed={})

    app = handed_back(open_app(), spoilt(text, nasty))
    assert r"\*\*bold\*\*" in " ".join(caption.value for caption in app.caption)
