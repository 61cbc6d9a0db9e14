from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from orb_core.data import preview as preview_module
from orb_core.data.files import FileSource
from orb_core.data.preview import FilePreview, preview
from orb_core.errors import ConfigError, FileFormatError

NINJATRADER = """20240315 133500;510.21;510.5;510.2;510.4;120500
20240315 134000;510.4;510.45;510.1;510.25;80100
20240315 135000;510.25;510.75;510.25;510.7;64300
20240315 135500;510.25;510.75;510.25;510.7;64300
"""
ALPACA = """symbol,timestamp,open,high,low,close,volume,trade_count
SPY,2024-03-15 13:31:00+00:00,510.21,510.5,510.2,510.4,120500.0,1802
QQQ,2024-03-15 13:30:00+00:00,436.1,436.2,436.0,436.1,900.0,1203
SPY,2024-03-15 13:30:00+00:00,510.21,510.5,510.2,510.4,120500.0,1802
"""
DOWNLOAD = """Price,Close,High,Low,Open,Volume,Close,High,Low,Open,Volume
Ticker,SPY,SPY,SPY,SPY,SPY,QQQ,QQQ,QQQ,QQQ,QQQ
Datetime,,,,,,,,,,
2024-03-15 13:30:00+00:00,510.4,510.5,510.2,510.21,120500,1,1,1,1,1
"""


def look(folder: Path, text: str, **how: str) -> FilePreview:
    (folder / "bars.csv").write_text(text)
    return preview(folder / "bars.csv", **how)


def test_what_was_recognised_and_what_is_still_to_be_said(tmp_path):
    seen = look(tmp_path, NINJATRADER)
    assert (seen.vendor, seen.zone, seen.usual_zone, seen.stamp) == ("NinjaTrader", None, "UTC", "close")
    assert (seen.rows, seen.is_whole, seen.interval, seen.symbols) == (4, True, "5m", ())
    assert (seen.first, seen.last) == (pd.Timestamp("2024-03-15 13:35"), pd.Timestamp("2024-03-15 13:55"))
    assert seen.columns == {
        "stamp": "column 1",
        "open": "column 2",
        "high": "column 3",
        "low": "column 4",
        "close": "column 5",
        "volume": "column 6",
    }
    assert seen.first_rows[0] == NINJATRADER.splitlines()[0]
    assert seen.is_text
    assert seen.questions == ("data_tz",)


def test_once_everything_is_said_no_question_is_left(tmp_path):
    seen = look(tmp_path, NINJATRADER, data_tz="America/New_York", stamp="open")
    assert (seen.zone, seen.stamp, seen.questions) == ("America/New_York", "open", ())
    assert seen.first == pd.Timestamp("2024-03-15 13:35", tz="America/New_York")


def test_both_questions_are_asked_where_a_file_says_nothing(tmp_path):
    seen = look(tmp_path, "date,time,open,high,low,close\n2024-03-15,09:30,1,1,1,1\n")
    assert seen.questions == ("data_tz", "stamp")
    assert seen.interval is None
    assert "volume" not in seen.columns


def test_symbols_and_the_step_of_each_are_seen_in_any_order(tmp_path):
    seen = look(tmp_path, ALPACA)
    assert (seen.symbols, seen.interval, seen.zone, seen.questions) == (("QQQ", "SPY"), "1m", "UTC", ())
    assert seen.columns["symbol"] == "symbol"
    assert look(tmp_path, DOWNLOAD).symbols == ("QQQ", "SPY")


def test_only_the_beginning_of_a_huge_file_is_read_and_the_preview_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(preview_module, "MOST_ROWS", 1)
    stamps = pd.date_range("2024-03-15", periods=200_000, freq="min", tz="UTC")
    table = pd.DataFrame({"timestamp_utc": stamps, **dict.fromkeys(("open", "high", "low", "close"), 1.0)})
    table.to_parquet(tmp_path / "a.parquet")
    seen = preview(tmp_path / "a.parquet")
    assert not seen.is_whole
    assert 1 <= seen.rows < 200_000
    assert seen.first == stamps[0]
    assert "timestamp_utc: timestamp" in seen.first_rows[0]
    assert not seen.is_text


def test_a_file_without_rows_has_a_preview_too(tmp_path):
    seen = look(tmp_path, ALPACA.splitlines()[0] + "\n")
    assert (seen.rows, seen.first, seen.interval) == (0, None, None)


def test_what_cannot_be_previewed_is_said(tmp_path):
    with pytest.raises(FileFormatError, match="no known layout"):
        look(tmp_path, "a,b\n1,2\n")
    with pytest.raises(FileFormatError, match="is not a file"):
        preview(tmp_path)
    with pytest.raises(ConfigError, match="--data-tz"):
        look(tmp_path, NINJATRADER, data_tz="Mars")


def test_what_is_previewed_is_what_is_read(tmp_path):
    seen = look(tmp_path, NINJATRADER, data_tz="UTC")
    bars = FileSource(tmp_path / "bars.csv", "UTC").fetch("SPY", date(2024, 3, 15), date(2024, 3, 15), "5m")
    assert len(bars) == seen.rows
    assert bars["timestamp_utc"].iloc[0] == seen.first - pd.Timedelta(minutes=5)
