"""Compare: runs side by side; of two, what differs between them and whether it could be chance. All in the address."""

import streamlit as st

from orb_core.errors import OrbError
from pages.parts import cached
from pages.parts.compare_runs import LETTERS, asked_for, pickers
from pages.parts.compare_several import several
from pages.parts.compare_view import comparison_view
from pages.parts.frame import RUNS, breadcrumb, enter, stop_with
from pages.parts.markup import plain

enter()

breadcrumb(("Runs", RUNS, {}), here="Compare")
runs, gone = [], []
for run_id in asked_for():
    try:
        runs.append(cached.run(run_id))
    except OrbError as error:
        gone.append(str(error))
if gone:
    st.error(plain("; ".join(gone)), icon=":material/error:")
try:
    pickers([of.run_id for of in runs])
    if len(runs) < 2:
        st.caption("Choose two runs, or select two or more on the Runs page. B is held against A.")
    else:
        if len(runs) > 2:
            several(dict(zip(LETTERS, runs, strict=False)))
            st.caption("Below, B is held against A. Choose another of the runs as A or B above: the two change places.")
        comparison_view(runs[0], runs[1], figured=len(runs) > 2)
except OrbError as error:
    stop_with(error)
