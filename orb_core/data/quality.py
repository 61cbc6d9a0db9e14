"""What is wrong with the bars of a symbol: mended where that is safe, always counted, refused where it is not."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from orb_core.data.bars import PRICES, TIMESTAMP, sound_bars, starts_ns, typed_bars
from orb_core.data.quality_findings import Jump, SessionQuality, jumps, session_rows, unfinished_bar
from orb_core.data.sessions import MINUTE_NS, SessionTable, session_of_bars, span_ns
from orb_core.data.source import INTERVALS, notes_of
from orb_core.data.splits import SuspectedSplit, suspected_splits, without_splits
from orb_core.errors import BarsError, NoBarsError

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

# Few bars can all lie, say, 5 minutes apart by chance. Their spacing is believed when chance is below 2**-30.
_CERTAIN_BITS: Final = 30
# A session may have a stray bar beside its grid (Yahoo's last, live one). With more of them it has another interval.
_STRAY_SHARE: Final = 0.1


@dataclass(frozen=True)
class QualityReport:
    """What was found in the bars of one symbol. Counts are of bars.

    Attributes
    ----------
    origin : str
        Where the bars came from.
    bar_minutes, or_minutes : int
        Length of a bar, and of the opening range whose coverage is counted.
    bars_read, bars_used : int
        Rows that came, and bars kept that lie in a session.
    out_of_order : int
        Came after a later one; sorted.
    repeated : int
        Had the stamp of a later row; the last row of a stamp is kept.
    not_a_number, non_positive, impossible : int
        Dropped: a price or stamp missing or infinite; a price of 0 or below; high or low inside open and close.
    off_grid : int
        Dropped: began between two bars of the session.
    outside_sessions : int
        On dates of the range, but in no session; kept, and left out by the engine.
    unknown_volume, zero_volume : int
        In sessions; a volume that is missing, infinite or negative is unknown.
    false_zero_volume : int
        Volume 0, although the price moved in the bar or since the one before; kept as it is.
    unfinished_bar : str or None
        The very last bar, if it looks like one still under way: in the middle of a session, without range and volume.
    jumps : tuple of Jump
    suspected_splits : tuple of SuspectedSplit
    splits_adjusted : bool
        The bars before them were adjusted.
    notes : tuple of str
        What people who look at a result must know of its bars, one sentence each.
    sessions : tuple of SessionQuality
        One per session of the range, warm-up included.
    """

    origin: str
    bar_minutes: int
    or_minutes: int
    bars_read: int
    bars_used: int
    out_of_order: int
    repeated: int
    not_a_number: int
    non_positive: int
    impossible: int
    off_grid: int
    outside_sessions: int
    unknown_volume: int
    zero_volume: int
    false_zero_volume: int
    unfinished_bar: str | None
    jumps: tuple[Jump, ...]
    suspected_splits: tuple[SuspectedSplit, ...]
    splits_adjusted: bool
    notes: tuple[str, ...]
    sessions: tuple[SessionQuality, ...]

    def incomplete_ranges(self) -> tuple[SessionQuality, ...]:
        """Return the sessions with bars whose opening range lacks some."""
        return tuple(s for s in self.sessions if s.present > 0 and s.or_present < s.or_expected)

    def sessions_without_bars(self) -> tuple[str, ...]:
        """Return the dates of the sessions that have no bar."""
        return tuple(s.date for s in self.sessions if s.expected and not s.present)

    def to_dict(self) -> dict[str, Any]:
        """Return the report for JSON."""
        rows = {
            name: tuple(dict(vars(row)) for row in getattr(self, name))
            for name in ("jumps", "suspected_splits", "sessions")
        }
        return {
            **vars(self),
            **rows,
            "missing_bars": sum(s.expected - s.present for s in self.sessions),
            "sessions_without_bars": len(self.sessions_without_bars()),
        }


@dataclass(frozen=True)
class CleanBars:
    """Bars that keep every invariant of `orb_core.data.bars`, and what it took."""

    bars: pd.DataFrame
    report: QualityReport


def clean_bars(
    raw: pd.DataFrame,
    table: SessionTable,
    bar_minutes: int,
    or_minutes: int,
    origin: str,
    start: date | None = None,
) -> CleanBars:
    """Return the usable bars of `raw` within the dates of `table`, in order, and a report of what was wrong.

    Parameters
    ----------
    raw : DataFrame
        At least the columns of a bar table, rows in any order and state. Bars of these dates outside every session
        are kept; bars of other dates are left out.
    table : SessionTable
        The sessions of the run, warm-up included.
    bar_minutes : int
        Length of a bar, as asked for.
    or_minutes : int
        Length of the opening range whose coverage is reported.
    origin : str
        Where the bars came from, to begin an error with.
    start : date, optional
        First date of the run proper: bars of the sessions before it alone, the warm-up, are nothing to run on.

    Raises
    ------
    BarsError
        A column is missing or unreadable, stamps name no time zone, or some session has bars of another interval.
    NoBarsError
        No usable bar lies in any session of the run proper.
    """
    bars = typed_bars(raw, origin)
    bars, dropped = _without_bad_rows(bars)
    bars, out_of_order, repeated = _in_order(bars)
    session = session_of_bars(table, starts_ns(bars), bar_minutes)
    first = 0 if start is None else int(np.searchsorted(table.dates, np.datetime64(start, "D")))
    if not (session >= first).any():
        raise NoBarsError(_nothing_left_sentence(raw, bars, table.dates[first:], origin))
    begin, end = np.searchsorted(starts_ns(bars), span_ns(table))
    if end - begin < len(bars):
        bars, session = bars.iloc[begin:end].reset_index(drop=True), session[begin:end]

    stray = _stray_bars(bars, session, table, bar_minutes, origin)
    if stray.any():
        bars, session = bars[~stray].reset_index(drop=True), session[~stray]
    _refuse_longer_bars(bars, session, table, bar_minutes, origin)

    inside = session >= 0
    used, session = (bars if inside.all() else bars[inside]), session[inside]
    splits = suspected_splits(used, session, table)
    volume = used["volume"].to_numpy()
    unfinished = unfinished_bar(used, session, table, bar_minutes)
    rows = session_rows(used, session, table, bar_minutes, or_minutes)
    report = QualityReport(
        origin=origin,
        bar_minutes=bar_minutes,
        or_minutes=or_minutes,
        bars_read=len(raw),
        bars_used=len(used),
        out_of_order=out_of_order,
        repeated=repeated,
        **dropped,
        off_grid=int(stray.sum()),
        outside_sessions=len(bars) - len(used),
        unknown_volume=int(np.isnan(volume).sum()),
        zero_volume=int((volume == 0).sum()),
        false_zero_volume=sum(row.false_zero_volume for row in rows),
        unfinished_bar=unfinished,
        jumps=jumps(used, session),
        suspected_splits=splits,
        splits_adjusted=False,
        notes=(*(split.sentence(is_adjusted=False) for split in splits), *_notes(rows, unfinished), *notes_of(raw)),
        sessions=rows,
    )
    return CleanBars(bars, report)


def adjust_splits(clean: CleanBars, table: SessionTable) -> CleanBars:
    """Return the bars with prices and volumes before each suspected split adjusted, and a report that says so.

    Parameters
    ----------
    clean : CleanBars
    table : SessionTable
        The one it was made with.
    """
    splits = clean.report.suspected_splits
    if not splits:
        return clean
    told = (*(split.sentence(is_adjusted=True) for split in splits), *clean.report.notes[len(splits) :])
    report = replace(clean.report, splits_adjusted=True, notes=told)
    return CleanBars(without_splits(clean.bars, splits, table), report)


def _without_bad_rows(bars: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the rows with a stamp and possible prices, and how many others there were of each kind."""
    volume = bars["volume"].to_numpy()
    unknown = (volume < 0) | np.isinf(volume)
    if unknown.any():
        bars = bars.assign(volume=np.where(unknown, np.nan, volume))
    prices = [bars[name].to_numpy() for name in PRICES]
    sound = sound_bars(*prices) & bars[TIMESTAMP].notna().to_numpy()
    if sound.all():
        return bars, {"not_a_number": 0, "non_positive": 0, "impossible": 0}
    finite = np.logical_and.reduce([np.isfinite(p) for p in prices]) & bars[TIMESTAMP].notna().to_numpy()
    positive = np.logical_and.reduce([p > 0 for p in prices])
    counts = {
        "not_a_number": int((~finite).sum()),
        "non_positive": int((finite & ~positive).sum()),
        "impossible": int((finite & positive & ~sound).sum()),
    }
    return bars[sound].reset_index(drop=True), counts


