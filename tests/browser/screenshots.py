"""Pictures of every page and tab, light and dark, at both sizes the app is made for.

Run it as `python -m tests.browser.screenshots FOLDER`; it makes a store of its own, on made-up prices.
"""

import os
import sys
import tempfile
from datetime import date
from itertools import product
from pathlib import Path

from orb_core.data.imports import ImportFolder
from orb_core.data.preview import preview
from tests.browser.driving import browsing, serving, settled
from tests.fakes.yahoo import market_bars
from tests.ui.app import a_run

SIZES = ((1280, 800), (1920, 1080))


def addresses(run, other):
    trade = run.all_trades().iloc[2]
    session = f"run={run.run_id}&symbol={trade['symbol']}&date={trade['session_date']:%Y-%m-%d}"
    return {
        "launch": f"?run={run.run_id}",
        "runs": "runs",
        "run_overview": f"run?run={run.run_id}",
        "run_trades": f"run?run={run.run_id}&tab=Trades",
        "run_days": f"run?run={run.run_id}&tab=Days",
        "run_patterns": f"run?run={run.run_id}&tab=Patterns",
        "run_setup": f"run?run={run.run_id}&tab=Setup",
        "session": f"session?{session}&trade={trade['trade_id']}",
        "compare": f"compare?runs={other.run_id},{run.run_id}",
        "data": "data?bars=import:1m:SPY",
    }


def some_imports(cache):
    """Keep bars of two symbols; those of SPY lack minutes of three sessions."""
    for symbol, lacking in (("SPY", [3, 4, 100, *range(900, 960), 2000]), ("QQQ", [])):
        bars = market_bars(symbol, date(2024, 1, 2), date(2024, 6, 28)).drop(index=lacking)
        folder = ImportFolder(cache / "imports")
        waiting = folder.wait_with(bars.to_csv(index=False).encode())
        folder.keep(preview(waiting), symbol, symbol, f"{symbol} of a vendor.csv")


def picture(page, url, path):
    page.goto(url)
    page.get_by_role("link", name="Launch").wait_for()
    settled(page)
    page.wait_for_timeout(1_000)
    page.screenshot(path=path)


def take(folder, scratch):
    os.environ["ORB_RUNS_DIR"] = str(scratch / "runs")
    with serving(scratch, scratch / "runs") as server:
        for (width, height), dark in product(SIZES, (False, True)):
            with browsing(width=width, height=height, dark=dark) as (page, _):
                name = f"{width}_{'dark' if dark else 'light'}"
                if not (scratch / "runs").exists():
                    picture(page, server.url, folder / f"first_visit_{name}.png")
                    picture(page, f"{server.url}/data", folder / f"data_without_any_{name}.png")
                    some_imports(scratch / "cache")
                    other = a_run()
                    run = a_run("trade.stop_mode=or_midpoint", symbols=("SPY", "QQQ", "IWM"))
                for place, address in addresses(run, other).items():
                    picture(page, f"{server.url}/{address}", folder / f"{place}_{name}.png")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch_folder:
        take(target, Path(scratch_folder))
