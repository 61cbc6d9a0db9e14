"""Parquet files of bars, read in pieces; pieces whose statistics lie outside the time wanted are not read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
import pyarrow.parquet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MAGIC: Final = b"PAR1"
_PIECE_ROWS: Final = 131_072

Between = tuple[pd.Timestamp, pd.Timestamp]


@dataclass(frozen=True)
class ParquetTable:
    """A Parquet file; `columns` are counted from 0.

    Attributes
    ----------
    file : Path
    schema : pa.Schema
    """

    file: Path
    schema: pa.Schema

    @property
    def rows(self) -> tuple[str, ...]:
        """Return its columns and their types, to show."""
        return tuple(f"{field.name}: {field.type}" for field in self.schema)

    def pieces(self, columns: Mapping[str, int], stamp: str, between: Between | None) -> Iterator[pa.RecordBatch]:
        """Yield the rows in pieces, with these columns under these names.

        Parameters
        ----------
        columns : Mapping
            Name to give → which column.
        stamp : str
            The name given to the column of times.
        between : pair of Timestamp, optional
            Rows outside are left out where that is quick; rows without a stamp are kept.

        Raises
        ------
        pa.ArrowException, OSError
            The file is damaged.
        """
        source = pa.dataset.dataset(self.file, format="parquet", schema=self.schema)
        fields = {name: pc.field(self.schema.names[column]) for name, column in columns.items()}
        kind = self.schema.types[columns[stamp]]
        rows = None
        if between is not None and pa.types.is_timestamp(kind):
            ends = [pa.scalar(end if kind.tz else end.tz_localize(None), type=kind) for end in between]
            rows = (fields[stamp] >= ends[0]) & (fields[stamp] <= ends[1]) | fields[stamp].is_null()
        yield from source.scanner(columns=fields, filter=rows, batch_size=_PIECE_ROWS).to_batches()


def read_parquet_head(file: Path) -> ParquetTable:
    """Return what a Parquet file says about itself.

    Raises
    ------
    pa.ArrowException, OSError
        It is damaged.
    """
    return ParquetTable(file, pa.parquet.read_schema(file))
