import json
from datetime import date
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from orb_core.config.load import config_from_mapping
from orb_core.data.quality import clean_bars
from orb_core.data.sessions import with_warmup
from orb_core.engine.backtest import EventLoopBacktest
from tests.engine.runs import plain_rows, same

SHARED = Path(__file__).resolve().parents[3] / "shared"
CASES = sorted((SHARED / "conformance" / "cases").glob("*.json"))

pytestmark = pytest.mark.skipif(not CASES, reason=f"the conformance cases are not here: no {SHARED}/conformance")


@cache
def raw_bars(path: str) -> pd.DataFrame:
    return pd.read_parquet(SHARED / "data" / path)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_engine_agrees_with_another_implementation_on_real_bars(path: Path):
    case = json.loads(path.read_text())
    config = config_from_mapping(
        case["config"] | {"data": case["config"].get("data", {}) | {"interval": case["interval"]}}
    )
    start, end = date.fromisoformat(case["start"]), date.fromisoformat(case["end"])
    table = with_warmup(config.session, start, end, config.data.warmup_sessions)
    bars = clean_bars(
        raw_bars(case["bars"]), table, config.data.bar_minutes, config.orb.base_minutes, case["bars"]
    ).bars
    result = EventLoopBacktest(config).run(bars, case["symbol"], start, end)
    of_the_run = result.sessions[~result.sessions["warmup"] & (result.sessions["bars"] > 0)]
    for kind, frame in (("sessions", of_the_run), ("signals", result.signals), ("trades", result.trades)):
        assert first_difference(plain_rows(frame), case["expect"][kind]) is None, kind


def first_difference(rows: list[dict], expected: list[dict]) -> str | None:
    """The first expected value that is not there; the expectations hold some of the columns only."""
    for n, (row, wanted) in enumerate(zip(rows, expected, strict=False)):
        for name, value in wanted.items():
            if not same(row[name], typed(name, value)):
                return f"row {n}: {name} is {row[name]!r}, expected {value!r}"
    return None if len(rows) == len(expected) else f"{len(rows)} rows, expected {len(expected)}"


def typed(name: str, value: object) -> object:
    """What JSON says, as a plain row says it."""
    if value is None:
        return float("nan")
    if name.endswith("timestamp"):
        return pd.Timestamp(value).value
    return date.fromisoformat(value) if name == "session_date" else value
