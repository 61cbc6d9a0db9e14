"""Work off the event loop: so much at a time, so that no client's requests take the whole server."""

from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.exceptions import HTTPException

Result = TypeVar("Result")


class Lane:
    """Threads for one kind of work.

    Parameters
    ----------
    at_once : int
        Pieces of work at a time.
    waiting : int
        Pieces that may wait; whoever comes later is sent away.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self._limiter = CapacityLimiter(at_once)
        self._waiting = waiting

    async def run(self, work: Callable[[], Result]) -> Result:
        """Return what the work returns.

        Raises
        ------
        HTTPException
            429: too many are waiting already.
        """
        if self._limiter.statistics().tasks_waiting >= self._waiting:
            raise busy(f"{self._waiting} requests are waiting already; ask again in a second")
        return await to_thread.run_sync(work, limiter=self._limiter)


def busy(detail: str) -> HTTPException:
    """Return the answer to a request too many."""
    return HTTPException(HTTPStatus.TOO_MANY_REQUESTS, detail, {"Retry-After": "1"})
