"""A run about to be saved: results of the engine, and every figure derived from them here.

Nothing in it can be made up: a `NewRun` takes `BacktestResult`s, and books, summarises and totals them itself.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orb_core.analytics.equity import combine, utc_ns
from orb_core.analytics.summary import Summary, summary
from orb_core.config.hours import exchange_zone
from orb_core.config.load import config_hash, differences
from orb_core.config.models import RunConfig
from orb_core.engine.backtest import ENGINE_VERSION, BacktestResult
from orb_core.store.bar_chunks import Chunk, fingerprint_of, split
from orb_core.store.manifest import SCHEMA_VERSION, Manifest, SymbolRecord, Totals
from orb_core.store.provenance import git_commit, package_versions
from orb_core.store.tables import ALL_TRADES, empty_frame

SPARKLINE_POINTS: Final = 60


@dataclass(frozen=True)
class SymbolRun:
    """One symbol's backtest, and what it was run on.

    Attributes
    ----------
    result : BacktestResult
        Under the configured policy for unclear fills.
    other_policy : BacktestResult
        Under the other one.
    bars : DataFrame
        The bars both read, warm-up included.
    quality : Mapping
        The quality report of the bars as they were fetched.
    warnings : tuple of str
        For the people who look at the result.
    parts : list of (Chunk, DataFrame)
        The bars in chunks, each with its name; cut here, where each symbol still has a thread of its own.
    """

    result: BacktestResult
    other_policy: BacktestResult
    bars: pd.DataFrame
    quality: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    parts: list[tuple[Chunk, pd.DataFrame]] = field(init=False)

    def __post_init__(self) -> None:
        for result in (self.result, self.other_policy):
            if not isinstance(result, BacktestResult):
                raise TypeError(f"A run is made of BacktestResults, not of a {type(result).__name__}")
        object.__setattr__(self, "parts", split(self.bars))


@dataclass(frozen=True)
class NewRun:
    """Everything a run folder holds, before it is one.

    Attributes
    ----------
    config : RunConfig
    symbols : tuple of str
        In the order asked; cash is shared out in that order where trades begin together.
    start, end : date
        Inclusive session dates as asked.
    source : Mapping
        Where the bars came from, as JSON.
    flags : Mapping
        Other choices of the request, as JSON.
    done : Mapping
        Symbol → its backtest.
    failed : Mapping
        Symbol → why there is none. A symbol in neither was not reached before the run was cancelled.
    created : datetime
        When the run began, tz-aware.
    origin : str
        Which front end asked.
    seconds : Mapping
        Step → wall time.
    run_id : str or None
        None: named after `created`.
    rerun_of : str or None
    warnings : tuple of str
        About the run as a whole.
    """

    config: RunConfig
    symbols: tuple[str, ...]
    start: date
    end: date
    source: Mapping[str, Any]
    done: Mapping[str, SymbolRun]
    failed: Mapping[str, str]
    created: datetime
    origin: str
    flags: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    run_id: str | None = None
    rerun_of: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def status(self) -> Literal["complete", "partial", "failed", "cancelled"]:
        """Return how the run ended, over all its symbols."""
        if len(self.done) + len(self.failed) < len(self.symbols):
            return "cancelled"
        if not self.failed:
            return "complete"
        return "partial" if self.done else "failed"

    @cached_property
    def combined(self) -> Summary:
        """Return the summary of all symbols together, on one account."""
        runs = [self.done[symbol] for symbol in self.symbols if symbol in self.done]
        whole = summary([run.result for run in runs], self.config)
        return _with_other_policy(whole, [run.other_policy for run in runs])

    @cached_property
    def per_symbol(self) -> dict[str, Summary]:
        """Return each symbol's summary: its own trades, with the quantities the common account allowed."""
        if len(self.done) == 1:
            return dict.fromkeys(self.done, self.combined)
        trades = self.combined.trades

        def summed_up(run: SymbolRun) -> Summary:
            return _with_other_policy(summary(run.result, self.config, booked=trades), [run.other_policy])

        with ThreadPoolExecutor() as pool:
            return dict(zip(self.done, pool.map(summed_up, self.done.values()), strict=True))

    def all_trades(self, run_id: str) -> pd.DataFrame:
        """Return every symbol's trades in order of entry, with run_id, cash and the exchange's clock."""
        if not self.done:
            return empty_frame(ALL_TRADES)
        trades = self.combined.trades
        timezone = exchange_zone(self.config.session)
        local = {
            f"{end}_local": trades[f"{end}_timestamp"].dt.tz_convert(timezone).dt.tz_localize(None)
            for end in ("entry", "exit")
        }
        return trades.assign(run_id=run_id, **local)[list(ALL_TRADES)]

    def request(self) -> dict[str, Any]:
        """Return config.json: enough to run it again."""
        return {
            "symbols": self.symbols,
            "start": self.start,
            "end": self.end,
            "source": self.source,
            "flags": self.flags,
            "config": self.config.model_dump(mode="json"),
        }

    def manifest(self, run_id: str) -> Manifest:
        """Return run.json."""
        return Manifest(
            run_id=run_id,
            created_utc=self.created.astimezone(UTC),
            status=self.status,
            schema_version=SCHEMA_VERSION,
            symbols={symbol: self._record(symbol) for symbol in self.symbols},
            start=self.start,
            end=self.end,
            source=dict(self.source),
            interval=self.config.data.interval,
            config_hash=config_hash(self.config),
            changed={path: value for path, (value, _) in differences(self.config).items()},
            engine_version=ENGINE_VERSION,
            packages=package_versions(),
            git_commit=git_commit(),
            origin=self.origin,
            rerun_of=self.rerun_of,
            seconds={step: round(seconds, 3) for step, seconds in self.seconds.items()},
            warnings=self.warnings,
            totals=Totals.of(self.combined.metrics) if self.done else None,
            equity_r=_thinned(self.combined.equity["cumulative_r"].to_numpy()) if self.done else (),
        )

    def _record(self, symbol: str) -> SymbolRecord:
        if symbol in self.failed:
            return SymbolRecord(status="failed", error=self.failed[symbol])
        if symbol not in self.done:
            return SymbolRecord(status="cancelled")
        run = self.done[symbol]
        chunks = {chunk.month: chunk.sha256 for chunk, _ in run.parts}
        sessions = run.result.sessions
        without_bars = (~sessions["warmup"] & (sessions["bars"] == 0)).to_numpy()
        return SymbolRecord(
            status="complete",
            warnings=run.warnings,
            missing_sessions=tuple(sessions.loc[without_bars, "session_date"].dt.date),
            first_bar=run.bars["timestamp_utc"].iloc[0],
            last_bar=run.bars["timestamp_utc"].iloc[-1],
            bars=chunks,
            fingerprint=fingerprint_of(chunks.values()),
            totals=Totals.of(self.per_symbol[symbol].metrics),
        )


