import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from loguru import logger

from orb_core.errors import CancelledError, DataError
from orb_core.jobs import JobManager


@pytest.fixture
def manager():
    manager = JobManager(max_workers=1)
    yield manager
    manager.shutdown()


@pytest.fixture
def gate():
    """Holds the one worker until it is opened."""
    gate = threading.Event()
    yield gate
    gate.set()


@pytest.fixture
def logged():
    records = []
    sink = logger.add(lambda message: records.append(message.record), level="ERROR")
    yield records
    logger.remove(sink)


def hold(manager, gate):
    begun = threading.Event()

    def work(progress, is_cancelled):
        begun.set()
        gate.wait(10)
        if is_cancelled():
            raise CancelledError("stopped on request")
        return "held"

    job = manager.submit(work)
    assert begun.wait(10)
    return job


def test_a_job_returns_what_its_work_returned(manager):
    job = manager.submit(lambda *_: 42)

    assert job.result == 42
    assert job.state == "done"
    assert job.error is None


def test_a_job_shows_the_progress_reported_last(manager):
    def work(progress, is_cancelled):
        progress(1)
        progress(2)

    job = manager.submit(work)

    assert job.wait(10)
    assert job.progress == 2


def test_a_job_waits_for_its_turn(manager, gate):
    first = hold(manager, gate)
    second = manager.submit(lambda *_: None)

    assert (first.state, second.state) == ("running", "queued")
    assert not second.wait(0.01)
    gate.set()
    assert second.wait(10)


def test_an_error_of_the_work_is_kept_and_raised_again_where_the_result_is_asked_for(manager):
    def work(progress, is_cancelled):
        raise DataError("no bars")

    job = manager.submit(work)

    with pytest.raises(DataError, match="no bars"):
        _ = job.result
    assert job.state == "failed"
    assert str(job.error) == "no bars"


def test_a_running_job_is_told_that_it_is_not_wanted_any_more(manager, gate):
    job = hold(manager, gate)
    job.cancel()
    assert job.state == "running"
    gate.set()

    with pytest.raises(CancelledError, match="stopped on request"):
        _ = job.result
    assert job.state == "cancelled"
    assert job.error is None


def test_a_queued_job_never_starts_once_it_is_cancelled(manager, gate):
    hold(manager, gate)
    job = manager.submit(lambda *_: pytest.fail("it ran"), label="SPY")
    job.cancel()

    assert job.is_over
    assert job.state == "cancelled"
    with pytest.raises(CancelledError, match="SPY was cancelled before it began"):
        _ = job.result


def test_what_was_done_before_a_cancel_stays_done(manager):
    job = manager.submit(lambda *_: "saved")
    assert job.wait(10)
    job.cancel()

    assert (job.state, job.result) == ("done", "saved")


def test_a_manager_lists_what_is_not_over_and_the_last_that_is(monkeypatch):
    monkeypatch.setattr("orb_core.jobs.REMEMBERED", 2)
    manager, go_on = JobManager(2), threading.Event()
    waiting = manager.submit(lambda *_: go_on.wait(10), "waiting")
    over = [manager.submit(lambda *_: None, f"{n}") for n in range(4)]
    assert all(job.wait(10) for job in over)
    last = manager.submit(lambda *_: None, "last")
    assert manager.jobs == (waiting, *over[2:], last)
    assert not waiting.is_unwanted
    waiting.cancel()
    assert waiting.is_unwanted
    go_on.set()
    manager.shutdown()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has no niceness of its own")
def test_a_job_and_the_threads_it_starts_stand_back_and_nobody_else_does(manager):
    def niceness():
        return os.getpriority(os.PRIO_PROCESS, 0)

    def work(_report, _is_cancelled):
        with ThreadPoolExecutor(1) as pool:
            return niceness(), pool.submit(niceness).result()

    usual = niceness()
    job = manager.submit(work)
    job.wait(10)
    assert job.result == (min(usual + 5, 19),) * 2  # 19 is the most
    assert niceness() == usual


def test_a_fault_of_the_program_is_logged_once_and_said_without_its_details(manager, logged):
    def work(progress, is_cancelled):
        raise ZeroDivisionError("secret")

    job = manager.submit(work)
    assert job.wait(10)
    said = {job.failure for _ in range(3)}

    assert said == {"Something broke that should not have (ZeroDivisionError). The log has the details."}
    assert [record["exception"].type for record in logged] == [ZeroDivisionError]


def test_what_the_user_can_mend_is_said_as_it_is_and_not_logged(manager, logged):
    def work(progress, is_cancelled):
        raise DataError("no bars")

    job = manager.submit(work)
    assert job.wait(10)

    assert job.failure == "no bars"
    assert logged == []
