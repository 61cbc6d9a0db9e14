"""The check that no decision knows the future: a run on a prefix of the bars, and one on bars with another future.

`leak` compares both with the run on all bars and says where the past of the three differs. It is the same function
that the engine must pass and that every planted leak must fail.
"""

from collections.abc import Callable

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from tests.engine.reference import Tables
from tests.engine.reference_market import MINUTE_NS
from tests.engine.runs import run_reference
from tests.strategies import World, worlds

Run = Callable[[World], Tables]

AT_THE_CLOSE = {"session_end", "time_stop", "end_of_data"}
KNOWN_AT_ENTRY_UNTIL = "targets_filled"  # the trade columns before it are settled when the trade is entered, but for:
SETTLED_LATER = {"exit_timestamp", "exit_price", "exit_reason", "stop_final"}
PRICES = ["open", "high", "low", "close"]


def leak(run: Run, world: World, cut: int) -> str | None:
    """What a run on the bars before `cut`, or with other bars from `cut` on, says otherwise; None when nothing.

    Of bar `cut` itself an entry may know the open; that a stop order was touched also needs its high and low.
    """
    full = run(world)
    starts_ns = world.starts_ns
    known_ns = max(world.in_session(starts_ns[:cut]))
    prefix = run(world.with_bars(world.bars.iloc[:cut]))
    poisoned = run(with_another_future(world, cut))
    return difference(
        "prefix", past(prefix, world, known_ns, known_ns), past(full, world, known_ns, known_ns)
    ) or difference(
        "poisoned future", past(poisoned, world, known_ns, starts_ns[cut]), past(full, world, known_ns, starts_ns[cut])
    )


def difference(name: str, mine: Tables, full: Tables) -> str | None:
    for kind, rows in full.items():
        for row in [repr(row) for row in mine[kind]]:  # repr: bit for bit, and NaN equals NaN
            if row not in [repr(row) for row in rows]:
                return f"{name}: only there {kind} has {row}"
        if len(rows) != len(mine[kind]):
            return f"{name}: {len(mine[kind])} {kind}, {len(rows)} with all bars: {rows}"
    return None


def past(tables: Tables, world: World, known_ns: int, entered_ns: int) -> Tables:
    """What is settled once the bar that starts at `known_ns` has closed, and entries up to that at `entered_ns`."""
    closes_ns = {session.close_ns for session in world.sessions}

    def is_settled(at_ns: int, kind: str) -> bool:
        bar_ns = at_ns - world.bar_ns if kind in AT_THE_CLOSE else at_ns
        is_for_want_of_bars = kind == "end_of_data" or (kind == "session_end" and at_ns not in closes_ns)
        return bar_ns < known_ns or (bar_ns == known_ns and not is_for_want_of_bars)

    entered = [row for row in tables["trades"] if row["entry_timestamp"] <= entered_ns]
    return {
        "signals": [row for row in tables["signals"] if row["timestamp"] <= entered_ns],
        "entries": [settled_at_entry(row) for row in entered],
        "trades": [row for row in entered if is_settled(row["exit_timestamp"], row["exit_reason"])],
        "fills": [row for row in tables["fills"] if is_settled(row["timestamp"], row["kind"])],
        "stops": [row for row in tables["stops"] if row["timestamp"] - world.bar_ns <= known_ns],
        "sessions": [row for row in tables["sessions"] if row["close"] <= known_ns]
        + [opening_of(row) for row in tables["sessions"] if is_opening_over(row, world, known_ns)],
    }


def settled_at_entry(trade: dict) -> dict:
    before = list(trade)[: list(trade).index(KNOWN_AT_ENTRY_UNTIL)]
    after = list(trade)[list(trade).index("signal_number") :]
    return {name: trade[name] for name in before + after if name not in SETTLED_LATER}


def is_opening_over(session: dict, world: World, known_ns: int) -> bool:
    orb = world.config.orb
    longest = orb.long_or_minutes if orb.adaptive else orb.base_minutes
    return session["open"] + longest * MINUTE_NS <= known_ns + world.bar_ns <= session["close"]


def opening_of(session: dict) -> dict:
    return {name: value for name, value in session.items() if name.startswith(("or_", "daily", "norm", "session"))}


def with_another_future(world: World, cut: int) -> World:
    """Bar `cut` closes elsewhere with another volume; the bars after it are others altogether."""
    bars, poisoned = world.bars, world.bars.copy()
    if world.config.entry.mode == "touch":
        close, high, low = (bars[name].iloc[cut] for name in ("close", "high", "low"))
        poisoned.loc[cut, "close"] = low if high - close < close - low else high
    else:
        poisoned.loc[cut, ["high", "close"]] = bars["high"].iloc[cut] * 3
        poisoned.loc[cut, "low"] = bars["low"].iloc[cut] / 2
    poisoned.loc[cut:, "volume"] = bars["volume"].iloc[cut:].fillna(50.0) * 7 + 11
    poisoned.loc[cut + 1 :, PRICES] = np.round(bars[PRICES].to_numpy()[:cut:-1] * 3, 10)
    return world.with_bars(poisoned)


@st.composite
def worlds_with_cuts(draw, **fixed: object) -> tuple[World, int]:
    """A world and how many of its bars are known: anywhere, or within a bar of where something is decided."""
    world = draw(worlds(**fixed))
    starts_ns, shortest = world.starts_ns, world.shortest_prefix
    assume(shortest < len(starts_ns))
    cut = draw(st.integers(shortest, len(starts_ns) - 1))
    edges = draw(st.sampled_from(("none", "clock", "decisions")))
    if edges != "none":
        found = clock_edges(world) if edges == "clock" else decisions(world)
        assume(found)
        edge = draw(st.sampled_from(found))
        cut = sum(ns < edge for ns in starts_ns) + draw(st.integers(-1, 1))
    return world, min(max(cut, shortest), len(starts_ns) - 1)


def clock_edges(world: World) -> list[int]:
    """Opens, closes and the ends of every range there may be."""
    orb = world.config.orb
    lengths = sorted({0, orb.base_minutes, orb.short_or_minutes, orb.long_or_minutes})
    own = [session for session in world.sessions if not session.is_warmup]
    return [s.open_ns + length * MINUTE_NS for s in own for length in lengths] + [s.close_ns for s in own]


def decisions(world: World) -> list[int]:
    """Entry bars of all signals, and exits."""
    tables = run_reference(world)
    return [row["timestamp"] for row in tables["signals"]] + [row["exit_timestamp"] for row in tables["trades"]]
