"""The run store: a folder of runs, each complete or not there at all."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orb_core import durable
from orb_core.config.symbols import encode_symbol
from orb_core.errors import DamagedRunError, RunExistsError, RunNotFoundError, StoreError
from orb_core.store import bar_chunks
from orb_core.store.manifest import Manifest, Notes, read_manifest, read_notes
from orb_core.store.stored_run import StoredRun
from orb_core.store.tables import ALL_TRADES, KINDS, to_csv, to_json, to_parquet

if TYPE_CHECKING:
    import pandas as pd

    from orb_core.store.new_run import NewRun

RUN_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")

_UNFINISHED: Final = ".tmp-"
_STALE_SECONDS: Final = 24 * 3600
_NOTES_LOCK: Final = ".notes.lock"
_NOTES_LOCK_SECONDS: Final = 10.0
_WRITERS: Final = 4
"""Threads that write files: most of a save is waiting for the disk to confirm."""

_TAKEN: Final = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)


@dataclass(frozen=True)
class RunSummary:
    """One line of the list of runs.

    Attributes
    ----------
    run_id : str
        The folder's name.
    status : str
        The manifest's, or `unreadable`.
    manifest : Manifest or None
        None if it cannot be read.
    notes : Notes
    reason : str or None
        What is wrong with the folder, or with its notes.
    """

    run_id: str
    status: str
    manifest: Manifest | None
    notes: Notes
    reason: str | None = None


class RunStore:
    """The runs in one folder, which need not exist before the first is saved.

    Opening a store removes what saves that were killed more than a day ago left behind.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if any(_is_stale(folder) for folder in self._unfinished()):
            self._remove_stale()

    def new_run_id(self, now: datetime | None = None) -> str:
        """Return a free run id for a run that starts now: `backtest_20241002_153045`, local time.

        It is not reserved. A run saved without an id of its own takes the next free one if another was faster.
        """
        return next(run_id for run_id in _ids(now or datetime.now().astimezone()) if not (self.path / run_id).exists())

    def check_can_save(self, run_id: str | None = None) -> None:
        """Try the folder and the run id before any work is done for them.

        Raises
        ------
        RunExistsError
            There is a run of that id.
        StoreError
            The id is none, or nothing can be written in the folder.
        """
        if run_id is not None and os.path.lexists(self._folder(run_id)):
            raise _exists(run_id, self.path)
        with self._unfinished_folder() as folder:
            durable.write(folder / "trial", b"")

    def save(self, run: NewRun, log: str = "") -> str:
        """Write a run and return its id. It appears all at once, or, if anything fails, not at all.

        Parameters
        ----------
        run : NewRun
        log : str
            The run's own lines of the log.

        Raises
        ------
        RunExistsError
            A run of the id it asks for is there.
        StoreError
            The disk is full, the folder cannot be written, or another error of the file system.
        """
        ids = _ids(run.created.astimezone()) if run.run_id is None else iter([self._folder(run.run_id).name])
        started = time.perf_counter()
        with self._unfinished_folder() as folder:
            manifest = run.manifest("")
            durable.write(folder / "run.json", _manifest_json(manifest))  # announces the chunks it will need
            durable.write(folder / "run.log", log.encode())
            self._write_files(run, folder)
            for run_id in ids:
                _write_all_trades(run, run_id, folder)
                seconds = {**manifest.seconds, "save": round(time.perf_counter() - started, 3)}
                finished = manifest.model_copy(update={"run_id": run_id, "seconds": seconds})
                durable.replace(folder / "run.json", _manifest_json(finished))
                if _moved(folder, self.path / run_id):
                    durable.sync_folder(self.path)
                    return run_id
        raise _exists(str(run.run_id), self.path)

    def adopt(self, run_id: str, fill: Callable[[Path], None]) -> None:
        """Take in a run that was made elsewhere. It appears once `fill` has written and checked it, or not at all.

        Parameters
        ----------
        run_id : str
        fill : callable
            Given the new folder, on the disk of the store and beside its runs.

        Raises
        ------
        RunExistsError
            There is a run of that id.
        StoreError
            What `fill` raises; or the id is none, or nothing can be written in the folder.
        """
        place = self._folder(run_id)
        if os.path.lexists(place):
            raise _exists(run_id, self.path)
        with self._unfinished_folder() as folder:
            fill(folder)
            if not _moved(folder, place):
                raise _exists(run_id, self.path)
            durable.sync_folder(self.path)

    def load(self, run_id: str) -> StoredRun:
        """Return a run; its tables are read when asked for.

        Raises
        ------
        RunNotFoundError
            No run has this id.
        DamagedRunError
            Its manifest cannot be read.
        """
        folder = self._existing(run_id)
        return StoredRun(folder, read_manifest(folder))

    def list(self) -> list[RunSummary]:
        """Return every run, newest first, then the folders that cannot be read. Reads run.json and notes.json only.

        Raises
        ------
        StoreError
            The folder itself cannot be read.
        """
        return newest_first(self.summary(name) for name in self.stamps())

    def stamp(self) -> int:
        """Return what changes whenever a run comes or goes."""
        return _changed_ns(str(self.path))

    def stamps(self) -> dict[str, tuple[int, int]]:
        """Return the name of every folder, and what changes whenever its line of the list may have.

        Raises
        ------
        StoreError
            The folder itself cannot be read.
        """
        try:
            with os.scandir(self.path) as entries:
                folders = [entry for entry in entries if not entry.name.startswith(".") and _is_folder(entry)]
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise _store_error(error, self.path, "read") from error
        # Replacing notes.json changes the time of the folder, writing into run.json only its own.
        return {entry.name: (_changed_ns(entry.path), _changed_ns(f"{entry.path}/run.json")) for entry in folders}

    def summary(self, name: str) -> RunSummary:
        """Return the line of the list of one of the folders `stamps` names."""
        return _summarise(self.path / name)

    def find_same(self, run: NewRun) -> str | None:
        """Return the newest run whose results are those of this one, if all its symbols have results."""
        if run.status != "complete":
            return None
        manifest = run.manifest("")
        # Reading the manifests of a thousand runs takes longer than a backtest; most lack these numbers.
        numbers = [manifest.config_hash, *(record.fingerprint or "" for record in manifest.symbols.values())]
        lines = [self.summary(name) for name in self.stamps() if _says(self.path / name, numbers)]
        same = [line for line in lines if line.manifest and line.manifest.identity == manifest.identity]
        return newest_first(same)[0].run_id if same else None

    def annotate(
        self,
        run_id: str,
        *,
        title: str | None = None,
        tags: Sequence[str] | None = None,
        note: str | None = None,
        starred: bool | None = None,
    ) -> Notes:
        """Change what is given of a run's notes, and return them all. An empty title is none.

        Raises
        ------
        RunNotFoundError
            No run has this id.
        StoreError
            The notes cannot be written.
        """
        given = {"title": title, "tags": tags, "note": note, "starred": starred}
        update = {name: value for name, value in given.items() if value is not None}
        return self.edit_notes(run_id, lambda notes: Notes.model_validate({**notes.model_dump(), **update}))

    def edit_notes(self, run_id: str, change: Callable[[Notes], Notes]) -> Notes:
        """Make new notes of a run's notes as they are now, while nobody else changes them, and return them.

        Raises
        ------
        RunNotFoundError
            No run has this id.
        StoreError
            The notes cannot be written.
        """
        folder = self._existing(run_id)
        with self._noting():
            try:
                notes = read_notes(folder)
            except DamagedRunError:
                notes = Notes()  # the list of runs has said so; what is written now takes their place
            changed = change(notes)
            with _as_store_error(folder, "written"):
                durable.replace(folder / "notes.json", to_json(changed.model_dump(mode="json")))
        return changed

    def delete(self, run_id: str) -> None:
        """Remove a run, and the bars no other run uses.

        Raises
        ------
        RunNotFoundError
            No run has this id.
        StoreError
            The folder is not one of a run, or cannot be removed.
        """
        self.purge(self.discard(run_id))

    def discard(self, run_id: str) -> str:
        """Put a run aside, gone at once for every reader, and return the name to `restore` or `purge` it by.

        What is neither restored nor purged is removed a day later.

        Raises
        ------
        RunNotFoundError
            No run has this id.
        StoreError
            The folder is not one of a run, or cannot be moved.
        """
        folder = self._existing(run_id)
        if not (folder / "run.json").exists():
            raise StoreError(f"{folder} has no run.json: it is not a run of this store; remove it by hand if it may go")
        aside = f"{_UNFINISHED}deleted-{uuid.uuid4().hex}"
        with _as_store_error(folder, "removed"):
            os.utime(folder)  # its day as a deleted run begins now
            folder.rename(self.path / aside)
        return aside

    def restore(self, aside: str, run_id: str) -> None:
        """Put a discarded run back in its place.

        Raises
        ------
        RunExistsError
            Another run has taken its id.
        StoreError
            It was removed for good meanwhile, or cannot be moved.
        """
        folder = self._folder(run_id)
        with _as_store_error(self.path / aside, "restored"):
            if not _moved(self.path / aside, folder):
                raise _exists(run_id, self.path)

    def purge(self, aside: str) -> None:
        """Remove a discarded run for good, and the bars no other run uses.

        Raises
        ------
        StoreError
            It cannot be removed.
        """
        with _as_store_error(self.path / aside, "removed"):
            if (self.path / aside).exists():  # else it was discarded more than a day ago
                shutil.rmtree(self.path / aside)
        self._remove_unused_bars()

    def read_frame(self, run_id: str, symbol: str, kind: str) -> pd.DataFrame:
        """Return one table of one symbol: trades, fills, stops, signals, sessions or equity.

        Raises
        ------
        StoreError
            There is no such run, symbol or table, or it is damaged.
        """
        return self.load(run_id).frame(symbol, kind)

    def bars(self, run_id: str, symbol: str, start: date | None = None, end: date | None = None) -> pd.DataFrame:
        """Return the bars a symbol's backtest read, warm-up included; only UTC months from `start` to `end` if given.

        Raises
        ------
        StoreError
            There is no such run or symbol, or bars are missing or damaged.
        """
        return self.load(run_id).bars(symbol, start, end)

    def _write_files(self, run: NewRun, folder: Path) -> None:
        """Write what is made of the run, but for run.json and all_trades, which hold its id."""
        contents: dict[str, Callable[[], bytes]] = {
            "config.json": lambda: to_json(run.request()),
            "notes.json": lambda: to_json(Notes().model_dump(mode="json")),
        }
        if run.done:
            contents["combined_equity.parquet"] = partial(to_parquet, run.combined.equity, KINDS["equity"])
            contents["combined_metrics.json"] = partial(to_json, run.combined.metrics)
        for symbol, of_symbol in run.done.items():
            name, summary, result = encode_symbol(symbol), run.per_symbol[symbol], of_symbol.result
            for kind in ("trades", "fills", "stops", "signals", "sessions"):
                contents[f"{name}_{kind}.parquet"] = partial(to_parquet, getattr(result, kind), KINDS[kind])
            contents[f"{name}_equity.parquet"] = partial(to_parquet, summary.equity, KINDS["equity"])
            contents[f"{name}_metrics.json"] = partial(to_json, summary.metrics)
            contents[f"{name}_quality.json"] = partial(to_json, of_symbol.quality)
        jobs: list[Callable[[], None]] = [
            partial(bar_chunks.write_missing, self.path, of_symbol.parts, folder) for of_symbol in run.done.values()
        ]
        jobs += [partial(_write, folder / name, content) for name, content in contents.items()]
        with ThreadPoolExecutor(_WRITERS) as pool:
            for job in [pool.submit(job) for job in jobs]:
                job.result()

    def _folder(self, run_id: str) -> Path:
        if not RUN_ID.fullmatch(run_id):
            raise StoreError(f"{run_id!r} is no run id: it takes 1 to 64 letters (A–Z, a–z), digits, `_` and `-`")
        return self.path / run_id

    def _existing(self, run_id: str) -> Path:
        folder = self._folder(run_id)
        if not folder.is_dir():
            raise RunNotFoundError(f"There is no run {run_id!r} in {self.path}")
        return folder

    @contextmanager
    def _unfinished_folder(self) -> Iterator[Path]:
        """Give a new folder to prepare a run in; unless it was renamed, it is gone afterwards."""
        folder = self.path / f"{_UNFINISHED}{uuid.uuid4().hex}"
        with _as_store_error(self.path, "written"):
            self.path.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
            try:
                yield folder
            finally:
                if folder.exists():
                    shutil.rmtree(folder)

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Hold the right to change notes, against all threads and processes; the death of its holder ends it.

        It is SQLite's own lock, on an empty database.
        """
        try:
            with closing(
                sqlite3.connect(self.path / _NOTES_LOCK, timeout=_NOTES_LOCK_SECONDS, isolation_level=None)
            ) as lock:
                lock.execute("BEGIN EXCLUSIVE")
                yield
        except sqlite3.Error as error:
            raise StoreError(
                f"{self.path / _NOTES_LOCK} cannot be locked: {error}. Make the folder writable, or try again"
            ) from error

    def _unfinished(self) -> Iterator[Path]:
        return self.path.glob(f"{_UNFINISHED}*")

    def _remove_stale(self) -> None:
        for folder in self._unfinished():
            if _is_stale(folder):
                shutil.rmtree(folder, ignore_errors=True)  # another process may be at it too
        self._remove_unused_bars()

    def _remove_unused_bars(self) -> None:
        """Remove bars that no run uses. Where a folder cannot be read all stay: they may be those of a run in it."""
        with suppress(OSError):
            bar_chunks.remove_unused(self.path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder; a link that leads nowhere, or to itself, is none."""
    with suppress(OSError):
        return entry.is_dir()
    return False


