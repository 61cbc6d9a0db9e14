"""Fetched bars kept as files: `--cache`."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from loguru import logger

from orb_core import durable
from orb_core.config.symbols import encode_symbol
from orb_core.data.bars import typed_bars
from orb_core.data.sessions import session_table
from orb_core.data.source import is_final, notes_of, with_notes
from orb_core.errors import BarsError

if TYPE_CHECKING:
    from orb_core.config.models import SessionSettings
    from orb_core.data.source import Source

_PROVENANCE: Final = b"orb_provenance"
_FETCHED: Final = b"orb_fetched_utc"
_GOOD_UNTIL: Final = b"orb_good_until_utc"
_SAID: Final = b"orb_notes"


def _utc_now() -> pd.Timestamp:
    return pd.Timestamp.now("UTC")


@dataclass(frozen=True)
class CachedSource:
    """A source that keeps what another one fetched, one file per symbol and range: `SPY_2024-01-02_2024-06-30.parquet`.

    Bars are kept as they were fetched, warm-up included. A file is used again if it comes from the same source,
    interval, first session and session settings, and was fetched after the last session of the range had ended.

    Attributes
    ----------
    source : Source
    cache_dir : Path
        Created when needed. Where it cannot be written, the run goes on without, and the log says so.
    session : SessionSettings
    start, end : date
        The run's dates as asked for, which name the file.
    clock : callable
        Says what time it is; tests turn it.
    """

    source: Source
    cache_dir: Path
    session: SessionSettings
    start: date
    end: date
    clock: Callable[[], pd.Timestamp] = _utc_now

    @property
    def name(self) -> str:
        """Return the name of the source behind."""
        return self.source.name

    def identity(self, symbol: str, interval: str) -> str:
        """Return the identity of the source behind."""
        return self.source.identity(symbol, interval)

    def path(self, symbol: str) -> Path:
        """Return where the bars of `symbol` are kept."""
        return self.cache_dir / f"{encode_symbol(symbol)}_{self.start}_{self.end}.parquet"

    def fetch(self, symbol: str, start: date, end: date, interval: str) -> pd.DataFrame:
        """Return kept bars, or fetch and keep them; see `Source.fetch`.

        Raises
        ------
        DataError
            There are none kept, and none could be had.
        """
        path = self.path(symbol)
        now = self.clock()
        provenance: dict[str, object] = {
            "source": self.source.name,
            "identity": self.source.identity(symbol, interval),
            "symbol": symbol,
            "interval": interval,
            "first_session": start.isoformat(),
            "last_session": end.isoformat(),
            "session": [self.session.calendar, self.session.open, self.session.close, self.session.timezone],
        }
        kept = read_cached(path, provenance, now)
        if kept is not None:
            logger.info("{}: bars from {}", symbol, path)
            return kept
        fetched = self.source.fetch(symbol, start, end, interval)
        bars = with_notes(typed_bars(fetched, f"{self.name} {symbol}"), notes_of(fetched))
        if len(bars) and is_final(fetched):
            try:
                write_cached(path, bars, provenance, now, self._good_until(start, end, now))
            except OSError as error:
                logger.warning("{}: bars could not be kept in {}: {}", symbol, path, error)
        return bars

    def _good_until(self, start: date, end: date, fetched_at: pd.Timestamp) -> pd.Timestamp | None:
        """Return when there will be bars that were not there at `fetched_at`; None if never."""
        table = session_table(self.session, start, end)
        unfinished = np.flatnonzero(table.close_ns > fetched_at.value)
        if not unfinished.size:
            return None
        opens, closes = int(table.open_ns[unfinished[0]]), int(table.close_ns[unfinished[0]])
        return pd.Timestamp(opens if opens > fetched_at.value else closes, tz="UTC")


def read_cached(path: Path, provenance: dict[str, object], now: pd.Timestamp) -> pd.DataFrame | None:
    """Return the bars kept in `path`, or None if there are none that still serve.

    A file that cannot be read is renamed to end in `.damaged`, which the log says.

    Parameters
    ----------
    path : Path
    provenance : dict
        What must be written in the file, word for word.
    now : Timestamp
        Must lie between the fetch and the time the file is good until.
    """
    if not path.is_file():
        return None
    try:
        metadata = pq.read_schema(path).metadata or {}
        if json.loads(metadata.get(_PROVENANCE, b"null")) != provenance or not _is_good(metadata, now):
            return None
        table = pq.read_table(path, page_checksum_verification=True)
        return with_notes(typed_bars(table.to_pandas(), str(path)), json.loads(metadata.get(_SAID, b"[]")))
    except (pa.ArrowException, OSError, ValueError, BarsError) as error:
        aside = path.with_name(f"{path.name}.damaged")
        logger.warning("{} cannot be read and is set aside as {}; the bars are fetched again ({})", path, aside, error)
        _rename_if_possible(path, aside)
        return None


def write_cached(
    path: Path,
    bars: pd.DataFrame,
    provenance: dict[str, object],
    fetched_at: pd.Timestamp,
    good_until: pd.Timestamp | None,
) -> None:
    """Keep bars in `path`: whoever reads it sees the file of before or the whole new one, also after a power cut.

    Raises
    ------
    OSError
        The folder cannot be made or written, or is full.
    """
    metadata = {
        _PROVENANCE: json.dumps(provenance).encode(),
        _FETCHED: fetched_at.isoformat().encode(),
        _GOOD_UNTIL: good_until.isoformat().encode() if good_until is not None else b"",
        _SAID: json.dumps(notes_of(bars)).encode(),
    }
    content = io.BytesIO()
    table = pa.Table.from_pandas(bars, preserve_index=False).replace_schema_metadata(metadata)
    pq.write_table(table, content, compression="zstd", write_page_checksum=True)

    path.parent.mkdir(parents=True, exist_ok=True)
    durable.replace(path, content.getvalue())


def _is_good(metadata: dict[bytes, bytes], now: pd.Timestamp) -> bool:
    good_until = metadata[_GOOD_UNTIL].decode()
    # A file from the future was written by a wrong clock, which may have taken an unfinished session for finished.
    return pd.Timestamp(metadata[_FETCHED].decode()) <= now and (not good_until or now < pd.Timestamp(good_until))


def _rename_if_possible(path: Path, aside: Path) -> None:
    try:
        path.replace(aside)
    except OSError as error:
        logger.warning("{} could not be renamed: {}", path, error)
