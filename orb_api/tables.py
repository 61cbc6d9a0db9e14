"""Trades, equity, signals, sessions and factors of a run: rows of its stored tables, filtered and paged."""

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import and_
from typing import Annotated, Any, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, FiniteFloat

from orb_api import answers
from orb_api.answers import FILES, JSON
from orb_api.problems import documented
from orb_api.questions import MOST_ROWS, Day, Limit, Offset, SymbolQuestion
from orb_api.rows import SNAPSHOT, EquityPoint, Session, Signal, Snapshot, Trade, rows_of
from orb_api.server import Server, TheServer
from orb_core.config.symbols import encode_symbol
from orb_core.engine.records import DIRECTIONS, EXIT_REASONS, OR_STATES, REFUSALS
from orb_core.errors import StoreError
from orb_core.store.stored_run import StoredRun

router = APIRouter(tags=["tables"])

_Sample = Annotated[int, Field(ge=1, le=10_000, examples=[50])]


class TableQuestion(SymbolQuestion):
    """Which rows of a table."""

    limit: Limit | None = Field(default=None, description=f"Rows; left out, {MOST_ROWS} in JSON and all in a file.")
    offset: Offset = Field(default=0, description="Rows that match to leave out first.")


class DatedQuestion(TableQuestion):
    """Which rows of a table with a session in each."""

    start: Day | None = Field(default=None, description="First session date, included.")
    end: Day | None = Field(default=None, description="Last session date, included.")


class TradesQuestion(DatedQuestion):
    """Which trades."""

    direction: Literal[DIRECTIONS] | None = None
    exit_reason: tuple[Literal[EXIT_REASONS], ...] = ()
    min_r: FiniteFloat | None = Field(default=None, description="Least realized R, included.")
    max_r: FiniteFloat | None = Field(default=None, description="Most realized R, included.")


class SignalsQuestion(DatedQuestion):
    """Which signals."""

    direction: Literal[DIRECTIONS] | None = None
    accepted: bool | None = None
    reason: tuple[Literal[REFUSALS], ...] = Field(default=(), description="Why it was refused.")


class SessionsQuestion(DatedQuestion):
    """Which sessions."""

    or_state: tuple[Literal[OR_STATES], ...] = ()
    warmup: bool | None = Field(default=None, description="Those before the run proper, or only the others.")


class SampleQuestion(SymbolQuestion):
    """How many signals."""

    limit: _Sample = 100


class Rows(BaseModel):
    """A part of a table."""

    run_id: str
    symbol: str | None = Field(description="Whose; null for all together.")
    total_count: int = Field(description="Rows that match.")
    returned_count: int
    next_offset: int | None = Field(description="Where the next part begins; null at the end.")


class Trades(Rows):
    """Trades in order of entry."""

    trades: list[Trade]


class Equity(Rows):
    """The account in order of exits."""

    equity_curve: list[EquityPoint]
    final_r: float
    max_drawdown_r: float


class Signals(Rows):
    """Signals in order of time."""

    signals: list[Signal]


class Sessions(Rows):
    """Sessions in order of dates."""

    sessions: list[Session]


class FactorSample(BaseModel):
    """The factors of the first signals."""

    run_id: str
    symbol: str | None
    sample_count: int
    snapshots: list[Snapshot]


_KEYS: Final = {"trades": "trades", "equity": "equity_curve", "signals": "signals", "sessions": "sessions"}
"""Table → what its rows are called in JSON."""

_IN_ORDER: Final = {"signals": "timestamp", "sessions": "session_date"}
"""Tables that lie symbol below symbol, and what puts them in order."""

_UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {304: {"description": "The client has it already"}}
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {form: {"schema": {"type": "string"}} for form in FILES}},
    **_UNCHANGED,
    **documented(404, 406, 409),
}


@router.get("/api/trades", response_model=Trades, responses=_RESPONSES)
async def trades(request: Request, question: Annotated[TradesQuestion, Query()], server: TheServer) -> Response:
    """Return the closed trades of a run, in order of entry."""
    wanted = [
        *_on_dates(question),
        *_equal(symbol=question.symbol, direction=question.direction),
        *_among("exit_reason", question.exit_reason),
    ]
    if question.min_r is not None:
        wanted.append(pc.field("realized_r") >= question.min_r)
    if question.max_r is not None:
        wanted.append(pc.field("realized_r") <= question.max_r)
    return await server.heavy.run(lambda: _answer(request, server, question, "trades", wanted))


