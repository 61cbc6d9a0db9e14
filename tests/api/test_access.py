import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import api_server
from orb_api.access import AccessControl, is_loopback
from orb_api.bounds import LARGEST_BODY_BYTES
from tests.api.serving import serving

ROOT = Path(__file__).parents[2]
KEY = "a long random text"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - to see that it is refused
LOCAL = ("127.0.0.1", 50_000)


@pytest.fixture(scope="module")
def locked(store):
    with serving(store, api_key=KEY) as client:
        yield client


def asked(*, key=None, client=LOCAL, server=("127.0.0.1", 8000), headers=(("host", "127.0.0.1:8000"),)):
    """The status of a request that reached the middleware like this."""
    sent = []

    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "path": "/api/runs",
        "client": client,
        "server": server,
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }
    asyncio.run(AccessControl(app, key)(scope, None, send))
    return sent[0]["status"]


class TestWithoutAKey:
    @pytest.mark.parametrize("host", ["127.0.0.1:8000", "127.0.0.1", "localhost:80", "LOCALHOST", "[::1]:80", "[::1]"])
    def test_this_machine_is_answered_under_any_of_its_loopback_names(self, host):
        assert asked(headers=[("host", host)]) == 200

    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:8000",
            "evil.example@127.0.0.1",
            "127.0.0.1/evil.example",
            "0.0.0.0:8000",
            "192.168.1.5:8000",
            "",
        ],
    )
    def test_a_name_that_is_not_loopback_is_refused(self, host):
        assert asked(headers=[("host", host)]) == 403

    @pytest.mark.parametrize("headers", [[], [("host", "127.0.0.1"), ("host", "evil.example")]])
    def test_a_request_without_one_clear_host_is_refused(self, headers):
        assert asked(headers=headers) == 403

    @pytest.mark.parametrize("client", [("192.168.1.7", 5000), ("10.0.0.1", 1), ("2001:db8::1", 1), None])
    def test_another_machine_is_refused_whatever_host_it_names(self, client):
        assert asked(client=client) == 403

    def test_a_request_to_the_machines_outer_address_is_refused(self):
        assert asked(server=("192.168.1.5", 8000)) == 403

    @pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:8501", "null"])
    def test_a_page_of_another_origin_is_refused(self, origin):
        assert asked(headers=[("host", "127.0.0.1:8000"), ("origin", origin)]) == 403

    def test_its_own_documentation_page_is_answered(self):
        assert asked(headers=[("host", "127.0.0.1:8000"), ("origin", "http://127.0.0.1:8000")]) == 200

    def test_a_refusal_is_a_problem_that_says_what_to_do(self, client):
        answer = client.get("/api/runs", headers={"Host": "evil.example"})

        assert answer.status_code == 403
        assert answer.headers["content-type"] == "application/problem+json"
        assert "evil.example" in answer.json()["detail"]
        assert "ORB_API_KEY" in answer.json()["detail"]

    def test_no_other_origin_is_invited_in(self, client):
        answer = client.options(
            "/api/runs", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        )

        assert answer.status_code == 403
        assert not any(name.startswith("access-control") for name in answer.headers)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("::ffff:10.0.0.1", False),
        (EVERYWHERE, False),
        ("::", False),
        ("my-machine", False),
    ],
)
def test_loopback_is_what_can_only_be_this_machine(address, expected):
    assert is_loopback(address) is expected


class TestWithAKey:
    @pytest.mark.parametrize("path", ["/", "/health", "/api/runs", "/docs", "/openapi.json", "/nowhere"])
    @pytest.mark.parametrize("headers", [{}, {"X-API-Key": "a guess"}, {"Authorization": f"Basic {KEY}"}])
    def test_nothing_is_answered_without_it(self, locked, path, headers):
        answer = locked.get(path, headers=headers)

        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"
        assert KEY not in answer.text

    @pytest.mark.parametrize("headers", [{"X-API-Key": KEY}, {"Authorization": f"Bearer {KEY}"}])
    def test_it_may_come_in_either_header(self, locked, headers):
        assert locked.get("/api/runs", headers=headers).status_code == 200

    def test_it_opens_the_server_to_other_machines(self):
        headers = [("host", "lab.example:8000"), ("x-api-key", KEY)]

        assert asked(key=KEY, client=("192.168.1.7", 5000), headers=headers) == 200

    def test_every_key_given_is_compared_in_constant_time(self, monkeypatch):
        compared = []
        monkeypatch.setattr("hmac.compare_digest", lambda a, b: compared.append((a, b)) or a == b)
        headers = [("host", "x"), ("x-api-key", KEY), ("authorization", "Bearer a guess")]

        assert asked(key=KEY, headers=headers) == 200
        assert len(compared) == 2
        assert {len(digest) for pair in compared for digest in pair} == {32}

    def test_it_may_hold_letters_of_any_language(self):
        assert asked(key="schlüssel", headers=[("x-api-key", "schlüssel")]) == 200


class TestStarting:
    @pytest.mark.parametrize("host", [EVERYWHERE, "::", "192.168.1.5", "my-machine"])
    def test_it_does_not_open_itself_to_other_machines_without_a_key(self, host, capsys):
        with pytest.raises(SystemExit) as stopped:
            api_server.main(["--host", host])

        assert stopped.value.code == 2
        assert "set ORB_API_KEY" in capsys.readouterr().err

    def test_an_empty_key_is_none(self):
        command = [sys.executable, "api_server.py", "--host", EVERYWHERE]
        environment = {**os.environ, "ORB_API_KEY": ""}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

        assert done.returncode == 2
        assert "set ORB_API_KEY" in done.stderr

    def test_uvicorn_serves_it_too(self, tmp_path):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", "uvicorn", "api_server:app", "--port", str(port)]
        with subprocess.Popen(
            command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        ) as server:
            try:
                started = next(line for line in server.stderr if "running on" in line)
                answer = httpx.get(f"http://localhost:{port}/health", trust_env=False)
            finally:
                server.terminate()
                server.communicate(timeout=30)

        assert str(port) in started
        assert answer.json()["status"] == "healthy"


class TestBounds:
    def test_a_body_beyond_a_megabyte_is_refused(self, client):
        answer = client.post(
            "/api/runs", content=b" " * (LARGEST_BODY_BYTES + 1), headers={"Content-Type": "application/json"}
        )

        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"

    def test_so_is_one_that_does_not_say_how_long_it_is(self, client):
        pieces = (b" " * 65_536 for _ in range(40))
        answer = client.patch("/api/runs/first", content=pieces, headers={"Content-Type": "application/json"})

        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize("path", ["/api/runs/..", "/api/runs/%2e%2e", "/api/runs/..%2F..%2Fetc", "/api/runs/a%00b"])
    def test_a_run_id_is_never_a_path(self, client, path):
        for answer in (client.get(path), client.delete(path), client.patch(path, json={"title": "x"})):
            assert answer.status_code in (404, 405, 422)
            assert answer.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize("path", ["/nowhere", "/api/runs/", "/api/trades/x"])
    def test_what_is_not_there_is_a_problem(self, client, path):
        answer = client.get(path)

        assert answer.status_code == 404
        assert answer.json()["instance"] == path

    def test_a_method_that_is_not_there_is_a_problem(self, client):
        answer = client.put("/api/runs/first", json={})

        assert answer.status_code == 405
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(answer.headers["allow"].split(", ")) == {"GET", "PATCH", "DELETE"}
