"""Runs of the real engine on a week of made-up bars."""

from datetime import UTC, date, datetime
from functools import cache

from orb_core import EventLoopBacktest, load_config
from orb_core.data.synthetic import SyntheticSource
from orb_core.store.new_run import NewRun, SymbolRun

START, END = date(2024, 1, 29), date(2024, 2, 2)
WARMUP_START = date(2024, 1, 25)
CREATED = datetime(2024, 10, 2, 15, 30, 45, tzinfo=UTC)
LOCAL_ID = f"backtest_{CREATED.astimezone():%Y%m%d_%H%M%S}"


@cache
def backtest(symbol, ambiguity="conservative"):
    config = load_config(overrides=[f"execution.ambiguity={ambiguity}", "data.warmup_sessions=2"])
    bars = SyntheticSource(config.session).fetch(symbol, WARMUP_START, END, "1m")
    return EventLoopBacktest(config).run(bars, symbol, START, END), bars


def symbol_run(symbol, **changes):
    """A symbol's part of a run, with changes by keyword."""
    result, bars = backtest(symbol)
    other_policy, _ = backtest(symbol, "optimistic")
    return SymbolRun(**{"result": result, "other_policy": other_policy, "bars": bars, "quality": {}, **changes})


def new_run(*symbols, **changes):
    """A run of these symbols (SPY if none), with changes by keyword."""
    symbols = symbols or ("SPY",)
    return NewRun(
        **{
            "config": backtest(symbols[0])[0].config,
            "symbols": symbols,
            "start": START,
            "end": END,
            "source": {"kind": "synthetic", "seed": 0},
            "done": {symbol: symbol_run(symbol) for symbol in symbols},
            "failed": {},
            "created": CREATED,
            "origin": "cli",
            **changes,
        }
    )
