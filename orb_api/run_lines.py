"""The list of runs: one line each, filtered, sorted and cut into pages that new runs do not shift."""

import base64
import binascii
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from starlette.exceptions import HTTPException

from orb_api.questions import Day, Limit, Question, Symbol
from orb_core.store.manifest import Totals
from orb_core.store.run_index import RunIndex
from orb_core.store.runs import RunSummary

Status = Literal["complete", "partial", "failed", "cancelled", "unreadable"]
Source = Annotated[str, Field(max_length=64, examples=["synthetic"])]
Order = Literal[
    "created_utc", "title", "trades", "total_r", "average_r", "win_rate", "sharpe", "max_drawdown_r",
    "-created_utc", "-title", "-trades", "-total_r", "-average_r", "-win_rate", "-sharpe", "-max_drawdown_r",
]  # fmt: skip
"""What runs are sorted by; with a minus, the largest first."""


class RunLine(BaseModel):
    """A run in the list of runs: its manifest without the bars of each symbol, and its notes."""

    run_id: str
    status: Status
    reason: str | None = Field(description="What is wrong with the folder or its notes.")
    title: str | None
    tags: tuple[str, ...]
    note: str
    starred: bool
    created_utc: datetime | None
    symbols: tuple[str, ...]
    start: date | None
    end: date | None
    source: str | None
    interval: str | None
    config_hash: str | None
    changed: dict[str, Any] = Field(description="Settings that differ from the defaults.")
    origin: str | None
    rerun_of: str | None
    totals: Totals | None
    equity_r: tuple[float, ...] = Field(description="Cumulative R, thinned to at most 60 points.")


_OF_MANIFEST: Final = ("created_utc", "start", "end", "interval", "config_hash", "origin", "rerun_of", "totals")
"""Columns of a line that are those of the manifest, undefined without one."""


class RunsPage(BaseModel):
    """A page of the list of runs."""

    count: int = Field(description="Runs that match, on all pages.")
    next_cursor: str | None = Field(description="What gives the next page; null on the last.")
    runs: list[RunLine]


