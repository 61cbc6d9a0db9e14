"""Runs: every run that was stored, by whatever front end, newest first."""

import streamlit as st

from orb_core.errors import OrbError
from pages.parts import cached
from pages.parts.frame import LAUNCH, RUN, enter, stop_with
from pages.parts.markup import plain
from pages.parts.runs_table import runs_columns, runs_table, shown_columns

TABLE_ROWS, TABLE_PX = 18, 620

enter()

try:
    lines = cached.runs()
except OrbError as error:
    stop_with(error)

readable = [line for line in lines if line.manifest is not None]
unreadable = [line for line in lines if line.manifest is None]

st.markdown(f"#### Runs :gray[· {len(readable)}]")
if not readable:
    folder = plain(str(cached.store().path))
    st.caption(f"No run is stored in {folder} yet. What Launch or the command line runs appears here by itself.")
    st.page_link(LAUNCH, label="Go to Launch", icon=":material/play_arrow:")
else:
    table = runs_table(readable)
    chosen = st.dataframe(
        table,
        column_config=runs_columns(),
        column_order=shown_columns(table),
        hide_index=True,
        key="runs.table",
        on_select="rerun",
        selection_mode="single-row",
        height=TABLE_PX if len(table) > TABLE_ROWS else "content",
        alt=f"{len(readable)} stored runs, newest first; select one to open it",
    )
    if chosen.selection.rows:
        st.switch_page(RUN, query_params={"run": readable[chosen.selection.rows[0]].run_id})
    st.caption("Select a row to open its run. When: this computer's time.")

for line in unreadable:
    st.caption(f":orange[:material/warning:] {plain(line.run_id)} cannot be read: {plain(line.reason or '')}")
