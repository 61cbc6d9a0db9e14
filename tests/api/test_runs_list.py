import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from orb_api.run_lines import RunsPage
from tests.api.serving import serving
from tests.store.made_runs import new_run

MORNING = datetime(2024, 10, 2, 9, tzinfo=UTC)


def page(client, **params):
    answer = client.get("/api/runs", params=params)
    assert answer.status_code == 200, answer.text
    RunsPage.model_validate_json(answer.content)
    return answer.json()


def ids(client, **params):
    return [line["run_id"] for line in page(client, **params)["runs"]]


def every_page(client, **params):
    """The ids of one page after the other."""
    found, cursor = [], None
    while True:
        answer = page(client, **params, **({"cursor": cursor} if cursor else {}))
        found += [line["run_id"] for line in answer["runs"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            return found


@pytest.fixture
def many(own_store):
    """A client of ten runs, one a minute, of which every other has no results."""
    for number in range(10):
        created = MORNING + timedelta(minutes=number)
        results = {"done": {}, "failed": {"SPY": "no bars"}} if number % 2 else {}
        own_store.save(new_run(created=created, run_id=f"run_{number}", **results))
    with serving(own_store) as client:
        yield client


def test_every_line_says_what_the_store_does(client, store):
    lines = {line["run_id"]: line for line in page(client)["runs"]}
    summaries = {summary.run_id: summary for summary in store.list()}

    assert lines.keys() == summaries.keys() == {"first", "other", "failed", "ruin"}
    for run_id, summary in summaries.items():
        line = lines[run_id]
        assert (line["status"], line["reason"]) == (summary.status, summary.reason)
        assert line["tags"] == list(summary.notes.tags)
        if summary.manifest:
            whole = summary.manifest.model_dump(mode="json")
            for name in ("created_utc", "start", "end", "interval", "config_hash", "changed", "totals", "equity_r"):
                assert line[name] == whole[name]
            assert line["symbols"] == list(whole["symbols"])
            assert line["source"] == whole["source"]["kind"]


def test_the_newest_comes_first_and_what_cannot_be_read_last(client, store):
    assert ids(client) == [summary.run_id for summary in store.list()]
    assert ids(client)[-1] == "ruin"


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"status": "complete"}, {"first", "other"}),
        ({"status": ["failed", "unreadable"]}, {"failed", "ruin"}),
        ({"symbol": "qqq"}, {"first", "other"}),
        ({"source": "file"}, {"failed"}),
        ({"tag": "candidate"}, {"other"}),
        ({"starred": "true"}, {"other"}),
        ({"search": "or 30"}, {"other"}),
        ({"search": "WIDER"}, {"other"}),
        ({"search": "fir"}, {"first"}),
        ({"since": "2999-01-01"}, set()),
        ({"until": "2999-01-01"}, {"first", "other", "failed"}),
        ({"symbol": "QQQ", "starred": "false"}, {"first"}),
    ],
)
def test_runs_are_chosen_by_what_they_are_and_what_was_noted(client, params, expected):
    assert set(ids(client, **params)) == expected
    assert page(client, **params)["count"] == len(expected)


@pytest.mark.parametrize("column", ["total_r", "trades", "win_rate", "sharpe", "average_r", "max_drawdown_r"])
def test_runs_are_sorted_by_a_figure_undefined_ones_last(client, store, column):
    figures = {run_id: getattr(store.load(run_id).manifest.totals, column) for run_id in ("first", "other")}
    rising = sorted(figures, key=lambda run_id: (figures[run_id], run_id))

    assert ids(client, sort=column) == [*rising, "failed", "ruin"]
    assert ids(client, sort=f"-{column}") == [*rising[::-1], "failed", "ruin"]


def test_runs_are_sorted_by_title(client):
    assert ids(client, sort="title")[0] == ids(client, sort="-title")[0] == "other"


@pytest.mark.parametrize("sort", ["created_utc", "-created_utc", "total_r", "-total_r", "title"])
@pytest.mark.parametrize("limit", [1, 3, 10])
def test_pages_hold_every_run_once_and_in_order(many, sort, limit):
    assert every_page(many, sort=sort, limit=limit) == ids(many, sort=sort, limit=1000)
    assert len(ids(many, limit=1000)) == 10


def test_new_and_deleted_runs_shift_no_page(many, own_store):
    first = page(many, limit=4)
    own_store.save(new_run(created=MORNING + timedelta(hours=1), run_id="newer"))
    own_store.delete(first["runs"][-1]["run_id"])

    assert ids(many, limit=4, cursor=first["next_cursor"]) == ["run_5", "run_4", "run_3", "run_2"]


def test_the_next_page_is_linked(many):
    answer = many.get("/api/runs", params={"limit": 3, "sort": "created_utc"})
    linked = many.get(answer.links["next"]["url"])

    assert [line["run_id"] for line in linked.json()["runs"]] == ["run_3", "run_4", "run_5"]
    assert "next" not in many.get("/api/runs").links


@pytest.mark.parametrize(
    ("cursor", "reason"),
    [
        ("", "not one that a page named"),
        ("nonsense", "not one that a page named"),
        ("ümlaut", "not one that a page named"),
        (base64.urlsafe_b64encode(json.dumps(["total_r", [1.0, "x"]]).encode()).decode(), "belongs to `sort=total_r`"),
        (base64.urlsafe_b64encode(json.dumps(["-created_utc", ["x", "x"]]).encode()).decode(), "belongs to"),
    ],
)
def test_a_cursor_that_is_none_is_refused(client, cursor, reason):
    answer = client.get("/api/runs", params={"cursor": cursor})

    assert answer.status_code == 422
    assert reason in answer.json()["detail"]


def test_a_list_that_did_not_change_is_not_sent_again(many):
    tag = many.get("/api/runs").headers["etag"]

    assert many.get("/api/runs", headers={"If-None-Match": tag}).status_code == 304
    many.patch("/api/runs/run_0", json={"starred": True})
    assert many.get("/api/runs", headers={"If-None-Match": tag}).status_code == 200


def test_a_folder_whose_name_is_no_text_breaks_no_list(own_store):
    own_store.save(new_run(run_id="good"))
    (own_store.path / "b\udcffd").mkdir()
    with serving(own_store) as client:
        assert ids(client) == ["good", "b?d"]


def test_an_empty_store_has_no_runs(own_client):
    assert page(own_client) == {"count": 0, "next_cursor": None, "runs": []}
    assert own_client.get("/health").json()["runs_available"] == 0
    assert own_client.get("/api/status").json()["statistics"]["latest_run"] is None
