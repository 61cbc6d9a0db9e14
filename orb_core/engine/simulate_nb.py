"""Numba kernels of the simulation: opening ranges, then one pass over the bars. No pandas, no config, no I/O.

Codes are positions in the tuples of records.py. A trade's life is written for the long side only: prices of a short
trade are negated on the way in and out, which mirrors every comparison, rounding and extreme exactly.

Both kernels that live trades are here, since numba takes compiled code from its cache as long as the kernel's own file
is unchanged: a rule kept in another file could change and not be obeyed.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

MINUTE_NS = 60_000_000_000

VALID, EXCLUDED, NO_OR_BARS, ZERO_WIDTH, INCOMPLETE, TOO_NARROW, TOO_WIDE = range(7)
ACCEPTED, LOSS_LOCKOUT, DAILY_LOSS, MAX_SIGNALS, TIME_CUTOFF, SECOND_CHANCE_OVER, SCORE, RISK_TOO_SMALL = range(8)
STOP, BREAKEVEN, TRAILING, TARGET, SESSION_END, TIME_STOP, END_OF_DATA = range(7)
FILL_ENTRY, FILL_TARGET, FILL_EXIT = 0, 1, (4, 5, 6, -1, 7, 8, 9)  # FILL_EXIT by exit reason; TARGET has its own
TOUCH, CLOSE, OR_END = range(3)
BOTH, LONG, SHORT, OR_CANDLE = range(4)
OR_OPPOSITE, OR_MIDPOINT, SWING, ATR, ATR_CAPPED = range(5)
NO_TRAIL, TRAIL_R, TRAIL_ATR, TRAIL_SWING = range(4)
REL_VOLUME, PRICE_ACTION, PROFILE_PROXY, VWAP, ADX = range(5)
N_FACTORS = 5
MOST_FILLS = 4  # of a trade: its entry and three parts

POSITION = np.dtype(
    [
        ("direction", "f8"),
        ("entry", "f8"),
        ("stop", "f8"),
        ("stop_initial", "f8"),
        ("risk", "f8"),
        ("daily_atr", "f8"),
        ("stop_level", "f8"),
        ("target", "f8", (3,)),
        ("target_level", "f8", (3,)),
        ("next_target_level", "f8"),
        ("fraction", "f8", (3,)),
        ("best", "f8"),
        ("favorable", "f8"),
        ("adverse", "f8"),
        ("filled_sum", "f8"),
        ("remaining", "f8"),
        ("exit_price", "f8"),
        ("entry_bar", "i8"),
        ("exit_bar", "i8"),
        ("signal", "i8"),
        ("signal_number", "i8"),
        ("targets_filled", "i8"),
        ("stop_kind", "i8"),
        ("exit_reason", "i8"),
        ("is_open", "?"),
        ("exits_at_close", "?"),
        ("entry_extreme_unknown", "?"),
        ("ambiguous", "?"),
        ("moved_to_breakeven", "?"),
    ],
    align=True,
)
"""The open trade. Prices are multiplied by `direction`; a part that is filled or absent has fraction 0.

