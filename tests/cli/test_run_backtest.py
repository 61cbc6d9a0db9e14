import errno
import json
import os
import pty
import re
import signal
import subprocess
import sys
import textwrap
import time
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from loguru import logger

import run_backtest
from orb_core import load_config
from orb_core.config import places
from orb_core.data.synthetic import SyntheticSource
from orb_core.store.own_presets import save_preset
from orb_core.store.runs import RunStore

ROOT = Path(__file__).parents[2]
WEEK = ("--start", "2024-01-29", "--end", "2024-02-02", "--set", "data.warmup_sessions=2")
SPY = ("--symbols", "SPY", *WEEK)
MADE_UP = (*SPY, "--synthetic")


@pytest.fixture(autouse=True)
def no_log_left_open():
    yield
    logger.remove()


@pytest.fixture
def store(runs_dir):
    return RunStore(runs_dir)


@pytest.fixture
def bars(tmp_path):
    """A folder with bars of SPY and QQQ."""
    folder = tmp_path / "bars"
    folder.mkdir()
    for symbol in ("SPY", "QQQ"):
        frame = SyntheticSource(load_config().session).fetch(symbol, date(2024, 1, 25), date(2024, 2, 2), "1m")
        frame.to_csv(folder / f"{symbol}.csv", index=False)
    return folder


def usage_error(capsys, *arguments):
    """What a command line that is used wrongly is answered with."""
    with pytest.raises(SystemExit) as stopped:
        run_backtest.main(list(arguments))
    assert stopped.value.code == 2
    return capsys.readouterr().err


def spawn(*arguments, code=None, **kwargs):
    """Start the command line as a process of its own, after `code` if given."""
    script = ["run_backtest.py"] if code is None else ["-c", textwrap.dedent(code)]
    return subprocess.Popen([sys.executable, *script, *arguments], cwd=ROOT, text=True, **kwargs)


