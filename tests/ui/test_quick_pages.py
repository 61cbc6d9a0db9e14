import streamlit as st

from orb_core.analytics import bootstrap_nb
from orb_core.service import default_store
from orb_core.store.runs import RunStore
from tests.ui.app import a_run, open_app, rerun, texts


def test_no_click_ends_with_every_session_waiting_for_a_collection_of_garbage():
    assert st.get_option("runner.postScriptGC") is False


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
