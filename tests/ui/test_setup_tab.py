from datetime import date

from orb_core.config.load import load_config
from orb_core.data.synthetic import SyntheticSource
from orb_core.service import RunRequest, SourceSpec, default_store, run_and_save
from tests.ui.app import a_run, open_app, rerun, texts

START, END = date(2024, 1, 8), date(2024, 1, 19)
LACKED = date(2024, 1, 10)
SESSION_MINUTES = 390


def test_setup_says_which_settings_differ_from_the_defaults_and_what_the_bars_were():
    run = a_run("trade.stop_mode=or_midpoint", symbols=("SPY", "QQQ"))
    differing, bars, made_by = (table.value for table in open_app("run", run=run.run_id, tab="Setup").dataframe)
    assert differing["This run"].tolist() == ["Middle of the range"]
    assert bars["Symbol"].tolist() == ["SPY", "QQQ"]
    assert bars["Fingerprint"].tolist() == [record.fingerprint[:12] for record in run.manifest.symbols.values()]
    assert bars["Days missing"].tolist() == bars["Bars missing"].tolist() == [0, 0]
    assert run.manifest.engine_version in made_by["Version"].tolist()


def test_setup_counts_the_days_and_minutes_that_the_bars_lack(tmp_path):
    bars = SyntheticSource(load_config().session).fetch("SPY", START, END, "1m")
    (tmp_path / "bars").mkdir()
    kept = bars[bars["timestamp_utc"].dt.date != LACKED].drop(index=[100, 101, 102])
    kept.to_parquet(tmp_path / "bars" / "SPY.parquet")
    config = load_config(overrides=["data.warmup_sessions=0"])
    request = RunRequest(config, ("SPY", "GONE"), START, END, SourceSpec("file", path=tmp_path / "bars"))
    run_id = run_and_save(request, default_store()).run_id
    app = open_app("run", run=run_id, tab="Setup")
    table = app.dataframe[1].value.set_index("Symbol")
    assert table.loc["SPY", "Days missing"] == 1
    assert table.loc["SPY", "Bars missing"] == SESSION_MINUTES + 3
    (said,) = [caption.value for caption in app.caption if caption.value.startswith("GONE failed")]
    assert said.endswith(".")


def test_setup_shows_every_setting_also_of_a_run_of_the_defaults():
    app = open_app("run", run=a_run().run_id, tab="Setup")
    assert app.expander[0].label == "All settings (YAML)"
    assert "base_minutes: 15" in app.code[0].value


def test_a_long_note_on_the_bars_stands_in_full_below_their_table():
    run = a_run("orb.min_atr_mult=0.99", symbols=("SPY", "QQQ"))
    app = open_app("run", run=run.run_id, tab="Setup")
    assert "Note" not in app.dataframe[0].value
    for record in run.manifest.symbols.values():
        assert f"{record.warnings[0]}." in texts(app)


def test_the_notes_on_many_symbols_are_counted_beyond_the_first():
    run = a_run("orb.min_atr_mult=0.99", symbols=tuple(f"S{n}" for n in range(8)))
    app = open_app("run", run=run.run_id, tab="Setup")
    assert "And 2 more" in texts(app)
    assert "warm-up included" in texts(app)


def test_a_clone_takes_settings_symbols_dates_and_source_to_launch_as_they_were_asked_for():
    run = a_run("orb.base_minutes=20", symbols=("QQQ", "IWM"))
    a_run()
    app = open_app("run", run=run.run_id, tab="Setup")
    app.button(key="run.clone").click()
    state = rerun(app).session_state
    assert (state["set.orb.base_minutes"], state["ask.symbols"]) == (20, ["QQQ", "IWM"])
    assert (state["ask.source"], tuple(state["ask.dates"])) == ("synthetic", (run.manifest.start, run.manifest.end))
    assert app.query_params["run"] == run.run_id
