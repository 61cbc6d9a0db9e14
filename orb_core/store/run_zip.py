"""A run as one zip file, its bars included: written here, and taken in again by any store after a thorough look."""

import io
import json
import re
import zipfile
import zlib
from pathlib import Path
from typing import Final

from orb_core import durable
from orb_core.config.symbols import encode_symbol
from orb_core.data.bars import fingerprint
from orb_core.errors import DamagedRunError, OrbError, StoreError
from orb_core.store import bar_chunks
from orb_core.store.bar_chunks import Chunk
from orb_core.store.manifest import Manifest, read_manifest
from orb_core.store.runs import RunStore
from orb_core.store.stored_run import StoredRun
from orb_core.store.tables import ALL_TRADES, BARS, KINDS, read_parquet, to_csv

MAX_FILES: Final = 20_000
MAX_BYTES: Final = 1 << 30
"""Of all files together, unpacked."""

_BARS: Final = re.compile(r"bars/([0-9a-f]{64})\.parquet")
_OF_RUN: Final = ("run.json", "config.json", "notes.json", "run.log")
_OF_RESULTS: Final = ("combined_equity.parquet", "combined_metrics.json", "all_trades.parquet")


def pack(run: StoredRun) -> bytes:
    """Return a run and the bars it used as a zip file.

    Raises
    ------
    StoreError
        A part of it is missing or cannot be read.
    """
    buffer = io.BytesIO()
    chunks = {sha256 for record in run.manifest.symbols.values() for sha256 in record.bars.values()}
    bars = run.folder.parent / bar_chunks.FOLDER
    try:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(run.folder.iterdir()):
                if path.is_file() and not path.name.startswith("."):
                    archive.write(path, path.name)
            for sha256 in sorted(chunks):
                archive.write(bars / f"{sha256}.parquet", f"bars/{sha256}.parquet", zipfile.ZIP_STORED)
    except OSError as error:
        raise StoreError(f"Run {run.run_id} cannot be packed: {error}") from error
    return buffer.getvalue()


def unpack(store: RunStore, content: bytes, name: str) -> str:
    """Take a packed run into a store, and return its id. It appears whole, or not at all.

    Only files whose names a run has are read, each into a new folder under a name of ours; tables, settings and bars
    are checked as when a run is looked at. A report is left out: it is a web page of somebody else.

    Parameters
    ----------
    store : RunStore
    content : bytes
        The zip file.
    name : str
        What it is called, for messages.

    Raises
    ------
    RunExistsError
        The store has a run of its id.
    StoreError
        It is not a packed run, too large, damaged, or of a newer version.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_sizes(archive)
            run_id = _run_id(archive)
            store.adopt(run_id, lambda folder: _fill(archive, folder))
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, RecursionError) as error:
        raise StoreError(f"{name} is not a zip file that can be read: {error}. Export the run again") from error
    except StoreError as error:
        raise type(error)(f"{name} was not imported: {error}") from error
    return run_id


def _check_sizes(archive: zipfile.ZipFile) -> None:
    files = archive.infolist()
    total = sum(file.file_size for file in files)  # a file that unpacks to more than it declares fails to be read
    if len(files) > MAX_FILES or total > MAX_BYTES:
        raise StoreError(
            f"it holds {len(files):,} files of {total:,} bytes; "
            f"at most {MAX_FILES:,} files and {MAX_BYTES:,} bytes are unpacked"
        )
    names = [file.filename for file in files]
    if len(set(names)) < len(names):
        raise StoreError("it holds two files of one name")


def _run_id(archive: zipfile.ZipFile) -> str:
    try:
        return str(json.loads(archive.read("run.json"))["run_id"])
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError("it has no run.json that names a run: it is not one that was exported here") from error


def _fill(archive: zipfile.ZipFile, folder: Path) -> None:
    """Write the files of the run into an unfinished folder of the store, and check them there."""
    for file in _OF_RUN:
        _extract(archive, file, folder / file)
    manifest = read_manifest(folder)
    done = [symbol for symbol, record in manifest.symbols.items() if record.status == "complete"]
    expected = list(_OF_RESULTS if done else ("all_trades.parquet",))
    for symbol in done:
        expected += [f"{encode_symbol(symbol)}_{kind}.parquet" for kind in KINDS]
        expected += [f"{encode_symbol(symbol)}_{kind}.json" for kind in ("metrics", "quality")]
    _refuse_strangers(archive, {*_OF_RUN, *expected})
    for file in expected:
        _extract(archive, file, folder / file)
    _check(StoredRun(folder, manifest), folder)
    _take_bars(archive, manifest, folder)


def _extract(archive: zipfile.ZipFile, file: str, place: Path) -> None:
    try:
        content = archive.read(file)
    except KeyError as error:
        raise DamagedRunError(f"it has no {file}") from error
    durable.write(place, content)


def _refuse_strangers(archive: zipfile.ZipFile, known: set[str]) -> None:
    for file in archive.namelist():
        left_out = file == "all_trades.csv" or file.endswith("_report.html")
        if file not in known and not left_out and not _BARS.fullmatch(file):
            raise StoreError(f"it holds {file[:100]!r}, which is no file of a run")


def _check(run: StoredRun, folder: Path) -> None:
    """Read everything once, as whoever looks at the run will."""
    try:
        _ = run.config, run.notes
    except OrbError as error:
        raise DamagedRunError(f"its settings or notes cannot be read: {error}") from error
    for symbol in run.symbols:
        for kind in KINDS:
            run.frame(symbol, kind)
        run.metrics(symbol)
        run.quality(symbol)
    if run.symbols:
        run.metrics()
        run.equity()
    durable.write(folder / "all_trades.csv", to_csv(run.all_trades(), ALL_TRADES))


def _take_bars(archive: zipfile.ZipFile, manifest: Manifest, folder: Path) -> None:
    for record in manifest.symbols.values():
        for month, sha256 in record.bars.items():
            file = f"bars/{sha256}.parquet"
            if not _BARS.fullmatch(file):
                raise DamagedRunError(f"the bars of {month} have a name that is none")
            unpacked = folder / f"{sha256}.bars"
            _extract(archive, file, unpacked)
            try:
                bars = read_parquet(unpacked, BARS)
            except (OSError, ValueError) as error:
                raise DamagedRunError(f"the bars of {month} cannot be read: {error}") from error
            unpacked.unlink()
            if fingerprint(bars) != sha256:
                raise DamagedRunError(f"the bars of {month} are not those the run used")
            bar_chunks.write_missing(folder.parent, [(Chunk(month, sha256), bars)], folder)
