"""A run whose bars lack days says so on every page that shows it, whatever the source was."""

from datetime import date

import pytest

from orb_core import load_config
from orb_core.data.synthetic import SyntheticSource
from orb_core.service import RunRequest, SourceSpec, default_store, run_and_save
from tests.ui.app import open_app, texts

START, END = date(2024, 1, 8), date(2024, 1, 19)
LACKED = date(2024, 1, 10)


def a_run_on_a_file(tmp_path, name, *, without):
    """Save a run on made-up bars from a file that lacks some days, as `run.json` then records by itself."""
    bars = SyntheticSource(load_config().session).fetch("SPY", START, END, "1m")
    file = tmp_path / f"{name}.parquet"
    bars[~bars["timestamp_utc"].dt.date.isin(without)].to_parquet(file)
    request = RunRequest(
        config=load_config(overrides=["data.warmup_sessions=0"]),
        symbols=("SPY",),
        start=START,
        end=END,
        source=SourceSpec(kind="file", path=file),
        run_id=name,
    )
    return run_and_save(request, default_store()).run_id


@pytest.fixture
def lacking(tmp_path):
    return a_run_on_a_file(tmp_path, "lacking", without=[LACKED])


@pytest.fixture
def whole(tmp_path):
    return a_run_on_a_file(tmp_path, "whole", without=[])


def test_the_list_of_runs_marks_the_run_that_lacks_days_and_no_other(lacking, whole):
    table = open_app("runs").data_editor[0].value.set_index("run_id")
    assert table.loc[lacking, "status"] == "Days missing"
    assert table.loc[whole, "status"] == ""


@pytest.mark.parametrize(("first", "second", "named"), [("whole", "lacking", "B"), ("lacking", "whole", "A")])
def test_a_comparison_says_which_run_lacks_which_days(lacking, whole, first, second, named):
    shown = texts(open_app("compare", runs=f"{first},{second}"))
    assert f"Run {named}: SPY: no bars on 2024-01-10" in shown
    assert shown.count("no bars on") == 1


@pytest.mark.parametrize("query", [{}, {"tab": "Trades"}, {"tab": "Setup"}])
def test_every_tab_of_the_run_says_so(lacking, query):
    assert "Some days have no bars" in texts(open_app("run", run=lacking, **query))


def test_the_page_of_a_session_says_so(lacking):
    shown = texts(open_app("session", run=lacking, symbol="SPY", date="2024-01-11"))
    assert "Some days of this run have no bars" in shown


def test_a_run_with_all_its_days_says_nothing_of_the_kind(whole):
    assert "no bars" not in texts(open_app("run", run=whole))
    assert "no bars" not in texts(open_app("session", run=whole, symbol="SPY", date="2024-01-11"))


def test_launch_says_so_of_the_result_it_shows(lacking):
    assert "Some days have no bars" in texts(open_app(run=lacking))


def test_the_row_of_a_symbol_does_not_say_its_name_twice(lacking):
    app = open_app("run", run=lacking)
    (row,) = next(frame.value for frame in app.dataframe if "note" in frame.value).itertuples()
    assert row.symbol == "SPY"
    assert row.note == "Warning"
    assert "no bars in 1 of 9 sessions (2024-01-10)" in texts(app)


def test_a_day_without_bars_says_so_once_and_can_be_left(lacking):
    app = open_app("session", run=lacking, symbol="SPY", date=f"{LACKED}")
    assert app.info[0].value.startswith("There are no bars of this session")
    assert "opening range" not in texts(app)
    assert app.button(key="session.replay").disabled
    assert not app.button(key="session.keyboard_double_arrow_right").disabled
