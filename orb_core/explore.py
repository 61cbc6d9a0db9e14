"""The use cases that look into stored runs: their days, their benchmark, whether they still hold, and what is next."""

from dataclasses import replace
from datetime import date, datetime
from typing import Final

import pandas as pd

from orb_core.analytics.benchmark import buy_and_hold, held_together
from orb_core.analytics.compare import RunRecord
from orb_core.analytics.equity import combine
from orb_core.analytics.gaps import in_direction, opening_gaps
from orb_core.analytics.intervals import COLUMNS, Interval, metric_intervals
from orb_core.analytics.ledger import ledger
from orb_core.analytics.metrics import Floats
from orb_core.analytics.today import LONGEST_HOLIDAY, Today, today
from orb_core.analytics.verify import Verification, verify
from orb_core.data.sessions import sessions_per_year
from orb_core.engine.backtest import ENGINE_VERSION, EventLoopBacktest
from orb_core.engine.what_if import WhatIf, what_if
from orb_core.service import RunRequest, request_again
from orb_core.store.run_records import run_record, whole_table
from orb_core.store.runs import RunStore

MOST_ENTRIES: Final = 5_000
"""Entries of a what-if grid at most: each takes about 0.3 ms."""

RECOMPUTED: Final = ("trades", "fills", "stops", "signals", "sessions")
"""The tables a backtest makes; all others are worked out from these."""


def day_ledger(store: RunStore, run_id: str) -> pd.DataFrame:
    """Return every session of a run and symbol, traded or not, and why; see `analytics.ledger`.

    Raises
    ------
    OrbError
        There is no such run, it has no results, a part of it is damaged, or this version does not accept its settings.
    """
    run = store.load(run_id)
    sessions, signals, trades = (whole_table(run, kind) for kind in ("sessions", "signals", "trades"))
    return ledger(sessions, signals, trades, run.config)


def intervals(store: RunStore, run_id: str) -> dict[str, Interval]:
    """Return the 95 % intervals of a run's secondary metrics; see `analytics.intervals`.

    Raises
    ------
    OrbError
        As for `day_ledger`.
    """
    run = store.load(run_id)
    trades = run.table("trades").select(list(COLUMNS)).to_pandas(date_as_object=False)
    return metric_intervals(trades, whole_table(run, "sessions"), sessions_per_year(run.config.session))


def benchmark(store: RunStore, run_id: str) -> pd.DataFrame | None:
    """Return what holding the run's symbols in equal parts would have brought; None without a session with bars.

    Columns as of `analytics.benchmark.held_together`.

    Raises
    ------
    OrbError
        As for `day_ledger`.
    """
    run = store.load(run_id)
    minutes = run.config.data.bar_minutes
    curves = []
    for symbol in run.symbols:
        sessions = run.frame(symbol, "sessions")
        if (~sessions["warmup"] & (sessions["bars"] > 0)).any():
            curves.append(buy_and_hold(run.bars(symbol), sessions, minutes))
    return held_together(curves) if curves else None


def gaps_of_trades(store: RunStore, run_id: str) -> Floats:
    """Return how far the session of each of the run's trades opened in its direction, in daily ATR.

    Returns
    -------
    float64[trades]
        In the order of `StoredRun.all_trades`; see `analytics.gaps`.

    Raises
    ------
    OrbError
        As for `day_ledger`.
    """
    run = store.load(run_id)
    by_date = {}
    for symbol in run.symbols:
        sessions = run.frame(symbol, "sessions")
        gaps = opening_gaps(run.bars(symbol), sessions, run.config.data.bar_minutes)
        by_date[symbol] = pd.Series(gaps, index=sessions["session_date"])
    return in_direction(run.all_trades(), pd.concat(by_date))


def verify_run(store: RunStore, run_id: str) -> Verification:
    """Run a stored run's configuration on its stored bars again, and compare every table; nothing is saved.

    Raises
    ------
    OrbError
        As for `day_ledger`.
    """
    run = store.load(run_id)
    stored = run_record(run, RECOMPUTED)
    backtest = EventLoopBacktest(run.config)
    results = [backtest.run(run.bars(symbol), symbol, stored.start, stored.end) for symbol in run.symbols]
    tables = {kind: combine([getattr(result, kind) for result in results]) for kind in RECOMPUTED}
    return verify(stored, RunRecord(run.config, stored.start, stored.end, ENGINE_VERSION, stored.bars, tables))


def what_if_grid(store: RunStore, run_id: str) -> WhatIf | None:
    """Return a run's newest `MOST_ENTRIES` entries under other stops and targets; None without a trade.

    Raises
    ------
    OrbError
        As for `day_ledger`.
    """
    run = store.load(run_id)
    newest = whole_table(run, "trades").sort_values("entry_timestamp", kind="stable").tail(MOST_ENTRIES)
    grids = []
    for symbol in run.symbols:
        trades = newest[newest["symbol"] == symbol]
        if len(trades):
            grids.append(what_if(run.bars(symbol), trades, run.config, run.manifest.start, run.manifest.end))
    return WhatIf.together(grids) if grids else None


def sessions_today(store: RunStore, run_id: str, now: datetime) -> tuple[Today, ...]:
    """Return the running session, or the last one, of each symbol of a run whose bars reach into it.

    Quantities are worked out with what the run's account stands at.

    Parameters
    ----------
    now : datetime
        With its time zone.

    Raises
    ------
    OrbError
        As for `day_ledger`.
    """
    run = store.load(run_id)
    since = now - LONGEST_HOLIDAY
    last_bars = {symbol: run.manifest.symbols[symbol].last_bar for symbol in run.symbols}
    recent = [symbol for symbol, last_bar in last_bars.items() if last_bar is not None and last_bar > since]
    if not recent:
        return ()
    equity = float(run.equity()["equity"].iloc[-1])
    found = (today(run.bars(symbol), run.config, symbol, now, equity=equity) for symbol in recent)
    return tuple(each for each in found if each is not None)


def request_to_latest(run_id: str, store: RunStore, last: date) -> RunRequest:
    """Return the request that runs a stored run's configuration from its first day up to `last`, on bars fetched anew.

    Raises
    ------
    OrbError
        As for `service.request_again`.
    """
    return replace(request_again(run_id, store), end=last, rerun_of=None)
