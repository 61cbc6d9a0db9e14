import httpx
import pytest

from orb_core import service
from tests.api.serving import made


@pytest.mark.parametrize("symbol", [None, "SPY", "qqq"])
def test_the_report_is_the_one_that_is_made_of_the_stored_run(client, store, symbol):
    answer = client.get("/api/runs/first/report", params={"symbol": symbol} if symbol else {})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text == service.report(store, "first", symbol and symbol.upper())


def test_a_client_that_has_it_gets_it_again_only_once_the_notes_changed(own_client, own_store):
    made(own_store, "mine")
    tag = own_client.get("/api/runs/mine/report").headers["etag"]
    again = {"If-None-Match": tag}
    assert own_client.get("/api/runs/mine/report", headers=again).status_code == httpx.codes.NOT_MODIFIED
    own_store.annotate("mine", note="wider stops")
    assert "wider stops" in own_client.get("/api/runs/mine/report", headers=again).text


@pytest.mark.parametrize(
    ("path", "status"),
    [("gone/report", 404), ("ruin/report", 409), ("first/report?symbol=IWM", 404), ("first/report?symbols=SPY", 422)],
)
def test_what_is_not_there_is_a_problem(client, path, status):
    answer = client.get(f"/api/runs/{path}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_run_without_results_has_a_report_too(client):
    assert "Nothing was run" in client.get("/api/runs/failed/report").text
