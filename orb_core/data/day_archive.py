"""Every session fetched from Yahoo, kept for good: 1-minute history grows past the 30 days Yahoo keeps.

A diskcache under text keys such as `yahoo/SPY/1m/2024-01-02`, with Parquet in the database itself. Nothing expires
and nothing is evicted. A write is one transaction of SQLite: whoever dies in it leaves what was there before.
"""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from uuid import uuid4

import diskcache
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from diskcache.core import DBNAME, MODE_RAW, UNKNOWN
from loguru import logger

from orb_core.config.symbols import decode_symbol, encode_symbol
from orb_core.data.bars import TIMESTAMP, VALUES
from orb_core.data.sessions import MINUTE_NS
from orb_core.data.source import INTERVALS, interval_minutes
from orb_core.errors import ArchiveError

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Yahoo corrects the last minutes of a session for a while after its close.
SETTLED_NS: Final = 30 * MINUTE_NS
# A process waits this long for another one that fetches the same symbol.
LOCK_TIMEOUT_S: Final = 600.0
_DATABASE: Final = str(DBNAME)
_SCHEMA: Final = pa.schema(
    [
        pa.field(TIMESTAMP, pa.timestamp("ns", tz="UTC"), nullable=False),
        *(pa.field(name, pa.float64(), nullable=False) for name in VALUES),
    ]
)
_SPAN: Final = (b"orb_from_ns", b"orb_until_ns", b"orb_asked_ns")

_Result = TypeVar("_Result")


class DayBars(NamedTuple):
    """Bars of one session: starts in nanoseconds since 1970 int64[n], and a float64[n] for each of `bars.VALUES`."""

    starts_ns: NDArray[np.int64]
    columns: dict[str, NDArray[np.float64]]

    def where(self, chosen: NDArray[np.bool_] | slice) -> DayBars:
        """Return the bars that are chosen."""
        return DayBars(self.starts_ns[chosen], {name: column[chosen] for name, column in self.columns.items()})

    def between(self, from_ns: int, until_ns: int) -> DayBars:
        """Return the bars that start in [from_ns, until_ns); they are in order of time."""
        begin, end = np.searchsorted(self.starts_ns, [from_ns, until_ns])
        return self.where(slice(int(begin), int(end)))


def joined(parts: Sequence[DayBars]) -> DayBars:
    """Return the bars of several sessions in one, in their order."""
    if not parts:
        return DayBars(np.empty(0, dtype=np.int64), {name: np.empty(0) for name in VALUES})
    columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in VALUES}
    return DayBars(np.concatenate([part.starts_ns for part in parts]), columns)


class DayKey(NamedTuple):
    """What an archived session is found by: the source's own name of the symbol, interval and session date."""

    symbol: str
    interval: str
    session_date: date

    def text(self) -> str:
        """Return the key in the diskcache."""
        return f"yahoo/{encode_symbol(self.symbol)}/{self.interval}/{self.session_date}"

    @classmethod
    def parsed(cls, text: str) -> DayKey | None:
        """Return the key that reads like this, None if none does."""
        try:
            source, symbol, interval, day = text.split("/")
            key = cls(decode_symbol(symbol), interval, date.fromisoformat(day))
        except ValueError:
            return None
        return key if source == "yahoo" and interval in INTERVALS else None


@dataclass(frozen=True, eq=False)
class ArchivedDay:
    """The bars of one session, and what they are known to be.

    Attributes
    ----------
    bars : DayBars
        Without any, where the source was asked and had none.
    from_ns, until_ns : int
        The span that was asked for, nanoseconds since 1970: what is not in `bars` was not there to be had.
    asked_ns : int
        When. Before `until_ns`: the session was still running.
    """

    bars: DayBars
    from_ns: int
    until_ns: int
    asked_ns: int

    def expected(self, interval: str) -> int:
        """Return how many bars the whole span has."""
        return (self.until_ns - self.from_ns) // (interval_minutes(interval) * MINUTE_NS)

    def was_over(self) -> bool:
        """Return whether the session was over, and its last bars settled, when the source was asked."""
        return self.asked_ns >= self.until_ns + SETTLED_NS

    def is_complete(self, interval: str) -> bool:
        """Return whether nothing is left to ask for."""
        return self.was_over() and self.bars.starts_ns.size >= self.expected(interval)

    def covers(self, from_ns: int, until_ns: int) -> bool:
        """Return whether all of that span was asked for."""
        return self.from_ns <= from_ns and until_ns <= self.until_ns

    def followed_by(self, newer: ArchivedDay) -> ArchivedDay:
        """Return what to keep once the source has answered again: the newer bars, unless that would lose some.

        Where the newer answer has fewer bars in its own span, the older ones stay. Bars outside that span (another
        calendar was in use) stay too, if the two spans touch; if they do not, the day with more bars is kept.
        """
        if newer.from_ns > self.until_ns or self.from_ns > newer.until_ns:
            return newer if newer.bars.starts_ns.size >= self.bars.starts_ns.size else self
        same_span = self.bars.between(newer.from_ns, newer.until_ns)
        inside = newer.bars if newer.bars.starts_ns.size >= same_span.starts_ns.size else same_span
        before = self.bars.between(self.from_ns, newer.from_ns)
        after = self.bars.between(newer.until_ns, max(self.until_ns, newer.until_ns))
        return replace(
            newer,
            bars=joined([before, inside, after]),
            from_ns=min(self.from_ns, newer.from_ns),
            until_ns=max(self.until_ns, newer.until_ns),
        )