class RunsQuestion(Question):
    """Which runs, and in which order."""

    status: tuple[Status, ...] = ()
    source: tuple[Source, ...] = ()
    symbol: Symbol | None = None
    tag: Annotated[str, Field(max_length=200)] | None = None
    starred: bool | None = None
    search: Annotated[str, Field(max_length=200, description="Text in the id, title, tags, note or symbols.")] = ""
    since: Day | None = Field(default=None, description="Made on this day (UTC) or later.")
    until: Day | None = Field(default=None, description="Made on this day (UTC) or earlier.")
    sort: Order = Field(default="-created_utc", description="With a minus, the largest first; undefined ones last.")
    limit: Limit = 100
    cursor: Annotated[str, Field(max_length=1_000)] | None = Field(default=None, description="Of the page before.")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line, the JSON it is sent as, and the text it is searched by."""

    line: RunLine
    content: bytes
    text: str

    @property
    def made(self) -> date | None:
        """The day it was made, UTC."""
        return self.line.created_utc.date() if self.line.created_utc else None


class _Place(NamedTuple):
    """Where in an order a run stands."""

    value: float | str | None
    run_id: str


class _Cursor(NamedTuple):
    """The order, and the place of the last run of a page."""

    order: str
    place: _Place

    def encoded(self) -> str:
        return base64.urlsafe_b64encode(_CURSOR.dump_json(self)).decode().rstrip("=")

    @classmethod
    def decoded(cls, text: str, order: str) -> Self:
        try:
            cursor: Self = _CURSOR.validate_json(base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)))
        except (ValidationError, binascii.Error, UnicodeEncodeError) as error:
            raise _no_cursor("it is not one that a page named") from error
        is_text = isinstance(cursor.place.value, str)
        if cursor.order != order or (cursor.place.value is not None and is_text != order.endswith("title")):
            raise _no_cursor(f"it belongs to `sort={cursor.order}`, not to `sort={order}`")
        return cursor


MOST_PAGES: Final = 32
"""Of a list of runs at most so many are kept; then the oldest makes room."""

_CURSOR: Final[TypeAdapter[Any]] = TypeAdapter(_Cursor)


def entry_of(summary: RunSummary) -> Entry:
    """Return what is kept of a run."""
    manifest, notes = summary.manifest, summary.notes
    name = _text(summary.run_id)
    of_manifest: dict[str, Any] = {column: getattr(manifest, column, None) for column in _OF_MANIFEST}
    of_manifest["status"] = summary.status
    line = RunLine(
        run_id=name,
        reason=None if summary.reason is None else _text(summary.reason),
        title=notes.title or None,
        tags=notes.tags,
        note=notes.note,
        starred=notes.starred,
        symbols=tuple(manifest.symbols) if manifest else (),
        source=manifest.source["kind"] if manifest else None,
        changed=manifest.changed if manifest else {},
        equity_r=manifest.equity_r if manifest else (),
        **of_manifest,
    )
    text = "\n".join((name, notes.title or "", *notes.tags, notes.note, *line.symbols))
    return Entry(line, line.model_dump_json().encode(), text.casefold())


def page_of(entries: Iterable[Entry], question: RunsQuestion) -> tuple[bytes, str | None]:
    """Return the JSON of a `RunsPage`, and the cursor of the next one.

    Raises
    ------
    HTTPException
        422: the cursor is none, or that of another order.
    """
    is_falling = question.sort.startswith("-")
    filters = _filters(question)
    placed = [(_place(entry.line, question.sort), entry) for entry in entries if all(is_so(entry) for is_so in filters)]
    defined = sorted((pair for pair in placed if pair[0].value is not None), key=_by_place, reverse=is_falling)
    undefined = sorted((pair for pair in placed if pair[0].value is None), key=lambda pair: pair[0].run_id)
    rest = defined + undefined
    if question.cursor is not None:
        last = _Cursor.decoded(question.cursor, question.sort).place
        rest = [pair for pair in rest if _is_after(pair[0], last, is_falling=is_falling)]
    shown = rest[: question.limit]
    cursor = _Cursor(question.sort, shown[-1][0]).encoded() if len(rest) > len(shown) else None
    lines = b",".join(entry.content for _, entry in shown)
    named = b"null" if cursor is None else f'"{cursor}"'.encode()
    return b'{"count":%d,"next_cursor":%s,"runs":[%s]}' % (len(placed), named, lines), cursor


class RunPages:
    """The pages of a list of runs, the last so many kept until a run changes. Called from any thread.

    Parameters
    ----------
    index : RunIndex
    """

    def __init__(self, index: RunIndex[Entry]) -> None:
        self._index = index
        self._of: tuple[Entry, ...] = ()
        self._kept: dict[RunsQuestion, tuple[bytes, str | None]] = {}
        self._lock = threading.Lock()

    def page(self, question: RunsQuestion) -> tuple[bytes, str | None]:
        """Return what `page_of` does, of the runs as they are now."""
        entries = self._index.lines()
        with self._lock:
            if entries is not self._of:
                self._of, self._kept = entries, {}
            kept = self._kept
            found = kept.get(question)
        if found is None:
            found = page_of(entries, question)
            with self._lock:
                kept[question] = found
                if len(kept) > MOST_PAGES:
                    del kept[next(iter(kept))]
        return found


def newest(entries: Iterable[Entry]) -> RunLine | None:
    """Return the run that was made last."""
    lines = [entry.line for entry in entries if entry.line.created_utc]
    return max(lines, key=lambda line: (line.created_utc, line.run_id), default=None)


def _by_place(pair: tuple[_Place, Entry]) -> _Place:
    return pair[0]


def _place(line: RunLine, order: str) -> _Place:
    column = order.removeprefix("-")
    if column == "created_utc":
        return _Place(line.created_utc.timestamp() if line.created_utc else None, line.run_id)
    of = line if column == "title" else line.totals
    return _Place(getattr(of, column, None), line.run_id)


def _is_after(place: _Place, last: _Place, *, is_falling: bool) -> bool:
    if place.value is None or last.value is None:
        return place.value is None and (last.value is not None or place.run_id > last.run_id)
    return place < last if is_falling else place > last


def _filters(question: RunsQuestion) -> list[Callable[[Entry], bool]]:
    """Return what a run has to be: nothing, of most questions."""
    asked = question
    wanted: list[tuple[bool, Callable[[Entry], bool]]] = [
        (bool(asked.status), lambda entry: entry.line.status in asked.status),
        (bool(asked.source), lambda entry: entry.line.source in asked.source),
        (asked.symbol is not None, lambda entry: asked.symbol in entry.line.symbols),
        (asked.tag is not None, lambda entry: asked.tag in entry.line.tags),
        (asked.starred is not None, lambda entry: entry.line.starred == asked.starred),
        (bool(asked.since or asked.until), lambda entry: _is_within(entry.made, asked.since, asked.until)),
        (bool(asked.search), lambda entry: asked.search.casefold() in entry.text),
    ]
    return [is_so for is_asked, is_so in wanted if is_asked]


def _is_within(day: date | None, since: date | None, until: date | None) -> bool:
    return day is not None and (since is None or day >= since) and (until is None or day <= until)


def _text(name: str) -> str:
    """Return the name of a folder, or a sentence with one, as text: a foreign folder may have a name that is none."""
    return name.encode(errors="replace").decode()


def _no_cursor(reason: str) -> HTTPException:
    return HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, f"`cursor` cannot be used: {reason}; begin again without one")
