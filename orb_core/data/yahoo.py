"""Bars from Yahoo: sessions of the archive, and over the network only those that it lacks."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd

from orb_core.data.bars import bar_frame
from orb_core.data.day_archive import DayArchive, joined
from orb_core.data.sessions import session_table
from orb_core.data.source import with_notes
from orb_core.data.yahoo_client import YahooClient, ns_of
from orb_core.data.yahoo_gather import Gathered, Gatherer, SessionRange
from orb_core.data.yahoo_limits import DAY_NS, LIMITS, longer_interval, reach_ns
from orb_core.errors import ArchiveError, BeyondReachError, DataError, NoBarsError, NoSessionsError

if TYPE_CHECKING:
    from orb_core.config.models import RunConfig
    from orb_core.data.sessions import SessionTable
    from orb_core.data.yahoo_gather import OnProgress

# One letter after a dot is a class of shares (BRK.B), but for Frankfurt, London, Tokyo and Toronto's Venture exchange.
_SHARE_CLASS: Final = re.compile(r"(?<=[A-Z])\.(?=[A-EG-KM-SUW-Z]$)")


class MissingSession(NamedTuple):
    """A session that was asked for and has no bars, why, and whether that is final: asking again will not help."""

    session_date: date
    reason: str
    is_final: bool


class Update(NamedTuple):
    """What asking for the sessions of a range came to.

    Attributes
    ----------
    asked : int
        Sessions Yahoo answered for; the others were archived, or cannot be had.
    with_bars : int
        How many of them have at least one bar.
    missing : tuple of MissingSession
        Sessions of the whole range without bars.
    failure : DataError or None
        Why Yahoo was not asked for all.
    """

    asked: int
    with_bars: int
    missing: tuple[MissingSession, ...]
    failure: DataError | None


class YahooSource:
    """The source `yahoo`.

    Parameters
    ----------
    config : RunConfig
        Its sessions, and its instruments for their aliases.
    cache_dir : Path
        Holds the archive.
    first_session : date, optional
        The run's first date. Sessions before it are warm-up: `fetch` goes without those that cannot be had.
    on_progress : callable, optional
        Told of `fetch`: see `Gatherer`.
    client : YahooClient, optional
        Who asks Yahoo.
    """

    name = "yahoo"

    def __init__(
        self,
        config: RunConfig,
        cache_dir: Path,
        *,
        first_session: date | None = None,
        on_progress: OnProgress | None = None,
        client: YahooClient | None = None,
    ) -> None:
        self.archive = DayArchive(cache_dir / "archive")
        self._config = config
        self._first_session = first_session or date.min
        self._on_progress = on_progress
        self._client = client or YahooClient(cache_dir)

    def identity(self, symbol: str, interval: str) -> str:  # noqa: ARG002 — see `Source.identity`
        """Return the symbol as Yahoo writes it."""
        return self.ticker(symbol)

    def ticker(self, symbol: str) -> str:
        """Return a symbol as Yahoo writes it: ES is ES=F by its alias, BRK.B is BRK-B, BTC/USD is BTC-USD."""
        return _SHARE_CLASS.sub("-", self._config.instrument(symbol).symbol.replace("/", "-"))

    def fetch(self, symbol: str, start: date, end: date, interval: str) -> pd.DataFrame:
        """Return the bars of the sessions that can be had, with notes that name the others; see `with_notes`.

        Raises
        ------
        NoSessionsError
            The range has no session.
        DataError
            None of the sessions from `first_session` on can be had; each reason has an error of its own.
        """
        wanted = self._range(symbol, start, end, interval)
        gathered = Gatherer(self.archive, self._client, self._on_progress).gather(wanted)
        missing = self._missing_of(wanted, gathered)
        if missing and len(missing) == sum(day >= self._first_session for day in wanted.dates):
            raise self._nothing(wanted, gathered, missing)
        cut = zip(wanted.dates, wanted.cut.open_ns, wanted.cut.close_ns, strict=True)
        parts = [gathered.days[day].bars.between(*span) for day, *span in cut if day in gathered.days]
        is_final = gathered.failure is None and all(session.is_final for session in missing)
        return with_notes(bar_frame(*joined(parts)), _notes(missing, gathered), is_final=is_final)

    def update(
        self,
        symbol: str,
        interval: str,
        start: date | None = None,
        end: date | None = None,
        on_progress: OnProgress | None = None,
    ) -> Update:
        """Archive what Yahoo has of a range and the archive lacks.

        Parameters
        ----------
        symbol, interval : str
        start, end : date, optional
            By default all that Yahoo keeps.
        on_progress : callable, optional
            See `Gatherer`.

        Raises
        ------
        ArchiveError
            The archive cannot be written.
        NoSessionsError
            The range has no session.
        """
        first, last = self._kept(interval)
        wanted = self._range(symbol, start or first, end or last, interval)
        gathered = Gatherer(self.archive, self._client, on_progress, must_keep=True).gather(wanted)
        with_bars = sum(gathered.days[day].bars.starts_ns.size > 0 for day in gathered.asked)
        return Update(len(gathered.asked), with_bars, self._missing_of(wanted, gathered), gathered.failure)

    def _range(self, symbol: str, start: date, end: date, interval: str) -> SessionRange:
        cut = session_table(self._config.session, start, end)
        if not len(cut):
            raise NoSessionsError(
                f"{self._config.session.calendar} has no session from {start} to {end}; choose dates with a trading day"
            )
        return SessionRange(symbol, self.ticker(symbol), interval, self._whole(start, end), cut)

    def _whole(self, start: date, end: date) -> SessionTable:
        calendars_own = {"open": None, "close": None}
        return session_table(self._config.session.model_copy(update=calendars_own), start, end)

    def _kept(self, interval: str) -> tuple[date, date]:
        """Return the first and last session Yahoo has bars of."""
        now = self._client.now()
        first_ns, now_ns = reach_ns(interval, ns_of(now)), ns_of(now)
        table = self._whole(pd.Timestamp(first_ns).date(), now.date() + timedelta(days=1))
        begin, end = np.searchsorted(table.open_ns, [first_ns, now_ns])
        dates: list[date] = table.dates[begin:end].tolist()
        return dates[0], dates[-1]

    def _missing_of(self, wanted: SessionRange, gathered: Gathered) -> tuple[MissingSession, ...]:
        now_ns = ns_of(self._client.now())
        first_ns = reach_ns(wanted.interval, now_ns)
        missing = []
        for at, day in enumerate(wanted.dates):
            archived = gathered.days.get(day)
            span = int(wanted.cut.open_ns[at]), int(wanted.cut.close_ns[at])
            if day < self._first_session or (archived and archived.bars.between(*span).starts_ns.size):
                continue
            is_final = False
            if wanted.from_ns[at] >= now_ns:
                reason = "not opened yet"
            elif archived:
                reason, is_final = "Yahoo has none", archived.asked_ns >= archived.until_ns + DAY_NS
            elif wanted.from_ns[at] < first_ns:
                reason = f"older than the {LIMITS[wanted.interval].days} days of {wanted.interval} bars Yahoo keeps"
                is_final = True
            else:
                reason = gathered.refused.get(day) or str(gathered.failure)
            missing.append(MissingSession(day, reason, is_final))
        return tuple(missing)

    def _nothing(self, wanted: SessionRange, gathered: Gathered, missing: tuple[MissingSession, ...]) -> DataError:
        """Return the error of a range of which no session can be had."""
        if gathered.failure:
            return gathered.failure
        if gathered.refused:
            return BeyondReachError("; ".join(gathered.refused.values()))
        first, last = missing[0].session_date, missing[-1].session_date
        asked = f"{first}" if first == last else f"{first} to {last}"
        at = wanted.dates.index(last)
        if wanted.from_ns[at] < reach_ns(wanted.interval, ns_of(self._client.now())) and last not in gathered.days:
            return BeyondReachError(self._beyond_reach(wanted, asked, int(wanted.from_ns[wanted.dates.index(first)])))
        return NoBarsError(
            f"no {wanted.interval} bars of {wanted.ticker} for {asked}: {missing[-1].reason}. "
            "Choose other dates, or check that the calendar (`session.calendar`) is that of the symbol's market"
        )

    def _beyond_reach(self, wanted: SessionRange, asked: str, open_ns: int) -> str:
        interval, days = wanted.interval, LIMITS[wanted.interval].days
        first, last = self._kept(interval)
        orb = self._config.orb
        lengths = [orb.base_minutes, *([orb.short_or_minutes, orb.long_or_minutes] if orb.adaptive else [])]
        longer = longer_interval(interval, open_ns, ns_of(self._client.now()), lengths)
        ways = [
            f"{longer} bars, which Yahoo keeps for {LIMITS[longer].days} days (`--interval {longer}`)"
            if longer
            else "",
            self._archived_sentence(wanted),
            "files of your own (`--data PATH`)",
            "made-up prices (`--synthetic`)",
        ]
        return (
            f"Yahoo keeps {interval} bars for {days} days, now those from {first} to {last}; {asked} "
            f"is older. Ask for these dates, or use {'; '.join(way for way in ways if way)}"
        )

    def _archived_sentence(self, wanted: SessionRange) -> str:
        try:
            days = [day for day in self.archive.coverage(wanted.ticker, wanted.interval) if day.bars]
        except ArchiveError:
            return ""
        if not days:
            return ""
        return f"the {len(days)} archived sessions between {days[0].session_date} and {days[-1].session_date}"


def _notes(missing: tuple[MissingSession, ...], gathered: Gathered) -> list[str]:
    """Return one sentence for each reason, and what else did not go as it should."""
    dates = defaultdict(list)
    for session in missing:
        dates[session.reason].append(str(session.session_date))
    notes = [f"no bars of {_listed(of_reason)}: {reason}" for reason, of_reason in dates.items()]
    if gathered.failure and str(gathered.failure) not in dates:
        notes.append(f"Yahoo was not asked for all that may be new: {gathered.failure}")
    if gathered.archive_failure:
        notes.append(f"the fetched sessions could not all be archived: {gathered.archive_failure}")
    return notes


def _listed(dates: list[str]) -> str:
    return ", ".join(dates) if len(dates) <= 3 else f"{len(dates)} sessions from {dates[0]} to {dates[-1]}"
