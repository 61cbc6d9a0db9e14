import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from starlette.exceptions import HTTPException

from orb_api import tables
from orb_api.lanes import Lane

PATHS = [
    "/health",
    "/api/runs",
    "/api/trades?run_id=first",
    "/api/equity?run_id=other",
    "/api/metrics/core?run_id=first",
]


def get(client, path):
    return httpx.get(f"{client.base_url}{path}", timeout=30, trust_env=False)


def test_fifty_clients_at_once_are_all_answered(client):
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda number: get(client, PATHS[number % len(PATHS)]), range(200)))

    assert {answer.status_code for answer in answers} == {200}


def test_what_is_quick_does_not_wait_for_what_is_heavy(client, monkeypatch):
    may_end, begun = threading.Event(), threading.Semaphore(0)
    read = tables._table

    def slow(*arguments):
        begun.release()
        may_end.wait(20)
        return read(*arguments)

    monkeypatch.setattr(tables, "_table", slow)
    with ThreadPoolExecutor(12) as pool:
        heavy = [pool.submit(get, client, "/api/trades?run_id=first") for _ in range(12)]
        try:
            begun.acquire(timeout=20)
            quick = [
                get(client, path) for path in ("/health", "/api/runs", "/api/runs/first", "/api/jobs", "/api/status")
            ]
            assert [answer.status_code for answer in quick] == [200] * 5
            assert not any(answer.done() for answer in heavy)
        finally:
            may_end.set()
    assert [answer.result().status_code for answer in heavy] == [200] * 12


def test_a_lane_that_is_full_sends_away_who_comes_later():
    async def crowd():
        lane, may_end = Lane(at_once=1, waiting=1), threading.Event()
        inside = [asyncio.create_task(lane.run(may_end.wait)) for _ in range(2)]
        await asyncio.sleep(0.05)
        with pytest.raises(HTTPException) as refused:
            await lane.run(may_end.wait)
        may_end.set()
        return refused.value, await asyncio.gather(*inside)

    refused, done = asyncio.run(crowd())

    assert refused.status_code == 429
    assert refused.headers == {"Retry-After": "1"}
    assert done == [True, True]


def test_a_long_stream_of_events_holds_up_nobody(own_client, monkeypatch):
    from orb_core import service

    let_go = threading.Event()
    monkeypatch.setattr(service, "run_and_save", lambda *_, **__: let_go.wait(20) and None)
    body = {"symbols": ["SPY"], "start": "2024-01-29", "end": "2024-02-09", "source": {"kind": "synthetic"}}
    job_id = own_client.post("/api/runs", json=body).json()["id"]
    with ThreadPoolExecutor(20) as pool:
        streams = [pool.submit(get, own_client, f"/api/jobs/{job_id}/events") for _ in range(20)]
        try:
            assert [get(own_client, "/health").status_code for _ in range(5)] == [200] * 5
        finally:
            own_client.delete(f"/api/jobs/{job_id}")
            let_go.set()
    assert {stream.result().status_code for stream in streams} == {200}
