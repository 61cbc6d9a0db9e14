import dataclasses
import math

import pytest

from orb_api.figures import Attribution, ComparedRuns, CoreMetrics, Metrics
from orb_api.runs import RunConfiguration, RunDetail
from orb_core import service
from tests.api.serving import made, serving


def asked(client, path, model, **params):
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    model.model_validate_json(answer.content)
    return answer.json()


def plain(value):
    """A value as JSON has it, NaN as null."""
    if dataclasses.is_dataclass(value):
        value = dataclasses.asdict(value)
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


@pytest.mark.parametrize("symbol", [None, "SPY", "QQQ"])
def test_metrics_are_those_of_the_store_each_of_them(client, store, symbol):
    params = {"symbol": symbol} if symbol else {}
    answer = asked(client, "/api/metrics/core", CoreMetrics, run_id="first", **params)

    assert answer == {"run_id": "first", "symbol": symbol, "metrics": store.load("first").metrics(symbol)}
    assert list(answer["metrics"]) == list(Metrics.model_fields)


@pytest.mark.parametrize("symbol", [None, "SPY"])
def test_attribution_is_that_of_the_service(client, store, symbol):
    params = {"symbol": symbol} if symbol else {}
    answer = asked(client, "/api/attribution", Attribution, run_id="first", **params)
    by_factor, by_score = service.attribution(store, "first", symbol)

    assert answer["factor_attribution"] == plain(by_factor.to_dict("records"))
    assert answer["score_buckets"] == plain(by_score.to_dict("records"))


def test_the_hash_is_that_of_the_manifest(client, store):
    answer = client.get("/api/config/hash", params={"run_id": "first"}).json()

    assert answer["config_hash"] == store.load("first").manifest.config_hash
    assert answer["timestamp"].endswith("Z")


def test_a_run_tells_its_whole_manifest_and_its_notes(client, store):
    answer = asked(client, "/api/runs/other", RunDetail)
    run = store.load("other")

    assert answer == {**run.manifest.model_dump(mode="json"), "notes": run.notes.model_dump(mode="json")}


def test_a_run_tells_what_it_was_asked_for(client, store):
    answer = asked(client, "/api/runs/other/config", RunConfiguration)

    assert answer == store.load("other").request
    assert answer["config"]["orb"]["base_minutes"] == 30


class TestComparing:
    def test_two_runs_are_compared_as_the_service_does(self, client, store):
        answer = asked(client, "/api/compare", ComparedRuns, runs="first,other")
        found = service.compare_runs(store, "first", "other")
        pair = answer["comparison"]

        assert [run["run_id"] for run in answer["runs"]] == ["first", "other"]
        assert [run["title"] for run in answer["runs"]] == [None, "OR 30"]
        assert answer["runs"][1]["metrics"] == store.load("other").metrics()
        assert (pair["verdict"], pair["banner"]) == (found.verdict, list(found.banner))
        assert pair["settings"] == [{"path": "orb.base_minutes", "a": 15, "b": 30}]
        assert (pair["total_a"], pair["total_b"]) == (found.total_a, found.total_b)
        assert pair["difference"] == plain(found.difference)
        assert pair["bridge"] == plain(found.bridge)
        assert sum(pair["trades"].values()) == len(found.trades)

    def test_more_than_two_stand_side_by_side(self, own_store):
        for run_id in ("a", "b", "c"):
            made(own_store, run_id)
        with serving(own_store) as client:
            answer = asked(client, "/api/compare", ComparedRuns, runs="c,a,b")

        assert [run["run_id"] for run in answer["runs"]] == ["c", "a", "b"]
        assert answer["comparison"] is None

    @pytest.mark.parametrize("runs", ["first", "first,", ",".join(map(str, range(11))), "first,../x"])
    def test_it_takes_two_to_ten_runs(self, client, runs):
        assert client.get("/api/compare", params={"runs": runs}).status_code == 422

    def test_a_run_without_results_cannot_be_compared(self, client):
        answer = client.get("/api/compare", params={"runs": "first,failed"})

        assert answer.status_code == 404
        assert "failed has no results" in answer.json()["detail"]


def test_the_root_names_endpoints_that_exist(client):
    named = client.get("/").json()["endpoints"].values()
    paths = {path.split("?")[0] for path in named}

    assert paths - {"/docs", "/openapi.json"} <= set(client.get("/openapi.json").json()["paths"])


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_the_documentation_needs_no_other_server(client, page):
    text = client.get(page).text

    assert "/openapi.json" in text
    assert "https://" not in text
    scripts = [part.split('"')[0] for part in text.split('src="')[1:]]
    assert all(client.get(script).status_code == 200 for script in scripts)


def test_the_status_counts_runs(client):
    answer = client.get("/api/status").json()

    assert answer["statistics"]["total_runs"] == 4
    assert answer["statistics"]["latest_run"] == "failed"
