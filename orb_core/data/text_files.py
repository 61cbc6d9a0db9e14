"""Text files of bars, packed or not, read in pieces so that no size is too large.

What a file is, is told by its first bytes. Nothing is unpacked to disk or read as a whole.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.csv

from orb_core.errors import FileFormatError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

UNREADABLE: Final = (pa.ArrowException, OSError, EOFError, zlib.error, UnicodeError, zipfile.BadZipFile, csv.Error)
"""What the libraries raise over a file that is damaged, or is not what it seems."""

HEAD_BYTES: Final = 64 * 1024
_PIECE_BYTES: Final = 4 * 1024 * 1024
# Bars shrink to a tenth or so. What unpacks to this many times its size, and is large, is made to fill a memory.
_MOST_EXPANSION: Final = 200
_SMALL_BYTES: Final = 100 * 1024 * 1024
_PACKED: Final = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2"}
_SEPARATORS: Final = ("\t", ";", ",")
_FEWEST_CELLS: Final = 5  # a stamp and four prices
_NUMBER: Final = re.compile(r"-?\d[\d,]*(\.\d+)?([eE][+-]?\d+)?")
_DECIMAL_COMMA: Final = re.compile(r"-?\d+,\d+")
_THOUSANDS: Final = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?")


@dataclass(frozen=True)
class TextTable:
    """A text file of rows and columns; `columns` are counted from 0.

    Attributes
    ----------
    file : Path
    member : str
        Name of the file inside a zip; empty otherwise.
    rows : tuple of str
        Its first lines as they stand, to show.
    header : tuple of tuples of str
        The cells of the lines above the first row of numbers.
    sample : tuple of tuples of str
        The cells of the first rows.
    """

    file: Path
    member: str
    rows: tuple[str, ...]
    header: tuple[tuple[str, ...], ...]
    sample: tuple[tuple[str, ...], ...]
    separator: str
    encoding: str
    decimal_point: str
    lines_above: int

    def pieces(self, columns: Mapping[str, int], texts: Collection[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows, in pieces of a few megabytes, with these columns under these names.

        Parameters
        ----------
        columns : Mapping
            Name to give → which column.
        texts : collection of str
            Names of the columns that are kept as text; the others are numbers, and NaN where blank.

        Raises
        ------
        FileFormatError
            The file unpacks to far more than bars could.
        pa.ArrowException, OSError, EOFError, zlib.error, zipfile.BadZipFile
            It is damaged, or not a table throughout.
        """
        width = len(self.sample[0]) if self.sample else len(self.header[-1])
        names = [str(column) for column in range(width)]
        kinds = {str(column): pa.string() if name in texts else pa.float64() for name, column in columns.items()}
        with opened(self.file) as (stream, _):
            if not self.sample:
                return
            reader = pa.csv.open_csv(
                stream,
                pa.csv.ReadOptions(
                    column_names=names, skip_rows=self.lines_above, block_size=_PIECE_BYTES, encoding=self.encoding
                ),
                pa.csv.ParseOptions(delimiter=self.separator),
                pa.csv.ConvertOptions(
                    column_types=kinds, include_columns=list(kinds), decimal_point=self.decimal_point
                ),
            )
            for piece in reader:
                yield pa.RecordBatch.from_arrays(
                    [piece.column(str(column)) for column in columns.values()], list(columns)
                )


def read_text_head(file: Path) -> TextTable:
    """Return what the beginning of a text file says about the rest.

    Raises
    ------
    FileFormatError
        It is no text, or it cannot be told how its numbers are written.
    """
    with opened(file) as (stream, member):
        beginning = stream.read(HEAD_BYTES)
    text, encoding = _decoded(file, beginning)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(beginning) == HEAD_BYTES and len(lines) > 1:
        lines.pop()  # it may be cut
    rows = tuple(line for line in lines if line.strip())[:5]
    if not rows:
        raise FileFormatError(f"{file} is empty; bars need rows")
    separator = next((s for s in _SEPARATORS if max(row.count(s) for row in rows) >= _FEWEST_CELLS - 1), ",")
    cells, begin_at = _cells(lines, separator)
    # Where no row is of numbers, the first line is taken for the header, so that the message is about the rows.
    first = next((i for i, row in enumerate(cells) if sum(map(_is_number, row)) >= _FEWEST_CELLS - 1), 1)
    header = tuple(row for row in cells[:first] if any(row))
    sample = tuple(row for row in cells[first:] if any(row) and len(row) == len(cells[first]))
    if sample and header and _FEWEST_CELLS <= len(header[-1]) != len(sample[0]):
        advice = (
            "if prices are written with a decimal comma, separate the cells by semicolons, or write points"
            if len(sample[0]) > len(header[-1])
            else "give every row all its cells"
        )
        raise FileFormatError(
            f"{file}: the header has {len(header[-1])} cells and the first row {len(sample[0])}; {advice}\n"
            f"{shown(rows)}"
        )
    point = _decimal_point(file, sample, rows)
    return TextTable(file, member, rows, header, sample, separator, encoding, point, begin_at[first] if sample else 0)