def _in_order(bars: pd.DataFrame) -> tuple[pd.DataFrame, int, int]:
    """Return the bars sorted with one row per stamp, the last, and how many were out of order and repeated."""
    stamps = starts_ns(bars)
    if (stamps[1:] > stamps[:-1]).all():
        return bars, 0, 0
    out_of_order = int((stamps < np.maximum.accumulate(stamps)).sum())
    order = np.argsort(stamps, kind="stable")  # equal stamps stay in the order they came
    is_last = np.append(np.diff(stamps[order]) > 0, [True])
    return bars.iloc[order[is_last]].reset_index(drop=True), out_of_order, int((~is_last).sum())


def _stray_bars(
    bars: pd.DataFrame, session: NDArray[np.int64], table: SessionTable, bar_minutes: int, origin: str
) -> NDArray[np.bool_]:
    """Return which in-session bars begin beside the grid that most bars begin on.

    Raises
    ------
    BarsError
        A session has too many of them: its bars are shorter than asked for, or of several lengths.
    """
    inside = session >= 0
    phase = np.where(inside, (starts_ns(bars) - table.open_ns[session]) % (bar_minutes * MINUTE_NS), -1)
    usual = phase[inside.argmax()]
    if (phase[inside] != usual).any():
        phases, counts = np.unique(phase[inside], return_counts=True)
        usual = phases[counts.argmax()]
    stray: NDArray[np.bool_] = inside & (phase != usual)
    if stray.any():
        strays = np.bincount(session[stray], minlength=len(table))
        share = strays / np.maximum(np.bincount(session[inside], minlength=len(table)), 1)
        bad = np.flatnonzero((strays > 1) & (share > _STRAY_SHARE))
        if bad.size:
            spacing = int(np.gcd.reduce(np.diff(starts_ns(bars)[session == bad[0]])))
            raise BarsError(_interval_sentence(table, bad, spacing, bar_minutes, origin))
    return stray


