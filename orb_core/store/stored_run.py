"""A run that was saved: its manifest, and its tables when they are asked for."""

import json
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from orb_core.config.load import config_from_json
from orb_core.config.models import RunConfig
from orb_core.config.symbols import encode_symbol
from orb_core.errors import DamagedRunError, StoreError
from orb_core.store import bar_chunks
from orb_core.store.bar_chunks import Chunk
from orb_core.store.manifest import Manifest, Notes, SymbolRecord, read_json, read_notes
from orb_core.store.tables import ALL_TRADES, KINDS, read_parquet


@dataclass(frozen=True)
class StoredRun:
    """One run of a store. A reader raises `StoreError` for what is not there, `DamagedRunError` for what is broken.

    Attributes
    ----------
    folder : Path
    manifest : Manifest
    """

    folder: Path
    manifest: Manifest

    @property
    def run_id(self) -> str:
        """Return the run's id, the name of its folder."""
        return self.folder.name

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the symbols that have results."""
        return tuple(symbol for symbol, record in self.manifest.symbols.items() if record.status == "complete")

    @property
    def notes(self) -> Notes:
        """Return the notes as they are now."""
        return read_notes(self.folder)

    @cached_property
    def request(self) -> dict[str, Any]:
        """Return config.json: symbols, dates, source, flags and the full config."""
        return read_json(self.folder / "config.json")

    @cached_property
    def config(self) -> RunConfig:
        """Return the configuration of the run.

        Raises
        ------
        ConfigError
            This version does not accept it any more.
        """
        return config_from_json(json.dumps(self.request["config"]))

    def frame(self, symbol: str, kind: str) -> pd.DataFrame:
        """Return one table of one symbol: trades, fills, stops, signals, sessions or equity."""
        if kind not in KINDS:
            raise StoreError(f"A run has no table {kind!r}; it has {', '.join(KINDS)}")
        self._record(symbol)
        return self._table(f"{encode_symbol(symbol)}_{kind}.parquet", KINDS[kind])

    def all_trades(self) -> pd.DataFrame:
        """Return the trades of all symbols in order of entry, with cash and the exchange's clock."""
        return self._table("all_trades.parquet", ALL_TRADES)

    def equity(self) -> pd.DataFrame:
        """Return the equity curve of all symbols together."""
        return self._table("combined_equity.parquet", KINDS["equity"])

    def metrics(self, symbol: str | None = None) -> dict[str, Any]:
        """Return the metrics of a symbol, or of all together; None stands for undefined."""
        if symbol is None:
            return read_json(self.folder / "combined_metrics.json")
        self._record(symbol)
        return read_json(self.folder / f"{encode_symbol(symbol)}_metrics.json")

    def quality(self, symbol: str) -> dict[str, Any]:
        """Return the quality report of a symbol's bars as they were fetched."""
        self._record(symbol)
        return read_json(self.folder / f"{encode_symbol(symbol)}_quality.json")

    def bars(self, symbol: str, start: date | None = None, end: date | None = None) -> pd.DataFrame:
        """Return the bars of a symbol's backtest, warm-up included; only UTC months from `start` to `end` if given."""
        first = f"{start:%Y-%m}" if start else ""
        last = f"{end:%Y-%m}" if end else "9999-12"
        chunks = self._record(symbol).bars.items()
        return bar_chunks.read(self.folder.parent, [Chunk(*chunk) for chunk in chunks if first <= chunk[0] <= last])

    def _record(self, symbol: str) -> SymbolRecord:
        record = self.manifest.symbols.get(symbol)
        if record is None:
            raise StoreError(f"Run {self.run_id} has no symbol {symbol!r}; it has {', '.join(self.manifest.symbols)}")
        if record.status != "complete":
            raise StoreError(f"Run {self.run_id} has no results for {symbol}: {record.error or record.status}")
        return record

    def _table(self, name: str, columns: dict[str, str]) -> pd.DataFrame:
        try:
            return read_parquet(self.folder / name, columns)
        except (OSError, ValueError) as error:
            raise DamagedRunError(f"{self.run_id}/{name} cannot be read: {error}") from error
