"""Jobs: how far a run that was asked for is, as an answer or as a stream, and stopping it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from fastapi.sse import EventSourceResponse, ServerSentEvent

from orb_api.problems import documented
from orb_api.run_jobs import JobAnswer, RunJob
from orb_api.server import TheServer

router = APIRouter(tags=["jobs"])

POLL_SECONDS = 0.1

JobId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", examples=["0f4be0dc6a1f4bd2ae7e3d4f2a6f9c11"])]


def _job(job_id: JobId, server: TheServer) -> RunJob:
    return server.jobs.of(job_id)


TheJob = Annotated[RunJob, Depends(_job)]
"""Looked up before a stream begins, while there is still a status to answer with."""


@router.get("/api/jobs")
async def jobs(server: TheServer) -> list[JobAnswer]:
    """Return the runs that were asked for of this server since it was started, newest first."""
    return [job.answer() for job in server.jobs.all()]


@router.get("/api/jobs/{job_id}", responses=documented(404))
async def job(job_id: JobId, server: TheServer) -> JobAnswer:
    """Return how a job stands."""
    return server.jobs.of(job_id).answer()


@router.delete("/api/jobs/{job_id}", responses=documented(404))
async def cancel(job_id: JobId, server: TheServer) -> JobAnswer:
    """Ask a job to stop: at once if it is queued, else before its next step. One that is over stays as it is."""
    found = server.jobs.of(job_id)
    found.job.cancel()
    return found.answer()


@router.get(
    "/api/jobs/{job_id}/events",  # noqa: FAST003 - `_job` takes it
    response_class=EventSourceResponse,
    responses=documented(404),
)
async def events(found: TheJob) -> AsyncIterator[ServerSentEvent]:
    """Send how a job stands, now and at each change: as `progress`, at last as `done`, `failed` or `cancelled`."""
    sent: JobAnswer | None = None
    number = 0
    while sent is None or not sent.is_over:
        answer = found.answer()
        if answer != sent:
            yield ServerSentEvent(
                data=answer, event=answer.state if answer.is_over else "progress", id=str(number), retry=1000
            )
            sent, number = answer, number + 1
        else:
            await asyncio.sleep(POLL_SECONDS)
