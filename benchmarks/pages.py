"""Measure the app in Chromium against its budgets, over a store of 1,000 runs; print a table.

make bench, or: python benchmarks/pages.py

A page is there once its text is shown, its charts and tables are drawn, and Streamlit has nothing more to do.
"""

import asyncio
import os
import re
import statistics
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from time import perf_counter
from typing import Final
from urllib.parse import urlencode

import numpy as np
from loguru import logger
from playwright.sync_api import Page
from rich.console import Console
from rich.table import Table
from streamlit.logger import set_log_level

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # in the place of this folder, whose pages.py would hide the app's pages
set_log_level("ERROR")  # else each cached function the app's modules declare says that no server runs here

from benchmarks.app_store import THOUSAND, app_store  # noqa: E402 - the path comes first
from benchmarks.engine import Figure  # noqa: E402
from benchmarks.visitors import Crowd  # noqa: E402
from benchmarks.watching import PATIENCE_MS, Watch  # noqa: E402
from orb_core.store.runs import RunStore  # noqa: E402
from pages.parts.trades_filter import AGREED, TradeFilter  # noqa: E402
from pages.parts.trades_tab import ORDERS  # noqa: E402
from pages.parts.trades_table import totals_text  # noqa: E402
from tests.browser.driving import Server, browsing, serving  # noqa: E402

ROUNDS: Final = 10
OPENED: Final = 3
RUNS_PRESSED: Final = 5
SYMBOLS: Final = tuple(f"MADE{number}" for number in range(60))
SHOWN_BY_TAB: Final = {
    "Overview": "Sharpe",
    "Trades": "Select a row to see",
    "Days": "Every session",
    "Patterns": "Spread of R",
    "What-if": "Other stops",
    "Setup": "Made by",
}
FRIDAYS: Final = TradeFilter(weekday=["Fri"], time_to=time(10))
QUIET_ROUNDS, CROWDED_ROUNDS = 4, 6


@dataclass(frozen=True)
class Stop:
    """One page of a round through the app: its address, what it shows, and what is pressed to get there."""

    name: str
    address: str
    texts: tuple[str, ...]
    pressed: Callable[[Page], object] | None = None

    def visit(self, watch: Watch) -> float:
        """Go there from wherever the browser is in the app, and return the seconds."""
        if self.pressed is None:
            return watch.gone_to(self.address, *self.texts)
        press = self.pressed
        return watch.after(lambda: press(watch.page), *self.texts)


def tour(store: RunStore, turn: int) -> list[Stop]:
    """Return all pages in an order in which each has something that the one before has not; a day for each turn."""

    def menu(name: str) -> Callable[[Page], object]:
        return lambda page: page.get_by_role("link", name=name, exact=True).first.click()

    def tab(name: str) -> Callable[[Page], object]:
        return lambda page: page.get_by_role("tab", name=name).click()

    run = f"run?run={THOUSAND}"
    first, *others = (
        Stop(f"Run, {name}", f"{run}&tab={name}", (text,), tab(name)) for name, text in SHOWN_BY_TAB.items()
    )
    sessions = store.load(THOUSAND).frame("SPY", "sessions").query("not warmup")["session_date"].dt.date
    return [
        Stop("Launch", f"?run={THOUSAND}", ("Win rate",), menu("Launch")),
        Stop("Runs", "runs", ("Runs · 1", "opens a run"), menu("Runs")),
        Stop("Data", "data", ("No bars are kept",), menu("Data")),
        Stop(first.name, run, first.texts),
        *others,
        session_stop(THOUSAND, sessions.iloc[turn]),
        Stop("Compare", f"compare?runs=other,{THOUSAND}", ("one to one",)),
    ]


def session_stop(run_id: str, day: date) -> Stop:
    """Return the session chart of a day."""
    address = f"session?run={run_id}&symbol=SPY&date={day}"
    return Stop("Session", address, (f"SPY · {day:%A} {day.day} {day:%B %Y}", "Breakouts of the day"))


def starts(store: RunStore, folder: Path) -> Iterator[Figure]:
    """The list of runs, first thing after a start of the server."""
    cold = []
    for _ in range(OPENED):
        with serving(folder, store.path) as server, browsing() as (page, _):
            cold.append(Watch(page, server.url).opened("runs", "Runs · 1", "opens a run"))
    yield Figure("Runs page, 1,000 runs, server just started", statistics.median(cold), "s", most=2.5)


def switches(store: RunStore, watch: Watch) -> Iterator[Figure]:
    """Every page, switched to inside the app and opened by its address."""
    taken: dict[str, list[float]] = {}
    for turn in range(ROUNDS + 1):
        for stop in tour(store, turn):
            if turn == 0 and stop.name == "Launch":
                watch.opened(stop.address, *stop.texts)
            taken.setdefault(stop.name, []).append(stop.visit(watch))
    for name, (_, *seconds) in taken.items():
        yield Figure(f"{name}: switched to", statistics.median(seconds), "s", most=0.7)
    for stop in tour(store, 0):
        opened = [watch.opened(stop.address, *stop.texts) for _ in range(OPENED)]
        yield Figure(f"{stop.name}: opened by its address", statistics.median(opened), "s", most=2.5)


