from datetime import UTC, datetime, timedelta

import pytest

from orb_core import load_config, service
from orb_core.data.day_archive import DayArchive
from orb_core.errors import CancelledError
from tests.fakes.yahoo import FakeYahoo, market_bars


def test_a_cancelled_fetch_stops_before_the_next_request_and_what_came_stays_archived(monkeypatch, tmp_path):
    today = datetime.now(UTC).date()
    with FakeYahoo() as yahoo:
        yahoo.bars["SPY"] = market_bars("SPY", today - timedelta(days=35), today)
        monkeypatch.setenv("ORB_YAHOO_URL", yahoo.url)
        request = service.RunRequest(
            load_config(overrides=["data.warmup_sessions=0"]),
            ("SPY",),
            today - timedelta(days=20),
            today,
            service.SourceSpec("yahoo"),
            cache_dir=tmp_path,
        )
        with pytest.raises(CancelledError):
            service.run_and_save(request, service.default_store(), is_cancelled=lambda: len(yahoo.charts()) > 0)
        assert len(yahoo.charts()) == 1
    assert len(DayArchive(tmp_path / "archive").entries()) > 0
