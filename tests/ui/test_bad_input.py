import json
import re
import shutil

import pytest

from orb_core.service import default_store
from tests.ui.app import a_run, open_app, texts

HOSTILE = ("../../etc/passwd", "<script>alert(1)</script>", "a" * 500, " ")


def told(app):
    return [error.value for error in app.error]


@pytest.mark.parametrize("run_id", HOSTILE)
@pytest.mark.parametrize("page", ["run", "session", "compare"])
def test_the_address_of_a_run_that_is_not_there_is_answered_in_a_sentence(page, run_id):
    query = {"runs": f"{run_id};{run_id}"} if page == "compare" else {"run": run_id, "date": "2024-01-03"}
    said = told(open_app(page, **query))
    assert len(said) == 1
    assert "<script>" not in said[0].replace("\\<", "")


@pytest.mark.parametrize("day", ["", "2024-01-03T09:30", "0000-00-00", "99999-01-01"])
def test_a_date_that_is_none_is_answered_in_a_sentence(day):
    assert len(told(open_app("session", run=a_run().run_id, symbol="SPY", date=day))) == 1


@pytest.mark.parametrize("query", [{"symbol": "../x"}, {"symbol": ""}, {"symbol": "<script>"}])
def test_a_symbol_that_the_run_has_not_is_answered_in_a_sentence(query):
    assert len(told(open_app("session", run=a_run().run_id, date="2024-01-03", **query))) == 1


@pytest.mark.parametrize(
    "query",
    [
        {"find": "<script>alert(1)</script>"},
        {"of_symbols": "NOPE"},
        {"of_tags": "](javascript:x)"},
        {"of_source": "?"},
        {"made": "tomorrow"},
        {"made": "2024-13-45"},
        {"starred": "perhaps"},
        {"more": "-1"},
    ],
)
def test_filters_of_the_list_that_make_no_sense_break_nothing(query):
    a_run()
    app = open_app("runs", **query)
    assert not app.error
    assert "Runs" in texts(app)


@pytest.mark.parametrize("page", ["run", "session", "compare"])
def test_a_run_deleted_while_it_is_shown_is_told_at_the_next_click(page):
    run, other = a_run(), a_run("orb.base_minutes=30")
    query = {"runs": f"{run.run_id},{other.run_id}"} if page == "compare" else {"run": run.run_id, "date": "2024-01-03"}
    app = open_app(page, **query)
    assert not app.error
    default_store().delete(run.run_id)
    app.run()
    assert not app.exception
    assert len(told(app)) == 1


def newer(folder):
    content = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**content, "schema_version": 99}))


def older(folder):
    content = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({k: v for k, v in content.items() if k != "schema_version"}))


def truncated(folder):
    text = (folder / "run.json").read_text()
    (folder / "run.json").write_text(text[: len(text) // 2])


def foreign(folder):
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "holiday.jpg").write_bytes(b"\xff\xd8")


def not_text(folder):
    (folder / "run.json").write_bytes(b"\xff\xfe\x00")


def unreadable(folder):
    (folder / "run.json").unlink()
    (folder / "run.json").mkdir()


BROKEN = (newer, older, truncated, foreign, not_text, unreadable)


@pytest.mark.parametrize("breaks", BROKEN)
def test_a_folder_that_cannot_be_read_is_listed_with_its_reason_beside_the_runs(breaks):
    run, other = a_run(), a_run("orb.base_minutes=30")
    breaks(run.folder)
    app = open_app("runs")
    assert app.data_editor[0].value["run_id"].tolist() == [other.run_id]
    assert app.expander[0].label == "1 folder cannot be read"
    (said,) = [caption.value for caption in app.caption if run.run_id in caption.value.replace("\\", "")]
    assert not re.search("Expecting|Field required|char|None", said)


@pytest.mark.parametrize("page", ["run", "session", "compare"])
@pytest.mark.parametrize("breaks", [newer, truncated, foreign])
def test_a_page_of_a_run_that_cannot_be_read_says_why(breaks, page):
    run, other = a_run(), a_run("orb.base_minutes=30")
    breaks(run.folder)
    query = {"runs": f"{run.run_id},{other.run_id}"} if page == "compare" else {"run": run.run_id, "date": "2024-01-03"}
    assert len(told(open_app(page, **query))) == 1


@pytest.mark.parametrize("tab", ["Overview", "Trades", "Days", "Patterns", "What-if", "Setup"])
@pytest.mark.parametrize(
    "cut", ["SPY_trades.parquet", "SPY_sessions.parquet", "config.json", "combined_equity.parquet"]
)
def test_a_run_that_lost_half_of_a_file_is_shown_or_told_about_on_every_tab(tab, cut):
    run = a_run()
    content = (run.folder / cut).read_bytes()
    (run.folder / cut).write_bytes(content[: len(content) // 2])
    app = open_app("run", run=run.run_id, tab=tab)
    assert len(told(app)) <= 1


def test_a_comparison_of_a_run_that_lost_half_of_its_trades_says_so():
    run, other = a_run(), a_run("orb.base_minutes=30")
    path = run.folder / "SPY_trades.parquet"
    path.write_bytes(path.read_bytes()[:100])
    assert len(told(open_app("compare", runs=f"{run.run_id},{other.run_id}"))) == 1
