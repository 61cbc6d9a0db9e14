"""The report of a stored run, put together from its tables."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from orb_core import durable
from orb_core.analytics.intervals import metric_intervals
from orb_core.analytics.ledger import ledger
from orb_core.config.hours import exchange_zone
from orb_core.config.symbols import encode_symbol
from orb_core.data.sessions import sessions_per_year
from orb_core.errors import StoreError
from orb_core.report import Contents, Example, report_html
from orb_core.report.contents import SymbolFacts
from orb_core.store.run_records import whole_table
from orb_core.store.session_views import view_session
from orb_core.store.stored_run import StoredRun

EXAMPLES: Final = 5
"""So many of the best trades, and so many of the worst."""


def report(run: StoredRun, symbol: str | None = None) -> str:
    """Return the report of one symbol, or of all together, as one HTML file.

    Raises
    ------
    StoreError
        There is no such symbol, or a part of the run is missing or damaged.
    ConfigError
        This version does not accept its configuration any more.
    """
    return report_html(_contents(run, symbol))


def write_reports(run: StoredRun) -> tuple[Path, ...]:
    """Write the report of all symbols together and of each into the run's folder; return their paths in that order.

    Raises
    ------
    OrbError
        A part of the run is damaged, or its folder cannot be written.
    """
    paths = []
    for symbol in (None, *run.symbols):
        path, content = run.folder / report_name(symbol), report(run, symbol).encode()
        try:
            durable.replace(path, content)
        except OSError as error:
            raise StoreError(
                f"{path} cannot be written: {error.strerror or error}. Free space there or make it writable; the run "
                "itself is saved"
            ) from error
        paths.append(path)
    return tuple(paths)


def report_name(symbol: str | None = None) -> str:
    """Return what the file of a report is called.

    >>> report_name("ES=F"), report_name()
    ('ES=F_report.html', 'combined_report.html')
    """
    return f"{'combined' if symbol is None else encode_symbol(symbol)}_report.html"


def _contents(run: StoredRun, symbol: str | None) -> Contents:
    manifest, notes = run.manifest, run.notes
    asked = tuple(manifest.symbols) if symbol is None else (symbol,)
    ran = bool(run.symbols)
    metrics = run.metrics(symbol) if ran or symbol else {}
    tables = {kind: whole_table(run, kind, symbol) for kind in ("sessions", "signals", "trades")} if ran else {}
    trades = _booked(run, symbol) if ran else pd.DataFrame()
    intervals = (
        {} if trades.empty else metric_intervals(trades, tables["sessions"], sessions_per_year(run.config.session))
    )
    best, worst = _extremes(trades)
    zone = exchange_zone(run.config.session)
    return Contents(
        run_id=run.run_id,
        symbols={each: _facts(run, each) for each in asked},
        title=notes.title or "",
        note=notes.note,
        created=manifest.created_utc,
        start=manifest.start,
        end=manifest.end,
        config=run.config,
        config_hash=manifest.config_hash,
        source=manifest.source,
        timezone=zone,
        warnings=(
            *(f"{each} failed: {why}" for each, why in manifest.failures.items() if each in asked),
            *manifest.warnings,
            *(text for each in asked for text in manifest.symbols[each].warnings),
        ),
        versions={
            "Engine": manifest.engine_version,
            "Commit": manifest.git_commit or "none",
            **manifest.packages,
        },
        metrics=metrics,
        intervals=intervals,
        trades=trades,
        equity=_equity(run, symbol, zone) if ran else pd.DataFrame(),
        days=ledger(**tables, config=run.config) if ran else pd.DataFrame(),
        signals=tables.get("signals", pd.DataFrame()),
        best=_examples(run, best),
        worst=_examples(run, worst),
    )


def _equity(run: StoredRun, symbol: str | None, zone: str) -> pd.DataFrame:
    curve = run.equity() if symbol is None else run.frame(symbol, "equity")
    return curve.assign(timestamp=curve["timestamp"].dt.tz_convert(zone))


def _booked(run: StoredRun, symbol: str | None) -> pd.DataFrame:
    trades = run.all_trades()
    return trades if symbol is None else trades[(trades["symbol"] == symbol).to_numpy()].reset_index(drop=True)


def _extremes(trades: pd.DataFrame) -> tuple[list[Any], list[Any]]:
    """Return the best trades from the best down and the worst from the worst up; few trades are all among the best."""
    if trades.empty:
        return [], []
    rows: Sequence[Any] = list(trades.sort_values("realized_r", ascending=False, kind="stable").itertuples(index=False))
    if len(rows) <= 2 * EXAMPLES:
        return list(rows), []
    return list(rows[:EXAMPLES]), list(rows[: -EXAMPLES - 1 : -1])


def _examples(run: StoredRun, trades: Iterable[Any]) -> tuple[Example, ...]:
    return tuple(Example(trade, view_session(run, str(trade.symbol), trade.session_date.date())) for trade in trades)


def _facts(run: StoredRun, symbol: str) -> SymbolFacts:
    record = run.manifest.symbols[symbol]
    complete = record.status == "complete"
    return SymbolFacts(
        status=record.status,
        error=record.error,
        metrics=run.metrics(symbol) if complete else None,
        quality=run.quality(symbol) if complete else None,
        first_bar=record.first_bar,
        last_bar=record.last_bar,
        fingerprint=record.fingerprint,
    )
