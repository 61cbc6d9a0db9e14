"""Bars that are kept apart from runs: which there are, which sessions they cover, which minutes they lack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import pandas as pd

from orb_core.data.quality import clean_bars

if TYPE_CHECKING:
    from orb_core.data.day_archive import ArchivedDay
    from orb_core.data.imports import Import
    from orb_core.data.quality import QualityReport
    from orb_core.data.sessions import SessionTable

State = Literal["complete", "incomplete", "empty", "missing"]
_MINUTES_A_DAY: Final = 1440


class Dataset(NamedTuple):
    """Bars that are kept of one symbol and interval.

    Attributes
    ----------
    origin : "yahoo" or "import"
    symbol, interval : str
        `symbol` as the origin writes it.
    first, last : date
    sessions : int or None
        Sessions archived; None of an import.
    about : Import or None
        Of an import.
    """

    origin: Literal["yahoo", "import"]
    symbol: str
    interval: str
    first: date
    last: date
    sessions: int | None
    about: Import | None


class CoveredDay(NamedTuple):
    """What is archived of one session: how many bars it has, and how many its hours hold (0, 0 if it is missing)."""

    session_date: date
    state: State
    present: int
    expected: int


class Gap(NamedTuple):
    """A run of missing bars: minutes from the session's open to its begin, and its length in minutes."""

    session_date: str
    from_minute: int
    minutes: int
    clocks: str


@dataclass(frozen=True)
class BarQuality:
    """What is wrong with kept bars, ready to be shown.

    Attributes
    ----------
    report : QualityReport
    gaps : tuple of Gap
        Of sessions that have bars, newest session first.
    open_clock : str
        When sessions open, on the exchange's clock.
    session_minutes : int
        Length of the longest session.
    timezone : str
        The exchange's.
    """

    report: QualityReport
    gaps: tuple[Gap, ...]
    open_clock: str
    session_minutes: int
    timezone: str


def covered_days(days: Mapping[date, ArchivedDay], interval: str, sessions: Iterable[date]) -> list[CoveredDay]:
    """Return the archived sessions, and the other ones of a calendar as missing, in order of date."""
    covered = []
    for day in sorted({*sessions, *days}):
        kept = days.get(day)
        if kept is None:
            covered.append(CoveredDay(day, "missing", 0, 0))
            continue
        present = int(kept.bars.starts_ns.size)
        state: State = "empty" if not present else "complete" if kept.is_complete(interval) else "incomplete"
        covered.append(CoveredDay(day, state, present, kept.expected(interval)))
    return covered


def days_of(report: QualityReport) -> list[CoveredDay]:
    """Return which sessions bars cover, as their report has it; a session without any is missing."""
    days = []
    for row in report.sessions:
        state: State = "complete" if row.present >= row.expected else "incomplete" if row.present else "missing"
        days.append(CoveredDay(date.fromisoformat(row.date), state, row.present, row.expected))
    return days


def bar_quality(raw: pd.DataFrame, table: SessionTable, bar_minutes: int, or_minutes: int, origin: str) -> BarQuality:
    """Return what is wrong with bars. Arguments and errors as of `orb_core.data.quality.clean_bars`."""
    report = clean_bars(raw, table, bar_minutes, or_minutes, origin).report
    opens = pd.DatetimeIndex(table.open_ns, tz="UTC").tz_convert(table.timezone)
    clock_of = {str(day): opened.hour * 60 + opened.minute for day, opened in zip(table.dates, opens, strict=True)}
    gaps = [
        _gap(row.date, clocks, clock_of[row.date], bar_minutes)
        for row in reversed(report.sessions)
        if row.present
        for clocks in row.missing
    ]
    return BarQuality(report, tuple(gaps), f"{opens[-1]:%H:%M}", int(table.minutes().max()), table.timezone)


def _gap(day: str, clocks: str, open_minute: int, bar_minutes: int) -> Gap:
    first, _, last = clocks.partition("–")
    begin, end = (int(clock[:2]) * 60 + int(clock[3:]) for clock in (first, last or first))
    return Gap(day, (begin - open_minute) % _MINUTES_A_DAY, (end - begin) % _MINUTES_A_DAY + bar_minutes, clocks)
