import threading

import pytest

from pages.parts import jobs, launching
from tests.ui.app import a_run, open_app, texts


@pytest.fixture
def ends_while_the_page_is_drawn(monkeypatch):
    """Hold every run back until the sidebar is drawn, and let it end right there."""
    may_end = threading.Event()
    run_and_save, sidebar = jobs.run_and_save, launching.sidebar

    def held_back(*args, **kwargs):
        may_end.wait(30)
        return run_and_save(*args, **kwargs)

    def drawn_meanwhile():
        sidebar()
        job = jobs.st.session_state.get("job")
        if job is not None:
            may_end.set()
            assert job.wait(30)

    monkeypatch.setattr(jobs, "FIRST_WAIT_SECONDS", 0.0)
    monkeypatch.setattr(jobs, "run_and_save", held_back)
    monkeypatch.setattr(launching, "sidebar", drawn_meanwhile)


def test_a_run_that_ends_while_the_page_is_drawn_is_shown_at_once(ends_while_the_page_is_drawn):
    app = open_app()
    app.button(key="launch.demo").click().run()
    assert not app.exception
    assert "job" not in app.session_state
    assert "Win rate" in [metric.label for metric in app.metric]


def test_an_older_result_does_not_stand_in_for_the_run_that_just_ended(ends_while_the_page_is_drawn):
    older = a_run("orb.base_minutes=30")
    app = open_app()
    assert "30" in texts(app)
    app.query_params["run"] = older.run_id
    app.number_input(key="set.orb.base_minutes").set_value(20)
    app.button(key="launch.run_button").click().run()
    assert not app.exception
    assert "job" not in app.session_state
    assert app.query_params["run"] != [older.run_id]
    assert len(list(older.folder.parent.glob("backtest_*"))) == 2
