"""What the routes share: the store, the list of runs, the jobs and the lanes work is done in."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Self

from fastapi import Depends, Request

from orb_api.access import KEY_VARIABLE
from orb_api.lanes import Lane
from orb_api.run_jobs import RunJobs
from orb_api.run_lines import Entry, RunPages, entry_of
from orb_core import service
from orb_core.config.places import imports_path
from orb_core.store.run_index import RunIndex
from orb_core.store.runs import RunStore

API_VERSION: Final = "1.0.0"
PATIENCE_S: Final = 0.25
"""How late notes that another program changes may show in the list of runs."""


@dataclass(frozen=True)
class Settings:
    """What a server is started with.

    Attributes
    ----------
    store : RunStore
    data_folder : Path
        The only folder from which it reads files of bars for a client.
    api_key : str or None
        None: it answers its own machine only.
    jobs_at_once, jobs_waiting, jobs_kept : int
        Runs at a time, runs that may wait, and finished jobs that are remembered.
    symbol_years : float
        Most that one run may cover: symbols × years.
    """

    store: RunStore
    data_folder: Path
    api_key: str | None = None
    jobs_at_once: int = 2
    jobs_waiting: int = 32
    jobs_kept: int = 200
    symbol_years: float = 100.0

    @classmethod
    def from_environment(cls) -> Self:
        """Return what ORB_RUNS_DIR, ORB_DATA_DIR (else the imported bars) and ORB_API_KEY say; empty says nothing."""
        folder = os.environ.get("ORB_DATA_DIR")
        return cls(
            store=service.default_store(),
            data_folder=Path(folder) if folder else imports_path(),
            api_key=os.environ.get(KEY_VARIABLE) or None,
        )


@dataclass(frozen=True)
class Server:
    """One running server.

    Attributes
    ----------
    quick : Lane
        For what takes milliseconds, so that it never waits for what takes longer.
    heavy : Lane
        For tables and figures.
    """

    settings: Settings
    index: RunIndex[Entry]
    pages: RunPages
    jobs: RunJobs
    quick: Lane = field(default_factory=lambda: Lane(at_once=4, waiting=512))
    heavy: Lane = field(default_factory=lambda: Lane(at_once=4, waiting=256))

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return a server of these settings."""
        jobs = RunJobs(
            settings.store, at_once=settings.jobs_at_once, waiting=settings.jobs_waiting, kept=settings.jobs_kept
        )
        index = RunIndex(settings.store, entry_of, PATIENCE_S)
        return cls(settings, index, RunPages(index), jobs)

    @property
    def store(self) -> RunStore:
        """Return the runs."""
        return self.settings.store


def _server(request: Request) -> Server:
    server: Server = request.app.state.server
    return server


TheServer = Annotated[Server, Depends(_server)]
