import gzip
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orb_core.data.bars import VALUES, check_bars
from orb_core.data.files import FileSource
from orb_core.data.quality import clean_bars
from orb_core.data.sessions import session_table
from orb_core.data.source import notes_of
from orb_core.data.synthetic import SyntheticSource
from orb_core.errors import ConfigError, FileFormatError, NoBarsError

REAL_BARS = Path(__file__).parents[3] / "shared" / "data"


@dataclass(frozen=True)
class Hours:
    calendar: str = "XNYS"
    open: str | None = None
    close: str | None = None
    timezone: str | None = None


# Around the change to summer time, so that offsets in the files differ.
START, END = date(2024, 3, 8), date(2024, 3, 12)
BARS = SyntheticSource(Hours()).fetch("SPY", START, END, "1m")
QQQ = SyntheticSource(Hours()).fetch("QQQ", START, END, "1m")


def fetch(path: Path, symbol: str = "SPY", start: date = START, end: date = END, **how: str) -> pd.DataFrame:
    return FileSource(path, **how).fetch(symbol, start, end, "1m")


def same(frame: pd.DataFrame, expected: pd.DataFrame = BARS) -> None:
    check_bars(frame)
    pd.testing.assert_frame_equal(frame, expected)


def yfinance_frame(bars: pd.DataFrame = BARS) -> pd.DataFrame:
    """The shape of `Ticker.history(auto_adjust=False)`."""
    named = bars.set_index(pd.DatetimeIndex(bars["timestamp_utc"], name="Datetime").tz_convert("America/New_York"))
    named = named[list(VALUES)].rename(columns=str.title).astype({"Volume": "int64"})
    named.insert(4, "Adj Close", named["Close"])
    return named.assign(Dividends=0.0, **{"Stock Splits": 0.0})


def naive(bars: pd.DataFrame = BARS, timezone: str = "America/New_York") -> pd.DataFrame:
    return bars.assign(timestamp_utc=bars["timestamp_utc"].dt.tz_convert(timezone).dt.tz_localize(None))


def test_our_own_columns_come_back_from_every_kind_of_file(tmp_path):
    BARS.to_parquet(tmp_path / "a.parquet")
    BARS.to_csv(tmp_path / "a.csv", index=False)
    BARS.to_csv(tmp_path / "a.csv.gz", index=False)
    for file in tmp_path.iterdir():
        same(fetch(file))


def test_the_kind_of_a_single_file_is_known_by_its_content(tmp_path):
    BARS.to_parquet(tmp_path / "prices.dat")
    BARS.to_csv(tmp_path / "prices", index=False)
    (tmp_path / "packed.csv").write_bytes(gzip.compress((tmp_path / "prices").read_bytes()))
    for file in tmp_path.iterdir():
        same(fetch(file))


def test_what_yfinance_saves_is_read_with_its_offsets(tmp_path):
    yfinance_frame().to_csv(tmp_path / "a.csv")
    yfinance_frame().to_parquet(tmp_path / "a.parquet")
    assert "-05:00" in (tmp_path / "a.csv").read_text()
    assert "-04:00" in (tmp_path / "a.csv").read_text()
    for file in tmp_path.iterdir():
        same(fetch(file))


def test_column_names_are_read_whatever_their_case_order_and_company(tmp_path):
    messy = BARS[BARS.columns[::-1]].assign(comment="x, y").rename(columns=str.upper)
    messy.to_csv(tmp_path / "a.csv", index=False, encoding="utf-8-sig")
    same(fetch(tmp_path / "a.csv"))


def test_only_rows_around_the_dates_are_read(tmp_path):
    year = SyntheticSource(Hours()).fetch("SPY", date(2024, 1, 1), date(2024, 12, 31), "1m")
    year.to_parquet(tmp_path / "a.parquet", row_group_size=10_000)
    year.to_csv(tmp_path / "a.csv", index=False)
    for file in tmp_path.iterdir():
        days = fetch(file)["timestamp_utc"].dt.date
        assert (days.min(), days.max()) == (date(2024, 3, 6), date(2024, 3, 13))


def test_rows_without_a_stamp_or_a_price_are_left_for_the_quality_report(tmp_path):
    holes = BARS.copy()
    holes.loc[3, "timestamp_utc"] = pd.NaT
    holes.loc[5, "close"] = np.nan
    holes.to_parquet(tmp_path / "a.parquet")
    holes.to_csv(tmp_path / "a.csv", index=False)
    for file in tmp_path.iterdir():
        report = clean_bars(fetch(file), session_table(Hours(), START, END), 1, 15, file.name).report
        assert report.not_a_number == 2


