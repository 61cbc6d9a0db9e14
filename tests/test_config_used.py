"""Every setting of defaults.yaml counts: another value changes some result.

A row names the setting, another value for it and, where it counts only together with others, those. The settings of an
instrument are tried by their kind, on every instrument.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from orb_core import EventLoopBacktest, load_config
from orb_core.analytics.summary import summary
from orb_core.config.load import config_from_mapping
from orb_core.data.synthetic import SyntheticSource
from orb_core.engine.backtest import BacktestResult

ROOT = Path(__file__).parent.parent
START, END = date(2023, 11, 1), date(2024, 1, 31)  # with a half day, 24 November
WARMUP_START = date(2023, 9, 1)

NO_SCORE = {"scoring.enabled": False}
ADX = {"factors.adx.enabled": True}
ONE_TARGET = {"trade.partials": False}
TRAILING = {"trade.trail.mode": "r", "trade.trail.start_r": 0.5, "trade.runner_r": None, **NO_SCORE}
TIGHT_STOP = {"trade.stop_mode": "swing", "trade.swing_lookback": 1, **NO_SCORE}
UNLEVERED = {"sizing.max_leverage": 1_000.0}

CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "session.calendar": ("XTSE", {}),
    "session.open": ("10:00", {}),
    "session.close": ("15:30", {}),
    "session.timezone": ("America/Chicago", NO_SCORE),
    "session.weekdays": (["mon", "tue"], {}),
    "session.half_days": ("skip", {}),
    "session.exclude_dates": (["2023-12-13"], {}),
    "orb.base_minutes": (20, {}),
    "orb.adaptive": (False, {}),
    "orb.short_or_minutes": (5, {}),
    "orb.long_or_minutes": (60, {}),
    "orb.low_norm_vol": (0.25, {}),
    "orb.high_norm_vol": (0.13, {}),
    "orb.atr_period": (3, {}),
    "orb.enable_validity_filter": (False, {"orb.min_atr_mult": 0.3}),
    "orb.min_atr_mult": (0.3, {}),
    "orb.max_atr_mult": (0.3, {}),
    "buffers.fixed": (0.05, {}),
    "buffers.ticks": (5, {}),
    "buffers.use_atr": (True, {}),
    "buffers.atr_mult": (0.2, {"buffers.use_atr": True}),
    "entry.mode": ("close", {}),
    "entry.direction": ("long", {}),
    "factors.rel_volume.enabled": (False, {}),
    "factors.rel_volume.mode": ("time_of_day", {}),
    "factors.rel_volume.lookback": (5, {}),
    "factors.rel_volume.spike_mult": (3.0, {}),
    "factors.price_action.enabled": (False, {}),
    "factors.price_action.pivot_len": (8, {}),
    "factors.price_action.enable_engulfing": (False, {}),
    "factors.price_action.enable_structure": (False, {}),
    "factors.profile_proxy.enabled": (False, {}),
    "factors.profile_proxy.val_pct": (0.0, {}),
    "factors.profile_proxy.vah_pct": (1.0, {}),
    "factors.vwap.enabled": (False, {}),
    "factors.vwap.reset_mode": ("or_end", {}),
    "factors.adx.enabled": (True, {}),
    "factors.adx.period": (5, ADX),
    "factors.adx.threshold": (40.0, ADX),
    "scoring.enabled": (False, {}),
    "scoring.base_required": (4, {}),
    "scoring.weak_trend_required": (5, ADX),
    "scoring.weights.rel_volume": (0.0, {}),
    "scoring.weights.price_action": (0.0, {}),
    "scoring.weights.profile_proxy": (0.0, {}),
    "scoring.weights.vwap": (0.0, {}),
    "scoring.weights.adx": (0.0, ADX),
    "trade.stop_mode": ("swing", {}),
    "trade.extra_stop_buffer": (0.1, {}),
    "trade.swing_lookback": (3, {"trade.stop_mode": "swing"}),
    "trade.atr_stop_mult": (0.3, {"trade.stop_mode": "atr"}),
    "trade.atr_stop_cap_mult": (0.1, {"trade.stop_mode": "atr_capped"}),
    "trade.partials": (False, {}),
    "trade.t1_r": (0.5, {}),
    "trade.t1_pct": (0.25, {}),
    "trade.t2_r": (1.75, {}),
    "trade.t2_pct": (0.5, {}),
    "trade.runner_r": (None, {}),
    "trade.primary_r": (3.0, ONE_TARGET),
    "trade.move_be_at_r": (None, {}),
    "trade.be_buffer": (0.05, {}),
    "trade.trail.mode": ("swing", {}),
    "trade.trail.start_r": (2.0, TRAILING),
    "trade.trail.distance": (0.25, TRAILING),
    "trade.max_hold_minutes": (30, {}),
    "governance.max_signals_per_day": (1, NO_SCORE),
    "governance.lockout_after_losses": (1, NO_SCORE),
    "governance.max_daily_loss_r": (0.5, NO_SCORE),
    "governance.time_cutoff": ("11:00", {}),
    "governance.second_chance_minutes": (None, NO_SCORE),
    "governance.flatten_at_session_end": (False, {}),
    "execution.ambiguity": ("optimistic", TIGHT_STOP),
    "execution.limit_fill": ("through", NO_SCORE),
    "costs.commission_per_unit": (0.01, {}),
    "costs.commission_pct": (0.0001, {}),
    "costs.slippage_ticks": (3, {}),
    "sizing.mode": ("fixed_quantity", {}),
    "sizing.initial_capital": (50_000, {}),
    "sizing.risk_pct": (0.02, UNLEVERED),
    "sizing.quantity": (250, {"sizing.mode": "fixed_quantity"}),
    "sizing.max_leverage": (1.0, {}),
    "data.interval": ("5m", {}),
    "data.warmup_sessions": (5, {}),
    "data.validate_or": ("skip", {}),
}
INSTRUMENT_CASES: dict[str, Any] = {
    "aliases": [],
    "tick_size": 0.5,
    "point_value": 7,
    "quantity_step": 1,
    "costs.commission_per_unit": 9.0,
    "costs.commission_pct": 0.01,
    "costs.slippage_ticks": 3,
}


def leaves(settings: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}"


LEAVES = list(leaves(yaml.safe_load((ROOT / "defaults.yaml").read_text(encoding="utf-8"))))


def nested(changes: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping of dotted paths as YAML would hold it."""
    tree: dict[str, Any] = {}
    for path, value in changes.items():
        *sections, key = path.split(".")
        node = tree
        for section in sections:
            node = node.setdefault(section, {})
        node[key] = value
    return tree


