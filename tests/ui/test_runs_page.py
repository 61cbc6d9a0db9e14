import json
from contextlib import suppress

import pytest

from orb_core.config.presets import preset_names
from orb_core.service import default_store
from orb_core.store.manifest import Notes
from pages.parts import runs_edits
from pages.parts.runs_edits import merged, new_cells, save_edits
from tests.ui.app import a_run, open_app, rerun, texts, wait_for_the_run


def titles(app):
    return app.data_editor[0].value["title"].tolist() if len(app.data_editor) else []


@pytest.fixture
def three_runs():
    runs = [a_run(), a_run("orb.base_minutes=30", symbols=("QQQ",)), a_run("trade.stop_mode=or_midpoint")]
    for run, name in zip(runs, ("one", "two", "three"), strict=True):
        default_store().annotate(run.run_id, title=name)
    default_store().annotate(runs[0].run_id, tags=["keep", "spring"], note="gap days look best")
    default_store().annotate(runs[1].run_id, starred=True)
    return runs


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("find", "GAP days", ["one"]),
        ("find", "middle", ["three"]),
        ("find", "nothing like it", []),
        ("of_symbols", ["QQQ"], ["two"]),
        ("of_tags", ["spring"], ["one"]),
        ("of_source", ["Made-up prices"], ["three", "two", "one"]),
    ],
)
def test_runs_are_found_by_words_symbol_tag_and_source(three_runs, key, value, found):
    app = open_app("runs")
    widget = app.text_input(key=key) if key == "find" else app.multiselect(key=key)
    widget.set_value(value)
    assert titles(rerun(app)) == found
    assert f"· {len(found)}{'' if len(found) == 3 else ' of 3'}" in texts(app)


def test_only_starred_runs_are_shown_when_asked_for(three_runs):
    app = open_app("runs")
    app.toggle(key="starred").set_value(True)
    assert titles(rerun(app)) == ["two"]


def test_runs_are_found_by_the_day_they_were_made_on(three_runs):
    made = three_runs[0].manifest.created_utc.astimezone().date()
    app = open_app("runs")
    app.date_input(key="made").set_value((made.replace(year=made.year + 1), made.replace(year=made.year + 2)))
    assert titles(rerun(app)) == []
    app.date_input(key="made").set_value((made,))
    assert len(titles(rerun(app))) == 3


def test_stars_titles_tags_and_notes_are_saved_as_they_are_edited(three_runs):
    lines = [line for line in default_store().list() if line.notes.title == "two"]
    edit = {"starred": False, "title": " 30 minutes ", "tags": ["a", "b"], "note": "wide"}
    assert save_edits(default_store(), lines, {0: edit}) == []
    assert three_runs[1].notes == Notes(title="30 minutes", tags=("a", "b"), note="wide", starred=False)


def test_an_edit_of_a_run_that_is_gone_is_told_and_the_others_are_saved(three_runs):
    lines = default_store().list()
    default_store().delete(lines[0].run_id)
    problems = save_edits(default_store(), lines, {0: {"title": "x"}, 1: {"title": "y"}})
    assert len(problems) == 1
    assert "There is no run" in problems[0]
    assert default_store().load(lines[1].run_id).notes.title == "y"


def test_two_sessions_that_edit_one_run_lose_nothing():
    shown = Notes(tags=("old", "keep"), note="first")
    now = merged(shown, shown, {"tags": ["keep", "mine"], "note": "mine"})
    assert merged(shown, now, {"tags": ["old", "keep", "yours"]}).tags == ("keep", "mine", "yours")
    assert merged(shown, now, {"note": "yours"}).note == "mine\nyours"
    assert merged(shown, now, {"starred": True}).note == "mine"


def test_an_emptied_title_is_none_and_spaces_are_no_tag():
    notes = merged(Notes(title="x"), Notes(title="x"), {"title": None, "tags": ["  ", "a "]})
    assert notes == Notes(title=None, tags=("a",))


def test_only_what_was_edited_since_the_last_time_is_written_again():
    edited = {0: {"title": "a", "starred": True}, 2: {"note": "n"}}
    assert new_cells(edited, {0: {"title": "a"}}) == {0: {"starred": True}, 2: {"note": "n"}}
    assert new_cells(edited, edited) == {}


def delete_two(app, runs):
    app.session_state["runs.picked"] = {runs[0].run_id, runs[2].run_id}
    rerun(app)
    assert app.button(key="runs.delete").label == "Delete 2"
    app.button(key="runs.delete").click()
    return rerun(app)


