"""What-if of a run: its entries under other stops and targets."""

import streamlit as st

from orb_core.analytics.words import number
from orb_core.charts.what_if import stop_label, target_label, what_if_figure
from orb_core.store.stored_run import StoredRun
from pages.parts import cached
from pages.parts.days_tab import STILL
from pages.parts.frame import is_dark

MEASURES = {"average_r": "Per trade", "total_r": "Total"}


def what_if_tab(of: StoredRun) -> None:
    """Show the stop × target grid, with what it is and what it is not."""
    if of.manifest.totals is None or of.manifest.totals.trades == 0:
        st.caption("This run has no trades to try other stops and targets on; its Overview says why.")
        return
    with st.spinner("Living every entry again…"):
        found = cached.what_if(of)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        measured = number(found.r.shape[2], 0)
        of_all = (
            "" if found.r.shape[2] == of.manifest.totals.trades else f", the newest of {of.manifest.totals.trades:,}"
        )
        st.markdown(f"**Other stops and targets** :gray[· {measured} entries{of_all}]", width="content")
        measure = st.segmented_control(
            "Show",
            list(MEASURES),
            format_func=MEASURES.__getitem__,
            key="what_if.measure",
            default="average_r",
            required=True,
            persist_state="session",
            label_visibility="collapsed",
        )
    values = found.total_r if measure == "total_r" else found.average_r
    st.plotly_chart(
        what_if_figure(found.grid, values, found.own, dark=is_dark()),
        theme=None,
        key="what_if.grid",
        config=STILL,
        alt=f"{MEASURES[measure]} in R for {values.size} pairs of stop and target; the run's own is framed",
    )
    row, column = divmod(int(values.argmax()), values.shape[1])
    st.caption(
        f"1 R is what each trade risked in the run, in every cell; the framed cell is the run itself. The best of "
        f"{values.size} cells (stop {stop_label(found.grid.stops[row])}, target "
        f"{target_label(found.grid.targets[column])}) is partly luck. No other cell is a backtest: an earlier or later "
        "exit would have changed the entries after it. Take a promising one into a run of its own."
    )
