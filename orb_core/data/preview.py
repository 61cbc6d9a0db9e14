"""What a file of bars was recognised as, and what it does not say, before anything is run on it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from orb_core.data.bar_file import BarFile, Question
from orb_core.data.files import check_reading
from orb_core.data.layouts import STAMP, SYMBOL
from orb_core.data.sessions import MINUTE_NS
from orb_core.errors import FileFormatError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orb_core.data.layouts import Side

# About five years of minutes: a second of reading. What lies behind is not needed to recognise a file.
MOST_ROWS: Final = 2_000_000
_ROWS_OF_INTERVAL: Final = 50_000


@dataclass(frozen=True)
class FilePreview:
    """What a file of bars was recognised as.

    Attributes
    ----------
    path : Path
    vendor : str
        Who writes such files.
    columns : Mapping
        What is read → the file's own name of the column.
    zone : str or None
        The clock its stamps are on, "UTC" where they name their zone themselves; None if that has to be said.
    usual_zone : str
        The clock the vendor usually writes; empty if there is none.
    stamp : "open", "close" or None
        Which end of its bar a stamp is; None if that has to be said.
    interval : str or None
        The commonest step from bar to bar, such as "5m"; None with fewer than two bars.
    first, last : Timestamp or None
        Earliest and latest stamp as written: UTC, or clock time while the zone is unknown. None without rows.
    rows : int
        Rows read, at most `MOST_ROWS` or a little more.
    is_whole : bool
        All of them were read; else first, last, rows and symbols are of the beginning.
    symbols : tuple of str
        Whom the bars belong to, in alphabetical order; none if the file does not say.
    first_rows : tuple of str
        As they stand in a file of text; of Parquet the columns and their types.
    is_text : bool
    questions : tuple of str
        What has to be said before bars can be read: "data_tz", "stamp", both or neither.
    """

    path: Path
    vendor: str
    columns: Mapping[str, str]
    zone: str | None
    usual_zone: str
    stamp: Side | None
    interval: str | None
    first: pd.Timestamp | None
    last: pd.Timestamp | None
    rows: int
    is_whole: bool
    symbols: tuple[str, ...]
    first_rows: tuple[str, ...]
    is_text: bool
    questions: tuple[Question, ...]


def preview(path: Path, data_tz: str | None = None, stamp: Side | None = None) -> FilePreview:
    """Return what a file is recognised as.

    Parameters
    ----------
    path : Path
        One file.
    data_tz, stamp : str, optional
        What the user has said already; see `FileSource`.

    Raises
    ------
    ConfigError
        `data_tz` or `stamp` is none.
    FileFormatError
        The file is in no known layout, or damaged.
    """
    check_reading(data_tz, stamp)
    if not path.is_file():
        raise FileFormatError(f"{path} is not a file; a preview is of one file at a time")
    file = BarFile(path, data_tz, stamp)
    wide = sorted(file.known.wide)
    steps: Counter[int] = Counter()
    ends: list[pd.Timestamp] = []
    symbols = {*wide, file.known.symbol} - {""}
    rows, is_whole = 0, True
    for piece in file.pieces(wide[0] if wide else None):
        if rows >= MOST_ROWS:
            is_whole = False
            break
        if rows < _ROWS_OF_INTERVAL:
            steps.update(_steps(piece))
        rows += piece.num_rows
        ends += [end for end in _ends(piece) if end is not None]
        if SYMBOL in piece.schema.names:
            symbols.update(name for name in pc.unique(piece[SYMBOL]).to_pylist() if name)
    commonest = steps.most_common(1)[0][0] if steps else 0
    return FilePreview(
        path=path,
        vendor=file.known.layout.vendor,
        columns=file.header(wide[0] if wide else ""),
        zone=file.zone,
        usual_zone=file.known.layout.usual_zone,
        stamp=file.side,
        interval=f"{commonest / MINUTE_NS:g}m" if commonest else None,
        first=min(ends, default=None),
        last=max(ends, default=None),
        rows=rows,
        is_whole=is_whole,
        symbols=tuple(sorted(symbols)),
        first_rows=file.rows,
        is_text=file.is_text,
        questions=file.questions,
    )


def _ends(piece: pa.RecordBatch) -> tuple[pd.Timestamp | None, pd.Timestamp | None]:
    ends = pc.min_max(piece[STAMP])
    return ends["min"].as_py(), ends["max"].as_py()


def _steps(piece: pa.RecordBatch) -> Counter[int]:
    """Return the differences in nanoseconds between stamps that follow each other, and how often they come."""
    rows = piece.slice(0, _ROWS_OF_INTERVAL)
    if SYMBOL in rows.schema.names:
        rows = rows.filter(pc.equal(rows[SYMBOL], rows[SYMBOL][0])) if rows.num_rows else rows
    stamps = np.sort(rows[STAMP].drop_null().cast(pa.int64()).to_numpy())
    steps, counts = np.unique(np.diff(stamps), return_counts=True)
    return Counter({int(step): int(count) for step, count in zip(steps, counts, strict=True) if step > 0})
