"""Bars and a config become the flat arrays that the kernels read."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orb_core.config.fields import WEEKDAYS
from orb_core.config.models import RunConfig
from orb_core.data.bars import bar_arrays
from orb_core.data.bars_nb import shortest_step_nb
from orb_core.data.sessions import SessionTable, local_instant_ns, with_warmup
from orb_core.engine import indicators_nb, records, simulate_nb
from orb_core.errors import BarsError, NoBarsError, NoSessionsError

NEVER_NS: Final = np.iinfo(np.int64).max
OFF: Final = -1

RULES: Final = np.dtype(
    [
        ("bar_minutes", "i8"),
        ("base_minutes", "i8"),
        ("short_or_minutes", "i8"),
        ("long_or_minutes", "i8"),
        ("max_signals_per_day", "i8"),
        ("lockout_after_losses", "i8"),
        ("second_chance_minutes", "i8"),
        ("max_hold_minutes", "i8"),
        ("swing_lookback", "i8"),
        ("entry_mode", "i8"),
        ("direction", "i8"),
        ("stop_mode", "i8"),
        ("trail_mode", "i8"),
        ("adaptive", "?"),
        ("enable_validity_filter", "?"),
        ("skip_incomplete", "?"),
        ("rel_volume_enabled", "?"),
        ("price_action_enabled", "?"),
        ("profile_proxy_enabled", "?"),
        ("vwap_enabled", "?"),
        ("adx_enabled", "?"),
        ("scoring_enabled", "?"),
        ("flatten", "?"),
        ("optimistic", "?"),
        ("low_norm_vol", "f8"),
        ("high_norm_vol", "f8"),
        ("min_atr_mult", "f8"),
        ("max_atr_mult", "f8"),
        ("buffer", "f8"),
        ("buffer_atr_mult", "f8"),
        ("spike_mult", "f8"),
        ("val_pct", "f8"),
        ("vah_pct", "f8"),
        ("adx_threshold", "f8"),
        ("base_required", "f8"),
        ("weak_trend_required", "f8"),
        ("weight", "f8", (len(records.FACTORS),)),
        ("extra_stop_buffer", "f8"),
        ("atr_stop_mult", "f8"),
        ("atr_stop_cap_mult", "f8"),
        ("target_r", "f8", (3,)),
        ("target_fraction", "f8", (3,)),
        ("move_be_at_r", "f8"),
        ("be_buffer", "f8"),
        ("trail_start_r", "f8"),
        ("trail_distance", "f8"),
        ("max_daily_loss_r", "f8"),
        ("tick", "f8"),
        ("slippage", "f8"),
        ("through", "f8"),
        ("round_trip_cost", "f8"),
        ("commission_pct", "f8"),
    ],
    align=True,
)
"""The settings as the kernels read them: prices in points, choices as codes, a limit that is off as `OFF`."""


@dataclass(frozen=True)
class Prepared:
    """Everything `simulate_nb` reads, and the calendar behind it."""

    table: SessionTable
    sessions: NDArray[Any]
    ts_ns: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]
    rules: Any
    start: date
    end: date
    dropped_bars: int


def prepare(bars: pd.DataFrame, config: RunConfig, symbol: str, start: date | None, end: date | None) -> Prepared:
    """Check the bars, put them into sessions and measure the opening ranges.

    Parameters
    ----------
    bars : DataFrame
        The bar table (orb_core/data/bars.py).
    start, end : date, optional
        First and last session date of the run; by default those of the first and last bar. Bars of up to
        `data.warmup_sessions` sessions before `start` feed the indicators, all other bars outside are dropped and
        counted.

    Raises
    ------
    BarsError
        If the bars break an invariant or are of another interval.
    NoBarsError
        If there are none, or none lies in a session of the range.
    NoSessionsError
        If the range holds no session.
    """
    if bars.empty:
        raise NoBarsError(f"bars of {symbol}: there are none; pass at least one session's bars")
    ts_ns, *columns = bar_arrays(bars, origin=f"bars of {symbol}")
    table = _sessions(config, ts_ns, start, end)
    if not len(table.dates) or (start and table.dates[-1] < np.datetime64(start)):
        raise NoSessionsError(
            f"bars of {symbol}: {start or 'the first bar'} to {end or 'the last bar'} holds no session of "
            f"{config.session.calendar}; choose a range with a trading day"
        )
    first_day = start or table.dates[0].astype(date)
    last_day = end or table.dates[-1].astype(date)
    is_warmup = table.dates < np.datetime64(first_day)
    rules = _rules(config, symbol)
    kept, first_bar, counts = _place(ts_ns, table, config.data.bar_minutes)
    if not counts[~is_warmup].any():
        raise NoBarsError(
            f"bars of {symbol}: none of {len(ts_ns)} bars lies inside a session of {config.session.calendar} from "
            f"{first_day} to {last_day}; check the dates, the time zone of the stamps, the interval "
            f"({config.data.interval}) and the session settings"
        )
    ts_ns, columns = ts_ns[kept], [column[kept] for column in columns]
    for values in (ts_ns, *columns):
        values.flags.writeable = False  # numba compiles anew for arrays that may be written to
    _check_interval(ts_ns, config, symbol)
    sessions = np.zeros(len(table.dates), records.SESSION_ROW)
    sessions["first_bar"], sessions["bars"] = first_bar, counts
    sessions["open_ns"], sessions["close_ns"] = table.open_ns, table.close_ns
    sessions["cutoff_ns"] = _cutoff_ns(table, config)
    sessions["excluded"], sessions["warmup"] = _excluded(table, config), is_warmup
    open_, high, low, close, volume = columns
    indicators_nb.daily_atr_nb(sessions, high, low, close, config.orb.atr_period)
    simulate_nb.opening_ranges_nb(sessions, ts_ns, open_, high, low, close, rules)
    dropped = len(bars) - len(ts_ns)
    return Prepared(
        table, sessions, ts_ns, open_, high, low, close, volume, rules, first_day, last_day, dropped_bars=dropped
    )


@dataclass(frozen=True)
class Factors:
    """Per-bar factor values as of each bar's close; an empty array where the factor is disabled."""

    rel_volume: NDArray[np.float64]
    price_action: NDArray[np.int8]
    vwap: NDArray[np.float64]
    adx: NDArray[np.float64]