def runs_pressed(watch: Watch) -> Iterator[Figure]:
    """From Run to its result."""
    page = watch.page
    watch.opened("?run=year", "Win rate")
    taken = [_run_with(watch, minutes, "SPY") for minutes in range(16, 17 + RUNS_PRESSED)]
    yield Figure("Run pressed → result, 1 symbol × 1 year", statistics.median(taken[1:]), "s", most=1.0)
    add_symbols(page, SYMBOLS[:19])
    taken = [_run_with(watch, minutes, "SPY, MADE0") for minutes in range(16, 17 + OPENED)]
    yield Figure("Run pressed → result, 20 symbols × 1 year", statistics.median(taken[1:]), "s", most=4.0)


def _run_with(watch: Watch, minutes: int, symbols: str) -> float:
    """Change the settings, press Run, and return the seconds until the result is there."""
    field = watch.page.get_by_role("spinbutton", name="Opening range (min)")
    watch.after(lambda: (field.fill(str(minutes)), field.press("Enter")))
    watch.page.wait_for_timeout(500)
    button = watch.page.locator(".st-key-launch-run_button button").first
    return watch.after(button.click, symbols, f"OR {minutes} ←", "Win rate")


def add_symbols(page: Page, symbols: tuple[str, ...]) -> None:
    """Type symbols into Launch's sidebar."""
    field = page.get_by_role("combobox", name="Symbols")
    field.fill(" ".join(symbols))
    field.press("Enter")
    page.get_by_text(symbols[-1]).first.wait_for()
    page.keyboard.press("Escape")


def many_trades(store: RunStore, watch: Watch) -> Iterator[Figure]:
    """The trades of a run of 100,000 under filters."""
    trades = store.load("many_trades").all_trades()
    address = "run?run=many_trades&tab=Trades"

    def said(asked: TradeFilter) -> str:
        return totals_text(trades[asked.fits(trades)], len(trades))

    def pill(name: str) -> Callable[[], object]:
        return lambda: watch.page.get_by_role("button", name=name).click()

    taken = {
        "all": watch.gone_to(address, said(TradeFilter())),
        "long": watch.after(pill("▲ long"), said(TradeFilter(side=["long"]))),
        "long, won": watch.after(pill("Wins"), said(TradeFilter(side=["long"], outcome=["win"]))),
        "none": watch.after(pill("Clear 2 filters"), said(TradeFilter())),
    }
    for name, query, asked in (
        ("two symbols", {"t_symbol": ["MANY1", "MANY2"]}, TradeFilter(symbol=["MANY1", "MANY2"])),
        ("VWAP agreed", {"t_factor": [AGREED["vwap"]]}, TradeFilter(factor=["vwap"])),
        ("R from 1", {"t_r_from": ["1"]}, TradeFilter(r_from=1)),
        ("Fridays until ten", {"t_weekday": ["Fri"], "t_time_to": ["10:00"]}, FRIDAYS),
        ("worst first", {"t_order": [ORDERS["worst"]]}, TradeFilter()),
    ):
        taken[name] = watch.gone_to(f"{address}&{urlencode(query, doseq=True)}", said(asked))
    slowest = max(taken, key=taken.__getitem__)
    n = f"{len(trades):,}"
    yield Figure(f"{n} trades: slowest of {len(taken)} filters ({slowest})", taken[slowest], "s", most=1.5)
    yield Figure(f"{n} trades: their median", statistics.median(taken.values()), "s")


def ranges(watch: Watch) -> Iterator[Figure]:
    """The first group of metrics that is opened on a run of 100,000 trades: all ranges are worked out for it."""
    watch.gone_to("run?run=many_trades", "Sharpe")
    began = perf_counter()
    watch.page.get_by_text("Wins and losses").click()
    watch.page.locator("[data-testid=stExpander] [data-testid=stDataFrame] canvas").first.wait_for()
    yield Figure("100,000 trades: a group of metrics opened", perf_counter() - began, "s", most=1.5)


