"""The sessions of a range from the archive, and those that it lacks from Yahoo: asked for once, archived at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import numpy as np

from orb_core.data.day_archive import ArchivedDay, DayArchive
from orb_core.data.sessions import MINUTE_NS
from orb_core.data.source import interval_minutes
from orb_core.data.yahoo_bars import Window, day_bars, session_bars
from orb_core.data.yahoo_client import YahooClient, ns_of
from orb_core.data.yahoo_limits import reach_ns, request_interval, requests_for
from orb_core.errors import ArchiveError, BeyondReachError, DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orb_core.data.sessions import SessionTable

    Days = dict[date, ArchivedDay]
    OnProgress = Callable[[int, int], None]

# Where Yahoo's limit is nearer than it should be, this many requests find out how near.
_MOST_REFUSALS: Final = 3


@dataclass(frozen=True)
class SessionRange:
    """The sessions of one question.

    Attributes
    ----------
    symbol : str
        As the user gave it.
    ticker : str
        As Yahoo writes it.
    interval : str
    whole, cut : SessionTable
        The same sessions by the calendar alone, and with the open and close of the settings. Sessions are archived
        whole, so that other settings find all of their bars.
    """

    symbol: str
    ticker: str
    interval: str
    whole: SessionTable
    cut: SessionTable

    @cached_property
    def dates(self) -> list[date]:
        """The session dates."""
        dates: list[date] = self.whole.dates.tolist()
        return dates

    @cached_property
    def from_ns(self) -> NDArray[np.int64]:
        """Where each session to ask for begins: at the calendar's open, or that of the settings if it is earlier."""
        return np.minimum(self.whole.open_ns, self.cut.open_ns)

    @cached_property
    def until_ns(self) -> NDArray[np.int64]:
        """Where each session to ask for ends."""
        return np.maximum(self.whole.close_ns, self.cut.close_ns)


@dataclass
class Gathered:
    """What is at hand of a range.

    Attributes
    ----------
    days : dict
        Session date → its archived day, also of sessions that were found empty.
    asked : list of date
        The sessions Yahoo has answered for.
    refused : dict
        Session date → why Yahoo did not.
    failure : DataError or None
        What ended the asking early.
    archive_failure : ArchiveError or None
        Why the archive was not used, or not for all.
    """

    days: Days = field(default_factory=dict)
    asked: list[date] = field(default_factory=list)
    refused: dict[date, str] = field(default_factory=dict)
    failure: DataError | None = None
    archive_failure: ArchiveError | None = None