@cache
def bars(symbol: str, interval: str) -> pd.DataFrame:
    """Made-up bars of the default calendar, whose opening range lacks a bar on some days."""
    frame = SyntheticSource(load_config().session).fetch(symbol, WARMUP_START, END, interval)
    local = frame["timestamp_utc"].dt.tz_convert("America/New_York")
    is_lacking = (local.dt.strftime("%H:%M") == "09:35") & (local.dt.day % 5 == 0)
    return frame[~is_lacking].reset_index(drop=True)


def run(symbol: str, changes: Mapping[str, Any]) -> BacktestResult:
    config = config_from_mapping(nested(changes))
    return EventLoopBacktest(config).run(bars(symbol, config.data.interval), symbol, START, END)


@cache
def base_run(symbol: str, base: tuple[tuple[str, Any], ...]) -> BacktestResult:
    return run(symbol, dict(base))


def is_another_result(one: BacktestResult, other: BacktestResult) -> bool:
    """Whether any table of the run differs, or what it came to in money."""
    for name in ("trades", "fills", "stops", "signals", "sessions"):
        if not getattr(one, name).equals(getattr(other, name)):
            return True
    return not summary(one, one.config).trades.equals(summary(other, other.config).trades)


def case(leaf: str) -> tuple[str, Any, dict[str, Any]]:
    """The symbol, the other value and the settings beside it, with which a leaf is tried."""
    if not leaf.startswith("instruments."):
        return "SPY", *CASES[leaf]
    _, symbol, setting = leaf.split(".", 2)
    alias = symbol.removesuffix("=F").removesuffix("-USD")
    return alias if setting == "aliases" else symbol, INSTRUMENT_CASES[setting], NO_SCORE


def test_every_case_is_a_setting():
    assert [leaf for leaf in CASES if leaf not in LEAVES] == []


@pytest.mark.parametrize("leaf", LEAVES)
def test_another_value_changes_some_result(leaf):
    symbol, value, base = case(leaf)
    before = base_run(symbol, tuple(base.items()))
    assert is_another_result(before, run(symbol, {**base, leaf: value}))


@pytest.mark.parametrize("base", [{}, NO_SCORE, ADX, TRAILING])
def test_the_same_settings_give_the_same_result(base):
    assert not is_another_result(run("SPY", base), run("SPY", base))
