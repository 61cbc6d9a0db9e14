"""What is worked out of stored runs, kept between two looks as `cached` keeps what is read of them.

It imports the engine, which a page that only lists runs can do without.
"""

from datetime import date, datetime

import pandas as pd
import streamlit as st

from orb_core import explore, service
from orb_core.analytics.compare import Comparison
from orb_core.analytics.intervals import Interval
from orb_core.analytics.metrics import Floats
from orb_core.analytics.quarters import by_quarter
from orb_core.analytics.session_view import SessionView
from orb_core.analytics.today import Today
from orb_core.analytics.verify import Verification
from orb_core.engine.what_if import WhatIf
from orb_core.store.stored_run import StoredRun
from pages.parts.cached import RUNS_KEPT, made, store


def session_view(of: StoredRun, symbol: str, day: date) -> SessionView:
    """Return what a session's chart needs."""
    return _session_view(of.run_id, made(of), symbol, day)


def ledger(of: StoredRun) -> pd.DataFrame:
    """Return every session of all symbols, traded or not, and why."""
    return _ledger(of.run_id, made(of))


def attribution(of: StoredRun) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return R with and without each factor, and by score."""
    return _attribution(of.run_id, made(of))


def intervals(of: StoredRun) -> dict[str, Interval]:
    """Return the 95 % intervals of the secondary metrics."""
    return _intervals(of.run_id, made(of))


def quarters(of: StoredRun, name: str, trades: pd.DataFrame, values: Floats) -> pd.DataFrame:
    """Return the quarters of a run's trades by something known of each; the name says by what."""
    return _quarters(of.run_id, made(of), name, trades, values)


def gaps(of: StoredRun) -> Floats:
    """Return how far the session of each trade opened in its direction, in daily ATR."""
    return _gaps(of.run_id, made(of))


def benchmark(of: StoredRun) -> pd.DataFrame | None:
    """Return what holding the symbols would have brought."""
    return _benchmark(of.run_id, made(of))


def comparison(a: StoredRun, b: StoredRun) -> Comparison:
    """Return run B beside run A."""
    return _comparison(a.run_id, made(a), b.run_id, made(b))


def verification(of: StoredRun) -> Verification:
    """Return whether a run still comes out as it was stored."""
    return _verification(of.run_id, made(of))


def what_if(of: StoredRun) -> WhatIf:
    """Return the entries of a run that has trades under other stops and targets."""
    found = _what_if(of.run_id, made(of))
    assert found is not None, "asked of a run without trades"
    return found


def sessions_today(of: StoredRun, now: datetime) -> tuple[Today, ...]:
    """Return where the session of each symbol stands; kept for the minute."""
    return _sessions_today(of.run_id, made(of), now.replace(second=0, microsecond=0))


@st.cache_data(max_entries=RUNS_KEPT, show_spinner=False)
def _session_view(run_id: str, created: str, symbol: str, day: date) -> SessionView:  # noqa: ARG001 — part of the key
    return service.session_view(store(), run_id, symbol, day)


@st.cache_data(max_entries=RUNS_KEPT, show_spinner=False)
def _ledger(run_id: str, created: str) -> pd.DataFrame:  # noqa: ARG001
    return explore.day_ledger(store(), run_id)


@st.cache_data(max_entries=RUNS_KEPT, show_spinner=False)
def _attribution(run_id: str, created: str) -> tuple[pd.DataFrame, pd.DataFrame]:  # noqa: ARG001
    return service.attribution(store(), run_id)


@st.cache_data(max_entries=RUNS_KEPT, show_spinner=False)
def _intervals(run_id: str, created: str) -> dict[str, Interval]:  # noqa: ARG001
    return explore.intervals(store(), run_id)


@st.cache_data(max_entries=4 * RUNS_KEPT, show_spinner=False)
def _quarters(run_id: str, created: str, name: str, _trades: pd.DataFrame, _values: Floats) -> pd.DataFrame:  # noqa: ARG001
    return by_quarter(_trades, _values)


@st.cache_data(max_entries=RUNS_KEPT, show_spinner=False)
def _gaps(run_id: str, created: str) -> Floats:  # noqa: ARG001
    return explore.gaps_of_trades(store(), run_id)


@st.cache_data(max_entries=RUNS_KEPT, show_spinner=False)
def _benchmark(run_id: str, created: str) -> pd.DataFrame | None:  # noqa: ARG001
    return explore.benchmark(store(), run_id)


@st.cache_data(max_entries=RUNS_KEPT, show_spinner=False)
def _comparison(a: str, created_a: str, b: str, created_b: str) -> Comparison:  # noqa: ARG001
    return service.compare_runs(store(), a, b)


@st.cache_data(max_entries=RUNS_KEPT, show_spinner=False)
def _verification(run_id: str, created: str) -> Verification:  # noqa: ARG001
    return explore.verify_run(store(), run_id)


@st.cache_data(max_entries=RUNS_KEPT, show_spinner=False)
def _what_if(run_id: str, created: str) -> WhatIf | None:  # noqa: ARG001
    return explore.what_if_grid(store(), run_id)


@st.cache_data(max_entries=RUNS_KEPT, show_spinner=False)
def _sessions_today(run_id: str, created: str, minute: datetime) -> tuple[Today, ...]:  # noqa: ARG001
    return explore.sessions_today(store(), run_id, minute)