@contextmanager
def opened(file: Path) -> Iterator[tuple[Unpacking, str]]:
    """Open a file for reading its text, unpacked on the way; also gives the name inside a zip.

    Raises
    ------
    FileFormatError
        It is a zip of anything but one text file. Reading raises it where a file unpacks to far more than bars could.
    """
    with ExitStack() as stack:
        raw = stack.enter_context(file.open("rb"))
        magic = raw.read(4)
        raw.seek(0)
        packing = next((name for start, name in _PACKED.items() if magic.startswith(start)), "")
        member = ""
        stream: IO[bytes] = raw
        if magic.startswith(b"PK"):
            archive = stack.enter_context(zipfile.ZipFile(raw))
            entry = _only_member(file, archive)
            member = entry.filename
            stream = stack.enter_context(archive.open(entry))
        elif packing:
            stream = stack.enter_context(pa.CompressedInputStream(pa.PythonFile(raw, "r"), packing))
        yield Unpacking(stream, file), member


def shown(rows: tuple[str, ...]) -> str:
    """Return the first rows of a file for the end of a message, unprintable characters escaped."""
    return "\n".join(["It begins:", *(repr(row[:160])[1:-1] for row in rows[:4])])


class Unpacking(io.RawIOBase):
    """A stream that refuses to go on once it has become absurdly larger than its file.

    Parameters
    ----------
    stream : binary stream
        What comes out of the file.
    file : Path
    """

    def __init__(self, stream: IO[bytes], file: Path) -> None:
        super().__init__()
        self._stream = stream
        self._file = file
        self._allowed = max(_SMALL_BYTES, _MOST_EXPANSION * file.stat().st_size)

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes.

        Raises
        ------
        FileFormatError
            There have been too many.
        """
        piece = self._stream.read(size)
        self._allowed -= len(piece)
        if self._allowed < 0:
            raise FileFormatError(
                f"{self._file} unpacks to more than {_MOST_EXPANSION} times its size, which bars never do; unpack it "
                "yourself if you trust it"
            )
        return piece


def _cells(lines: list[str], separator: str) -> tuple[list[tuple[str, ...]], list[int]]:
    """Return the cells of each row, and how many lines are above it: a quoted cell may hold several lines."""
    rows, begin_at = [], []
    reader = csv.reader(lines, delimiter=separator)
    above = 0
    for row in reader:
        rows.append(tuple(cell.strip() for cell in row))
        begin_at.append(above)
        above = reader.line_num
    return rows, begin_at


def _only_member(file: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [entry for entry in archive.infolist() if not entry.is_dir()]
    names = [entry.filename for entry in members]
    if "[Content_Types].xml" in names:
        raise FileFormatError(f"{file} is a workbook; save the sheet with the bars as CSV")
    if len(members) != 1:
        some = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
        raise FileFormatError(
            f"{file} holds {len(names)} files ({some or 'none'}), and a zip is read if it holds one. Unpack it, and "
            "give the file or the folder"
        )
    if members[0].flag_bits & 1:
        raise FileFormatError(f"{file} is protected by a password; unpack it first")
    return members[0]


def _decoded(file: Path, beginning: bytes) -> tuple[str, str]:
    encoding = "utf-16" if beginning[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8"
    if encoding == "utf-8" and b"\0" in beginning:
        raise FileFormatError(f"{file} is neither Parquet nor text; save the bars as CSV or Parquet")
    try:
        # A character may be cut at the end of the beginning.
        text = beginning[: len(beginning) // 2 * 2].decode("utf-16") if encoding == "utf-16" else _utf8(beginning)
    except UnicodeDecodeError as error:
        raise FileFormatError(
            f"{file} is not text in UTF-8 (byte {error.object[error.start]:#04x} at {error.start}); save it as UTF-8"
        ) from error
    return text, encoding


def _utf8(beginning: bytes) -> str:
    try:
        return beginning.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(beginning) < HEAD_BYTES or error.start < len(beginning) - 3:
            raise
        return beginning[: error.start].decode("utf-8-sig")


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None


def _decimal_point(file: Path, sample: tuple[tuple[str, ...], ...], rows: tuple[str, ...]) -> str:
    cells = [cell for row in sample for cell in row if "," in cell and _is_number(cell)]
    if not cells:
        return "."
    if any(not _THOUSANDS.fullmatch(cell) for cell in cells) and all(_DECIMAL_COMMA.fullmatch(cell) for cell in cells):
        return ","
    raise FileFormatError(
        f"{file}: the comma in numbers such as {cells[0]} could mark thousands or decimals; write prices with a "
        f"decimal point and no other marks\n{shown(rows)}"
    )
