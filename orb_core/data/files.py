"""Bars from the user's own files: CSV, gzipped CSV, Parquet, or a folder of them.

A file's layout is recognised by its columns, its kind by its first bytes. What a file does not say and cannot be
known is an error that shows its first rows and the options, never a guess.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from orb_core.config.symbols import encode_symbol
from orb_core.data.bars import COLUMNS, TIMESTAMP, VALUES
from orb_core.data.source import interval_minutes
from orb_core.errors import ConfigError, FileFormatError, NoBarsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SUFFIXES: Final = (".csv", ".csv.gz", ".txt", ".parquet")
STAMPS: Final = ("open", "close")
_SYMBOL_COLUMNS: Final = ("symbol", "ticker")
# Sessions are labelled by local date, and some begin the evening before: rows this much around the dates are kept.
_MARGIN: Final = timedelta(days=2)
_HEAD_BYTES: Final = 64 * 1024
_UNREADABLE: Final = (pa.ArrowException, OSError, EOFError, zlib.error, UnicodeDecodeError)


class Layout(NamedTuple):
    """The columns one program writes: ours to theirs, in lower case. Its stamps are bar starts."""

    name: str
    columns: Mapping[str, str]


LAYOUTS: Final = (
    Layout("this program's", {name: name for name in COLUMNS}),
    Layout("yfinance's", {TIMESTAMP: "datetime", **{name: name for name in VALUES}}),
)


@dataclass(frozen=True)
class FileSource:
    """A source that reads one file, or a folder searched for `SYMBOL.*` and `SYMBOL_<interval>*.*`.

    A single file holds the one symbol asked for, whatever its name, unless it has a symbol column.

    Attributes
    ----------
    path : Path
    data_tz : str, optional
        IANA name of the clock of stamps that name none.
    stamp : "open" or "close", optional
        Which end of its bar a stamp is; None is the layout's own way.

    Raises
    ------
    ConfigError
        `data_tz` or `stamp` is none of those.
    """

    path: Path
    data_tz: str | None = None
    stamp: str | None = None
    name: str = "file"

    def __post_init__(self) -> None:
        if self.stamp not in (None, *STAMPS):
            raise ConfigError(f"`--stamp` is {self.stamp!r}; it says which end of its bar a stamp is: open or close")
        if self.data_tz is not None:
            try:
                ZoneInfo(self.data_tz)
            except (ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise ConfigError(
                    f"`--data-tz` is {self.data_tz!r}, which is no time zone; give an IANA name such as "
                    "America/New_York, Europe/London or UTC"
                ) from error

    def check_symbols(self, symbols: Sequence[str]) -> None:
        """Raise if `path` cannot tell several symbols apart.

        Raises
        ------
        FileFormatError
            Several symbols are asked of one file without a symbol column, or it cannot be read.
        """
        if len(symbols) > 1 and not self._existing().is_dir() and _read_head(self.path).symbol_column is None:
            raise FileFormatError(
                f"{self.path}: {len(symbols)} symbols were asked for ({', '.join(symbols)}), and a file without a "
                "`symbol` column holds one. Give a folder with a file for each, such as SPY_1m.csv, or add the column"
            )

    def identity(self, symbol: str, interval: str) -> str:
        """Return what the bars of `symbol` are made from: files with size and time of change, and how they are read."""
        files = [(str(f.resolve()), f.stat().st_size, f.stat().st_mtime_ns) for f in self._files(symbol, interval)]
        return json.dumps([files, self.data_tz, self.stamp])

    def fetch(self, symbol: str, start: date, end: date, interval: str) -> pd.DataFrame:
        """Return the rows around the sessions from `start` to `end` as they are in the file; see `Source.fetch`.

        Raises
        ------
        FileFormatError
            A file cannot be read as bars, or could be in more than one way.
        NoBarsError
            No file, or no row, is of this symbol.
        """
        first, last = (pd.Timestamp(day, tz="UTC") for day in (start - _MARGIN, end + _MARGIN))
        frames = [self._read(file, symbol, first, last) for file in self._files(symbol, interval)]
        bars = pd.concat(frames, ignore_index=True)
        if self.stamp == "close":
            bars[TIMESTAMP] -= pd.Timedelta(minutes=interval_minutes(interval))
        return bars

    def _existing(self) -> Path:
        if not self.path.exists():
            raise FileFormatError(f"{self.path} does not exist; `--data` takes a file or a folder with bars")
        return self.path

    def _files(self, symbol: str, interval: str) -> list[Path]:
        """Return the files that hold the bars of `symbol`, in order of name."""
        if not self._existing().is_dir():
            return [self.path]
        known = sorted(f for f in self.path.iterdir() if f.is_file() and f.name.lower().endswith(SUFFIXES))
        names = {symbol.lower(), encode_symbol(symbol).lower()}
        found = [f for f in known if _stem(f) in names or _stem(f).startswith(tuple(f"{n}_{interval}" for n in names))]
        if not found:
            holds = ", ".join(f.name for f in known[:10]) + (" …" if len(known) > 10 else "")
            raise NoBarsError(
                f"{self.path}: no file for {symbol}. Looked for {symbol}.* and {symbol}_{interval}*.* "
                f"({', '.join(SUFFIXES)}); the folder holds {holds or 'none of these'}"
            )
        stems = [_stem(f) for f in found]
        if len(set(stems)) < len(stems) or (len(stems) > 1 and names & set(stems)):
            raise FileFormatError(
                f"{self.path}: {', '.join(f.name for f in found)} could each hold the {interval} bars of {symbol}. "
                f"Leave one of them, give its path itself, or name the pieces {symbol}_{interval}_….csv"
            )
        return found

    def _read(self, file: Path, symbol: str, first: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
        head = _read_head(file)
        names = list(head.columns.values())
        try:
            table = _read_rows(file, head, first, last)
            if head.symbol_column is not None:
                table = _rows_of(table, head.symbol_column, symbol, file)
            table = table.select(names).rename_columns(list(head.columns))
            stamps = self._utc(table[TIMESTAMP], head)
            inside = pc.fill_null(
                pc.and_(pc.greater_equal(stamps, first), pc.less_equal(stamps, last)), fill_value=True
            )
            values = {name: table[name].cast(pa.float64(), safe=False).filter(inside) for name in VALUES}
            frame: pd.DataFrame = pa.table({TIMESTAMP: stamps.filter(inside), **values}).to_pandas()
            return frame
        except _UNREADABLE as error:
            raise FileFormatError(f"{file}: cannot be read as bars: {error}\n{head.shown()}") from error

    def _utc(self, stamps: pa.ChunkedArray, head: _Head) -> pa.ChunkedArray:
        """Return stamps in nanoseconds UTC."""
        kind = stamps.type
        if pa.types.is_null(kind):  # not one stamp in it: the quality report counts such rows
            return stamps.cast(pa.timestamp("ns", "UTC"))
        if not pa.types.is_timestamp(kind):
            raise FileFormatError(
                f"{head.file}: column {head.columns[TIMESTAMP]} does not hold times such as 2024-01-02 09:30:00-05:00 "
                f"throughout (it was read as {kind})\n{head.shown()}"
            )
        if kind.tz is None:
            if self.data_tz is None:
                raise FileFormatError(
                    f"{head.file}: the stamps name no time zone. Say which clock they are on: `--data-tz "
                    f"America/New_York`, `--data-tz UTC`, …\n{head.shown()}"
                )
            stamps = pc.assume_timezone(stamps.cast(pa.timestamp("ns")), self.data_tz)
        return stamps.cast(pa.timestamp("ns", "UTC"))


class _Head(NamedTuple):
    """What the beginning of a file says about the rest of it."""

    file: Path
    is_parquet: bool
    rows: tuple[str, ...]
    columns: dict[str, str]  # ours → as written in the file
    symbol_column: str | None

    def shown(self) -> str:
        return _shown(self.rows)


def _shown(rows: Sequence[str]) -> str:
    return "\n".join(["It begins:", *(repr(row[:160])[1:-1] for row in rows[:4])])


def _stem(file: Path) -> str:
    name = file.name.lower()
    return name.removesuffix(next(s for s in sorted(SUFFIXES, key=len, reverse=True) if name.endswith(s)))


def _read_head(file: Path) -> _Head:
    try:
        with file.open("rb") as stream:
            magic = stream.read(4)
        if not magic:
            raise FileFormatError(f"{file} is empty; bars need a header and rows")
        is_parquet = magic == b"PAR1"
        header, rows = _parquet_head(file) if is_parquet else _text_head(file)
    except _UNREADABLE as error:
        raise FileFormatError(f"{file}: cannot be read as CSV or Parquet: {error}") from error

    lower = [name.strip().lower() for name in header]
    fitting = [layout for layout in LAYOUTS if set(layout.columns.values()) <= set(lower)]
    if len(fitting) != 1:
        known = "; ".join(f"{x.name}: {', '.join(x.columns.values())}" for x in LAYOUTS)
        what = "no known layout has these columns" if not fitting else "the columns fit more than one layout"
        raise FileFormatError(f"{file}: {what}. Known are {known}\n{_shown(rows)}")
    wanted = [*fitting[0].columns.values(), *_SYMBOL_COLUMNS]
    twice = [name for name in wanted if lower.count(name) > 1]
    if twice:
        raise FileFormatError(f"{file}: more than one column is called {', '.join(twice)}\n{_shown(rows)}")
    columns = {ours: header[lower.index(theirs)] for ours, theirs in fitting[0].columns.items()}
    symbol = next((header[lower.index(name)] for name in _SYMBOL_COLUMNS if name in lower), None)
    return _Head(file, is_parquet, rows, columns, symbol)


def _parquet_head(file: Path) -> tuple[list[str], tuple[str, ...]]:
    schema = pa.parquet.read_schema(file)
    return list(schema.names), tuple(f"{field.name}: {field.type}" for field in schema)


def _text_head(file: Path) -> tuple[list[str], tuple[str, ...]]:
    with _open_text(file) as stream:
        beginning = stream.read(_HEAD_BYTES)
    if b"\0" in beginning:
        raise FileFormatError(f"{file} is neither Parquet nor text in UTF-8; save the bars as CSV or Parquet")
    lines = io.BytesIO(beginning).readlines()
    whole = lines if len(beginning) < _HEAD_BYTES else lines[:-1]  # the last may be cut within a character
    rows = tuple(line.decode("utf-8-sig").rstrip("\r\n") for line in whole[:5])
    return [name.strip('"') for name in rows[0].split(",")] if rows else [], rows


def _open_text(file: Path) -> io.BufferedIOBase:
    with file.open("rb") as stream:
        is_gzip = stream.read(2) == b"\x1f\x8b"
    return gzip.open(file, "rb") if is_gzip else file.open("rb")


def _read_rows(file: Path, head: _Head, first: pd.Timestamp, last: pd.Timestamp) -> pa.Table:
    names = [*head.columns.values(), *([head.symbol_column] if head.symbol_column else [])]
    if not head.is_parquet:
        types: dict[str, Any] = {head.columns[name]: pa.float64() for name in VALUES}
        if head.symbol_column:
            types[head.symbol_column] = pa.string()
        with _open_text(file) as stream:
            return pa.csv.read_csv(
                stream, convert_options=pa.csv.ConvertOptions(include_columns=names, column_types=types)
            )
    stamp = head.columns[TIMESTAMP]
    kind = pa.parquet.read_schema(file).field(stamp).type
    if not pa.types.is_timestamp(kind):
        return pa.parquet.read_table(file, columns=names)
    bounds = [pa.scalar(t if kind.tz else t.tz_localize(None), type=kind) for t in (first, last)]
    # Row groups whose statistics lie outside are not even read; rows without a stamp are kept to be counted.
    rows = ((pc.field(stamp) >= bounds[0]) & (pc.field(stamp) <= bounds[1])) | pc.field(stamp).is_null()
    return pa.parquet.read_table(file, columns=names, filters=rows)


def _rows_of(table: pa.Table, symbol_column: str, symbol: str, file: Path) -> pa.Table:
    symbols = pc.utf8_upper(pc.utf8_trim_whitespace(table[symbol_column].cast(pa.string())))
    rows = table.filter(pc.equal(symbols, symbol))
    if not rows.num_rows:
        there = sorted(s for s in pc.unique(symbols).to_pylist() if s)
        shown = ", ".join(there[:10]) + (" …" if len(there) > 10 else "")
        raise NoBarsError(f"{file}: no row of {symbol} around these dates; its symbols there are {shown or 'none'}")
    return rows
