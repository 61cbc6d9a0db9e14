"""Two runs side by side: what differs between them, trade by trade, and whether the difference could be chance."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orb_core.analytics.matching import ROUNDING, match_trades
from orb_core.analytics.metrics import Floats
from orb_core.analytics.robustness import PairedDifference, paired_difference
from orb_core.analytics.words import counted, number, r_multiple
from orb_core.config.load import differences
from orb_core.config.models import RunConfig
from orb_core.config.symbols import some_of

BRIDGE: Final = {
    "only_a_r": "Without A's own trades",
    "only_b_r": "With B's own trades",
    "entry_r": "Entered at other prices",
    "exit_r": "Left at other prices",
    "unit_r": "1 R of another size",
    "costs_r": "Costs of the same trades",
}
"""The parts of a difference in R: column of `match_trades` → what it is."""


@dataclass(frozen=True, eq=False)
class RunRecord:
    """What a comparison needs to know of a run.

    Attributes
    ----------
    start, end : date
        First and last session date, both included.
    bars : mapping
        Symbol → calendar month → hash of the bars; its symbols are those with results.
    tables : mapping
        Kind → table of all symbols (orb_core/engine/records.py). `compare` reads trades and sessions, `verify` all.
    """

    config: RunConfig
    start: date
    end: date
    engine_version: str
    bars: Mapping[str, Mapping[str, str]]
    tables: Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class BridgePart:
    """One part of the way from A's total R to B's; `trades` have a share in it."""

    label: str
    r: float
    trades: int


@dataclass(frozen=True, eq=False)
class Comparison:
    """B against A on the sessions both have, warm-up excluded.

    Attributes
    ----------
    banner : tuple of str
        Why the two are not quite comparable, most serious first; empty when only the strategy differs.
    settings : mapping
        Settings that differ: dotted path → (value in A, value in B).
    days : DataFrame
        `session_date`, and R by the session of entry of each run: `a`, `b`. One row per shared date.
    difference : PairedDifference
        B's total minus A's, over `days`.
    traded_the_same : bool
        Whether nothing tells the trades on `days` apart; also if neither has any.
    verdict : str
    trades : DataFrame
        What `match_trades` returns.
    bridge : tuple of BridgePart
        They add up to the difference.
    """

    banner: tuple[str, ...]
    settings: Mapping[str, tuple[Any, Any]]
    days: pd.DataFrame
    difference: PairedDifference
    traded_the_same: bool
    verdict: str
    trades: pd.DataFrame
    bridge: tuple[BridgePart, ...]

    @property
    def total_a(self) -> float:
        """Total R of A on the shared days."""
        return float(self.days["a"].sum())

    @property
    def total_b(self) -> float:
        """Total R of B on the shared days."""
        return float(self.days["b"].sum())


def compare(a: RunRecord, b: RunRecord) -> Comparison:
    """Compare two runs on the sessions both have, by symbol and date; all other sessions of either are left out.

    A trade belongs to the session it was entered in, and its R with it.
    """
    shared = _shared_sessions(a, b)
    trades_a, trades_b = (_within(run.tables["trades"], shared) for run in (a, b))
    trades = match_trades(trades_a, trades_b)
    dates = np.unique(shared["session_date"].to_numpy())
    days = pd.DataFrame(
        {"session_date": dates, "a": _by_date(trades_a, dates), "b": _by_date(trades_b, dates)},
    )
    difference = paired_difference(days["a"].to_numpy(), days["b"].to_numpy())
    traded_the_same = not days.empty and bool((trades["status"] == "same").all())
    return Comparison(
        banner=banner(a, b),
        settings={path: (of_a, of_b) for path, (of_b, of_a) in differences(b.config, a.config).items()},
        days=days,
        difference=difference,
        traded_the_same=traded_the_same,
        verdict=(
            _same_words(len(trades), len(days), float(days["a"].sum())) if traded_the_same else verdict(difference)
        ),
        trades=trades,
        bridge=tuple(
            BridgePart(label, float(trades[part].sum()), int((trades[part].abs() > ROUNDING).sum()))
            for part, label in BRIDGE.items()
        ),
    )


def verdict(difference: PairedDifference) -> str:
    """Say in a sentence how much more B earned than A, and whether that could be chance.

    >>> verdict(PairedDifference(252, 6.1, -3.2, 15.1, 0.2))
    'B earned +6.10 R more over 252 shared days (95 %: −3.20 … +15.10): could be chance.'
    """
    over = f"over {counted(difference.days, 'shared day')}"
    if difference.days == 0:
        return "A and B share no day: there is nothing to compare."
    amount = number(abs(difference.difference))
    if float(amount.replace(",", "")) == 0:
        earned = "A and B earned the same"
    else:
        earned = f"B earned +{amount} R more" if difference.difference > 0 else f"B earned {amount} R less"
    if np.isnan(difference.low):
        return f"{earned} {over}: too few to tell it from chance."
    interval = f"95 %: {number(difference.low, sign=True)} … {number(difference.high, sign=True)}"
    chance = "could be chance" if difference.could_be_chance else "hardly chance"
    return f"{earned} {over} ({interval}): {chance}."


def _same_words(trades: int, days: int, total_r: float) -> str:
    on = f"on {counted(days, 'shared day')}"
    if not trades:
        return f"Neither A nor B traded {on}."
    return f"A and B traded the same: {counted(trades, 'trade')} {on}, {r_multiple(total_r)} in each."


def banner(a: RunRecord, b: RunRecord) -> tuple[str, ...]:
    """Return what makes two runs hard to compare beyond their strategy, a sentence each; usually nothing."""
    said = []
    for here, other, name in ((a, b, "A"), (b, a, "B")):
        alone = [symbol for symbol in here.bars if symbol not in other.bars]
        if alone:
            said.append(f"Only {name} has {some_of(alone)}: compared on the symbols both have.")
    if (a.start, a.end) != (b.start, b.end):
        said.append(f"Shared days only: A has {a.start} → {a.end}, B {b.start} → {b.end}.")
    changed = differences(b.config, a.config)
    for what, prefixes in _CONDITIONS.items():
        paths = [path for path in changed if path.startswith(prefixes)]
        if paths:
            said.append(f"{what} differ ({', '.join(paths)}): part of the difference comes from there.")
    same_length = a.config.data.interval == b.config.data.interval  # others cannot be the same bars
    for symbol, months in changed_bars(a, b).items() if same_length else ():
        said.append(f"The bars of {symbol} differ in {some_of(months)}.")
    if a.engine_version != b.engine_version:
        said.append(f"A was made by engine version {a.engine_version}, B by {b.engine_version}.")
    return tuple(said)


_CONDITIONS: Final = {
    "Sessions": ("session.calendar", "session.open", "session.close", "session.timezone"),
    "Bar lengths": ("data.interval",),
    "Costs": ("costs.", "instruments."),
    "Fill rules": ("execution.",),
}
"""What a fair comparison has in common, and the settings that say so."""


def changed_bars(a: RunRecord, b: RunRecord) -> dict[str, list[str]]:
    """Return the months in which the bars of a shared symbol differ, by symbol.

    A run that reaches less far has only a part of its first and last month: those are left out unless both runs reach
    equally far.
    """
    changed = {}
    for symbol in a.bars.keys() & b.bars.keys():
        ours, theirs = dict(a.bars[symbol]), dict(b.bars[symbol])
        months = ours.keys() | theirs.keys()
        if _reach(a) != _reach(b):
            months = set(sorted(ours)[1:-1]) & set(sorted(theirs)[1:-1])
        differing = sorted(month for month in months if ours.get(month) != theirs.get(month))
        if differing:
            changed[symbol] = differing
    return dict(sorted(changed.items()))


def _reach(run: RunRecord) -> tuple[date, date, int]:
    return run.start, run.end, run.config.data.warmup_sessions


def _shared_sessions(a: RunRecord, b: RunRecord) -> pd.DataFrame:
    """Symbol and date of every session that is no warm-up in either run."""
    keys = ["symbol", "session_date"]
    of_a, of_b = (run.tables["sessions"].loc[lambda s: ~s["warmup"], keys] for run in (a, b))
    return of_a.astype({"symbol": "str"}).merge(of_b.astype({"symbol": "str"}), on=keys)


def _within(trades: pd.DataFrame, shared: pd.DataFrame) -> pd.DataFrame:
    keys = ["symbol", "session_date"]
    wanted = pd.MultiIndex.from_frame(shared)
    own = pd.MultiIndex.from_frame(trades[keys].astype({"symbol": "str"}))
    return trades[own.isin(wanted)].reset_index(drop=True)


def _by_date(trades: pd.DataFrame, dates: NDArray[np.datetime64]) -> Floats:
    rows = np.searchsorted(dates, trades["session_date"].to_numpy())
    total = np.bincount(rows, weights=trades["realized_r"].to_numpy(), minlength=dates.size)
    return total.astype(np.float64)  # of nothing, bincount gives integers
