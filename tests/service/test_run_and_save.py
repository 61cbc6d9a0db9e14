import re
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from loguru import logger

from orb_core import load_config, service
from orb_core.data.synthetic import SyntheticSource
from orb_core.errors import (
    CancelledError,
    ConfigError,
    DamagedRunError,
    NoSessionsError,
    OrbError,
    RunExistsError,
    StoreError,
    SymbolError,
)
from orb_core.service import RunRequest, SourceSpec
from orb_core.store import new_run

START, END = date(2024, 1, 29), date(2024, 2, 2)
SYNTHETIC = SourceSpec("synthetic")


@pytest.fixture
def store():
    return service.default_store()


@pytest.fixture(autouse=True)
def silent_console():
    logger.remove()


def request(*symbols, settings=(), **changes):
    config = load_config(overrides=["data.warmup_sessions=2", *settings])
    return replace(RunRequest(config, symbols or ("SPY",), START, END, SYNTHETIC), **changes)


def bars(symbol="SPY"):
    return SyntheticSource(load_config().session).fetch(symbol, date(2024, 1, 25), END, "1m")


def folder_of_bars(path, *symbols):
    path.mkdir(exist_ok=True)
    for symbol in symbols:
        bars(symbol).to_csv(path / f"{symbol}_1m.csv", index=False)
    return SourceSpec("file", path=path)


def run_again(run_id, store):
    return service.run_and_save(service.request_again(run_id, store), store)


