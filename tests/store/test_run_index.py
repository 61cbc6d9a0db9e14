import threading
import time

import pytest

from orb_core import durable
from orb_core.errors import StoreError
from orb_core.store.run_index import RunIndex
from tests.store.made_runs import new_run


@pytest.fixture
def index(store):
    return RunIndex(store, lambda summary: summary)


def by_id(index):
    return {line.run_id: line for line in index.lines()}


def test_its_lines_are_those_of_the_list(store, index):
    for run_id in ("one", "two"):
        store.save(new_run(run_id=run_id))
    (store.path / "foreign").mkdir()

    assert by_id(index) == {line.run_id: line for line in store.list()}


def test_a_store_without_a_folder_has_none(index):
    assert index.lines() == ()


def test_a_folder_that_cannot_be_read_is_said_at_every_look(store):
    patient = RunIndex(store, lambda summary: summary, patience_s=1000)
    store.path.write_text("no folder")
    for _ in range(2):
        with pytest.raises(StoreError):
            patient.lines()


def test_a_run_that_did_not_change_is_read_once(store, index, monkeypatch):
    store.save(new_run(run_id="one"))
    index.lines()
    read = []
    monkeypatch.setattr(type(store), "summary", lambda _, name: read.append(name))
    index.lines()

    assert read == []


def test_nothing_changed_while_the_lines_are_the_same_object(store, index):
    store.save(new_run(run_id="one"))
    before = index.lines()

    assert index.lines() is before
    store.annotate("one", starred=True)
    assert index.lines() is not before


def test_runs_that_come_go_change_or_break_are_seen_at_once(store, index):
    for run_id in ("stays", "goes", "starred", "breaks"):
        store.save(new_run(run_id=run_id))
    index.lines()

    store.delete("goes")
    store.annotate("starred", starred=True)
    (store.path / "breaks" / "run.json").write_text("{")
    store.save(new_run(run_id="comes"))
    lines = by_id(index)

    assert set(lines) == {"stays", "starred", "breaks", "comes"}
    assert lines["starred"].notes.starred
    assert lines["breaks"].status == "unreadable"


def test_a_patient_one_sees_at_once_what_comes_and_goes_and_on_demand_what_changes(store):
    index = RunIndex(store, lambda summary: summary, patience_s=1000)
    for run_id in ("changes", "goes"):
        store.save(new_run(run_id=run_id))
    index.lines()
    store.delete("goes")
    store.save(new_run(run_id="comes"))

    assert set(by_id(index)) == {"changes", "comes"}
    durable.replace(store.path / "changes" / "notes.json", b'{"starred": true}')  # as another program would
    assert not by_id(index)["changes"].notes.starred
    index.look_again()
    assert by_id(index)["changes"].notes.starred


class CountedLock:
    def __init__(self):
        self.asked = 0
        self._lock = threading.Lock()

    def __enter__(self):
        self.asked += 1
        self._lock.acquire()

    def __exit__(self, *_):
        self._lock.release()


def test_callers_that_waited_for_one_look_take_what_it_found(store, index, monkeypatch):
    store.save(new_run(run_id="one"))
    looks, all_asked = [], threading.Event()
    stamps = type(store).stamps

    def slow(self):
        looks.append(1)
        all_asked.wait(10)
        return stamps(self)

    monkeypatch.setattr(type(store), "stamps", slow)
    index._lock = CountedLock()
    callers = [threading.Thread(target=index.lines) for _ in range(6)]
    for caller in callers:
        caller.start()
    while index._lock.asked < len(callers):
        time.sleep(0.001)
    all_asked.set()
    for caller in callers:
        caller.join(10)

    assert len(looks) == 2  # that of the first, which began before the others asked, and one for all of these