@pytest.mark.parametrize(("name", "of_the_app"), [("runs", places.runs_path), ("cache", places.cache_path)])
def test_its_folders_are_those_of_the_app_wherever_it_is_called(monkeypatch, tmp_path, name, of_the_app):
    monkeypatch.delenv(f"ORB_{name.upper()}_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    assert run_backtest.folder(name) == of_the_app()
    monkeypatch.chdir(ROOT)
    assert run_backtest.folder(name) == Path(name)


class TestWhatIsShown:
    def test_a_run_is_shown_in_plain_lines_where_there_is_no_terminal(self, capsys, store):
        assert run_backtest.main(["--symbols", "SPY", "QQQ", *WEEK, "--synthetic", "--run-id", "mine"]) == 0

        shown = capsys.readouterr()
        lines = [line.rstrip() for line in shown.out.splitlines()]
        for line in (
            "ORB Confluence Strategy - Backtest Runner",
            "Run ID: mine",
            "Backtest Summary",
            "Per-Symbol Results",
            "Aggregated Results",
            "Backtest Complete",
            f"Results: {store.path / 'mine'}",
            "Look at it: streamlit run streamlit_app.py",
        ):
            assert line in lines
        assert re.search(r"^Symbol +Trades +Win Rate +Total R .* Sharpe$", shown.out, re.MULTILINE)
        totals = store.load("mine").manifest.totals
        assert re.search(r"^Total Symbols +2$", shown.out, re.MULTILINE)
        assert re.search(rf"^Total Trades +{totals.trades}$", shown.out, re.MULTILINE)
        assert re.search(rf"^Total R +{re.escape(f'{totals.total_r:+.2f}')}$", shown.out, re.MULTILINE)
        assert re.search(rf"^Average R per Trade +{re.escape(f'{totals.average_r:+.2f}')}$", shown.out, re.MULTILINE)
        assert "Made-up prices" in shown.out
        assert "INFO: SPY: 2,730 bars" in shown.err
        assert "\x1b" not in shown.out + shown.err
        assert not set("╭─│━") & set(shown.out)

    def test_on_a_terminal_of_80_columns_no_label_wraps(self, runs_dir):
        main, terminal = pty.openpty()
        process = spawn(
            *("--symbols", "SPY", "BTC-USD", "ES=F", *WEEK, "--synthetic", "--run-id", "mine"),
            *("--set", "costs.commission_per_unit=1000"),
            stdout=terminal,
            stderr=terminal,
            env={**os.environ, "COLUMNS": "80", "TERM": "xterm-256color"},
        )
        os.close(terminal)
        shown = until_closed(main)
        assert process.wait() == 0

        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r", "")
        assert "\x1b[" in shown
        assert "Running backtests" in plain
        for text in (
            "│ ORB Confluence Strategy - Backtest Runner",
            "╭─ Backtest Summary ─",
            "│ Per-Symbol Results ",
            "│ Aggregated Results ",
            "│ Total Symbols ",
            "│ Average R per Trade ",
            "╭─ Backtest Complete ─",
            "│ Run ID: mine ",
            "│ Look at it: streamlit run streamlit_app.py",
        ):
            assert text in plain
        assert re.search(r"│ Symbol +Trades +Win Rate +Total R +Up To R +Avg R +Max DD R +Sharpe +│", plain)
        assert re.search(r"│ BTC-USD +\d+ ", plain)
        assert {len(line) for line in plain.splitlines() if line[:1] in "│╭╰" and line} == {80}

    def test_quiet_shows_nothing(self, capsys, store):
        assert run_backtest.main([*MADE_UP, "--quiet"]) == 0

        assert capsys.readouterr() == ("", "")
        assert len(store.list()) == 1

    def test_json_is_the_manifest_and_nothing_else_on_stdout(self, capsys, store):
        assert run_backtest.main([*MADE_UP, "--json", "--run-id", "mine"]) == 0

        shown = capsys.readouterr()
        assert json.loads(shown.out) == json.loads((store.path / "mine" / "run.json").read_text())
        assert "Backtest Complete" in shown.err

    def test_verbose_shows_more(self, capsys):
        run_backtest.main([*MADE_UP])
        assert "DEBUG" not in capsys.readouterr().err
        run_backtest.main([*MADE_UP, "-v"])
        assert "DEBUG: " in capsys.readouterr().err

    def test_the_log_in_the_output_folder_keeps_everything_of_every_run(self, store):
        run_backtest.main([*MADE_UP, "--quiet", "--run-id", "one"])
        run_backtest.main([*MADE_UP, "--quiet", "--run-id", "two"])

        log = (store.path / "backtest_run.log").read_text(encoding="utf-8")
        assert "Saved as one" in log
        assert "Saved as two" in log
        assert "DEBUG" in log
        assert "2,730 bars" in (store.path / "two" / "run.log").read_text(encoding="utf-8")

    def test_zero_trades_are_a_success_that_says_why(self, capsys):
        assert run_backtest.main([*MADE_UP, "--set", "governance.time_cutoff='09:31'"]) == 0

        shown = capsys.readouterr()
        assert "Note: SPY: no trades in 5 sessions. Opening ranges: 5 × Tradable." in " ".join(shown.out.split())
        assert "WARNING: SPY: no trades" in shown.err

    def test_mended_symbols_are_said(self, capsys):
        assert run_backtest.main(["--symbols", "spy,qqq", "SPY", *WEEK, "--synthetic"]) == 0

        shown = capsys.readouterr().out
        assert "Note: spy is read as SPY" in shown
        assert "Note: SPY was given more than once; it runs once" in shown
        assert "Symbols: SPY, QQQ\n" in shown

    def test_the_wait_for_the_compiler_is_announced(self, capsys, monkeypatch, tmp_path):
        announced = "Compiling the engine, once: this takes about 20 seconds"
        run_backtest.main([*MADE_UP])
        assert announced not in capsys.readouterr().out

        monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "nothing compiled"))
        run_backtest.main([*MADE_UP])
        assert announced in capsys.readouterr().out

    def test_help_answers_at_once_and_imports_nothing_heavy(self):
        code = """
            import sys, runpy
            sys.argv = ["run_backtest.py", "--help"]
            try:
                runpy.run_path("run_backtest.py", run_name="__main__")
            finally:
                heavy = {"numpy", "pandas", "pyarrow", "numba", "pydantic", "rich", "loguru", "orb_core"}
                print("HEAVY", sorted(heavy & set(sys.modules)))
            """
        process = spawn(code=code, stdout=subprocess.PIPE)
        shown, _ = process.communicate()

        assert process.returncode == 0
        assert "HEAVY []" in shown
        assert "--validate-or" in shown


