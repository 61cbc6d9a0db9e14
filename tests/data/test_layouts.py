import zipfile
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from orb_core.data.bar_file import BarFile
from orb_core.data.bars import VALUES, check_bars
from orb_core.data.files import FileSource
from orb_core.data.layouts import BARE, HEADED
from orb_core.data.source import notes_of
from orb_core.errors import FileFormatError, NoBarsError

DAY = date(2024, 3, 15)
NEW_YORK = "America/New_York"
# The first three minutes of a session, as every program below writes them.
BARS = pd.DataFrame(
    {
        "timestamp_utc": pd.date_range("2024-03-15 13:30", periods=3, freq="min", tz="UTC", unit="ns"),
        "open": [510.21, 510.4, 510.25],
        "high": [510.5, 510.45, 510.75],
        "low": [510.2, 510.1, 510.25],
        "close": [510.4, 510.25, 510.7],
        "volume": [120500.0, 80100.0, 64300.0],
    }
)

YFINANCE = """Datetime,Open,High,Low,Close,Volume,Dividends,Stock Splits,Capital Gains
2024-03-15 09:30:00-04:00,510.21,510.5,510.2,510.4,120500,0.0,0.0,0.0
2024-03-15 09:31:00-04:00,510.4,510.45,510.1,510.25,80100,0.0,0.0,0.0
2024-03-15 09:32:00-04:00,510.25,510.75,510.25,510.7,64300,0.0,0.0,0.0
"""
DOWNLOAD = """Price,Close,High,Low,Open,Volume
Ticker,SPY,SPY,SPY,SPY,SPY
Datetime,,,,,
2024-03-15 13:30:00+00:00,510.4,510.5,510.2,510.21,120500
2024-03-15 13:31:00+00:00,510.25,510.45,510.1,510.4,80100
2024-03-15 13:32:00+00:00,510.7,510.75,510.25,510.25,64300
"""
DOWNLOAD_TWO = """Ticker,QQQ,QQQ,QQQ,QQQ,QQQ,SPY,SPY,SPY,SPY,SPY
Price,Open,High,Low,Close,Volume,Open,High,Low,Close,Volume
Datetime,,,,,,,,,,
2024-03-15 13:29:00+00:00,436.1,436.2,436.0,436.1,900,,,,,
2024-03-15 13:30:00+00:00,436.1,436.2,436.0,436.1,900,510.21,510.5,510.2,510.4,120500
2024-03-15 13:31:00+00:00,,,,,,510.4,510.45,510.1,510.25,80100
2024-03-15 13:32:00+00:00,436.1,436.2,436.0,436.1,900,510.25,510.75,510.25,510.7,64300
"""
TRADINGVIEW = """time,open,high,low,close,Volume,Volume MA,Plot,Plot
1710509400,510.21,510.5,510.2,510.4,120500,,1,2
1710509460,510.4,510.45,510.1,510.25,80100,90000,1,2
1710509520,510.25,510.75,510.25,510.7,64300,90000,1,2
"""
TRADINGVIEW_ISO = """time,open,high,low,close,Volume
2024-03-15T09:30:00-04:00,510.21,510.5,510.2,510.4,120500
2024-03-15T09:31:00-04:00,510.4,510.45,510.1,510.25,80100
2024-03-15T09:32:00-04:00,510.25,510.75,510.25,510.7,64300
"""
NINJATRADER = """20240315 133100;510.21;510.5;510.2;510.4;120500
20240315 133200;510.4;510.45;510.1;510.25;80100
20240315 133300;510.25;510.75;510.25;510.7;64300
"""
METATRADER_5 = """<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>
2024.03.15\t15:30:00\t510.21\t510.50\t510.20\t510.40\t931\t120500\t1
2024.03.15\t15:31:00\t510.40\t510.45\t510.10\t510.25\t702\t80100\t1
2024.03.15\t15:32:00\t510.25\t510.75\t510.25\t510.70\t655\t64300\t1
"""
METATRADER_4 = """2024.03.15,15:30,510.21,510.50,510.20,510.40,120500
2024.03.15,15:31,510.40,510.45,510.10,510.25,80100
2024.03.15,15:32,510.25,510.75,510.25,510.70,64300
"""
DATABENTO = """ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol
1710509400000000000,33,2,15144,510210000000,510500000000,510200000000,510400000000,120500,SPY
1710509400000000000,33,2,13340,436100000000,436100000000,436100000000,436100000000,900,QQQ
1710509460000000000,33,2,15144,510400000000,510450000000,510100000000,510250000000,80100,SPY
1710509520000000000,33,2,15144,510250000000,510750000000,510250000000,510700000000,64300,SPY
"""
DATABENTO_PRETTY = """ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume
2024-03-15T13:30:00.000000000Z,33,2,15144,510.210000000,510.500000000,510.200000000,510.400000000,120500
2024-03-15T13:31:00.000000000Z,33,2,15144,510.400000000,510.450000000,510.100000000,510.250000000,80100
2024-03-15T13:32:00.000000000Z,33,2,15144,510.250000000,510.750000000,510.250000000,510.700000000,64300
"""
POLYGON = """v,vw,o,c,h,l,t,n
120500,510.3,510.21,510.4,510.5,510.2,1710509400000,1802
80100,510.2,510.4,510.25,510.45,510.1,1710509460000,1203
64300,510.5,510.25,510.7,510.75,510.25,1710509520000,990
"""
POLYGON_CLIENT = """open,high,low,close,volume,vwap,timestamp,transactions,otc
510.21,510.5,510.2,510.4,120500,510.3,1710509400000,1802,
510.4,510.45,510.1,510.25,80100,510.2,1710509460000,1203,
510.25,510.75,510.25,510.7,64300,510.5,1710509520000,990,
"""
POLYGON_FLAT = """ticker,volume,open,close,high,low,window_start,transactions
QQQ,900,436.1,436.1,436.1,436.1,1710509400000000000,12
SPY,120500,510.21,510.4,510.5,510.2,1710509400000000000,1802
SPY,80100,510.4,510.25,510.45,510.1,1710509460000000000,1203
SPY,64300,510.25,510.7,510.75,510.25,1710509520000000000,990
"""
ALPACA = """symbol,timestamp,open,high,low,close,volume,trade_count,vwap
SPY,2024-03-15 13:30:00+00:00,510.21,510.5,510.2,510.4,120500.0,1802.0,510.3
SPY,2024-03-15 13:31:00+00:00,510.4,510.45,510.1,510.25,80100.0,1203.0,510.2
SPY,2024-03-15 13:32:00+00:00,510.25,510.75,510.25,510.7,64300.0,990.0,510.5
"""
ALPACA_ANSWER = """t,o,h,l,c,v,n,vw
2024-03-15T13:30:00Z,510.21,510.5,510.2,510.4,120500,1802,510.3
2024-03-15T13:31:00Z,510.4,510.45,510.1,510.25,80100,1203,510.2
2024-03-15T13:32:00Z,510.25,510.75,510.25,510.7,64300,990,510.5
"""
INTERACTIVE_BROKERS = """,date,open,high,low,close,volume,average,barCount
0,2024-03-15 09:30:00-04:00,510.21,510.5,510.2,510.4,120500.0,510.3,1802
1,2024-03-15 09:31:00-04:00,510.4,510.45,510.1,510.25,80100.0,510.2,1203
2,2024-03-15 09:32:00-04:00,510.25,510.75,510.25,510.7,64300.0,510.5,990
"""
KIBOT = """03/15/2024,09:30,510.21,510.5,510.2,510.4,120500
03/15/2024,09:31,510.4,510.45,510.1,510.25,80100
03/15/2024,09:32,510.25,510.75,510.25,510.7,64300
"""
FIRSTRATE = """2024-03-15 09:30:00,510.21,510.5,510.2,510.4,120500
2024-03-15 09:31:00,510.4,510.45,510.1,510.25,80100
2024-03-15 09:32:00,510.25,510.75,510.25,510.7,64300
"""
QUANTCONNECT = """34200000,5102100,5105000,5102000,5104000,120500
34260000,5104000,5104500,5101000,5102500,80100
34320000,5102500,5107500,5102500,5107000,64300
"""
EXCEL_GERMAN = """Date;Time;Open;High;Low;Close;Volume
15.03.2024;09:30;510,21;510,5;510,2;510,4;120500
15.03.2024;09:31;510,4;510,45;510,1;510,25;80100
15.03.2024;09:32;510,25;510,75;510,25;510,7;64300
"""
UNKNOWN = """Timestamp,Open,High,Low,Close,Volume
03/15/2024 9:31 AM,510.21,510.5,510.2,510.4,120500
03/15/2024 9:32 AM,510.4,510.45,510.1,510.25,80100
03/15/2024 9:33 AM,510.25,510.75,510.25,510.7,64300
"""
UNNAMED_INDEX = """,open,high,low,close,volume
2024-03-15 13:30:00+00:00,510.21,510.5,510.2,510.4,120500
2024-03-15 13:31:00+00:00,510.4,510.45,510.1,510.25,80100
2024-03-15 13:32:00+00:00,510.25,510.75,510.25,510.7,64300
"""

