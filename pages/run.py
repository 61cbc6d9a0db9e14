"""Run: one stored run, looked at from every side. Its address holds the run and the tab."""

import streamlit as st

from orb_core.analytics.headline import secondary
from orb_core.errors import OrbError
from pages.parts import cached, result
from pages.parts.days_tab import days_tab
from pages.parts.frame import RUNS, breadcrumb, enter, stop_with
from pages.parts.markup import plain
from pages.parts.patterns_tab import patterns_tab
from pages.parts.run_words import title_text
from pages.parts.setup_tab import setup_tab
from pages.parts.trades_tab import trades_tab
from pages.parts.what_if_tab import what_if_tab

enter()

run_id = st.query_params.get("run")
if run_id is None:
    st.switch_page(RUNS)
try:
    of = cached.run(run_id)
    breadcrumb(("Runs", RUNS, {}), here=plain(title_text(of.manifest, of.notes)))
    result.heading(of)
    # The way back from a session passes this page's address with the session's query: it left its trades, or its days.
    overview, trades, days, patterns, what_if, setup = st.tabs(
        ["Overview", "Trades", "Days", "Patterns", "What-if", "Setup"],
        default="Trades" if "trade" in st.query_params else "Days" if "date" in st.query_params else None,
        key="tab",
        on_change="rerun",
        bind="query-params",
    )
    with overview:
        if overview.open:
            totals = of.manifest.totals
            traded = totals is not None and totals.trades > 0
            result.overview(of, extra=secondary(cached.metrics(of)) if traded else ())
            if traded:
                result.details(of)
    with trades:
        if trades.open:
            trades_tab(of)
    with days:
        if days.open:
            days_tab(of)
    with patterns:
        if patterns.open:
            patterns_tab(of)
    with what_if:
        if what_if.open:
            what_if_tab(of)
    with setup:
        if setup.open:
            setup_tab(of)
except OrbError as error:
    stop_with(error)
