import json

import pytest

from tests.ui.app import a_run, open_app, texts

LACK = "SPY: no bars of 2024-01-03: Yahoo has none"


@pytest.fixture
def lacking():
    run = a_run()
    file = run.folder / "run.json"
    manifest = json.loads(file.read_text())
    manifest["symbols"]["SPY"]["warnings"] = [LACK]
    file.write_text(json.dumps(manifest))
    return run


def test_the_list_of_runs_names_one_that_lacks_days(lacking):
    whole = a_run("orb.base_minutes=30")
    table = open_app("runs").data_editor[0].value.set_index("run_id")
    assert table.loc[lacking.run_id, "status"] == "days missing"
    assert table.loc[whole.run_id, "status"] == ""


def test_a_comparison_names_the_days_that_a_run_lacks(lacking):
    whole = a_run("orb.base_minutes=30")
    app = open_app("compare", runs=f"{whole.run_id},{lacking.run_id}")
    assert not app.exception
    assert f"Run B: {LACK}".replace("-", "\\-") in texts(app) or f"Run B: {LACK}" in texts(app)
    assert "Run A: SPY: no bars" not in texts(app)


@pytest.mark.parametrize("page", ["run", "session"])
def test_the_pages_of_a_run_say_that_it_lacks_days(lacking, page):
    query = {"run": lacking.run_id} | ({"symbol": "SPY", "date": "2024-01-04"} if page == "session" else {})
    app = open_app(page, **query)
    assert not app.exception
    assert "no bars" in texts(app).casefold() or "lack" in texts(app).casefold()
