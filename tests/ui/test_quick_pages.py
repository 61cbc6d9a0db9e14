import subprocess
import sys

import streamlit as st

from orb_core.analytics import bootstrap_nb
from orb_core.service import default_store
from orb_core.store.runs import RunStore
from tests.ui.app import ENTRY, a_run, open_app, rerun, texts

FIRST_PAGE = f"""
from streamlit.testing.v1 import AppTest
app = AppTest.from_file({str(ENTRY)!r}, default_timeout=60).switch_page("pages/runs.py").run()
print(len(app.get("data_editor")[0].value))
"""
STARTED = """
import asyncio, gc, threading
from pages.parts import ahead, cached
from streamlit_app import app

ahead.PAUSE_SECONDS = 0

async def start():
    async with ahead.loading(app):
        for thread in threading.enumerate():
            if thread.name == "loading":
                thread.join()

asyncio.run(start())
print(len(cached._index(cached.store().path)._lines), gc.get_freeze_count() > 0)
"""
LOADED = """
import sys
print(sorted({"numba", "orb_core.service", "orb_core.explore", "pages.parts.day"} & set(sys.modules)))
"""


def said_by(script):
    """What a process of its own prints."""
    command = [sys.executable, "-c", script + LOADED]
    return subprocess.run(command, cwd=ENTRY.parent, capture_output=True, text=True, check=True).stdout.split("\n")[:2]


def test_no_click_ends_with_every_session_waiting_for_a_collection_of_garbage():
    assert st.get_option("runner.postScriptGC") is False


def test_no_page_is_rewritten_before_its_first_visit():
    assert st.get_option("runner.magicEnabled") is False


def test_the_list_of_runs_is_drawn_without_the_engine():
    a_run()
    assert said_by(FIRST_PAGE) == ["1", "[]"]


def test_a_server_that_starts_reads_the_list_and_loads_all_that_pages_need_before_anyone_asks():
    a_run()
    loaded = ["numba", "orb_core.explore", "orb_core.service", "pages.parts.day"]
    assert said_by(STARTED) == ["1 True", str(loaded)]


def test_a_folder_of_runs_that_cannot_be_read_keeps_no_server_from_loading(runs_dir):
    runs_dir.write_text("no folder")
    assert said_by(STARTED)[0] == "0 True"


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
