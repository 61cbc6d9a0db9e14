"""The strategy page in the slowest, plainest Python: one method per rule, shared with nobody, least of all the engine.

`Reference(bars, sessions, settings, instrument, symbol).run()` gives the four result tables as lists of plain dicts
with the columns of records.py; dates are `datetime.date`, instants UTC nanoseconds. Sections 1 to 5 are inherited from
`Market`. A mutant is a subclass with one method overridden.
"""

import math
from dataclasses import dataclass, field

from tests.engine.reference_market import MINUTE_NS, NAN, Market, Row, eps, is_beyond, reaches, snap

SIDES = {1: "long", -1: "short"}

Tables = dict[str, list[Row]]


@dataclass
class Part:
    kind: str
    price: float | None
    fraction: float
    is_open: bool = True


@dataclass
class Candidate:
    direction: int
    decided_at: int
    entry_bar: int
    raw_fill: float
    is_gap: bool
    trigger: float
    is_tie_of_sides: bool = False


@dataclass
class Trade:
    direction: int
    session: int
    signal_number: int
    entry_bar: int
    is_gap: bool
    entry: float
    stop_initial: float
    stop: float
    risk: float
    parts: list[Part]
    at_entry: Row
    best: float
    ambiguous: bool
    stop_kind: str = "stop"
    recorded_stop: float = NAN
    moved_to_breakeven: bool = False
    targets_filled: int = 0
    fills: list[Row] = field(default_factory=list)
    favorable: float = 0.0
    adverse: float = 0.0

    def open_parts(self) -> list[Part]:
        return [part for part in self.parts if part.is_open]