`*_level` is where a price counts as having reached the stop or a target, eps included; `next_target_level` is the
lowest of the unfilled ones, infinite without any.
"""


@njit(cache=True, nogil=True)
def eps_nb(level: float) -> float:
    """Half-width of the band within which a price equals a computed level."""
    return 1e-9 * max(1.0, abs(level))


@njit(cache=True, nogil=True)
def snap_up_nb(price: float, tick: float) -> float:
    """The tick at or above a price; the price itself when `tick` is 0."""
    return np.ceil(price / tick - 1e-6) * tick if tick > 0.0 else price


@njit(cache=True, nogil=True)
def snap_down_nb(price: float, tick: float) -> float:
    """The tick at or below a price; the price itself when `tick` is 0."""
    return np.floor(price / tick + 1e-6) * tick if tick > 0.0 else price


@njit(cache=True, nogil=True)
def grown_nb(rows: NDArray[Any], used: int, more: int) -> NDArray[Any]:
    """`rows`, or a copy at least twice as long when fewer than `more` are left."""
    if used + more <= rows.size:
        return rows
    longer = np.empty(2 * rows.size + more, rows.dtype)
    longer[:used] = rows[:used]
    return longer


@njit(cache=True, nogil=True)
def opening_ranges_nb(
    sessions: NDArray[Any],
    ts_ns: NDArray[np.int64],
    open_: NDArray[np.float64],
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    close: NDArray[np.float64],
    rules: Any,
) -> None:
    """Fill each session's opening range, its state and its triggers.

    Parameters
    ----------
    sessions : SESSION_ROW[n_sessions]
        Calendar columns, `first_bar`, `bars`, `daily_atr` are read; `or_*`, `norm_vol`, `upper`, `lower` are written.
    ts_ns : int64[n_bars]
        Bar starts.
    open_, high, low, close : float64[n_bars]
        In points.
    rules : RULES record
    """
    for s in range(sessions.size):
        row = sessions[s]
        atr = row.daily_atr
        stop = row.first_bar + row.bars
        row.or_minutes, row.norm_vol = rules.base_minutes, np.nan
        if rules.adaptive and atr > 0.0:
            row.norm_vol = _norm_vol_nb(row, ts_ns, high, low, rules.short_or_minutes)
            if row.norm_vol < rules.low_norm_vol - 1e-9:
                row.or_minutes = rules.short_or_minutes
            elif row.norm_vol > rules.high_norm_vol + 1e-9:
                row.or_minutes = rules.long_or_minutes
        end_ns = row.open_ns + row.or_minutes * MINUTE_NS
        top, bottom = -np.inf, np.inf
        i = row.first_bar
        while i < stop and ts_ns[i] < end_ns:
            top = max(top, high[i])
            bottom = min(bottom, low[i])
            i += 1
        row.or_bars = i - row.first_bar
        if row.or_bars == 0:
            row.or_high = row.or_low = row.or_open = row.or_close = row.upper = row.lower = np.nan
            row.or_state = EXCLUDED if row.excluded else NO_OR_BARS
            continue
        row.or_high, row.or_low = top, bottom
        row.or_open, row.or_close = open_[row.first_bar], close[i - 1]
        row.or_state = _or_state_nb(row, rules)
        buffer = rules.buffer
        if rules.buffer_atr_mult > 0.0 and not np.isnan(atr):
            buffer += rules.buffer_atr_mult * atr
        row.upper = snap_up_nb(top + buffer, rules.tick)
        row.lower = snap_down_nb(bottom - buffer, rules.tick)


@njit(cache=True, nogil=True)
def _norm_vol_nb(
    row: Any, ts_ns: NDArray[np.int64], high: NDArray[np.float64], low: NDArray[np.float64], short_or_minutes: int
) -> float:
    """Range of the first `short_or_minutes` over the daily ATR; NaN without a bar in it."""
    end_ns = row.open_ns + short_or_minutes * MINUTE_NS
    top, bottom = -np.inf, np.inf
    for i in range(row.first_bar, row.first_bar + row.bars):
        if ts_ns[i] >= end_ns:
            break
        top = max(top, high[i])
        bottom = min(bottom, low[i])
    return (top - bottom) / row.daily_atr if top >= bottom else np.nan


@njit(cache=True, nogil=True)
def _or_state_nb(row: Any, rules: Any) -> int:
    """The first reason not to trade a range that has bars, or VALID."""
    width = row.or_high - row.or_low
    if row.excluded:
        return EXCLUDED
    if width <= 0.0:
        return ZERO_WIDTH
    if rules.skip_incomplete and row.or_bars < row.or_minutes // rules.bar_minutes:
        return INCOMPLETE
    if rules.enable_validity_filter and not np.isnan(row.daily_atr):
        narrow, wide = rules.min_atr_mult * row.daily_atr, rules.max_atr_mult * row.daily_atr
        if width < narrow - eps_nb(narrow):
            return TOO_NARROW
        if width > wide + eps_nb(wide):
            return TOO_WIDE
    return VALID


@njit(cache=True, nogil=True)
def simulate_nb(
    sessions: NDArray[Any],
    ts_ns: NDArray[np.int64],
    open_: NDArray[np.float64],
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    close: NDArray[np.float64],
    rel_volume: NDArray[np.float64],
    price_action: NDArray[np.int8],
    vwap: NDArray[np.float64],
    adx: NDArray[np.float64],
    rules: Any,
    signals: NDArray[Any],
    trades: NDArray[Any],
    fills: NDArray[Any],
    stops: NDArray[Any],
    positions: NDArray[Any],
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Walk the bars once and trade.

    The order of events within a bar is the whole point of this function, so it is kept in one piece: only a bar in
    which no trade was open may bring a candidate; a trade then lives through each bar, a touch entry through its own
    bar at once.

    Parameters
    ----------
    sessions : SESSION_ROW[n_sessions]
        With opening ranges; `trades` and `realized_r` are written.
    ts_ns : int64[n_bars]
        Bar starts.
    open_, high, low, close : float64[n_bars]
        In points.
    rel_volume, vwap, adx : float64[n_bars]
        Factor values at each bar's close, NaN where unusable. Not read when the factor is disabled.
    price_action : int8[n_bars]
        Bit 1 long, bit 2 short.
    rules : RULES record
    signals, trades, fills, stops : SIGNAL_ROW[:], TRADE_ROW[:], FILL_ROW[:], STOP_ROW[:]
        At least one row each; scratch space that is replaced when it is full.
    positions : POSITION[1]
        Zeros; scratch space for the trade that is open. The caller's, because a record does not keep its array.

    Returns
    -------
    signals, trades, fills, stops
        The rows made, in order.
    """
    n_signals, n_trades, n_fills, n_stops = 0, 0, 0, 0
    position = positions[0]
    bar_ns = rules.bar_minutes * MINUTE_NS

    for s in range(sessions.size):
        row = sessions[s]
        row.trades, row.realized_r = 0, 0.0
        losses, accepted = 0, 0
        entered_long, entered_short = False, False
        or_end_ns = row.open_ns + row.or_minutes * MINUTE_NS
        is_traded = row.or_state == VALID and not row.warmup
        allow_long, allow_short = allowed_sides_nb(row, rules)
        upper_eps, lower_eps = eps_nb(row.upper), eps_nb(row.lower)
        pending = 0.0  # side of a confirmed close-mode signal that enters at the next bar's open
        session_stop = row.first_bar + row.bars
        begin = row.first_bar
        if not position.is_open:  # nothing can happen before the range is complete, or at all
            begin = row.first_bar + row.or_bars if is_traded else session_stop
        # Room for a signal, a trade and a move of the stop in each bar, made here: a table that may be replaced within
        # the loop over bars costs two counts of references in each of them, which take longer than a bar's rules.
        n_bars = max(0, session_stop - begin)
        signals = grown_nb(signals, n_signals, n_bars)
        trades = grown_nb(trades, n_trades, n_bars)
        fills = grown_nb(fills, n_fills, MOST_FILLS * (n_bars + 1))
        stops = grown_nb(stops, n_stops, n_bars)

        for i in range(begin, session_stop):
            is_final = ts_ns[i] + bar_ns == row.close_ns
            just_entered = pending != 0.0
            pending = 0.0

            if not position.is_open and is_traded and not is_final and ts_ns[i] >= or_end_ns:
                direction, both_sides = 0.0, False
                decided, entry_bar = i - 1, i
                if rules.entry_mode == TOUCH:
                    is_long = allow_long and close[i - 1] <= row.upper + upper_eps and high[i] >= row.upper - upper_eps
                    is_short = allow_short and close[i - 1] >= row.lower - lower_eps and low[i] <= row.lower + lower_eps
                    if is_long and is_short:
                        both_sides = True
                        is_long = _is_upper_nearer_nb(row, open_[i])
                        is_short = not is_long
                elif rules.entry_mode == CLOSE:
                    has_entry_bar = i + 1 < session_stop and ts_ns[i + 1] + bar_ns != row.close_ns
                    decided, entry_bar = i, i + 1
                    is_long = (
                        allow_long
                        and has_entry_bar
                        and close[i - 1] <= row.upper + upper_eps
                        and close[i] >= row.upper - upper_eps
                    )
                    is_short = (
                        allow_short
                        and has_entry_bar
                        and close[i - 1] >= row.lower - lower_eps
                        and close[i] <= row.lower + lower_eps
                    )
                else:
                    # A trade from the session before that is still open on the first tradable bar leaves none.
                    is_first = ts_ns[i - 1] < or_end_ns
                    is_long = allow_long and is_first and row.or_close > row.or_open
                    is_short = allow_short and is_first and row.or_close < row.or_open
                if is_long:
                    direction = 1.0
                elif is_short:
                    direction = -1.0

                if direction != 0.0:
                    signal = signals[n_signals]
                    signal.session, signal.entry_bar, signal.direction = s, entry_bar, direction
                    trigger = row.upper if direction > 0.0 else row.lower
                    raw_fill = open_[entry_bar]
                    is_gap = True
                    if rules.entry_mode == TOUCH:
                        is_gap = _is_gap_nb(direction, open_[i], trigger)
                        raw_fill = direction * max(direction * open_[i], direction * trigger)
                    elif rules.entry_mode == OR_END:
                        trigger = raw_fill
                    signal.trigger = trigger
                    weigh_factors_nb(signal, row, decided, close, rel_volume, price_action, vwap, adx, rules)
                    entered_side = entered_long if direction > 0.0 else entered_short
                    signal.reason = refusal_nb(
                        signal, row, ts_ns[entry_bar], or_end_ns, losses, accepted, entered_side, rules
                    )
                    if signal.reason == ACCEPTED:
                        open_position_nb(position, row, direction, raw_fill, entry_bar, decided, high, low, rules)
                        if not position.is_open:
                            signal.reason = RISK_TOO_SMALL
                    n_signals += 1
                    if position.is_open:
                        accepted += 1
                        if direction > 0.0:
                            entered_long = True
                        else:
                            entered_short = True
                        position.signal, position.signal_number = n_signals - 1, accepted
                        position.ambiguous = both_sides
                        position.entry_extreme_unknown = not is_gap
                        _write_fill_nb(fills[n_fills], n_trades, entry_bar, position.entry, position, FILL_ENTRY, False)
                        fills[n_fills].fraction = 1.0
                        n_fills += 1
                        if entry_bar > i:
                            pending = direction
                            continue
                        just_entered = True

            if not position.is_open:
                continue

            n_fills, n_stops = _live_through_bar_nb(
                position,
                i,
                just_entered,
                row,
                ts_ns[i],
                ts_ns[position.entry_bar],
                open_[i],
                close[i],
                i == close.size - 1,
                high,
                low,
                rules,
                n_trades,
                fills,
                n_fills,
                stops,
                n_stops,
            )
            if position.is_open:
                continue
            trade = trades[n_trades]
            _close_books_nb(trade, position, rules)
            n_trades += 1
            row.trades += 1
            row.realized_r += trade.realized_r
            if position.exit_reason == STOP and position.targets_filled == 0:
                losses += 1
            elif trade.realized_r > 1e-9:
                losses = 0

    return signals[:n_signals], trades[:n_trades], fills[:n_fills], stops[:n_stops]