def factors(p: Prepared, config: RunConfig) -> Factors:
    """Compute the enabled factors (profile_proxy needs no bars: it is in the sessions)."""
    settings, n = config.factors, len(p.ts_ns)
    is_enabled = settings.rel_volume.enabled, settings.vwap.enabled, settings.adx.enabled
    # One piece for all: the C library keeps twice the largest piece given back, so that ten years' worth stays at hand
    # for the next run, where pieces of a third of that would be fetched again page by page in every run.
    pieces = iter(np.empty((sum(is_enabled), n)))
    rel_volume, vwap, adx = (next(pieces) if enabled else np.empty(0) for enabled in is_enabled)
    price_action = np.empty(n if settings.price_action.enabled else 0, np.int8)
    if settings.rel_volume.enabled:
        lookback = settings.rel_volume.lookback
        if settings.rel_volume.mode == "rolling":
            indicators_nb.rolling_relative_volume_nb(p.volume, lookback, rel_volume)
        else:
            indicators_nb.time_of_day_relative_volume_nb(p.sessions, p.ts_ns, p.volume, lookback, rel_volume)
    if settings.price_action.enabled:
        action = settings.price_action
        indicators_nb.price_action_nb(
            p.sessions,
            p.open,
            p.high,
            p.low,
            p.close,
            action.pivot_len,
            action.enable_engulfing,
            action.enable_structure,
            price_action,
        )
    if settings.vwap.enabled:
        from_or_end = settings.vwap.reset_mode == "or_end"
        indicators_nb.session_vwap_nb(p.sessions, p.ts_ns, p.high, p.low, p.close, p.volume, from_or_end, vwap)
    if settings.adx.enabled:
        indicators_nb.adx_nb(p.high, p.low, p.close, settings.adx.period, adx)
    return Factors(rel_volume, price_action, vwap, adx)


