"""A run's report, as a file to keep or to pass on."""

import streamlit as st

from orb_core import service
from orb_core.store.run_report import report_name
from orb_core.store.stored_run import StoredRun
from pages.parts import cached

ALL = "All symbols"


def report_download(of: StoredRun) -> None:
    """Draw the download; a run of several symbols has a report of each beside that of all."""
    if len(of.symbols) < 2:
        _download(of, None)
        return
    with st.popover("HTML report", icon=":material/description:"):
        chosen = st.selectbox("Report of", (ALL, *of.symbols), key="run.report.of")
        _download(of, None if chosen == ALL else chosen)


def _download(of: StoredRun, symbol: str | None) -> None:
    store = cached.store()
    st.download_button(
        "HTML report" if len(of.symbols) < 2 else "Download",
        data=lambda: service.report(store, of.run_id, symbol).encode(),  # made once it is asked for
        file_name=f"{of.run_id}_{report_name(symbol)}",
        mime="text/html",
        key="run.report",
        icon=":material/download:",
        help="One file with figures, charts and settings; it opens offline and prints.",
        on_click="ignore",
    )
