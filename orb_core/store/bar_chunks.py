"""The bars runs used, kept once: a chunk per symbol and calendar month, shared by every run that read the same.

A chunk's name is the SHA-256 of the bars in it (`orb_core.data.bars.fingerprint`), not of its file: what a name means
does not depend on how a version of Parquet packs it.

Chunks are shared without a lock. A save announces the chunks it needs in its unfinished folder's run.json *before* it
looks which of them are there; a removal renames an unused chunk aside, looks for announcements *again*, and only
then unlinks it. So either the removal sees the announcement and puts the chunk back, or the save finds the chunk gone
and writes it.
"""

import hashlib
import re
import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from orb_core import durable
from orb_core.data.bars import TIMESTAMP, VALUES, fingerprint, fingerprint_of_arrays, starts_ns
from orb_core.errors import DamagedRunError
from orb_core.store.tables import BARS, empty_frame, read_parquet, to_parquet

FOLDER: Final = ".bars"
_ASIDE: Final = ".unused-"
_ENCODINGS: Final = {TIMESTAMP: "DELTA_BINARY_PACKED", **dict.fromkeys(VALUES, "BYTE_STREAM_SPLIT")}
"""Half the size of the default on real bars, and written in a third of the time."""
_SHA256: Final = re.compile(rb"[0-9a-f]{64}")


class Chunk(NamedTuple):
    """One calendar month of bars, such as "2024-01" in UTC, and the SHA-256 that is its name."""

    month: str
    sha256: str


def split(bars: pd.DataFrame) -> list[tuple[Chunk, pd.DataFrame]]:
    """Cut bars into calendar months of UTC, each with its name."""
    starts, *values = starts_ns(bars), *(bars[name].to_numpy() for name in VALUES)
    months = starts.view("datetime64[ns]").astype("datetime64[M]")
    cuts = [0, *(np.flatnonzero(months[1:] != months[:-1]) + 1), len(bars)]
    return [
        (
            Chunk(str(months[first]), fingerprint_of_arrays(starts[first:stop], *(v[first:stop] for v in values))),
            bars.iloc[first:stop],
        )
        for first, stop in pairwise(cuts)
        if first < stop
    ]


def fingerprint_of(names: Iterable[str]) -> str:
    """Return the fingerprint of the bars made of these chunks: the SHA-256 of the list of their names."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def write_missing(runs: Path, parts: Sequence[tuple[Chunk, pd.DataFrame]], workshop: Path) -> None:
    """Write the chunks that are not there yet.

    Parameters
    ----------
    runs : Path
        The store's folder.
    parts : sequence of (Chunk, DataFrame)
        From `split`; already announced.
    workshop : Path
        A folder of the caller's own on the same disk: a chunk is finished there and appears by one rename.
    """
    (runs / FOLDER).mkdir(exist_ok=True)
    for chunk, part in parts:
        place = _place(runs, chunk)
        if not place.exists():
            unfinished = workshop / f"{uuid.uuid4().hex}.unfinished"
            durable.write(unfinished, to_parquet(part, BARS, _ENCODINGS))
            unfinished.replace(place)
    durable.sync_folder(runs / FOLDER)


def read(runs: Path, chunks: Sequence[Chunk]) -> pd.DataFrame:
    """Return the bars of these chunks, one after the other.

    Raises
    ------
    DamagedRunError
        A chunk is missing, cannot be read, or does not hold the bars its name says.
    """
    frames = [_read_chunk(runs, chunk) for chunk in chunks]
    return pd.concat(frames, ignore_index=True) if frames else empty_frame(BARS)


def _read_chunk(runs: Path, chunk: Chunk) -> pd.DataFrame:
    place = _place(runs, chunk)
    try:
        bars = read_parquet(place, BARS)
    except (OSError, ValueError) as error:
        raise DamagedRunError(
            f"The bars of {chunk.month} ({FOLDER}/{place.name}) cannot be read: {error}. "
            "Run the backtest again on fresh bars"
        ) from error
    if fingerprint(bars) != chunk.sha256:
        raise DamagedRunError(
            f"The bars of {chunk.month} ({FOLDER}/{place.name}) are not those the run used: the file was changed. "
            "Run the backtest again on fresh bars"
        )
    return bars


def remove_unused(runs: Path) -> None:
    """Remove every chunk that no run, finished or being saved, names."""
    folder = runs / FOLDER
    if not folder.is_dir():
        return
    used = _named(runs)
    for chunk in folder.glob("*.parquet"):
        if not chunk.name.startswith(_ASIDE) and chunk.stem not in used:
            with suppress(FileNotFoundError):  # another removal was faster
                chunk.rename(chunk.with_name(f"{_ASIDE}{chunk.name}"))
    asides = list(folder.glob(f"{_ASIDE}*.parquet"))  # those a crash left too; none put aside after this second look
    used = _named(runs)
    for aside in asides:
        name = aside.name.removeprefix(_ASIDE)
        with suppress(FileNotFoundError):
            if Path(name).stem in used:
                aside.replace(folder / name)
            else:
                aside.unlink()


def _named(runs: Path) -> set[str]:
    """Return every 64-digit hexadecimal number in any run.json, damaged ones included: one too many only keeps bars."""
    while True:
        folders = set(runs.iterdir())
        contents = [_manifest(folder) for folder in folders]
        if (
            set(runs.iterdir()) == folders
        ):  # else a run was renamed meanwhile, and may have been seen under neither name
            return {name.decode() for content in contents for name in _SHA256.findall(content)}


def _manifest(folder: Path) -> bytes:
    try:
        return (folder / "run.json").read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return b""


def _place(runs: Path, chunk: Chunk) -> Path:
    return runs / FOLDER / f"{chunk.sha256}.parquet"