class Coverage(NamedTuple):
    """What the archive has of one session.

    Attributes
    ----------
    session_date : date
    bars, expected : int
        How many bars there are, and of how many.
    is_complete : bool
        Nothing is left to ask for.
    """

    session_date: date
    bars: int
    expected: int
    is_complete: bool


class RefusedEntryError(Exception):
    """An entry of another kind than this archive writes; `content` is what it holds, never looked into."""

    def __init__(self, content: bytes) -> None:
        super().__init__("it is not in a form this archive writes (a pickle?), and was not opened")
        self.content = content


class BytesDisk(diskcache.Disk):  # type: ignore[misc]  # diskcache ships no types
    """Text keys and bytes inside the database: no files, and no pickles, written or read.

    A pickle runs whatever code its author wrote into it, and diskcache would load one from whoever can write here.
    """

    def put(self, key: object) -> tuple[str, bool]:
        """Return a key as it is stored."""
        if not isinstance(key, str):
            raise TypeError(f"keys of this archive are text, not {type(key).__name__}")
        return key, True

    def get(self, key: object, raw: bool) -> str:  # noqa: FBT001 - diskcache's signature
        """Return a stored key; empty text, which `DayKey` does not read, for one that this archive never wrote."""
        return key if raw and isinstance(key, str) else ""

    def store(self, value: object, read: bool, key: object = UNKNOWN) -> tuple[int, int, None, object]:  # noqa: ARG002, FBT001
        """Return a value as it is stored: its size in files, kind, file and content."""
        if not isinstance(value, bytes):
            raise TypeError(f"values of this archive are bytes, not {type(value).__name__}")
        return 0, MODE_RAW, None, sqlite3.Binary(value)

    def fetch(self, mode: int, filename: str | None, value: object, read: bool) -> bytes:  # noqa: FBT001
        """Return a stored value.

        Raises
        ------
        RefusedEntryError
            It is anything but bytes.
        """
        if mode != MODE_RAW or filename is not None or read or not isinstance(value, bytes):
            raise RefusedEntryError(value if isinstance(value, bytes) else repr(value).encode())
        return value

    def remove(self, file_path: str) -> None:
        """Leave the file of a foreign entry where it is: it may be anyone's."""


