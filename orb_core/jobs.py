"""Work in the background: queued, reporting progress, and cancelled when nobody wants it any more."""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError as NeverStarted
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Final, Generic, Literal, TypeVar
from uuid import uuid4

from loguru import logger

from orb_core.errors import CancelledError, OrbError

Result = TypeVar("Result")
Step = TypeVar("Step")

REMEMBERED: Final = 50
"""Jobs that are over and still listed."""
NICENESS: Final = 5
"""Of the threads of jobs: a page that is asked for meanwhile, and the browser that draws it, go first."""

State = Literal["queued", "running", "done", "failed", "cancelled"]
Work = Callable[[Callable[[Step], None], Callable[[], bool]], Result]
"""What a job does: called with where to report its progress, and whether it is no longer wanted."""


class Job(Generic[Step, Result]):
    """One piece of work. Read from any thread.

    Attributes
    ----------
    id : str
        Unlike every other job's.
    label : str
        What it is, for people.
    progress : Step or None
        What the work reported last.
    """

    def __init__(self, label: str) -> None:
        self.id = uuid4().hex
        self.label = label
        self.progress: Step | None = None
        self._wanted = threading.Event()
        self._wanted.set()
        self._future: Future[Result]

    @property
    def state(self) -> State:
        """Return where the work stands. A job asked to stop is `running` until it has stopped."""
        if self._future.cancelled():
            return "cancelled"
        if not self._future.done():
            return "running" if self._future.running() else "queued"
        match self._future.exception():
            case None:
                return "done"
            case CancelledError():
                return "cancelled"
            case _:
                return "failed"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self._future.done()

    @property
    def is_unwanted(self) -> bool:
        """Whether it was asked to stop."""
        return not self._wanted.is_set()

    @property
    def result(self) -> Result:
        """Return what the work returned; waits for it.

        Raises
        ------
        CancelledError
            It was cancelled.
        Exception
            Whatever the work raised.
        """
        try:
            return self._future.result()
        except NeverStarted:
            raise CancelledError(f"{self.label} was cancelled before it began") from None

    @property
    def error(self) -> BaseException | None:
        """Return what a failed job raised; None for any other."""
        return self._future.exception() if self.state == "failed" else None

    @property
    def failure(self) -> str:
        """Return in words why a failed job failed; nothing for any other."""
        if self.error is None or isinstance(self.error, OrbError):
            return str(self.error or "")
        return f"Something broke that should not have ({type(self.error).__name__}). The log has the details."

    def wait(self, seconds: float) -> bool:
        """Wait at most so long for the job to be over, and return whether it is."""
        return bool(wait([self._future], timeout=seconds).done)

    def cancel(self) -> None:
        """Ask for the work to stop: at once if it is still queued, else where it next looks."""
        self._wanted.clear()
        self._future.cancel()

    def _start(self, pool: ThreadPoolExecutor, work: "Work[Step, Result]") -> None:
        told = logger.catch(exclude=OrbError, reraise=True, message="A fault of the program itself")(work)
        self._future = pool.submit(told, self._report, lambda: not self._wanted.is_set())

    def _report(self, step: Step) -> None:
        self.progress = step


class JobManager:
    """A queue of jobs, so many of them at a time, each in a thread of its own.

    Parameters
    ----------
    max_workers : int
        Jobs at a time.
    """

    def __init__(self, max_workers: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers, thread_name_prefix="job", initializer=_stand_back)
        self._jobs: list[Job[Any, Any]] = []
        self._lock = threading.Lock()

    def submit(self, work: "Work[Step, Result]", label: str = "The job") -> Job[Step, Result]:
        """Queue a piece of work and return it at once."""
        job: Job[Step, Result] = Job(label)
        job._start(self._pool, work)  # noqa: SLF001 — a job and its manager are one
        with self._lock:
            over = [each for each in self._jobs if each.is_over]
            forgotten = over[: max(0, len(over) - REMEMBERED)]
            self._jobs = [*(each for each in self._jobs if each not in forgotten), job]
        return job

    @property
    def jobs(self) -> "tuple[Job[Any, Any], ...]":
        """Return the jobs in the order they were queued: all that are not over, and the last that are."""
        with self._lock:
            return tuple(self._jobs)

    def shutdown(self) -> None:
        """Drop what is queued, and wait for what is running."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _stand_back() -> None:
    """Let whoever waits for an answer go before this thread, and before those it starts.

    Linux gives each thread a niceness of its own, elsewhere it would be the whole process that stands back.
    """
    if sys.platform == "linux":
        os.nice(NICENESS)