def test_an_empty_volume_column_is_unknown_volume(tmp_path):
    BARS.assign(volume=np.nan).to_csv(tmp_path / "a.csv", index=False)
    assert fetch(tmp_path / "a.csv")["volume"].isna().all()


def test_naive_stamps_are_an_error_until_their_clock_is_said(tmp_path):
    naive().to_csv(tmp_path / "a.csv", index=False)
    naive().to_parquet(tmp_path / "a.parquet")
    for file in tmp_path.iterdir():
        with pytest.raises(FileFormatError, match=r"name no time zone.*--data-tz America/New_York"):
            fetch(file)
        same(fetch(file, data_tz="America/New_York"))


def test_a_stamp_that_the_clock_shows_twice_is_an_error_not_a_guess(tmp_path):
    night = pd.date_range("2024-11-03 04:00", "2024-11-03 08:00", freq="min", tz="UTC")
    bars = BARS.iloc[: len(night)].assign(timestamp_utc=night)
    naive(bars).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(FileFormatError, match=r"2024-11-03 01:.* is ambiguous"):
        fetch(tmp_path / "a.csv", start=date(2024, 11, 3), end=date(2024, 11, 3), data_tz="America/New_York")


def test_a_clock_does_not_move_stamps_that_name_their_own(tmp_path):
    BARS.to_csv(tmp_path / "a.csv", index=False)
    same(fetch(tmp_path / "a.csv", data_tz="Asia/Tokyo"))


def test_stamps_at_the_end_of_their_bars_are_moved_to_the_start(tmp_path):
    BARS.assign(timestamp_utc=BARS["timestamp_utc"] + pd.Timedelta(minutes=1)).to_csv(tmp_path / "a.csv", index=False)
    same(fetch(tmp_path / "a.csv", stamp="close"))
    BARS.to_csv(tmp_path / "a.csv", index=False)
    same(fetch(tmp_path / "a.csv", stamp="open"))


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"data_tz": "New York"}, "--data-tz.*'New York'"),
        ({"data_tz": "../x"}, "--data-tz"),
        ({"stamp": "end"}, "--stamp"),
    ],
)
def test_a_clock_or_an_end_that_does_not_exist_is_refused_at_once(how, sentence):
    with pytest.raises(ConfigError, match=sentence):
        FileSource(Path("a.csv"), **how)


def two_symbols() -> pd.DataFrame:
    return pd.concat([BARS.assign(symbol="SPY"), QQQ.assign(symbol="qqq ")])


def test_a_symbol_column_tells_symbols_apart(tmp_path):
    two_symbols().to_csv(tmp_path / "a.csv", index=False)
    two_symbols().astype({"symbol": "category"}).to_parquet(tmp_path / "a.parquet", index=False)
    for file in tmp_path.iterdir():
        FileSource(file).check_symbols(["SPY", "QQQ"])
        same(fetch(file))
        same(fetch(file, "QQQ"), QQQ)
        with pytest.raises(NoBarsError, match=r"no row of AAPL; its symbols are QQQ, SPY"):
            fetch(file, "AAPL")


def test_one_file_without_a_symbol_column_holds_one_symbol(tmp_path):
    BARS.to_csv(tmp_path / "MSFT.csv", index=False)
    source = FileSource(tmp_path / "MSFT.csv")
    source.check_symbols(["SPY"])
    with pytest.raises(FileFormatError, match=r"^2 symbols were asked for \(SPY, QQQ\).*symbol` column holds one"):
        source.check_symbols(["SPY", "QQQ"])


def test_a_folder_is_searched_by_symbol_and_interval(tmp_path):
    BARS.to_csv(tmp_path / "spy.csv", index=False)
    QQQ.to_parquet(tmp_path / "QQQ_1m_sample.parquet")
    SyntheticSource(Hours()).fetch("QQQ", START, END, "5m").to_parquet(tmp_path / "QQQ_5m.parquet")
    SyntheticSource(Hours()).fetch("QQQ", START, END, "15m").to_csv(tmp_path / "QQQ_15m.csv.gz", index=False)
    BARS.to_csv(tmp_path / "BRK%2FB.csv.gz", index=False)
    (tmp_path / "SPY.json").write_text("{}")
    source = FileSource(tmp_path)
    source.check_symbols(["SPY", "QQQ"])
    same(source.fetch("SPY", START, END, "1m"))
    same(source.fetch("QQQ", START, END, "1m"), QQQ)
    same(source.fetch("BRK/B", START, END, "1m"))
    assert [len(source.fetch("QQQ", START, END, interval)) for interval in ("5m", "15m")] == [234, 78]


