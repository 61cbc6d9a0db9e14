"""Small random worlds for hypothesis: a few sessions of coarse bars where ties are common, and a config of any kind.

Prices move by whole steps of a grid, drawn from one seed: a string of bytes as long as the bars would shrink better,
but hypothesis replaces it by zeros, and the bars by flat ones, whenever it varies how many bars there are.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pandas as pd
from hypothesis import assume
from hypothesis import strategies as st

from orb_core.config.load import config_from_mapping, differences
from orb_core.config.models import RunConfig
from tests.engine.reference_market import MINUTE_NS, Session
from tests.engine.reference_sessions import run_sessions

SYMBOL = "TEST"
TWO_WEEKS = timedelta(days=14)
BYTES_PER_BAR = 3
BODIES = (0, 1, -1, 0, 2, -2, 1, -1, 3, -3, 0, 1, -1, 5, -5, 0)
GAPS = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, -1, 2, -2, 6, -6)
WICKS = (0, 0, 0, 1, 1, 2, 4, 0)
VOLUMES = (
    100.0,
    100.0,
    0.0,
    50.0,
    200.0,
    150.0,
    75.0,
    1000.0,
    100.0,
    125.0,
    80.0,
    0.0,
    300.0,
    100.0,
    99.5,
    float("nan"),
)
MISSING_FROM = 250


@dataclass(frozen=True)
class Venue:
    """Session settings, the interval of the bars, and clock times inside every full session."""

    session: dict[str, Any]
    interval: str
    starts: tuple[str, ...]
    cutoffs: tuple[str, ...]


US_DATES = (
    "2024-01-02",
    "2024-03-07",
    "2024-06-28",
    "2024-07-01",
    "2024-10-31",
    "2024-11-25",
    "2024-12-20",
    "2012-10-25",
)
ANY_DATES = ("2024-01-05", "2024-03-08", "2024-10-26", "2024-11-01", "2024-12-23")
VENUES = (
    Venue({"calendar": "XNYS", "close": "10:30"}, "1m", US_DATES, ("09:45", "10:05")),
    Venue({"calendar": "XNYS", "open": "10:00", "close": "12:00"}, "5m", US_DATES, ("10:30", "11:10")),
    Venue({"calendar": "XNYS"}, "5m", US_DATES, ("10:15", "12:17")),
    Venue({"calendar": "XNYS"}, "15m", US_DATES, ("10:15", "12:17")),
    Venue({"calendar": "XNYS"}, "30m", US_DATES, ("11:00", "12:45")),
    Venue({"calendar": "XNYS", "open": "08:30", "close": "09:30"}, "2m", US_DATES, ("08:50", "09:11")),
    Venue({"calendar": "24/7", "open": "13:30", "close": "15:00"}, "2m", ANY_DATES, ("14:00", "14:33")),
    Venue(
        {"calendar": "24/7", "open": "09:30", "close": "11:00", "timezone": "America/New_York"},
        "5m",
        ANY_DATES,
        ("10:00", "10:31"),
    ),
    Venue({"calendar": "24/7"}, "30m", ANY_DATES, ("03:00", "17:30")),
    Venue({"calendar": "CMES", "timezone": "America/New_York"}, "30m", ANY_DATES, ("20:00", "09:30")),
)
GRIDS = (  # step of the bars' prices, tick of the instrument, first price in steps
    (0.01, 0.01, 10_000),
    (0.25, 0.25, 400),
    (0.01, 0.05, 2_000),
    (0.05, 0.0, 900),
    (1.0, 1.0, 90),
    (0.0001, 0.0001, 500),
    (0.01, 0.01, 5_000_000),
)


@dataclass(frozen=True, eq=False, repr=False)
class World:
    """One run as a user would ask for it."""

    bars: pd.DataFrame
    config: RunConfig
    start: date
    end: date
    step: float

    def _repr_pretty_(self, printer, _is_cycle) -> None:  # hypothesis shows a failing world by this
        settings = {path: value for path, (value, _) in differences(self.config).items()}
        printer.text(f"World({self.start} to {self.end}, {settings})\n{self.bars.to_string()}")

    @property
    def sessions(self) -> list[Session]:
        return run_sessions(self.config, self.start, self.end)

    @property
    def bar_ns(self) -> int:
        return self.config.data.bar_minutes * MINUTE_NS

    @property
    def starts_ns(self) -> list[int]:
        return self.bars["timestamp_utc"].astype("int64").tolist()

    def in_session(self, starts_ns: list[int]) -> list[int]:
        hours = [(session.open_ns, session.close_ns - self.bar_ns) for session in self.sessions]
        return [ns for ns in starts_ns if any(first <= ns <= last for first, last in hours)]

    @property
    def shortest_prefix(self) -> int:
        """The fewest bars that can be run on: one of the run's own sessions, and two that show the interval."""
        first_ns = next(session.open_ns for session in self.sessions if not session.is_warmup)
        kept = self.in_session(self.starts_ns)
        pair = next((b for a, b in pairwise(kept) if b - a == self.bar_ns), None)
        own = next((ns for ns in kept if ns >= first_ns), None)
        return len(self.bars) + 1 if pair is None or own is None else self.starts_ns.index(max(pair, own)) + 1

    def with_bars(self, bars: pd.DataFrame) -> "World":
        return replace(self, bars=bars.reset_index(drop=True))

    def with_settings(self, **groups: dict[str, Any]) -> "World":
        """The same world with some settings changed: `with_settings(costs={"slippage_ticks": 2})`."""
        return replace(self, config=changed(self.config, groups))