def _with_other_policy(of_results: Summary, others: Sequence[BacktestResult]) -> Summary:
    """Fill in what the same symbols made under the other policy for unclear fills.

    Added up in order of exit as `total_r` is: where no fill is unclear, the two totals are equal to the last digit.
    """
    trades = combine([other.trades for other in others])
    order = np.lexsort((utc_ns(trades["entry_timestamp"]), utc_ns(trades["exit_timestamp"])))
    own, other = ("conservative", "optimistic") if _is_optimistic(others[0]) else ("optimistic", "conservative")
    totals = {
        f"total_r_{own}": of_results.metrics["total_r"],
        f"total_r_{other}": float(trades["realized_r"].to_numpy()[order].sum()),
    }
    return replace(of_results, metrics={**of_results.metrics, **totals})


def _is_optimistic(result: BacktestResult) -> bool:
    return result.config.execution.ambiguity == "optimistic"


def _thinned(values: NDArray[np.float64]) -> tuple[float, ...]:
    """Return at most `SPARKLINE_POINTS` of the values, evenly spaced, first and last included."""
    picked = np.unique(np.linspace(0, len(values) - 1, min(len(values), SPARKLINE_POINTS)).round().astype(np.int64))
    return tuple(round(float(value), 4) for value in values[picked])