@router.get("/api/equity", response_model=Equity, responses=_RESPONSES)
async def equity(request: Request, question: Annotated[TableQuestion, Query()], server: TheServer) -> Response:
    """Return the equity curve of a run, or of one symbol of it: a row for the start, then one per trade."""
    return await server.heavy.run(lambda: _answer(request, server, question, "equity", []))


@router.get("/api/signals", response_model=Signals, responses=_RESPONSES)
async def signals(request: Request, question: Annotated[SignalsQuestion, Query()], server: TheServer) -> Response:
    """Return every breakout that could have been traded, taken or refused."""
    wanted = [
        *_on_dates(question),
        *_equal(direction=question.direction, accepted=question.accepted),
        *_among("reason", question.reason),
    ]
    return await server.heavy.run(lambda: _answer(request, server, question, "signals", wanted))


@router.get("/api/sessions", response_model=Sessions, responses=_RESPONSES)
async def sessions(request: Request, question: Annotated[SessionsQuestion, Query()], server: TheServer) -> Response:
    """Return every session of the exchange, traded or not; those of the warm-up too, unless left out."""
    wanted = [*_on_dates(question), *_equal(warmup=question.warmup), *_among("or_state", question.or_state)]
    return await server.heavy.run(lambda: _answer(request, server, question, "sessions", wanted))


@router.get("/api/factors/sample", response_model=FactorSample, responses=_UNCHANGED | documented(404, 409))
async def factor_sample(request: Request, question: Annotated[SampleQuestion, Query()], server: TheServer) -> Response:
    """Return the factors of the first signals of a run, whether taken or refused."""

    def answer() -> Response:
        run = server.store.load(question.run_id)
        tag = answers.stored_tag(request, run)
        if answers.is_known(request, tag):
            return answers.unchanged(tag)
        snapshots = rows_of(_table(run, "signals", question.symbol).select(list(SNAPSHOT)).slice(0, question.limit))
        head = {"run_id": run.run_id, "symbol": question.symbol, "sample_count": len(snapshots)}
        return answers.rows_answer({**head, "snapshots": snapshots}, tag)

    return await server.heavy.run(answer)


def _answer(
    request: Request, server: Server, question: TableQuestion, kind: str, wanted: Sequence[pc.Expression]
) -> Response:
    """Return the rows of a table that are wanted, in the form the client prefers."""
    form = answers.preferred(request, (JSON, *FILES))
    run = server.store.load(question.run_id)
    tag = answers.stored_tag(request, run, form)
    if answers.is_known(request, tag):
        return answers.unchanged(tag)
    table = _table(run, kind, question.symbol)
    if wanted:
        table = table.filter(reduce(and_, wanted))
    if form != JSON:
        name = "_".join((run.run_id, *([encode_symbol(question.symbol)] if question.symbol else []), kind))
        return answers.table_file(table.slice(question.offset, question.limit), form, name, tag)
    rows = rows_of(table.slice(question.offset, question.limit or MOST_ROWS))
    shown = question.offset + len(rows)
    content: dict[str, Any] = {
        "run_id": run.run_id,
        "symbol": question.symbol,
        "total_count": table.num_rows,
        "returned_count": len(rows),
        "next_offset": shown if rows and shown < table.num_rows else None,
        _KEYS[kind]: rows,
    }
    if kind == "equity":
        metrics = run.metrics(question.symbol)
        content |= {"final_r": metrics["total_r"], "max_drawdown_r": metrics["max_drawdown_r"]}
    return answers.rows_answer(content, tag)


def _table(run: StoredRun, kind: str, symbol: str | None) -> pa.Table:
    """Return a table of a symbol or of all, in order. The trades are those of all, with the cash they shared."""
    if not run.symbols:
        raise StoreError(f"Run {run.run_id} has no results: it is {run.manifest.status}")
    if symbol is not None:
        run.record(symbol)
    table = run.table(kind, None if kind == "trades" else symbol)
    return table.unify_dictionaries().sort_by(_IN_ORDER[kind]) if kind in _IN_ORDER else table


def _on_dates(question: DatedQuestion) -> Iterator[pc.Expression]:
    if question.start is not None:
        yield pc.field("session_date") >= question.start
    if question.end is not None:
        yield pc.field("session_date") <= question.end


def _equal(**values: str | bool | None) -> Iterator[pc.Expression]:
    for name, value in values.items():
        if value is not None:
            yield pc.field(name) == value


def _among(name: str, values: Sequence[str]) -> Iterator[pc.Expression]:
    if values:
        yield pc.field(name).isin(list(values))
