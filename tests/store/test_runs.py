import errno
import json
import math
import os
import shutil
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.dataset as pa_dataset
import pytest

from orb_core import EventLoopBacktest, durable, load_config
from orb_core.data.synthetic import SyntheticSource
from orb_core.errors import DamagedRunError, RunExistsError, RunNotFoundError, StoreError
from orb_core.store.manifest import SCHEMA_VERSION, Notes
from orb_core.store.new_run import SymbolRun
from orb_core.store.runs import RunStore
from tests.store.made_runs import CREATED, END, LOCAL_ID, START, WARMUP_START, backtest, new_run, symbol_run

ROOT = Path(__file__).parents[2]
ROUND_THE_CLOCK = ("session.calendar=24/7", "data.warmup_sessions=2", "governance.time_cutoff=null")


class TestSaving:
    def test_a_run_is_a_folder_with_everything_about_it(self, store):
        run_id = store.save(new_run("SPY", "QQQ"))

        per_symbol = {
            f"{symbol}_{name}"
            for symbol in ("SPY", "QQQ")
            for name in (
                "trades.parquet",
                "fills.parquet",
                "stops.parquet",
                "signals.parquet",
                "sessions.parquet",
                "equity.parquet",
                "metrics.json",
                "quality.json",
            )
        }
        assert {path.name for path in (store.path / run_id).iterdir()} == per_symbol | {
            "run.json",
            "config.json",
            "notes.json",
            "run.log",
            "all_trades.parquet",
            "all_trades.csv",
            "combined_equity.parquet",
            "combined_metrics.json",
        }
        assert left_over(store) == []

    def test_a_run_is_named_after_the_moment_it_began(self, store):
        assert store.save(new_run()) == LOCAL_ID
        assert store.new_run_id(CREATED.astimezone()) == f"{LOCAL_ID}_2"

    def test_a_second_run_of_the_same_second_gets_a_number(self, store):
        ids = [store.save(new_run()) for _ in range(3)]

        assert ids == [LOCAL_ID, f"{LOCAL_ID}_2", f"{LOCAL_ID}_3"]
        assert [set(store.load(run_id).all_trades()["run_id"]) for run_id in ids] == [{run_id} for run_id in ids]
        assert [store.load(run_id).manifest.run_id for run_id in ids] == ids

    def test_a_run_id_that_exists_is_refused_and_its_run_untouched(self, store):
        store.save(new_run(run_id="mine", origin="app"))

        with pytest.raises(RunExistsError, match=r"There is a run 'mine' in .* already; choose another run id"):
            store.save(new_run(run_id="mine"))

        assert store.load("mine").manifest.origin == "app"
        assert left_over(store) == []

    @pytest.mark.parametrize("run_id", ["", "../escape", "a/b", "a b", ".hidden", "x" * 65, "tür", "run\n"])
    def test_a_run_id_cannot_be_a_path(self, store, run_id):
        with pytest.raises(StoreError, match="is no run id"):
            store.save(new_run(run_id=run_id))
        with pytest.raises(StoreError, match="is no run id"):
            store.load(run_id)

    def test_equal_runs_have_equal_bytes(self, store):
        one, other = (store.path / store.save(new_run()) for _ in range(2))

        for file in sorted(one.glob("SPY_*")):
            assert file.read_bytes() == (other / file.name).read_bytes(), file.name

    def test_json_files_are_strict(self, store):
        run = new_run(done={"SPY": symbol_run("SPY", quality={"worst": math.nan})})
        run_id = store.save(run)

        for file in (store.path / run_id).glob("*.json"):
            json.loads(file.read_text(encoding="utf-8"), parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
        assert store.load(run_id).quality("SPY") == {"worst": None}

    def test_a_symbol_may_hold_a_slash(self, store):
        run = new_run("BTC/USD", "ES=F", "^GSPC")
        run_id = store.save(run)

        assert (store.path / run_id / "BTC%2FUSD_trades.parquet").exists()
        assert (store.path / run_id / "ES=F_trades.parquet").exists()
        assert set(store.read_frame(run_id, "BTC/USD", "trades")["symbol"]) == {"BTC/USD"}
        assert store.read_frame(run_id, "^GSPC", "sessions")["symbol"].eq("^GSPC").all()

    def test_only_results_of_the_engine_can_be_saved(self):
        with pytest.raises(TypeError, match="made of BacktestResults, not of a DataFrame"):
            symbol_run("SPY", result=pd.DataFrame({"realized_r": [99.0]}))


class TestWhatAManifestSays:
    def test_totals_are_those_of_the_trades_under_both_policies(self, store):
        run = new_run("SPY", "QQQ")
        manifest = store.load(store.save(run)).manifest

        for symbol in ("SPY", "QQQ"):
            of_symbol = run.done[symbol]
            totals = manifest.symbols[symbol].totals
            assert totals.total_r == totals.total_r_conservative
            assert totals.total_r == pytest.approx(of_symbol.result.trades["realized_r"].sum())
            assert totals.total_r_optimistic == pytest.approx(of_symbol.other_policy.trades["realized_r"].sum())
            assert totals.trades == len(of_symbol.result.trades)
        assert manifest.totals.trades == sum(manifest.symbols[symbol].totals.trades for symbol in run.symbols)
        assert manifest.equity_r[-1] == pytest.approx(manifest.totals.total_r, abs=1e-3)

    def test_where_no_fill_is_unclear_the_two_totals_are_equal_to_the_last_digit(self, store):
        alike = {
            symbol: symbol_run(
                symbol, other_policy=replace(backtest(symbol)[0], config=backtest(symbol, "optimistic")[0].config)
            )
            for symbol in ("SPY", "QQQ", "IWM")
        }
        totals = store.load(store.save(new_run(*alike, done=alike))).manifest.totals

        assert totals.total_r == totals.total_r_conservative == totals.total_r_optimistic

    @pytest.mark.parametrize(
        ("symbols", "done", "failed", "status"),
        [
            (("SPY",), ("SPY",), (), "complete"),
            (("SPY", "BAD"), ("SPY",), ("BAD",), "partial"),
            (("BAD",), (), ("BAD",), "failed"),
            (("SPY", "QQQ"), ("SPY",), (), "cancelled"),
        ],
    )
    def test_status_says_how_the_symbols_fared(self, store, symbols, done, failed, status):
        run = new_run(
            symbols=symbols,
            done={symbol: symbol_run(symbol) for symbol in done},
            failed=dict.fromkeys(failed, "no bars from Mars"),
        )
        manifest = store.load(store.save(run)).manifest

        assert manifest.status == status
        assert manifest.failures == dict.fromkeys(failed, "no bars from Mars")
        assert [manifest.symbols[symbol].status for symbol in symbols if symbol not in (*done, *failed)] == [
            "cancelled"
        ] * (len(symbols) - len(done) - len(failed))

    def test_a_run_without_a_result_still_says_what_was_asked(self, store):
        run_id = store.save(new_run(symbols=("BAD",), done={}, failed={"BAD": "no bars"}))
        run = store.load(run_id)

        assert run.manifest.totals is None
        assert run.all_trades().empty
        assert run.config == new_run().config
        with pytest.raises(StoreError, match="has no results for BAD: no bars"):
            run.frame("BAD", "trades")

    def test_config_json_holds_what_it_takes_to_run_again(self, store):
        run = new_run("SPY", flags={"workers": 2})
        stored = store.load(store.save(run))

        assert stored.config == run.config
        assert stored.request["symbols"] == ["SPY"]
        assert (stored.request["start"], stored.request["end"]) == ("2024-01-29", "2024-02-02")
        assert stored.request["source"] == {"kind": "synthetic", "seed": 0}
        assert stored.request["flags"] == {"workers": 2}
        assert stored.manifest.changed == {"data.warmup_sessions": 2}

    def test_it_names_the_code_that_made_it(self, store):
        manifest = store.load(store.save(new_run())).manifest

        assert manifest.schema_version == SCHEMA_VERSION
        assert {"python", "numpy", "numba", "exchange_calendars"} <= set(manifest.packages)
        assert manifest.created_utc == CREATED

    def test_a_symbols_equity_is_the_capital_and_its_own_pnl(self, store):
        run_id = store.save(new_run("SPY", "QQQ"))
        trades = store.load(run_id).all_trades()

        for symbol in ("SPY", "QQQ"):
            equity = store.read_frame(run_id, symbol, "equity")["equity"]
            assert equity.iloc[-1] == pytest.approx(100_000 + trades.loc[trades["symbol"] == symbol, "pnl"].sum())

    def test_all_trades_tell_the_time_on_the_exchanges_wall(self, store):
        trades = store.load(store.save(new_run())).all_trades()

        utc = trades["entry_timestamp"].dt.tz_localize(None)
        assert (utc - trades["entry_local"]).eq(pd.Timedelta(hours=5)).all()
        assert trades["entry_timestamp"].is_monotonic_increasing


class TestWhenTheDiskFails:
    @pytest.mark.parametrize("nth", [1, 2, 5, 14, 17])
    def test_a_disk_that_fills_up_leaves_nothing_behind(self, store, monkeypatch, nth):
        store.save(new_run(run_id="before"))
        calls = iter(range(1, 1000))

        def write(path, content, real=durable.write):
            if next(calls) == nth:
                path.write_bytes(content[:10])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            real(path, content)

        monkeypatch.setattr(durable, "write", write)
        with pytest.raises(StoreError, match=r"cannot be written: No space left on device\. Free space there"):
            store.save(new_run(run_id="full"))

        assert [line.run_id for line in store.list()] == ["before"]
        assert left_over(store) == []

    def test_a_write_that_the_system_cuts_short_is_an_error_not_a_short_file(self, tmp_path):
        code = f"""
import resource, signal
from pathlib import Path
from orb_core import durable
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
durable.replace(Path({str(tmp_path)!r}) / "notes.json", bytes(2000))
"""
        (tmp_path / "notes.json").write_text("old")
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

        assert "File too large" in done.stderr
        assert (tmp_path / "notes.json").read_text() == "old"
        assert [path.name for path in tmp_path.iterdir()] == ["notes.json"]

    def test_a_file_where_the_folder_should_be_is_named(self, tmp_path):
        (tmp_path / "runs").write_text("")
        store = RunStore(tmp_path / "runs")

        for attempt in (lambda: store.save(new_run()), store.check_can_save, store.list):
            with pytest.raises(StoreError, match=r"runs cannot be (written|read): "):
                attempt()

    def test_a_folder_that_cannot_be_written_is_found_before_any_work(self, store, monkeypatch):
        def mkdir(path, *args, **kwargs):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

        monkeypatch.setattr(Path, "mkdir", mkdir)
        with pytest.raises(StoreError, match="cannot be written: Permission denied"):
            store.check_can_save()

    def test_trying_a_folder_leaves_no_trace_in_it(self, store):
        store.check_can_save("mine")

        assert list(store.path.iterdir()) == []

    def test_a_run_id_that_exists_is_found_before_any_work(self, store):
        store.save(new_run(run_id="mine"))

        with pytest.raises(RunExistsError):
            store.check_can_save("mine")

    def test_an_interrupt_leaves_nothing_behind(self, store, monkeypatch):
        def interrupted(handle):
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.save(new_run())

        assert store.list() == []
        assert left_over(store) == []

    def test_a_process_killed_while_saving_leaves_only_what_a_later_start_removes(self, store, tmp_path):
        store.save(new_run(run_id="before"))
        kept = {path.name for path in (store.path / ".bars").iterdir()}
        process = start(
            store.path,
            f"""
            write = durable.write
            def write_until_killed(path, content):
                if path.name == "all_trades.csv":  # nearly everything else is there
                    Path({str(tmp_path)!r}, "reached").touch()
                    time.sleep(60)
                write(path, content)
            durable.write = write_until_killed
            store.save(new_run("QQQ", run_id="killed"))
            """,
        )
        wait_for(tmp_path / "reached", process)
        process.kill()
        process.communicate()

        assert [line.run_id for line in RunStore(store.path).list()] == ["before"]
        (unfinished,) = left_over(store)
        assert {path.name for path in (store.path / ".bars").iterdir()} > kept

        age(store.path / unfinished, days=1.1)
        RunStore(store.path)
        assert left_over(store) == []
        assert {path.name for path in (store.path / ".bars").iterdir()} == kept
        assert store.save(new_run("QQQ", run_id="killed")) == "killed"

    def test_an_unfinished_save_is_left_alone_for_a_day(self, store):
        unfinished = store.path / ".tmp-of-another-process"
        unfinished.mkdir(parents=True)
        age(unfinished, days=0.9)

        RunStore(store.path)

        assert unfinished.is_dir()


class TestTwoAtOnce:
    def test_two_processes_that_save_in_the_same_second_get_different_ids(self, store, tmp_path):
        code = f"""
            Path({str(tmp_path)!r}, f"ready-{{os.getpid()}}").touch()
            while not Path({str(tmp_path)!r}, "go").exists():
                time.sleep(0.001)
            print(*[store.save(new_run()) for _ in range(5)])
            """
        processes = [start(store.path, code) for _ in range(2)]
        for process in processes:
            wait_for(tmp_path / f"ready-{process.pid}", process)
        (tmp_path / "go").touch()
        ids = [run_id for process in processes for run_id in finished(process).split()]

        assert sorted(ids) == sorted([LOCAL_ID, *(f"{LOCAL_ID}_{n}" for n in range(2, 11))])
        assert sorted(line.run_id for line in store.list()) == sorted(ids)
        for run_id in ids:
            assert set(store.load(run_id).all_trades()["run_id"]) == {run_id}
            assert len(store.bars(run_id, "SPY")) == len(new_run().done["SPY"].bars)

    def test_an_id_taken_while_its_run_is_being_written_is_not_overwritten(self, store, monkeypatch):
        other = RunStore(store.path)
        sync_folder = durable.sync_folder

        def overtaken(path):
            monkeypatch.setattr(durable, "sync_folder", sync_folder)
            other.save(new_run(origin="the faster"))
            sync_folder(path)

        monkeypatch.setattr(durable, "sync_folder", overtaken)

        assert store.save(new_run(origin="the slower")) == f"{LOCAL_ID}_2"
        assert store.load(LOCAL_ID).manifest.origin == "the faster"

    def test_the_name_of_a_folder_no_run_lies_in_is_taken_too(self, store):
        (store.path / LOCAL_ID).mkdir(parents=True)

        assert store.save(new_run()) == f"{LOCAL_ID}_2"
        assert list((store.path / LOCAL_ID).iterdir()) == []


class TestListing:
    def test_a_folder_that_does_not_exist_holds_no_runs(self, store):
        assert store.list() == []
        assert not store.path.exists()

    def test_the_newest_comes_first(self, store):
        for day in (2, 1, 3):
            store.save(new_run(run_id=f"day_{day}", created=CREATED + pd.Timedelta(days=day)))

        assert [line.run_id for line in store.list()] == ["day_3", "day_2", "day_1"]

    @pytest.mark.parametrize("target", ["loop", "nowhere"])
    def test_a_link_that_leads_nowhere_is_no_run_and_hides_none(self, store, target):
        run_id = store.save(new_run())
        (store.path / "loop").symlink_to(target)
        assert [line.run_id for line in store.list()] == [run_id]

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (None, "has no run.json: it is not a run, or not all of one"),
            (b"", "bad/run.json is damaged, or was copied only in part"),
            (b"[]", "run.json is damaged"),
            (b'{"schema_version": 1}', "run.json is not that of a run: created_utc, status, symbols missing or wrong"),
            (b'{"schema_version": 99}', "saved by a newer ORB Confluence (schema_version 99; this one reads up to 1)"),
            (b'{"schema_version": "99"}', "run.json is not that of a run"),
            (b"{}", "run.json is not that of a run"),
            (b"\xff\xfe{}", "run.json is damaged"),
        ],
    )
    def test_a_damaged_or_foreign_folder_is_listed_with_its_reason(self, store, content, reason):
        store.save(new_run(run_id="good"))
        (store.path / "bad").mkdir()
        if content is not None:
            (store.path / "bad" / "run.json").write_bytes(content)

        good, bad = store.list()

        assert (good.run_id, good.status, good.reason) == ("good", "complete", None)
        assert (bad.run_id, bad.status, bad.manifest) == ("bad", "unreadable", None)
        assert reason in bad.reason
        with pytest.raises(DamagedRunError):
            store.load("bad")

    def test_a_manifest_that_cannot_be_read_is_listed_with_its_reason(self, store):
        (store.path / "bad" / "run.json").mkdir(parents=True)

        (bad,) = store.list()

        assert bad.reason == "bad/run.json cannot be read: Is a directory"

    def test_files_and_hidden_folders_are_no_runs(self, store):
        store.save(new_run(run_id="good"))
        (store.path / "backtest_run.log").write_text("")
        (store.path / ".tmp-x").mkdir()

        assert [line.run_id for line in store.list()] == ["good"]

    def test_a_copied_run_goes_by_the_name_of_its_folder(self, store):
        store.save(new_run(run_id="first"))
        shutil.copytree(store.path / "first", store.path / "copy")

        assert sorted(line.manifest.run_id for line in store.list()) == ["copy", "first"]