@dataclass(frozen=True)
class Gatherer:
    """Reads the archive, asks Yahoo for what it lacks, and archives the answers.

    Attributes
    ----------
    archive : DayArchive
    client : YahooClient
    on_progress : callable, optional
        Told the sessions done and to do around each request. What it raises ends the asking; what was archived by
        then stays so.
    must_keep : bool
        An archive that cannot be read or written is an error; otherwise it goes on without, and `archive_failure` is
        set.
    """

    archive: DayArchive
    client: YahooClient
    on_progress: OnProgress | None = None
    must_keep: bool = False

    def gather(self, wanted: SessionRange) -> Gathered:
        """Return what can be had of a range.

        Raises
        ------
        ArchiveError
            If `must_keep`.
        """
        gathered = Gathered()
        self._look_up(wanted, gathered)
        if not self._due(wanted, gathered.days).size:
            return gathered
        with ExitStack() as held:
            try:
                held.enter_context(self.archive.lock(wanted.ticker, wanted.interval))
            except ArchiveError as error:
                self._go_on_without(gathered, error)
            else:  # whoever held the lock before may have fetched what is wanted
                self._look_up(wanted, gathered)
            self._ask(wanted, gathered)
        return gathered

    def _ask(self, wanted: SessionRange, gathered: Gathered) -> None:
        """Ask Yahoo for what is due, and archive the answer to each request before the next."""
        due = self._due(wanted, gathered.days)
        waiting = deque(requests_for(due, wanted.from_ns, wanted.until_ns, wanted.interval))
        refusals = 0
        while waiting:
            self._tell(len(gathered.asked), due.size)
            sessions = waiting.popleft()
            try:
                days = self._answer(wanted, sessions)
            except BeyondReachError as error:  # oldest first: the next one may still be had
                gathered.refused[wanted.dates[sessions[0]]] = str(error)
                refusals += 1
                if refusals == _MOST_REFUSALS:
                    gathered.failure = error
                    return
                if sessions.size > 1:
                    waiting.appendleft(sessions[1:])
            except DataError as error:
                gathered.failure = error
                return
            else:
                self._keep(wanted, gathered, days)
        self._tell(len(gathered.asked), due.size)

    def _tell(self, done: int, total: int) -> None:
        if self.on_progress:
            self.on_progress(done, total)

    def _answer(self, wanted: SessionRange, sessions: NDArray[np.int64]) -> Days:
        """Return what Yahoo has of sessions that fit into one request; not of those that it says have not begun."""
        first, last = sessions[0], sessions[-1]
        interval = request_interval(wanted.interval)
        answer = self.client.history(wanted.ticker, int(wanted.from_ns[first]), int(wanted.until_ns[last]), interval)
        bars = day_bars(answer.history)
        days = {}
        for at in sessions[wanted.from_ns[sessions] < answer.asked_ns]:
            window = Window(int(wanted.from_ns[at]), int(wanted.until_ns[at]), int(wanted.whole.open_ns[at]))
            own = session_bars(
                bars, window, interval_minutes(interval), interval_minutes(wanted.interval), answer.asked_ns
            )
            days[wanted.dates[at]] = ArchivedDay(own, window.from_ns, window.until_ns, answer.asked_ns)
        return days

    def _keep(self, wanted: SessionRange, gathered: Gathered, days: Days) -> None:
        known = gathered.days
        known |= {day: known[day].followed_by(newer) if day in known else newer for day, newer in days.items()}
        gathered.asked += days
        try:
            self.archive.write(wanted.ticker, wanted.interval, {day: known[day] for day in days})
        except ArchiveError as error:
            self._go_on_without(gathered, error)

    def _look_up(self, wanted: SessionRange, gathered: Gathered) -> None:
        try:
            gathered.days = self.archive.read(wanted.ticker, wanted.interval, wanted.dates)
        except ArchiveError as error:
            self._go_on_without(gathered, error)

    def _go_on_without(self, gathered: Gathered, error: ArchiveError) -> None:
        if self.must_keep:
            raise error
        gathered.archive_failure = error

    def _due(self, wanted: SessionRange, days: Days) -> NDArray[np.int64]:
        """Return the indices of the sessions to ask for: begun, within Yahoo's reach, not archived for good."""
        now_ns = ns_of(self.client.now())
        begin, end = np.searchsorted(wanted.from_ns, [reach_ns(wanted.interval, now_ns), now_ns])
        due = [at for at in range(begin, end) if _is_due(wanted, at, days.get(wanted.dates[at]), now_ns)]
        return np.array(due, dtype=np.int64)


def _is_due(wanted: SessionRange, at: int, day: ArchivedDay | None, now_ns: int) -> bool:
    if day is None or not day.covers(int(wanted.from_ns[at]), int(wanted.until_ns[at])):
        return True
    if day.asked_ns > now_ns:  # by a clock that was ahead
        return True
    if day.is_complete(wanted.interval):
        return False
    if not day.was_over():
        return now_ns - day.asked_ns >= interval_minutes(wanted.interval) * MINUTE_NS
    zone = ZoneInfo(wanted.whole.timezone)
    asked, today = (datetime.fromtimestamp(ns / 1e9, zone).date() for ns in (day.asked_ns, now_ns))
    return asked < today