WRITTEN = {
    "orb": ("ORB Confluence", BARS.to_csv(index=False), {}),
    "yfinance": ("yfinance", YFINANCE, {}),
    "yfinance download": ("yfinance", DOWNLOAD, {}),
    "yfinance download of two": ("yfinance", DOWNLOAD_TWO, {}),
    "tradingview": ("TradingView", TRADINGVIEW, {}),
    "tradingview iso": ("TradingView", TRADINGVIEW_ISO, {}),
    "ninjatrader": ("NinjaTrader", NINJATRADER, {"data_tz": "UTC"}),
    "metatrader 5": ("MetaTrader 5", METATRADER_5, {"data_tz": "Europe/Athens"}),
    "metatrader 4": ("MetaTrader 4", METATRADER_4, {"data_tz": "Europe/Athens"}),
    "databento": ("Databento", DATABENTO, {}),
    "databento pretty": ("Databento", DATABENTO_PRETTY, {}),
    "polygon": ("Polygon or Alpaca", POLYGON, {}),
    "polygon client": ("Polygon", POLYGON_CLIENT, {}),
    "polygon flat file": ("Polygon", POLYGON_FLAT, {}),
    "alpaca": ("Alpaca", ALPACA, {}),
    "alpaca answer": ("Polygon or Alpaca", ALPACA_ANSWER, {}),
    "interactive brokers": ("Interactive Brokers", INTERACTIVE_BROKERS, {}),
    "kibot": ("Kibot", KIBOT, {"data_tz": NEW_YORK}),
    "firstrate": ("FirstRate Data", FIRSTRATE, {"data_tz": NEW_YORK}),
    "german": ("an unknown program", EXCEL_GERMAN, {"data_tz": NEW_YORK, "stamp": "open"}),
    "unknown": ("an unknown program", UNKNOWN, {"data_tz": NEW_YORK, "stamp": "close"}),
    "unnamed": ("an unknown program", UNNAMED_INDEX, {"stamp": "open"}),
}


