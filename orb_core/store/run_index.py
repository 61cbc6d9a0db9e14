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
    patience_s : float
        For so many seconds after a look at every run, one at the folder is enough: a run that comes or goes is seen at
        once, one that other programs change a little later.
    """

    def __init__(self, store: RunStore, line_of: Callable[[RunSummary], Line], patience_s: float = 0.0) -> None:
        self._store = store
        self._line_of = line_of
        self._patience_s = patience_s
        self._stamp = 0
        self._kept: dict[str, tuple[tuple[int, int], Line]] = {}
        self._lines: tuple[Line, ...] = ()
        self._looked = float("-inf")
        self._lock = threading.Lock()

    def lines(self) -> tuple[Line, ...]:
        """Return a line for each run there was at some moment of the call; the same tuple until one changes.

        Raises
        ------
        StoreError
            The folder of runs cannot be read.
        """
        asked = time.perf_counter()
        with self._lock:
            if not self._is_current(asked):
                looked, stamp = time.perf_counter(), self._store.stamp()
                kept = {name: self._fresh(name, stamp) for name, stamp in self._store.stamps().items()}
                if kept != self._kept:
                    self._kept, self._lines = kept, tuple(line for _, line in kept.values())
                self._looked, self._stamp = looked, stamp
            return self._lines

    def look_again(self) -> None:
        """Look at every run before the next answer, since one was changed."""
        with self._lock:
            self._looked = float("-inf")

    def _is_current(self, asked: float) -> bool:
        """Whether what is kept is from after a caller asked, or recent enough."""
        if self._looked > asked:  # another one began to look while this one waited
            return True
        return asked - self._looked < self._patience_s and self._store.stamp() == self._stamp

    def _fresh(self, name: str, stamp: tuple[int, int]) -> tuple[tuple[int, int], Line]:
        kept = self._kept.get(name)
        return kept if kept and kept[0] == stamp else (stamp, self._line_of(self._store.summary(name)))
