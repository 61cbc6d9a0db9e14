"""A real server on a port of this machine, in a thread of the test's own process."""

import threading
import time
from contextlib import contextmanager
from datetime import date

import httpx
import uvicorn

from orb_api.app import create_app
from orb_api.server import Settings
from orb_core import load_config, service
from orb_core.service import RunRequest, SourceSpec
from orb_core.store.runs import RunStore

START, END = date(2024, 1, 29), date(2024, 2, 9)


@contextmanager
def serving(store, **settings):
    """A client of a server of this store."""
    app = create_app(Settings(**{"store": store, "data_folder": store.path.parent / "bars", **settings}))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="none", timeout_graceful_shutdown=5))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
            client.app = app
            yield client
    finally:
        server.should_exit = True
        thread.join(30)


def made(store, run_id, *settings, symbols=("SPY",), **changes):
    """Run a backtest on two weeks of made-up bars, save it, and return it as stored."""
    config = load_config(overrides=["data.warmup_sessions=2", *settings])
    request = RunRequest(config, symbols, START, END, SourceSpec("synthetic"), run_id=run_id)
    service.run_and_save(RunRequest(**{**vars(request), **changes}), store)
    return store.load(run_id)


def store_with_runs(folder):
    """A store of a run with two symbols, one with another setting, one of which all symbols failed, and a ruin."""
    store = RunStore(folder / "runs")
    made(store, "first", symbols=("SPY", "QQQ"))
    made(store, "other", "orb.base_minutes=30", symbols=("SPY", "QQQ"))
    made(store, "failed", source=SourceSpec("file", path=folder))
    store.annotate("other", title="OR 30", tags=["candidate", "30"], note="wider", starred=True)
    (store.path / "ruin").mkdir()
    (store.path / "ruin" / "run.json").write_text("{")
    return store


def finished(client, job_id, seconds=60):
    """A job's answer once it is over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        answer = client.get(f"/api/jobs/{job_id}").json()
        if answer["state"] in ("done", "failed", "cancelled"):
            return answer
        time.sleep(0.02)
    raise TimeoutError(answer)
