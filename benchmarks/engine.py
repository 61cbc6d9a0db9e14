"""Measure the engine against its budgets and, on the plain breakout, against other tools; print a table.

make bench, or: python benchmarks/engine.py

A duration is the shortest of repeated calls, since what is longer is the machine's other work.
"""

import contextlib
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import rivals  # noqa: E402 - the path comes first
from benchmarks.market import LONG_YEARS, YEAR_BARS, synthetic_bars  # noqa: E402
from orb_core import EventLoopBacktest, load_config  # noqa: E402
from orb_core.engine.backtest import simulate  # noqa: E402
from orb_core.engine.prepare import factors, prepare  # noqa: E402
from orb_core.engine.what_if import what_if  # noqa: E402

PLAIN: Final = (
    "orb.adaptive=false",
    "orb.enable_validity_filter=false",
    "factors.rel_volume.enabled=false",
    "factors.price_action.enabled=false",
    "factors.profile_proxy.enabled=false",
    "factors.vwap.enabled=false",
    "scoring.enabled=false",
    "trade.partials=false",
    "trade.move_be_at_r=null",
    "governance.max_signals_per_day=1",
    "governance.time_cutoff=null",
    "costs.commission_per_unit=0",
    "costs.slippage_ticks=0",
)
SYMBOL_YEARS: Final = 20
THREAD_TURNS: Final = 20


@dataclass(frozen=True)
class Figure:
    """One measured number and what it may be: `least` or `most`, in `unit`."""

    name: str
    measured: float
    unit: str
    least: float | None = None
    most: float | None = None

    @property
    def budget(self) -> str:
        """The budget in words."""
        if self.least is not None:
            return f"at least {self.least:g}"
        return f"at most {self.most:g}" if self.most is not None else ""

    @property
    def verdict(self) -> str:
        """Whether the budget is kept."""
        if self.least is None and self.most is None:
            return ""
        is_kept = self.measured >= self.least if self.least is not None else self.measured <= self.most
        return "kept" if is_kept else "MISSED"


def seconds(call: Callable[[], object], for_seconds: float = 2.0, at_least: int = 5) -> float:
    """Shortest duration of a call, repeated for a while after one that is not counted."""
    call()
    durations: list[float] = []
    while len(durations) < at_least or sum(durations) < for_seconds:
        began = time.perf_counter()
        call()
        durations.append(time.perf_counter() - began)
    return min(durations)


def engine() -> Iterator[Figure]:
    """Speed of the whole run, of the kernel, with the number of bars and of threads."""
    config = load_config()
    backtest = EventLoopBacktest(config)
    year, years = synthetic_bars(), synthetic_bars(LONG_YEARS)
    short, long = seconds(lambda: backtest.run(year)), seconds(lambda: backtest.run(years))
    yield Figure("whole run, 98,280 bars", YEAR_BARS / short / 1e6, "M bars/s", least=6)
    yield Figure("whole run, 982,800 bars", YEAR_BARS * LONG_YEARS / long / 1e6, "M bars/s", least=8)
    yield Figure("ten times the bars", long / short, "times the time", most=11)
    prepared = prepare(years, config, "SPY", None, None)
    values = factors(prepared, config)
    kernel = seconds(lambda: simulate(prepared, values))
    yield Figure("simulation kernel alone", len(years) / kernel / 1e6, "M bars/s", least=25)
    yield Figure("20 symbol-years, two threads", threads_speedup(backtest), "times one thread", least=1.6)


def what_if_grid() -> Iterator[Figure]:
    """A thousand entries under every stop and target of the usual grid."""
    config = load_config(
        overrides=[
            "scoring.enabled=false",
            "governance.max_signals_per_day=20",
            "governance.lockout_after_losses=null",
            "governance.second_chance_minutes=null",
            "trade.stop_mode=or_midpoint",
        ]
    )
    bars = synthetic_bars(2)
    result = EventLoopBacktest(config).run(bars)
    thousand = result.trades[:1_000]
    assert len(thousand) == 1_000
    taken = seconds(lambda: what_if(bars, thousand, config, result.start, result.end))
    yield Figure("what-if, 1,000 trades", taken, "s", most=1)


