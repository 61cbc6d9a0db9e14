"""Compare: two runs side by side, what differs between them and whether it could be chance. Its address holds both."""

import streamlit as st

from orb_core.errors import OrbError
from pages.parts import cached
from pages.parts.compare_runs import asked_for, pickers
from pages.parts.compare_view import comparison_view, several
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
        comparison_view(runs[0], runs[1])
        if len(runs) > 2:
            several(runs)
except OrbError as error:
    stop_with(error)
