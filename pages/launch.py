"""Launch: set a strategy in the sidebar, press Run, look."""

import streamlit as st

from orb_core.errors import OrbError
from pages.parts import cached, jobs, result
from pages.parts.frame import LAUNCH, enter, stop_with
from pages.parts.launching import begin, first_visit, sidebar
from pages.parts.today import today_panel

enter(LAUNCH)

job = jobs.waiting()
# Decided once: a run may end while the sidebar is drawn, and must be either finished here or waited for below.
if job is not None and job.is_over:
    finished = jobs.finish(job)
    if finished is not None:
        st.query_params["run"] = finished
    job = None

shown, problem = None, None
try:
    run_id = st.query_params.get("run") or cached.newest_run_id()
    shown = cached.run(run_id) if run_id else None
    filled_as = begin(shown)
except OrbError as error:
    problem = error
    filled_as = begin(None)

with st.sidebar:
    sidebar(filled_as)

if job is not None:
    jobs.progress_panel(job)
else:
    jobs.say_what_happened()
    if problem:
        stop_with(problem)
    elif shown is None:
        first_visit()
    else:
        try:
            today_panel(shown)
            result.screen(shown)
        except OrbError as error:
            stop_with(error)