class TestReading:
    def test_a_run_that_is_not_there_is_named(self, store):
        for attempt in (store.load, store.annotate, store.delete):
            with pytest.raises(RunNotFoundError, match="There is no run 'gone' in"):
                attempt("gone")

    def test_a_symbol_or_table_that_is_not_there_is_answered_with_those_that_are(self, store):
        run_id = store.save(new_run("SPY", "QQQ"))

        with pytest.raises(StoreError, match="has no symbol 'IWM'; it has SPY, QQQ"):
            store.read_frame(run_id, "IWM", "trades")
        with pytest.raises(StoreError, match=r"has no symbol '\.\./SPY'"):
            store.read_frame(run_id, "../SPY", "trades")
        with pytest.raises(StoreError, match="no table 'orders'; it has trades, fills"):
            store.read_frame(run_id, "SPY", "orders")

    def test_a_damaged_table_is_named(self, store):
        run_id = store.save(new_run())
        (store.path / run_id / "SPY_trades.parquet").write_bytes(b"PAR1 but not really")
        (store.path / run_id / "SPY_fills.parquet").unlink()
        (store.path / run_id / "SPY_metrics.json").write_text("{")

        with pytest.raises(DamagedRunError, match=r"SPY_trades\.parquet cannot be read"):
            store.read_frame(run_id, "SPY", "trades")
        with pytest.raises(DamagedRunError, match=r"SPY_fills\.parquet cannot be read"):
            store.read_frame(run_id, "SPY", "fills")
        with pytest.raises(DamagedRunError, match=r"SPY_metrics\.json is damaged"):
            store.load(run_id).metrics("SPY")