def test_pieces_of_a_symbol_are_put_together(tmp_path):
    BARS.iloc[:500].to_csv(tmp_path / "SPY_1m_2024-03a.csv", index=False)
    BARS.iloc[500:].to_parquet(tmp_path / "SPY_1m_2024-03b.parquet")
    same(fetch(tmp_path))


@pytest.mark.parametrize("names", [("SPY.csv", "SPY.csv.gz"), ("SPY.csv", "SPY_1m.csv"), ("SPY_1m.csv", "spy_1m.txt")])
def test_two_files_that_could_each_be_meant_are_an_error(tmp_path, names):
    for name in names:
        BARS.to_csv(tmp_path / name, index=False)
    with pytest.raises(FileFormatError, match="could each hold the 1m bars of SPY"):
        fetch(tmp_path)


def test_a_folder_without_the_symbol_says_what_it_holds(tmp_path):
    BARS.to_csv(tmp_path / "SPY.csv", index=False)
    words = r"^no file for QQQ\. The folder holds SPY\.csv; looked for QQQ\.\* and QQQ_1m\*\.\* .* in /"
    with pytest.raises(NoBarsError, match=words):
        fetch(tmp_path, "QQQ")


def test_a_path_that_does_not_exist_is_named(tmp_path):
    for call in (lambda s: s.fetch("SPY", START, END, "1m"), lambda s: s.check_symbols(["SPY", "QQQ"])):
        with pytest.raises(FileFormatError, match=r"^No such file or folder of bars: .*gone\.csv$"):
            call(FileSource(tmp_path / "gone.csv"))


def test_unknown_columns_are_an_error_that_shows_the_first_rows_and_the_options(tmp_path):
    (tmp_path / "a.csv").write_text("Date;Open\n01/02/2024 09:30;470,1\n")
    BARS.drop(columns="close").to_parquet(tmp_path / "a.parquet", index=False)
    with pytest.raises(FileFormatError) as error:
        fetch(tmp_path / "a.csv")
    for part in (
        "no known layout",
        "Name the columns timestamp_utc, open",
        "give a file as yfinance, Databento",
        "It begins:\nDate;Open\n01/02/2024 09:30;470,1",
    ):
        assert part in str(error.value)
    with pytest.raises(FileFormatError, match=r"no column is called close\. Name.*\nIt begins:\ntimestamp_utc"):
        fetch(tmp_path / "a.parquet")


def test_a_file_without_volumes_has_unknown_ones_and_says_so(tmp_path):
    BARS.drop(columns="volume").to_csv(tmp_path / "a.csv", index=False)
    bars = fetch(tmp_path / "a.csv")
    assert bars["volume"].isna().all()
    assert notes_of(bars) == ("a.csv: no column of volumes; every volume is unknown",)


def test_columns_that_fit_two_layouts_are_an_error(tmp_path):
    BARS.assign(Datetime=BARS["timestamp_utc"]).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(FileFormatError, match="fit more than one layout"):
        fetch(tmp_path / "a.csv")


def test_a_column_that_is_there_twice_is_an_error(tmp_path):
    BARS.assign(Open=1.0).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(FileFormatError, match="more than one column is called open"):
        fetch(tmp_path / "a.csv")


HEADER = b"timestamp_utc,open,high,low,close,volume\n"
ROW = b"2024-03-08 14:30:00+00:00,1,1,1,1,1\n"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (bytes(range(256)) * 20, "neither Parquet nor text"),
        (np.random.default_rng(7).bytes(5_000).replace(b"\0", b"\1"), "not text in UTF-8.* save it as UTF-8"),
        ("timestamp_utc,open\n2024,1\n".encode("utf-16"), "no known layout"),
        ("timestamp_utc,öffnung\n".encode("latin-1"), r"not text in UTF-8 \(byte 0xf6 at 14\)"),
        (b"PAR1", "cannot be read"),
        (b"PAR1" + bytes(100), "cannot be read"),
        (b"\x1f\x8b" + b"x" * 100, "cannot be read"),
        (gzip.compress(HEADER + ROW * 9_000)[:400], "cannot be read"),
        (HEADER + b"2024-03-08 14:30:00+00:00,1,1,many,1,1\n", "invalid value 'many'"),
        (HEADER + b"2024-03-08 14:30:00+00:00,1,1,1\n", "header has 6 cells and the first row 4; give every row all"),
        (HEADER + ROW + ROW[:30], "Expected 6 columns, got 4"),
        (HEADER + b"2024-03-08,1,1,1,1,1\n", "is a date without a time of day"),
        (HEADER + ROW + b"2024-03-08 14:31:00,1,1,1,1,1\n", "some stamps name a zone offset and some do not"),
        (b"<!DOCTYPE html>\n<p>Not found</p>\n", "no known layout"),
        (b'[{"t":1,"o":2,"h":3,"l":2,"c":3,"v":5}]', "no known layout"),
        (b"x" * 1_000_000, "no known layout"),
        (b"1,2,3,4,5,6,7,8,9\n", "no header, and its 9 cells a row fit no layout"),
    ],
)
def test_what_is_no_table_of_bars_is_an_error_of_ours(tmp_path, content, sentence):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(FileFormatError, match=sentence) as error:
        fetch(tmp_path / "a.csv")
    assert str(tmp_path / "a.csv") in str(error.value)
    assert len(str(error.value)) < 2_000
    assert all(line.isprintable() for line in str(error.value).splitlines())


