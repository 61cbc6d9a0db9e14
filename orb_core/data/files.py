"""Bars from the user's own files: text or Parquet, packed or not, one file or a folder of them.

A file's layout is recognised by its columns, its kind by its first bytes. What a file does not say and cannot be
known is an error that shows its first rows and the options, never a guess.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
from loguru import logger

from orb_core.config.symbols import encode_symbol
from orb_core.data.bar_file import BarFile
from orb_core.data.source import interval_minutes, with_notes
from orb_core.errors import ConfigError, FileFormatError, NoBarsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orb_core.data.layouts import Side

SIDES: Final = ("open", "close")
# Sessions are labelled by local date, and some begin the evening before: rows this much around the dates are kept.
_MARGIN: Final = timedelta(days=2)
_EVER: Final = pd.Timestamp("1900-01-01", tz="UTC"), pd.Timestamp("2100-01-01", tz="UTC")
_NAME: Final = re.compile(r"(?P<stem>.+?)(?=\.[a-z])(\.(csv|txt|parquet|pq))?(\.(gz|zst|bz2|zip))?", re.IGNORECASE)
_KINDS: Final = ".csv, .txt, .parquet, also packed as .gz, .zst, .bz2, .zip"
_DATED: Final = re.compile(r"(?<!\d)(\d{4})-?(\d\d)-?(\d\d)(?!\d)")
_LEAN_DAY: Final = re.compile(r"\d{8}_trade\.zip", re.IGNORECASE)


@dataclass(frozen=True)
class FileSource:
    """A source that reads one file, or a folder of them.

    A folder is searched for `SYMBOL.*`, then for `SYMBOL_<interval>*.*`, for a folder of daily QuantConnect files named
    after the symbol, and for files of one day each that hold many symbols. A single file holds the one symbol asked
    for, whatever its name, unless it says itself what it holds.

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
    stamp: Side | None = None
    name: str = "file"

    def __post_init__(self) -> None:
        check_reading(self.data_tz, self.stamp)

    def check_symbols(self, symbols: Sequence[str]) -> None:
        """Raise if `path` cannot tell several symbols apart.

        Raises
        ------
        FileFormatError
            Several symbols are asked of one file that does not say which bars are whose, or it cannot be read.
        """
        if len(symbols) > 1 and not self._existing().is_dir() and not BarFile(self.path).has_symbols:
            raise FileFormatError(
                f"{len(symbols)} symbols were asked for ({', '.join(symbols)}), and a file without a `symbol` column "
                f"holds one. Give a folder with a file for each, such as SPY_1m.csv, or add the column: {self.path}"
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
            No file, or no row, is of this symbol, or all its rows lie around other dates.
        """
        first, last = start - _MARGIN, end + _MARGIN
        between = pd.Timestamp(first, tz="UTC"), pd.Timestamp(last, tz="UTC")
        files = self._files(symbol, interval)
        within = [file for file in files if len(files) == 1 or first <= (_date_of(file) or first) <= last]
        if not within:
            raise NoBarsError(
                f"no file of {symbol} for {start} to {end}; its files reach from {files[0].name} to {files[-1].name} "
                f"in {self.path}"
            )
        frames, notes = [], dict[str, None]()
        for file in within:
            opened = BarFile(file, self.data_tz, self.stamp)
            frame, said = opened.bars(symbol, between, interval_minutes(interval))
            frames.append(frame)
            notes.update(dict.fromkeys(said))
            logger.debug("{}: layout of {}, clock {}", file, opened.known.layout.vendor, opened.zone)
        if len(files) == 1 and frames[0].empty:
            held, _ = opened.bars(symbol, _EVER, interval_minutes(interval))
            if len(held):
                reach = f"{held['timestamp_utc'].min():%Y-%m-%d} to {held['timestamp_utc'].max():%Y-%m-%d}"
                raise NoBarsError(
                    f"no bars from {start} to {end}; the file holds {reach}. Choose dates within: {files[0]}"
                )
        return with_notes(pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0], tuple(notes))

    def _existing(self) -> Path:
        if not self.path.exists():
            raise FileFormatError(f"No such file or folder of bars: {self.path}")
        return self.path

    def _files(self, symbol: str, interval: str) -> list[Path]:
        """Return the files that hold the bars of `symbol`, in order of name."""
        if not self._existing().is_dir():
            return [self.path]
        known = sorted(f for f in self.path.iterdir() if f.is_file() and _stem(f))
        names = {symbol.lower(), encode_symbol(symbol).lower()}
        found = [f for f in known if _stem(f) in names or _stem(f).startswith(tuple(f"{n}_{interval}" for n in names))]
        found = found or self._daily_files(known, names)
        if not found:
            holds = ", ".join(f.name for f in known[:10]) + (" …" if len(known) > 10 else "")
            raise NoBarsError(
                f"no file for {symbol}. The folder holds {holds or 'no files of bars'}; looked for {symbol}.* and "
                f"{symbol}_{interval}*.* ({_KINDS}) in {self.path}"
            )
        stems = [_stem(f) for f in found]
        if len(set(stems)) < len(stems) or (len(stems) > 1 and names & set(stems)):
            raise FileFormatError(
                f"{', '.join(f.name for f in found)} could each hold the {interval} bars of {symbol}. Leave one of "
                f"them in {self.path}, give its path itself, or name the pieces {symbol}_{interval}_….csv"
            )
        return found

    def _daily_files(self, known: list[Path], names: set[str]) -> list[Path]:
        """Return the files of a day each: QuantConnect's of the symbol, or such that hold many symbols."""
        for folder in (self.path, *(f for f in self.path.iterdir() if f.is_dir() and f.name.lower() in names)):
            if days := sorted(f for f in folder.iterdir() if _LEAN_DAY.fullmatch(f.name)):
                return days
        dated = [f for f in known if _date_of(f)]
        return dated if dated and BarFile(dated[0]).has_symbols else []


def check_reading(data_tz: str | None, stamp: str | None) -> None:
    """Raise unless both say something about a file, or nothing.

    Raises
    ------
    ConfigError
        `data_tz` is no time zone, or `stamp` is neither "open" nor "close".
    """
    if stamp not in (None, *SIDES):
        raise ConfigError(f"`--stamp` is {stamp!r}; it says which end of its bar a stamp is: open or close")
    if data_tz is not None:
        try:
            ZoneInfo(data_tz)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ConfigError(
                f"`--data-tz` is {data_tz!r}, which is no time zone; give an IANA name such as "
                "America/New_York, Europe/London or UTC"
            ) from error


def _stem(file: Path) -> str:
    """Return the lower-case name without the endings of files of bars; empty if it has none of them."""
    match = _NAME.fullmatch(file.name)
    return match["stem"].lower() if match else ""


def _date_of(file: Path) -> date | None:
    """Return the one day a file is named after."""
    found = _DATED.findall(file.name)
    if len(found) != 1:
        return None
    try:
        return date(*map(int, found[0]))
    except ValueError:
        return None