def threads_speedup(backtest: EventLoopBacktest) -> float:
    """How many times faster two threads run several symbol-years than one, measured in turns."""
    symbols = [synthetic_bars(symbol=f"SYM{number}") for number in range(SYMBOL_YEARS)]
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(2) as two:
        times = [
            [seconds(lambda pool=pool: list(pool.map(backtest.run, symbols)), 0, 1) for pool in (one, two)]
            for _ in range(THREAD_TURNS)
        ]
    return statistics.median(alone / together for alone, together in times)


def fresh(what: str, cache_dir: str | None = None) -> dict[str, float]:
    """Measure in a new process; `cache_dir` is where it finds or puts its compiled code, by default where all do."""
    environment = os.environ | ({"NUMBA_CACHE_DIR": cache_dir} if cache_dir else {})
    command = [sys.executable, str(ROOT / "benchmarks" / "fresh.py"), what]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    measured: dict[str, float] = json.loads(printed)
    return measured


def processes() -> Iterator[Figure]:
    """Compilation, loading and memory, in processes of their own."""
    with tempfile.TemporaryDirectory() as empty:
        cold = fresh("start", empty)
    warm = fresh("start")
    memory = fresh("memory")
    yield Figure("compilation, once", cold["first"] - cold["second"], "s", most=25)
    yield Figure("loading compiled code", warm["first"] - warm["second"], "s", most=1)
    yield Figure("imports", warm["imports"], "s")
    yield Figure("memory on top, allocated", memory["allocated"] / memory["bars"], "times the bars", most=3)
    yield Figure("memory on top, resident", memory["resident"] / memory["bars"], "times the bars", most=3)


def command_line() -> Iterator[Figure]:
    """Wall time of the command line tool, its process included."""
    with tempfile.TemporaryDirectory() as folder:
        script = [sys.executable, str(ROOT / "run_backtest.py")]
        run = [*script, "--synthetic", "--symbols", "SPY", "--start", "2023-01-03", "--end", "2023-12-29", "--quiet"]
        run += ["--cache", "--cache-dir", f"{folder}/cache", "--output-dir", f"{folder}/runs"]
        for name, command, most in (("a symbol-year, saved", run, 3), ("--help", [*script, "--help"], 0.5)):
            wall = seconds(lambda command=command: subprocess.run(command, check=True, capture_output=True))
            yield Figure(f"run_backtest.py, {name}", wall, "s", most=most)


def plain_breakout() -> Table:
    """The same plain strategy in every tool, fastest first."""
    bars = synthetic_bars()
    backtest = EventLoopBacktest(load_config(overrides=PLAIN))
    tools: dict[str, Callable[[], int]] = {
        "ORB Confluence": lambda: len(backtest.run(bars).trades),
        "vectorbt": lambda: rivals.vectorbt(bars),
        "pandas day loop": lambda: rivals.plain_pandas(bars),
        "backtesting.py": lambda: rivals.backtesting_py(bars),
    }
    table = Table("Tool", "Trades", "M bars/s", "Ours is faster by", title="Plain breakout, 98,280 bars")
    fastest = 0.0
    for name, run in tools.items():
        with contextlib.redirect_stderr(io.StringIO()):  # a progress bar
            taken, trades = seconds(run, at_least=3), run()
        fastest = fastest or taken
        table.add_row(name, str(trades), f"{YEAR_BARS / taken / 1e6:.2f}", f"{taken / fastest:.1f} ×")
    return table


def main() -> None:
    """Measure and print."""
    console = Console()
    table = Table("Figure", "Measured", "Budget", "", title="Engine")
    for group in (engine, what_if_grid, processes, command_line):
        with console.status(f"Measuring: {group.__doc__}"):
            for figure in group():
                table.add_row(figure.name, f"{figure.measured:.2f} {figure.unit}", figure.budget, figure.verdict)
    with console.status("Measuring other tools"):
        others = plain_breakout()
    console.print(table, others)


if __name__ == "__main__":
    main()