def changed(config: RunConfig, changes: dict[str, Any]) -> RunConfig:
    settings = config.model_dump(mode="json")
    for group, values in changes.items():
        settings[group] |= values
    return RunConfig.model_validate(settings)


@st.composite
def worlds(draw, **fixed: Any) -> World:
    """Any world; `fixed` settings, as `entry={"mode": "touch"}`, are laid over the drawn ones."""
    venue = draw(st.sampled_from(VENUES))
    step, tick, level = draw(st.sampled_from(GRIDS))
    settings = draw(settings_of(venue, step, tick))
    first_session = date.fromisoformat(draw(st.sampled_from(venue.starts)))
    before, traded, after = draw(st.integers(0, 3)), draw(st.integers(1, 4)), draw(mostly(0, 1))
    settings["data"]["warmup_sessions"] = draw(st.integers(0, 4))  # more or fewer than there are bars for
    for group, values in fixed.items():
        settings[group] = merged(settings.get(group, {}), values)
    config = config_from_mapping(settings)
    calendar = [s for s in run_sessions(config, first_session, first_session + TWO_WEEKS) if not s.is_warmup]
    days = calendar[: before + traded + after]
    first, last = days[before], days[before + traded - 1]
    if draw(st.integers(0, 9)) == 9:
        config = changed(config, {"session": {"exclude_dates": [str(draw(st.sampled_from(days)).date)]}})
    bar_minutes = config.data.bar_minutes
    stamps = [ns for day in days for ns in draw(stamps_of(day, bar_minutes * MINUTE_NS))]
    noise = Random(draw(st.integers(0, 2**32 - 1))).randbytes(len(stamps) * BYTES_PER_BAR)  # noqa: S311
    world = World(bars_of(stamps, noise, step, level), config, first.date, last.date, step)
    assume(world.shortest_prefix <= len(world.bars))
    return world


@st.composite
def worlds_off_their_grid(draw) -> World:
    """Any world with many of its prices a third of the tolerance of two prices off their grid."""
    world = draw(worlds())
    random = Random(draw(st.integers(0, 2**32 - 1)))  # noqa: S311
    prices = world.bars[["open", "high", "low", "close"]]
    nudged = prices.map(lambda price: price + random.choice((-1, 0, 1)) * 3e-10 * max(1.0, price))
    edges = nudged.assign(high=nudged.max(axis=1), low=nudged.min(axis=1))
    return world.with_bars(world.bars.assign(**edges))


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    return base | {
        name: merged(base[name], value) if isinstance(value, dict) and isinstance(base.get(name), dict) else value
        for name, value in over.items()
    }


@st.composite
def stamps_of(draw, session: Session, bar_ns: int) -> list[int]:
    """Bar starts of one session: whole, beginning late, cut short, without bars, or with bars outside of it too."""
    stamps = list(range(session.open_ns, session.close_ns - bar_ns + 1, bar_ns))
    kind = draw(
        st.sampled_from(("whole", "whole", "whole", "whole", "late", "cut short", "cut short", "empty", "beyond"))
    )
    if kind == "late":
        return stamps[draw(st.integers(1, 6)) :]
    if kind == "cut short":
        return stamps[: -draw(st.integers(1, max(1, len(stamps) - 1)))]
    if kind == "beyond":
        return [session.open_ns - bar_ns, *stamps, session.close_ns]
    return [] if kind == "empty" else stamps


