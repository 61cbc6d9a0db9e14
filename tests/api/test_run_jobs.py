import json
import threading
from itertools import pairwise

import pytest

from orb_api.run_jobs import JobAnswer
from orb_core import load_config, service
from orb_core.config.load import config_hash
from orb_core.data.synthetic import SyntheticSource
from orb_core.errors import CancelledError
from orb_core.service import Progress
from tests.api.serving import END, START, finished, made, serving

SHORT = {"symbols": ["SPY"], "start": str(START), "end": str(END), "source": {"kind": "synthetic"}}


def post(client, **changes):
    return client.post("/api/runs", json={**SHORT, **changes})


def events(client, job_id):
    """Name and content of every event of a job's stream, which ends by itself."""
    with client.stream("GET", f"/api/jobs/{job_id}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        blocks = "".join(stream.iter_text()).strip().split("\n\n")
    fields = [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]
    return [(field["event"], json.loads(field["data"])) for field in fields]


@pytest.fixture
def held(monkeypatch):
    """Runs that wait, once they have reported a step, until they are let go or cancelled."""
    let_go = threading.Event()

    def run(_request, _store, *, reuse, on_progress, is_cancelled):
        on_progress(Progress("fetch", "SPY", 0, 1))
        while not let_go.wait(0.01):
            if is_cancelled():
                raise CancelledError("Cancelled before any symbol was finished; nothing was saved")
        raise RuntimeError("secret: /home/somebody")

    monkeypatch.setattr(service, "run_and_save", run)
    yield let_go
    let_go.set()


class TestARunThatIsAskedFor:
    def test_it_is_accepted_watched_and_saved(self, own_client, own_store):
        accepted = post(own_client, run_id="mine", config={"orb": {"base_minutes": 30}})
        job = JobAnswer.model_validate_json(accepted.content)

        assert accepted.status_code == 202
        assert accepted.headers["location"] == f"/api/jobs/{job.id}"
        assert job.label == f"SPY, {START} to {END}"
        answer = finished(own_client, job.id)
        assert (answer["state"], answer["run_id"], answer["run_status"]) == ("done", "mine", "complete")
        assert answer["progress"] == {"step": "save", "symbol": None, "done": 1, "total": 1}
        run = own_store.load("mine")
        assert run.manifest.origin == "api"
        assert run.manifest.config_hash == config_hash(load_config(overrides=["orb.base_minutes=30"]))

    def test_symbols_that_were_mended_are_said(self, own_client, own_store):
        accepted = post(own_client, run_id="mended", symbols=["spy", "SPY"])

        assert accepted.json()["label"].startswith("SPY, ")
        finished(own_client, accepted.json()["id"])
        warnings = own_store.load("mended").manifest.warnings
        assert warnings == ("spy is read as SPY", "SPY was given more than once; it runs once")

    def test_its_results_are_those_of_the_command_line(self, own_client, own_store):
        made(own_store, "by_hand")
        answer = post(own_client, run_id="asked", config={"data": {"warmup_sessions": 2}})
        finished(own_client, answer.json()["id"])
        trades = [(own_store.path / run_id / "SPY_trades.parquet").read_bytes() for run_id in ("by_hand", "asked")]

        assert trades[0] == trades[1]

    def test_what_a_run_was_asked_for_can_be_asked_for_again(self, own_client, own_store):
        made(own_store, "first", "orb.base_minutes=30")
        asked = own_client.get("/api/runs/first/config").json()
        again = {key: asked[key] for key in ("symbols", "start", "end", "config")}
        answer = post(own_client, **again, run_id="again")
        finished(own_client, answer.json()["id"])

        assert own_store.load("again").manifest.identity == own_store.load("first").manifest.identity

    def test_a_preset_lies_under_its_settings(self, own_client, own_store):
        answer = post(own_client, preset="zarattini_2023_qqq", config={"orb": {"base_minutes": 10}}, run_id="preset")
        finished(own_client, answer.json()["id"])
        config = load_config(preset="zarattini_2023_qqq", overrides=["orb.base_minutes=10"])

        assert own_store.load("preset").manifest.config_hash == config_hash(config)

    def test_one_that_is_there_is_not_saved_twice_if_told_so(self, own_client, own_store):
        jobs = [finished(own_client, post(own_client, reuse=True).json()["id"]) for _ in range(2)]

        assert jobs[0]["run_id"] == jobs[1]["run_id"]
        assert len(own_store.list()) == 1

    def test_a_symbol_that_fails_is_named(self, own_client, own_store):
        bars = own_store.path.parent / "bars"
        bars.mkdir(parents=True)
        made_up = SyntheticSource(load_config().session).fetch("SPY", START, END, "1m")
        made_up.to_csv(bars / "SPY_1m.csv", index=False)
        answer = finished(own_client, post(own_client, symbols=["SPY", "QQQ"], source={"kind": "file"}).json()["id"])

        assert (answer["state"], answer["run_status"]) == ("done", "partial")
        assert list(answer["failures"]) == ["QQQ"]
        assert own_store.load(answer["run_id"]).symbols == ("SPY",)


class TestEvents:
    def test_they_tell_each_change_and_end_with_the_outcome(self, own_client):
        job_id = post(own_client, run_id="mine").json()["id"]
        told = events(own_client, job_id)

        assert [name for name, _ in told[:-1]] == ["progress"] * (len(told) - 1)
        assert told[-1] == ("done", own_client.get(f"/api/jobs/{job_id}").json())
        assert all(a != b for a, b in pairwise(told))

    def test_a_late_listener_is_told_the_outcome(self, own_client):
        job_id = post(own_client).json()["id"]
        finished(own_client, job_id)

        assert [name for name, _ in events(own_client, job_id)] == ["done"]

    def test_there_are_none_of_a_job_there_is_not(self, own_client):
        answer = own_client.get(f"/api/jobs/{'0' * 32}/events")

        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.usefixtures("held")
class TestCancelling:
    def test_a_running_job_stops_at_its_next_look(self, own_client, own_store):
        job_id = post(own_client).json()["id"]
        told = []
        listener = threading.Thread(target=lambda: told.extend(events(own_client, job_id)))
        listener.start()
        assert own_client.delete(f"/api/jobs/{job_id}").status_code == 200
        answer = finished(own_client, job_id)
        listener.join(10)

        assert answer["state"] == told[-1][0] == "cancelled"
        assert answer["error"] is None
        assert own_store.list() == []

    def test_a_queued_job_stops_at_once(self, own_store):
        with serving(own_store, jobs_at_once=1) as client:
            running, queued = (post(client).json()["id"] for _ in range(2))

            assert client.delete(f"/api/jobs/{queued}").json()["state"] == "cancelled"
            assert client.get(f"/api/jobs/{running}").json()["state"] == "running"

    def test_cancelling_twice_is_the_same(self, own_client):
        job_id = post(own_client).json()["id"]
        own_client.delete(f"/api/jobs/{job_id}")
        finished(own_client, job_id)

        assert own_client.delete(f"/api/jobs/{job_id}").json()["state"] == "cancelled"

    def test_a_server_that_stops_cancels_what_it_runs(self, own_store):
        with serving(own_store) as client:
            job_id = post(client).json()["id"]
            job = client.app.state.server.jobs.of(job_id)

        assert job.answer().state == "cancelled"


class TestTheQueue:
    def test_a_run_too_many_is_sent_away_until_there_is_room(self, own_store, held):
        with serving(own_store, jobs_at_once=1, jobs_waiting=1) as client:
            jobs = [post(client).json()["id"] for _ in range(2)]
            refused = post(client)
            client.delete(f"/api/jobs/{jobs[1]}")

            assert refused.status_code == 429
            assert refused.headers["retry-after"] == "1"
            assert "2 runs are under way" in refused.json()["detail"]
            assert post(client).status_code == 202

    def test_only_the_last_jobs_that_are_over_are_remembered(self, own_store, held):
        held.set()
        with serving(own_store, jobs_kept=2) as client:
            jobs = [post(client).json()["id"] for _ in range(4)]
            for job_id in jobs:
                if client.get(f"/api/jobs/{job_id}").status_code == 200:
                    finished(client, job_id)
            last = post(client).json()["id"]
            known = [job["id"] for job in client.get("/api/jobs").json()]

        assert known == [last, *jobs[:1:-1]]

    def test_a_fault_is_told_without_its_inside(self, own_client, held):
        held.set()
        answer = finished(own_client, post(own_client).json()["id"])

        assert answer["state"] == "failed"
        assert answer["error"] == "A fault of the server itself; its log has the details"


class TestWhatCannotBeRun:
    @pytest.mark.parametrize(
        ("changes", "detail"),
        [
            ({"symbols": []}, "body.symbols"),
            ({"symbols": ["../x"]}, "'../x' cannot be a symbol"),
            ({"symbols": ["SPY"] * 101}, "body.symbols"),
            ({"start": "2024-02-09", "end": "2024-01-29"}, "swap them"),
            ({"start": "2024-01-06", "end": "2024-01-07"}, "no session of XNYS"),
            ({"end": "2999-01-01"}, "symbol-years"),
            ({"start": "0001-01-01"}, "symbol-years"),
            ({"start": "0001-01-02", "end": "0001-03-01"}, ""),
            ({"symbols": ["A,B C"] * 20, "start": "1990-01-01"}, "3 symbols over 34.1 years"),
            ({"source": {"kind": "../x"}}, "body.source.kind"),
            ({"source": {"kind": "nope"}}, "There is no source 'nope'; installed are yahoo, synthetic, file"),
            ({"source": {"kind": "synthetic", "seed": -1}}, "body.source.seed"),
            ({"preset": "nowhere"}, "no preset 'nowhere'"),
            ({"run_id": "../x"}, "body.run_id"),
            ({"colour": "blue"}, "`body.colour` is unknown"),
            ({"symbols": ["\ud800"]}, "body.symbols"),
        ],
    )
    def test_it_is_refused_before_it_is_queued(self, own_client, changes, detail):
        content = json.dumps({**SHORT, **changes})
        answer = own_client.post("/api/runs", content=content, headers={"Content-Type": "application/json"})

        assert answer.status_code == 422, answer.text
        assert detail in answer.json()["detail"]
        assert own_client.get("/api/jobs").json() == []

    def test_every_wrong_setting_is_named_with_its_path(self, own_client):
        answer = post(own_client, config={"orb": {"base_minuts": 5}, "trade": {"t1_r": -1}})

        assert answer.status_code == 422
        assert answer.json()["type"] == "urn:orb:problem:config"
        assert {part["path"] for part in answer.json()["errors"]} == {"orb.base_minuts", "trade.t1_r"}
        assert "did you mean" in answer.json()["detail"]

    @pytest.mark.parametrize("depth", [90, 900, 90_000])
    def test_settings_may_be_nested_however_deep(self, own_client, depth):
        config = '{"orb": ' * depth + "1" + "}" * depth
        content = json.dumps(SHORT)[:-1] + f', "config": {config}}}'
        answer = own_client.post("/api/runs", content=content, headers={"Content-Type": "application/json"})

        assert answer.status_code in (400, 422)
        assert answer.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize(
        "config", [{"\ud800": 1}, {"instruments": {"\ud800": {}}}, {"session": {"calendar": "\ud800"}}]
    )
    def test_text_that_is_none_is_refused(self, own_client, config):
        content = json.dumps({**SHORT, "config": config})
        answer = own_client.post("/api/runs", content=content, headers={"Content-Type": "application/json"})

        assert answer.status_code == 422

    @pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
    def test_a_form_of_another_page_cannot_start_one(self, own_client, content_type):
        headers = {"Content-Type": content_type} if content_type else {}
        answer = own_client.post("/api/runs", content=json.dumps(SHORT), headers=headers)

        assert answer.status_code == 422
        assert own_client.get("/api/jobs").json() == []

    def test_a_run_id_that_exists_is_a_conflict(self, own_client, own_store):
        made(own_store, "there")
        answer = post(own_client, run_id="there")

        assert answer.status_code == 409
        assert answer.json()["type"] == "urn:orb:problem:run-exists"

    @pytest.mark.parametrize(
        "path", ["../secret.csv", "/etc/passwd", "a/../../secret.csv", "link.csv", "nowhere.csv", "a\nb"]
    )
    def test_only_files_inside_its_folder_of_bars_are_read(self, own_client, own_store, path):
        bars = own_store.path.parent / "bars"
        (bars / "a").mkdir(parents=True)
        (bars.parent / "secret.csv").write_text("secret")
        (bars / "link.csv").symlink_to(bars.parent / "secret.csv")
        answer = post(own_client, source={"kind": "file", "path": path})

        assert answer.status_code == 422
        assert "source.path" in answer.json()["detail"]
        assert "secret\n" not in answer.text


class TestNotes:
    def test_what_is_named_changes_and_the_rest_stays(self, own_client, own_store):
        made(own_store, "noted")
        own_client.patch("/api/runs/noted", json={"title": "OR 15", "tags": ["a", "b"], "starred": True})
        answer = own_client.patch("/api/runs/noted", json={"note": "<b>text</b>"})

        assert answer.json() == {"title": "OR 15", "tags": ["a", "b"], "note": "<b>text</b>", "starred": True}
        assert own_store.load("noted").notes.model_dump(mode="json") == answer.json()

    def test_an_empty_title_takes_it_back(self, own_client, own_store):
        made(own_store, "noted")
        own_client.patch("/api/runs/noted", json={"title": "OR 15"})
        own_client.patch("/api/runs/noted", json={"title": ""})

        assert own_client.get("/api/runs").json()["runs"][0]["title"] is None

    @pytest.mark.parametrize(
        "change",
        [{"title": "x" * 201}, {"tags": ["x"] * 21}, {"note": "x" * 20_001}, {"colour": 1}, {"title": None}, [], "x"],
    )
    def test_what_cannot_be_noted_is_refused(self, own_client, own_store, change):
        made(own_store, "noted")

        assert own_client.patch("/api/runs/noted", json=change).status_code == 422

    def test_a_run_that_is_not_there_has_none(self, own_client):
        assert own_client.patch("/api/runs/nowhere", json={"title": "x"}).status_code == 404

    def test_a_disk_that_fails_is_no_fault_of_the_request(self, own_client, own_store, monkeypatch):
        made(own_store, "noted")

        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("orb_core.durable.replace", full)
        answer = own_client.patch("/api/runs/noted", json={"title": "x"})

        assert answer.status_code == 507
        assert "No space left" in answer.json()["detail"]

    def test_a_folder_whose_lock_cannot_be_had_is_no_fault_of_the_request_either(self, own_client, own_store):
        made(own_store, "noted")
        (own_store.path / ".notes.lock").mkdir()
        answer = own_client.patch("/api/runs/noted", json={"title": "x"})

        assert answer.status_code == 503
        assert "cannot be locked" in answer.json()["detail"]


class TestDeleting:
    def test_a_run_is_gone_for_good(self, own_client, own_store):
        made(own_store, "going")

        assert own_client.delete("/api/runs/going").status_code == 204
        assert own_client.get("/api/runs/going").status_code == 404
        assert own_client.get("/api/runs").json()["count"] == 0
        assert own_client.delete("/api/runs/going").status_code == 404
        assert own_store.list() == []

    def test_a_folder_that_is_no_run_stays(self, own_client, own_store):
        (own_store.path / "mine").mkdir(parents=True)

        assert own_client.delete("/api/runs/mine").status_code == 404
        assert (own_store.path / "mine").is_dir()