class Reference(Market):
    def run(self) -> Tables:
        tables: Tables = {"trades": [], "fills": [], "stops": [], "signals": [], "sessions": self.session_rows()}
        self.tables = tables
        trade: Trade | None = None
        for b in range(len(self.bars)):
            if b == 0 or self.session_of[b] != self.session_of[b - 1]:
                self.reset_governance()
            if trade is None:
                trade = self.consider(b)
            if trade is not None and b >= trade.entry_bar and self.live_through(trade, b):
                trade = None
        return tables

    # Section 6

    def consider(self, i: int) -> Trade | None:
        s = self.session_of[i]
        opening = self.opening[s]
        if (
            opening["or_state"] != "valid"
            or self.sessions[s].is_warmup
            or not self.is_tradable(i)
            or self.is_scheduled_final(i)
        ):
            return None
        mode = self.settings.entry.mode
        find = {"touch": self.touch_candidate, "close": self.close_candidate, "or_end": self.or_end_candidate}[mode]
        candidate = find(i)
        return None if candidate is None else self.decide(candidate)

    def is_tradable(self, i: int) -> bool:
        return self.offset(i) >= self.opening[self.session_of[i]]["or_minutes"]

    def allowed_sides(self, s: int) -> list[int]:
        opening, direction = self.opening[s], self.settings.entry.direction
        if direction == "or_candle":
            body = opening["or_close"] - opening["or_open"]
            return [1] if body > 0 else [-1] if body < 0 else []
        return {"both": [1, -1], "long": [1], "short": [-1]}[direction]

    def touch_candidate(self, i: int) -> Candidate | None:
        s, bar, before = self.session_of[i], self.bars[i], self.bars[i - 1]
        found = []
        for d in self.allowed_sides(s):
            trigger = self.opening[s]["upper" if d > 0 else "lower"]
            if not is_beyond(before.close, trigger, d) and reaches(bar.high if d > 0 else bar.low, trigger, d):
                raw_fill = d * max(d * bar.open, d * trigger)
                found.append(Candidate(d, i - 1, i, raw_fill, reaches(bar.open, trigger, d), trigger))
        if len(found) == 2:
            nearer = self.nearer_side(bar.open, found)
            nearer.is_tie_of_sides = True
            return nearer
        return found[0] if found else None

    def nearer_side(self, open_: float, both: list[Candidate]) -> Candidate:
        distances = [0.0 if c.is_gap else abs(open_ - c.trigger) for c in both]
        if abs(distances[0] - distances[1]) <= eps(open_):
            return self.side_of_a_tie(both)
        return both[0] if distances[0] < distances[1] else both[1]

    def side_of_a_tie(self, both: list[Candidate]) -> Candidate:
        return both[0]  # the long one

    def close_candidate(self, i: int) -> Candidate | None:
        s, e = self.session_of[i], i + 1
        if e not in self.ranges_of_day[s] or self.is_scheduled_final(e):
            return None
        for d in self.allowed_sides(s):
            trigger = self.opening[s]["upper" if d > 0 else "lower"]
            if not is_beyond(self.bars[i - 1].close, trigger, d) and reaches(self.bars[i].close, trigger, d):
                return Candidate(d, i, e, self.bars[e].open, is_gap=True, trigger=trigger)
        return None

    def or_end_candidate(self, i: int) -> Candidate | None:
        s = self.session_of[i]
        opening, raw_fill = self.opening[s], self.bars[i].open
        if self.is_tradable(i - 1):
            return None
        body = opening["or_close"] - opening["or_open"]
        for d in self.allowed_sides(s):
            if d * body > 0:
                return Candidate(d, i - 1, i, raw_fill, is_gap=True, trigger=raw_fill)
        return None

    def decide(self, found: Candidate) -> Trade | None:
        """Record the candidate in the signals, and open its trade when nothing refuses it."""
        s = self.session_of[found.entry_bar]
        entry = found.raw_fill + found.direction * self.instrument.slippage_ticks * self.tick
        stop = self.initial_stop(found, entry)
        score, required, factor_columns = self.score(found.decided_at, found.direction)
        reason = self.refusal(found, score, required, stop, entry)
        at_entry = {"score": score, "required": required} | factor_columns
        self.tables["signals"].append(
            {
                "symbol": self.symbol,
                "session_date": self.sessions[s].date,
                "timestamp": self.bars[found.entry_bar].start_ns,
                "direction": SIDES[found.direction],
                "trigger": found.trigger,
                "accepted": reason == "",
                "reason": reason,
            }
            | at_entry
        )
        return self.open_trade(found, entry, stop, at_entry) if reason == "" else None

    def refusal(self, found: Candidate, score: float, required: float, stop: float, entry: float) -> str:  # noqa: PLR0911
        if self.is_locked_out():
            return "loss_lockout"
        if self.is_daily_loss_reached():
            return "daily_loss"
        if self.accepted_signals >= self.settings.governance.max_signals_per_day:
            return "max_signals"
        if self.is_past_cutoff(found.entry_bar):
            return "time_cutoff"
        if self.is_second_chance_over(found):
            return "second_chance_over"
        if self.settings.scoring.enabled and score < required - 1e-9:
            return "score"
        if self.is_risk_too_small(found, stop, entry):
            return "risk_too_small"
        return ""

    # Section 7

    def reset_governance(self) -> None:
        self.accepted_signals = 0
        self.losses_in_a_row = 0
        self.realized_today = 0.0
        self.sides_entered: set[int] = set()

    def is_locked_out(self) -> bool:
        limit = self.settings.governance.lockout_after_losses
        return limit is not None and self.losses_in_a_row >= limit

    def is_daily_loss_reached(self) -> bool:
        limit = self.settings.governance.max_daily_loss_r
        return limit is not None and self.realized_today <= -limit + 1e-9

    def is_past_cutoff(self, e: int) -> bool:
        cutoff = self.sessions[self.session_of[e]].cutoff_ns
        return cutoff is not None and self.bars[e].start_ns >= cutoff

    def is_second_chance_over(self, found: Candidate) -> bool:
        limit = self.settings.governance.second_chance_minutes
        if limit is None or found.direction not in self.sides_entered:
            return False
        or_minutes = self.opening[self.session_of[found.entry_bar]]["or_minutes"]
        return self.offset(found.entry_bar) - or_minutes >= limit

    def book(self, trade: Trade, reason: str, realized_r: float) -> None:
        self.realized_today += realized_r
        if reason == "stop" and trade.targets_filled == 0:
            self.losses_in_a_row += 1
        elif realized_r > 1e-9:
            self.losses_in_a_row = 0

    # Section 8

    def initial_stop(self, found: Candidate, entry: float) -> float:
        rule, d, s = self.settings.trade, found.direction, self.session_of[found.entry_bar]
        opening, atr = self.opening[s], self.atr[s]
        opposite = opening["or_low" if d > 0 else "or_high"] - d * rule.extra_stop_buffer
        if rule.stop_mode == "or_midpoint":
            stop = (opening["or_high"] + opening["or_low"]) / 2 - d * rule.extra_stop_buffer
        elif rule.stop_mode == "swing":
            stop = self.swing_extreme(found.decided_at, d) - d * rule.extra_stop_buffer
        elif rule.stop_mode == "atr" and not math.isnan(atr):
            stop = entry - d * rule.atr_stop_mult * atr
        elif rule.stop_mode == "atr_capped" and not math.isnan(atr):
            stop = d * max(d * opposite, d * (entry - d * rule.atr_stop_cap_mult * atr))
        else:
            stop = opposite
        return snap(stop, -d, self.tick)

    def swing_extreme(self, b: int, direction: int) -> float:
        """The lowest low (short: highest high) of the last `swing_lookback` bars of b's session, ending at b."""
        first = self.ranges_of_day[self.session_of[b]][0]
        high, low = self.high_low(range(max(first, b - self.settings.trade.swing_lookback + 1), b + 1))
        return low if direction > 0 else high

    def is_risk_too_small(self, found: Candidate, stop: float, entry: float) -> bool:
        room = found.direction * (found.raw_fill - stop)
        least = self.tick if self.tick > 0 else 1e-6 * abs(entry)
        return room <= 0 or room < least * (1 - 1e-6)

    # Section 9

    def targets(self, entry: float, risk: float, direction: int) -> list[Part]:
        rule = self.settings.trade
        if rule.partials:
            shares = [
                ("t1", rule.t1_r, rule.t1_pct),
                ("t2", rule.t2_r, rule.t2_pct),
                ("runner", rule.runner_r, 1 - rule.t1_pct - rule.t2_pct),
            ]
        else:
            shares = [("runner", rule.primary_r, 1.0)]
        return [
            Part(kind, None if r is None else snap(entry + direction * r * risk, direction, self.tick), fraction)
            for kind, r, fraction in shares
            if fraction > 1e-9
        ]

    # Section 10

    def open_trade(self, found: Candidate, entry: float, stop: float, at_entry: Row) -> Trade:
        self.accepted_signals += 1
        self.sides_entered.add(found.direction)
        d, risk = found.direction, found.direction * (entry - stop)
        trade = Trade(
            direction=d,
            session=self.session_of[found.entry_bar],
            signal_number=self.accepted_signals,
            entry_bar=found.entry_bar,
            is_gap=found.is_gap,
            entry=entry,
            stop_initial=stop,
            stop=stop,
            recorded_stop=stop,
            risk=risk,
            parts=self.targets(entry, risk, d),
            at_entry=at_entry,
            best=-math.inf,
            ambiguous=found.is_tie_of_sides,
        )
        trade.fills.append(self.fill_row(trade, self.bars[found.entry_bar].start_ns, entry, 1.0, "entry"))
        return trade

    def live_through(self, trade: Trade, b: int) -> bool:
        """Steps 1 to 4 of section 10 on bar b; true when the trade closed."""
        fills_before = len(trade.fills)
        if b > trade.entry_bar:
            self.at_the_open(trade, b)
        if trade.open_parts():
            self.inside_the_bar(trade, b)
        if trade.open_parts():
            self.count_whole_bar(trade, b)
            self.at_the_close(trade, b)
        else:
            self.count_fills(trade, trade.fills[fills_before:])
        if trade.open_parts():
            self.for_the_next_bar(trade, b)
            self.record_stop(trade, b)
            self.for_want_of_bars(trade, b)
        if trade.open_parts():
            return False
        self.close_books(trade, b)
        return True

    def at_the_open(self, trade: Trade, b: int) -> None:
        bar = self.bars[b]
        if reaches(bar.open, trade.stop, -trade.direction):
            self.sell_rest(trade, bar.start_ns, bar.open, trade.stop_kind)
            return
        for part in self.touched_targets(trade, bar.open):
            self.fill_target(trade, part, bar.start_ns, bar.open)

    def touched_targets(self, trade: Trade, price: float) -> list[Part]:
        through = self.tick if self.settings.execution.limit_fill == "through" else 0.0
        return [
            part
            for part in trade.open_parts()
            if part.price is not None and trade.direction * (price - part.price) >= through - eps(part.price)
        ]

    def inside_the_bar(self, trade: Trade, b: int) -> None:
        bar, d = self.bars[b], trade.direction
        best, worst = (bar.high, bar.low) if d > 0 else (bar.low, bar.high)
        stop_touched = reaches(worst, trade.stop, -d)
        uncertain = (
            stop_touched and b == trade.entry_bar and not trade.is_gap and not reaches(bar.close, trade.stop, -d)
        )
        touched = self.touched_targets(trade, best)
        if stop_touched and (touched or uncertain):
            trade.ambiguous = True
        if self.settings.execution.ambiguity == "conservative" and stop_touched:
            self.sell_rest(trade, bar.start_ns, trade.stop, trade.stop_kind)
            return
        for part in touched:
            self.fill_target(trade, part, bar.start_ns, d * max(d * part.price, d * bar.open))
        if stop_touched and not uncertain and trade.open_parts():
            self.sell_rest(trade, bar.start_ns, trade.stop, trade.stop_kind)

    def at_the_close(self, trade: Trade, b: int) -> None:
        bar, governance = self.bars[b], self.settings.governance
        end_ns, limit = bar.start_ns + self.bar_ns, self.settings.trade.max_hold_minutes
        if self.is_scheduled_final(b) and governance.flatten_at_session_end:
            self.sell_rest(trade, end_ns, bar.close, "session_end")
        elif limit is not None and end_ns - self.bars[trade.entry_bar].start_ns >= limit * MINUTE_NS:
            self.sell_rest(trade, end_ns, bar.close, "time_stop")

    def for_the_next_bar(self, trade: Trade, b: int) -> None:
        rule, trail, d = self.settings.trade, self.settings.trade.trail, trade.direction
        bar, atr = self.bars[b], self.atr[trade.session]
        trade.best = max(trade.best, d * (bar.high if d > 0 else bar.low))
        best_r = (trade.best - d * trade.entry) / trade.risk
        if rule.move_be_at_r is not None and best_r >= rule.move_be_at_r - 1e-9:
            moved = self.move_stop(trade, trade.entry + d * rule.be_buffer, "breakeven")
            trade.moved_to_breakeven = trade.moved_to_breakeven or moved
        if trail.mode == "none" or best_r < trail.start_r - 1e-9:
            return
        if trail.mode == "r":
            self.move_stop(trade, d * trade.best - d * trail.distance * trade.risk, "trailing")
        elif trail.mode == "atr" and not math.isnan(atr):
            self.move_stop(trade, d * trade.best - d * trail.distance * atr, "trailing")
        elif trail.mode == "swing":
            self.move_stop(trade, self.swing_extreme(b, d), "trailing")

    def move_stop(self, trade: Trade, level: float, kind: str) -> bool:
        level = snap(level, -trade.direction, self.tick)
        if not is_beyond(level, trade.stop, trade.direction):
            return False
        trade.stop, trade.stop_kind = level, kind
        return True

    def record_stop(self, trade: Trade, b: int) -> None:
        if trade.stop != trade.recorded_stop:
            trade.recorded_stop = trade.stop
            self.tables["stops"].append(
                {
                    "trade_id": self.trade_id(trade),
                    "timestamp": self.bars[b].start_ns + self.bar_ns,
                    "price": trade.stop,
                    "kind": trade.stop_kind,
                }
            )

    def for_want_of_bars(self, trade: Trade, b: int) -> None:
        bar, is_last = self.bars[b], b == len(self.bars) - 1
        if is_last:
            self.sell_rest(trade, bar.start_ns + self.bar_ns, bar.close, "end_of_data")
        elif self.session_of[b + 1] != self.session_of[b] and self.settings.governance.flatten_at_session_end:
            self.sell_rest(trade, bar.start_ns + self.bar_ns, bar.close, "session_end")

    def sell_rest(self, trade: Trade, at_ns: int, price: float, kind: str) -> None:
        price -= trade.direction * self.instrument.slippage_ticks * self.tick
        rest = sum(part.fraction for part in trade.open_parts())
        for part in trade.open_parts():
            part.is_open = False
        trade.fills.append(self.fill_row(trade, at_ns, price, rest, kind))

    def fill_target(self, trade: Trade, part: Part, at_ns: int, price: float) -> None:
        part.is_open = False
        trade.targets_filled += 1
        trade.fills.append(self.fill_row(trade, at_ns, price, part.fraction, part.kind))

    # Section 11

    def count_fills(self, trade: Trade, fills: list[Row]) -> None:
        for fill in fills:
            self.count_price(trade, fill["price"])

    def count_whole_bar(self, trade: Trade, b: int) -> None:
        bar, d = self.bars[b], trade.direction
        best, worst = (bar.high, bar.low) if d > 0 else (bar.low, bar.high)
        if b == trade.entry_bar and not trade.is_gap:
            worst = bar.close  # E itself counts as 0
        self.count_price(trade, best)
        self.count_price(trade, worst)

    def count_price(self, trade: Trade, price: float) -> None:
        r = trade.direction * (price - trade.entry) / trade.risk
        trade.favorable, trade.adverse = max(trade.favorable, r), min(trade.adverse, r)

    def close_books(self, trade: Trade, b: int) -> None:
        exits = trade.fills[1:]
        exit_price = sum(fill["fraction"] * fill["price"] for fill in exits)
        gross_r = sum(fill["fraction"] * trade.direction * (fill["price"] - trade.entry) / trade.risk for fill in exits)
        cost_r = self.cost_per_unit(trade.entry, exit_price) / trade.risk
        last = exits[-1]["kind"]
        reason = "target" if last in {"t1", "t2", "runner"} else last
        self.book(trade, reason, gross_r - cost_r)
        self.tables["trades"].append(self.trade_row(trade, b, reason, exit_price, gross_r, cost_r))
        self.tables["fills"].extend(trade.fills)
        row = self.tables["sessions"][self.session_of[b]]
        row["trades"] += 1
        row["realized_r"] += gross_r - cost_r

    def cost_per_unit(self, entry: float, exit_price: float) -> float:
        instrument = self.instrument
        fixed = 2 * instrument.commission_per_unit / instrument.point_value
        return fixed + instrument.commission_pct * (entry + exit_price)

    # Section 12

    def trade_id(self, trade: Trade) -> str:
        return f"{self.symbol}-{self.sessions[trade.session].date:%Y%m%d}-{trade.signal_number}"

    def fill_row(self, trade: Trade, at_ns: int, price: float, fraction: float, kind: str) -> Row:
        return {
            "trade_id": self.trade_id(trade),
            "timestamp": at_ns,
            "price": price,
            "fraction": fraction,
            "kind": kind,
        }

    def trade_row(self, trade: Trade, b: int, reason: str, exit_price: float, gross_r: float, cost_r: float) -> Row:
        prices = {part.kind: NAN if part.price is None else part.price for part in trade.parts}
        opening = self.opening[trade.session]
        return {
            "trade_id": self.trade_id(trade),
            "symbol": self.symbol,
            "session_date": self.sessions[trade.session].date,
            "direction": SIDES[trade.direction],
            "entry_timestamp": self.bars[trade.entry_bar].start_ns,
            "entry_price": trade.entry,
            "exit_timestamp": trade.fills[-1]["timestamp"],
            "exit_price": exit_price,
            "exit_reason": reason,
            "stop_initial": trade.stop_initial,
            "stop_final": trade.stop,
            "risk": trade.risk,
            "t1_price": prices.get("t1", NAN),
            "t2_price": prices.get("t2", NAN),
            "runner_price": prices.get("runner", NAN),
            "targets_filled": trade.targets_filled,
            "gross_r": gross_r,
            "cost_r": cost_r,
            "realized_r": gross_r - cost_r,
            "max_favorable_r": trade.favorable,
            "max_adverse_r": trade.adverse,
            "bars_held": b - trade.entry_bar + 1,
            "ambiguous": trade.ambiguous,
            "moved_to_breakeven": trade.moved_to_breakeven,
            "signal_number": trade.signal_number,
            **{
                name: opening[name] for name in ("or_minutes", "or_high", "or_low", "or_width", "daily_atr", "norm_vol")
            },
            **trade.at_entry,
        }

    def session_rows(self) -> list[Row]:
        rows = []
        for s, session in enumerate(self.sessions):
            bars = len(self.ranges_of_day[s])
            opening = {k: v for k, v in self.opening[s].items() if k not in {"or_open", "or_close", "upper", "lower"}}
            rows.append(
                {
                    "symbol": self.symbol,
                    "session_date": session.date,
                    "open": session.open_ns,
                    "close": session.close_ns,
                    "bars": bars,
                    "missing_bars": (session.close_ns - session.open_ns) // self.bar_ns - bars,
                    **opening,
                    "warmup": session.is_warmup,
                    "trades": 0,
                    "realized_r": 0.0,
                }
            )
        return rows