def _sessions(config: RunConfig, ts_ns: NDArray[np.int64], start: date | None, end: date | None) -> SessionTable:
    """The sessions of the run with their warm-up; an open end of the range goes as far as the bars."""
    first, last = (pd.Timestamp(ns).date() for ns in (ts_ns[0], ts_ns[-1]))
    day = timedelta(days=1)  # a session may open on the evening before its date
    table = with_warmup(
        config.session, start or first - day, end or last + day, config.data.warmup_sessions if start else 0
    )
    wanted = np.ones(len(table.dates), np.bool_)
    if start is None:
        wanted &= table.close_ns > ts_ns[0]
    if end is None:
        wanted &= table.open_ns <= ts_ns[-1]
    held = table.dates[wanted].tolist() or [last, first - day]
    return with_warmup(config.session, start or held[0], end or held[-1], config.data.warmup_sessions if start else 0)


def _check_interval(ts_ns: NDArray[np.int64], config: RunConfig, symbol: str) -> None:
    """Refuse bars that are finer or coarser than the interval asked; a minute without trades is no reason."""
    if len(ts_ns) < 2 or shortest_step_nb(ts_ns) == config.data.bar_minutes * simulate_nb.MINUTE_NS:
        return
    found = int(np.gcd.reduce(np.diff(ts_ns))) / simulate_nb.MINUTE_NS
    if found != config.data.bar_minutes:
        raise BarsError(
            f"bars of {symbol}: stamps lie on a grid of {found:g} minutes, but `data.interval` is "
            f"{config.data.interval}; pass bars of one interval and set `data.interval` to it"
        )


