import pickle
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import diskcache
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from loguru import logger

from orb_core.data.bars import VALUES
from orb_core.data.day_archive import ArchivedDay, BytesDisk, DayArchive, DayBars, DayKey, joined
from orb_core.data.sessions import MINUTE_NS
from orb_core.errors import ArchiveError

ROOT = Path(__file__).parents[2]
DAY = date(2024, 1, 2)
OPEN = pd.Timestamp("2024-01-02 14:30", tz="UTC").value
HOUR_NS = 60 * MINUTE_NS


def day_of(minutes=range(60), value=1.0, from_minute=0, until_minute=60, asked_hours=24.0):
    starts = OPEN + np.array(minutes, dtype=np.int64) * MINUTE_NS
    bars = DayBars(starts, {name: np.full(starts.size, value) for name in VALUES})
    spans = OPEN + from_minute * MINUTE_NS, OPEN + until_minute * MINUTE_NS
    return ArchivedDay(bars, *spans, OPEN + int(asked_hours * HOUR_NS))


def same(one: ArchivedDay, other: ArchivedDay) -> bool:
    return (
        (one.from_ns, one.until_ns, one.asked_ns) == (other.from_ns, other.until_ns, other.asked_ns)
        and np.array_equal(one.bars.starts_ns, other.bars.starts_ns)
        and all(np.array_equal(one.bars.columns[n], other.bars.columns[n], equal_nan=True) for n in VALUES)
    )


@pytest.fixture
def archive(tmp_path):
    return DayArchive(tmp_path / "archive")


@pytest.fixture
def warnings():
    said: list[str] = []
    handler = logger.add(said.append, level="WARNING", format="{message}")
    yield said
    logger.remove(handler)


@pytest.fixture
def database(archive):
    """The rows of an archive with one day, as anyone may change them."""
    archive.write("SPY", "1m", {DAY: day_of()})
    with sqlite3.connect(archive.folder / "cache.db", isolation_level=None) as connection:
        yield connection
    connection.close()


class TestWhatIsKept:
    def test_a_day_comes_back_as_it_was_unknown_volumes_included(self, archive):
        day = day_of(value=np.nan)
        archive.write("SPY", "1m", {DAY: day})
        assert same(archive.read("SPY", "1m", [DAY])[DAY], day)

    def test_a_day_without_bars_is_kept_too(self, archive):
        archive.write("SPY", "1m", {DAY: day_of(minutes=[])})
        assert archive.read("SPY", "1m", [DAY])[DAY].bars.starts_ns.size == 0

    def test_only_what_is_asked_for_comes_back(self, archive):
        archive.write("SPY", "1m", {DAY: day_of()})
        assert archive.read("SPY", "5m", [DAY]) == {}
        assert archive.read("QQQ", "1m", [DAY]) == {}
        assert archive.read("SPY", "1m", [DAY + timedelta(days=1)]) == {}

    def test_keys_are_text_and_values_are_parquet_that_any_tool_reads(self, archive):
        archive.write("SPY", "1m", {DAY: day_of()})
        with diskcache.Cache(archive.folder) as cache:
            assert list(cache) == ["yahoo/SPY/1m/2024-01-02"]
            frame = pd.read_parquet(BytesIO(cache["yahoo/SPY/1m/2024-01-02"]))
        assert frame.columns.tolist() == ["timestamp_utc", *VALUES]
        assert frame["timestamp_utc"].iloc[0] == pd.Timestamp(OPEN, tz="UTC")

    def test_nothing_expires_and_nothing_is_evicted(self, archive):
        archive.write("SPY", "1m", {DAY: day_of()})
        with diskcache.Cache(archive.folder) as cache:
            assert (cache.eviction_policy, cache.cull_limit) == ("none", 0)
            assert cache.get("yahoo/SPY/1m/2024-01-02", expire_time=True)[1] is None

    def test_keys_are_listed_in_order_and_can_be_removed(self, archive):
        for symbol, interval in (("SPY", "5m"), ("ES=F", "1m"), ("SPY", "1m")):
            archive.write(symbol, interval, {DAY: day_of(), DAY - timedelta(days=1): day_of()})
        keys = archive.entries()
        assert keys == sorted(keys)
        assert keys[0] == DayKey("ES=F", "1m", DAY - timedelta(days=1))
        assert archive.remove(keys[:3]) == 3
        assert archive.remove(keys[:3]) == 0
        assert archive.entries() == keys[3:]

    def test_an_archive_that_is_not_there_yet_is_empty_and_not_made_by_looking(self, archive):
        assert archive.entries() == []
        assert archive.read("SPY", "1m", [DAY]) == {}
        assert archive.remove([DayKey("SPY", "1m", DAY)]) == 0
        archive.check()
        assert not archive.folder.exists()

    def test_coverage_says_what_is_complete(self, archive):
        archive.write("SPY", "1m", {DAY: day_of(), DAY + timedelta(days=1): day_of(range(59))})
        assert [tuple(day) for day in archive.coverage("SPY", "1m")] == [
            (DAY, 60, 60, True),
            (DAY + timedelta(days=1), 59, 60, False),
        ]

    def test_a_day_is_complete_once_it_was_asked_for_half_an_hour_after_its_close(self):
        assert not day_of(asked_hours=1.4).is_complete("1m")
        assert day_of(asked_hours=1.5).is_complete("1m")
        assert not day_of(range(59)).is_complete("1m")


