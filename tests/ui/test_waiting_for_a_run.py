import threading

import pytest

from orb_core import service
from pages.parts import cached, jobs, launching
from tests.ui.app import a_run, open_app, texts


@pytest.fixture
def ends_while_the_page_is_drawn(monkeypatch):
    """Hold every run back until the sidebar is drawn, and let it end right there."""
    may_end = threading.Event()
    run_and_save, sidebar = service.run_and_save, launching.sidebar

    def held_back(*args, **kwargs):
        may_end.wait(30)
        return run_and_save(*args, **kwargs)

    def drawn_meanwhile(*given):
        sidebar(*given)
        job = jobs.st.session_state.get("job")
        if job is not None:
            may_end.set()
            assert job.wait(30)

    monkeypatch.setattr(jobs, "FIRST_WAIT_SECONDS", 0.0)
    monkeypatch.setattr(service, "run_and_save", held_back)
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


def test_cancel_gives_the_page_back_while_what_was_finished_is_still_being_saved(monkeypatch):
    older = a_run("orb.base_minutes=30")
    reached, may_end = threading.Event(), threading.Event()

    def slow_save(*_args, is_cancelled, **_kwargs):
        reached.set()
        assert may_end.wait(30)
        assert is_cancelled()
        return older.manifest.model_copy(update={"status": "cancelled"})

    monkeypatch.setattr(jobs, "FIRST_WAIT_SECONDS", 0.0)
    monkeypatch.setattr(service, "run_and_save", slow_save)
    app = open_app()
    app.button(key="launch.run_button").click().run()
    assert reached.wait(30)
    app.button(key="job.cancel").click().run()
    assert "Win rate" in [metric.label for metric in app.metric]
    assert "Cancelling SPY" in texts(app)
    may_end.set()
    assert app.session_state["jobs.seen"]
    (job,) = [job for job in cached.manager().jobs if job.id in app.session_state["jobs.seen"]]
    assert job.wait(30)
    assert "cancelled. 1 of 1 symbols are kept." in texts(app.run())