@njit(cache=True, nogil=True)
def replay_nb(
    sessions: NDArray[Any],
    ts_ns: NDArray[np.int64],
    open_: NDArray[np.float64],
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    close: NDArray[np.float64],
    rules: Any,
    entries: NDArray[Any],
    stop_scale: NDArray[np.float64],
    target_r: NDArray[np.float64],
    target_fraction: NDArray[np.float64],
    trades: NDArray[Any],
    fills: NDArray[Any],
    stops: NDArray[Any],
    positions: NDArray[Any],
) -> NDArray[np.float64]:
    """Live every entry again, alone, under each stop and each set of targets.

    Parameters
    ----------
    sessions, ts_ns, open_, high, low, close, rules
        As `simulate_nb` takes them.
    entries : ENTRY_ROW[n_entries]
    stop_scale : float64[n_stops]
        Distance from entry to initial stop as a multiple of the entry's risk. A stop is never nearer to the fill than
        the nearest that a run accepts.
    target_r, target_fraction : float64[n_targets, 3]
        R multiples (NaN: no target) and fractions of t1, t2 and the runner; R is the entry's own risk.
    trades, fills, stops, positions : TRADE_ROW[1], FILL_ROW[MOST_FILLS], STOP_ROW[1], POSITION[1]
        Scratch space; see `simulate_nb`.

    Returns
    -------
    float64[n_stops, n_targets, n_entries]
        Net result in multiples of the entry's own risk.
    """
    realized_r = np.empty((stop_scale.size, target_r.shape[0], entries.size))
    position = positions[0]
    for k in range(entries.size):
        made = entries[k]
        d = float(made.direction)
        entry = d * made.entry_price
        raw_fill = entry - rules.slippage
        least = rules.tick if rules.tick > 0.0 else 1e-6 * abs(entry)
        trigger = sessions[made.session].upper if d > 0.0 else sessions[made.session].lower
        extreme_unknown = rules.entry_mode == TOUCH and not _is_gap_nb(d, open_[made.bar], trigger)
        for a in range(stop_scale.size):
            # Written so that a scale of 1 gives the stop itself, to the last bit.
            stop = snap_down_nb(d * made.stop + (1.0 - stop_scale[a]) * made.risk, rules.tick)
            if raw_fill - stop < least * (1.0 - 1e-6):
                stop = snap_down_nb(raw_fill - least, rules.tick)
            for t in range(target_r.shape[0]):
                _begin_nb(
                    position,
                    d,
                    entry,
                    stop,
                    made.risk,
                    made.daily_atr,
                    made.bar,
                    target_r[t],
                    target_fraction[t],
                    rules,
                )
                position.entry_extreme_unknown = extreme_unknown
                s, i, n_fills = made.session, made.bar, 0
                while position.is_open:
                    while i >= sessions[s].first_bar + sessions[s].bars:
                        s += 1
                    n_fills, _ = _live_through_bar_nb(
                        position,
                        i,
                        i == made.bar,
                        sessions[s],
                        ts_ns[i],
                        ts_ns[made.bar],
                        open_[i],
                        close[i],
                        i == close.size - 1,
                        high,
                        low,
                        rules,
                        0,
                        fills,
                        n_fills,
                        stops,
                        0,
                    )
                    i += 1
                _close_books_nb(trades[0], position, rules)
                realized_r[a, t, k] = trades[0].realized_r
    return realized_r


