"""A run's trades under other stops and targets: the same entries, each lived again over the same bars."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orb_core.config.models import RunConfig
from orb_core.engine import records
from orb_core.engine.prepare import Prepared, prepare
from orb_core.engine.simulate_nb import MOST_FILLS, POSITION, replay_nb
from orb_core.errors import BarsError

Target = float | Literal["own", "none"]
"""A single target in R; `own`: the run's targets, partial ones included; `none`: no target at all."""

OWN_STOP: Final = 1.0


@dataclass(frozen=True)
class Grid:
    """What to try.

    Attributes
    ----------
    stops : tuple of float
        Distance of the initial stop from the entry, in R, above 0; 1 is the run's own.
    targets : tuple of Target
        R multiples above 0, `own` and `none`.
    """

    stops: tuple[float, ...]
    targets: tuple[Target, ...]


USUAL: Final = Grid(
    (0.25, 0.5, 0.75, OWN_STOP, 1.25, 1.5, 2.0, 3.0), ("own", 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, "none")
)


@dataclass(frozen=True, eq=False)
class WhatIf:
    """Results of the same entries under every stop and target of a grid.

    Attributes
    ----------
    grid : Grid
        Its stops are the rows, its targets the columns.
    r : float64[stops, targets, trades]
        Net result of each trade in R, in the order the trades were given. 1 R is what the trade risked in the run, in
        every cell: a result is so many times the money that was put at risk then, with the quantity of then.
    """

    grid: Grid
    r: NDArray[np.float64]

    @property
    def own(self) -> tuple[int, int]:
        """Row and column of the run itself, in a grid that has it."""
        return self.grid.stops.index(OWN_STOP), self.grid.targets.index("own")

    @property
    def total_r(self) -> NDArray[np.float64]:
        """Total R of each cell, float64[stops, targets]."""
        return np.asarray(self.r.sum(axis=2))

    @property
    def average_r(self) -> NDArray[np.float64]:
        """Average R of each cell, float64[stops, targets]; NaN without trades."""
        return np.asarray(self.r.mean(axis=2)) if self.r.shape[2] else np.full(self.r.shape[:2], np.nan)

    @classmethod
    def together(cls, grids: Sequence[Self]) -> Self:
        """The results of several symbols under one grid, as one; their trades in the order given."""
        return cls(grids[0].grid, np.concatenate([each.r for each in grids], axis=2))


def what_if(
    bars: pd.DataFrame, trades: pd.DataFrame, config: RunConfig, start: date, end: date, grid: Grid = USUAL
) -> WhatIf:
    """Live the entries of one symbol's run again under other stops and targets.

    Every entry of the run is kept, at its own price and with its own costs, and lives alone over the run's bars: with
    the initial stop at so many R from the entry, on the tick grid and at least a tick from the fill, and with the run's
    targets, a single one, or none. R is the trade's own risk in the run throughout. Everything else is the run's:
    targets, breakeven and trail stay at their distances in that R while the stop moves, fills follow the same rules,
    and the session's end, the time limit and the costs are the same. A cell of stop 1 and the run's own targets is the
    run, trade by trade and to the last bit.

    No cell but that one is a backtest: a trade that ends sooner or later would have changed what came after it (a
    further entry, a lockout, a loss limit), and a run with that stop might have refused some entries. Take a promising
    cell into a run.

    Parameters
    ----------
    bars : DataFrame
        The bar table the run was made with, warm-up included.
    trades : DataFrame
        Of one symbol, columns of `records.TRADES`.
    config : RunConfig
        The run's.
    start, end : date
        First and last session date of the run.
    grid : Grid

    Raises
    ------
    BarsError
        A trade was not entered on one of these bars.
    """
    if trades.empty:
        return WhatIf(grid, np.empty((len(grid.stops), len(grid.targets), 0)))
    prepared = prepare(bars, config, str(trades["symbol"].iloc[0]), start, end)
    columns = [_targets(prepared, target) for target in grid.targets]
    r = replay_nb(
        prepared.sessions,
        prepared.ts_ns,
        prepared.open,
        prepared.high,
        prepared.low,
        prepared.close,
        prepared.rules,
        _entries(prepared, trades),
        np.array(grid.stops, dtype=np.float64),
        np.array([multiples for multiples, _ in columns]),
        np.array([fractions for _, fractions in columns]),
        np.empty(1, records.TRADE_ROW),
        np.empty(MOST_FILLS, records.FILL_ROW),
        np.empty(1, records.STOP_ROW),
        np.zeros(1, POSITION),
    )
    return WhatIf(grid, r)


def _targets(p: Prepared, target: Target) -> tuple[list[float], list[float]]:
    """R multiples and fractions of t1, t2 and the runner."""
    if target == "own":
        return p.rules["target_r"].tolist(), p.rules["target_fraction"].tolist()
    return [np.nan, np.nan, np.nan if target == "none" else target], [0.0, 0.0, 1.0]


def _entries(p: Prepared, trades: pd.DataFrame) -> NDArray[Any]:
    """The trades' entries as the kernel reads them."""
    entry_ns = pd.DatetimeIndex(trades["entry_timestamp"]).as_unit("ns").asi8
    bar = np.minimum(np.searchsorted(p.ts_ns, entry_ns), p.ts_ns.size - 1)
    is_missing = p.ts_ns[bar] != entry_ns
    if is_missing.any():
        one = trades.iloc[int(np.argmax(is_missing))]
        raise BarsError(
            f"bars of {one['symbol']}: {is_missing.sum()} of {len(trades)} trades were not entered on any of them, "
            f"such as {one['trade_id']}; pass the bars of that run"
        )
    entries = np.zeros(len(trades), records.ENTRY_ROW)
    entries["bar"] = bar
    entries["session"] = np.searchsorted(p.table.dates, trades["session_date"].to_numpy().astype("datetime64[D]"))
    entries["direction"] = np.where(trades["direction"] == "long", 1, -1)
    entries["entry_price"], entries["stop"] = trades["entry_price"], trades["stop_initial"]
    entries["risk"], entries["daily_atr"] = trades["risk"], trades["daily_atr"]
    return entries