class TestWhichBars:
    def test_a_file_is_read_and_a_folder_searched(self, store, bars):
        assert run_backtest.main([*SPY, "--data", str(bars / "SPY.csv"), "--run-id", "file", "--quiet"]) == 0
        assert run_backtest.main(["--symbols", "SPY", "QQQ", *WEEK, "--data", str(bars), "--run-id", "folder"]) == 0

        pd.testing.assert_frame_equal(store.bars("file", "SPY"), store.bars("folder", "SPY"))
        assert store.load("folder").manifest.source["kind"] == "file"

    def test_without_a_source_the_answer_names_what_there_is_instead(self, capsys):
        assert run_backtest.main([*SPY]) == 1

        assert "Yahoo keeps 1m bars for 30 days" in (shown := capsys.readouterr().err)
        assert "--data PATH" in shown
        assert "--synthetic" in shown

    def test_another_seed_makes_other_prices(self, store):
        for name, more in (("a", ()), ("b", ("--seed", "0")), ("c", ("--seed", "7"))):
            run_backtest.main([*MADE_UP, *more, "--run-id", name, "--quiet"])

        a, b, c = (store.load(name).manifest.symbols["SPY"].fingerprint for name in "abc")
        assert a == b != c

    def test_fetched_bars_are_kept_when_asked(self, tmp_path):
        run_backtest.main([*MADE_UP, "--cache", "--quiet"])
        run_backtest.main([*MADE_UP, "--cache", "--cache-dir", str(tmp_path / "elsewhere"), "--quiet"])

        for folder in ("cache", "elsewhere"):
            assert [path.name for path in (tmp_path / folder).iterdir()] == ["SPY_2024-01-29_2024-02-02.parquet"]

    def test_the_interval_is_a_flag_of_its_own(self, store):
        run_backtest.main([*MADE_UP, "--interval", "5m", "--set", "data.interval=1m", "--run-id", "mine", "--quiet"])

        assert store.load("mine").manifest.interval == "5m"

    @pytest.mark.parametrize(
        ("given", "meant"), [((), "none"), (("--validate-or",), "warn"), (("--validate-or", "skip"), "skip")]
    )
    def test_validate_or_warns_unless_it_is_told_to_skip(self, store, given, meant):
        run_backtest.main([*MADE_UP, *given, "--run-id", "mine", "--quiet"])

        assert store.load("mine").config.data.validate_or == meant


class TestReport:
    def test_reports_lie_in_the_run_s_folder_and_the_panel_names_the_first(self, capfd, store):
        assert run_backtest.main([*MADE_UP, "--report", "--run-id", "mine"]) == 0

        folder = store.path / "mine"
        assert {path.name for path in folder.glob("*.html")} == {"combined_report.html", "SPY_report.html"}
        assert f"Report: {folder / 'combined_report.html'}" in capfd.readouterr().out

    def test_a_run_of_which_all_symbols_failed_has_a_report_too(self, store, bars):
        arguments = ["--symbols", "IWM", *WEEK, "--data", str(bars / "SPY.csv"), "--report", "--run-id", "mine"]

        assert run_backtest.main([*arguments, "--set", "session.calendar=XTKS", "--quiet"]) == 1

        text = (store.path / "mine" / "combined_report.html").read_text(encoding="utf-8")
        assert "Nothing was run" in text


class TestWhichRules:
    def test_flags_win_over_set_over_file_over_preset(self, store, tmp_path):
        file = tmp_path / "mine.yaml"
        file.write_text("orb: {base_minutes: 20}\ntrade: {t1_r: 0.5}\n")
        arguments = ["--preset", "zarattini_2023_qqq", "--config", str(file), "--set", "trade.t1_r=0.7"]

        assert run_backtest.main([*MADE_UP, *arguments, "--run-id", "mine", "--quiet"]) == 0

        config = store.load("mine").config
        preset = load_config(preset="zarattini_2023_qqq")
        assert (config.orb.base_minutes, config.trade.t1_r) == (20, 0.7)
        assert config.entry == preset.entry

    def test_a_preset_of_ones_own_is_found_by_its_name(self, store):
        save_preset("My gaps", load_config(overrides=["orb.base_minutes=20"]))

        assert run_backtest.main([*MADE_UP, "--preset", "My gaps", "--run-id", "mine", "--quiet"]) == 0

        assert store.load("mine").config.orb.base_minutes == 20

    def test_defaults_yaml_may_be_named(self):
        assert run_backtest.main([*MADE_UP, "--config", str(ROOT / "defaults.yaml"), "--quiet"]) == 0

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("--set", "orb.base_minuts=5"), "base_minutes"),
            (("--config", "gone.yaml"), "gone.yaml"),
            (("--preset", "gone"), "gone"),
            (("--run-id", "../x"), "is no run id"),
            (("--symbols", "../x"), "'../x' cannot be a symbol"),
            (("--symbols", "CON"), "'CON' cannot be a symbol"),
            (("--symbols", ""), "no symbol was given"),
            (("--symbols", "X" * 33), "cannot be a symbol"),
            (("--start", "2024-02-05"), "`start` is 2024-02-05, after `end` 2024-02-02; swap them"),
            (("--start", "2024-01-27", "--end", "2024-01-28"), "holds no session of XNYS"),
            (("--end", "2999-01-01"), "future"),
            (("--rerun", "gone"), "There is no run 'gone'"),
        ],
    )
    def test_an_error_is_one_sentence_and_exit_1(self, capsys, store, arguments, message):
        beginning = [] if "--rerun" in arguments else [*SPY, *([] if "--source" in arguments else ["--synthetic"])]

        assert run_backtest.main([*beginning, *arguments]) == 1

        shown = capsys.readouterr().err
        assert shown.startswith("ERROR: ")
        assert message in shown
        assert "Traceback" not in shown
        assert store.list() == []


