"""The use cases of bars without a run: what is kept of them, fetch more, look at their quality, remove."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from orb_core.config.places import cache_path, imports_path
from orb_core.data.bars import bar_frame
from orb_core.data.day_archive import ArchivedDay, DayArchive, DayKey, joined
from orb_core.data.imports import ImportFolder
from orb_core.data.kept_bars import BarQuality, CoveredDay, Dataset, bar_quality, covered_days
from orb_core.data.sessions import session_table
from orb_core.data.source import interval_minutes
from orb_core.data.yahoo import Update, YahooSource
from orb_core.data.yahoo_limits import LIMITS, reach_ns
from orb_core.errors import ArchiveError, CancelledError, DataError, NetworkError, RateLimitError

if TYPE_CHECKING:
    from orb_core.config.models import RunConfig, SessionSettings

DAYS_SHOWN: Final = 366


@dataclass(frozen=True)
class FetchProgress:
    """How far a fetch is: symbol number `at` of `of`, and the sessions done and to do of it."""

    symbol: str
    at: int
    of: int
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class FetchOutcome:
    """What a fetch came to.

    Attributes
    ----------
    updates : dict
        Symbol → what came of it.
    failures : dict
        Symbol → why nothing, or not all, could be had.
    not_asked : tuple of str
        Symbols left out since Yahoo could not be asked any more.
    """

    updates: dict[str, Update] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    not_asked: tuple[str, ...] = ()


def imports() -> ImportFolder:
    """Return the imported bars."""
    return ImportFolder(imports_path())


def archive() -> DayArchive:
    """Return the sessions fetched from Yahoo."""
    return DayArchive(cache_path() / "archive")


def kept_stamp() -> str:
    """Return what changes whenever kept bars do; cheap."""
    cache = cache_path()
    names = ["archive/cache.db", "archive/cache.db-wal", "imports"]
    return repr([str(cache), *(_changed(cache / name) for name in names)])


def datasets() -> list[Dataset]:
    """Return all kept bars, in order of symbol, interval and origin.

    Raises
    ------
    ArchiveError
        They cannot be listed.
    """
    dates: dict[tuple[str, str], list[date]] = {}
    keys = archive().entries()
    for key in keys:
        dates.setdefault((key.symbol, key.interval), []).append(key.session_date)
    found = [Dataset("yahoo", *key, min(days), max(days), len(days), None) for key, days in dates.items()]
    found += [Dataset("import", x.symbol, x.interval, _day(x.first), _day(x.last), None, x) for x in imports().kept()]
    return sorted(found, key=lambda kept: (kept.symbol, interval_minutes(kept.interval), kept.origin))


def coverage(of: Dataset, session: SessionSettings, today: date | None = None) -> list[CoveredDay]:
    """Return the archived sessions of the last year, and those of the calendar between them that are missing.

    Parameters
    ----------
    of : Dataset
        Of origin "yahoo".
    session : SessionSettings
        Whose calendar says which sessions there were.
    today : date, optional
        Missing sessions are told up to the day before.
    """
    yesterday = (today or datetime.now(UTC).date()) - timedelta(days=1)
    begin = max(of.first, of.last - timedelta(days=DAYS_SHOWN))
    there = session_table(session, begin, max(of.last, yesterday)).dates.tolist()
    return covered_days(_archived(of, begin), of.interval, there)


def last_session(of: Dataset, session: SessionSettings) -> date:
    """Return the date of the session that kept bars end in: an evening session is of the date after."""
    if of.about is None:
        return of.last
    table = session_table(session, of.last, of.last + timedelta(days=1))
    begun: list[date] = table.dates[table.open_ns <= pd.Timestamp(of.about.last).value].tolist()
    return max([of.last, *begun])


def quality(of: Dataset, session: SessionSettings, or_minutes: int) -> BarQuality:
    """Return what is wrong with kept bars of the last year.

    Parameters
    ----------
    of : Dataset
    session : SessionSettings
        Whose sessions the bars should fill.
    or_minutes : int
        Length of the opening range whose bars are counted.

    Raises
    ------
    DataError
        No bar lies in any session, or they are of another interval than they should be.
    """
    begin = max(of.first, of.last - timedelta(days=DAYS_SHOWN))
    if of.about is None:
        days = _archived(of, begin)
        bars = bar_frame(*joined([days[day].bars for day in sorted(days)]))
    else:
        bars = imports().bars(of.about)
    return bar_quality(
        bars,
        session_table(session, begin, last_session(of, session)),
        interval_minutes(of.interval),
        or_minutes,
        of.symbol,
    )


def remove(of: Dataset) -> int:
    """Forget kept bars, and return of how many sessions (1 for an import).

    Raises
    ------
    ArchiveError
        They cannot be removed.
    """
    if of.about is not None:
        imports().remove(of.about)
        return 1
    return archive().remove(_keys(of))


def yahoo_reach(session: SessionSettings, interval: str, now: datetime | None = None) -> tuple[date, date]:
    """Return the first and last session Yahoo can be asked for now."""
    now_ns = int((now or datetime.now(UTC)).timestamp() * 1e9)
    first_ns = reach_ns(interval, now_ns)
    whole = session.model_copy(update={"open": None, "close": None})
    begin = pd.Timestamp(first_ns).date()
    table = session_table(whole, begin, pd.Timestamp(now_ns).date() + timedelta(days=1))
    first, after = np.searchsorted(table.open_ns, [first_ns, now_ns])
    dates: list[date] = table.dates[first:after].tolist()
    return (dates[0], dates[-1]) if dates else (begin, begin)


def yahoo_days(interval: str) -> int:
    """Return for how many days Yahoo keeps bars of an interval."""
    return LIMITS[interval].days


def archived_from(symbols: Sequence[str], interval: str, config: RunConfig) -> date | None:
    """Return the first archived session of any of these symbols; None without one, or if the archive cannot be read."""
    source = YahooSource(config, cache_path())
    tickers = {source.ticker(symbol) for symbol in symbols}
    try:
        keys = archive().entries()
    except ArchiveError:
        return None
    return min((k.session_date for k in keys if k.symbol in tickers and k.interval == interval), default=None)


def fetch(
    symbols: Sequence[str],
    config: RunConfig,
    dates: tuple[date, date] | None = None,
    on_progress: Callable[[FetchProgress], None] | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> FetchOutcome:
    """Archive what Yahoo has of these symbols and the archive lacks.

    Parameters
    ----------
    symbols : sequence of str
    config : RunConfig
        Its sessions, interval and aliases.
    dates : pair of date, optional
        First and last session; by default all that Yahoo keeps.
    on_progress : callable, optional
        Told around each request.
    is_cancelled : callable, optional
        Asked before each request; what was archived by then stays so.

    Raises
    ------
    CancelledError
        It said yes.
    """
    source = YahooSource(config, cache_path())
    start, end = dates or (None, None)
    outcome = FetchOutcome()
    for at, symbol in enumerate(symbols):

        def tell(done: int, total: int, symbol: str = symbol, at: int = at) -> None:
            if is_cancelled and is_cancelled():
                raise CancelledError(f"Cancelled at {symbol}; the sessions fetched until then are kept")
            if on_progress:
                on_progress(FetchProgress(symbol, at + 1, len(symbols), done, total))

        tell(0, 0)
        failure: DataError | None = None
        try:
            update = source.update(symbol, config.data.interval, start, end, tell)
            outcome.updates[symbol] = update
            failure = update.failure
        except DataError as error:
            failure = error
        if failure:
            outcome.failures[symbol] = str(failure)
        if isinstance(failure, RateLimitError | NetworkError):
            return FetchOutcome(outcome.updates, outcome.failures, tuple(symbols[at + 1 :]))
    return outcome


def _archived(of: Dataset, begin: date) -> Mapping[date, ArchivedDay]:
    dates = [key.session_date for key in _keys(of) if key.session_date >= begin]
    return archive().read(of.symbol, of.interval, dates)


def _keys(of: Dataset) -> list[DayKey]:
    kept = archive().entries()
    return [key for key in kept if (key.symbol, key.interval) == (of.symbol, of.interval)]


def _day(iso: str) -> date:
    return datetime.fromisoformat(iso).date()


def _changed(path: Path) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116
    except OSError:
        return 0
