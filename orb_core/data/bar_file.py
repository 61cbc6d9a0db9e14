"""One file of bars: its layout, and its rows as times and numbers, read in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from orb_core.data.bars import PRICES, TIMESTAMP, VALUES
from orb_core.data.layouts import CLOCK, OTHER_VOLUME, STAMP, SYMBOL, VOLUME, Recognised, Side, recognise
from orb_core.data.parquet_files import MAGIC, Between, ParquetTable, read_parquet_head
from orb_core.data.stamps import CLOCK as CLOCK_TIME
from orb_core.data.stamps import (
    INSTANT,
    StampForm,
    UnclearStampsError,
    epochs,
    form_of,
    times_of,
    with_order,
)
from orb_core.data.text_files import UNREADABLE, TextTable, read_text_head, shown
from orb_core.errors import FileFormatError, NoBarsError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

Question = Literal["data_tz", "stamp"]

_DAY: Final = pd.Timedelta(days=1)
_MINUTES_A_DAY: Final = 1440
# Some rows may come twice; seconds or ticks come far oftener.
_MOST_ROWS_A_MINUTE: Final = 3
_ERROR_LENGTH: Final = 300


class BarFile:
    """A file whose layout is recognised.

    Parameters
    ----------
    file : Path
    data_tz : str, optional
        Clock of stamps that name no zone.
    side : "open" or "close", optional
        Which end of its bar a stamp is; None is the layout's own way.

    Raises
    ------
    FileFormatError
        The file is no table of bars in one known layout.
    """

    def __init__(self, file: Path, data_tz: str | None = None, side: Side | None = None) -> None:
        self.file = file
        self._data_tz = data_tz
        self._rows: tuple[str, ...] = ()
        with self._explained():
            self._table: TextTable | ParquetTable = _head(file)
            self._rows = self._table.rows
            self.known: Recognised = recognise(self._table)
        self.side = side or self.known.layout.side

    @property
    def rows(self) -> tuple[str, ...]:
        """Return the first rows as they stand, of Parquet the columns and their types."""
        return self._rows

    @property
    def is_text(self) -> bool:
        """Whether the file is one of text; else it is Parquet."""
        return not isinstance(self._table, ParquetTable)

    @property
    def has_symbols(self) -> bool:
        """Whether the file itself says which bars are of which symbol."""
        return bool(self.known.wide) or SYMBOL in self.known.columns

    @cached_property
    def zone(self) -> str | None:
        """Return the clock of the stamps, "UTC" where they name their zone; None if nobody has said."""
        return "UTC" if self._form.names_zone else self._data_tz or self.known.zone or None

    @property
    def questions(self) -> tuple[Question, ...]:
        """Return what has still to be said before bars can be read."""
        asked: list[Question] = []
        if self.zone is None:
            asked.append("data_tz")
        if self.side is None:
            asked.append("stamp")
        return tuple(asked)

    def header(self, symbol: str = "") -> dict[str, str]:
        """Return which column is read as what: our name → the file's own, or its place if it has none."""
        columns = self._columns(symbol)
        if isinstance(self._table, ParquetTable):
            return {ours: self._table.schema.names[column] for ours, column in columns.items()}
        if not self._table.header or self.known.wide:
            return {ours: f"column {column + 1}" for ours, column in columns.items()}
        return {ours: self._table.header[-1][column] for ours, column in columns.items()}

    def bars(self, symbol: str, between: Between, bar_minutes: int) -> tuple[pd.DataFrame, tuple[str, ...]]:
        """Return the bars of a symbol that start between two instants, as they are, and what was done to read them.

        Parameters
        ----------
        symbol : str
            Upper-case.
        between : pair of Timestamp
            Both included. Rows without a stamp are kept, to be counted.
        bar_minutes : int
            How far stamps at the end of their bars are moved.

        Raises
        ------
        FileFormatError
            The file is damaged, or can be read in more than one way.
        NoBarsError
            Nothing in it is of this symbol.
        """
        self._require_answers()
        moved = pd.Timedelta(minutes=bar_minutes) if self.side == "close" else pd.Timedelta(0)
        most = _MOST_ROWS_A_MINUTE * _MINUTES_A_DAY * ((between[1] - between[0]).days + 1)
        parts: list[pa.RecordBatch] = []
        kept = 0
        symbols: set[str] = set()
        for piece in self.pieces(symbol, (between[0] + moved, between[1] + moved), symbols.update):
            kept += piece.num_rows
            if kept > most:
                raise FileFormatError(
                    f"{self.file}: more than {most:,} rows from {between[0].date()} to {between[1].date()}, over "
                    f"{_MOST_ROWS_A_MINUTE} a minute; bars of one symbol, of a minute or longer, are needed"
                )
            parts.append(piece)
        if symbols and symbol not in symbols:
            raise NoBarsError(f"{self.file}: no row of {symbol}; its symbols are {_some(sorted(symbols))}")
        return self._frame(parts, moved)

    def pieces(
        self,
        symbol: str | None,
        between: Between | None = None,
        on_symbols: Callable[[set[str]], object] | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Yield rows in pieces: STAMP as nanoseconds UTC, or clock time where the zone is unknown, and the values.

        Parameters
        ----------
        symbol : str, optional
            Whose rows; None is everybody's, with a column SYMBOL where the file has one.
        between : pair of Timestamp, optional
            Stamps outside are left out.
        on_symbols : callable, optional
            Told the symbols of each piece of a file that has a column of them.

        Raises
        ------
        FileFormatError
            The file is damaged, or its stamps are in no one form.
        NoBarsError
            Nothing in it is of this symbol.
        """
        columns = self._columns(symbol or "")
        with self._explained():
            for piece in self._raw_pieces(columns, between):
                rows = piece
                if SYMBOL in columns:
                    symbols = pc.utf8_upper(pc.utf8_trim_whitespace(_texts(rows[SYMBOL])))
                    if on_symbols:
                        on_symbols({name for name in pc.unique(symbols).to_pylist() if name})
                    rows = rows.set_column(rows.schema.get_field_index(SYMBOL), SYMBOL, symbols)
                    if symbol is not None:
                        rows = rows.filter(pc.equal(symbols, symbol)).drop_columns(SYMBOL)
                if self.known.wide:
                    rows = rows.filter(_has_values(rows))
                yield self._timed(rows, between)

    def _raw_pieces(self, columns: dict[str, int], between: Between | None = None) -> Iterator[pa.RecordBatch]:
        if isinstance(self._table, TextTable):
            return self._table.pieces(columns, {STAMP, CLOCK, SYMBOL})
        around = (between[0] - _DAY, between[1] + _DAY) if between else None
        return self._table.pieces(columns, STAMP, around)

    def _timed(self, rows: pa.RecordBatch, between: Between | None) -> pa.RecordBatch:
        times = self._times(rows)
        rows = rows.drop_columns([name for name in (STAMP, CLOCK) if name in rows.schema.names])
        if pa.types.is_timestamp(times.type) and times.type.tz is None:
            if between:  # an hour that the clock shows twice matters only around the dates wanted
                first, last = (end.tz_localize(None) for end in between)
                times, rows = _within(times, rows, (first - _DAY, last + _DAY))
            if self.zone:
                times = pc.assume_timezone(times, self.zone).cast(INSTANT)
        if between and times.type == INSTANT:
            times, rows = _within(times, rows, between)
        return rows.add_column(0, STAMP, times)

    def _times(self, rows: pa.RecordBatch) -> pa.Array:
        if self.known.day:
            midnight = pa.scalar(pd.Timestamp(self.known.day), type=CLOCK_TIME)
            return pc.add(midnight, rows[STAMP].cast(pa.int64()).cast(pa.duration("ms")).cast(pa.duration("ns")))
        kind = rows[STAMP].type
        if pa.types.is_timestamp(kind):
            return rows[STAMP].cast(INSTANT if kind.tz else CLOCK_TIME)
        if pa.types.is_integer(kind):
            return epochs(rows[STAMP])
        if pa.types.is_null(kind):
            return rows[STAMP].cast(INSTANT)
        return times_of(_stamp_texts(rows), self._form)

    @cached_property
    def _form(self) -> StampForm:
        """Return how the stamps are written; where that is text, as the first rows have it."""
        with self._explained():
            if self.known.day:
                return StampForm(names_zone=False)
            columns = self._columns(next(iter(self.known.wide), ""))
            wanted = {name: column for name, column in columns.items() if name in {STAMP, CLOCK}}
            if isinstance(self._table, ParquetTable):
                kind = self._table.schema.types[wanted[STAMP]]
                if pa.types.is_date(kind):
                    raise UnclearStampsError("its times are dates without a time of day")
                if not _is_text(kind):
                    return StampForm(names_zone=not pa.types.is_timestamp(kind) or kind.tz is not None)
                first = next(self._raw_pieces(wanted), None)
                sample = _stamp_texts(first).to_pylist() if first is not None else []
            else:
                sample = [" ".join(row[column] for column in wanted.values()) for row in self._table.sample]
            form = form_of([text for text in sample if text])
            if len(form.formats) > 1:
                form = with_order(form, (_stamp_texts(piece) for piece in self._raw_pieces(wanted)))
            return form

    def _columns(self, symbol: str) -> dict[str, int]:
        if self.known.symbol and symbol and symbol != self.known.symbol:
            raise NoBarsError(f"{self.file}: holds {self.known.symbol}, not {symbol}")
        if not self.known.wide:
            return dict(self.known.columns)
        if symbol not in self.known.wide:
            raise NoBarsError(f"{self.file}: no columns of {symbol}; its symbols are {_some(list(self.known.wide))}")
        return dict(self.known.wide[symbol])

    def _frame(self, parts: list[pa.RecordBatch], moved: pd.Timedelta) -> tuple[pd.DataFrame, tuple[str, ...]]:
        notes: list[str] = []
        layout = self.known.layout
        if moved:
            whose = f", as {layout.vendor} writes them" if layout.side == "close" else ""
            notes.append(
                f"{self.file.name}: stamps are the ends of their bars{whose}; each bar is moved back by "
                f"{moved.components.hours * 60 + moved.components.minutes} min to its start"
            )
        columns = self._columns(next(iter(self.known.wide), self.known.symbol))
        if VOLUME not in columns:
            notes.append(f"{self.file.name}: no column of volumes; every volume is unknown")
        if self.known.price_unit > 1:
            notes.append(
                f"{self.file.name}: prices are whole numbers, as {layout.vendor} writes them; "
                f"divided by {self.known.price_unit:,}"
            )
        if not parts:
            empty = pd.DataFrame({TIMESTAMP: pd.DatetimeIndex([], tz="UTC"), **dict.fromkeys(VALUES, np.empty(0))})
            return empty, tuple(notes)
        table = pa.Table.from_batches(parts)
        with self._explained():
            values = {name: _floats(table, name) for name in (*PRICES, VOLUME)}
        if self.known.price_unit > 1:
            values |= {name: values[name] / self.known.price_unit for name in PRICES}
        if OTHER_VOLUME in table.column_names and not (values[VOLUME] > 0).any():
            values[VOLUME] = _floats(table, OTHER_VOLUME)
            notes.append(
                f"{self.file.name}: {layout.volumes[0]} is 0 throughout; the number of price changes, "
                f"{layout.volumes[1]}, is taken for it"
            )
        stamps = pd.DatetimeIndex(table[STAMP].to_numpy().astype("datetime64[ns]"), tz="UTC") - moved
        return pd.DataFrame({TIMESTAMP: stamps, **values}), tuple(notes)

    def _require_answers(self) -> None:
        if not self.questions:
            return
        usual = self.known.layout.usual_zone
        asked = {
            "data_tz": "the stamps name no time zone. Say which clock they are on: `--data-tz America/New_York`, "
            f"`--data-tz UTC`, …{f' ({self.known.layout.vendor} writes {usual})' if usual else ''}",
            "stamp": "it cannot be told which end of its bar a stamp is. Say so: `--stamp open` or `--stamp close`",
        }
        sentences = "; and ".join(asked[question] for question in self.questions)
        raise FileFormatError(f"{self.file}: {sentences}\n{shown(self._rows)}")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what the libraries raise over a file into one sentence with its first rows."""
        try:
            yield
        except (UnclearStampsError, *UNREADABLE) as error:
            reason = repr(str(error)[:_ERROR_LENGTH])[1:-1]
            first = f"\n{shown(self._rows)}" if self._rows else ""
            raise FileFormatError(f"{self.file}: cannot be read as bars: {reason}{first}") from error


def _head(file: Path) -> TextTable | ParquetTable:
    with file.open("rb") as stream:
        magic = stream.read(len(MAGIC))
    if not magic:
        raise FileFormatError(f"{file} is empty; bars need rows")
    return read_parquet_head(file) if magic == MAGIC else read_text_head(file)


def _is_text(kind: pa.DataType) -> bool:
    return any(is_kind(kind) for is_kind in (pa.types.is_string, pa.types.is_large_string, pa.types.is_dictionary))


def _texts(column: pa.Array) -> pa.Array:
    return column.cast(pa.string())


def _stamp_texts(rows: pa.RecordBatch) -> pa.Array:
    if CLOCK not in rows.schema.names:
        return _texts(rows[STAMP])
    return pc.binary_join_element_wise(_texts(rows[STAMP]), _texts(rows[CLOCK]), " ")


def _has_values(rows: pa.RecordBatch) -> pa.Array:
    """Return the rows in which a file with several symbols side by side says something of this one."""
    present = rows[PRICES[0]].is_valid()
    for name in PRICES[1:]:
        present = pc.or_(present, rows[name].is_valid())
    return present


def _within(times: pa.Array, rows: pa.RecordBatch, ends: Between) -> tuple[pa.Array, pa.RecordBatch]:
    first, last = (pa.scalar(end, type=times.type) for end in ends)
    inside = pc.fill_null(pc.and_(pc.greater_equal(times, first), pc.less_equal(times, last)), fill_value=True)
    return times.filter(inside), rows.filter(inside)


def _floats(table: pa.Table, name: str) -> NDArray[np.float64]:
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    floats: NDArray[np.float64] = table[name].cast(pa.float64(), safe=False).to_numpy()
    return floats


def _some(names: list[str]) -> str:
    return ", ".join(names[:10]) + (" …" if len(names) > 10 else "") if names else "none"
