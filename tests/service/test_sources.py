"""Bars from sources that others installed, from files of other programs, and across splits, through to the run."""

import re
import sys
from datetime import date
from pathlib import Path

import pytest
from loguru import logger

import run_backtest
from orb_core import load_config, service
from orb_core.data.layouts import BARE, HEADED, LEAN
from orb_core.data.synthetic import SyntheticSource
from orb_core.errors import ConfigError
from orb_core.service import RunRequest, SourceSpec
from orb_core.store.runs import RunStore

PAGE = (Path(__file__).parents[2] / "docs" / "sources.md").read_text(encoding="utf-8")
EXAMPLE = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]
ENTRY_POINT = re.search(r'\[project\.entry-points\."(.+)"\]\n(.+ = ".+")', PAGE)
START, END = date(2024, 1, 29), date(2024, 2, 2)
WEEK = ("--start", "2024-01-29", "--end", "2024-02-02", "--set", "data.warmup_sessions=2")


@pytest.fixture(autouse=True)
def no_log_left_open():
    yield
    logger.remove()


@pytest.fixture
def store(runs_dir):
    return RunStore(runs_dir)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder where Python looks for installed packages."""
    monkeypatch.syspath_prepend(tmp_path / "site")
    yield tmp_path / "site"
    sys.modules.pop("my_lines", None)


def install(site: Path, package: str, entry_points: str, module: str = EXAMPLE) -> None:
    info = site / f"{package}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{ENTRY_POINT[1]}]\n{entry_points}\n")
    (site / "my_lines.py").write_text(module)


def lines() -> str:
    """The entry point of the page, as an installed package states it."""
    return ENTRY_POINT[2].replace('"', "")


def request(source: SourceSpec, *symbols: str, start: date = START, end: date = END) -> RunRequest:
    return RunRequest(load_config(overrides=["data.warmup_sessions=2"]), symbols, start, end, source)


class TestASourceOfSomebodyElse:
    def test_the_command_line_runs_on_the_example_of_the_page_once_it_is_installed(self, site, store):
        install(site, "my-lines", lines())
        any_range = ("--set", "orb.enable_validity_filter=false")
        arguments = ["--source", "lines", "--symbols", "LINE", *WEEK, *any_range, "--run-id", "mine"]
        assert run_backtest.main(arguments) == 0
        run = store.load("mine")
        assert run.manifest.source["kind"] == "lines"
        assert run.quality("LINE")["bars_used"] == 7 * 390
        assert len(run.all_trades()) > 0

    def test_its_errors_are_those_of_their_symbol_and_the_others_run(self, site, store):
        install(site, "my-lines", lines())
        manifest = service.run_and_save(request(SourceSpec("lines"), "LINE", "SPY"), store)
        assert manifest.status == "partial"
        assert manifest.failures == {"SPY": "SPY: there is only LINE here"}

    def test_its_bars_are_kept_with_cache(self, site, store, tmp_path):
        install(site, "my-lines", lines())
        kept = tmp_path / "kept"
        arguments = ["--source", "lines", "--symbols", "LINE", *WEEK, "--cache", "--cache-dir", str(kept)]
        assert run_backtest.main(arguments) == 0
        assert (kept / "LINE_2024-01-29_2024-02-02.parquet").exists()

    def test_a_run_on_it_is_repeated_when_it_is_gone(self, site, store, monkeypatch):
        install(site, "my-lines", lines())
        first = service.run_and_save(request(SourceSpec("lines"), "LINE"), store)
        monkeypatch.setattr(sys, "path", sys.path[1:])
        again = service.run_and_save(service.request_again(first.run_id, store), store)
        assert again.totals == first.totals

    def test_an_unknown_source_is_a_wrong_usage_that_names_the_known_ones(self, site, capsys):
        install(site, "my-lines", lines())
        with pytest.raises(SystemExit) as stopped:
            run_backtest.main(["--source", "line", "--symbols", "LINE", *WEEK])
        assert stopped.value.code == 2
        assert "'line' (choose from yahoo, synthetic, file, lines)" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("entry_points", "module", "sentence"),
        [
            (
                "other = my_lines:StraightLines",
                EXAMPLE,
                "no source 'lines'; installed are yahoo, synthetic, file, other",
            ),
            ("lines = nowhere:Source", EXAMPLE, "'lines' of my-lines cannot be loaded: No module named 'nowhere'"),
            ("lines = my_lines:Curves", EXAMPLE, "cannot be loaded: module 'my_lines' has no attribute 'Curves'"),
            ("lines = my_lines:make", "def make(session):\n    return object()\n", "lacks name, identity, fetch"),
        ],
    )
    def test_one_that_cannot_be_used_is_an_error_that_says_why(self, site, store, entry_points, module, sentence):
        install(site, "my-lines", entry_points, module)
        with pytest.raises(ConfigError, match=sentence):
            service.run_and_save(request(SourceSpec("lines"), "LINE"), store)

    def test_two_of_one_name_are_an_error(self, site, store):
        install(site, "my-lines", lines())
        install(site, "your-lines", lines())
        with pytest.raises(ConfigError, match="installed by my-lines and by your-lines; uninstall all but one"):
            service.run_and_save(request(SourceSpec("lines"), "LINE"), store)


class TestFilesOfOtherPrograms:
    def test_what_was_done_to_read_a_file_is_said_by_the_run(self, store, tmp_path):
        bars = SyntheticSource(load_config().session).fetch("SPY", date(2024, 1, 25), END, "1m")
        stamps = (bars["timestamp_utc"].dt.tz_convert(None) + bars["timestamp_utc"].diff().min()).dt
        rows = bars.assign(timestamp_utc=stamps.strftime("%Y%m%d %H%M%S"))
        rows.to_csv(tmp_path / "SPY.txt", sep=";", header=False, index=False)
        manifest = service.run_and_save(
            request(SourceSpec("file", path=tmp_path / "SPY.txt", data_tz="UTC"), "SPY"), store
        )
        made_up = service.run_and_save(request(SourceSpec("synthetic"), "SPY"), store)
        assert manifest.totals == made_up.totals
        sentence = "stamps are the ends of their bars, as NinjaTrader writes them; each bar is moved back by 1 min"
        assert any(sentence in warning for warning in manifest.symbols["SPY"].warnings)
        assert any(sentence in note for note in store.load(manifest.run_id).quality("SPY")["notes"])

    def test_every_layout_is_on_the_page_with_the_end_it_stamps(self):
        rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| ([^|]+) \|", PAGE.split("## Your own files")[1], re.MULTILINE)
        ends = dict(rows)
        for layout in (*HEADED, *BARE, LEAN):
            for vendor in layout.vendor.split(" or "):
                says_end, says_nothing = "end" in ends[vendor], ends[vendor] == "to be said"
                assert (says_end, says_nothing) == (layout.side == "close", layout.side is None), vendor


class TestSplits:
    @pytest.fixture
    def file(self, tmp_path):
        bars = SyntheticSource(load_config().session).fetch("SPY", date(2024, 1, 25), END, "1m")
        before = bars["timestamp_utc"].dt.date < date(2024, 1, 31)
        bars.loc[before, ["open", "high", "low", "close"]] *= 4
        bars.loc[before, "volume"] /= 4
        bars.to_parquet(tmp_path / "SPY.parquet")
        return tmp_path / "SPY.parquet"

    def test_a_suspected_split_is_said_by_the_run(self, store, file):
        manifest = service.run_and_save(request(SourceSpec("file", path=file), "SPY"), store)
        (split,) = store.load(manifest.run_id).quality("SPY")["suspected_splits"]
        assert (split["session_date"], split["ratio"]) == ("2024-01-31", "4:1")
        assert any("looks like a 4:1 split" in warning for warning in manifest.symbols["SPY"].warnings)

    def test_an_adjusted_run_is_the_one_on_bars_that_never_split_and_says_so(self, store, file):
        arguments = ["--data", str(file), "--symbols", "SPY", *WEEK, "--adjust-splits", "--run-id", "adjusted"]
        assert run_backtest.main(arguments) == 0
        run = store.load("adjusted")
        unsplit = service.run_and_save(request(SourceSpec("synthetic"), "SPY"), store)
        assert run.manifest.totals.model_dump() == pytest.approx(unsplit.totals.model_dump(), rel=1e-9)
        assert run.manifest.source["adjust_splits"]
        assert run.quality("SPY")["splits_adjusted"]
        assert any("taken for a 4:1 split" in warning for warning in run.manifest.symbols["SPY"].warnings)
        again = service.run_and_save(service.request_again("adjusted", store), store)
        assert again.totals == run.manifest.totals
        assert again.symbols["SPY"].fingerprint == run.manifest.symbols["SPY"].fingerprint