def file(folder: Path, text: str, name: str = "bars.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def fetch(path: Path, symbol: str = "SPY", **how: str) -> pd.DataFrame:
    return FileSource(path, **how).fetch(symbol, DAY, DAY, "1m")


def same(bars: pd.DataFrame, expected: pd.DataFrame = BARS) -> None:
    check_bars(bars)
    pd.testing.assert_frame_equal(bars, expected)


def lean_zip(folder: Path, name: str = "20240315_trade.zip", text: str = QUANTCONNECT, member: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member or "20240315_spy_minute_trade.csv", text)
    return folder / name


@pytest.mark.parametrize("written", WRITTEN)
def test_what_every_program_writes_is_the_same_bars(tmp_path, written):
    vendor, text, how = WRITTEN[written]
    path = file(tmp_path, text)
    same(fetch(path, **how))
    assert BarFile(path).known.layout.vendor == vendor


def test_every_layout_has_a_text_here():
    assert {layout.vendor for layout in (*HEADED, *BARE)} == {vendor for vendor, _, _ in WRITTEN.values()}


@pytest.mark.parametrize("written", [name for name, (_, _, how) in WRITTEN.items() if how])
def test_what_a_file_does_not_say_is_asked_for_with_its_first_rows(tmp_path, written):
    _, text, how = WRITTEN[written]
    with pytest.raises(FileFormatError) as error:
        fetch(file(tmp_path, text))
    assert all(f"--{option.replace('_', '-')}" in str(error.value) for option in how)
    first = text.splitlines()[0].replace("\t", "\\t")
    assert f"It begins:\n{first}" in str(error.value)


def test_a_vendor_that_always_writes_one_clock_is_said_with_its_clock(tmp_path):
    with pytest.raises(FileFormatError, match="NinjaTrader writes UTC"):
        fetch(file(tmp_path, NINJATRADER))
    with pytest.raises(FileFormatError, match="Kibot writes America/New_York"):
        fetch(file(tmp_path, KIBOT))


def test_stamps_at_the_end_of_their_bars_are_moved_and_the_bars_say_so(tmp_path):
    (note,) = notes_of(fetch(file(tmp_path, NINJATRADER, "ES.txt"), data_tz="UTC"))
    assert note.startswith("ES.txt: stamps are the ends of their bars, as NinjaTrader writes them;")
    assert note.endswith("moved back by 1 min to its start")
    assert notes_of(fetch(file(tmp_path, NINJATRADER), data_tz="UTC", stamp="open")) == ()
    assert "ends of their bars; each" in notes_of(fetch(file(tmp_path, YFINANCE), stamp="close"))[0]


def test_bars_of_an_hour_at_their_ends_are_moved_by_their_own_length(tmp_path):
    source = FileSource(file(tmp_path, NINJATRADER), "UTC")
    assert source.fetch("SPY", DAY, DAY, "30m")["timestamp_utc"].iloc[0] == pd.Timestamp("2024-03-15 13:01", tz="UTC")


def test_whole_numbers_that_stand_for_fractions_are_divided_and_the_bars_say_so(tmp_path):
    assert "divided by 1,000,000,000" in notes_of(fetch(file(tmp_path, DATABENTO)))[0]
    assert notes_of(fetch(file(tmp_path, DATABENTO_PRETTY))) == ()


def test_databentos_parquet_may_hold_billionths_or_prices(tmp_path):
    table = BARS.rename(columns={"timestamp_utc": "ts_event"}).assign(rtype=33, symbol="SPY")
    table.to_parquet(tmp_path / "prices.parquet", index=False)
    same(fetch(tmp_path / "prices.parquet"))
    prices = {name: (table[name] * 1e9).round().astype("int64") for name in VALUES[:4]}
    table.assign(ts_event=table["ts_event"].astype("int64"), **prices).to_parquet(tmp_path / "fixed.parquet")
    same(fetch(tmp_path / "fixed.parquet"))


def test_price_changes_stand_in_for_a_volume_that_is_0_throughout(tmp_path):
    text = METATRADER_5.replace("\t120500\t", "\t0\t").replace("\t80100\t", "\t0\t").replace("\t64300\t", "\t0\t")
    bars = fetch(file(tmp_path, text), data_tz="Europe/Athens")
    assert bars["volume"].tolist() == [931, 702, 655]
    assert "<vol> is 0 throughout" in notes_of(bars)[0]


def test_symbols_side_by_side_are_told_apart(tmp_path):
    source = FileSource(file(tmp_path, DOWNLOAD_TWO))
    source.check_symbols(["SPY", "QQQ"])
    assert source.fetch("QQQ", DAY, DAY, "1m")["open"].tolist() == [436.1] * 3
    with pytest.raises(NoBarsError, match=r"no columns of AAPL; its symbols are QQQ, SPY"):
        source.fetch("AAPL", DAY, DAY, "1m")
    with pytest.raises(NoBarsError, match=r"no columns of AAPL; its symbols are SPY"):
        fetch(file(tmp_path, DOWNLOAD), "AAPL")


@pytest.mark.parametrize("swapped", [False, True])
def test_what_yf_download_saves_as_parquet_is_read(tmp_path, swapped):
    index = pd.DatetimeIndex(BARS["timestamp_utc"], name="Datetime")
    columns = {(name.title(), "SPY"): BARS[name].to_numpy() for name in VALUES}
    columns |= {(name.title(), "QQQ"): [1.0, None, 1.0] for name in VALUES}
    frame = pd.DataFrame(columns, index=index).rename_axis(columns=["Price", "Ticker"])
    (frame.swaplevel(axis=1) if swapped else frame).to_parquet(tmp_path / "a.parquet")
    same(fetch(tmp_path / "a.parquet"))
    assert len(fetch(tmp_path / "a.parquet", "QQQ")) == 2


def test_an_index_without_a_name_in_parquet_is_the_time(tmp_path):
    BARS.set_index(pd.DatetimeIndex(BARS["timestamp_utc"]).rename(None)).drop(columns="timestamp_utc").to_parquet(
        tmp_path / "a.parquet"
    )
    with pytest.raises(FileFormatError, match="--stamp open"):
        fetch(tmp_path / "a.parquet")
    same(fetch(tmp_path / "a.parquet", stamp="open"))


def test_times_as_text_or_numbers_in_parquet_are_read_like_those_of_a_csv(tmp_path):
    for name, times in (
        ("numbers", BARS["timestamp_utc"].astype("int64") // 10**9),
        ("text", BARS["timestamp_utc"].astype(str)),
        ("category", BARS["timestamp_utc"].astype(str).astype("category")),
    ):
        BARS.assign(timestamp_utc=times).to_parquet(tmp_path / f"{name}.parquet")
        same(fetch(tmp_path / f"{name}.parquet"))


def test_dates_without_a_time_in_parquet_are_refused(tmp_path):
    BARS.assign(timestamp_utc=BARS["timestamp_utc"].dt.date).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(FileFormatError, match="dates without a time of day"):
        fetch(tmp_path / "a.parquet")


def test_quantconnects_daily_zips_are_read_from_their_folders(tmp_path):
    lean_zip(tmp_path / "equity" / "usa" / "minute" / "spy")
    lean_zip(tmp_path / "equity" / "usa" / "minute" / "spy", "20240301_trade.zip", "broken", "x.csv")  # not asked for
    lean_zip(tmp_path / "equity" / "usa" / "minute" / "spy", "20240315_quote.zip", "broken")
    for path in (
        tmp_path / "equity" / "usa" / "minute",
        tmp_path / "equity" / "usa" / "minute" / "spy",
        tmp_path / "equity" / "usa" / "minute" / "spy" / "20240315_trade.zip",
    ):
        bars = fetch(path)
        same(bars)
        assert "divided by 10,000" in notes_of(bars)[0]


def test_a_quantconnect_zip_outside_its_folders_does_not_say_its_clock(tmp_path):
    path = lean_zip(tmp_path)
    with pytest.raises(FileFormatError, match="QuantConnect writes America/New_York"):
        fetch(path)
    same(fetch(path, data_tz=NEW_YORK))
    with pytest.raises(NoBarsError, match="holds SPY, not QQQ"):
        fetch(path, "QQQ", data_tz=NEW_YORK)


def test_only_prices_of_shares_are_whole_numbers_at_quantconnect(tmp_path):
    folder = tmp_path / "crypto" / "coinbase" / "minute" / "btcusd"
    path = lean_zip(folder, text="0,42000,42001,41999,42000,1.5\n", member="20240315_btcusd_minute_trade.csv")
    assert fetch(path, "BTCUSD", data_tz="UTC")["open"].tolist() == [42_000]


@pytest.mark.parametrize("kind", ["minute_quote", "second_trade", "minute_openinterest"])
def test_what_is_no_minute_trade_file_of_quantconnect_is_refused(tmp_path, kind):
    path = lean_zip(tmp_path, member=f"20240315_spy_{kind}.csv")
    with pytest.raises(FileFormatError, match=r"ending in _minute_trade\.csv"):
        fetch(path, data_tz=NEW_YORK)


def test_quantconnect_files_of_other_days_are_an_error_that_says_which_there_are(tmp_path):
    lean_zip(tmp_path / "spy", "20240301_trade.zip")
    lean_zip(tmp_path / "spy", "20240304_trade.zip")
    with pytest.raises(NoBarsError, match=r"^no file of SPY for 2024-03-15.*reach from 20240301.* to 20240304"):
        fetch(tmp_path)


def test_files_of_one_day_each_with_many_symbols_are_found_by_their_dates(tmp_path):
    file(tmp_path, POLYGON_FLAT, "2024-03-15.csv")
    file(tmp_path, POLYGON_FLAT.replace("510.", "511.").replace("171050", "170965"), "2024-03-05.csv")
    same(fetch(tmp_path))
    with pytest.raises(NoBarsError, match="no row of AAPL; its symbols are QQQ, SPY"):
        fetch(tmp_path, "AAPL")


def test_dated_files_of_nobody_in_particular_are_no_match(tmp_path):
    file(tmp_path, YFINANCE, "2024-03-15.csv")
    with pytest.raises(NoBarsError, match=r"^no file for SPY"):
        fetch(tmp_path)


def test_utf_16_text_is_read(tmp_path):
    (tmp_path / "a.csv").write_text(METATRADER_5, encoding="utf-16")
    same(fetch(tmp_path / "a.csv", data_tz="Europe/Athens"))


def test_every_packing_is_read(tmp_path):
    for packing in ("gzip", "zstd", "bz2"):
        with pa.CompressedOutputStream(str(tmp_path / packing), packing) as stream:
            stream.write(YFINANCE.encode())
        same(fetch(tmp_path / packing))
    same(fetch(lean_zip(tmp_path, "SPY.zip", YFINANCE, "inside/SPY.csv")))
