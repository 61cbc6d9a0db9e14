"""What this server is and how it is."""

from datetime import UTC, datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, Field

from orb_api.run_lines import newest
from orb_api.server import API_VERSION, TheServer
from orb_core import service
from orb_core.engine.backtest import ENGINE_VERSION

router = APIRouter(tags=["about"])

ENDPOINTS = {
    "documentation": "/docs",
    "openapi": "/openapi.json",
    "status": "/api/status",
    "runs": "/api/runs?search={text}&sort={column}&cursor={cursor}",
    "run": "/api/runs/{run_id}",
    "run_configuration": "/api/runs/{run_id}/config",
    "report": "/api/runs/{run_id}/report",
    "config_hash": "/api/config/hash?run_id={run_id}",
    "trades": "/api/trades?run_id={run_id}&symbol={symbol}&direction={direction}&limit={limit}&offset={offset}",
    "equity": "/api/equity?run_id={run_id}&symbol={symbol}",
    "signals": "/api/signals?run_id={run_id}&symbol={symbol}",
    "sessions": "/api/sessions?run_id={run_id}&symbol={symbol}",
    "factors": "/api/factors/sample?run_id={run_id}&limit={limit}",
    "metrics": "/api/metrics/core?run_id={run_id}&symbol={symbol}",
    "attribution": "/api/attribution?run_id={run_id}&symbol={symbol}",
    "compare": "/api/compare?runs={run_id},{run_id}",
    "jobs": "/api/jobs",
    "job": "/api/jobs/{job_id}",
    "job_events": "/api/jobs/{job_id}/events",
}


class Root(BaseModel):
    """What this server is, and where everything lies."""

    name: str = "ORB Confluence API"
    version: str = API_VERSION
    status: Literal["active"] = "active"
    endpoints: dict[str, str] = Field(default=ENDPOINTS)


class Health(BaseModel):
    """That the server answers and can read its runs."""

    status: Literal["healthy"] = "healthy"
    timestamp: AwareDatetime
    runs_available: int


class Statistics(BaseModel):
    """How much there is."""

    total_runs: int
    latest_run: str | None
    jobs_under_way: int


class Status(BaseModel):
    """Versions, and how much there is."""

    api_version: str = API_VERSION
    engine_version: str = ENGINE_VERSION
    status: Literal["operational"] = "operational"
    is_compiled: bool = Field(description="If not, the first run takes about 20 seconds more.")
    timestamp: AwareDatetime
    statistics: Statistics


@router.get("/")
async def root() -> Root:
    """Return where everything lies."""
    return Root()


@router.get("/health")
async def health(server: TheServer) -> Health:
    """Return that the server answers and can read its runs."""
    lines = await server.quick.run(server.index.lines)
    return Health(timestamp=datetime.now(UTC), runs_available=len(lines))


@router.get("/api/status")
async def status(server: TheServer) -> Status:
    """Return versions, and how much there is."""

    def answer() -> Status:
        lines = server.index.lines()
        latest = newest(lines)
        under_way = sum(not job.job.is_over for job in server.jobs.all())
        counts = Statistics(
            total_runs=len(lines), latest_run=latest.run_id if latest else None, jobs_under_way=under_way
        )
        return Status(is_compiled=service.is_compiled(), timestamp=datetime.now(UTC), statistics=counts)

    return await server.quick.run(answer)
