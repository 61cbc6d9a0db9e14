import gc
import subprocess
import sys

import streamlit as st

from orb_core.analytics import bootstrap_nb
from orb_core.service import default_store
from orb_core.store.runs import RunStore
from pages.parts import cached
from tests.ui.app import ENTRY, a_run, open_app, rerun, texts

FIRST_PAGE = """
import sys
import threading
from streamlit.testing.v1 import AppTest
from pages.parts import cached
cached.LATER_SECONDS = {later}
app = AppTest.from_file({entry!r}, default_timeout=60).switch_page("pages/runs.py").run()
for thread in threading.enumerate():
    if isinstance(thread, threading.Timer) and not {later}:
        thread.join()
loaded = {{"numba", "orb_core.service", "orb_core.explore"}} & set(sys.modules)
print(len(app.get("data_editor")[0].value), sorted(loaded))
"""


def drawn_first(later):
    """What a server says of the Runs page and of its packages, where that is the first page anyone asks for."""
    command = [sys.executable, "-c", FIRST_PAGE.format(later=later, entry=str(ENTRY))]
    done = subprocess.run(command, cwd=ENTRY.parent, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_no_click_ends_with_every_session_waiting_for_a_collection_of_garbage():
    assert st.get_option("runner.postScriptGC") is False


def test_no_page_is_rewritten_before_its_first_visit():
    assert st.get_option("runner.magicEnabled") is False


def test_the_list_of_runs_is_drawn_without_the_engine():
    a_run()
    assert drawn_first(later=600) == "1 []"


def test_the_engine_is_loaded_soon_after_the_first_page_whichever_it_was():
    a_run()
    assert drawn_first(later=0) == "1 ['numba', 'orb_core.explore', 'orb_core.service']"


def test_a_page_reads_again_only_the_runs_that_changed(monkeypatch):
    runs = [a_run(), a_run("trade.stop_mode=or_midpoint")]
    app = open_app("runs")
    read, summary = [], RunStore.summary
    monkeypatch.setattr(RunStore, "summary", lambda store, name: (read.append(name), summary(store, name))[1])
    default_store().annotate(runs[0].run_id, title="Called otherwise now")
    rerun(app)
    assert read == [runs[0].run_id]
    assert "Called otherwise now" in app.get("data_editor")[0].value["title"].tolist()


def test_a_run_that_is_gone_leaves_the_list_at_once():
    runs = [a_run(), a_run("trade.stop_mode=or_midpoint")]
    app = open_app("runs")
    assert "Runs :gray[· 2]" in texts(app)
    default_store().delete(runs[0].run_id)
    assert "Runs :gray[· 1]" in texts(rerun(app))


def test_the_patterns_of_a_run_are_worked_out_once(monkeypatch):
    app = open_app("run", run=a_run().run_id, tab="Patterns")
    drawn = []
    monkeypatch.setattr(bootstrap_nb, "resample_means_nb", lambda *args: drawn.append(args))
    rerun(app)
    assert drawn == []


def test_python_collects_as_usual_once_the_engine_is_loaded(monkeypatch):
    usual, frozen = gc.get_threshold(), gc.get_freeze_count()
    monkeypatch.setattr(cached, "COLLECTED_AFTER", (701, 11, 12))
    try:
        cached._load_engine()
        assert gc.get_threshold() == (701, 11, 12)
        assert gc.get_freeze_count() > frozen
    finally:
        gc.unfreeze()
        gc.set_threshold(*usual)
