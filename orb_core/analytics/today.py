"""The session that is running, or the last one: what its opening range is, and what a trade would be now."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from orb_core.analytics.equity import whole_steps
from orb_core.config.models import RunConfig
from orb_core.data.bars import starts_ns
from orb_core.data.sessions import MINUTE_NS, session_table
from orb_core.engine import records, simulate_nb
from orb_core.engine.backtest import result_of, simulate
from orb_core.engine.prepare import Prepared, factors, prepare

LONGEST_HOLIDAY: Final = timedelta(days=30)

Stage = Literal["building", "untradable", "in_trade", "over", "waiting"]


@dataclass(frozen=True)
class FactorNow:
    """A factor at the close of the last bar, for one side; `value` is NaN where it has none or is not usable."""

    name: str
    value: float
    agrees: bool


@dataclass(frozen=True)
class SideNow:
    """What a trade of one side would be if the next bar brought it.

    Attributes
    ----------
    direction : str
        `long` or `short`.
    trigger : float
        Points. With `entry.mode: or_end` the last close, at which the range's first tradable bar is taken to open.
    is_armed : bool
        The last close is not beyond the trigger; else price has to come back first.
    entry_price, stop, risk : float
        Points, slippage included, as if filled at the trigger. NaN where the stop is too near to trade.
    targets : tuple of float
        t1, t2 and the runner, or the single target; NaN where absent.
    quantity : float
        Units for the equity given, with nothing else open.
    score, required : float
    factors : tuple of FactorNow
        The enabled ones.
    refusal : str
        The first rule that would refuse it (`records.REFUSALS`), empty if it would be taken.
    """

    direction: str
    trigger: float
    is_armed: bool
    entry_price: float
    stop: float
    risk: float
    targets: tuple[float, float, float]
    quantity: float
    score: float
    required: float
    factors: tuple[FactorNow, ...]
    refusal: str


@dataclass(frozen=True, eq=False)
class Today:
    """One symbol's session as far as its bars go.

    Attributes
    ----------
    timezone : str
        IANA name of the clock the session is read on.
    as_of : Timestamp
        End of the last bar (UTC).
    range_ends : Timestamp
        End of the opening range (UTC); an adaptive one may still change its length.
    stage : str
        `building` (the range is not complete), `untradable` (it is, and will not be traded: see `session`),
        `in_trade`, `over` (no bar is left to enter on) or `waiting`.
    last_price : float
    session : Series
        The session's row of `records.SESSIONS`, its range so far.
    sides : tuple of SideNow
        Those that may be traded; none once a trade is open, or nothing can be entered any more.
    signals, trades : DataFrame
        Of this session so far; an open trade has the exit reason `end_of_data`, at the last close.
    open_trade : Series or None
        The trade that is open; its `stop_final` is the stop in force.
    """

    symbol: str
    session_date: date
    timezone: str
    as_of: pd.Timestamp
    range_ends: pd.Timestamp
    stage: Stage
    last_price: float
    session: "pd.Series[Any]"
    sides: tuple[SideNow, ...]
    signals: pd.DataFrame
    trades: pd.DataFrame
    open_trade: "pd.Series[Any] | None"


def today(
    bars: pd.DataFrame,
    config: RunConfig,
    symbol: str,
    now: datetime,
    *,
    equity: float | None = None,
) -> Today | None:
    """Look at the session that is open at a moment, or at the last one before it.

    What a run on these bars would do next is worked out by the run's own functions: the same candidate met by the next
    bar gets the same score, refusal, stop and targets. Under `entry.mode: close` the confirming bar's own close will
    still change the factors, and the entry is at the open after it.

    Parameters
    ----------
    bars : DataFrame
        The symbol's bar table. Bars that are not over at `now` are left out.
    now : datetime
        With its time zone.
    equity : float, optional
        What the quantity is worked out with; the initial capital by default.

    Returns
    -------
    Today or None
        None where the bars do not reach into that session.

    Raises
    ------
    BarsError
        The bars break an invariant or are of another interval.
    """
    now_ns = pd.Timestamp(now).tz_convert("UTC").as_unit("ns").value
    table = session_table(config.session, now.date() - LONGEST_HOLIDAY, now.date() + timedelta(days=1))
    opened = int(np.searchsorted(table.open_ns, now_ns, side="right")) - 1
    bar_starts, bar_ns = starts_ns(bars), config.data.bar_minutes * MINUTE_NS
    is_known = bar_starts + bar_ns <= now_ns
    is_inside = (bar_starts >= table.open_ns[opened]) & (bar_starts + bar_ns <= table.close_ns[opened])
    if opened < 0 or not (is_known & is_inside).any():
        return None
    session_date = table.dates[opened].astype(date)
    moment = _Moment(prepare(bars[is_known], config, symbol, session_date, session_date), config, symbol, now_ns)
    result = result_of(moment.p, config, symbol, moment.rows)
    open_trade = result.trades[(result.trades["exit_reason"] == "end_of_data").to_numpy()]
    stage = moment.stage(is_open=not open_trade.empty)
    capital = config.sizing.initial_capital if equity is None else equity
    return Today(
        symbol=symbol,
        session_date=session_date,
        timezone=table.timezone,
        as_of=pd.Timestamp(moment.as_of_ns, tz="UTC"),
        range_ends=pd.Timestamp(moment.range_ends_ns, tz="UTC"),
        stage=stage,
        last_price=moment.last_price,
        session=result.sessions.iloc[-1],
        sides=moment.sides(capital) if stage in {"building", "waiting"} else (),
        signals=result.signals,
        trades=result.trades,
        open_trade=None if open_trade.empty else open_trade.iloc[0],
    )


class _Moment:
    """A run that has reached its last bar, and what it would do with the next one."""

    def __init__(self, p: Prepared, config: RunConfig, symbol: str, now_ns: int) -> None:
        self.p, self.config, self.symbol, self.now_ns = p, config, symbol, now_ns
        self.factors = factors(p, config)
        self.rows = simulate(p, self.factors)
        self.row = p.sessions[-1]
        self.bar = p.close.size - 1
        self.last_price = float(p.close[self.bar])
        bar_ns = config.data.bar_minutes * MINUTE_NS
        self.as_of_ns = int(p.ts_ns[self.bar]) + bar_ns
        self.range_ends_ns = int(self.row["open_ns"] + self.row["or_minutes"] * MINUTE_NS)
        # The candidate's bar is at the earliest the one that is running, where minutes without trades have no bar.
        running_ns = now_ns - (now_ns - int(self.row["open_ns"])) % bar_ns
        # A confirmed candidate is entered a bar later. The session's final bar takes no entry.
        later_ns = bar_ns if config.entry.mode == "close" else 0
        self.entry_ns = max(self.as_of_ns, self.range_ends_ns, running_ns) + later_ns
        self.is_over = bool(self.entry_ns + bar_ns >= self.row["close_ns"])
        if config.entry.mode == "or_end":
            self.is_over |= self.as_of_ns > self.range_ends_ns

    def stage(self, *, is_open: bool) -> Stage:
        """Where the session stands."""
        state = records.OR_STATES[self.row["or_state"]]
        if is_open:
            return "in_trade"
        if state == "excluded":
            return "untradable"
        if self.now_ns < self.range_ends_ns:
            return "building"
        if state != "valid":
            return "untradable"
        return "over" if self.is_over else "waiting"

    def sides(self, equity: float) -> tuple[SideNow, ...]:
        """The sides that the range allows so far."""
        is_long, is_short = simulate_nb.allowed_sides_nb(self.row, self.p.rules)
        if self.config.entry.mode == "or_end":
            body = self.row["or_close"] - self.row["or_open"]
            is_long, is_short = is_long and body > 0, is_short and body < 0
        return tuple(
            self._side(direction, equity) for direction, is_allowed in ((1.0, is_long), (-1.0, is_short)) if is_allowed
        )

    def _side(self, direction: float, equity: float) -> SideNow:
        p, row, bar = self.p, self.row, self.bar
        trigger = self._trigger(direction)
        signal = np.zeros(1, records.SIGNAL_ROW)[0]
        signal["direction"] = direction
        f = self.factors
        simulate_nb.weigh_factors_nb(signal, row, bar, p.close, f.rel_volume, f.price_action, f.vwap, f.adx, p.rules)
        losses, accepted, entered_side = self._governed(direction)
        reason = simulate_nb.refusal_nb(
            signal, row, self.entry_ns, self.range_ends_ns, losses, accepted, entered_side, p.rules
        )
        position = np.zeros(1, simulate_nb.POSITION)[0]
        simulate_nb.open_position_nb(position, row, direction, trigger, bar + 1, bar, p.high, p.low, p.rules)
        if not position["is_open"]:
            position["entry"] = position["stop"] = position["risk"] = np.nan
            position["target"] = np.nan
            reason = reason or simulate_nb.RISK_TOO_SMALL
        entry_price, risk = direction * float(position["entry"]), float(position["risk"])
        return SideNow(
            direction=records.DIRECTIONS[int(direction > 0)],
            trigger=trigger,
            is_armed=bool(direction * self.last_price <= direction * trigger + simulate_nb.eps_nb(trigger)),
            entry_price=entry_price,
            stop=direction * float(position["stop"]),
            risk=risk,
            targets=tuple((direction * position["target"]).tolist()),
            quantity=self._quantity(entry_price, risk, equity) if position["is_open"] else 0.0,
            score=float(signal["score"]),
            required=float(signal["required"]),
            factors=self._factors_now(signal),
            refusal=records.REFUSALS[reason],
        )

    def _trigger(self, direction: float) -> float:
        if self.config.entry.mode == "or_end":
            return self.last_price
        return float(self.row["upper"] if direction > 0 else self.row["lower"])

    def _governed(self, direction: float) -> tuple[int, int, bool]:
        """Losses in a row and accepted signals of the session, and whether this side was entered in it."""
        losses = 0
        for trade in self.rows.trades:
            if trade["exit_reason"] == simulate_nb.STOP and trade["targets_filled"] == 0:
                losses += 1
            elif trade["realized_r"] > 1e-9:
                losses = 0
        taken = self.rows.signals[self.rows.signals["reason"] == simulate_nb.ACCEPTED]
        return losses, len(taken), bool((taken["direction"] == direction).any())

    def _factors_now(self, signal: Any) -> tuple[FactorNow, ...]:
        return tuple(
            FactorNow(name, float(signal["value"][k]), bool(signal["flag"][k]))
            for k, name in enumerate(records.FACTORS)
            if getattr(self.config.factors, name).enabled
        )

    def _quantity(self, entry_price: float, risk: float, equity: float) -> float:
        sizing, instrument = self.config.sizing, self.config.instrument(self.symbol)
        if sizing.mode == "fixed_quantity":
            return float(sizing.quantity)
        by_risk = equity * sizing.risk_pct / (risk * instrument.point_value)
        affordable = sizing.max_leverage * equity / (entry_price * instrument.point_value)
        return whole_steps(min(by_risk, affordable), instrument.quantity_step)