class TestReadingByOtherTools:
    def test_the_trades_of_all_runs_read_as_one_table_whatever_their_exchange(self, store):
        config = load_config(overrides=ROUND_THE_CLOCK)
        bars = SyntheticSource(config.session).fetch("BTC-USD", WARMUP_START, END, "1m")
        result, other_policy = (
            EventLoopBacktest(load_config(overrides=[*ROUND_THE_CLOCK, f"execution.ambiguity={policy}"])).run(
                bars, "BTC-USD", START, END
            )
            for policy in ("conservative", "optimistic")
        )
        done = {"BTC-USD": SymbolRun(result, other_policy, bars, {})}
        store.save(new_run(run_id="stocks"))
        store.save(new_run("BTC-USD", run_id="coins", config=result.config, done=done))

        files = sorted(map(str, store.path.glob("*/all_trades.parquet")))
        trades = pa_dataset.dataset(files).to_table().to_pandas()

        assert trades.groupby("run_id", observed=True).size().to_dict() == {
            run_id: len(store.load(run_id).all_trades()) for run_id in ("stocks", "coins")
        }
        assert trades["entry_local"].dt.tz is None

    def test_pandas_alone_reads_a_table(self, store):
        run_id = store.save(new_run())
        trades = pd.read_parquet(store.path / run_id / "SPY_trades.parquet")

        assert trades["session_date"].iloc[0].isoformat() == "2024-01-29"
        assert str(trades["entry_timestamp"].dt.tz) == "UTC"
        assert set(trades["direction"]) <= {"long", "short"}


