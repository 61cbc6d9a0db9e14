"""The use cases: what a front end can ask for, each in one call."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal
from uuid import uuid4

import pandas as pd
from loguru import logger

from orb_core.analytics.attribution import factor_attribution
from orb_core.analytics.breakdown import by_score
from orb_core.analytics.compare import Comparison, compare
from orb_core.analytics.remarks import thin_opening_ranges, warnings
from orb_core.analytics.session_view import SessionView
from orb_core.config.load import config_hash, differences
from orb_core.config.models import RunConfig
from orb_core.config.places import cache_path, runs_path
from orb_core.config.symbols import normalize_symbols
from orb_core.data.archive import CachedSource
from orb_core.data.files import FileSource
from orb_core.data.installed import installed_source, refuse_unknown
from orb_core.data.quality import adjust_splits, clean_bars
from orb_core.data.sessions import session_table, with_warmup
from orb_core.data.source import Source
from orb_core.data.synthetic import SyntheticSource
from orb_core.data.yahoo import YahooSource
from orb_core.engine import simulate_nb
from orb_core.engine.backtest import BacktestResult, EventLoopBacktest
from orb_core.engine.records import FACTORS
from orb_core.errors import CancelledError, ConfigError, DamagedRunError, NoSessionsError, OrbError
from orb_core.store import run_report
from orb_core.store.manifest import Manifest
from orb_core.store.new_run import NewRun, SymbolRun
from orb_core.store.run_records import run_record, whole_table
from orb_core.store.runs import RunStore
from orb_core.store.session_views import view_session

_LINE: Final = "{time:YYYY-MM-DD HH:mm:ss.SSS} {level: <8} {message}"


@dataclass(frozen=True)
class SourceSpec:
    """Where bars come from.

    Attributes
    ----------
    kind : str
        `synthetic` (made up), `file`, `yahoo`, or the name of an installed source (docs/sources.md).
    path : Path or None
        Of `file`: a file or a folder of them.
    seed : int
        Of `synthetic`.
    data_tz, stamp : str or None
        Of `file`: what it cannot say itself, the clock of its stamps and which end of a bar they are.
    adjust_splits : bool
        Adjust the bars before each suspected split.
    """

    kind: str
    path: Path | None = None
    seed: int = 0
    data_tz: str | None = None
    stamp: Literal["open", "close"] | None = None
    adjust_splits: bool = False


@dataclass(frozen=True)
class RunRequest:
    """One backtest to be run and saved.

    Attributes
    ----------
    symbols : tuple of str
        In the order in which they share the cash.
    start, end : date
        First and last session date, both included; any dates up to today.
    use_cache : bool
        Read and write the bars in `cache_dir`.
    run_id : str or None
        None: named after the moment.
    workers : int or None
        Symbols at a time; None: one per core.
    origin : str
        Which front end asks.
    rerun_of : str or None
        The run whose stored bars are used; the source then only says where they once came from.
    created : datetime
        The moment it is named after, tz-aware.
    """

    config: RunConfig
    symbols: tuple[str, ...]
    start: date
    end: date
    source: SourceSpec
    use_cache: bool = False
    cache_dir: Path = field(default_factory=cache_path)
    run_id: str | None = None
    workers: int | None = None
    origin: str = "app"
    rerun_of: str | None = None
    created: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class Progress:
    """How far a step is: `done` of `total`, `symbol` the last one through it."""

    step: Literal["fetch", "backtest", "save"]
    symbol: str | None
    done: int
    total: int


BarsOf = Callable[[str], tuple[pd.DataFrame, Mapping[str, Any]]]
"""Symbol → its bars, warm-up included, and their quality report."""


def default_store() -> RunStore:
    """Return the runs in the folder ORB_RUNS_DIR names, else in runs/ of the project."""
    return RunStore(runs_path())


def is_compiled() -> bool:
    """Whether the simulation was compiled since it was last changed; if not, the first run takes 20 seconds more."""
    kernel = Path(simulate_nb.__file__)
    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or kernel.parent / "__pycache__")
    changed = kernel.stat().st_mtime
    return any(index.stat().st_mtime >= changed for index in folder.rglob(f"{kernel.stem}.simulate_nb*.nbi"))


def run_and_save(
    request: RunRequest,
    store: RunStore,
    *,
    reuse: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> Manifest:
    """Fetch bars, run every symbol under both policies for unclear fills, and save that as a run.

    A run of which some symbols failed, or all, is saved too and says so in its manifest.

    Parameters
    ----------
    request : RunRequest
    store : RunStore
    reuse : bool
        Do not save a complete run of the same configuration on the same bars again: the manifest is that of the run
        which is there.
    on_progress : callable, optional
        Told of each step of each symbol, by one thread at a time.
    is_cancelled : callable, optional
        Asked before each step; once it says yes, what is finished is saved.

    Raises
    ------
    CancelledError
        Cancelled before any symbol was finished.
    OrbError
        Nothing could be run, or nothing could be saved.
    """
    store.check_can_save(request.run_id)
    tell = on_progress or (lambda _: None)
    with _recorded() as log:
        request, notes = checked(request)
        bars_of = _stored_bars(store, request.rerun_of) if request.rerun_of else _fetched_bars(request, is_cancelled)
        run = _Work(request, bars_of, on_progress, is_cancelled).run(notes)
        same = store.find_same(run) if reuse else None
        if same:
            logger.info("{} has the same configuration and bars; it is not saved twice", same)
            return store.load(same).manifest
        tell(Progress("save", None, 0, 1))
        run_id = store.save(run, log())
        tell(Progress("save", None, 1, 1))
    logger.info("Saved as {}", run_id)
    return store.load(run_id).manifest


def request_again(run_id: str, store: RunStore) -> RunRequest:
    """Return the request that repeats a stored run with its own configuration on its own stored bars.

    The same code gives the same bytes in every `{symbol}_*.parquet`.

    Raises
    ------
    RunNotFoundError
        No run has this id.
    DamagedRunError
        What it was asked for cannot be read.
    ConfigError
        This version does not accept its configuration any more.
    """
    run = store.load(run_id)
    asked = run.request
    try:
        source = asked["source"]
        return RunRequest(
            config=run.config,
            symbols=tuple(asked["symbols"]),
            start=date.fromisoformat(asked["start"]),
            end=date.fromisoformat(asked["end"]),
            source=SourceSpec(**{**source, "path": source["path"] and Path(source["path"])}),
            rerun_of=run_id,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedRunError(f"{run_id}/config.json does not hold a request: {error!r}") from error


def session_view(store: RunStore, run_id: str, symbol: str, session_date: date) -> SessionView:
    """Return everything the chart of one session of a stored run shows.

    Raises
    ------
    StoreError
        There is no such run, symbol or session, or a part of it is damaged.
    """
    return view_session(store.load(run_id), symbol, session_date)


def compare_runs(store: RunStore, a: str, b: str) -> Comparison:
    """Return run B beside run A, on the sessions both have.

    Raises
    ------
    OrbError
        There is no such run, it has no results, a part of it is damaged, or this version does not accept its settings.
    """
    return compare(run_record(store.load(a)), run_record(store.load(b)))


def attribution(store: RunStore, run_id: str, symbol: str | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what each factor that was on was worth, and the results by score: `factor_attribution`, `by_score`.

    Of one symbol, or of all together.

    Raises
    ------
    OrbError
        There is no such run or symbol, it has no results, or a part of it is damaged.
    """
    run = store.load(run_id)
    trades = whole_table(run, "trades", symbol)
    enabled = [factor for factor in FACTORS if getattr(run.config.factors, factor).enabled]
    return factor_attribution(trades, enabled), by_score(trades)


