import threading

import pytest

from orb_core.errors import StoreError
from orb_core.service import Progress
from pages.parts import cached
from pages.parts.markup import plain
from tests.ui.app import a_run, open_app, rerun, texts


@pytest.fixture
def slow_job():
    """A run that another session started: it goes on until it is let go or cancelled."""
    run, go_on = a_run(), threading.Event()

    def work(report, is_cancelled):
        report({})
        while not go_on.wait(0.01):
            if is_cancelled():
                raise StoreError("cancelled on its way")
        return run.manifest

    job = cached.manager().submit(work, "SLOW")
    yield job, go_on
    go_on.set()
    job.wait(10)


@pytest.mark.parametrize("page", ["launch", "runs", "run"])
def test_a_run_in_progress_shows_on_every_page_of_every_session(slow_job, page):
    job, _ = slow_job
    app = open_app(page, **({"run": cached.newest_run_id()} if page == "run" else {}))
    assert "Running SLOW" in texts(app)
    assert app.button(key=f"job.cancel.{job.id}")


def test_a_run_that_ended_is_told_with_its_result_until_dismissed(slow_job):
    job, go_on = slow_job
    app = open_app("runs")
    go_on.set()
    assert job.wait(10)
    assert "SLOW is done" in texts(rerun(app))
    assert "SLOW" not in texts(open_app("runs"))
    app.button(key=f"job.dismiss.{job.id}").click()
    assert "SLOW" not in texts(rerun(app))


def test_cancel_works_from_any_session(slow_job):
    job, _ = slow_job
    app = open_app("runs")
    app.button(key=f"job.cancel.{job.id}").click()
    rerun(app)
    assert job.wait(10)
    assert "cancelled on its way" in texts(rerun(app))


def test_progress_counts_symbols_and_a_run_of_many_is_named_by_the_first(monkeypatch):
    told, go_on = threading.Event(), threading.Event()

    def run_and_save(request, store, *, on_progress, **_):
        on_progress(Progress("fetch", "BTC-USD", 2, 5))
        told.set()
        go_on.wait(10)
        raise StoreError("never saved")

    monkeypatch.setattr("orb_core.service.run_and_save", run_and_save)
    app = open_app()
    app.multiselect(key="ask.symbols").set_value([f"MADE{i}" for i in range(5)])
    app.button(key="launch.run_button").click()
    rerun(app)
    assert told.wait(10)
    rerun(app)
    assert "Running MADE0, MADE1, MADE2 +2" in texts(app)
    (bar,) = app.get("progress")
    assert bar.proto.text == plain("Bars of 2 of 5 symbols (BTC-USD)")
    assert ":gray[Bars of 2 of 5 symbols (BTC-USD)]" in texts(open_app("runs"))
    go_on.set()