def test_deleted_runs_come_back_until_the_page_is_left(three_runs):
    app = delete_two(open_app("runs"), three_runs)
    assert titles(app) == ["two"]
    assert titles(open_app("runs")) == ["two"]
    app.button(key="runs.undo").click()
    assert titles(rerun(app)) == ["three", "two", "one"]


def test_deleted_runs_are_gone_for_good_once_the_page_is_left(three_runs, runs_dir):
    app = delete_two(open_app("runs"), three_runs)
    app.switch_page("pages/launch.py")
    rerun(app)
    assert [folder.name for folder in runs_dir.iterdir() if not folder.name.startswith(".")] == [three_runs[1].run_id]
    assert not list(runs_dir.glob(".tmp-*"))


def test_the_last_run_can_be_brought_back_too():
    run = a_run()
    app = open_app("runs")
    app.session_state["runs.picked"] = {run.run_id}
    rerun(app).button(key="runs.delete").click()
    rerun(app).button(key="runs.undo").click()
    assert len(titles(rerun(app))) == 1


def test_markup_and_scripts_in_notes_are_text_on_every_page():
    evil = "<script>alert(1)</script> **b** [x](javascript:alert(1)) :red[y] $z$"
    run = a_run()
    default_store().annotate(run.run_id, title=evil, tags=[evil], note=evil)
    app = open_app("runs")
    assert titles(app) == [evil]
    markup = [json.dumps(evil)[1:-1], evil]
    for page, query in (("runs", {}), ("run", {"run": run.run_id}), ("", {"run": run.run_id})):
        app = open_app(page, **query)
        drawn = [e.value for e in (*app.markdown, *app.caption, *app.error, *app.info)]
        assert not any(text in shown for shown in drawn for text in markup)


def test_broken_folders_are_counted_and_named_with_their_reason():
    folder = a_run().folder
    for n in range(4):
        (folder.parent / f"broken{n}").mkdir()
    app = open_app("runs")
    assert app.expander[0].label == "4 folders cannot be read"
    assert "broken3 has no run.json" in texts(app)


def test_an_unreadable_folder_is_one_sentence_and_where_it_lies():
    (a_run().folder.parent / "broken").mkdir()
    captions = [caption.value.replace("\\", "") for caption in open_app("runs").caption]
    assert "broken has no run.json: it is not a run, or not all of one." in captions
    assert any(str(default_store().path) in caption for caption in captions)


def test_what_failed_or_was_cancelled_is_said_in_words():
    run = a_run(symbols=("SPY", "QQQ", "IWM"))
    content = json.loads((run.folder / "run.json").read_text())
    content["symbols"]["QQQ"] = {"status": "failed", "error": "no bars"}
    for status, said in (("partial", "1 of 3 failed"), ("cancelled", "Cancelled")):
        (run.folder / "run.json").write_text(json.dumps({**content, "status": status}))
        assert open_app("runs").data_editor[0].value["status"].tolist() == [said]


def test_a_run_without_trades_has_no_r_rather_than_one_of_zero():
    a_run("orb.min_atr_mult=0.99")
    row = open_app("runs").data_editor[0].value.iloc[0]
    assert row["trades"] == 0
    assert row[["total", "up_to", "average", "drop"]].isna().all()


def test_the_source_stands_beside_the_title_and_the_first_changed_setting_is_named():
    a_run("orb.base_minutes=30", "trade.stop_mode=or_midpoint")
    app = open_app("runs")
    assert list(app.data_editor[0].proto.column_order)[2:5] == ["title", "open", "source"]
    assert app.data_editor[0].value["changed"].tolist() == ["Opening range +1"]


def test_when_has_a_year_only_where_a_run_is_of_another():
    run = a_run()

    def shown():
        return json.loads(open_app("runs").data_editor[0].proto.columns)["when"]["type_config"]["format"]

    assert shown() == "MM-DD HH:mm"
    content = json.loads((run.folder / "run.json").read_text())
    (run.folder / "run.json").write_text(json.dumps({**content, "created_utc": "2020-05-04T10:00:00Z"}))
    assert shown() == "YYYY-MM-DD HH:mm"


