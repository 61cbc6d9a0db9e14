from dataclasses import replace
from datetime import date

import pytest
from loguru import logger

from orb_core import load_config, service
from orb_core.errors import NoSessionsError, RunNotFoundError, StoreError
from orb_core.service import RunRequest, SourceSpec

START, END = date(2024, 1, 29), date(2024, 2, 9)


@pytest.fixture
def store():
    return service.default_store()


@pytest.fixture(autouse=True)
def silent_console():
    logger.remove()


def request(*settings, **changes):
    config = load_config(overrides=["data.warmup_sessions=2", *settings])
    return replace(RunRequest(config, ("SPY", "QQQ"), START, END, SourceSpec("synthetic")), **changes)


def run(store, run_id, *settings, **changes):
    service.run_and_save(request(*settings, run_id=run_id, **changes), store)


def test_two_runs_are_compared_over_the_trades_of_all_symbols(store):
    run(store, "a")
    run(store, "b", "orb.base_minutes=30")
    totals = [store.load(run_id).manifest.totals.total_r for run_id in "ab"]
    comparison = service.compare_runs(store, "a", "b")

    assert comparison.total_a == pytest.approx(totals[0])
    assert comparison.total_b == pytest.approx(totals[1])
    assert comparison.settings == {"orb.base_minutes": (15, 30)}
    assert comparison.banner == ()


def test_a_run_compared_with_itself_made_the_same_trades(store):
    run(store, "a")

    assert set(service.compare_runs(store, "a", "a").trades["status"]) == {"same"}


def test_a_run_without_results_cannot_be_compared(store, tmp_path):
    run(store, "a")
    (tmp_path / "bars").mkdir()
    run(store, "empty", source=SourceSpec("file", path=tmp_path / "bars"), symbols=("SPY",))

    with pytest.raises(StoreError, match="empty has no results: it is failed"):
        service.compare_runs(store, "a", "empty")
    with pytest.raises(RunNotFoundError):
        service.compare_runs(store, "a", "nowhere")


def test_attribution_covers_the_factors_that_were_on_and_the_trades_of_whom_was_asked_for(store):
    run(store, "a", "factors.vwap.enabled=false")
    trades = store.load("a").all_trades()
    for symbol, own in ((None, trades), ("QQQ", trades[trades["symbol"] == "QQQ"])):
        by_factor, by_score = service.attribution(store, "a", symbol)

        assert by_factor["factor"].tolist() == ["rel_volume", "price_action", "profile_proxy"]
        assert (by_factor["trades_with"] + by_factor["trades_without"] == len(own)).all()
        assert by_score["trades"].sum() == len(own) > 0


def test_a_symbol_that_was_not_run_has_no_attribution(store):
    run(store, "a")
    with pytest.raises(StoreError, match="no symbol 'IWM'"):
        service.attribution(store, "a", "IWM")


def test_a_request_can_be_checked_before_it_is_run(store):
    checked, notes = service.checked(request(symbols=("spy",)))

    assert checked.symbols == ("SPY",)
    assert notes == ("spy is read as SPY",)
    with pytest.raises(NoSessionsError):
        service.checked(request(start=date(2024, 1, 6), end=date(2024, 1, 7)))
    assert store.list() == []