def bars_of(stamps: list[int], noise: bytes, step: float, level: int) -> pd.DataFrame:
    """Bars decoded from three bytes each: body and gap, wicks, volume and whether the bar is missing."""
    rows, last, last_stamp = [], level, 0
    for k, stamp in enumerate(sorted(set(stamps))):
        move, wick, extra = noise[BYTES_PER_BAR * k : BYTES_PER_BAR * (k + 1)]
        if extra >= MISSING_FROM:
            continue
        is_overnight = stamp - last_stamp > 3 * 3600 * 10**9
        opened = max(20, last + GAPS[move // 16] * (4 if is_overnight else 1))
        close = max(20, opened + BODIES[move % 16])
        high = max(opened, close) + WICKS[wick % 8]
        low = max(1, min(opened, close) - WICKS[wick // 8 % 8])
        rows.append((stamp, *(round(price * step, 10) for price in (opened, high, low, close)), VOLUMES[extra % 16]))
        last, last_stamp = close, stamp
    frame = pd.DataFrame(rows, columns=["timestamp_utc", "open", "high", "low", "close", "volume"])
    frame["timestamp_utc"] = pd.to_datetime(frame["timestamp_utc"].astype("int64"), utc=True, unit="ns")
    return frame.astype(dict.fromkeys(("open", "high", "low", "close", "volume"), "float64"))


def one_of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """`usual` three times in four: a rule that refuses trades would hide all others."""
    return st.sampled_from([usual] * 3 * len(others) + list(others))


@st.composite
def settings_of(draw, venue: Venue, step: float, tick: float) -> dict[str, Any]:
    """A valid mapping of settings in which every option of every group occurs."""
    bar_minutes = int(venue.interval.removesuffix("m"))
    short, base, long = sorted(draw(st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(2, 5))))
    if short == long:
        long += 1
    factors = draw(factors_of())
    weights = draw(st.fixed_dictionaries(dict.fromkeys(factors, one_of(1.0, 1.0, 0.5, 0.1, 0.0, 2.0))))
    reachable = sum(weights[name] for name, factor in factors.items() if factor["enabled"])
    base_required = draw(one_of(0.0, 0.5, 1.0, 1.0, 2.0))
    weak_required = max(base_required, draw(one_of(1.0, 2.0, 2.5)))
    low, high = draw(one_of((0.12, 0.3), (0.4, 0.8), (0.2, 0.25), (0.75, 2.0)))
    return {
        "session": venue.session
        | {
            "weekdays": draw(mostly(["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ["mon", "wed", "fri"])),
            "half_days": draw(mostly("trade", "skip")),
        },
        "instruments": {
            SYMBOL: {"tick_size": tick, "point_value": draw(one_of(1.0, 50.0)), "costs": draw(instrument_costs())}
        },
        "orb": {
            "base_minutes": base * bar_minutes,
            "adaptive": draw(st.booleans()),
            "short_or_minutes": short * bar_minutes,
            "long_or_minutes": long * bar_minutes,
            "low_norm_vol": low,
            "high_norm_vol": high,
            "atr_period": draw(one_of(14, 1, 2, 3)),
            "enable_validity_filter": draw(mostly(False, True)),
            "min_atr_mult": draw(one_of(0.0, 0.08, 0.25)),
            "max_atr_mult": draw(one_of(1.0, 0.5, 0.3)),
        },
        "buffers": {
            "fixed": draw(one_of(0.0, 0.0, step, 0.4 * step)),
            "ticks": draw(one_of(0, 1, 1, 2, 0.5)),
            "use_atr": draw(one_of(False, False, True)),
            "atr_mult": draw(one_of(0.0, 0.05, 0.1)),
        },
        "entry": {
            "mode": draw(one_of("touch", "touch", "close", "or_end")),
            "direction": draw(one_of("both", "both", "long", "short", "or_candle")),
        },
        "factors": factors,
        "scoring": {
            "enabled": draw(st.booleans()) and weak_required <= reachable,
            "base_required": base_required,
            "weak_trend_required": weak_required,
            "weights": weights,
        },
        "trade": draw(trade_of(step, bar_minutes)),
        "governance": {
            "max_signals_per_day": draw(mostly(20, 1, 2, 3)),
            "lockout_after_losses": draw(mostly(None, 1, 2, 3)),
            "max_daily_loss_r": draw(mostly(None, 0.5, 1.0, 2.5)),
            "time_cutoff": draw(mostly(None, *venue.cutoffs)),
            "second_chance_minutes": draw(mostly(None, 60, 2 * bar_minutes, 0)),
            "flatten_at_session_end": draw(one_of(True, True, False)),
        },
        "execution": {
            "ambiguity": draw(one_of("conservative", "optimistic")),
            "limit_fill": draw(one_of("touch", "touch", "through")),
        },
        "costs": {
            "commission_per_unit": draw(one_of(0.0, 0.005, 0.2 * step)),
            "commission_pct": draw(one_of(0.0, 0.0, 0.0005)),
            "slippage_ticks": draw(one_of(0, 1, 1, 2, 0.5, 12)),
        },
        "data": {"interval": venue.interval, "validate_or": draw(mostly("none", "warn", "skip"))},
    }


def instrument_costs() -> st.SearchStrategy[dict[str, Any]]:
    return one_of({}, {}, {"slippage_ticks": 0}, {"commission_per_unit": 0.01, "commission_pct": 0.001})


def factors_of() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "rel_volume": st.fixed_dictionaries(
                {
                    "enabled": st.booleans(),
                    "mode": one_of("rolling", "time_of_day"),
                    "lookback": one_of(1, 2, 5, 20),
                    "spike_mult": one_of(1.25, 1.0, 0.0, 2.0),
                }
            ),
            "price_action": st.sampled_from(
                [
                    {"enabled": enabled, "pivot_len": p, "enable_engulfing": engulfing, "enable_structure": structure}
                    for enabled in (True, False)
                    for p in (1, 2, 3, 5)
                    for engulfing, structure in ((True, True), (True, False), (False, True))
                ]
            ),
            "profile_proxy": st.builds(
                lambda enabled, edges: {"enabled": enabled, "val_pct": edges[0], "vah_pct": edges[1]},
                st.booleans(),
                one_of((0.25, 0.75), (0.0, 1.0), (0.5, 0.9), (0.1, 0.5)),
            ),
            "vwap": st.fixed_dictionaries({"enabled": st.booleans(), "reset_mode": one_of("session", "or_end")}),
            "adx": st.fixed_dictionaries(
                {"enabled": st.booleans(), "period": one_of(2, 3, 5, 14), "threshold": one_of(18.0, 0.0, 40.0, 100.0)}
            ),
        }
    )


@st.composite
def trade_of(draw, step: float, bar_minutes: int) -> dict[str, Any]:
    t1_pct, t2_pct = draw(mostly((0.5, 0.25), (0.3, 0.3), (0.0, 0.5), (0.5, 0.0), (0.7, 0.3), (0.0, 0.0), (1.0, 0.0)))
    return {
        "stop_mode": draw(one_of("swing", "or_opposite", "or_midpoint", "atr", "atr_capped")),
        "extra_stop_buffer": draw(one_of(0.0, 0.0, step, 0.4 * step)),
        "swing_lookback": draw(one_of(10, 1, 2, 4)),
        "atr_stop_mult": draw(one_of(0.1, 0.25, 0.5)),
        "atr_stop_cap_mult": draw(one_of(0.5, 0.1, 0.25)),
        "partials": draw(one_of(True, True, False)),
        "t1_r": draw(one_of(1.0, 0.5, 0.25)),
        "t1_pct": t1_pct,
        "t2_r": draw(one_of(1.5, 1.25)),
        "t2_pct": t2_pct,
        "runner_r": draw(one_of(2.0, 3.0, None)),
        "primary_r": draw(one_of(1.5, 0.5, 1.0, None)),
        "move_be_at_r": draw(one_of(1.0, 0.5, 0.0, None)),
        "be_buffer": draw(one_of(0.0, 0.0, step, 0.4 * step, -2 * step)),
        "trail": {
            "mode": draw(one_of("none", "none", "r", "atr", "swing")),
            "start_r": draw(one_of(1.0, 0.0, 0.5)),
            "distance": draw(one_of(1.0, 0.25, 0.5)),
        },
        "max_hold_minutes": draw(mostly(None, bar_minutes, 4 * bar_minutes, 7)),
    }
