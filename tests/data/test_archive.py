import os
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from loguru import logger

from orb_core.data.archive import CachedSource
from orb_core.data.files import FileSource
from orb_core.data.synthetic import SyntheticSource
from orb_core.errors import NoBarsError


@dataclass(frozen=True)
class Hours:
    calendar: str = "XNYS"
    open: str | None = None
    close: str | None = None
    timezone: str | None = None


START, END = date(2024, 7, 2), date(2024, 7, 5)


@dataclass
class CountingSource:
    """A synthetic source that counts how often it is asked."""

    seed: int = 0
    name: str = "counting"
    asked: list[str] = field(default_factory=list)
    fails: bool = False

    def identity(self, symbol, interval):
        return f"seed {self.seed}"

    def fetch(self, symbol, start, end, interval):
        self.asked.append(symbol)
        if self.fails:
            raise NoBarsError("none today")
        return SyntheticSource(Hours(), self.seed).fetch(symbol, start, end, interval)


@pytest.fixture
def source() -> CountingSource:
    return CountingSource()


@pytest.fixture
def cached(source, tmp_path) -> CachedSource:
    return CachedSource(source, tmp_path / "cache", Hours(), date(2024, 7, 3), END)


@pytest.fixture
def warnings():
    said: list[str] = []
    handler = logger.add(said.append, level="WARNING", format="{message}")
    yield said
    logger.remove(handler)


def fetch(cached: CachedSource, symbol="SPY", start=START, end=END, interval="1m") -> pd.DataFrame:
    return cached.fetch(symbol, start, end, interval)


def test_bars_are_fetched_once_and_come_back_the_same(cached, source):
    first, second = fetch(cached), fetch(cached)
    pd.testing.assert_frame_equal(first, second)
    assert source.asked == ["SPY"]
    assert len(first) == 990  # the warm-up session included


def test_the_file_is_named_by_symbol_and_dates_as_asked(cached):
    fetch(cached)
    fetch(cached, "BRK/B")
    fetch(cached, "ES=F")
    assert sorted(f.name for f in cached.cache_dir.iterdir()) == [
        "BRK%2FB_2024-07-03_2024-07-05.parquet",
        "ES=F_2024-07-03_2024-07-05.parquet",
        "SPY_2024-07-03_2024-07-05.parquet",
    ]


def test_the_file_says_where_it_comes_from(cached):
    fetch(cached)
    metadata = pq.read_schema(cached.path("SPY")).metadata
    assert metadata[b"orb_provenance"].decode() == (
        '{"source": "counting", "identity": "seed 0", "symbol": "SPY", "interval": "1m", '
        '"first_session": "2024-07-02", "last_session": "2024-07-05", "session": ["XNYS", null, null, null]}'
    )


@pytest.mark.parametrize(
    "other",
    [
        {"source": CountingSource(seed=1)},
        {"source": CountingSource(name="yahoo")},
        {"session": Hours(open="10:00")},
        {"session": Hours(close="15:00")},
        {"session": Hours(timezone="Europe/London")},
        {"session": Hours("XNAS")},
    ],
)
def test_bars_of_other_provenance_are_fetched_again(cached, other):
    fetch(cached)
    changed = replace(cached, **other)
    asked = changed.source.asked
    asked.clear()
    fetch(changed)
    fetch(changed)
    assert asked == ["SPY"]


def test_another_interval_or_warm_up_is_fetched_again(cached, source):
    fetch(cached)
    assert len(fetch(cached, interval="5m")) == 198
    assert len(fetch(cached, interval="5m", start=date(2024, 7, 1))) == 276
    assert len(source.asked) == 3


def test_a_changed_file_is_read_again(tmp_path):
    file = tmp_path / "SPY.csv"
    bars = SyntheticSource(Hours()).fetch("SPY", START, END, "1m")
    bars.to_csv(file, index=False)
    cached = CachedSource(FileSource(file), tmp_path / "cache", Hours(), START, END)
    fetch(cached)
    bars.iloc[:500].to_csv(file, index=False)
    assert len(fetch(cached)) == 500


def damages(path: Path) -> dict[str, bytes]:
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[200] ^= 0xFF
    return {"empty": b"", "cut": whole[: len(whole) // 2], "foreign": b"not parquet at all", "flipped": bytes(flipped)}


@pytest.mark.parametrize("damage", ["empty", "cut", "foreign", "flipped"])
def test_a_damaged_file_is_set_aside_said_and_fetched_again(cached, source, warnings, damage):
    good = fetch(cached)
    path = cached.path("SPY")
    content = damages(path)[damage]
    path.write_bytes(content)
    pd.testing.assert_frame_equal(fetch(cached), good)
    assert path.with_name(path.name + ".damaged").read_bytes() == content
    assert "set aside" in warnings[0]
    fetch(cached)
    assert len(source.asked) == 2


def test_a_parquet_file_of_someone_else_is_not_taken_for_ours(cached, source):
    cached.cache_dir.mkdir()
    pd.DataFrame({"a": [1]}).to_parquet(cached.path("SPY"))
    assert len(fetch(cached)) == 990


def test_nothing_is_kept_when_the_source_fails_or_has_nothing(cached, source):
    source.fails = True
    with pytest.raises(NoBarsError, match="none today"):
        fetch(cached)
    source.fails = False
    source.fetch = lambda *_: SyntheticSource(Hours()).fetch("SPY", START, END, "1m").iloc[:0]
    assert fetch(cached).empty
    assert not cached.cache_dir.exists()


def test_a_folder_that_cannot_be_written_is_said_and_the_run_goes_on(cached, source, warnings):
    cached.cache_dir.write_text("a file where the folder should be")
    assert len(fetch(cached)) == 990
    assert "could not be kept" in warnings[0]


def test_a_write_that_fails_leaves_the_old_file_and_no_rest(cached, source, warnings, monkeypatch):
    fetch(cached)
    before = cached.path("SPY").read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    fetch(cached, interval="5m")
    assert "No space left" in warnings[0]
    assert [f.name for f in cached.cache_dir.iterdir()] == [cached.path("SPY").name]
    assert cached.path("SPY").read_bytes() == before


@pytest.mark.parametrize(
    ("fetched", "asked_again", "expected"),
    [
        ("2024-07-05 19:59", "2024-07-05 19:59:30", 1),  # the session still runs
        ("2024-07-05 19:59", "2024-07-05 20:00", 2),
        ("2024-07-05 20:00", "2034-07-05 00:00", 1),  # it was over when its bars were fetched
        ("2024-07-04 12:00", "2024-07-05 13:29", 1),  # the holiday before
        ("2024-07-04 12:00", "2024-07-05 13:30", 2),
        ("2024-07-03 17:00", "2024-07-05 13:29", 1),  # after an early close
        ("2024-07-10 00:00", "2024-07-09 00:00", 2),  # a clock was wrong
    ],
)
def test_a_range_that_ended_in_an_unfinished_session_is_not_used_once_there_is_more(
    cached, source, fetched, asked_again, expected
):
    for now in (fetched, asked_again):
        fetch(replace(cached, clock=lambda now=now: pd.Timestamp(now, tz="UTC")))
    assert len(source.asked) == expected