def sessions(store: RunStore, watch: Watch) -> Iterator[Figure]:
    """Session charts of ten years, and the steps of a replay."""
    days = store.load("ten_years").frame("SPY", "sessions").query("not warmup")["session_date"].dt.date
    picked = np.random.default_rng(0).permutation(np.linspace(0, len(days) - 1, 2 * ROUNDS + 1).astype(int))
    seconds = [session_stop("ten_years", days.iloc[row]).visit(watch) for row in picked][1:]
    yield Figure("Session, a day of ten years: median", statistics.median(seconds), "s", most=0.7)
    yield Figure("Session, a day of ten years: slowest", max(seconds), "s")
    page = watch.page
    watch.after(page.locator(".st-key-session-replay button").first.click, "bar ")
    bar = int(re.findall(r"bar (\d+) of", page.get_by_test_id("stMain").inner_text())[0])
    step = page.locator(".st-key-replay-chevron_right button").first
    steps = [watch.after(step.click, f"bar {bar + n} of") for n in range(1, ROUNDS + 2)]
    yield Figure("one replay step", statistics.median(steps[1:]), "s", most=0.3)


def long_job(store: RunStore, watch: Watch) -> Iterator[Figure]:
    """Every page while a run of many symbols over ten years is at work."""
    page = watch.page
    watch.opened("?run=ten_years", "Win rate")
    add_symbols(page, SYMBOLS)
    page.wait_for_timeout(1_000)
    page.locator(".st-key-launch-run_button button").first.click()
    page.get_by_text("Cancel").first.wait_for()
    seconds = {stop.name: stop.visit(watch) for stop in tour(store, ROUNDS + 1)[1:]}
    page.get_by_text("Running SPY").first.wait_for()
    page.get_by_role("button", name="Cancel").first.click()
    page.get_by_text("symbols are kept").first.wait_for(timeout=PATIENCE_MS)  # or it slows what is next
    slowest = max(seconds, key=seconds.__getitem__)
    yield Figure(f"a click while a long job works: slowest page ({slowest})", seconds[slowest], "s", most=1.0)
    yield Figure("a click while a long job works: median", statistics.median(seconds.values()), "s")


def crowd(store: RunStore, server: Server, watch: Watch) -> Iterator[Figure]:
    """Every page beside nine other sessions and a run every ten seconds."""

    def p95(rounds: int) -> float:
        seconds = [stop.visit(watch) for turn in range(rounds) for stop in tour(store, turn)]
        return float(np.percentile(seconds, 95))

    watch.opened(f"?run={THOUSAND}", "Win rate")
    p95(1)
    quiet = p95(QUIET_ROUNDS)
    n_before = len(store.stamps())
    with visited(server, store) as visitors:
        crowded = p95(CROWDED_ROUNDS)
    for error in visitors.errors[:5]:
        print(error)
    yield Figure("page time, quiet, p95", quiet, "s")
    yield Figure("page time beside nine sessions, p95", crowded, "s", most=round(3 * quiet, 2))
    yield Figure("  pages the nine looked at", visitors.n_looked, "")
    yield Figure("  runs they made", len(store.stamps()) - n_before, "", least=1)
    yield Figure("  what went wrong for them", len(visitors.errors), "", most=0)


@contextmanager
def visited(server: Server, store: RunStore) -> Iterator[Crowd]:
    """Let a crowd visit the app, in a thread of its own."""
    days = store.load(THOUSAND).frame("SPY", "sessions").query("not warmup")["session_date"]
    visitors = Crowd(server.url, [(THOUSAND, "SPY", str(day)) for day in days.dt.date], "year")
    thread = threading.Thread(target=lambda: asyncio.run(visitors.visit()))
    thread.start()
    try:
        yield visitors
    finally:
        visitors.leave()
        thread.join()


def figures(store: RunStore, folder: Path) -> Iterator[Figure]:
    """All figures, in one browser on one server after the cold starts."""
    yield from starts(store, folder)
    with serving(folder, store.path) as server, browsing() as (page, complaints):
        watch = Watch(page, server.url)
        yield from switches(store, watch)
        yield from many_trades(store, watch)
        yield from ranges(watch)
        yield from sessions(store, watch)
        yield from long_job(store, watch)
        yield from crowd(store, server, watch)
        yield from runs_pressed(watch)
        yield Figure("complaints of the browser's console", len(complaints), "", most=0)
        yield Figure("tracebacks in the server's log", server.log.count("Traceback"), "", most=0)


def main() -> None:
    """Print the figures; exit 1 if a budget is missed."""
    logger.remove()
    console = Console(width=120)
    table = Table("App", "measured", "budget", "verdict")
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        with console.status("Making a store of 1,000 runs"):
            store = app_store(Path(folder))
        try:
            with console.status("Measuring pages"):
                for figure in figures(store, Path(folder)):
                    missed |= figure.verdict == "MISSED"
                    table.add_row(figure.name, f"{figure.measured:.2f} {figure.unit}", figure.budget, figure.verdict)
        finally:
            console.print(table)  # what was measured, even where a page did not come
    print(f"Load of the machine over the last 1, 5 and 15 minutes: {', '.join(f'{n:.1f}' for n in os.getloadavg())}")
    sys.exit(missed)


if __name__ == "__main__":
    main()
