"""What an analysis of stored runs reads, put together from their tables."""

from collections.abc import Collection

import pandas as pd

from orb_core.analytics.compare import RunRecord
from orb_core.analytics.equity import combine
from orb_core.errors import StoreError
from orb_core.store.stored_run import StoredRun


def run_record(run: StoredRun, kinds: Collection[str] = ("trades", "sessions")) -> RunRecord:
    """Return what a comparison needs to know of a run, with its tables of these kinds.

    Raises
    ------
    StoreError
        No symbol of it has results, or a part of it is damaged.
    """
    return RunRecord(
        config=run.config,
        start=run.manifest.start,
        end=run.manifest.end,
        engine_version=run.manifest.engine_version,
        bars={symbol: run.manifest.symbols[symbol].bars for symbol in run.symbols},
        tables={kind: whole_table(run, kind) for kind in kinds},
    )


def whole_table(run: StoredRun, kind: str, symbol: str | None = None) -> pd.DataFrame:
    """Return the table of one symbol, or those of all one below the other.

    Raises
    ------
    StoreError
        There is no such symbol, none has results, or a part of the run is damaged.
    """
    if symbol is None and not run.symbols:
        raise StoreError(f"Run {run.run_id} has no results: it is {run.manifest.status}")
    return combine([run.frame(each, kind) for each in (run.symbols if symbol is None else [symbol])])