def test_parquet_cut_off_at_any_length_is_an_error_of_ours(tmp_path):
    BARS.to_parquet(tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    for size in (5, len(whole) // 2, len(whole) - 1):
        (tmp_path / "a.parquet").write_bytes(whole[:size])
        with pytest.raises(FileFormatError, match="cannot be read"):
            fetch(tmp_path / "a.parquet")


@pytest.mark.parametrize("column", ["close", "volume"])
@pytest.mark.parametrize("value", ["abc", "", "1,000", [1.0]])
def test_parquet_whose_numbers_are_none_is_an_error_of_ours(tmp_path, column, value):
    BARS.assign(**{column: [value] * len(BARS)}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(FileFormatError, match="cannot be read as bars"):
        fetch(tmp_path / "a.parquet")


@pytest.mark.parametrize("write", [pd.DataFrame.to_parquet, pd.DataFrame.to_csv])
def test_asking_for_other_dates_than_a_file_holds_is_told_which_it_holds(tmp_path, write):
    write(BARS, tmp_path / "SPY_1m", index=False)
    (tmp_path / "SPY_1m").rename(tmp_path / f"SPY_1m.{'csv' if write is pd.DataFrame.to_csv else 'parquet'}")
    held = f"{BARS['timestamp_utc'].min():%Y-%m-%d} to {BARS['timestamp_utc'].max():%Y-%m-%d}"
    with pytest.raises(NoBarsError, match=f"no bars from 2019-03-04 to 2019-03-08; the file holds {held}"):
        FileSource(tmp_path).fetch("SPY", date(2019, 3, 4), date(2019, 3, 8), "1m")


def test_a_header_without_rows_leaves_nothing_to_run_on(tmp_path):
    (tmp_path / "a.csv").write_bytes(HEADER)
    frame = fetch(tmp_path / "a.csv")
    assert frame.empty
    with pytest.raises(NoBarsError, match="no bars for the 3 sessions"):
        clean_bars(frame, session_table(Hours(), START, END), 1, 15, "a.csv")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is unreadable to this user")
def test_a_file_that_may_not_be_read_is_an_error_of_ours(tmp_path):
    BARS.to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "a.csv").chmod(0)
    with pytest.raises(FileFormatError, match="Permission denied"):
        fetch(tmp_path / "a.csv")


def test_the_identity_changes_with_the_file_and_with_how_it_is_read(tmp_path):
    file = tmp_path / "a.csv"
    BARS.to_csv(file, index=False)
    known = FileSource(file).identity("SPY", "1m")
    assert FileSource(file).identity("SPY", "1m") == known
    assert FileSource(file, data_tz="UTC").identity("SPY", "1m") != known
    BARS.iloc[1:].to_csv(file, index=False)
    assert FileSource(file).identity("SPY", "1m") != known


@pytest.mark.skipif(not REAL_BARS.exists(), reason="the real bars are not on this machine")
def test_real_downloads_are_found_in_their_folder_and_are_clean_enough_to_run_on():
    start, end = date(2026, 3, 12), date(2026, 3, 20)
    table = session_table(Hours(), start, end)
    for symbol, interval, bars in (("QQQ", "1m", 2730), ("SPY", "5m", 546)):
        raw = FileSource(REAL_BARS / "yahoo").fetch(symbol, start, end, interval)
        report = clean_bars(raw, table, int(interval[0]), 15, symbol).report
        assert (report.bars_used, report.outside_sessions) == (bars, 0)
