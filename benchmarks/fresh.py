"""What only a new process can measure: the first run of compiled code, and memory. Prints one JSON object.

python benchmarks/fresh.py start|memory
"""

import json
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.market import LONG_YEARS, synthetic_bars  # noqa: E402 - the path comes first


def start() -> dict[str, float]:
    """Seconds of the imports, of the first run after them and of the second."""
    began = time.perf_counter()
    from orb_core import EventLoopBacktest, load_config

    backtest = EventLoopBacktest(load_config())
    imported = time.perf_counter()
    bars = synthetic_bars()
    runs = []
    for _ in range(2):
        at = time.perf_counter()
        backtest.run(bars)
        runs.append(time.perf_counter() - at)
    return {"imports": imported - began, "first": runs[0], "second": runs[1]}


def memory() -> dict[str, float]:
    """Bytes of ten years of bars, and what a run needs at most on top: as allocated by Python, and as resident."""
    from orb_core import EventLoopBacktest, load_config

    backtest = EventLoopBacktest(load_config())
    backtest.run(synthetic_bars())
    bars = synthetic_bars(LONG_YEARS)
    resident = peak_resident(lambda: backtest.run(bars))
    tracemalloc.start()
    backtest.run(bars)
    allocated = tracemalloc.get_traced_memory()[1]
    return {"bars": int(bars.memory_usage(index=False).sum()), "allocated": allocated, "resident": resident}


def peak_resident(call: Callable[[], object]) -> int:
    """Bytes by which the process grew at most during a call, looked at every half millisecond."""
    process = psutil.Process()
    before = process.memory_info().rss
    peak, is_over = before, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not is_over.wait(0.0005):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    call()
    is_over.set()
    watcher.join()
    return peak - before


if __name__ == "__main__":
    print(json.dumps({"start": start, "memory": memory}[sys.argv[1]]()))
