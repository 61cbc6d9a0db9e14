"""What-if of a run: its entries under other stops and targets."""

import numpy as np
import streamlit as st

from orb_core.analytics.metrics import bootstrap_ci95, bootstrap_means
from orb_core.analytics.words import counted, number, r_multiple
from orb_core.charts.what_if import stop_label, target_label, what_if_figure
from orb_core.store.stored_run import StoredRun
from pages.parts import computed
from pages.parts.days_tab import STILL
from pages.parts.frame import is_dark

MEASURES = {"average_r": "Per trade", "total_r": "Total"}


def what_if_tab(of: StoredRun) -> None:
    """Show the stop × target grid, with what it is and what it is not."""
    if of.manifest.totals is None or of.manifest.totals.trades == 0:
        st.caption("This run has no trades to try other stops and targets on; its Overview says why.")
        return
    with st.spinner("Living every entry again…"):
        found = computed.what_if(of)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        lived, taken = found.r.shape[2], of.manifest.totals.trades
        of_all = "" if lived == taken else f", the newest of {number(taken, 0)}"
        st.markdown(f"**Other stops and targets** :gray[· {counted(lived, 'trade')}{of_all}]", width="content")
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
    with st.container(key="what_if.chart"):
        st.plotly_chart(
            what_if_figure(found.grid, values, found.own, dark=is_dark()),
            theme=None,
            key="what_if.grid",
            height="stretch",
            config=STILL,
            alt=f"{MEASURES[measure]} in R for {values.size} pairs of stop and target; "
            "the run's own is framed, the best one dotted",
        )
    row, column = divmod(int(values.argmax()), values.shape[1])
    best = found.r[row, column]
    low, high = bootstrap_ci95(bootstrap_means(best))
    range_text = "" if np.isnan(low) else f", 95 %: {number(low, sign=True)} … {number(high, sign=True)}"
    target = found.grid.targets[column]
    to = target_label(target).lower() if isinstance(target, str) else f"target {target_label(target)}"
    mark = "" if (row, column) == found.own else "dotted; "
    st.caption(
        "1 R is what each trade risked in the run, in every cell; the framed cell is the run itself. The best of "
        f"{values.size} cells ({mark}stop {stop_label(found.grid.stops[row])}, {to}: {r_multiple(float(best.mean()))} "
        f"per trade{range_text}) is partly luck: its range does not know that it was picked. No other cell is a "
        "backtest: an earlier or later exit would have changed the entries after it. Take a promising one into a run "
        "of its own."
    )