@njit(cache=True, nogil=True)
def allowed_sides_nb(row: Any, rules: Any) -> tuple[bool, bool]:
    """Which sides the direction setting leaves open in this session."""
    if rules.direction == OR_CANDLE:
        return row.or_close > row.or_open, row.or_close < row.or_open
    return rules.direction != SHORT, rules.direction != LONG


@njit(cache=True, nogil=True)
def _is_gap_nb(direction: float, bar_open: float, trigger: float) -> bool:
    """Whether a bar opens at or beyond its trigger."""
    return bool(direction * bar_open >= direction * trigger - eps_nb(trigger))


@njit(cache=True, nogil=True)
def _is_upper_nearer_nb(row: Any, bar_open: float) -> bool:
    """Whether the open is nearer to the upper trigger; a tie goes to the upper one."""
    to_upper, to_lower = max(0.0, row.upper - bar_open), max(0.0, bar_open - row.lower)
    return bool(to_upper <= to_lower + eps_nb(bar_open))


@njit(cache=True, nogil=True)
def weigh_factors_nb(
    signal: Any,
    row: Any,
    j: int,
    close: NDArray[np.float64],
    rel_volume: NDArray[np.float64],
    price_action: NDArray[np.int8],
    vwap: NDArray[np.float64],
    adx: NDArray[np.float64],
    rules: Any,
) -> None:
    """Write a candidate's factor values and flags (of its side) at the close of bar j, its score and the one needed."""
    is_long = signal.direction > 0
    for f in range(N_FACTORS):
        signal.value[f] = np.nan
        signal.flag[f] = 0
    required = rules.base_required
    if rules.rel_volume_enabled:
        signal.value[REL_VOLUME] = rel_volume[j]
        signal.flag[REL_VOLUME] = rel_volume[j] >= rules.spike_mult - 1e-9
    if rules.price_action_enabled:
        signal.flag[PRICE_ACTION] = price_action[j] & (1 if is_long else 2) != 0
    if rules.profile_proxy_enabled and not np.isnan(row.prior_high):
        prior_range = row.prior_high - row.prior_low
        value_low = row.prior_low + rules.val_pct * prior_range
        value_high = row.prior_low + rules.vah_pct * prior_range
        middle = (row.prior_high + row.prior_low) / 2.0
        if is_long:
            flag = close[j] > middle + eps_nb(middle) and row.or_low > value_low + eps_nb(value_low)
        else:
            flag = close[j] < middle - eps_nb(middle) and row.or_high < value_high - eps_nb(value_high)
        signal.flag[PROFILE_PROXY] = flag
    if rules.vwap_enabled:
        signal.value[VWAP] = vwap[j]
        if is_long:
            signal.flag[VWAP] = close[j] > vwap[j] + eps_nb(vwap[j])
        else:
            signal.flag[VWAP] = close[j] < vwap[j] - eps_nb(vwap[j])
    if rules.adx_enabled:
        signal.value[ADX] = adx[j]
        signal.flag[ADX] = adx[j] >= rules.adx_threshold - 1e-9
        if adx[j] < rules.adx_threshold - 1e-9:
            required = rules.weak_trend_required
    score = 0.0
    for f in range(N_FACTORS):
        if signal.flag[f]:
            score += rules.weight[f]
    signal.score, signal.required = score, required


