"""Frames as Parquet and values as JSON, byte for byte the same for the same content."""

import json
import math
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from orb_core.analytics.equity import CASH, EQUITY
from orb_core.data.bars import TIME_DTYPE, TIMESTAMP, VALUES
from orb_core.engine import records

LOCAL_TIME: Final = "datetime64[ns]"
"""A clock on the exchange's wall: without a zone, so that runs of several exchanges read as one table."""

ALL_TRADES: Final[dict[str, str]] = {
    "run_id": records.TEXT,
    **records.TRADES,
    **CASH,
    "entry_local": LOCAL_TIME,
    "exit_local": LOCAL_TIME,
}

BARS: Final[dict[str, str]] = {TIMESTAMP: TIME_DTYPE, **dict.fromkeys(VALUES, "float64")}

KINDS: Final[dict[str, dict[str, str]]] = {
    "trades": records.TRADES,
    "fills": records.FILLS,
    "stops": records.STOPS,
    "signals": records.SIGNALS,
    "sessions": records.SESSIONS,
    "equity": EQUITY,
}
"""The tables every symbol has in a run, by the last part of the file's name."""

_CATEGORIES: Final[dict[str, tuple[str, ...]]] = {
    "direction": records.DIRECTIONS,
    "exit_reason": records.EXIT_REASONS,
    "reason": records.REFUSALS,
    "or_state": records.OR_STATES,
    "kind": records.FILL_KINDS,
}

_TEXT = pa.dictionary(pa.int32(), pa.string())
_ARROW_TYPES: Final = {
    records.TEXT: _TEXT,
    "str": _TEXT,
    records.TIME: pa.timestamp("ns", "UTC"),
    LOCAL_TIME: pa.timestamp("ns"),
    records.DATE: pa.date32(),
    "float64": pa.float64(),
    "int64": pa.int64(),
    "int8": pa.int8(),
    "bool": pa.bool_(),
}
_CSV_TYPES: Final = {
    _TEXT: pa.string(),
    pa.timestamp("ns", "UTC"): pa.timestamp("s", "UTC"),
    pa.timestamp("ns"): pa.timestamp("s"),
}


def arrow_schema(columns: Mapping[str, str]) -> pa.Schema:
    """Return the Parquet schema of a table declared by column name and pandas dtype.

    Text becomes a dictionary, a date date32, an instant a timestamp in UTC.
    """
    return pa.schema([(name, _ARROW_TYPES[dtype]) for name, dtype in columns.items()])


def to_parquet(frame: pd.DataFrame, columns: Mapping[str, str], encodings: Mapping[str, str] | None = None) -> bytes:
    """Return the frame as a Parquet file.

    The same rows give the same bytes, whatever the frame's index or the order of its categories: nothing but the
    declared columns goes in, no pandas metadata, and dictionaries are in order of first appearance.

    Parameters
    ----------
    frame : DataFrame
        Exactly the declared columns, in their order.
    columns : Mapping
        Column name → pandas dtype, as in `orb_core.engine.records`.
    encodings : Mapping, optional
        Column name → Parquet encoding; without it, Parquet's own choice.
    """
    return table_to_parquet(_table(frame, columns), encodings)


def table_to_parquet(table: pa.Table, encodings: Mapping[str, str] | None = None) -> bytes:
    """Return an Arrow table as a Parquet file; see `to_parquet`."""
    sink = pa.BufferOutputStream()
    own = {"use_dictionary": False, "column_encoding": dict(encodings)} if encodings else {}
    pq.write_table(table, sink, compression="zstd", **own)
    return bytes(sink.getvalue())


def to_csv(frame: pd.DataFrame, columns: Mapping[str, str]) -> bytes:
    """Return the frame as CSV: UTC instants end in Z, to the second; what is undefined is empty."""
    return table_to_csv(_table(frame, columns))


def table_to_csv(table: pa.Table) -> bytes:
    """Return an Arrow table as CSV; see `to_csv`."""
    readable = [(field.name, _CSV_TYPES.get(field.type, field.type)) for field in table.schema]
    sink = pa.BufferOutputStream()
    csv.write_csv(table.cast(pa.schema(readable)), sink)
    return bytes(sink.getvalue())


def _table(frame: pd.DataFrame, columns: Mapping[str, str]) -> pa.Table:
    assert list(frame.columns) == list(columns), f"columns {list(frame.columns)} are not {list(columns)}"
    schema = arrow_schema(columns)
    return pa.Table.from_arrays([_to_arrow(frame[field.name], field.type) for field in schema], schema=schema)


def _to_arrow(column: "pd.Series[Any]", kind: pa.DataType) -> pa.Array:
    array = pa.array(column, from_pandas=True)
    if kind == _TEXT:
        return array.cast(pa.string()).dictionary_encode()
    return array.cast(kind)


def read_table(path: Path, columns: Mapping[str, str]) -> pa.Table:
    """Return a stored table as Arrow has it, checked against its declaration; raises what `read_parquet` does."""
    with path.open("rb") as file:
        table = pq.read_table(file)
    if table.schema.remove_metadata() != arrow_schema(columns):
        raise ValueError(f"{path.name} has columns or types other than this version writes")
    return table


def read_parquet(path: Path, columns: Mapping[str, str]) -> pd.DataFrame:
    """Return a stored table with the dtypes it was declared with.

    Raises
    ------
    OSError
        There is no such file, or it cannot be read.
    ValueError
        The file is not Parquet, or has other columns or types.
    """
    frame: pd.DataFrame = read_table(path, columns).to_pandas()
    frame = frame.astype(dict(columns))
    for name, categories in categories_of(columns).items():
        frame[name] = frame[name].cat.set_categories(list(categories))
    return frame


def empty_frame(columns: Mapping[str, str]) -> pd.DataFrame:
    """Return a table without rows, of the declared columns and dtypes."""
    categories = categories_of(columns)
    return pd.DataFrame(
        {
            name: pd.Series([], dtype=pd.CategoricalDtype(list(categories[name])) if name in categories else dtype)
            for name, dtype in columns.items()
        }
    )


def categories_of(columns: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return all that a text column of a table may say, for those columns where that is known."""
    known = {**_CATEGORIES, "kind": records.STOP_KINDS} if columns is records.STOPS else _CATEGORIES
    return {name: names for name, names in known.items() if name in columns}


def to_json(value: Any) -> bytes:
    """Return a value as readable UTF-8 JSON; NaN and infinities, which JSON has no word for, become null."""
    text = json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, date | Path) else value
