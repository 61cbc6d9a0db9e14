import json
import os
from datetime import date

import pandas as pd
import pyarrow.parquet as pq
import pytest

from orb_core import load_config
from orb_core.data import imports
from orb_core.data.files import FileSource
from orb_core.data.imports import ImportFolder
from orb_core.data.preview import preview
from orb_core.data.synthetic import SyntheticSource
from orb_core.errors import ArchiveError, FileFormatError


@pytest.fixture(scope="module")
def bars():
    return SyntheticSource(load_config().session).fetch("SPY", date(2024, 1, 2), date(2024, 1, 4), "1m")


@pytest.fixture
def folder(tmp_path):
    return ImportFolder(tmp_path / "imports")


def keep(folder, content, symbol="SPY"):
    waiting = folder.wait_with(content.to_csv(index=False).encode())
    return folder.keep(preview(waiting), symbol, symbol, "a file.csv")


def test_kept_bars_are_read_by_a_file_source_as_they_came(folder, bars):
    keep(folder, bars)
    read = FileSource(folder.path).fetch("SPY", date(2024, 1, 2), date(2024, 1, 4), "1m")
    pd.testing.assert_frame_equal(read, bars, check_dtype=False)


def test_rows_out_of_order_stay_so_to_be_counted_by_each_run(folder, bars):
    about = keep(folder, bars[::-1])
    assert (about.first, about.last) == ("2024-01-02T14:30:00+00:00", "2024-01-04T20:59:00+00:00")
    assert folder.bars(about)["timestamp_utc"].is_monotonic_decreasing


def test_files_of_others_are_passed_over(folder, bars):
    keep(folder, bars)
    (folder.path / "notes.parquet").write_text("not one")
    bars.to_parquet(folder.path / "QQQ_1m.parquet")
    assert [about.symbol for about in folder.kept()] == ["SPY"]


def test_a_record_that_lacks_something_is_passed_over(folder, bars):
    keep(folder, bars)
    file = folder.path / "SPY_1m.parquet"
    table = pq.read_table(file).replace_schema_metadata({b"orb_import": json.dumps({"symbol": "SPY"}).encode()})
    pq.write_table(table, file)
    assert folder.kept() == []


def test_an_upload_that_is_too_large_or_empty_is_refused_before_it_is_written(folder, monkeypatch):
    monkeypatch.setattr(imports, "LARGEST_UPLOAD_BYTES", 1024 * 1024)
    with pytest.raises(FileFormatError, match="an upload may have 1 MB"):
        folder.wait_with(b"x" * (1024 * 1024 + 1))
    with pytest.raises(FileFormatError, match="empty"):
        folder.wait_with(b"")
    assert not folder.path.exists()


def test_an_upload_nobody_kept_is_forgotten_after_a_day(folder):
    old = folder.wait_with(b"left behind")
    os.utime(old, (0, 0))
    folder.wait_with(b"a new one")
    assert not old.exists()


def test_bars_of_an_interval_no_run_takes_are_not_kept(folder, bars):
    with pytest.raises(FileFormatError, match="bars every 3m; bars of 1m, 2m"):
        keep(folder, bars[::3])
    assert folder.kept() == []


def test_a_file_too_long_to_be_seen_whole_is_not_kept(folder, bars, monkeypatch):
    monkeypatch.setattr("orb_core.data.preview.MOST_ROWS", 0)
    waiting = folder.wait_with(pd.concat([bars] * 80).to_csv(index=False).encode())
    with pytest.raises(FileFormatError, match="Import it in parts"):
        folder.keep(preview(waiting), "SPY", "SPY", "a file.csv")


def test_a_folder_that_cannot_be_made_says_what_to_do(tmp_path, bars):
    (tmp_path / "imports").write_text("a file in its place")
    with pytest.raises(ArchiveError, match="ORB_CACHE_DIR"):
        ImportFolder(tmp_path / "imports").wait_with(b"bars")


def test_symbols_that_are_no_file_names_are_kept_and_found(folder, bars):
    keep(folder, bars, "ES=F")
    (about,) = folder.kept()
    assert about.symbol == "ES=F"
    assert len(folder.bars(about)) == len(bars)
    folder.remove(about)
    assert folder.kept() == []
