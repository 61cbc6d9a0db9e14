"""A run that was saved: its manifest, and its tables when they are asked for."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa

from orb_core.config.load import config_from_json
from orb_core.config.models import RunConfig
from orb_core.config.symbols import encode_symbol
from orb_core.errors import DamagedRunError, StoreError
from orb_core.store import bar_chunks
from orb_core.store.bar_chunks import Chunk
from orb_core.store.manifest import Manifest, Notes, SymbolRecord, read_json, read_notes
from orb_core.store.tables import ALL_TRADES, KINDS, arrow_schema, read_parquet, read_table

Table = TypeVar("Table")


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
        DamagedRunError
            There is none in config.json.
        """
        if "config" not in self.request:
            raise DamagedRunError(f"{self.run_id}/config.json holds no configuration: it is damaged, or foreign")
        return config_from_json(json.dumps(self.request["config"]))

    def record(self, symbol: str) -> SymbolRecord:
        """Return how a symbol went, if it has results."""
        record = self.manifest.symbols.get(symbol)
        if record is None:
            raise StoreError(f"Run {self.run_id} has no symbol {symbol!r}; it has {', '.join(self.manifest.symbols)}")
        if record.status != "complete":
            raise StoreError(f"Run {self.run_id} has no results for {symbol}: {record.error or record.status}")
        return record

    def frame(self, symbol: str, kind: str) -> pd.DataFrame:
        """Return one table of one symbol: trades, fills, stops, signals, sessions or equity."""
        return self._read(self._file(symbol, kind), KINDS[kind], read_parquet)

    def all_trades(self) -> pd.DataFrame:
        """Return the trades of all symbols in order of entry, with cash and the exchange's clock."""
        return self._read("all_trades.parquet", ALL_TRADES, read_parquet)

    def equity(self) -> pd.DataFrame:
        """Return the equity curve of all symbols together."""
        return self._read("combined_equity.parquet", KINDS["equity"], read_parquet)

    def table(self, kind: str, symbol: str | None = None) -> pa.Table:
        """Return a table as Arrow has it, for whoever passes it on.

        Of a symbol it holds what `frame` does. Of all it is that of `all_trades` or `equity`; the others stand one
        below the other, in the order of the symbols.
        """
        whole = {"trades": ("all_trades", ALL_TRADES), "equity": ("combined_equity", KINDS["equity"])}
        if symbol is None and kind in whole:
            name, columns = whole[kind]
            return self._read(f"{name}.parquet", columns, read_table)
        if symbol is None:
            tables = [self.table(kind, each) for each in self.symbols]
            return pa.concat_tables(tables) if tables else arrow_schema(KINDS[kind]).empty_table()
        return self._read(self._file(symbol, kind), KINDS[kind], read_table)

    def metrics(self, symbol: str | None = None) -> dict[str, Any]:
        """Return the metrics of a symbol, or of all together; None stands for undefined."""
        if symbol is None:
            return read_json(self.folder / "combined_metrics.json")
        self.record(symbol)
        return read_json(self.folder / f"{encode_symbol(symbol)}_metrics.json")

    def quality(self, symbol: str) -> dict[str, Any]:
        """Return the quality report of a symbol's bars as they were fetched."""
        self.record(symbol)
        return read_json(self.folder / f"{encode_symbol(symbol)}_quality.json")

    def bars(self, symbol: str, start: date | None = None, end: date | None = None) -> pd.DataFrame:
        """Return the bars of a symbol's backtest, warm-up included; only UTC months from `start` to `end` if given."""
        first = f"{start:%Y-%m}" if start else ""
        last = f"{end:%Y-%m}" if end else "9999-12"
        chunks = self.record(symbol).bars.items()
        return bar_chunks.read(self.folder.parent, [Chunk(*chunk) for chunk in chunks if first <= chunk[0] <= last])

    def _file(self, symbol: str, kind: str) -> str:
        if kind not in KINDS:
            raise StoreError(f"A run has no table {kind!r}; it has {', '.join(KINDS)}")
        self.record(symbol)
        return f"{encode_symbol(symbol)}_{kind}.parquet"

    def _read(self, name: str, columns: dict[str, str], read: Callable[[Path, dict[str, str]], Table]) -> Table:
        try:
            return read(self.folder / name, columns)
        except (OSError, ValueError) as error:
            raise DamagedRunError(f"{self.run_id}/{name} cannot be read: {error}") from error