@njit(cache=True, nogil=True)
def refusal_nb(
    signal: Any,
    row: Any,
    entry_ns: int,
    or_end_ns: int,
    losses: int,
    accepted: int,
    entered_side: bool,
    rules: Any,
) -> int:
    """The first rule that refuses a candidate, or ACCEPTED. A limit that is off is negative."""
    if 0 <= rules.lockout_after_losses <= losses:
        return LOSS_LOCKOUT
    if rules.max_daily_loss_r >= 0.0 and row.realized_r <= -rules.max_daily_loss_r + 1e-9:
        return DAILY_LOSS
    if accepted >= rules.max_signals_per_day:
        return MAX_SIGNALS
    if entry_ns >= row.cutoff_ns:
        return TIME_CUTOFF
    if (
        entered_side
        and rules.second_chance_minutes >= 0
        and entry_ns - or_end_ns >= rules.second_chance_minutes * MINUTE_NS
    ):
        return SECOND_CHANCE_OVER
    if rules.scoring_enabled and signal.score < signal.required - 1e-9:
        return SCORE
    return ACCEPTED


@njit(cache=True, nogil=True)
def open_position_nb(
    position: Any,
    row: Any,
    direction: float,
    raw_fill: float,
    entry_bar: int,
    decided: int,
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    rules: Any,
) -> None:
    """Set up the trade at its entry; leaves `is_open` False when the stop is too near to trade."""
    d = direction
    entry = d * raw_fill + rules.slippage
    or_far = d * (row.or_low if d > 0.0 else row.or_high)
    stop = or_far - rules.extra_stop_buffer
    if rules.stop_mode == OR_MIDPOINT:
        stop = d * (row.or_high + row.or_low) / 2.0 - rules.extra_stop_buffer
    elif rules.stop_mode == SWING:
        swing = _swing_extreme_nb(d, decided, row.first_bar, high, low, rules.swing_lookback)
        stop = swing - rules.extra_stop_buffer
    elif not np.isnan(row.daily_atr):
        if rules.stop_mode == ATR:
            stop = entry - rules.atr_stop_mult * row.daily_atr
        elif rules.stop_mode == ATR_CAPPED:
            stop = max(stop, entry - rules.atr_stop_cap_mult * row.daily_atr)
    stop = snap_down_nb(stop, rules.tick)

    room = d * raw_fill - stop
    least = rules.tick if rules.tick > 0.0 else 1e-6 * abs(entry)
    if room <= 0.0 or room < least * (1.0 - 1e-6):
        return
    _begin_nb(
        position, d, entry, stop, entry - stop, row.daily_atr, entry_bar, rules.target_r, rules.target_fraction, rules
    )


