from datetime import date

import pytest

from orb_core.config.load import load_config
from orb_core.config.presets import own_presets_path
from orb_core.service import RunRequest, SourceSpec, default_store, run_and_save
from orb_core.store.own_presets import save_preset
from tests.ui.app import a_run, open_app, rerun, texts, wait_for_the_run

MINUTES = "set.orb.base_minutes"


def a_form_with(minutes):
    app = open_app()
    app.number_input(key=MINUTES).set_value(minutes)
    return rerun(app)


def save_as(app, name):
    app.text_input(key="menu.name").set_value(name)
    rerun(app)
    app.button(key="menu.save").click()
    return rerun(app)


def upload(app, content, name="mine.yaml"):
    app.file_uploader(key="menu.yaml").set_value((name, content, "application/yaml"))
    return rerun(app)


def test_settings_are_saved_under_a_name_listed_with_the_others_and_loaded_by_it():
    app = save_as(a_form_with(20), "My gaps")
    assert "Saved as “My gaps”" in texts(app)
    assert load_config(preset="My gaps").orb.base_minutes == 20
    other = open_app()
    assert "My gaps" in other.selectbox(key="form.preset_choice").options
    other.selectbox(key="form.preset_choice").set_value("My gaps")
    assert rerun(other).session_state[MINUTES] == 20


def test_what_was_saved_is_what_later_changes_are_counted_from():
    app = save_as(a_form_with(20), "My gaps")
    assert app.selectbox(key="form.preset_choice").value == "My gaps"
    app.session_state["form.view"] = "Changed"
    assert "Nothing differs from the preset “My gaps”" in texts(rerun(app))


def test_a_name_that_is_there_is_replaced_and_the_button_says_so_before():
    app = save_as(a_form_with(20), "Gap")
    app.number_input(key=MINUTES).set_value(25)
    rerun(app)
    assert app.button(key="menu.save").label == "Replace"
    app.button(key="menu.save").click()
    rerun(app)
    assert load_config(preset="Gap").orb.base_minutes == 25


@pytest.mark.parametrize("name", ["", "../x", "first_hour_breakout"])
def test_a_name_that_cannot_be_one_is_told_in_the_menu(name):
    app = save_as(a_form_with(20), name)
    assert any(words in texts(app) for words in ("Give it a name first", "cannot be the name", "another name"))
    assert not own_presets_path().exists()
    assert app.session_state[MINUTES] == 20


def test_settings_with_a_problem_cannot_be_saved():
    app = a_form_with(45)
    assert app.button(key="menu.save").disabled
    assert "Settings that need mending cannot be saved" in texts(app)


def test_a_deleted_preset_leaves_its_settings_in_the_form_and_save_brings_it_back():
    app = save_as(a_form_with(20), "Gap")
    app.button(key="menu.delete").click()
    rerun(app)
    assert not list(own_presets_path().iterdir())
    assert app.session_state[MINUTES] == 20
    app.button(key="menu.save").click()
    rerun(app)
    assert load_config(preset="Gap").orb.base_minutes == 20


def test_a_published_preset_cannot_be_deleted():
    app = open_app()
    app.selectbox(key="form.preset_choice").set_value("first_hour_breakout")
    assert "menu.delete" not in {button.key for button in rerun(app).button}


@pytest.mark.parametrize("what", ["deleted", "broken"])
def test_a_preset_that_another_session_took_away_is_told_and_nothing_is_lost(what):
    save_preset("Gap", load_config())
    app = a_form_with(20)
    file = own_presets_path() / "Gap.yaml"
    file.unlink() if what == "deleted" else file.write_text("orb: {base_minutes: -1}")
    app.selectbox(key="form.preset_choice").set_value("Gap")
    rerun(app)
    assert ("there is no preset 'Gap'" if what == "deleted" else "orb.base_minutes = -1") in texts(app)
    assert app.session_state[MINUTES] == 20
    assert app.selectbox(key="form.preset_choice").value == "Defaults"


def test_a_file_fills_the_form():
    app = upload(open_app(), b"orb: {base_minutes: 20}\n")
    assert app.session_state[MINUTES] == 20
    assert app.selectbox(key="form.preset_choice").value == "mine.yaml"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"orb: [", "mine.yaml: not valid YAML: line 1"),
        (b"orb: {base_minuts: 5}", "did you mean orb.base_minutes?"),
        (b"orb: {base_minutes: wide}", 'orb.base_minutes = "wide": must be a whole number'),
        (b"orb: {base_minutes: 45}", "orb.long_or_minutes"),
        (b"", "mine.yaml: holds no settings; write at least one"),
        (b"- SPY\n- QQQ", "holds a list; a configuration is a mapping"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"# " + b"x" * 1_000_000, "has 1,000,002 bytes; a configuration is a small YAML file"),
        (b"<script>alert(1)</script>: 1", "there is no such setting"),
    ],
    ids=["no YAML", "misspelt", "wrong type", "contradiction", "empty", "a list", "no text", "huge", "script"],
)
def test_a_file_that_is_no_configuration_is_told_and_nothing_is_lost(content, said):
    app = a_form_with(20)
    upload(app, content)
    assert said in texts(app)
    assert "The settings are as they were" in texts(app)
    assert app.session_state[MINUTES] == 20
    assert "<script>" not in "".join(element.value for element in app.markdown)


def test_of_many_problems_of_a_file_the_first_are_told_and_the_others_counted():
    app = upload(open_app(), b"orb: {" + b", ".join(b"a%d: 1" % i for i in range(10)) + b"}")
    assert "… and 7 more like these" in texts(app)


def test_a_run_is_taken_over_with_its_symbols_dates_and_all_of_its_source():
    config = load_config(overrides=["orb.base_minutes=20"])
    request = RunRequest(config, ("QQQ",), date(2024, 2, 1), date(2024, 3, 1), SourceSpec("synthetic", seed=7))
    run_id = run_and_save(request, default_store()).run_id
    a_run()
    app = open_app()
    app.selectbox(key="menu.run").set_value(run_id)
    rerun(app)
    assert app.session_state[MINUTES] == 20
    assert app.session_state["ask.symbols"] == ["QQQ"]
    app.button(key="launch.run_button").click()
    wait_for_the_run(rerun(app))
    assert len(default_store().list()) == 2  # the same bars: nothing new
    assert app.query_params["run"] == run_id


def test_a_run_that_was_deleted_meanwhile_is_told():
    run = a_run()
    app = a_form_with(20)
    default_store().delete(run.run_id)
    app.selectbox(key="menu.run").set_value(run.run_id)
    rerun(app)
    assert f"no run {run.run_id!r}" in texts(app)
    assert app.session_state[MINUTES] == 20
