"""Bars from uploaded files, kept under cache/imports as Parquet: one file for each symbol and interval.

Uploads wait in a folder of their own, under names of ours; whatever their sender called them is text to show. What is
kept holds the rows as they were read, in our columns and in UTC: what is wrong with them is mended, and reported, by
each run. A `FileSource` reads the folder like any other.
"""

from __future__ import annotations

import io
import json
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from orb_core import durable
from orb_core.config.symbols import encode_symbol
from orb_core.data.bar_file import BarFile
from orb_core.data.bars import TIMESTAMP, typed_bars
from orb_core.data.preview import MOST_ROWS, FilePreview
from orb_core.data.source import INTERVALS, interval_minutes
from orb_core.errors import ArchiveError, FileFormatError

LARGEST_UPLOAD_BYTES: Final = 100 * 1024 * 1024
_ABOUT: Final = b"orb_import"
_WAITING: Final = ".waiting"
_FORGOTTEN_AFTER_S: Final = 24 * 3600
_EARLIEST: Final = pd.Timestamp("1990-01-01", tz="UTC")
_SOON: Final = pd.Timedelta(days=2)


@dataclass(frozen=True)
class Import:
    """The kept bars of one symbol and interval, and where they came from.

    Attributes
    ----------
    symbol, interval : str
    file_name : str
        What the uploaded file was called; text from outside.
    vendor : str
        Who wrote it.
    rows : int
    first, last : str
        First and last bar start, ISO 8601 in UTC.
    imported_utc : str
        When, ISO 8601.
    notes : tuple of str
        What was done to read it.
    """

    symbol: str
    interval: str
    file_name: str
    vendor: str
    rows: int
    first: str
    last: str
    imported_utc: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ImportFolder:
    """The folder of imported bars; it is made by the first upload."""

    path: Path

    def wait_with(self, content: bytes) -> Path:
        """Put an uploaded file aside until it is kept or discarded, and return where.

        Raises
        ------
        FileFormatError
            It is empty or too large.
        ArchiveError
            The folder cannot be written.
        """
        if not content:
            raise FileFormatError("The file is empty; bars need rows")
        if len(content) > LARGEST_UPLOAD_BYTES:
            raise FileFormatError(
                f"The file has {len(content) / 2**20:,.0f} MB, and an upload may have "
                f"{LARGEST_UPLOAD_BYTES // 2**20} MB. Name its place under Launch → Source → File or folder instead"
            )
        waiting = self.path / _WAITING
        try:
            waiting.mkdir(parents=True, exist_ok=True)
            for old in waiting.iterdir():
                if time.time() - old.stat().st_mtime > _FORGOTTEN_AFTER_S:
                    old.unlink(missing_ok=True)
            path = waiting / uuid4().hex
            path.write_bytes(content)
        except OSError as error:
            raise _failure(self.path, error) from error
        return path

    def keep(self, of: FilePreview, symbol: str, own_symbol: str, file_name: str, stamp: Any = None) -> Import:
        """Keep the bars of one symbol, in place of those that were kept before.

        Parameters
        ----------
        of : FilePreview
            The file, with nothing left to ask.
        symbol : str
            What the bars are kept as, upper-case.
        own_symbol : str
            What the file calls it; anything for a file that names none.
        file_name : str
            What the user called the file.
        stamp : "open" or "close", optional
            Which end of its bar a stamp is, where the user had to say.

        Raises
        ------
        FileFormatError
            It has too many rows, bars of an interval that no run takes, or it cannot be read.
        NoBarsError
            Nothing in it is of this symbol.
        ArchiveError
            The folder cannot be written.
        """
        if not of.is_whole:
            raise FileFormatError(
                f"{file_name} has more than {MOST_ROWS:,} rows. Import it in parts, or name its place under Launch → "
                "Source → File or folder"
            )
        if of.interval not in INTERVALS:
            raise FileFormatError(
                f"{file_name} has bars every {of.interval or '(too few rows to tell)'}; bars of {', '.join(INTERVALS)} "
                "can be run"
            )
        between = _EARLIEST, pd.Timestamp.now(tz="UTC") + _SOON
        read, notes = BarFile(of.path, of.zone, stamp).bars(own_symbol, between, interval_minutes(of.interval))
        bars = typed_bars(read, file_name).dropna(subset=[TIMESTAMP])
        if bars.empty:
            raise FileFormatError(f"{file_name} has no row of {own_symbol} from 1990 until now; nothing was kept")
        about = Import(
            symbol=symbol,
            interval=of.interval,
            file_name=file_name,
            vendor=of.vendor,
            rows=len(bars),
            first=bars[TIMESTAMP].min().isoformat(),
            last=bars[TIMESTAMP].max().isoformat(),
            imported_utc=datetime.now(UTC).isoformat(timespec="seconds"),
            notes=tuple(note.replace(of.path.name, file_name) for note in notes),
        )
        self._write(about, bars)
        return about

    def kept(self) -> list[Import]:
        """Return what is kept, in order of symbol and interval; files that this folder did not write are passed over.

        Raises
        ------
        ArchiveError
            The folder cannot be read.
        """
        try:
            files = sorted(self.path.glob("*.parquet"))
        except OSError as error:
            raise _failure(self.path, error) from error
        found = [about for about in map(_about, files) if about is not None]
        return sorted(found, key=lambda about: (about.symbol, interval_minutes(about.interval)))

    def bars(self, of: Import) -> pd.DataFrame:
        """Return kept bars, in the state they came.

        Raises
        ------
        ArchiveError
            They cannot be read any more.
        """
        try:
            bars: pd.DataFrame = pq.read_table(self._file(of.symbol, of.interval)).to_pandas()
        except (OSError, pa.ArrowException) as error:
            raise _failure(self.path, error) from error
        return bars

    def remove(self, of: Import) -> None:
        """Forget kept bars.

        Raises
        ------
        ArchiveError
            The folder cannot be written.
        """
        try:
            self._file(of.symbol, of.interval).unlink(missing_ok=True)
        except OSError as error:
            raise _failure(self.path, error) from error

    def _file(self, symbol: str, interval: str) -> Path:
        return self.path / f"{encode_symbol(symbol)}_{interval}.parquet"

    def _write(self, about: Import, bars: pd.DataFrame) -> None:
        content = io.BytesIO()
        table = pa.Table.from_pandas(bars, preserve_index=False)
        table = table.replace_schema_metadata({_ABOUT: json.dumps(asdict(about)).encode()})
        pq.write_table(table, content, compression="zstd", write_page_checksum=True)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            durable.replace(self._file(about.symbol, about.interval), content.getvalue())
        except OSError as error:
            raise _failure(self.path, error) from error


def _about(file: Path) -> Import | None:
    try:
        record = json.loads((pq.read_schema(file).metadata or {})[_ABOUT])
        return Import(**{**record, "notes": tuple(record["notes"])})
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError):
        return None


def _failure(folder: Path, error: Exception) -> ArchiveError:
    return ArchiveError(
        f"The folder of imports {folder} could not be used: {error}. Check that the disk has space and the folder can "
        "be written, or name another one (ORB_CACHE_DIR)"
    )
