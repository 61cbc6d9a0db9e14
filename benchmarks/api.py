"""Measure the REST server against its budgets, over 1,000 runs and loopback; print a table.

make bench, or: python benchmarks/api.py [seconds of load]
"""

import asyncio
import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
from loguru import logger
from rich.console import Console
from rich.table import Table

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.engine import Figure  # noqa: E402 - the path comes first
from orb_core import load_config, service  # noqa: E402
from orb_core.service import RunRequest, SourceSpec  # noqa: E402
from orb_core.store.runs import RunStore  # noqa: E402

RUNS: Final = 1_000
STARTS: Final = 3
CLIENTS: Final = 50
LOAD_SECONDS: Final = 60
WARM_UP_SHARE: Final = 0.5
FIRST: Final = datetime(2024, 10, 2, 9, tzinfo=UTC)
MIX: Final = (
    "/api/runs",
    "/api/runs?sort=-total_r&limit=20",
    "/api/trades?run_id=run_0&limit=100",
    "/api/equity?run_id=run_1&symbol=SPY&limit=200",
    "/api/metrics/core?run_id=run_2",
    "/api/sessions?run_id=run_3&limit=100",
    "/api/runs/run_4",
    "/health",
)


def thousand_runs(folder: Path) -> RunStore:
    """A store of copies of one run: three symbols over a year, above 1,000 trades."""
    store = RunStore(folder / "runs")
    dates = date(2024, 1, 2), date(2024, 12, 31)
    symbols = ("SPY", "QQQ", "IWM")
    request = RunRequest(load_config(), symbols, *dates, SourceSpec("synthetic"), run_id="seed")
    manifest = service.run_and_save(request, store)
    for number in range(RUNS):
        copy = store.path / f"run_{number}"
        copy.mkdir()
        for file in (store.path / "seed").iterdir():
            if file.name != "run.json":
                (copy / file.name).hardlink_to(file)
        created = FIRST + timedelta(minutes=number)
        own = manifest.model_copy(update={"run_id": copy.name, "created_utc": created})
        (copy / "run.json").write_text(own.model_dump_json(indent=2))
    shutil.rmtree(store.path / "seed")
    return store


@contextmanager
def serving(store: RunStore) -> Iterator[tuple[int, int]]:
    """Give port and process id of a server of these runs."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "api_server:app", "--port", str(port), "--no-access-log"]
    environment = {**os.environ, "ORB_RUNS_DIR": str(store.path)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr
            next(line for line in server.stderr if "running on" in line)
            yield port, server.pid
        finally:
            server.terminate()
            server.communicate(timeout=30)


class Client:
    """One connection that stays open."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def milliseconds(self, path: str, headers: dict[str, str] | None = None) -> float:
        """How long an answer takes, read to its end."""
        began = time.perf_counter()
        self._connection.request("GET", path, headers=headers or {})
        answer = self._connection.getresponse()
        answer.read()
        assert answer.status == 200, (path, answer.status)
        return (time.perf_counter() - began) * 1e3

    def p95(self, path: str, times: int = 200, headers: dict[str, str] | None = None) -> float:
        """What 95 of 100 answers take at most, after a first one."""
        self.milliseconds(path, headers)
        return float(np.percentile([self.milliseconds(path, headers) for _ in range(times)], 95))


def one_client(store: RunStore) -> Iterator[Figure]:
    """Answers to a single client."""
    first = []
    for _ in range(STARTS):
        with serving(store) as (port, _pid):
            first.append(Client(port).milliseconds("/api/runs"))
    yield Figure(f"/api/runs, {RUNS} runs, first answer (slowest of {STARTS})", max(first), "ms", most=50)
    with serving(store) as (port, _pid):
        client = Client(port)
        yield Figure(f"/api/runs, {RUNS} runs, warm, p95", client.p95("/api/runs"), "ms", most=10)
        yield Figure("  a page of all of them, p95", client.p95(f"/api/runs?limit={RUNS}"), "ms")
        rows = "/api/trades?run_id=run_7&limit=1000"
        packed = {"Accept-Encoding": "gzip"}
        yield Figure("/api/trades, 1,000 rows, p95", client.p95(rows), "ms", most=30)
        yield Figure("  packed with gzip, p95", client.p95(rows, headers=packed), "ms")
        yield Figure("  as Parquet, p95", client.p95(rows, headers={"Accept": "application/vnd.apache.parquet"}), "ms")


@dataclass
class Load:
    """What many clients met."""

    milliseconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


async def ask(port: int, number: int, until: float, load: Load) -> None:
    """Ask one thing after the other on one connection until time is over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    turn = number
    while time.perf_counter() < until:
        path = MIX[turn % len(MIX)]
        turn += 1
        began = time.perf_counter()
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(line for line in head.split("\r\n") if line.startswith("content-length:"))
        await reader.readexactly(int(length.split(":")[1]))
        load.milliseconds.append((time.perf_counter() - began) * 1e3)
        if " 200 " not in head.split("\r\n", 1)[0]:
            load.errors.append(f"{path}: {head[:40]}")
    writer.close()


async def asked_by_all(port: int, seconds: float) -> Load:
    """Let all clients ask for so long."""
    load, until = Load(), time.perf_counter() + seconds
    outcomes = await asyncio.gather(
        *(ask(port, number, until, load) for number in range(CLIENTS)), return_exceptions=True
    )
    load.errors += [repr(outcome) for outcome in outcomes if outcome is not None]
    return load


def resident_mb(pid: int) -> float:
    """Memory a process holds."""
    done = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)  # noqa: S607
    return int(done.stdout) / 1024


def many_clients(store: RunStore, seconds: float) -> Iterator[Figure]:
    """Answers to many clients at once, and what they leave in memory."""
    with serving(store) as (port, pid):
        asyncio.run(asked_by_all(port, seconds * WARM_UP_SHARE))
        before = resident_mb(pid)
        load = asyncio.run(asked_by_all(port, seconds))
        after = resident_mb(pid)
    for error in load.errors[:5]:
        print(error)
    name = f"{CLIENTS} clients for {seconds:g} s"
    yield Figure(f"{name}: errors", len(load.errors), "", most=0)
    yield Figure(f"{name}: growth of memory from {before:.0f} MB", (after / before - 1) * 100, "%", most=5)
    yield Figure(f"{name}: answers", len(load.milliseconds) / seconds, "/s")
    yield Figure(f"{name}: p95", float(np.percentile(load.milliseconds, 95)), "ms")


def main() -> None:
    """Print the figures; exit 1 if a budget is missed."""
    logger.remove()
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else LOAD_SECONDS
    table = Table("REST server", "measured", "budget", "verdict")
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        store = thousand_runs(Path(folder))
        for figures in (one_client(store), many_clients(store, seconds)):
            for figure in figures:
                missed |= figure.verdict == "MISSED"
                table.add_row(figure.name, f"{figure.measured:.1f} {figure.unit}", figure.budget, figure.verdict)
    Console(width=120).print(table)
    sys.exit(missed)


if __name__ == "__main__":
    main()
