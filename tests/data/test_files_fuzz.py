import contextlib
import gzip
import io
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orb_core.data.files import FileSource
from orb_core.data.preview import preview
from orb_core.errors import DataError

DAY = date(2024, 3, 15)
BARS = pd.DataFrame(
    {
        "timestamp_utc": pd.date_range("2024-03-15 13:30", periods=40, freq="min", tz="UTC"),
        **dict.fromkeys(("open", "high", "low", "close"), 510.25),
        "volume": 1_000.0,
    }
)


def parquet() -> bytes:
    content = io.BytesIO()
    BARS.to_parquet(content)
    return content.getvalue()


CSV = BARS.to_csv(index=False).encode()
WHOLE = {
    "csv": CSV,
    "ninjatrader": "".join(f"20240315 1330{i:02};1;2;1;2;{i}\n" for i in range(40)).encode(),
    "kibot": "".join(f"03/15/2024,13:{i:02},1,2,1,2,{i}\n" for i in range(40)).encode(),
    "gzip": gzip.compress(CSV, mtime=0),
    "parquet": parquet(),
}


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "SPY.csv"


def is_read_or_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    for read in (
        lambda: FileSource(file, "UTC", "open").fetch("SPY", DAY, DAY, "1m"),
        lambda: preview(file),
    ):
        with contextlib.suppress(DataError):
            read()


@pytest.mark.parametrize("kind", WHOLE)
@settings(max_examples=60)
@given(at=st.floats(0, 1), change=st.binary(max_size=6), length=st.integers(0, 8))
def test_a_damaged_file_is_read_or_refused_with_an_error_of_ours(file, kind, at, change, length):
    whole = WHOLE[kind]
    place = int(at * len(whole))
    is_read_or_refused(file, whole[:place] + change + whole[place + length :])


@settings(max_examples=150)
@given(content=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_whatever_a_file_holds_it_is_read_or_refused_with_an_error_of_ours(file, content):
    is_read_or_refused(file, content)


ROWS = st.lists(
    st.lists(
        st.sampled_from(["2024-03-15 13:30", "2024-03-15", "1,5", "1.5", "x", "", "1710509400", "nan", "-1"]),
        max_size=8,
    ),
    max_size=6,
)
HEADERS = st.sampled_from(["", "timestamp_utc,open,high,low,close,volume", "time;open;high;low;close", "t,o,h,l,c,v"])


@settings(max_examples=150)
@given(header=HEADERS, rows=ROWS, separator=st.sampled_from([",", ";", "\t"]))
def test_a_table_of_anything_is_read_or_refused_with_an_error_of_ours(file, header, rows, separator):
    text = "\n".join([header.replace(",", separator), *(separator.join(row) for row in rows)])
    is_read_or_refused(file, text.encode())