def newest_first(lines: Iterable[RunSummary]) -> list[RunSummary]:
    """Return lines of the list in its order: runs, newest first, then the folders that cannot be read."""
    return sorted(lines, key=lambda line: (*_age(line), line.run_id), reverse=True)


def _ids(now: datetime) -> Iterator[str]:
    first = f"backtest_{now:%Y%m%d_%H%M%S}"
    yield first
    yield from (f"{first}_{n}" for n in count(2))


def _write(path: Path, content: Callable[[], bytes]) -> None:
    durable.write(path, content())


def _moved(folder: Path, place: Path) -> bool:
    """Rename a finished folder; False if a run of that name is there."""
    if os.path.lexists(place):  # POSIX would put a folder in the place of an empty one
        return False
    try:
        folder.rename(place)
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        raise
    return True


def _manifest_json(manifest: Manifest) -> bytes:
    return to_json(manifest.model_dump(mode="json"))


def _write_all_trades(run: NewRun, run_id: str, folder: Path) -> None:
    trades = run.all_trades(run_id)
    for name, content in (("parquet", to_parquet(trades, ALL_TRADES)), ("csv", to_csv(trades, ALL_TRADES))):
        (folder / f"all_trades.{name}").unlink(missing_ok=True)  # of an id that was taken meanwhile
        durable.write(folder / f"all_trades.{name}", content)