class TestARun:
    def test_a_run_is_saved_with_the_results_the_engine_gave(self, store):
        manifest = service.run_and_save(request("SPY", "QQQ"), store)
        run = store.load(manifest.run_id)

        assert manifest.status == "complete"
        assert list(manifest.symbols) == ["SPY", "QQQ"]
        assert manifest.totals.trades == len(run.all_trades()) > 0
        assert run.metrics("SPY")["sessions"] == 5
        assert run.quality("SPY")["bars_used"] == len(run.bars("SPY")) == 7 * 390
        assert {"fetch", "backtest", "save"} <= set(manifest.seconds)

    def test_each_symbol_and_the_whole_are_summed_up_once(self, store, monkeypatch):
        summed_up, summary = [], new_run.summary
        monkeypatch.setattr(new_run, "summary", lambda *of, **more: (summed_up.append(of), summary(*of, **more))[1])

        service.run_and_save(request("SPY", "QQQ"), store, reuse=True)

        assert len(summed_up) == 3

    def test_the_store_of_the_environment_is_the_default(self, runs_dir):
        service.run_and_save(request(run_id="here"), service.default_store())

        assert (runs_dir / "here" / "run.json").exists()

    def test_without_one_it_lies_beside_the_project(self, monkeypatch):
        monkeypatch.delenv("ORB_RUNS_DIR")
        monkeypatch.delenv("ORB_CACHE_DIR")
        root = Path(service.__file__).parents[1]

        assert (service.default_store().path, request().cache_dir) == (root / "runs", root / "cache")

    def test_symbols_are_mended_and_it_is_said(self, store):
        manifest = service.run_and_save(request("spy", "SPY"), store)

        assert list(manifest.symbols) == ["SPY"]
        assert manifest.warnings == ("spy is read as SPY", "SPY was given more than once; it runs once")

    def test_both_policies_are_run_whichever_is_configured(self, store):
        one = service.run_and_save(request(), store).totals
        other = service.run_and_save(request(settings=["execution.ambiguity=optimistic"]), store).totals

        assert (one.total_r, other.total_r) == (one.total_r_conservative, other.total_r_optimistic)
        assert (one.total_r_optimistic, other.total_r_conservative) == (other.total_r, one.total_r)

    def test_progress_counts_every_symbol_through_every_step(self, store):
        steps = []
        service.run_and_save(request("SPY", "QQQ", workers=1), store, on_progress=steps.append)

        assert [(step.step, step.done, step.total) for step in steps if step.step == "fetch"] == [
            ("fetch", 1, 2),
            ("fetch", 2, 2),
        ]
        assert [(step.step, step.symbol, step.done) for step in steps if step.step == "backtest"] == [
            ("backtest", "SPY", 1),
            ("backtest", "QQQ", 2),
        ]
        assert [(step.step, step.done, step.total) for step in steps[-2:]] == [("save", 0, 1), ("save", 1, 1)]

    def test_its_log_holds_its_own_lines_and_no_other_runs(self, store):
        def run(symbol):
            return service.run_and_save(request(symbol, run_id=symbol), store)

        threads = [threading.Thread(target=run, args=(symbol,)) for symbol in ("SPY", "QQQ")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        for symbol, other in (("SPY", "QQQ"), ("QQQ", "SPY")):
            log = (store.path / symbol / "run.log").read_text(encoding="utf-8")
            assert f"{symbol}: 2,730 bars" in log
            assert other not in log

    def test_the_same_once_more_is_the_run_that_is_there(self, store):
        first = service.run_and_save(request(), store, reuse=True)
        again = service.run_and_save(request(), store, reuse=True)
        other = service.run_and_save(request(settings=["trade.t1_r=0.9"]), store, reuse=True)

        assert again == first
        assert other.run_id != first.run_id
        assert service.run_and_save(request(), store).run_id not in (first.run_id, other.run_id)

    def test_of_several_like_it_the_newest_is_the_same_and_damaged_ones_are_none(self, store):
        older = service.run_and_save(request(), store)
        newer = service.run_and_save(request(), store)
        service.run_and_save(request(settings=["orb.base_minutes=30"]), store)
        assert service.run_and_save(request(), store, reuse=True).run_id == newer.run_id

        manifest = store.path / newer.run_id / "run.json"
        manifest.write_text(manifest.read_text(encoding="utf-8")[:-20], encoding="utf-8")
        assert service.run_and_save(request(), store, reuse=True).run_id == older.run_id

    def test_looking_for_the_same_run_reads_no_manifest_of_another(self, store, monkeypatch):
        same = service.run_and_save(request(), store)
        service.run_and_save(request(settings=["orb.base_minutes=30"]), store)
        read, summary = [], store.summary
        monkeypatch.setattr(type(store), "summary", lambda _, name: read.append(name) or summary(name))
        assert service.run_and_save(request(), store, reuse=True) == same
        assert read == [same.run_id]


class TestWhatIsWrongWithARequest:
    @pytest.mark.parametrize(
        ("changes", "error", "message"),
        [
            ({"start": END, "end": START}, ConfigError, "`start` is 2024-02-02, after `end` 2024-01-29; swap them"),
            ({"start": date(2024, 1, 27), "end": date(2024, 1, 28)}, NoSessionsError, "holds no session of XNYS"),
            ({"end": date(2999, 1, 1)}, ConfigError, "reaches into it, where no bars are"),
            ({"start": date(2998, 1, 1), "end": date(2999, 1, 1)}, ConfigError, "lies in the future"),
            ({"symbols": ("../x",)}, SymbolError, r"'\.\./x' cannot be a symbol"),
            ({"symbols": ("CON",)}, SymbolError, "'CON' cannot be a symbol"),
            ({"symbols": ("",)}, SymbolError, "no symbol was given"),
            ({"symbols": ("X" * 33,)}, SymbolError, "cannot be a symbol: it takes 1 to 32 characters"),
            ({"source": SourceSpec("file")}, ConfigError, "without a file; name it"),
            ({"run_id": "../x"}, StoreError, "is no run id"),
        ],
    )
    def test_it_is_refused_before_anything_is_done(self, store, changes, error, message):
        with pytest.raises(error, match=message):
            service.run_and_save(request(**changes), store)
        assert store.list() == []

    def test_a_run_id_that_exists_is_refused_before_anything_is_done(self, store):
        service.run_and_save(request(run_id="mine"), store)

        with pytest.raises(RunExistsError):
            service.run_and_save(request(run_id="mine"), store, on_progress=pytest.fail)

    def test_today_is_no_future_anywhere_on_earth(self, store):
        today = datetime.now(UTC).date()
        manifest = service.run_and_save(request(start=today - timedelta(days=10), end=today), store)

        assert manifest.end == today


class TestPartialFailure:
    def test_one_bad_symbol_does_not_keep_the_others_from_being_saved(self, store, tmp_path):
        source = folder_of_bars(tmp_path / "bars", "SPY", "QQQ")
        manifest = service.run_and_save(request("SPY", "GONE", "QQQ", source=source), store)
        run = store.load(manifest.run_id)

        assert manifest.status == "partial"
        assert list(manifest.failures) == ["GONE"]
        assert "GONE" in manifest.failures["GONE"]
        assert set(run.all_trades()["symbol"]) == {"SPY", "QQQ"}
        assert "GONE failed: " in (run.folder / "run.log").read_text(encoding="utf-8")

    def test_a_run_of_which_all_symbols_failed_says_so(self, store, tmp_path):
        source = folder_of_bars(tmp_path / "bars", "SPY")
        manifest = service.run_and_save(request("GONE", "LOST", source=source), store)

        assert manifest.status == "failed"
        assert list(manifest.failures) == ["GONE", "LOST"]
        assert [line.status for line in store.list()] == ["failed"]

    def test_bars_of_other_days_are_that_symbols_error(self, store, tmp_path):
        source = folder_of_bars(tmp_path / "bars", "SPY")
        manifest = service.run_and_save(request(source=source, start=date(2023, 5, 1), end=date(2023, 5, 5)), store)

        assert manifest.status == "failed"

    def test_a_fault_of_the_program_is_not_taken_for_a_failed_symbol(self, store, monkeypatch):
        def broken(*_args):
            raise RuntimeError("a bug")

        monkeypatch.setattr(SyntheticSource, "fetch", broken)
        with pytest.raises(RuntimeError, match="a bug"):
            service.run_and_save(request(), store)
        assert store.list() == []


class TestCancelling:
    def test_what_is_finished_by_then_is_saved(self, store):
        finished = []
        manifest = service.run_and_save(
            request("SPY", "QQQ", "IWM", workers=1),
            store,
            on_progress=finished.append,
            is_cancelled=lambda: len(finished) >= 2,  # one symbol is through both steps
        )

        assert manifest.status == "cancelled"
        assert [record.status for record in manifest.symbols.values()] == ["complete", "cancelled", "cancelled"]
        assert store.load(manifest.run_id).symbols == ("SPY",)

    def test_with_nothing_finished_nothing_is_saved(self, store):
        with pytest.raises(CancelledError, match="nothing was saved"):
            service.run_and_save(request(), store, is_cancelled=lambda: True)
        assert store.list() == []
        assert list(store.path.iterdir()) == []


class TestRunningAgain:
    def test_a_run_on_its_stored_bars_gives_the_same_bytes(self, store, tmp_path):
        source = folder_of_bars(tmp_path / "bars", "SPY", "QQQ")
        first = service.run_and_save(request("SPY", "QQQ", source=source, settings=["orb.base_minutes=10"]), store)
        for file in source.path.iterdir():
            file.unlink()

        again = run_again(first.run_id, store)

        assert again.rerun_of == first.run_id
        assert again.run_id != first.run_id
        assert again.config_hash == first.config_hash
        for file in (store.path / first.run_id).glob("[SQ]*_*"):
            assert file.read_bytes() == (store.path / again.run_id / file.name).read_bytes(), file.name

    def test_a_run_whose_source_is_installed_no_more_has_its_bars(self, store):
        run_id = service.run_and_save(request(), store).run_id
        asked = store.path / run_id / "config.json"
        asked.write_text(asked.read_text().replace("synthetic", "gone"))

        assert run_again(run_id, store).status == "complete"
        with pytest.raises(ConfigError, match="There is no source 'gone'"):
            service.run_and_save(request(source=SourceSpec("gone")), store)

    def test_a_symbol_that_had_no_bars_then_has_none_now(self, store, tmp_path):
        source = folder_of_bars(tmp_path / "bars", "SPY")
        first = service.run_and_save(request("SPY", "GONE", source=source), store)
        again = run_again(first.run_id, store)

        assert again.status == "partial"
        assert first.failures["GONE"] in again.failures["GONE"]

    def test_bars_that_are_damaged_by_now_are_that_symbols_error(self, store):
        first = service.run_and_save(request(), store)
        for chunk in (store.path / ".bars").iterdir():
            chunk.write_bytes(b"")

        assert "cannot be read" in run_again(first.run_id, store).failures["SPY"]

    def test_a_request_that_cannot_be_read_is_a_damaged_run(self, store):
        run_id = service.run_and_save(request(), store).run_id
        (store.path / run_id / "config.json").write_text("{}")

        with pytest.raises(DamagedRunError, match=r"config\.json does not hold a request"):
            run_again(run_id, store)


class TestWarnings:
    def test_zero_trades_are_explained_by_ranges_and_refusals(self, store):
        manifest = service.run_and_save(request(settings=["governance.time_cutoff='09:31'"]), store)

        (warning,) = manifest.symbols["SPY"].warnings
        assert warning.startswith("SPY: no trades in 5 sessions. Opening ranges: 5 × Tradable. ")
        assert re.search(r"Breakouts refused: \d+ × After the entry cutoff$", warning)
        assert manifest.status == "complete"

    def test_zero_trades_without_a_candidate_are_explained_too(self, store):
        manifest = service.run_and_save(request(settings=["orb.max_atr_mult=0.081"]), store)

        assert (
            manifest.symbols["SPY"]
            .warnings[0]
            .endswith("no trades in 5 sessions. Opening ranges: 5 × The opening range was too wide. No breakout came")
        )

    @pytest.fixture
    def holes(self, tmp_path):
        """Bars without 09:33 on 30 January, and without the first of February."""
        stamps = bars()["timestamp_utc"].dt.tz_convert("America/New_York")
        gone = (stamps == pd.Timestamp("2024-01-30 09:33", tz="America/New_York")) | (
            stamps.dt.date == date(2024, 2, 1)
        )
        bars()[~gone].to_csv(tmp_path / "SPY.csv", index=False)
        return SourceSpec("file", path=tmp_path / "SPY.csv")

    def test_sessions_without_bars_are_named(self, store, holes):
        manifest = service.run_and_save(request(source=holes), store)

        assert "SPY: no bars in 1 of 5 sessions (2024-02-01)" in manifest.symbols["SPY"].warnings

    @pytest.mark.parametrize(("how", "rest"), [("warn", ""), ("skip", "; these sessions are left out")])
    def test_thin_opening_ranges_are_named_when_asked(self, store, holes, how, rest):
        manifest = service.run_and_save(
            request(source=holes, settings=[f"data.validate_or={how}", "orb.adaptive=false"]), store
        )
        run = store.load(manifest.run_id)

        expected = f"SPY: minutes are missing in the opening range of 1 of 5 sessions (2024-01-30){rest}"
        assert expected in manifest.symbols["SPY"].warnings
        log = (run.folder / "run.log").read_text(encoding="utf-8")
        assert "SPY 2024-01-30: the opening range has 14 of 15 bars" in log
        states = run.frame("SPY", "sessions").set_index("session_date")["or_state"]
        assert (states.loc["2024-01-30"] == "incomplete") == (how == "skip")

    def test_what_the_bars_are_suspected_of_is_said_beside_the_results_also_of_a_repeated_run(self, store, tmp_path):
        suspect = bars()
        suspect.loc[suspect.index[2000:2010], "volume"] = 0.0
        suspect.to_csv(tmp_path / "SPY.csv", index=False)
        first = service.run_and_save(request(source=SourceSpec("file", path=tmp_path / "SPY.csv")), store)

        said = [line for line in first.symbols["SPY"].warnings if "volume 0 although the price moved" in line]
        assert len(said) == 1
        assert said[0].startswith("SPY: ")
        assert run_again(first.run_id, store).symbols["SPY"].warnings == first.symbols["SPY"].warnings

    def test_thin_opening_ranges_are_not_looked_for_unasked(self, store, holes):
        assert not any(
            "minutes are missing" in warning
            for warning in service.run_and_save(request(source=holes), store).symbols["SPY"].warnings
        )


class TestCache:
    def test_bars_are_kept_and_used_again(self, store, tmp_path):
        source = folder_of_bars(tmp_path / "bars", "SPY")
        asked = request(source=source, use_cache=True, cache_dir=tmp_path / "cache")
        first = service.run_and_save(asked, store)
        again = service.run_and_save(asked, store)

        assert [path.name for path in (tmp_path / "cache").iterdir()] == ["SPY_2024-01-29_2024-02-02.parquet"]
        assert again.symbols["SPY"].fingerprint == first.symbols["SPY"].fingerprint
        assert "bars from" in (store.path / again.run_id / "run.log").read_text(encoding="utf-8")


def test_every_error_a_request_can_meet_is_of_the_one_family():
    assert issubclass(CancelledError, OrbError)
    assert issubclass(StoreError, OrbError)