def report(store: RunStore, run_id: str, symbol: str | None = None) -> str:
    """Return the report of a stored run, of one symbol or of all together, as one HTML file that needs no other.

    Raises
    ------
    OrbError
        There is no such run or symbol, the symbol has no results, or a part of the run is damaged.
    """
    return run_report.report(store.load(run_id), symbol)


def write_reports(store: RunStore, run_id: str) -> tuple[Path, ...]:
    """Write the report of all symbols together and of each into the run's folder; return their paths in that order.

    Raises
    ------
    OrbError
        There is no such run, a part of it is damaged, or its folder cannot be written.
    """
    return run_report.write_reports(store.load(run_id))


def checked(request: RunRequest) -> tuple[RunRequest, tuple[str, ...]]:
    """Return the request with its symbols mended, and what was mended.

    Raises
    ------
    OrbError
        It cannot be run, whatever the bars.
    """
    symbols = normalize_symbols(request.symbols)
    if request.rerun_of is None:  # else it has its bars, though their source may be installed no more
        refuse_unknown(request.source.kind)
    start, end = request.start, request.end
    if start > end:
        raise ConfigError(f"`start` is {start}, after `end` {end}; swap them")
    today = (datetime.now(UTC) + timedelta(hours=14)).date()  # where on earth it is latest
    if end > today:
        raise ConfigError(
            f"{start} to {end} lies in the future or reaches into it, where no bars are; end it today or before"
        )
    if not len(session_table(request.config.session, start, end)):
        raise NoSessionsError(
            f"{start} to {end} holds no session of {request.config.session.calendar}; choose a range with a trading day"
        )
    return replace(request, symbols=symbols.symbols), symbols.notes