@njit(cache=True, nogil=True)
def _begin_nb(
    position: Any,
    direction: float,
    entry: float,
    stop: float,
    risk: float,
    daily_atr: float,
    entry_bar: int,
    target_r: NDArray[np.float64],
    target_fraction: NDArray[np.float64],
    rules: Any,
) -> None:
    """Open the trade at a signed entry and stop; targets, breakeven and trail are counted in units of `risk`."""
    position.is_open = True
    position.direction = direction
    position.entry, position.stop, position.stop_initial = entry, stop, stop
    position.risk = risk
    position.daily_atr = daily_atr
    position.stop_level = stop + eps_nb(stop)
    position.next_target_level = np.inf
    for k in range(3):
        position.fraction[k] = target_fraction[k]
        position.target[k] = np.nan
        if target_fraction[k] > 0.0:
            position.target[k] = snap_up_nb(entry + target_r[k] * risk, rules.tick)
        position.target_level[k] = position.target[k] + rules.through - eps_nb(position.target[k])
        position.next_target_level = min(position.next_target_level, position.target_level[k])
    position.best, position.favorable, position.adverse = -np.inf, entry, entry
    position.filled_sum, position.remaining = 0.0, 1.0
    position.entry_bar = entry_bar
    position.targets_filled = 0
    position.stop_kind = STOP
    position.exits_at_close = False
    position.moved_to_breakeven = False


