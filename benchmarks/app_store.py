"""The store of runs that the app is measured on: a thousand of a thousand trades, and the large ones."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from benchmarks.api import thousand_runs
from orb_core import load_config, service
from orb_core.service import RunRequest, SourceSpec
from orb_core.store.runs import RunStore

THOUSAND: Final = "run_999"
"""The newest of the thousand runs: three symbols over a year."""

YEAR: Final = (date(2024, 1, 2), date(2024, 12, 31))
TEN_YEARS: Final = (date(2014, 1, 2), date(2023, 12, 29))
BEFORE: Final = datetime(2024, 10, 1, 9, tzinfo=UTC)
TRADES: Final = 100_000
MANY_TRADES: Final = (
    "orb.adaptive=false",
    "orb.base_minutes=5",
    "orb.enable_validity_filter=false",
    "scoring.enabled=false",
    "trade.stop_mode=or_midpoint",
    "governance.max_signals_per_day=50",
    "governance.lockout_after_losses=null",
    "governance.second_chance_minutes=null",
    "governance.time_cutoff=null",
)


def app_store(folder: Path) -> RunStore:
    """Return a new store: beside the thousand runs `other`, `year`, `ten_years` and `many_trades`."""
    store = thousand_runs(folder)
    symbols = "SPY", "QQQ", "IWM"
    _run(store, "other", symbols, YEAR, ("trade.stop_mode=or_midpoint",))
    _run(store, "year", symbols[:1], YEAR)
    _run(store, "ten_years", symbols[:1], TEN_YEARS)
    _run(store, "many_trades", tuple(f"MANY{number}" for number in range(6)), TEN_YEARS, MANY_TRADES)
    totals = store.load("many_trades").manifest.totals
    assert totals
    assert totals.trades > TRADES
    return store


def _run(
    store: RunStore, run_id: str, symbols: tuple[str, ...], dates: tuple[date, date], overrides: tuple[str, ...] = ()
) -> None:
    """Run and save, as if before the thousand runs."""
    config = load_config(overrides=overrides)
    request = RunRequest(config, symbols, *dates, SourceSpec("synthetic"), run_id=run_id, created=BEFORE)
    service.run_and_save(request, store)