def _fetched_bars(request: RunRequest, is_cancelled: Callable[[], bool] | None) -> BarsOf:
    def stop_if_cancelled(_done: int, _total: int) -> None:
        if is_cancelled and is_cancelled():
            raise CancelledError("Cancelled while bars were fetched")

    source, data = _source(request, stop_if_cancelled), request.config.data
    table = with_warmup(request.config.session, request.start, request.end, data.warmup_sessions)
    first = table.dates[0].astype(date)

    def fetched(symbol: str) -> tuple[pd.DataFrame, Mapping[str, Any]]:
        raw = source.fetch(symbol, first, request.end, data.interval)
        or_minutes = request.config.orb.base_minutes
        clean = clean_bars(raw, table, data.bar_minutes, or_minutes, f"{symbol} from {source.name}", request.start)
        if request.source.adjust_splits:
            clean = adjust_splits(clean, table)
        return clean.bars, clean.report.to_dict()

    return fetched


def _stored_bars(store: RunStore, run_id: str) -> BarsOf:
    run = store.load(run_id)
    logger.info("Repeating {} on its stored bars", run_id)
    return lambda symbol: (run.bars(symbol), run.quality(symbol))


def _source(request: RunRequest, on_fetch: Callable[[int, int], None]) -> Source:
    spec, session = request.source, request.config.session
    source: Source
    if spec.kind == "yahoo":
        source = YahooSource(request.config, request.cache_dir, first_session=request.start, on_progress=on_fetch)
    elif spec.kind == "synthetic":
        source = SyntheticSource(session, spec.seed)
    elif spec.kind != "file":
        source = installed_source(spec.kind, session)
    elif spec.path is None:
        raise ConfigError("Bars from a file were asked for without a file; name it (`--data PATH`)")
    else:
        source = FileSource(spec.path, spec.data_tz, spec.stamp)
        source.check_symbols(request.symbols)
    if not request.use_cache:
        return source
    return CachedSource(source, request.cache_dir, session, request.start, request.end)


