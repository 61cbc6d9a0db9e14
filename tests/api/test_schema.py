"""The OpenAPI document and the server say the same: every answer to a made-up request, good or bad, is one it lists."""

import re
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from orb_api.app import create_app
from orb_api.server import Settings
from orb_core import service
from orb_core.store.runs import RunStore
from orb_core.store.tables import ALL_TRADES, KINDS
from tests.api.serving import serving, store_with_runs

DOCUMENT = create_app(Settings(RunStore("nowhere"), Path("nowhere"))).openapi()
SCHEMAS = DOCUMENT["components"]["schemas"]
ROWS = {"EquityPoint": "equity", "Signal": "signals", "Session": "sessions"}
OPERATIONS = {found.ok().label: found.ok() for found in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()}
RUNS = ["first", "other", "failed", "ruin", ""]
STREAMS = {"GET /api/jobs/{job_id}/events"}
WITHOUT_PARAMETERS = {"GET /", "GET /health", "GET /api/status", "GET /api/jobs"}
MORE_THAN_A_SCHEMA_SAYS = {
    "GET /api/runs": "a cursor is one that a page named",
    "POST /api/runs": "dates may be reversed, and settings contradict each other",
}
ASKED = [(label, GenerationMode.POSITIVE) for label in sorted(OPERATIONS.keys() - STREAMS)] + [
    (label, GenerationMode.NEGATIVE) for label in sorted(OPERATIONS.keys() - STREAMS - WITHOUT_PARAMETERS)
]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """That of a server whose runs are over at once."""
    store = store_with_runs(tmp_path_factory.mktemp("schema"))
    manifest = store.load("first").manifest
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service, "run_and_save", lambda *_, **__: manifest)
        with serving(store) as client:
            yield str(client.base_url)


@pytest.mark.parametrize(("label", "mode"), ASKED)
def test_every_answer_is_one_the_document_lists(address, label, mode):
    excluded = [positive_data_acceptance] if label in MORE_THAN_A_SCHEMA_SAYS else []

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        OPERATIONS[label].as_strategy(generation_mode=mode), st.sampled_from(["first", "other", "failed", "ruin", ""])
    )
    def ask(case, run_id):
        for place in (case.query, case.path_parameters):
            if run_id and place and "run_id" in place:
                place["run_id"] = run_id
        case.call_and_validate(base_url=address, excluded_checks=excluded)

    ask()


def examples(schema):
    return [*schema.get("examples", []), *([schema["example"]] if "example" in schema else [])]


@pytest.mark.parametrize("name", sorted(name for name, schema in SCHEMAS.items() if examples(schema)))
def test_every_example_is_one(name):
    validator = Draft202012Validator({"$ref": f"#/components/schemas/{name}", **DOCUMENT})
    for example in examples(SCHEMAS[name]):
        validator.validate(example)


def test_every_operation_says_what_it_does_and_answers_errors_with_problems():
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], (method, path)
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"], (method, path, status)


def test_settings_are_described_by_their_own_models_and_none_is_required():
    config = SCHEMAS["NewRun"]["properties"]["config"]
    minutes = SCHEMAS["OpeningRangeSettings"]["properties"]["base_minutes"]

    assert config["$ref"] == "#/components/schemas/RunConfig"
    assert "required" not in SCHEMAS["RunConfig"]
    assert (minutes["minimum"], minutes["unit"]) == (1, "minutes")


@pytest.mark.parametrize(("name", "columns"), [("Trade", ALL_TRADES), *[(n, KINDS[k]) for n, k in ROWS.items()]])
def test_rows_have_the_columns_the_store_declares(name, columns):
    assert list(SCHEMAS[name]["properties"]) == SCHEMAS[name]["required"] == list(columns)


def test_the_page_of_the_api_names_every_path_and_parameter():
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([^`\n]+)`|[?&](\w+)=", page))
    words = {word for pair in named for word in pair}
    parameters = {
        parameter["name"]
        for operations in DOCUMENT["paths"].values()
        for operation in operations.values()
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "query"
    }

    assert set(DOCUMENT["paths"]) - words == set()
    assert parameters - words == set()
