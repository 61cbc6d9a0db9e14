"""A stored run made again: verified on its own bars, repeated on fresh ones, or carried on to today."""

from dataclasses import replace
from datetime import UTC, datetime

import streamlit as st

from orb_core.analytics.verify import Verification
from orb_core.explore import request_to_latest
from orb_core.service import request_again
from orb_core.store.stored_run import StoredRun
from pages.parts import cached, computed, jobs
from pages.parts.compare_trades import matched_trades
from pages.parts.frame import LAUNCH
from pages.parts.markup import plain


def again(of: StoredRun) -> None:
    """Draw the ways to make a run again."""
    if st.button(
        "Run again",
        key="run.again",
        icon=":material/replay:",
        help="Runs these settings, symbols and dates on bars fetched anew. If nothing changed, this run is shown; else "
        "it is a new one.",
    ):
        asked = replace(request_again(of.run_id, cached.store()), rerun_of=None)
        jobs.start(asked, of.notes.title or None)
        st.switch_page(LAUNCH, query_params={"run": of.run_id})
    if of.symbols and st.button(
        "Verify",
        key="run.verify",
        icon=":material/fact_check:",
        help="Runs these settings on the stored bars again, and compares every table. Nothing is saved.",
    ):
        st.session_state["run.verified"] = of.run_id
    today = datetime.now(tz=UTC).date()
    if of.manifest.end < today and st.button(
        "Extend to latest",
        key="run.extend",
        icon=":material/update:",
        help=f"Runs these settings from {of.manifest.start} to today, on bars fetched anew, as a new run.",
    ):
        jobs.start(request_to_latest(of.run_id, cached.store(), today))
        st.switch_page(LAUNCH, query_params={"run": of.run_id})


def finding(of: StoredRun) -> None:
    """Say what verifying this run found, if it was asked for."""
    if st.session_state.get("run.verified") != of.run_id:
        return
    with st.spinner("Running again on the stored bars"):
        found = computed.verification(of)
    if found.is_identical:
        st.success(plain(found.sentence), icon=":material/check:")
        return
    st.warning(plain(found.sentence), icon=":material/warning:")
    _differing(of, found)


def _differing(of: StoredRun, found: Verification) -> None:
    if len(found.trades):
        st.markdown("**Trades that differ** :gray[· A as stored, B made again]")
        matched_trades(found.trades, of.config, key="run.verify.trades")