class TestWhatANewerAnswerReplaces:
    def test_a_day_is_replaced_whole(self):
        newer = day_of(value=2.0, asked_hours=48)
        assert same(day_of(range(50)).followed_by(newer), newer)

    def test_an_answer_with_fewer_bars_takes_nothing_away(self):
        kept = day_of().followed_by(day_of(range(30), value=2.0, asked_hours=48))
        assert same(kept, day_of(asked_hours=48))

    def test_bars_of_another_calendars_hours_stay(self):
        late = day_of(range(30, 90), value=2.0, from_minute=30, until_minute=90, asked_hours=48)
        kept = day_of().followed_by(late)
        assert kept.covers(OPEN, OPEN + 90 * MINUTE_NS)
        assert kept.bars.columns["close"].tolist() == [1.0] * 30 + [2.0] * 60
        assert (np.diff(kept.bars.starts_ns) == MINUTE_NS).all()

    def test_of_two_spans_that_do_not_touch_the_one_with_more_bars_stays(self):
        night = day_of(range(600, 610), from_minute=600, until_minute=660)
        assert same(day_of().followed_by(night), day_of())
        assert same(night.followed_by(day_of()), day_of())


def table_of(**changes):
    names = {"timestamp_utc": pd.to_datetime([OPEN], utc=True).as_unit("ns"), **{name: [1.0] for name in VALUES}}
    return pa.Table.from_pandas(pd.DataFrame({**names, **changes}), preserve_index=False)


def parquet(table):
    content = BytesIO()
    pq.write_table(table, content)
    return content.getvalue()


class Planted:
    def __reduce__(self):
        return (exec, ("raise SystemExit('a planted pickle was loaded')",))