def test_a_run_is_named_after_its_difference_from_the_run_it_was_cloned_from():
    first = a_run("orb.base_minutes=30", "orb.adaptive=false")
    app = open_app("run", run=first.run_id, tab="Setup")
    app.button(key="run.clone").click()
    rerun(app)
    app.switch_page("pages/launch.py")  # the driver stays where it was
    rerun(app).number_input(key="set.orb.base_minutes").set_value(15)
    app.button(key="launch.run_button").click()
    wait_for_the_run(rerun(app))
    assert titles(open_app("runs"))[0] == "OR 15 ← 30"


def test_a_run_of_a_preset_is_named_after_it_and_a_repeated_one_keeps_its_name():
    app = open_app()
    name = preset_names()[0]
    app.selectbox(key="form.preset_choice").set_value(name)
    app.button(key="launch.run_button").click()
    wait_for_the_run(rerun(app))
    (line,) = default_store().list()
    assert line.notes.title == name[:1].upper() + name[1:].replace("_", " ")
    default_store().annotate(line.run_id, title="mine")
    app.button(key="launch.run_button").click()
    wait_for_the_run(rerun(app))
    assert [each.notes.title for each in default_store().list()] == ["mine"]


def test_the_first_title_tag_note_and_star_leave_the_table_the_one_that_is_typed_in():
    run = a_run()
    app = open_app("runs")
    before = app.data_editor[0].proto.id
    default_store().annotate(run.run_id, title="x", tags=["spring"], note="n", starred=True)
    assert rerun(app).data_editor[0].proto.id == before
    assert titles(app) == ["x"]


class RequestFollowed(Exception):  # noqa: N818 — nothing is wrong
    pass


class SessionState(dict):
    """A session's state that ends the script after some looks into it, as Streamlit does when a request follows."""

    looks = 1000

    def _look(self):
        self.looks -= 1
        if self.looks < 0:
            raise RequestFollowed

    def __getitem__(self, key):
        self._look()
        return super().__getitem__(key)

    def __setitem__(self, key, value):
        self._look()
        super().__setitem__(key, value)

    def __contains__(self, key):
        self._look()
        return super().__contains__(key)

    def get(self, key, default=None):
        self._look()
        return super().get(key, default)

    def setdefault(self, key, default):
        self._look()
        return super().setdefault(key, default)


@pytest.mark.parametrize("looks", range(10))
def test_an_edit_whose_writing_was_ended_halfway_is_written_by_the_next_page(looks, monkeypatch):
    run = a_run()
    state = SessionState()
    monkeypatch.setattr(runs_edits.st, "session_state", state)
    lines = default_store().list()
    runs_edits.before_drawing("table", lines)
    state["table"] = {"edited_rows": {0: {"title": "typed", "picked": True, "note": "n"}}}
    state.looks = looks
    with suppress(RequestFollowed):
        runs_edits.take_edits("table", lines)
    state.looks = 1000
    runs_edits.take_missed()
    assert run.notes == Notes(title="typed", note="n")
    assert runs_edits.picked() == {run.run_id}


def test_an_edit_is_written_once_even_if_another_session_has_changed_it_since(monkeypatch):
    run = a_run()
    state = SessionState()
    monkeypatch.setattr(runs_edits.st, "session_state", state)
    lines = default_store().list()
    runs_edits.before_drawing("table", lines)
    state["table"] = {"edited_rows": {0: {"starred": True}}}
    runs_edits.take_edits("table", lines)
    default_store().annotate(run.run_id, starred=False)
    runs_edits.take_missed()
    assert run.notes.starred is False


def test_the_same_edit_in_a_table_drawn_anew_is_written_again(monkeypatch):
    run = a_run()
    state = SessionState()
    monkeypatch.setattr(runs_edits.st, "session_state", state)
    lines = default_store().list()
    for _ in range(2):
        runs_edits.before_drawing("table", lines)
        state["table"] = {"edited_rows": {0: {"starred": True}}}
        runs_edits.take_edits("table", lines)
        assert run.notes.starred
        default_store().annotate(run.run_id, starred=False)
        del state["table"]


def test_rows_stay_where_they_are_right_after_an_edit(monkeypatch):
    a_run()
    state = SessionState()
    monkeypatch.setattr(runs_edits.st, "session_state", state)
    shown = default_store().list()
    runs_edits.before_drawing("table", shown)
    state["table"] = {"edited_rows": {0: {"starred": False}}}
    runs_edits.take_edits("table", shown)
    a_run("orb.base_minutes=30")
    now = default_store().list()
    assert [line.run_id for line in runs_edits.in_place(now, lambda _: False)] == [shown[0].run_id]
    assert runs_edits.in_place(now, lambda _: True) == now
