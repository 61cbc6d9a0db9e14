"""A world run by the engine and by the reference, both as plain rows, and where the two differ."""

import math
from typing import Any

import pandas as pd

from orb_core.engine import records
from orb_core.engine.backtest import BacktestResult, EventLoopBacktest
from tests.engine.reference import Reference, Tables
from tests.engine.reference_market import Bar
from tests.strategies import SYMBOL, World

COLUMNS = {
    "trades": records.TRADES,
    "fills": records.FILLS,
    "stops": records.STOPS,
    "signals": records.SIGNALS,
    "sessions": records.SESSIONS,
}


def run_engine(world: World) -> Tables:
    result = EventLoopBacktest(world.config).run(world.bars, SYMBOL, world.start, world.end)
    return tables_of(result)


def run_reference(world: World, rules: type[Reference] = Reference) -> Tables:
    return reference_of(world, rules).run()


def reference_of(world: World, rules: type[Reference] = Reference) -> Reference:
    instrument = world.config.instrument(SYMBOL)
    return rules(bar_list(world.bars), world.sessions, world.config, instrument, SYMBOL)


def bar_list(bars: pd.DataFrame) -> list[Bar]:
    starts = bars["timestamp_utc"].astype("int64").tolist()
    prices = (bars[name].tolist() for name in ("open", "high", "low", "close", "volume"))
    return [Bar(*row) for row in zip(starts, *prices, strict=True)]


def tables_of(result: BacktestResult) -> Tables:
    return {kind: plain_rows(getattr(result, kind)) for kind in COLUMNS}


def plain_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Dates as `date`, instants as UTC nanoseconds, categories as text."""
    columns = {}
    for name, column in frame.items():
        if name == "session_date":
            columns[name] = [stamp.date() for stamp in column]
        elif isinstance(column.dtype, pd.DatetimeTZDtype):
            columns[name] = column.astype("int64").tolist()
        else:
            columns[name] = column.tolist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def first_difference(got: Tables, want: Tables) -> str | None:
    """Where two runs first differ: numbers by more than 1e-9 relative, all else at all; None where they agree."""
    for kind in ("sessions", "signals", "trades", "fills", "stops"):
        for n, (mine, theirs) in enumerate(zip(got[kind], want[kind], strict=False)):
            if mine.keys() != theirs.keys():
                return f"{kind}: columns {mine.keys() ^ theirs.keys()} are in one only"
            for name, value in mine.items():
                if not same(value, theirs[name]):
                    return f"{kind} row {n}: {name} is {value!r} against {theirs[name]!r} in {theirs}"
        if len(got[kind]) != len(want[kind]):
            shorter, longer = sorted((got[kind], want[kind]), key=len)
            return f"{kind}: {len(got[kind])} rows against {len(want[kind])}; one has {longer[len(shorter)]}"
    return None


def same(a: object, b: object) -> bool:
    if isinstance(a, float) and isinstance(b, (int, float)):
        return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)
    return a == b and isinstance(a, bool) == isinstance(b, bool)
