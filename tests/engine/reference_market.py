"""Sections 1 to 5 of the strategy page in the plainest Python: what the bars say, before anything is traded."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

NAN = math.nan
MINUTE_NS = 60_000_000_000
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Row = dict[str, Any]


class Bar(NamedTuple):
    start_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True)
class Session:
    date: date
    open_ns: int
    close_ns: int
    is_half_day: bool
    is_warmup: bool
    cutoff_ns: int | None


class Factor(NamedTuple):
    value: float
    long: bool
    short: bool


UNUSABLE = Factor(NAN, long=False, short=False)


# Section 1. `direction` +1: from below, above, up; -1: from above, below, down.


def eps(level: float) -> float:
    return 1e-9 * max(1.0, abs(level))


def reaches(price: float, level: float, direction: int) -> bool:
    return price >= level - eps(level) if direction > 0 else price <= level + eps(level)


def is_beyond(price: float, level: float, direction: int) -> bool:
    return price > level + eps(level) if direction > 0 else price < level - eps(level)


def snap(price: float, direction: int, tick: float) -> float:
    if tick == 0:
        return price
    if direction > 0:
        return math.ceil(price / tick - 1e-6) * tick
    return math.floor(price / tick + 1e-6) * tick


class Market:
    def __init__(
        self, bars: Sequence[Bar], sessions: Sequence[Session], settings: Any, instrument: Any, symbol: str
    ) -> None:
        self.settings, self.instrument, self.symbol = settings, instrument, symbol
        self.sessions = list(sessions)
        self.bar_ns = int(settings.data.interval.removesuffix("m")) * MINUTE_NS
        self.tick = instrument.tick_size
        self.bars, self.session_of, self.dropped_bars = self.assign_bars(bars)
        self.ranges_of_day = [self.bars_of(s) for s in range(len(self.sessions))]
        self.atr = self.daily_atr()
        self.adx_values = self.adx_of_all_bars()
        self.opening = [self.opening_range(s) for s in range(len(self.sessions))]

    # Section 2

    def assign_bars(self, bars: Sequence[Bar]) -> tuple[list[Bar], list[int], int]:
        kept, session_of = [], []
        for bar in bars:
            for s, session in enumerate(self.sessions):
                if session.open_ns <= bar.start_ns and bar.start_ns + self.bar_ns <= session.close_ns:
                    kept.append(bar)
                    session_of.append(s)
                    break
        return kept, session_of, len(bars) - len(kept)

    def bars_of(self, s: int) -> range:
        """The indices of session s's bars (none where it has none)."""
        indices = [b for b in range(len(self.bars)) if self.session_of[b] == s]
        return range(indices[0], indices[-1] + 1) if indices else range(0)

    def offset(self, b: int) -> float:
        return (self.bars[b].start_ns - self.sessions[self.session_of[b]].open_ns) / MINUTE_NS

    def is_scheduled_final(self, b: int) -> bool:
        return self.bars[b].start_ns + self.bar_ns == self.sessions[self.session_of[b]].close_ns

    def earlier_sessions_with_bars(self, s: int) -> list[int]:
        return [p for p in range(s) if len(self.ranges_of_day[p]) > 0]

    def high_low(self, indices: Sequence[int]) -> tuple[float, float]:
        return max(self.bars[b].high for b in indices), min(self.bars[b].low for b in indices)

    # Section 3

    def daily_atr(self) -> list[float]:
        """The ATR used in each session: the one after the last session with bars before it."""
        period = self.settings.orb.atr_period
        used, true_ranges, atr, previous_close = [], [], NAN, None
        for indices in self.ranges_of_day:
            used.append(atr)
            if not indices:
                continue
            high, low = self.high_low(indices)
            if previous_close is None:
                true_ranges.append(high - low)
            else:
                true_ranges.append(max(high, previous_close) - min(low, previous_close))
            previous_close = self.bars[indices[-1]].close
            if len(true_ranges) <= period:
                atr = sum(true_ranges) / len(true_ranges)
            else:
                atr = (atr * (period - 1) + true_ranges[-1]) / period
        return used

    # Section 4

    def or_length(self, s: int) -> tuple[int, float]:
        orb, atr = self.settings.orb, self.atr[s]
        short = [b for b in self.ranges_of_day[s] if self.offset(b) < orb.short_or_minutes]
        if not (orb.adaptive and atr > 0 and short):
            return orb.base_minutes, NAN
        high, low = self.high_low(short)
        norm_vol = (high - low) / atr
        if norm_vol < orb.low_norm_vol - 1e-9:
            return orb.short_or_minutes, norm_vol
        if norm_vol > orb.high_norm_vol + 1e-9:
            return orb.long_or_minutes, norm_vol
        return orb.base_minutes, norm_vol

    def opening_range(self, s: int) -> Row:
        minutes, norm_vol = self.or_length(s)
        inside = [b for b in self.ranges_of_day[s] if self.offset(b) < minutes]
        high = low = first_open = last_close = NAN
        if inside:
            high, low = self.high_low(inside)
            first_open, last_close = self.bars[inside[0]].open, self.bars[inside[-1]].close
        buffer = self.buffer(s)
        return {
            "or_minutes": minutes,
            "or_high": high,
            "or_low": low,
            "or_width": high - low,
            "daily_atr": self.atr[s],
            "norm_vol": norm_vol,
            "or_state": self.or_state(s, len(inside), minutes, high - low),
            "or_open": first_open,
            "or_close": last_close,
            "upper": snap(high + buffer, 1, self.tick) if inside else NAN,
            "lower": snap(low - buffer, -1, self.tick) if inside else NAN,
        }

    def is_excluded(self, s: int) -> bool:
        session, rules = self.sessions[s], self.settings.session
        return (
            WEEKDAYS[session.date.weekday()] not in rules.weekdays
            or (session.is_half_day and rules.half_days == "skip")
            or str(session.date) in {str(excluded) for excluded in rules.exclude_dates}
        )

    def or_state(self, s: int, bars_inside: int, minutes: int, width: float) -> str:  # noqa: PLR0911
        orb, atr = self.settings.orb, self.atr[s]
        filtered = orb.enable_validity_filter and not math.isnan(atr)
        if self.is_excluded(s):
            return "excluded"
        if bars_inside == 0:
            return "no_or_bars"
        if width <= 0:
            return "zero_width"
        if self.settings.data.validate_or == "skip" and bars_inside < minutes * MINUTE_NS / self.bar_ns:
            return "incomplete"
        if filtered and is_beyond(width, orb.min_atr_mult * atr, -1):
            return "too_narrow"
        if filtered and is_beyond(width, orb.max_atr_mult * atr, 1):
            return "too_wide"
        return "valid"

    def buffer(self, s: int) -> float:
        buffers, atr = self.settings.buffers, self.atr[s]
        buffer = buffers.fixed + buffers.ticks * self.tick
        if buffers.use_atr and not math.isnan(atr):
            buffer += buffers.atr_mult * atr
        return buffer

    # Section 5: each factor at the close of bar j

    def factors(self, j: int) -> dict[str, Factor]:
        enabled, evaluate = (
            self.settings.factors,
            {
                "rel_volume": self.rel_volume,
                "price_action": self.price_action,
                "profile_proxy": self.profile_proxy,
                "vwap": self.vwap,
                "adx": self.adx,
            },
        )
        return {name: factor(j) if getattr(enabled, name).enabled else UNUSABLE for name, factor in evaluate.items()}

    def rel_volume(self, j: int) -> Factor:
        rule = self.settings.factors.rel_volume
        if rule.mode == "rolling":
            if j < rule.lookback:
                return UNUSABLE
            volume = self.bars[j].volume
            past = [self.bars[k].volume for k in range(j - rule.lookback, j)]
        else:
            s = self.session_of[j]
            earlier = self.earlier_sessions_with_bars(s)[-rule.lookback :]
            if len(earlier) < rule.lookback:
                return UNUSABLE
            volume = self.volume_through(s, self.offset(j))
            past = [self.volume_through(p, self.offset(j)) for p in earlier]
        mean = sum(past) / len(past)
        if math.isnan(volume) or math.isnan(mean) or mean <= 0:
            return UNUSABLE
        is_spike = volume / mean >= rule.spike_mult - 1e-9
        return Factor(volume / mean, long=is_spike, short=is_spike)

    def volume_through(self, s: int, offset: float) -> float:
        return sum((self.bars[b].volume for b in self.ranges_of_day[s] if self.offset(b) <= offset), start=0.0)

    def price_action(self, j: int) -> Factor:
        rule = self.settings.factors.price_action
        p = rule.pivot_len
        if j - self.ranges_of_day[self.session_of[j]][0] + 1 < 2 * p:
            return UNUSABLE
        now, before = self.bars[j], self.bars[j - 1]
        high, low = self.high_low(range(j - p + 1, j + 1))
        high_before, low_before = self.high_low(range(j - 2 * p + 1, j - p + 1))
        bullish = bearish = False
        if rule.enable_engulfing:
            bullish |= (
                now.close > now.open
                and before.close < before.open
                and now.open <= before.close
                and now.close >= before.open
            )
            bearish |= (
                now.close < now.open
                and before.close > before.open
                and now.open >= before.close
                and now.close <= before.open
            )
        if rule.enable_structure:
            bullish |= high > high_before and low > low_before
            bearish |= high < high_before and low < low_before
        return Factor(NAN, long=bullish, short=bearish)

    def profile_proxy(self, j: int) -> Factor:
        rule, s = self.settings.factors.profile_proxy, self.session_of[j]
        earlier = self.earlier_sessions_with_bars(s)
        if not earlier:
            return UNUSABLE
        high, low = self.high_low(self.ranges_of_day[earlier[-1]])
        val, vah = low + rule.val_pct * (high - low), low + rule.vah_pct * (high - low)
        mid, close, opening = (high + low) / 2, self.bars[j].close, self.opening[s]
        return Factor(
            NAN,
            long=is_beyond(close, mid, 1) and is_beyond(opening["or_low"], val, 1),
            short=is_beyond(close, mid, -1) and is_beyond(opening["or_high"], vah, -1),
        )

    def vwap(self, j: int) -> Factor:
        s = self.session_of[j]
        from_minute = self.opening[s]["or_minutes"] if self.settings.factors.vwap.reset_mode == "or_end" else 0
        turnover = volume = 0.0
        for b in self.vwap_bars(j):
            bar = self.bars[b]
            if self.offset(b) >= from_minute and not math.isnan(bar.volume):
                turnover += (bar.high + bar.low + bar.close) / 3 * bar.volume
                volume += bar.volume
        if volume <= 0:
            return UNUSABLE
        value, close = turnover / volume, self.bars[j].close
        return Factor(value, long=is_beyond(close, value, 1), short=is_beyond(close, value, -1))

    def vwap_bars(self, j: int) -> range:
        return range(self.ranges_of_day[self.session_of[j]][0], j + 1)

    def adx(self, j: int) -> Factor:
        rule = self.settings.factors.adx
        if j < 2 * rule.period - 1:
            return UNUSABLE
        is_trend = self.adx_values[j] >= rule.threshold - 1e-9
        return Factor(self.adx_values[j], long=is_trend, short=is_trend)

    def adx_of_all_bars(self) -> list[float]:
        """TA-Lib's ADX: sums seeded with the first period-1 moves; a bar without any movement leaves it as it is."""
        period = self.settings.factors.adx.period
        plus_dm = minus_dm = true_range = dx_sum = adx = 0.0
        values = []
        for j, bar in enumerate(self.bars):
            if j > 0:
                last = self.bars[j - 1]
                if j >= period:
                    plus_dm -= plus_dm / period
                    minus_dm -= minus_dm / period
                    true_range -= true_range / period
                up, down = bar.high - last.high, last.low - bar.low
                if down > 0 and up < down:
                    minus_dm += down
                elif up > 0 and up > down:
                    plus_dm += up
                true_range += max(bar.high - bar.low, abs(bar.high - last.close), abs(bar.low - last.close))
                dx = None
                if abs(true_range) > 1e-14:
                    plus_di, minus_di = 100 * (plus_dm / true_range), 100 * (minus_dm / true_range)
                    if abs(plus_di + minus_di) > 1e-14:
                        dx = 100 * (abs(minus_di - plus_di) / (plus_di + minus_di))
                if period <= j < 2 * period:
                    dx_sum += dx or 0.0
                    adx = dx_sum / period
                elif j >= 2 * period and dx is not None:
                    adx = (adx * (period - 1) + dx) / period
            values.append(adx if j >= 2 * period - 1 else NAN)
        return values

    def score(self, j: int, direction: int) -> tuple[float, float, Row]:
        """Score and required score of one side, and the factor columns."""
        factors, scoring, trend = self.factors(j), self.settings.scoring, self.settings.factors.adx
        flags = {name: factor.long if direction > 0 else factor.short for name, factor in factors.items()}
        score = sum(getattr(scoring.weights, name) for name, flag in flags.items() if flag)
        is_weak = factors["adx"].value < trend.threshold - 1e-9  # NaN while disabled or unusable
        columns: Row = {}
        for name, factor in factors.items():
            columns |= {f"{name}_value": factor.value, f"{name}_flag": int(flags[name])}
        return score, scoring.weak_trend_required if is_weak else scoring.base_required, columns
