"""Measure the reading of bars against its budgets; print a table.

make bench, or: python benchmarks/data.py
"""

import importlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from loguru import logger
from rich.console import Console
from rich.table import Table

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.engine import Figure, seconds  # noqa: E402 - the path comes first
from benchmarks.market import synthetic_bars  # noqa: E402
from orb_core import load_config  # noqa: E402
from orb_core.data.archive import CachedSource  # noqa: E402
from orb_core.data.bars import check_bars  # noqa: E402
from orb_core.data.files import FileSource  # noqa: E402
from orb_core.data.preview import preview  # noqa: E402
from orb_core.data.quality import clean_bars  # noqa: E402
from orb_core.data.sessions import session_table  # noqa: E402
from orb_core.data.synthetic import SyntheticSource  # noqa: E402
from orb_core.data.yahoo import YahooSource  # noqa: E402
from orb_core.data.yahoo_client import YahooClient  # noqa: E402
from tests.fakes.yahoo import FakeYahoo, market_bars  # noqa: E402

ROWS: Final = 1_000_000
START, END = date(2022, 1, 1), date(2024, 12, 31)


def minutes() -> pd.DataFrame:
    """A million minutes of a walk in cents."""
    stamps = pd.date_range(START, periods=ROWS, freq="min", tz="UTC")
    price = 100_000 + np.random.default_rng(0).integers(-3, 4, ROWS).cumsum()
    columns = {"open": price, "high": price + 3, "low": price - 3, "close": price + 1}
    bars = pd.DataFrame({"timestamp_utc": stamps, **{name: cents / 100 for name, cents in columns.items()}})
    return bars.assign(volume=np.arange(ROWS) % 5_000)


def written(folder: Path) -> dict[str, tuple[Path, str | None]]:
    """The same bars in several layouts: what → file, and the clock it does not name."""
    table = pa.Table.from_pandas(minutes(), preserve_index=False)
    pa.parquet.write_table(table, folder / "a.parquet")
    pa.csv.write_csv(table, folder / "a.csv")
    packed = folder / "a.csv.gz"
    with pa.CompressedOutputStream(str(packed), "gzip") as stream:
        pa.csv.write_csv(table, stream)
    bare = minutes().set_index("timestamp_utc")
    bare.index = bare.index.strftime("%m/%d/%Y,%H:%M")
    (folder / "kibot.txt").write_text(bare.to_csv(header=False).replace('"', ""))
    bare = minutes().set_index("timestamp_utc")
    bare.to_csv(folder / "ninjatrader.txt", sep=";", header=False, date_format="%Y%m%d %H%M%S")
    return {
        "Parquet": (folder / "a.parquet", None),
        "CSV": (folder / "a.csv", None),
        "CSV, gzipped": (packed, None),
        "Kibot": (folder / "kibot.txt", "UTC"),
        "NinjaTrader": (folder / "ninjatrader.txt", "UTC"),
    }


def files() -> Iterator[Figure]:
    """A million rows from files of several layouts."""
    with tempfile.TemporaryDirectory() as folder:
        for name, (file, zone) in written(Path(folder)).items():
            source = FileSource(file, zone)
            taken = seconds(lambda source=source: source.fetch("SPY", START, END, "1m"), at_least=3)
            yield Figure(f"a million rows, {name}", taken, "s", most=0.5 if name == "Parquet" else 3)
        taken = seconds(lambda: FileSource(Path(folder) / "a.parquet").fetch("SPY", START, START, "1m"))
        yield Figure("a day out of a million rows, Parquet", taken, "s")
        yield Figure("preview, CSV", seconds(lambda: preview(Path(folder) / "a.csv"), at_least=3), "s")


def quality() -> Iterator[Figure]:
    """The quality report of a symbol-year of minutes, and the year itself made up."""
    session = load_config().session
    bars = synthetic_bars()
    first, last = (bars["timestamp_utc"].iloc[row].date() for row in (0, -1))
    table = session_table(session, first, last)
    yield Figure("checking a symbol-year of bars", seconds(lambda: check_bars(bars)) * 1_000, "ms", most=1)
    taken = seconds(lambda: clean_bars(bars, table, 1, 15, "benchmark"))
    yield Figure("quality report, a symbol-year", taken * 1_000, "ms", most=50)
    source = SyntheticSource(session)
    yield Figure("made-up prices, a symbol-year", seconds(lambda: source.fetch("SPY", first, last, "1m")), "s", most=1)


def cache() -> Iterator[Figure]:
    """Twenty sessions from a Yahoo on this machine, and the same again from the `--cache` file."""
    config = load_config()
    last = datetime(2026, 3, 20, 21, 0, tzinfo=UTC)
    first = date(2026, 2, 23)
    with tempfile.TemporaryDirectory() as folder, FakeYahoo(now=lambda: last) as yahoo:
        os.environ["ORB_YAHOO_URL"] = yahoo.url
        yahoo.bars["SPY"] = market_bars("SPY", date(2026, 2, 1), last.date())
        client = YahooClient(Path(folder), now=lambda: last)
        bars = CachedSource(
            YahooSource(config, Path(folder), client=client), Path(folder), config.session, first, last.date()
        )
        importlib.import_module("yfinance")  # its import is no part of fetching
        began = time.perf_counter()
        bars.fetch("SPY", first, last.date(), "1m")
        fetched = time.perf_counter() - began
        kept = seconds(lambda: bars.fetch("SPY", first, last.date(), "1m"), at_least=3)
    yield Figure("fetching from Yahoo over reading the --cache file", fetched / kept, "times", least=10)


def main() -> None:
    """Measure and print."""
    logger.remove()
    console = Console()
    table = Table("Figure", "Measured", "Budget", "", title="Data")
    for group in (files, quality, cache):
        with console.status(f"Measuring: {group.__doc__}"):
            for figure in group():
                table.add_row(figure.name, f"{figure.measured:.2f} {figure.unit}", figure.budget, figure.verdict)
    console.print(table)


if __name__ == "__main__":
    main()