class TestNotes:
    def test_a_new_run_has_none(self, store):
        assert store.load(store.save(new_run())).notes == Notes()

    def test_what_is_not_named_stays(self, store):
        run_id = store.save(new_run())
        store.annotate(run_id, title="Wide <b>ranges</b>", tags=["or30", "spy"], starred=True)
        store.annotate(run_id, note="too good to be true")

        expected = Notes(title="Wide <b>ranges</b>", tags=("or30", "spy"), note="too good to be true", starred=True)
        assert store.load(run_id).notes == expected
        assert store.list()[0].notes == expected

    def test_each_can_be_taken_back(self, store):
        run_id = store.save(new_run())
        store.annotate(run_id, title="x", tags=["x"], note="x", starred=True)

        assert store.annotate(run_id, title="", tags=[], note="", starred=False) == Notes(title="")

    def test_damaged_notes_hide_no_run_and_are_replaced_by_new_ones(self, store):
        run_id = store.save(new_run())
        (store.path / run_id / "notes.json").write_text("{")

        (line,) = store.list()
        assert (line.status, line.notes) == ("complete", Notes())
        assert "notes.json is damaged" in line.reason
        assert store.annotate(run_id, title="again").title == "again"
        assert store.list()[0].reason is None

    def test_notes_that_cannot_be_written_leave_the_old_ones(self, store, monkeypatch):
        run_id = store.save(new_run())
        store.annotate(run_id, title="old")

        def full(handle):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(StoreError, match="No space left on device"):
                store.annotate(run_id, title="new")

        assert store.load(run_id).notes.title == "old"


def start(runs, code):
    """Start a Python process with a store of its own."""
    prelude = f"""
import os, time
from pathlib import Path
from orb_core import durable
from orb_core.store.runs import RunStore
from tests.store.made_runs import END, START, WARMUP_START, new_run
store = RunStore({str(runs)!r})
"""
    return subprocess.Popen(
        [sys.executable, "-c", prelude + textwrap.dedent(code)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(file, process):
    deadline = time.monotonic() + 60
    while not file.exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def finished(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


def left_over(store):
    return [path.name for path in store.path.iterdir() if path.name.startswith(".tmp-")]


def age(folder, days):
    os.utime(folder, (time.time() - days * 86_400,) * 2)
