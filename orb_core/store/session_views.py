"""One session of a stored run, put together for looking at."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orb_core.analytics.ledger import refused_for
from orb_core.analytics.session_view import SessionView
from orb_core.config.hours import exchange_zone
from orb_core.config.models import RunConfig
from orb_core.data.bars import starts_ns
from orb_core.engine import records
from orb_core.engine.indicators_nb import session_vwap_nb
from orb_core.engine.simulate_nb import snap_down_nb, snap_up_nb
from orb_core.errors import StoreError
from orb_core.store.stored_run import StoredRun


def view_session(run: StoredRun, symbol: str, session_date: date) -> SessionView:
    """Return everything a session's chart shows, from the stored tables and bars.

    Only the bars of the session and of the last one before it are read. What no table holds (VWAP, triggers, value
    area) is worked out from them and the session's row, VWAP and the tick grid by the engine's own kernels.

    Raises
    ------
    StoreError
        There is no such symbol or session, or a part of the run is missing or damaged.
    """
    sessions = run.frame(symbol, "sessions")
    dates = sessions["session_date"].dt.date.to_numpy()
    is_warmup, has_bars = sessions["warmup"].to_numpy(), sessions["bars"].to_numpy() > 0
    found = np.flatnonzero((dates == session_date) & ~is_warmup)
    if not found.size:
        first, last = dates[~is_warmup][[0, -1]]
        raise StoreError(
            f"Run {run.run_id} has no session of {symbol} on {session_date}; "
            f"its sessions lie between {first} and {last}"
        )
    row = int(found[0])
    session = sessions.iloc[row]
    trades = _on(run.frame(symbol, "trades"), session_date)
    signals = _on(run.frame(symbol, "signals"), session_date)
    bars, levels = _bars_and_levels(run, symbol, sessions, row)
    return SessionView(
        symbol=symbol,
        session_date=session_date,
        timezone=exchange_zone(run.config.session),
        bar_minutes=run.config.data.bar_minutes,
        tick_size=run.config.instrument(symbol).tick_size,
        made_up=run.manifest.source["kind"] == "synthetic",
        bars=bars,
        session=session,
        **levels,
        signals=signals.assign(refused_for=refused_for(signals, run.config)),
        trades=trades,
        fills=_of(run.frame(symbol, "fills"), trades),
        stops=_of(run.frame(symbol, "stops"), trades),
        previous_date=max(dates[:row][(has_bars & ~is_warmup)[:row]], default=None),
        next_date=min(dates[row + 1 :][has_bars[row + 1 :]], default=None),
    )


def _on(table: pd.DataFrame, session_date: date) -> pd.DataFrame:
    return table[(table["session_date"] == pd.Timestamp(session_date)).to_numpy()].reset_index(drop=True)


def _of(table: pd.DataFrame, trades: pd.DataFrame) -> pd.DataFrame:
    return table[table["trade_id"].isin(trades["trade_id"]).to_numpy()].reset_index(drop=True)


def _bars_and_levels(
    run: StoredRun, symbol: str, sessions: pd.DataFrame, row: int
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the session's bars, and the fields of a SessionView that are computed from them."""
    session, config = sessions.iloc[row], run.config
    earlier = np.flatnonzero(sessions["bars"].to_numpy()[:row] > 0)
    prior = sessions.iloc[earlier[-1]] if earlier.size else None
    bars = run.bars(symbol, (session if prior is None else prior)["open"].date(), session["close"].date())
    day = _inside(bars, session, config)
    upper, lower = _triggers(session, config, symbol)
    return day, {
        "vwap": _vwap(day, session, config),
        "upper_trigger": upper,
        "lower_trigger": lower,
        "value_area": None if prior is None else _value_area(_inside(bars, prior, config), config),
    }


def _inside(bars: pd.DataFrame, session: "pd.Series[Any]", config: RunConfig) -> pd.DataFrame:
    last = session["close"] - pd.Timedelta(minutes=config.data.bar_minutes)
    return bars[bars["timestamp_utc"].between(session["open"], last).to_numpy()].reset_index(drop=True)


def _triggers(session: "pd.Series[Any]", config: RunConfig, symbol: str) -> tuple[float, float]:
    if session["or_state"] != "valid" or config.entry.mode == "or_end":
        return np.nan, np.nan
    tick, buffers = config.instrument(symbol).tick_size, config.buffers
    buffer = buffers.fixed + buffers.ticks * tick
    if buffers.use_atr and not np.isnan(session["daily_atr"]):
        buffer += buffers.atr_mult * session["daily_atr"]
    return float(snap_up_nb(session["or_high"] + buffer, tick)), float(snap_down_nb(session["or_low"] - buffer, tick))


def _vwap(day: pd.DataFrame, session: "pd.Series[Any]", config: RunConfig) -> NDArray[np.float64]:
    row = np.zeros(1, records.SESSION_ROW)
    row["bars"], row["open_ns"], row["or_minutes"] = (
        len(day),
        session["open"].as_unit("ns").value,
        session["or_minutes"],
    )
    high, low, close, volume = (day[name].to_numpy() for name in ("high", "low", "close", "volume"))
    from_or_end = config.factors.vwap.reset_mode == "or_end"
    vwap = np.empty(len(day))
    session_vwap_nb(row, starts_ns(day), high, low, close, volume, from_or_end, vwap)
    return vwap


def _value_area(prior_day: pd.DataFrame, config: RunConfig) -> tuple[float, float]:
    high, low = float(prior_day["high"].max()), float(prior_day["low"].min())
    profile = config.factors.profile_proxy
    return low + profile.val_pct * (high - low), low + profile.vah_pct * (high - low)
