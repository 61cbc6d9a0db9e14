"""What the app keeps of its runs between two looks; `computed` has what takes the engine, `data_cached` the bars.

A stored run never changes, but its folder may be deleted and its id used again: what is read from it is kept under the
id and the moment of its creation, never under a frame.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from orb_core.config.hours import exchange_zone
from orb_core.config.places import runs_path
from orb_core.jobs import JobManager
from orb_core.store.run_index import RunIndex
from orb_core.store.runs import RunStore, RunSummary, newest_first
from orb_core.store.stored_run import StoredRun

RUNS_KEPT = 32
RECENT = 12


def store() -> RunStore:
    """Return the store the whole app reads and writes."""
    return RunStore(runs_path())


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


def made(of: StoredRun) -> str:
    """Return when a run was made: with its id, the key of all that is kept of it."""
    return of.manifest.created_utc.isoformat()


def metrics(of: StoredRun) -> dict[str, Any]:
    """Return the metrics of all symbols together."""
    return _metrics(of.run_id, made(of))


def equity(of: StoredRun, symbol: str | None = None) -> pd.DataFrame:
    """Return the equity curve of one symbol, or of all together, its times on the exchange's clock."""
    return _equity(of.run_id, made(of), symbol)


def trades(of: StoredRun) -> pd.DataFrame:
    """Return all trades in order of entry."""
    return _trades(of.run_id, made(of))


def frame(of: StoredRun, symbol: str, kind: str) -> pd.DataFrame:
    """Return one table of one symbol."""
    return _frame(of.run_id, made(of), symbol, kind)


@lru_cache(maxsize=2)
def _index(folder: Path) -> RunIndex[RunSummary]:
    """Return the list of a folder's runs, shared by all sessions: none may change what it returns."""
    return RunIndex(RunStore(folder), lambda line: line)


@st.cache_data(max_entries=RUNS_KEPT, show_spinner=False)
def _metrics(run_id: str, created: str) -> dict[str, Any]:  # noqa: ARG001 — part of the key
    return run(run_id).metrics()


@st.cache_data(max_entries=RUNS_KEPT, show_spinner=False)
def _equity(run_id: str, created: str, symbol: str | None) -> pd.DataFrame:  # noqa: ARG001
    of = run(run_id)
    curve = of.equity() if symbol is None else of.frame(symbol, "equity")
    return curve.assign(timestamp=curve["timestamp"].dt.tz_convert(exchange_zone(of.config.session)))


@st.cache_data(max_entries=RUNS_KEPT, show_spinner=False)
def _trades(run_id: str, created: str) -> pd.DataFrame:  # noqa: ARG001
    return run(run_id).all_trades()


@st.cache_data(max_entries=4 * RUNS_KEPT, show_spinner=False)
def _frame(run_id: str, created: str, symbol: str, kind: str) -> pd.DataFrame:  # noqa: ARG001
    return run(run_id).frame(symbol, kind)