class TestWrongUsage:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((), "required: --symbols, --start, --end"),
            (("--symbols", "SPY", "--start", "2024-01-02"), "required: --end"),
            ((*SPY, "--synthetic", "--data", "x.csv"), "--synthetic makes prices up; leave out --data"),
            ((*SPY, "--synthetic", "--source", "yahoo"), "leave out --data and any other --source"),
            ((*SPY, "--source", "synthetic", "--data", "x.csv"), "leave out --source synthetic"),
            ((*SPY, "--source", "yahoo", "--data", "x.csv"), "leave out --source yahoo"),
            ((*SPY, "--source", "file"), "--source file needs --data PATH"),
            ((*SPY, "--seed", "3"), "--seed belongs to --synthetic"),
            ((*MADE_UP, "--stamp", "close"), "say how to read --data PATH"),
            ((*MADE_UP, "--workers", "0"), "'0' is not a whole number of at least 1"),
            ((*MADE_UP, "--start", "yesterday"), "'yesterday' is not a date; give one like 2024-01-31"),
            ((*MADE_UP, "--end", "2024-02-30"), "'2024-02-30' is not a date"),
            ((*MADE_UP, "--interval", "3m"), "invalid choice: '3m'"),
            ((*MADE_UP, "--validate-or", "perhaps"), "invalid choice: 'perhaps'"),
            ((*MADE_UP, "--quiet", "--verbose"), "not allowed with"),
            ((*MADE_UP, "--frobnicate"), "unrecognized arguments: --frobnicate"),
            (
                ("--rerun", "x", "--symbols", "SPY"),
                "--rerun takes everything from the run it repeats; leave out --symbols",
            ),
            (("--rerun", "x", "--set", "a=1", "--synthetic"), "leave out --set, --synthetic"),
        ],
    )
    def test_it_is_answered_with_what_is_wrong_and_exit_2(self, capsys, store, arguments, message):
        assert message in usage_error(capsys, *arguments)
        assert not store.path.exists()


