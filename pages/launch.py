"""Launch: set a strategy in the sidebar, press Run, look."""

import streamlit as st

from orb_core.errors import OrbError
from pages.parts import ask, cached, forms, jobs, result
from pages.parts.frame import enter, stop_with
from pages.parts.launching import first_visit, sidebar

enter()
ask.begin()
forms.begin()

with st.sidebar:
    sidebar()

job = jobs.waiting()
if job is not None and job.is_over:
    finished = jobs.finish(job)
    if finished is not None:
        st.query_params["run"] = finished
elif job is not None:
    jobs.progress_panel(job)
    st.stop()

jobs.say_what_happened()

try:
    run_id = st.query_params.get("run") or cached.newest_run_id()
    if run_id is None:
        first_visit()
    else:
        result.screen(cached.run(run_id))
except OrbError as error:
    stop_with(error)
