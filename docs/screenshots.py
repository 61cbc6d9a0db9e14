"""Take a picture of every page, tab and state, light and dark, at both sizes, and README.md's: make screenshots."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from loguru import logger

from orb_core.config.load import load_config
from orb_core.data.imports import ImportFolder
from orb_core.data.preview import preview
from orb_core.service import RunRequest, SourceSpec, default_store, run_and_save
from orb_core.store.stored_run import StoredRun
from tests.browser.driving import browsing, serving, settled
from tests.fakes.yahoo import FakeYahoo, market_bars

HERE = Path(__file__).resolve().parent
PICTURES = HERE.parent / "screenshots"
SIZES = ((1280, 800), (1920, 1080))
YEAR = (date(2024, 1, 2), date(2024, 12, 31))
TABS = ("Overview", "Trades", "Days", "Patterns", "What-if", "Setup")
SYNTHETIC = SourceSpec(kind="synthetic")


class View(NamedTuple):
    """What a picture shows: an address, and what is done there first."""

    name: str
    address: str
    act: Callable[[Any], object] = settled


def main() -> None:
    """Make a store on made-up prices, and photograph the app before and after."""
    logger.disable("orb_core")
    shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir()
    with tempfile.TemporaryDirectory() as folder, slow_yahoo() as yahoo:
        scratch = Path(folder)
        os.environ.update(
            ORB_RUNS_DIR=str(scratch / "runs"), ORB_CACHE_DIR=str(scratch / "cache"), ORB_YAHOO_URL=yahoo.url
        )
        with serving(scratch, scratch / "runs") as server:
            photograph(server.url, list(views_of_nothing()))
            photograph(server.url, list(views_of_work(scratch)))
            photograph(server.url, [View("job", "", many), View("job_elsewhere", "", many_elsewhere)])
            photograph(server.url, [View("data_job", "data", fetch_spy)])
    shutil.copy(PICTURES / "launch_1280_light.png", HERE / "launch.png")


@contextmanager
def slow_yahoo() -> Iterator[FakeYahoo]:
    """Give a Yahoo that takes its time, so that a fetch is seen in progress."""
    with FakeYahoo() as yahoo:
        today = datetime.now(tz=UTC).date()
        yahoo.bars["SPY"] = market_bars("SPY", today - timedelta(days=20), today)
        yahoo.scripts["SPY"] = [lambda usual: usual._replace(delay_s=3.0)] * 100
        yield yahoo


def photograph(url: str, views: list[View]) -> None:
    """Take every view in every look."""
    for (width, height), dark in product(SIZES, (False, True)):
        with browsing(width=width, height=height, dark=dark) as (page, _):
            page.add_init_script("sessionStorage.clear()")  # settings changed for one view are none of the next
            for view in views:
                page.goto(f"{url}/{view.address}")
                page.get_by_test_id("stTopNav").wait_for()
                settled(page)
                view.act(page)
                page.mouse.move(width - 2, height - 2)
                settled(page)
                page.wait_for_timeout(500)
                page.screenshot(path=PICTURES / f"{view.name}_{width}_{'dark' if dark else 'light'}.png")
                cancel = page.get_by_role("button", name="Cancel")
                if cancel.count():
                    cancel.first.click()
                    cancel.first.wait_for(state="detached")


def views_of_nothing() -> Iterator[View]:
    """Give what is seen before anything was run."""
    yield View("first_visit", "")
    yield View("runs_empty", "runs")
    yield View("data_empty", "data")
    yield View("compare_empty", "compare")


def views_of_work(scratch: Path) -> Iterator[View]:
    """Run, import and break what the other pages show, and give their views."""
    store = default_store()
    demo = run()
    first = run(symbols=("SPY", "QQQ", "IWM"))
    other = run("trade.stop_mode=or_midpoint", "orb.base_minutes=30", symbols=("SPY", "QQQ", "IWM"))
    none = run("orb.min_atr_mult=0.99", dates=(date(2024, 6, 3), date(2024, 9, 30)))
    imports = some_imports(scratch / "cache")
    failed = run(symbols=("SPY", "QQQ", "DIA"), dates=(date(2024, 1, 2), date(2024, 6, 28)), source=imports)
    today = datetime.now(tz=UTC).date()
    running = run(symbols=("SPY", "QQQ"), dates=(today - timedelta(days=60), today))
    store.annotate(first.run_id, tags=["baseline"], starred=True)
    store.annotate(
        other.run_id, title="Tighter stop, half an hour", tags=["stops", "idea"], note="Costs to be checked."
    )
    for name in ("backtest_20240101_000000", "copied"):
        (scratch / "runs" / name).mkdir()
    (scratch / "runs" / "copied" / "run.json").write_text('{"run_id": ')

    trade = first.all_trades().iloc[2]
    session = f"run={first.run_id}&symbol={trade['symbol']}&date={trade['session_date']:%Y-%m-%d}"
    yield View("launch", f"?run={demo.run_id}")
    yield View("launch_three_symbols", f"?run={first.run_id}")
    yield View("launch_today", f"?run={running.run_id}", lambda page: page.locator(".st-key-today summary").click())
    yield View("launch_changed", f"?run={other.run_id}", lambda page: page.get_by_text("Changed (").click())
    yield View("launch_all_settings", "", lambda page: page.get_by_text("All", exact=True).click())
    yield View("launch_form_error", "", wrong_minutes)
    yield View("launch_no_trades", f"?run={none.run_id}")
    yield View("launch_failed_symbol", f"?run={failed.run_id}")
    yield View("runs", "runs")
    for tab in TABS:
        yield View(f"run_{tab.lower()}", f"run?run={first.run_id}&tab={tab}")
        yield View(f"run_no_trades_{tab.lower()}", f"run?run={none.run_id}&tab={tab}")
    yield View("run_failed_symbol", f"run?run={failed.run_id}")
    yield View("run_verified", f"run?run={first.run_id}&tab=Setup", verify)
    yield View("run_unknown", "run?run=backtest_20200101_000000")
    yield View("session", f"session?{session}&trade={trade['trade_id']}")
    yield View("session_replay", f"session?{session}&trade={trade['trade_id']}", replay)
    yield View("session_without_trade", f"session?run={none.run_id}&symbol=SPY&date=2024-07-02")
    yield View("compare", f"compare?runs={first.run_id},{other.run_id}")
    yield View("compare_three", f"compare?runs={first.run_id},{other.run_id},{demo.run_id}")
    yield View("data", "data?bars=import:1m:SPY")
    yield View("data_import", "data", lambda page: upload(page, scratch / "two months.csv"))


def run(
    *overrides: str,
    symbols: tuple[str, ...] = ("SPY",),
    dates: tuple[date, date] = YEAR,
    source: SourceSpec = SYNTHETIC,
) -> StoredRun:
    """Run and save one backtest."""
    request = RunRequest(load_config(overrides=overrides), symbols, *dates, source)
    return default_store().load(run_and_save(request, default_store()).run_id)


def some_imports(cache: Path) -> SourceSpec:
    """Import bars of two symbols; those of SPY lack minutes of three sessions."""
    imports = ImportFolder(cache / "imports")
    for symbol, lacking in (("SPY", [3, 4, 100, *range(900, 960), 2000]), ("QQQ", [])):
        bars = market_bars(symbol, date(2024, 1, 2), date(2024, 6, 28)).drop(index=lacking)
        waiting = imports.wait_with(bars.to_csv(index=False).encode())
        imports.keep(preview(waiting), symbol, symbol, f"{symbol} of a vendor.csv")
    return SourceSpec(kind="file", path=imports.path)


def press(name: str) -> Callable[[Any], None]:
    """Return a click on a button."""
    return lambda page: page.get_by_role("button", name=name).click()


def verify(page: Any) -> None:
    """Run a stored run again."""
    press("Verify")(page)
    page.get_by_text("identical").wait_for()


def many(page: Any) -> None:
    """Start a run that takes a while."""
    symbols = page.get_by_role("combobox", name="Symbols")
    symbols.fill(" ".join(f"MADE{i}" for i in range(300)))
    symbols.press("Enter")
    page.get_by_text("MADE299").first.wait_for()
    settled(page)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Enter")
    page.get_by_text("Running").wait_for()


def many_elsewhere(page: Any) -> None:
    """Start a run that takes a while, and go to another page."""
    many(page)
    page.get_by_role("link", name="Data").click()
    page.get_by_text("Select a row").wait_for()


def fetch_spy(page: Any) -> None:
    """Fetch from a Yahoo that does not answer."""
    symbols = page.get_by_role("combobox", name="Symbols")
    symbols.fill("SPY")
    symbols.press("Enter")
    settled(page)
    page.keyboard.press("Escape")
    press("Fetch")(page)
    page.get_by_text("Fetching").wait_for()


def wrong_minutes(page: Any) -> None:
    """Ask for an opening range longer than the long one."""
    minutes = page.get_by_role("spinbutton", name="Opening range (min)")
    minutes.fill("45")
    minutes.press("Enter")
    page.get_by_text("1 field needs mending").wait_for()


def replay(page: Any) -> None:
    """Replay a session up to its entry."""
    page.get_by_text("Replay").click()
    page.get_by_role("button", name="Entry").click()
    settled(page)


def upload(page: Any, path: Path) -> None:
    """Upload a file that does not name its symbol."""
    market_bars("SPY", date(2024, 1, 2), date(2024, 3, 8)).to_csv(path, index=False)
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_text("First rows, as they stand").wait_for()


if __name__ == "__main__":
    main()
