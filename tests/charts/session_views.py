"""One made-up session of a long trade: T1 filled, then stopped at breakeven, and a refused second candidate."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd

from orb_core.analytics.session_view import SessionView

OPEN = pd.Timestamp("2024-03-12 13:30", tz="UTC")


def minute(m):
    return OPEN + pd.Timedelta(minutes=m)


def a_session(**changes):
    rng = np.random.default_rng(7)
    close = 475 + np.cumsum(rng.normal(0.004, 0.09, 390))
    opens = np.concatenate([[475.0], close[:-1]])
    bars = pd.DataFrame(
        {
            "timestamp_utc": pd.date_range(OPEN, periods=390, freq="min").as_unit("ns"),
            "open": opens,
            "high": np.maximum(opens, close) + rng.uniform(0, 0.08, 390),
            "low": np.minimum(opens, close) - rng.uniform(0, 0.08, 390),
            "close": close,
            "volume": rng.integers(2_000, 40_000, 390).astype(float),
        }
    ).round({"open": 2, "high": 2, "low": 2, "close": 2})
    high, low = bars["high"][:15].max(), bars["low"][:15].min()
    entry = round(high + 0.02, 2)
    risk = round(entry - low, 2)
    trades = pd.DataFrame(
        {
            "trade_id": ["SPY-20240312-1"],
            "direction": ["long"],
            "entry_timestamp": [minute(47)],
            "entry_price": [entry],
            "exit_timestamp": [minute(130)],
            "exit_price": [entry + 0.5 * risk],
            "exit_reason": ["breakeven"],
            "stop_initial": [low],
            "stop_final": [entry],
            "risk": [risk],
            "t1_price": [entry + risk],
            "t2_price": [entry + 1.5 * risk],
            "runner_price": [entry + 2 * risk],
            "targets_filled": [1],
            "gross_r": [0.5],
            "cost_r": [0.02],
            "realized_r": [0.48],
            "max_favorable_r": [1.2],
            "max_adverse_r": [-0.4],
            "bars_held": [84],
            "ambiguous": [False],
        }
    )
    fills = pd.DataFrame(
        {
            "trade_id": ["SPY-20240312-1"] * 3,
            "timestamp": [minute(47), minute(90), minute(130)],
            "price": [entry, entry + risk, entry - 0.01],
            "fraction": [1.0, 0.5, 0.5],
            "kind": ["entry", "t1", "breakeven"],
        }
    )
    stops = pd.DataFrame(
        {
            "trade_id": ["SPY-20240312-1"],
            "timestamp": [minute(91)],
            "price": [entry],
            "kind": ["breakeven"],
        }
    )
    signals = pd.DataFrame(
        {
            "timestamp": [minute(47), minute(330)],
            "direction": ["long", "short"],
            "trigger": [high + 0.01, low - 0.01],
            "accepted": [True, False],
            "reason": ["", "time_cutoff"],
            "refused_for": ["", "After the 15:00 cutoff"],
        }
    )
    session = pd.Series({"open": OPEN, "close": minute(390), "or_minutes": 15, "or_high": high, "or_low": low})
    view = SessionView(
        symbol="SPY",
        session_date=date(2024, 3, 12),
        timezone="America/New_York",
        bar_minutes=1,
        tick_size=0.01,
        made_up=True,
        bars=bars,
        vwap=np.asarray(bars["close"].expanding().mean()),
        session=session,
        upper_trigger=high + 0.01,
        lower_trigger=low - 0.01,
        value_area=(low - 0.2, low + 0.3),
        signals=signals,
        trades=trades,
        fills=fills,
        stops=stops,
        previous_date=date(2024, 3, 11),
        next_date=date(2024, 3, 13),
    )
    return replace(view, **changes)
