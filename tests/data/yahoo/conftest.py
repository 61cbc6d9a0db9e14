"""A fake Yahoo, a clock to turn, and sources that ask the one and look at the other."""

import sys
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from orb_core import load_config
from orb_core.data.sessions import session_table
from orb_core.data.yahoo import YahooSource
from orb_core.data.yahoo_client import Patience, YahooClient
from tests.fakes.yahoo import FakeYahoo, market_bars

# A Friday, an hour after the close (summer time began on Sunday 8 March).
FRIDAY = datetime(2026, 3, 20, 21, 0, tzinfo=UTC)
MONDAY_DATE, FRIDAY_DATE = date(2026, 3, 16), date(2026, 3, 20)
WEEK = (MONDAY_DATE, FRIDAY_DATE, "1m")


@dataclass
class Clock:
    """Says `time`, and passes the time slept through at once."""

    time: datetime = FRIDAY
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        if seconds:
            self.slept.append(seconds)
        self.time += timedelta(seconds=seconds)


@pytest.fixture(scope="session")
def spy():
    return market_bars("SPY", date(2025, 12, 1), FRIDAY_DATE)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(autouse=True)
def yfinance_of_a_new_process():
    yield
    if "yfinance" in sys.modules:
        sys.modules["yfinance.data"].SingletonMeta._instances.clear()


@pytest.fixture
def yahoo(clock, spy, monkeypatch):
    with FakeYahoo(now=clock) as fake:
        fake.bars["SPY"] = spy
        monkeypatch.setenv("ORB_YAHOO_URL", fake.url)
        yield fake


@pytest.fixture
def make_source(clock, tmp_path, yahoo):
    """Makes sources of the same cache folder, each with a client of its own, as another run or process would."""

    def make(overrides=(), *, first_session=None, patience=None, cache_dir=tmp_path / "cache"):
        client = YahooClient(cache_dir, now=clock, sleep=clock.sleep, patience=patience or Patience(spacing_s=0))
        return YahooSource(load_config(overrides=overrides), cache_dir, first_session=first_session, client=client)

    return make


@pytest.fixture
def source(make_source):
    return make_source()


@pytest.fixture(scope="session")
def over() -> list[date]:
    """The sessions of the last weeks that are over, by the clock of the machine."""
    today = datetime.now(UTC).date()
    table = session_table(load_config().session, today - timedelta(days=35), today)
    return table.dates[table.close_ns < pd.Timestamp.now("UTC").value - 3_600 * 10**9].tolist()


@pytest.fixture
def live_yahoo(over, monkeypatch):
    with FakeYahoo() as fake:
        fake.bars["SPY"] = market_bars("SPY", over[0], over[-1])
        monkeypatch.setenv("ORB_YAHOO_URL", fake.url)
        yield fake
