"""Metrics, attribution and comparisons: what the service makes of stored runs."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from orb_api import answers
from orb_api.problems import documented
from orb_api.questions import Question, RunId, RunQuestion, SymbolQuestion
from orb_api.server import Server, TheServer
from orb_core import service
from orb_core.analytics.compare import Comparison
from orb_core.errors import StoreError
from orb_core.store.runs import RUN_ID
from orb_core.store.stored_run import StoredRun

router = APIRouter(tags=["figures"])

_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "The client has it already"},
    **documented(404, 409),
}


class Group(BaseModel):
    """The trades that have something in common."""

    trades: int
    win_rate: float | None
    total_r: float | None
    average_r: float | None


class Metrics(BaseModel):
    """The metrics of a run; null where undefined. docs/results.md says how each is computed."""

    total_trades: int
    winning_trades: int
    losing_trades: int
    scratch_trades: int
    win_rate: float | None
    total_r: float
    average_r: float | None
    median_r: float | None
    std_r: float | None
    profit_factor: float | None
    payoff_ratio: float | None
    average_win_r: float | None
    average_loss_r: float | None
    largest_win_r: float | None
    largest_loss_r: float | None
    max_consecutive_wins: int
    max_consecutive_losses: int
    max_drawdown_r: float
    max_drawdown_trades: int
    max_drawdown_days: int
    recovery_factor: float | None
    sharpe: float | None
    sortino: float | None
    sqn: float | None
    t_stat: float | None
    p_value: float | None
    average_r_ci95: tuple[float, float] | None
    probabilistic_sharpe: float | None
    exposure: float | None
    average_minutes_held: float | None
    average_mfe_r: float | None
    average_mae_r: float | None
    trades_per_session: float | None
    sessions: int
    sessions_traded: int
    ambiguous_trades: int
    total_r_conservative: float | None
    total_r_optimistic: float | None
    total_cost_r: float
    total_pnl: float | None
    return_pct: float | None
    cagr: float | None
    max_drawdown_pct: float | None
    by_direction: dict[str, Group]
    by_exit_reason: dict[str, Group]


class CoreMetrics(BaseModel):
    """The metrics of a run or of one symbol of it."""

    run_id: str
    symbol: str | None = Field(description="Whose; null for all together.")
    metrics: Metrics


class FactorWorth(BaseModel):
    """Trades with a factor's flag beside those without, each average with its 95 % interval."""

    factor: str
    trades_with: int
    average_r_with: float | None
    average_r_with_low: float | None
    average_r_with_high: float | None
    trades_without: int
    average_r_without: float | None
    average_r_without_low: float | None
    average_r_without_high: float | None
    difference_r: float | None
    difference_r_low: float | None
    difference_r_high: float | None


class ScoreBucket(Group):
    """The trades of one score, their average with its 95 % interval."""

    score: float
    average_r_low: float | None
    average_r_high: float | None


class Attribution(BaseModel):
    """What each factor that was on was worth. No estimate of what switching it off would do: that takes a run."""

    run_id: str
    symbol: str | None
    factor_attribution: list[FactorWorth]
    score_buckets: list[ScoreBucket]


class ConfigHash(BaseModel):
    """The identity of a run's configuration."""

    run_id: str
    config_hash: str
    timestamp: str = Field(description="When the run was made, UTC.")


class Compared(BaseModel):
    """One of the runs side by side."""

    run_id: str
    title: str | None
    metrics: Metrics


class Difference(BaseModel):
    """B's total minus A's over the shared days, with its 95 % interval from a paired bootstrap."""

    days: int
    difference: float
    low: float | None
    high: float | None
    p_value: float | None


class Part(BaseModel):
    """A part of the way from A's total to B's; the parts add up to the difference."""

    label: str
    r: float
    trades: int


class ChangedSetting(BaseModel):
    """A setting in which the two differ."""

    path: str
    a: Any
    b: Any


class Pair(BaseModel):
    """Two runs on the sessions both have."""

    verdict: str
    banner: tuple[str, ...] = Field(description="Why they are not quite comparable; usually empty.")
    settings: list[ChangedSetting]
    total_a: float
    total_b: float
    difference: Difference
    bridge: list[Part]
    trades: dict[str, int] = Field(description="Trades that are the same, changed, only in A and only in B.")