class DayArchive:
    """The sessions kept in a folder, which is made by the first write.

    Parameters
    ----------
    folder : Path
        Usually cache/archive.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._opened: diskcache.Cache | None = None

    def read(self, symbol: str, interval: str, dates: Sequence[date]) -> dict[date, ArchivedDay]:
        """Return what is kept of these sessions. A damaged entry is set aside, logged, and no longer there.

        Raises
        ------
        ArchiveError
            The archive cannot be opened or read.
        """
        if not self._exists():
            return {}

        def days(cache: diskcache.Cache) -> dict[date, ArchivedDay]:
            found = {day: self._entry(cache, DayKey(symbol, interval, day)) for day in dates}
            return {day: entry for day, entry in found.items() if entry is not None}

        return self._do("read", days)

    def write(self, symbol: str, interval: str, days: Mapping[date, ArchivedDay]) -> None:
        """Keep these sessions, all or none, in place of what was kept of them.

        Raises
        ------
        ArchiveError
            The archive cannot be opened or written.
        """
        contents = {DayKey(symbol, interval, day).text(): _encoded(entry) for day, entry in days.items()}

        def put(cache: diskcache.Cache) -> None:
            with cache.transact():
                for key, content in contents.items():
                    cache.set(key, content)

        self._do("written", put)

    def entries(self) -> list[DayKey]:
        """Return every key, in order of symbol, interval and date.

        Raises
        ------
        ArchiveError
            The archive cannot be opened or read.
        """
        if not self._exists():
            return []
        texts = self._do("read", list)
        return sorted(key for text in texts if (key := DayKey.parsed(text)) is not None)

    def coverage(self, symbol: str, interval: str) -> list[Coverage]:
        """Return what is kept of a symbol, in order of date. Reading all of it finds, and sets aside, what is damaged.

        Raises
        ------
        ArchiveError
            The archive cannot be opened or read.
        """
        dates = [key.session_date for key in self.entries() if (key.symbol, key.interval) == (symbol, interval)]
        return [
            Coverage(day, entry.bars.starts_ns.size, entry.expected(interval), entry.is_complete(interval))
            for day, entry in self.read(symbol, interval, dates).items()
        ]

    def check(self) -> None:
        """Read the whole database, without looking into its entries.

        Raises
        ------
        ArchiveError
            It is damaged, or cannot be read.
        """
        if not self._exists():
            return
        try:
            with closing(sqlite3.connect(self.folder / _DATABASE)) as database:
                ((found,),) = database.execute("PRAGMA integrity_check(1)").fetchall()
        except sqlite3.Error as error:
            raise self._failure("read", error) from error
        if found != "ok":
            raise self._failure("read", sqlite3.DatabaseError(f"database disk image is malformed: {found}"))

    def remove(self, keys: Sequence[DayKey]) -> int:
        """Forget these sessions, all or none, and return how many there were.

        Raises
        ------
        ArchiveError
            The archive cannot be opened or written.
        """

        def drop(cache: diskcache.Cache) -> int:
            with cache.transact():
                return sum(bool(cache.delete(key.text())) for key in keys)

        return self._do("written", drop) if self._exists() else 0

    @contextmanager
    def lock(self, symbol: str, interval: str, timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
        """Hold the right to fetch a symbol, against all threads and processes; the death of its holder ends it.

        It is SQLite's own lock on an empty database, as that of diskcache outlives a process that was killed.

        Raises
        ------
        ArchiveError
            Another process held it all the time, or the archive's folder cannot be written.
        """
        path = self.folder / "locks" / f"{encode_symbol(symbol)}_{interval}.lock"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, timeout=timeout_s, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise self._failure("locked", error) from error
        try:
            try:
                connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise self._failure("locked", error) from error
                raise ArchiveError(
                    f"another process has been fetching {symbol} {interval} for {timeout_s:.0f} s; "
                    "wait until it is done, or end it, then ask again"
                ) from error
            yield
        finally:
            connection.close()

    def _exists(self) -> bool:
        return (self.folder / _DATABASE).is_file()

    def _do(self, what: str, use: Callable[[diskcache.Cache], _Result]) -> _Result:
        try:
            if self._opened is None:
                self._opened = diskcache.Cache(
                    self.folder, disk=BytesDisk, eviction_policy="none", cull_limit=0, sqlite_synchronous=1
                )
            try:
                return use(self._opened)
            finally:
                self._opened.close()  # this thread's connection; the next use opens one
        except (OSError, sqlite3.Error, diskcache.Timeout) as error:
            raise self._failure(what, error) from error

    def _failure(self, what: str, error: Exception) -> ArchiveError:
        reason = str(error) or type(error).__name__
        if "not a database" in reason or "malformed" in reason:
            return ArchiveError(
                f"the archive {self.folder} is damaged ({reason}). Nothing was changed: put back a copy of "
                f"{_DATABASE} if you have one, or move the folder away to begin a new archive"
            )
        return ArchiveError(
            f"the archive {self.folder} could not be {what}: {reason}. Nothing that was in it is lost: check that the "
            "disk has space and the folder can be written, or name another one (--cache-dir, ORB_CACHE_DIR)"
        )

    def _entry(self, cache: diskcache.Cache, key: DayKey) -> ArchivedDay | None:
        try:
            content = cache.get(key.text())
            return None if content is None else _decoded(content)
        except RefusedEntryError as error:
            self._set_aside(cache, key, error.content, error)
        except (pa.ArrowException, OSError, ValueError, TypeError, KeyError) as error:
            self._set_aside(cache, key, content, error)
        return None

    def _set_aside(self, cache: diskcache.Cache, key: DayKey, content: bytes, error: Exception) -> None:
        aside = self.folder / "damaged" / f"{key.text().replace('/', '_')}-{uuid4().hex[:8]}"
        logger.warning("the archive's {} is damaged and set aside as {}: {}", key.text(), aside, error)
        with suppress(OSError):  # where it cannot be kept, it can still not be used
            aside.parent.mkdir(exist_ok=True)
            aside.write_bytes(content)
        cache.delete(key.text())


def _encoded(day: ArchivedDay) -> bytes:
    table = pa.Table.from_arrays(
        [pa.array(day.bars.starts_ns).cast(_SCHEMA[0].type), *(pa.array(day.bars.columns[name]) for name in VALUES)],
        schema=_SCHEMA.with_metadata(
            dict(zip(_SPAN, (str(ns).encode() for ns in (day.from_ns, day.until_ns, day.asked_ns)), strict=True))
        ),
    )
    content = io.BytesIO()
    pq.write_table(table, content, compression="zstd", use_dictionary=False, write_page_checksum=True)
    return content.getvalue()


def _decoded(content: bytes) -> ArchivedDay:
    file = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True)
    if not file.schema_arrow.equals(_SCHEMA):
        raise ValueError(f"it has the columns {', '.join(file.schema_arrow.names)}")
    from_ns, until_ns, asked_ns = (int(file.schema_arrow.metadata[name]) for name in _SPAN)
    table = file.read(use_threads=False)
    columns: dict[str, Any] = {name: table[name].to_numpy() for name in VALUES}
    starts_ns = table[TIMESTAMP].cast(pa.int64()).to_numpy()
    if (np.diff(starts_ns) <= 0).any():
        raise ValueError("its bars are not in order")
    return ArchivedDay(DayBars(starts_ns, columns), from_ns, until_ns, asked_ns)