class TestDamage:
    KEY = "yahoo/SPY/1m/2024-01-02"

    @pytest.mark.parametrize("kind", ["empty", "cut", "foreign", "flipped", "pickle", "other columns", "no span"])
    def test_a_damaged_entry_is_set_aside_and_reported_and_the_others_serve(self, archive, database, warnings, kind):
        archive.write("SPY", "1m", {DAY + timedelta(days=1): day_of()})
        ((whole,),) = database.execute("SELECT value FROM Cache WHERE key = ?", (self.KEY,)).fetchall()
        flipped = bytearray(whole)
        flipped[len(whole) // 3] ^= 0xFF
        damaged = {
            "empty": b"",
            "cut": whole[:-40],
            "foreign": b"not parquet at all",
            "flipped": bytes(flipped),
            "pickle": pickle.dumps(Planted()),
            "other columns": parquet(table_of(more=[1])),
            "no span": parquet(table_of()),
        }[kind]
        database.execute("UPDATE Cache SET value = ? WHERE key = ?", (damaged, self.KEY))

        assert set(archive.read("SPY", "1m", [DAY, DAY + timedelta(days=1)])) == {DAY + timedelta(days=1)}

        (aside,) = (archive.folder / "damaged").iterdir()
        assert aside.read_bytes() == damaged
        (said,) = warnings
        assert self.KEY in said
        assert str(aside) in said
        assert len(archive.entries()) == 1

    def test_a_planted_pickle_is_refused_unopened(self, archive, database, warnings):
        values = (4, pickle.dumps(Planted()), self.KEY)
        database.execute("UPDATE Cache SET mode = ?, value = ? WHERE key = ?", values)
        assert archive.read("SPY", "1m", [DAY]) == {}
        assert "a pickle?" in warnings[0]
        (aside,) = (archive.folder / "damaged").iterdir()
        assert aside.read_bytes() == values[1]

    def test_a_planted_pickle_in_a_file_is_refused_and_the_file_left_alone(self, archive, database, tmp_path):
        planted = tmp_path / "planted"
        planted.write_bytes(pickle.dumps(Planted()))
        for mode in (2, 3, 4):
            database.execute(
                "UPDATE Cache SET mode = ?, filename = ?, value = NULL WHERE key = ?", (mode, str(planted), self.KEY)
            )
            assert archive.read("SPY", "1m", [DAY]) == {}
            assert planted.exists()
            archive.write("SPY", "1m", {DAY: day_of()})

    def test_a_planted_pickle_as_a_key_is_passed_over(self, archive, database):
        insert = "INSERT INTO Cache (key, raw, store_time, mode, value) VALUES (?, 0, 0, 1, ?)"
        database.execute(insert, (pickle.dumps(Planted()), b""))
        assert archive.entries() == [DayKey("SPY", "1m", DAY)]

    @pytest.mark.parametrize(
        "key", ["", "x", "yahoo/SPY/1m/never", "yahoo/SPY/9m/2024-01-02", "other/SPY/1m/2024-01-02"]
    )
    def test_keys_of_others_are_passed_over(self, archive, database, key):
        with diskcache.Cache(archive.folder) as cache:
            cache[key] = b""
        assert archive.entries() == [DayKey("SPY", "1m", DAY)]

    @pytest.mark.parametrize("thing", [1, 1.5, ("a", "b"), None, b"bytes"])
    def test_keys_that_would_be_pickled_are_not_written(self, tmp_path, thing):
        with diskcache.Cache(tmp_path, disk=BytesDisk) as cache, pytest.raises(TypeError, match=r"keys .* are text"):
            cache[thing] = b""

    @pytest.mark.parametrize("thing", [1, "text", ("a", "b"), None, {}])
    def test_values_that_would_be_pickled_are_not_written(self, tmp_path, thing):
        with diskcache.Cache(tmp_path, disk=BytesDisk) as cache, pytest.raises(TypeError, match=r"values .* are bytes"):
            cache["key"] = thing

    @pytest.mark.parametrize("content", [b"no database" * 400, b"SQLite format 3\x00" + b"\x07" * 4000])
    def test_a_damaged_database_is_an_error_that_changes_nothing(self, archive, content):
        archive.folder.mkdir()
        (archive.folder / "cache.db").write_bytes(content)
        for use in (archive.entries, archive.check, lambda: archive.write("SPY", "1m", {DAY: day_of()})):
            with pytest.raises(ArchiveError, match=r"is damaged .*Nothing was changed: put back a copy"):
                use()
        assert (archive.folder / "cache.db").read_bytes() == content

    def test_a_folder_that_cannot_be_made_is_an_error_that_says_what_to_do(self, tmp_path):
        (tmp_path / "archive").write_text("a file")
        archive = DayArchive(tmp_path / "archive")
        with pytest.raises(ArchiveError, match=r"could not be written: .*disk has space.*ORB_CACHE_DIR"):
            archive.write("SPY", "1m", {DAY: day_of()})
        with pytest.raises(ArchiveError, match="could not be locked"), archive.lock("SPY", "1m"):
            pass

    def test_a_full_disk_is_an_error_and_what_was_there_stays(self, archive):
        archive.write("SPY", "1m", {DAY: day_of()})
        code = f"""
            import resource, signal
            from datetime import timedelta
            from orb_core.errors import ArchiveError
            from tests.data.test_day_archive import DAY, DayArchive, Path, day_of
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
            try:
                days = {{DAY + timedelta(days=n): day_of() for n in range(1, 500)}}
                DayArchive(Path({str(archive.folder)!r})).write("SPY", "1m", days)
            except ArchiveError as error:
                print(error)
        """
        said = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert "could not be written" in said.stdout
        assert "Nothing that was in it is lost" in said.stdout
        assert archive.entries() == [DayKey("SPY", "1m", DAY)]
        assert same(archive.read("SPY", "1m", [DAY])[DAY], day_of())


class TestLocks:
    def test_one_at_a_time_holds_the_lock_of_a_symbol(self, archive):
        with (
            archive.lock("SPY", "1m"),
            pytest.raises(ArchiveError, match=r"another process has been fetching SPY 1m for 0 s; wait .* or end it"),
            archive.lock("SPY", "1m", timeout_s=0.05),
        ):
            pass
        with archive.lock("SPY", "1m", timeout_s=0.05):
            pass

    def test_other_symbols_and_intervals_are_free(self, archive):
        with archive.lock("SPY", "1m"), archive.lock("SPY", "5m", 0.05), archive.lock("ES=F", "1m", 0.05):
            pass

    def test_who_waits_gets_the_lock(self, archive):
        order = []

        def wait():
            with archive.lock("SPY", "1m"):
                order.append("second")

        with archive.lock("SPY", "1m"):
            thread = threading.Thread(target=wait)
            thread.start()
            time.sleep(0.05)
            order.append("first")
        thread.join()
        assert order == ["first", "second"]

    def test_the_death_of_its_holder_frees_a_lock(self, archive):
        code = f"""
            import time
            from orb_core.data.day_archive import DayArchive, Path
            with DayArchive(Path({str(archive.folder)!r})).lock("SPY", "1m"):
                print("held", flush=True)
                time.sleep(60)
        """
        child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, stdout=subprocess.PIPE)
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(ArchiveError), archive.lock("SPY", "1m", timeout_s=0.05):
            pass
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        with archive.lock("SPY", "1m", timeout_s=5):
            pass


def test_a_kill_while_writing_loses_nothing_that_was_written_and_leaves_no_half_days(archive):
    code = f"""
        import itertools
        from datetime import timedelta
        from tests.data.test_day_archive import DAY, DayArchive, Path, day_of
        archive = DayArchive(Path({str(archive.folder)!r}))
        for n in itertools.count():
            archive.write("SPY", "1m", {{DAY + timedelta(days=2 * n + m): day_of() for m in (0, 1)}})
            print(n, flush=True)
    """
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, stdout=subprocess.PIPE)
    for _ in range(20):
        child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    child.wait()
    written = 20 + len(child.stdout.readlines())
    child.stdout.close()

    archive.check()
    dates = [key.session_date for key in archive.entries()]
    assert len(dates) in {2 * written, 2 * written + 2}
    assert all(same(day, day_of()) for day in archive.read("SPY", "1m", dates).values())


def test_several_days_are_joined_in_their_order():
    assert joined([]).starts_ns.size == 0
    both = joined([day_of(range(2)).bars, day_of(range(2, 4)).bars])
    assert ((both.starts_ns - OPEN) // MINUTE_NS).tolist() == [0, 1, 2, 3]
