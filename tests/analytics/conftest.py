import zlib

import numpy as np
import pandas as pd
import pytest

from orb_core.config.load import config_from_mapping
from orb_core.engine import records

OPEN = pd.Timestamp("2024-01-02 14:30", tz="UTC")


def typed(columns, schema):
    """A result table with every column of the schema; those not given are empty of meaning, not of type."""
    rows = len(next(iter(columns.values())))
    blank = {"category": "", "str": "", "bool": False}
    frame = {}
    for name, dtype in schema.items():
        values = columns.get(name, [blank.get(dtype, 0)] * rows)
        if dtype.startswith("datetime64") and name not in columns:
            values = [OPEN if "UTC" in dtype else OPEN.tz_localize(None).normalize()] * rows
        frame[name] = pd.Series(values).astype(dtype) if rows else pd.Series(dtype=dtype)
    return pd.DataFrame(frame)


@pytest.fixture
def make_trades():
    """Trades from rows of (entry minute, exit minute, realized R), counted from the first open; more by keyword."""

    def build(*rows, symbol="SPY", **columns):
        given = {
            "trade_id": [f"{symbol}-{number}" for number in range(1, len(rows) + 1)],
            "symbol": [symbol] * len(rows),
            "direction": ["long"] * len(rows),
            "exit_reason": ["stop"] * len(rows),
            "entry_timestamp": [OPEN + pd.Timedelta(minutes=row[0]) for row in rows],
            "exit_timestamp": [OPEN + pd.Timedelta(minutes=row[1]) for row in rows],
            "session_date": [(OPEN + pd.Timedelta(minutes=row[0])).tz_localize(None).normalize() for row in rows],
            "entry_price": [100.0] * len(rows),
            "risk": [1.0] * len(rows),
            "realized_r": [float(row[2]) for row in rows],
        }
        return typed(given | columns, records.TRADES)

    return build


@pytest.fixture
def make_sessions():
    """Sessions of 390 minutes, one a day from 2 January 2024, from their R; `warmup` of them come before."""

    def build(*realized_r, symbol="SPY", warmup=0):
        n = len(realized_r)
        opens = [OPEN + pd.Timedelta(days=day) for day in range(-warmup, n)]
        columns = {
            "symbol": [symbol] * (warmup + n),
            "session_date": [open_.tz_localize(None).normalize() for open_ in opens],
            "open": opens,
            "close": [open_ + pd.Timedelta(minutes=390) for open_ in opens],
            "or_state": ["valid"] * (warmup + n),
            "warmup": [True] * warmup + [False] * n,
            "realized_r": [0.0] * warmup + [float(r) for r in realized_r],
        }
        return typed(columns, records.SESSIONS)

    return build


@pytest.fixture
def make_config():
    """Defaults but for `sizing` and what is named. `instruments` maps a symbol to (point_value, quantity_step)."""

    def build(instruments=None, ambiguity="conservative", calendar="XNYS", **sizing):
        return config_from_mapping(
            {
                "sizing": sizing,
                "execution": {"ambiguity": ambiguity},
                "session": {"calendar": calendar},
                "instruments": {
                    symbol: {"point_value": point_value, "quantity_step": quantity_step}
                    for symbol, (point_value, quantity_step) in (instruments or {}).items()
                },
            }
        )

    return build


@pytest.fixture
def random_trades(make_trades):
    """Trades of one symbol after another in time, some of them closing in the minute they were entered in."""

    def build(n, symbol="SPY", seed=0):
        rng = np.random.default_rng([seed, zlib.crc32(symbol.encode())])
        entries = np.cumsum(rng.integers(1, 90, n))
        held = np.minimum(rng.integers(0, 60, n), np.append(np.diff(entries), 60))
        rows = list(zip(entries.tolist(), (entries + held).tolist(), rng.normal(0.1, 1.1, n), strict=True))
        return make_trades(
            *rows,
            symbol=symbol,
            risk=rng.uniform(0.1, 3.0, n),
            entry_price=rng.uniform(50, 500, n),
            cost_r=np.full(n, 0.02),
        )

    return build