class _Work:
    """All symbols of a request through all steps, several at a time."""

    def __init__(
        self,
        request: RunRequest,
        bars_of: BarsOf,
        on_progress: Callable[[Progress], None] | None,
        is_cancelled: Callable[[], bool] | None,
    ) -> None:
        self._request = request
        self._bars_of = bars_of
        self._on_progress = on_progress or (lambda _: None)
        self._is_cancelled = is_cancelled or (lambda: False)
        self._lock = threading.Lock()
        self._finished: Counter[str] = Counter()
        self._seconds = {"fetch": 0.0, "backtest": 0.0}

    def run(self, notes: tuple[str, ...] = ()) -> NewRun:
        """Return what came out."""
        request = self._request
        for note in notes:
            logger.warning(note)
        changed = {path: value for path, (value, _) in differences(request.config).items()}
        logger.debug("Config {}, differing from the defaults in {}", config_hash(request.config), changed or "nothing")
        logger.debug("{} to {}, bars from {}", request.start, request.end, request.source)
        done: dict[str, SymbolRun] = {}
        failed: dict[str, str] = {}
        with ThreadPoolExecutor(request.workers or os.cpu_count()) as pool:
            waiting = {symbol: pool.submit(copy_context().run, self._symbol, symbol) for symbol in request.symbols}
            for symbol, future in waiting.items():
                try:
                    done[symbol] = future.result()
                except CancelledError:
                    continue
                except OrbError as error:
                    failed[symbol] = str(error)
        if not done and len(failed) < len(request.symbols):
            raise CancelledError("Cancelled before any symbol was finished; nothing was saved")
        return NewRun(
            config=request.config,
            symbols=request.symbols,
            start=request.start,
            end=request.end,
            source=asdict(request.source),
            flags={"use_cache": request.use_cache},
            done=done,
            failed=failed,
            created=request.created,
            rerun_of=request.rerun_of,
            origin=request.origin,
            seconds=self._seconds,
            run_id=request.run_id,
            warnings=notes,
        )

    def _symbol(self, symbol: str) -> SymbolRun:
        try:
            with self._step("fetch", symbol):
                bars, quality = self._bars_of(symbol)
            with self._step("backtest", symbol):
                result = self._backtest(self._request.config, symbol, bars)
                other_policy = self._backtest(_other_policy(self._request.config), symbol, bars)
        except CancelledError:
            raise
        except OrbError as error:
            logger.error("{} failed: {}", symbol, error)
            raise
        thin = thin_opening_ranges(result, bars)
        for each in thin:
            logger.warning(
                "{} {}: the opening range has {} of {} bars", symbol, each.session_date, each.present, each.expected
            )
        warned = (*warnings(result, thin), *(f"{symbol}: {note}" for note in quality["notes"]))
        for warning in warned:
            logger.warning(warning)
        logger.info(
            "{}: {:,} bars, {} trades, {:+.2f} R",
            symbol,
            len(bars),
            len(result.trades),
            result.trades["realized_r"].sum(),
        )
        return SymbolRun(result, other_policy, bars, quality, warned)

    def _backtest(self, config: RunConfig, symbol: str, bars: pd.DataFrame) -> BacktestResult:
        return EventLoopBacktest(config).run(bars, symbol, self._request.start, self._request.end)

    @contextmanager
    def _step(self, step: Literal["fetch", "backtest"], symbol: str) -> Iterator[None]:
        """Time a step, and report it, unless nobody wants it any more."""
        if self._is_cancelled():
            raise CancelledError(f"Cancelled before the {step} of {symbol}")
        started = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self._seconds[step] += time.perf_counter() - started
                self._finished[step] += 1
                logger.debug("{}: {} took {:.3f} s", symbol, step, time.perf_counter() - started)
                self._on_progress(Progress(step, symbol, self._finished[step], len(self._request.symbols)))


def _other_policy(config: RunConfig) -> RunConfig:
    other = "optimistic" if config.execution.ambiguity == "conservative" else "conservative"
    return config.model_copy(update={"execution": config.execution.model_copy(update={"ambiguity": other})})


@contextmanager
def _recorded() -> Iterator[Callable[[], str]]:
    """Collect the log lines of the work inside, its threads included, and of no other work."""
    lines: list[str] = []
    token = uuid4().hex
    sink = logger.add(
        lines.append, level="DEBUG", format=_LINE, filter=lambda record: record["extra"].get("run") == token
    )
    try:
        with logger.contextualize(run=token):
            yield lambda: "".join(lines)
    finally:
        logger.remove(sink)