@njit(cache=True, nogil=True, inline="always")
def _live_through_bar_nb(
    position: Any,
    i: int,
    just_entered: bool,
    row: Any,
    start_ns: int,
    entered_ns: int,
    open_price: float,
    close_price: float,
    is_last: bool,
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    rules: Any,
    trade: int,
    fills: NDArray[Any],
    n_fills: int,
    stops: NDArray[Any],
    n_stops: int,
) -> tuple[int, int]:
    """Take the open trade through bar i of session `row`: fills, exit, stop for the next bar.

    `trade` is the number its fills and stop moves carry; how many rows of each there are then comes back. Both tables
    need room for them: making it here would cost a count of references in every bar. Inlined, because a call that
    passes all this takes longer than a bar's rules; but then each array costs such a count too, so that prices and
    times of which one is needed come alone: the bar's start and the entry bar's, and whether it is the last of all.
    """
    bar_ns = rules.bar_minutes * MINUTE_NS
    is_final = start_ns + bar_ns == row.close_ns
    fills_before = n_fills
    # Signed prices: up is the trade's way.
    d = position.direction
    bar_open, bar_close = d * open_price, d * close_price
    bar_up, bar_down = (high[i], low[i]) if d > 0.0 else (-low[i], -high[i])

    if not just_entered:
        if bar_open <= position.stop_level:
            _leave_nb(position, i, bar_open - rules.slippage, position.stop_kind, False)
        elif bar_open >= position.next_target_level:
            n_fills = _fill_targets_nb(position, fills, n_fills, trade, i, bar_open, bar_open, True)

    if position.is_open:
        stop_touched = bar_down <= position.stop_level
        target_touched = bar_up >= position.next_target_level
        # The adverse extreme of a touch entry's bar may precede the entry, unless the close proves otherwise.
        uncertain = stop_touched and just_entered and position.entry_extreme_unknown and bar_close > position.stop_level
        if uncertain or (stop_touched and target_touched):
            position.ambiguous = True
        if rules.optimistic:
            stop_touched = stop_touched and not uncertain
        if target_touched and (rules.optimistic or not stop_touched):
            n_fills = _fill_targets_nb(position, fills, n_fills, trade, i, bar_up, bar_open, False)
        if position.is_open and stop_touched:
            _leave_nb(position, i, position.stop - rules.slippage, position.stop_kind, False)

    if position.is_open:
        has_new_best = bar_up > position.best
        position.best = max(position.best, bar_up)
        position.favorable = max(position.favorable, bar_up)
        worst = bar_down
        if just_entered and position.entry_extreme_unknown:
            worst = min(position.entry, bar_close)
        position.adverse = min(position.adverse, worst)
        held_ns = start_ns + bar_ns - entered_ns
        if is_final and rules.flatten:
            _leave_nb(position, i, bar_close - rules.slippage, SESSION_END, True)
        elif rules.max_hold_minutes >= 0 and held_ns >= rules.max_hold_minutes * MINUTE_NS:
            _leave_nb(position, i, bar_close - rules.slippage, TIME_STOP, True)
        else:
            # Without a new best no rule but the swing trail has anything new to say.
            if has_new_best or rules.trail_mode == TRAIL_SWING:
                stop_before = position.stop
                _move_stop_nb(position, i, row.first_bar, high, low, rules)
                if position.stop > stop_before:
                    moved = stops[n_stops]
                    moved.trade, moved.bar = trade, i
                    moved.price, moved.kind = d * position.stop, position.stop_kind
                    n_stops += 1
            if is_last:
                _leave_nb(position, i, bar_close - rules.slippage, END_OF_DATA, True)
            elif i == row.first_bar + row.bars - 1 and not is_final and rules.flatten:
                _leave_nb(position, i, bar_close - rules.slippage, SESSION_END, True)

    if position.is_open:
        return n_fills, n_stops
    if position.remaining > 0.0:
        reason = position.exit_reason
        _write_fill_nb(
            fills[n_fills], trade, i, position.exit_price, position, FILL_EXIT[reason], position.exits_at_close
        )
        n_fills += 1
    if not position.exits_at_close:
        for f in range(fills_before, n_fills):
            position.favorable = max(position.favorable, d * fills[f].price)
            position.adverse = min(position.adverse, d * fills[f].price)
    return n_fills, n_stops


@njit(cache=True, nogil=True)
def _swing_extreme_nb(
    d: float, j: int, first: int, high: NDArray[np.float64], low: NDArray[np.float64], lookback: int
) -> float:
    """Signed adverse extreme of the session's last `lookback` bars up to and including j."""
    extreme = np.inf
    for k in range(max(first, j - lookback + 1), j + 1):
        extreme = min(extreme, low[k] if d > 0.0 else -high[k])
    return extreme