class TestFailures:
    def test_one_bad_symbol_is_named_and_the_others_are_saved(self, capsys, store, bars):
        arguments = ["--symbols", "SPY", "GONE", "QQQ", *WEEK, "--data", str(bars), "--run-id", "mine"]

        assert run_backtest.main(arguments) == 1

        shown = capsys.readouterr()
        assert re.search(r"^GONE +failed", shown.out, re.MULTILINE)
        assert "Failed: GONE: " in shown.out
        assert re.search(r"^Total Symbols +2$", shown.out, re.MULTILINE)
        assert "without 1 of 3 symbols" in shown.out
        assert "ERROR: GONE failed: " in shown.err
        manifest = store.load("mine").manifest
        assert (manifest.status, list(manifest.failures)) == ("partial", ["GONE"])
        assert store.load("mine").symbols == ("SPY", "QQQ")

    def test_with_no_symbol_left_it_says_failed(self, capsys, bars):
        assert run_backtest.main(["--symbols", "GONE", *WEEK, "--data", str(bars), "--json"]) == 1

        shown = capsys.readouterr()
        assert "Backtest Failed" in shown.err
        assert json.loads(shown.out)["status"] == "failed"

    def test_a_run_id_that_exists_is_refused_and_its_run_untouched(self, capsys, store):
        run_backtest.main([*MADE_UP, "--run-id", "mine", "--quiet"])
        before = (store.path / "mine" / "run.json").read_bytes()

        assert run_backtest.main([*MADE_UP, "--run-id", "mine"]) == 1

        assert "There is a run 'mine'" in capsys.readouterr().err
        assert (store.path / "mine" / "run.json").read_bytes() == before

    def test_a_file_in_the_place_of_the_output_folder_is_named(self, capsys, tmp_path):
        (tmp_path / "taken").write_text("")

        assert run_backtest.main([*MADE_UP, "--output-dir", str(tmp_path / "taken")]) == 1

        assert "taken cannot be written: File exists. Free space there" in capsys.readouterr().err

    def test_a_disk_that_fills_up_while_saving_is_one_sentence_and_no_run(self, capsys, store, monkeypatch):
        monkeypatch.setattr(os, "fsync", full_when_saving(os.fsync))

        assert run_backtest.main([*MADE_UP]) == 1

        assert "cannot be written: No space left on device" in capsys.readouterr().err
        assert store.list() == []
        assert not list(store.path.glob(".tmp-*"))

    def test_a_fault_of_the_program_is_logged_and_raised(self, capsys, store, monkeypatch):
        def broken(*_args):
            raise RuntimeError("a bug")

        monkeypatch.setattr(SyntheticSource, "fetch", broken)
        with pytest.raises(RuntimeError, match="a bug"):
            run_backtest.main([*MADE_UP])

        assert "Traceback" in (store.path / "backtest_run.log").read_text(encoding="utf-8")
        assert "Traceback" not in capsys.readouterr().err


class TestRerun:
    def test_a_run_is_repeated_without_its_source(self, store, bars):
        settings = ("--set", "orb.base_minutes=10", "--data", str(bars / "SPY.csv"))
        run_backtest.main([*SPY, *settings, "--run-id", "first", "--quiet"])
        (bars / "SPY.csv").unlink()

        assert run_backtest.main(["--rerun", "first", "--run-id", "again", "--quiet"]) == 0

        for file in (store.path / "first").glob("SPY_*"):
            assert file.read_bytes() == (store.path / "again" / file.name).read_bytes(), file.name
        assert store.load("again").manifest.rerun_of == "first"

    def test_it_says_which_bars_it_uses(self, capsys):
        run_backtest.main([*MADE_UP, "--run-id", "first", "--quiet"])
        run_backtest.main(["--rerun", "first"])

        assert "Source: stored bars of first" in capsys.readouterr().out


class TestCtrlC:
    PAUSED = """
        import sys, time
        from pathlib import Path
        from orb_core.data.synthetic import SyntheticSource
        import run_backtest
        fetch = SyntheticSource.fetch
        def paused(self, symbol, *args):
            Path(sys.argv[1], symbol).touch()
            if symbol != "SPY":
                while not Path(sys.argv[1], "go").exists():
                    time.sleep(0.01)
            return fetch(self, symbol, *args)
        SyntheticSource.fetch = paused
        sys.exit(run_backtest.main(sys.argv[2:]))
        """

    def interrupted(self, tmp_path, *symbols):
        """Press Ctrl+C while the last symbol but one is being fetched."""
        arguments = [str(tmp_path), "--symbols", *symbols, *WEEK, "--synthetic", "--workers", "1", "--run-id", "mine"]
        process = spawn(*arguments, code=self.PAUSED, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while not (tmp_path / "QQQ").exists():
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        (tmp_path / "go").touch()
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        return out, err

    def test_the_symbols_that_were_finished_are_saved(self, tmp_path, store):
        out, err = self.interrupted(tmp_path, "SPY", "QQQ", "IWM")

        assert "WARNING: Stopping once the symbols under way are finished" in err
        assert "Backtest Cancelled" in out
        (line,) = store.list()
        assert line.status == "cancelled"
        assert line.manifest.symbols["SPY"].status == "complete"
        assert line.manifest.symbols["IWM"].status == "cancelled"
        assert not list(store.path.glob(".tmp-*"))

    def test_with_nothing_finished_nothing_is_left(self, tmp_path, store):
        _, err = self.interrupted(tmp_path, "QQQ", "IWM")

        assert "Cancelled before any symbol was finished; nothing was saved" in err
        assert store.list() == []
        assert [path.name for path in store.path.iterdir()] == ["backtest_run.log"]


def full_when_saving(fsync):
    """A disk that has room to be tried, and none for a run."""
    calls = iter(range(1000))

    def full(handle):
        if next(calls) > 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    return full


def until_closed(terminal):
    shown = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(terminal)
    return shown.decode()
