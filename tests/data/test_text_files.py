"""Files that are damaged, hostile or simply huge."""

import gzip
import io
import pickle
import zipfile
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from orb_core.data import text_files
from orb_core.data.bar_file import BarFile
from orb_core.data.files import FileSource
from orb_core.errors import FileFormatError

DAY = date(2024, 3, 8)
HEADER = b"timestamp_utc,open,high,low,close,volume\n"
ROW = b"2024-03-08 14:30:00+00:00,1,1,1,1,1\n"
FAR_ROW = b"2004-03-08 14:30:00+00:00,1,1,1,1,1\n"


def fetch(path: Path, **how: str) -> pd.DataFrame:
    return FileSource(path, **how).fetch("SPY", DAY, DAY, "1m")


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def semicolons(price: str) -> bytes:
    return (
        f"timestamp_utc;open;high;low;close;volume\n2024-03-08 14:30Z;{price};{price};{price};{price};1000\n".encode()
    )


@pytest.mark.parametrize(("price", "value"), [("470,25", 470.25), ("470,2", 470.2), ("1,09432", 1.09432), ("47", 47)])
def test_decimal_commas_are_read_between_semicolons(tmp_path, price, value):
    (tmp_path / "a.csv").write_bytes(semicolons(price))
    assert fetch(tmp_path / "a.csv")["open"].tolist() == [value]


@pytest.mark.parametrize("price", ["4,701", "4,701.25", "1,234,567"])
def test_a_comma_that_could_mark_thousands_is_refused(tmp_path, price):
    (tmp_path / "a.csv").write_bytes(semicolons(price))
    with pytest.raises(FileFormatError, match=f"comma in numbers such as {price} could mark thousands or decimals"):
        fetch(tmp_path / "a.csv")


def test_decimal_commas_between_commas_are_refused_with_advice(tmp_path):
    (tmp_path / "a.csv").write_bytes(HEADER + b"2024-03-08 14:30Z,470,1,470,2,470,0,470,1,1000\n")
    with pytest.raises(
        FileFormatError, match=r"6 cells and the first row 10; if .* decimal comma, separate .* semicolons"
    ):
        fetch(tmp_path / "a.csv")


def test_a_file_that_unpacks_to_far_more_than_bars_could_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "_SMALL_BYTES", 1_000_000)
    content = HEADER + FAR_ROW * 600_000
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(content))
    zipped(tmp_path / "a.zip", {"a.csv": content})
    assert len(content) > 200 * (tmp_path / "a.csv.gz").stat().st_size
    for file in tmp_path.iterdir():
        with pytest.raises(FileFormatError, match="unpacks to more than 200 times its size"):
            fetch(file)


def test_zeros_without_end_are_refused_after_the_first_of_them(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(bytes(50_000_000)))
    with pytest.raises(FileFormatError, match="neither Parquet nor text"):
        fetch(tmp_path / "a.csv.gz")


def test_a_line_without_end_is_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes(HEADER + ROW + b"1" * 20_000_000)
    with pytest.raises(FileFormatError, match="cannot be read as bars"):
        fetch(tmp_path / "a.csv")


def test_more_rows_than_minutes_are_not_kept(tmp_path):
    (tmp_path / "a.csv").write_bytes(HEADER + ROW * 50_000)
    with pytest.raises(FileFormatError, match=r"more than 21,600 rows from 2024-03-06 to 2024-03-10, over 3 a minute"):
        fetch(tmp_path / "a.csv")


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_day_of_a_large_file_takes_little_memory(tmp_path, name):
    rows = pd.DataFrame({"timestamp_utc": pd.date_range("2020-01-01", periods=1_500_000, freq="min", tz="UTC")})
    rows[["open", "high", "low", "close", "volume"]] = np.arange(1_500_000 * 5).reshape(-1, 5) + 100.25
    table = pa.Table.from_pandas(rows, preserve_index=False)
    in_memory = table.nbytes
    if name == "a.csv":
        pa.csv.write_csv(table, tmp_path / name)
    else:
        pa.parquet.write_table(table, tmp_path / name, row_group_size=50_000)
    del table
    before = pa.total_allocated_bytes()
    between = pd.Timestamp("2022-03-08", tz="UTC"), pd.Timestamp("2022-03-09", tz="UTC")
    kept, allocated = 0, []
    for piece in BarFile(tmp_path / name).pieces("SPY", between):
        kept += piece.num_rows
        allocated.append(pa.total_allocated_bytes() - before)
    assert kept == 1441
    assert max(allocated) < in_memory / 2


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({}, "holds 0 files"),
        ({"a.csv": ROW, "b.csv": ROW}, r"holds 2 files \(a.csv, b.csv\).* Unpack it"),
        ({"[Content_Types].xml": b"", "xl/workbook.xml": b""}, "is a workbook; save the sheet"),
    ],
)
def test_a_zip_of_anything_but_one_file_is_refused(tmp_path, members, sentence):
    with pytest.raises(FileFormatError, match=sentence):
        fetch(zipped(tmp_path / "a.zip", members))


def test_a_zip_that_needs_a_password_is_refused(tmp_path):
    content = bytearray(zipped(tmp_path / "a.zip", {"a.csv": HEADER + ROW}).read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(FileFormatError, match="protected by a password"):
        fetch(tmp_path / "a.zip")


@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
@pytest.mark.parametrize("packing", ["gzip", "zip", "none"])
def test_a_file_that_breaks_off_is_an_error_of_ours(tmp_path, share, packing):
    rows = b"".join(ROW.replace(b"14:30", b"14:%02d" % minute) for minute in range(60)) * 3
    whole = {
        "gzip": lambda: gzip.compress(HEADER + rows),
        "zip": lambda: zipped(tmp_path / "whole.zip", {"a.csv": HEADER + rows}).read_bytes(),
        "none": lambda: HEADER + rows[:-10],
    }[packing]()
    cut = whole if packing == "none" else whole[: int(len(whole) * share)]
    (tmp_path / "a.csv").write_bytes(cut)
    with pytest.raises(FileFormatError, match="cannot be read as bars"):
        fetch(tmp_path / "a.csv")


class Planted:
    def __reduce__(self):
        return (Path.touch, (Path("planted"),))


def test_a_pickle_is_not_unpickled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = io.BytesIO()
    pickle.dump(Planted(), content)
    for name in ("SPY.csv", "SPY.pkl"):
        Path(name).write_bytes(content.getvalue())
        with pytest.raises(FileFormatError):
            fetch(Path(name))
    assert not Path("planted").exists()


def test_lines_above_the_header_are_passed_over(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\nBars of SPY\n\n" + HEADER + ROW)
    assert len(fetch(tmp_path / "a.csv")) == 1


def test_a_quoted_table_is_read(tmp_path):
    quoted = (HEADER + ROW).decode().strip().replace(",", '","').replace("\n", '"\n"')
    (tmp_path / "a.csv").write_text(f'"{quoted}"\r\n')
    assert len(fetch(tmp_path / "a.csv")) == 1


def test_a_symbol_that_looks_like_nothing_is_a_symbol(tmp_path):
    (tmp_path / "a.csv").write_bytes(HEADER.strip() + b",symbol\n" + ROW.strip() + b",NA\n" + ROW.strip() + b",NAN\n")
    assert len(FileSource(tmp_path / "a.csv").fetch("NA", DAY, DAY, "1m")) == 1