@njit(cache=True, nogil=True)
def _fill_targets_nb(
    position: Any,
    fills: NDArray[Any],
    n_fills: int,
    trade: int,
    bar: int,
    reached: float,
    bar_open: float,
    at_open: bool,
) -> int:
    """Fill every unfilled target that a signed price has reached: at the open if that is what reached it.

    Inside the bar at its own price, or at a better open that did not count as reaching it.
    """
    unfilled = 0
    position.next_target_level = np.inf
    for k in range(3):
        if position.fraction[k] == 0.0:
            continue
        if not reached >= position.target_level[k]:  # a part without a target has a NaN level
            unfilled += 1
            position.next_target_level = min(position.next_target_level, position.target_level[k])
            continue
        # An open a rounding below the target reaches it too, and nothing traded at the target then.
        price = bar_open if at_open else max(position.target[k], bar_open)
        _write_fill_nb(fills[n_fills], trade, bar, price, position, FILL_TARGET + k, False)
        fills[n_fills].fraction = position.fraction[k]
        n_fills += 1
        position.filled_sum += position.fraction[k] * price
        position.remaining -= position.fraction[k]
        position.fraction[k] = 0.0
        position.targets_filled += 1
    if unfilled == 0:
        position.remaining = 0.0
        _leave_nb(position, bar, np.nan, TARGET, False)
    return n_fills


@njit(cache=True, nogil=True)
def _leave_nb(position: Any, bar: int, price: float, reason: int, at_close: bool) -> None:
    """Close what is left, if anything, at a signed price."""
    position.is_open = False
    position.exit_bar, position.exit_price = bar, price
    position.exit_reason, position.exits_at_close = reason, at_close
    if position.remaining > 0.0:
        position.filled_sum += position.remaining * price


@njit(cache=True, nogil=True)
def _move_stop_nb(
    position: Any,
    i: int,
    session_first: int,
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    rules: Any,
) -> None:
    """After a bar survived: breakeven, then trailing. The stop only ever moves the trade's way."""
    best_r = (position.best - position.entry) / position.risk
    if rules.move_be_at_r >= 0.0 and best_r >= rules.move_be_at_r - 1e-9:
        level = snap_down_nb(position.entry + rules.be_buffer, rules.tick)
        if _raise_stop_nb(position, level, BREAKEVEN):
            position.moved_to_breakeven = True
    if rules.trail_mode == NO_TRAIL or best_r < rules.trail_start_r - 1e-9:
        return
    if rules.trail_mode == TRAIL_R:
        level = position.best - rules.trail_distance * position.risk
    elif rules.trail_mode == TRAIL_ATR:
        level = position.best - rules.trail_distance * position.daily_atr  # NaN without an ATR: no trail
    else:
        level = _swing_extreme_nb(position.direction, i, session_first, high, low, rules.swing_lookback)
    _raise_stop_nb(position, snap_down_nb(level, rules.tick), TRAILING)


@njit(cache=True, nogil=True)
def _raise_stop_nb(position: Any, level: float, kind: int) -> bool:
    """Move the stop to a signed level if that is above it; whether it did."""
    if not level > position.stop_level:
        return False
    position.stop, position.stop_kind = level, kind
    position.stop_level = level + eps_nb(level)
    return True


@njit(cache=True, nogil=True)
def _write_fill_nb(
    fill: Any, trade: int, bar: int, signed_price: float, position: Any, kind: int, at_close: bool
) -> None:
    """Write a fill of what is left."""
    fill.trade, fill.bar = trade, bar
    fill.price = position.direction * signed_price
    fill.fraction = position.remaining
    fill.kind, fill.at_close = kind, at_close


@njit(cache=True, nogil=True)
def _close_books_nb(trade: Any, position: Any, rules: Any) -> None:
    """Write the closed trade: prices as they are, results in R."""
    d = position.direction
    trade.signal, trade.signal_number = position.signal, position.signal_number
    trade.entry_bar, trade.exit_bar = position.entry_bar, position.exit_bar
    trade.entry_price, trade.exit_price = d * position.entry, d * position.filled_sum
    trade.stop_initial, trade.stop_final = d * position.stop_initial, d * position.stop
    trade.risk = position.risk
    for k in range(3):
        trade.target[k] = d * position.target[k]
    trade.gross_r = (position.filled_sum - position.entry) / position.risk
    cost = rules.round_trip_cost + rules.commission_pct * (trade.entry_price + trade.exit_price)
    trade.cost_r = cost / position.risk
    trade.realized_r = trade.gross_r - trade.cost_r
    trade.max_favorable_r = (position.favorable - position.entry) / position.risk
    trade.max_adverse_r = (position.adverse - position.entry) / position.risk
    trade.targets_filled = position.targets_filled
    trade.exit_reason, trade.exits_at_close = position.exit_reason, position.exits_at_close
    trade.ambiguous, trade.moved_to_breakeven = position.ambiguous, position.moved_to_breakeven
