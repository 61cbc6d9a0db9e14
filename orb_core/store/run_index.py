"""The list of runs, kept in memory: a run is read again only when it changed on disk."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from orb_core.store.runs import RunStore, RunSummary

Line = TypeVar("Line")


class RunIndex(Generic[Line]):
    """What a process shows of each run of a store. Called from any thread.

    Parameters
    ----------
    store : RunStore
    line_of : callable
        Makes of a run's summary what is kept of it: a manifest is large when a run has many symbols.
    """

    def __init__(self, store: RunStore, line_of: Callable[[RunSummary], Line]) -> None:
        self._store = store
        self._line_of = line_of
        self._kept: dict[str, tuple[tuple[int, int], Line]] = {}
        self._looked = float("-inf")
        self._lock = threading.Lock()

    def lines(self) -> list[Line]:
        """Return a line for each run there was at some moment of the call, in no order.

        Raises
        ------
        StoreError
            The folder of runs cannot be read.
        """
        asked = time.perf_counter()
        with self._lock:
            if self._looked < asked:  # else another caller began to look while this one waited
                self._looked = time.perf_counter()
                self._kept = {name: self._fresh(name, stamp) for name, stamp in self._store.stamps().items()}
            return [line for _, line in self._kept.values()]

    def _fresh(self, name: str, stamp: tuple[int, int]) -> tuple[tuple[int, int], Line]:
        kept = self._kept.get(name)
        return kept if kept and kept[0] == stamp else (stamp, self._line_of(self._store.summary(name)))