def _refuse_longer_bars(
    bars: pd.DataFrame, session: NDArray[np.int64], table: SessionTable, bar_minutes: int, origin: str
) -> None:
    stamps = starts_ns(bars)
    same = (session[1:] == session[:-1]) & (session[1:] >= 0)
    gaps, of_session = np.diff(stamps)[same], session[1:][same]
    bar_ns = bar_minutes * MINUTE_NS
    has_neighbours = np.zeros(len(table), dtype=np.bool_)
    has_neighbours[of_session[gaps == bar_ns]] = True
    # Only a session without two neighbouring bars can hold longer ones.
    spacings = {
        s: int(np.gcd.reduce(gaps[of_session == s])) for s in np.unique(of_session[~has_neighbours[of_session]])
    }
    bad = [s for s, ns in spacings.items() if (of_session == s).sum() * math.log2(ns / bar_ns) >= _CERTAIN_BITS]
    if bad:
        raise BarsError(_interval_sentence(table, np.array(bad), spacings[bad[0]], bar_minutes, origin))


def _interval_sentence(
    table: SessionTable, sessions: NDArray[np.int64], spacing_ns: int, bar_minutes: int, origin: str
) -> str:
    spacing = f"{spacing_ns / MINUTE_NS:g}m"
    where = f"on {table.dates[sessions[0]]}" + (f" and {sessions.size - 1} more sessions" if sessions.size > 1 else "")
    remedy = (
        f"Ask for the interval the data have (`--interval {spacing}`, setting `data.interval`)"
        if spacing in INTERVALS
        else f"Bars can be {', '.join(INTERVALS)}"
    )
    return (
        f"{origin}: bars are {spacing} apart {where}, but {bar_minutes}m bars were asked for. {remedy}; "
        "bars of several intervals need a file for each"
    )


def _nothing_left_sentence(raw: pd.DataFrame, bars: pd.DataFrame, dates: NDArray[np.datetime64], origin: str) -> str:
    if not dates.size:
        return f"{origin}: the range holds no session; choose dates with a trading day"
    sessions = "the session of" if dates.size == 1 else f"the {dates.size} sessions from {dates[0]} to"
    sessions = f"{sessions} {dates[-1]}"
    if raw.empty:
        return f"{origin}: no bars for {sessions}; choose other dates or another source"
    if bars.empty:
        return f"{origin}: none of the {len(raw)} bars has possible prices; look at its first rows"
    return (
        f"{origin}: the {len(bars)} bars reach from {bars[TIMESTAMP].iloc[0]} to {bars[TIMESTAMP].iloc[-1]}, and none "
        f"lies in {sessions}; choose dates the data cover, or check `session.calendar` and the time zone of the data"
    )


def _notes(rows: tuple[SessionQuality, ...], unfinished: str | None) -> tuple[str, ...]:
    notes = []
    false_zeros = sum(row.false_zero_volume for row in rows)
    if false_zeros:
        worst = max(rows, key=lambda row: row.false_zero_volume)
        notes.append(
            f"{false_zeros} bars have volume 0 although the price moved, most of them on {worst.date} "
            f"({worst.false_zero_volume}); to the volume factors nothing was traded there"
        )
    if unfinished:
        notes.append(f"the last bar ({unfinished}) looks unfinished: it has neither range nor volume")
    return tuple(notes)
