"""Data: the bars that are kept, fetched or imported, and how good they are."""

import streamlit as st

from orb_core.config.hours import exchange_zone
from orb_core.errors import OrbError
from pages.parts import data_fetch, data_import, data_kept
from pages.parts.frame import enter, stop_with

enter()

data_fetch.begin()
job = data_fetch.waiting()
try:
    with st.sidebar:
        data_fetch.form()
        st.divider()
        data_import.form()
    config = data_fetch.config()
    st.markdown("#### Data")
    if job is not None:
        data_fetch.progress_panel(job)
    data_fetch.say_what_happened()
    data_import.panel(exchange_zone(config.session))
    data_kept.kept(config, is_busy=job is not None or "data.incoming" in st.session_state)
except OrbError as error:
    stop_with(error)