def _summarise(folder: Path) -> RunSummary:
    reason = None
    try:
        notes = read_notes(folder)
    except DamagedRunError as error:
        notes, reason = Notes(), str(error)
    try:
        manifest = read_manifest(folder)
    except DamagedRunError as error:
        return RunSummary(folder.name, "unreadable", None, notes, str(error))
    return RunSummary(folder.name, manifest.status, manifest, notes, reason)


def _age(line: RunSummary) -> tuple[bool, float]:
    return (False, 0.0) if line.manifest is None else (True, line.manifest.created_utc.timestamp())


def _says(folder: Path, words: Iterable[str]) -> bool:
    """Whether all of these stand in a run's manifest, whatever for."""
    try:
        content = (folder / "run.json").read_bytes()
    except OSError:
        return False
    return all(word.encode() in content for word in words)


def _changed_ns(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 — thousands at a time
    except OSError:
        return 0


def _is_stale(folder: Path) -> bool:
    try:
        return time.time() - folder.stat().st_mtime > _STALE_SECONDS
    except FileNotFoundError:  # finished, or removed by another process
        return False


def _exists(run_id: str, path: Path) -> RunExistsError:
    return RunExistsError(f"There is a run {run_id!r} in {path} already; choose another run id, or leave it out")


@contextmanager
def _as_store_error(path: Path, done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _store_error(error, path, done) from error


def _store_error(error: OSError, path: Path, done: str) -> StoreError:
    return StoreError(
        f"{path} cannot be {done}: {error.strerror or error}. "
        "Free space there, make it writable, or name another folder (`--output-dir`, or ORB_RUNS_DIR for the app)"
    )
