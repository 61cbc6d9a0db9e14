"""Everything the app keeps between two looks: the only `st.cache_data` and `st.cache_resource` functions.

A stored run never changes, but its folder may be deleted and its id used again: what is read from it is kept under the
id and the moment of its creation, never under a frame.
"""

from datetime import date, datetime
from pathlib import Path
from typing import Any

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
from orb_core.jobs import JobManager
from orb_core.store.run_index import RunIndex
from orb_core.store.runs import RunStore, RunSummary, newest_first
from orb_core.store.stored_run import StoredRun

RUNS_KEPT = 32
RECENT = 12


def store() -> RunStore:
    """Return the store the whole app reads and writes."""
    return service.default_store()


@st.cache_resource
def manager() -> JobManager:
    """Return the queue of this server's runs."""
    return JobManager(max_workers=2)


def runs() -> list[RunSummary]:
    """Return every run as it is on disk now, newest first, then what cannot be read."""
    return newest_first(_index(store().path).lines())


def newest_run_id() -> str | None:
    """Return the id of the last run, or None if there is none."""
    return next((line.run_id for line in runs() if line.manifest is not None), None)


def run(run_id: str) -> StoredRun:
    """Return a stored run.

    Raises
    ------
    StoreError
        There is none of this id, or it is damaged.
    """
    return store().load(run_id)


def recent_symbols() -> list[str]:
    """Return the symbols of the last runs, newest first."""
    symbols = [symbol for line in runs()[:RECENT] if line.manifest for symbol in line.manifest.symbols]
    return list(dict.fromkeys(symbols))[:RECENT]


def _created(of: StoredRun) -> str:
    return of.manifest.created_utc.isoformat()


def metrics(of: StoredRun, symbol: str | None = None) -> dict[str, Any]:
    """Return the metrics of one symbol, or of all together."""
    return _metrics(of.run_id, _created(of), symbol)


def equity(of: StoredRun, symbol: str | None = None) -> pd.DataFrame:
    """Return the equity curve of one symbol, or of all together."""
    return _equity(of.run_id, _created(of), symbol)


def trades(of: StoredRun) -> pd.DataFrame:
    """Return all trades in order of entry."""
    return _trades(of.run_id, _created(of))


def frame(of: StoredRun, symbol: str, kind: str) -> pd.DataFrame:
    """Return one table of one symbol."""
    return _frame(of.run_id, _created(of), symbol, kind)


def session_view(of: StoredRun, symbol: str, day: date) -> SessionView:
    """Return what a session's chart needs."""
    return _session_view(of.run_id, _created(of), symbol, day)


def ledger(of: StoredRun) -> pd.DataFrame:
    """Return every session of all symbols, traded or not, and why."""
    return _ledger(of.run_id, _created(of))


def attribution(of: StoredRun) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return R with and without each factor, and by score."""
    return _attribution(of.run_id, _created(of))


def intervals(of: StoredRun) -> dict[str, Interval]:
    """Return the 95 % intervals of the secondary metrics."""
    return _intervals(of.run_id, _created(of))


def quarters(of: StoredRun, name: str, trades: pd.DataFrame, values: Floats) -> pd.DataFrame:
    """Return the quarters of a run's trades by something known of each; the name says by what."""
    return _quarters(of.run_id, _created(of), name, trades, values)


def gaps(of: StoredRun) -> Floats:
    """Return how far the session of each trade opened in its direction, in daily ATR."""
    return _gaps(of.run_id, _created(of))


def benchmark(of: StoredRun) -> pd.DataFrame | None:
    """Return what holding the symbols would have brought."""
    return _benchmark(of.run_id, _created(of))


def comparison(a: StoredRun, b: StoredRun) -> Comparison:
    """Return run B beside run A."""
    return _comparison(a.run_id, _created(a), b.run_id, _created(b))


def verification(of: StoredRun) -> Verification:
    """Return whether a run still comes out as it was stored."""
    return _verification(of.run_id, _created(of))


def what_if(of: StoredRun) -> WhatIf:
    """Return the entries of a run that has trades under other stops and targets."""
    found = _what_if(of.run_id, _created(of))
    assert found is not None, "asked of a run without trades"
    return found


def sessions_today(of: StoredRun, now: datetime) -> tuple[Today, ...]:
    """Return where the session of each symbol stands; kept for the minute."""
    return _sessions_today(of.run_id, _created(of), now.replace(second=0, microsecond=0))


@st.cache_resource(max_entries=2, show_spinner=False)
def _index(folder: Path) -> RunIndex[RunSummary]:
    """Return the list of a folder's runs, shared by all sessions: none may change what it returns."""
    return RunIndex(RunStore(folder), lambda line: line)


@st.cache_data(max_entries=4 * RUNS_KEPT, show_spinner=False)
def _metrics(run_id: str, created: str, symbol: str | None) -> dict[str, Any]:  # noqa: ARG001 — part of the key
    return run(run_id).metrics(symbol)


@st.cache_data(max_entries=RUNS_KEPT, show_spinner=False)
def _equity(run_id: str, created: str, symbol: str | None) -> pd.DataFrame:  # noqa: ARG001
    of = run(run_id)
    return of.equity() if symbol is None else of.frame(symbol, "equity")


@st.cache_data(max_entries=RUNS_KEPT, show_spinner=False)
def _trades(run_id: str, created: str) -> pd.DataFrame:  # noqa: ARG001
    return run(run_id).all_trades()


@st.cache_data(max_entries=4 * RUNS_KEPT, show_spinner=False)
def _frame(run_id: str, created: str, symbol: str, kind: str) -> pd.DataFrame:  # noqa: ARG001
    return run(run_id).frame(symbol, kind)


@st.cache_data(max_entries=RUNS_KEPT, show_spinner=False)
def _session_view(run_id: str, created: str, symbol: str, day: date) -> SessionView:  # noqa: ARG001
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
