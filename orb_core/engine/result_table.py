"""A result table put together from its columns at once."""

from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.internals import create_dataframe_from_blocks  # type: ignore[import-not-found]  # not in the stubs

from orb_core.engine import records

Column: TypeAlias = "NDArray[Any] | pd.Categorical | pd.api.extensions.ExtensionArray"


class _Layout(NamedTuple):
    """Where the columns of a table lie: those of one numpy dtype and the times together, each other one by itself."""

    names: pd.Index
    blocks: tuple[tuple[str, tuple[str, ...], NDArray[np.intp]], ...]
    single: tuple[tuple[str, NDArray[np.intp]], ...]


@lru_cache(maxsize=16)
def _layout(columns: tuple[tuple[str, str], ...]) -> _Layout:
    places: dict[str, list[int]] = {}
    single = []
    for place, (name, dtype) in enumerate(columns):
        if dtype in (records.TEXT, "str"):
            single.append((name, np.array([place])))
        else:
            places.setdefault(dtype, []).append(place)
    blocks = tuple(
        (dtype, tuple(columns[place][0] for place in where), np.array(where)) for dtype, where in places.items()
    )
    return _Layout(pd.Index([name for name, _ in columns]), blocks, tuple(single))


def result_table(made: dict[str, Column], rows: NDArray[Any], columns: dict[str, str]) -> pd.DataFrame:
    """Return a table of columns made beforehand and of fields of the kernel's rows.

    pandas' usual constructor looks at every column by itself, which takes twice as long as all the rest of the result
    and holds the interpreter's lock, so that symbols in parallel threads would wait for each other.

    Parameters
    ----------
    made : dict
        Columns by name, n rows each; text as Categorical, times as int64 nanoseconds since 1970 UTC, ids
        as a string array.
    rows : structured array, n rows
        Holds the columns that `made` lacks, as fields.
    columns : dict of str
        Name and dtype of each column of the table, in order: one of the declarations of records.py.

    Returns
    -------
    DataFrame
        n rows, numbered from 0.
    """
    layout = _layout(tuple(columns.items()))
    blocks: list[tuple[Any, NDArray[np.intp]]] = [(made[name], place) for name, place in layout.single]
    for dtype, names, places in layout.blocks:
        block = np.empty((len(names), len(rows)), "i8" if dtype == records.TIME else dtype)
        for line, name in zip(block, names, strict=True):
            line[:] = made[name] if name in made else rows[name]
        blocks.append((_times(block) if dtype == records.TIME else block, places))
    table: pd.DataFrame = create_dataframe_from_blocks(blocks, pd.RangeIndex(len(rows)), layout.names.view())
    return table


def _times(ns: NDArray[np.int64]) -> Any:
    return pd.DatetimeIndex(ns.ravel(), tz="UTC").array.reshape(ns.shape)