class ComparedRuns(BaseModel):
    """Runs side by side, and, if there are two, the second against the first."""

    runs: list[Compared]
    comparison: Pair | None


class ComparisonQuestion(Question):
    """Which runs, the first of two being A."""

    runs: str = Field(
        pattern=f"^{RUN_ID.pattern}(,{RUN_ID.pattern}){{1,9}}$",
        description="2 to 10 run ids with commas between them.",
        examples=["run_a,run_b"],
    )


@router.get("/api/config/hash", response_model=ConfigHash, responses=_RESPONSES)
async def config_hash(request: Request, question: Annotated[RunQuestion, Query()], server: TheServer) -> Response:
    """Return the hash of a run's configuration: equal for two that mean the same."""

    def answer() -> Response:
        manifest = server.store.load(question.run_id).manifest
        timestamp = manifest.created_utc.isoformat().replace("+00:00", "Z")
        found = ConfigHash(run_id=manifest.run_id, config_hash=manifest.config_hash, timestamp=timestamp)
        return answers.json_answer(request, found.model_dump_json().encode())

    return await server.quick.run(answer)


@router.get("/api/metrics/core", response_model=CoreMetrics, responses=_RESPONSES)
async def core_metrics(request: Request, question: Annotated[SymbolQuestion, Query()], server: TheServer) -> Response:
    """Return the metrics of a run, or of one symbol of it."""

    def answer() -> Response:
        run = server.store.load(question.run_id)
        metrics = _metrics(run, question.symbol)
        content = {"run_id": run.run_id, "symbol": question.symbol, "metrics": metrics}
        return answers.json_answer(request, answers.to_json(content))

    return await server.quick.run(answer)


@router.get("/api/attribution", response_model=Attribution, responses=_RESPONSES)
async def attribution(request: Request, question: Annotated[SymbolQuestion, Query()], server: TheServer) -> Response:
    """Return the results with and without each factor, and by score."""

    def answer() -> Response:
        tag = answers.stored_tag(request, server.store.load(question.run_id))
        if answers.is_known(request, tag):
            return answers.unchanged(tag)
        by_factor, by_score = service.attribution(server.store, question.run_id, question.symbol)
        content = {
            "run_id": question.run_id,
            "symbol": question.symbol,
            "factor_attribution": by_factor.to_dict("records"),
            "score_buckets": by_score.to_dict("records"),
        }
        return answers.rows_answer(content, tag)

    return await server.heavy.run(answer)


@router.get("/api/compare", response_model=ComparedRuns, responses=_RESPONSES)
async def compare(request: Request, question: Annotated[ComparisonQuestion, Query()], server: TheServer) -> Response:
    """Return 2 to 10 runs side by side; of two also what differs between them, and whether it could be chance."""
    return await server.heavy.run(lambda: _compared(request, question.runs.split(","), server))


def _compared(request: Request, run_ids: list[RunId], server: Server) -> Response:
    runs = [server.store.load(run_id) for run_id in run_ids]
    side_by_side = [{"run_id": run.run_id, "title": run.notes.title or None, "metrics": _metrics(run)} for run in runs]
    pair = _pair(service.compare_runs(server.store, *run_ids)) if len(run_ids) == 2 else None
    return answers.json_answer(request, answers.to_json({"runs": side_by_side, "comparison": pair}))


def _metrics(run: StoredRun, symbol: str | None = None) -> dict[str, Any]:
    if not run.symbols:
        raise StoreError(f"Run {run.run_id} has no results: it is {run.manifest.status}")
    return run.metrics(symbol)


def _pair(found: Comparison) -> dict[str, Any]:
    return {
        "verdict": found.verdict,
        "banner": found.banner,
        "settings": [{"path": path, "a": a, "b": b} for path, (a, b) in found.settings.items()],
        "total_a": found.total_a,
        "total_b": found.total_b,
        "difference": found.difference,
        "bridge": found.bridge,
        "trades": {str(status): int(n) for status, n in found.trades["status"].value_counts(sort=False).items()},
    }
