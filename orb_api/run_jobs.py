"""Runs asked for by clients: queued, watched, cancelled, and remembered for a while once they are over."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from orb_api.lanes import busy
from orb_core import service
from orb_core.config.symbols import normalize_symbols, some_of
from orb_core.errors import OrbError
from orb_core.jobs import Job, JobManager, State
from orb_core.service import Progress, RunRequest
from orb_core.store.manifest import Manifest
from orb_core.store.runs import RunStore

NAMED_SYMBOLS = 5


class JobProgress(BaseModel):
    """How far the step is that was last heard of: `done` of `total` symbols."""

    step: Literal["fetch", "backtest", "save"]
    symbol: str | None
    done: int
    total: int


class JobAnswer(BaseModel):
    """A run that was asked for, and what became of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "0f4be0dc6a1f4bd2ae7e3d4f2a6f9c11",
                "label": "SPY, 2024-01-02 to 2024-03-28",
                "state": "done",
                "created_utc": "2024-10-02T15:30:45Z",
                "progress": {"step": "save", "symbol": None, "done": 1, "total": 1},
                "run_id": "backtest_20241002_153045",
                "run_status": "complete",
                "failures": {},
                "error": None,
            }
        }
    )

    id: str
    label: str
    state: State = Field(description="A job asked to stop is running until it has stopped.")
    created_utc: AwareDatetime
    progress: JobProgress | None = Field(description="Null until the first step is over.")
    run_id: str | None = Field(description="The saved run, once it is done.")
    run_status: str | None = Field(description="How its symbols fared: complete, partial, failed or cancelled.")
    failures: dict[str, str] = Field(description="Why each failed symbol failed.")
    error: str | None = Field(description="Why nothing was saved.")

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ("done", "failed", "cancelled")


@dataclass(frozen=True)
class RunJob:
    """A job and what it was asked for."""

    job: Job[Progress, Manifest]
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    def answer(self) -> JobAnswer:
        """Return how it stands."""
        state, progress, error = self.job.state, self.job.progress, self.job.error
        manifest = self.job.result if state == "done" else None
        return JobAnswer(
            id=self.job.id,
            label=self.job.label,
            state=state,
            created_utc=self.created,
            progress=JobProgress.model_validate(progress, from_attributes=True) if progress else None,
            run_id=manifest.run_id if manifest else None,
            run_status=manifest.status if manifest else None,
            failures=manifest.failures if manifest else {},
            error=_sentence(error) if error else None,
        )


class RunJobs:
    """The runs of a server's clients. Called from any thread.

    Parameters
    ----------
    store : RunStore
    at_once, waiting, kept : int
        Runs at a time, runs that may wait, and finished jobs that are remembered.
    """

    def __init__(self, store: RunStore, *, at_once: int, waiting: int, kept: int) -> None:
        self._store = store
        self._manager = JobManager(at_once)
        self._most = at_once + waiting
        self._kept = kept
        self._jobs: dict[str, RunJob] = {}
        self._lock = threading.Lock()

    def start(self, request: RunRequest, *, reuse: bool) -> RunJob:
        """Queue a run.

        Raises
        ------
        HTTPException
            429: too many are queued already.
        """

        def work(report: Callable[[Progress], None], is_cancelled: Callable[[], bool]) -> Manifest:
            return service.run_and_save(
                request, self._store, reuse=reuse, on_progress=report, is_cancelled=is_cancelled
            )

        with self._lock:
            if sum(not job.job.is_over for job in self._jobs.values()) >= self._most:
                raise busy(f"{self._most} runs are under way or waiting already; wait for one, or cancel one")
            job = RunJob(self._manager.submit(work, _label(request)))
            self._jobs[job.job.id] = job
            over = [key for key, job in self._jobs.items() if job.job.is_over]
            for key in over[: max(len(over) - self._kept, 0)]:
                del self._jobs[key]
        return job

    def of(self, job_id: str) -> RunJob:
        """Return a job.

        Raises
        ------
        HTTPException
            404: there is none of this id, or it was forgotten.
        """
        job = self._jobs.get(job_id)
        if job is None:
            detail = f"There is no job {job_id!r}; the last {self._kept} that are over are remembered until a restart"
            raise HTTPException(HTTPStatus.NOT_FOUND, detail)
        return job

    def all(self) -> list[RunJob]:
        """Return every job that is remembered, newest first."""
        return list(self._jobs.values())[::-1]

    def close(self) -> None:
        """Cancel everything, and wait until nothing runs any more."""
        for job in self.all():
            job.job.cancel()
        self._manager.shutdown()


def _label(request: RunRequest) -> str:
    symbols = normalize_symbols(request.symbols).symbols
    return f"{some_of(symbols, NAMED_SYMBOLS)}, {request.start} to {request.end}"


def _sentence(error: BaseException) -> str:
    return str(error) if isinstance(error, OrbError) else "A fault of the server itself; its log has the details"