def _place(
    ts_ns: NDArray[np.int64], table: SessionTable, bar_minutes: int
) -> tuple[slice | NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Which bars lie in a session, and each session's first one among them and their number.

    Returns a slice when the bars kept lie in one piece, so that nothing need be copied.
    """
    begin = np.searchsorted(ts_ns, table.open_ns, side="left")
    stop = np.searchsorted(ts_ns, table.close_ns - bar_minutes * simulate_nb.MINUTE_NS, side="right")
    stop = np.maximum(begin, stop)
    counts = stop - begin
    first_bar = np.cumsum(counts) - counts
    held = np.flatnonzero(counts)
    if held.size == 0 or stop[held[-1]] - begin[held[0]] == counts.sum():
        return (slice(begin[held[0]], stop[held[-1]]) if held.size else slice(0, 0)), first_bar, counts
    return np.arange(counts.sum()) + np.repeat(begin - first_bar, counts), first_bar, counts


def _cutoff_ns(table: SessionTable, config: RunConfig) -> NDArray[np.int64] | int:
    clock = config.governance.time_cutoff
    return NEVER_NS if clock is None else local_instant_ns(table, clock)


def _excluded(table: SessionTable, config: RunConfig) -> NDArray[np.bool_]:
    """Sessions that the settings leave out: by weekday, by date, or as half days."""
    session = config.session
    weekday = (table.dates.astype("datetime64[D]").view(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    excluded: NDArray[np.bool_] = np.array([day not in session.weekdays for day in WEEKDAYS])[weekday]
    if session.exclude_dates:
        excluded |= np.isin(table.dates, np.array(session.exclude_dates, dtype="datetime64[D]"))
    if session.half_days == "skip":
        excluded |= table.is_half_day
    return excluded


def _off(value: float | None) -> float:
    return OFF if value is None else value


def _rules(config: RunConfig, symbol: str) -> Any:
    """Fill the RULES record from a checked config and the symbol's instrument."""
    orb, trade, governance, scoring = config.orb, config.trade, config.governance, config.scoring
    rows = config.factors
    instrument = config.instrument(symbol)
    target_r, target_fraction = _targets(config)
    values: dict[str, Any] = {
        "bar_minutes": config.data.bar_minutes,
        "base_minutes": orb.base_minutes,
        "short_or_minutes": orb.short_or_minutes,
        "long_or_minutes": orb.long_or_minutes,
        "max_signals_per_day": governance.max_signals_per_day,
        "lockout_after_losses": _off(governance.lockout_after_losses),
        "second_chance_minutes": _off(governance.second_chance_minutes),
        "max_hold_minutes": _off(trade.max_hold_minutes),
        "swing_lookback": trade.swing_lookback,
        "entry_mode": ("touch", "close", "or_end").index(config.entry.mode),
        "direction": ("both", "long", "short", "or_candle").index(config.entry.direction),
        "stop_mode": ("or_opposite", "or_midpoint", "swing", "atr", "atr_capped").index(trade.stop_mode),
        "trail_mode": ("none", "r", "atr", "swing").index(trade.trail.mode),
        "adaptive": orb.adaptive,
        "enable_validity_filter": orb.enable_validity_filter,
        "skip_incomplete": config.data.validate_or == "skip",
        "rel_volume_enabled": rows.rel_volume.enabled,
        "price_action_enabled": rows.price_action.enabled,
        "profile_proxy_enabled": rows.profile_proxy.enabled,
        "vwap_enabled": rows.vwap.enabled,
        "adx_enabled": rows.adx.enabled,
        "scoring_enabled": scoring.enabled,
        "flatten": governance.flatten_at_session_end,
        "optimistic": config.execution.ambiguity == "optimistic",
        "low_norm_vol": orb.low_norm_vol,
        "high_norm_vol": orb.high_norm_vol,
        "min_atr_mult": orb.min_atr_mult,
        "max_atr_mult": orb.max_atr_mult,
        "buffer": config.buffers.fixed + config.buffers.ticks * instrument.tick_size,
        "buffer_atr_mult": config.buffers.atr_mult if config.buffers.use_atr else 0.0,
        "spike_mult": rows.rel_volume.spike_mult,
        "val_pct": rows.profile_proxy.val_pct,
        "vah_pct": rows.profile_proxy.vah_pct,
        "adx_threshold": rows.adx.threshold,
        "base_required": scoring.base_required,
        "weak_trend_required": scoring.weak_trend_required,
        "weight": tuple(getattr(scoring.weights, factor) for factor in records.FACTORS),
        "extra_stop_buffer": trade.extra_stop_buffer,
        "atr_stop_mult": trade.atr_stop_mult,
        "atr_stop_cap_mult": trade.atr_stop_cap_mult,
        "target_r": target_r,
        "target_fraction": target_fraction,
        "move_be_at_r": _off(trade.move_be_at_r),
        "be_buffer": trade.be_buffer,
        "trail_start_r": trade.trail.start_r,
        "trail_distance": trade.trail.distance,
        "max_daily_loss_r": _off(governance.max_daily_loss_r),
        "tick": instrument.tick_size,
        "slippage": instrument.slippage_ticks * instrument.tick_size,
        "through": instrument.tick_size if config.execution.limit_fill == "through" else 0.0,
        "round_trip_cost": 2 * instrument.commission_per_unit / instrument.point_value,
        "commission_pct": instrument.commission_pct,
    }
    return np.array([tuple(values[name] for name in RULES.fields or ())], RULES)[0]


def _targets(config: RunConfig) -> tuple[list[float], list[float]]:
    """R multiples (NaN: no target) and fractions of t1, t2 and the runner, which also holds the single target."""
    trade = config.trade
    if trade.partials:
        target_r = [trade.t1_r, trade.t2_r, trade.runner_r]
        fractions = [trade.t1_pct, trade.t2_pct, 1.0 - trade.t1_pct - trade.t2_pct]
    else:
        target_r, fractions = [None, None, trade.primary_r], [0.0, 0.0, 1.0]
    return (
        [np.nan if multiple is None else multiple for multiple in target_r],
        [fraction if fraction > 1e-9 else 0.0 for fraction in fractions],
    )
