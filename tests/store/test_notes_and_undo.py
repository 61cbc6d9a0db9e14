import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from orb_core.errors import RunExistsError, RunNotFoundError, StoreError
from orb_core.store.runs import RunStore
from tests.store.made_runs import new_run


def test_no_edit_is_lost_when_many_edit_the_same_notes_at_once(store):
    run_id = store.save(new_run())

    def add(n):
        RunStore(store.path).edit_notes(run_id, lambda notes: notes.model_copy(update={"tags": (*notes.tags, f"t{n}")}))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(40)))
    assert set(store.load(run_id).notes.tags) == {f"t{n}" for n in range(40)}


def test_a_lock_that_cannot_be_had_is_a_sentence(store):
    run_id = store.save(new_run())
    (store.path / ".notes.lock").mkdir()
    with pytest.raises(StoreError, match="cannot be locked"):
        store.annotate(run_id, title="x")


def test_a_discarded_run_is_gone_for_every_reader_and_comes_back_whole(store):
    run_id = store.save(new_run())
    store.annotate(run_id, title="kept")
    bars = store.bars(run_id, "SPY")
    aside = store.discard(run_id)
    assert store.list() == []
    with pytest.raises(RunNotFoundError):
        store.load(run_id)
    other = store.save(new_run("QQQ"))
    store.delete(other)  # removes the bars that no run uses
    store.restore(aside, run_id)
    assert store.load(run_id).notes.title == "kept"
    assert store.bars(run_id, "SPY").equals(bars)


def test_a_discarded_run_outlives_the_next_start_however_old_it_is(store):
    run_id = store.save(new_run())
    long_ago = time.time() - 30 * 24 * 3600
    os.utime(store.path / run_id, (long_ago, long_ago))
    aside = store.discard(run_id)
    RunStore(store.path).restore(aside, run_id)
    assert store.load(run_id).run_id == run_id


def test_a_discarded_run_does_not_push_out_another_of_its_id(store):
    run_id = store.save(new_run())
    aside = store.discard(run_id)
    store.save(new_run(run_id=run_id))
    with pytest.raises(RunExistsError):
        store.restore(aside, run_id)


def test_a_run_purged_twice_is_gone_once_with_its_bars(store):
    aside = store.discard(store.save(new_run()))
    store.purge(aside)
    store.purge(aside)
    assert list((store.path / ".bars").iterdir()) == []


def test_a_folder_that_cannot_be_read_keeps_no_run_from_being_removed_and_no_store_from_being_opened(store):
    kept, going = store.save(new_run()), store.save(new_run("QQQ"))
    (store.path / "foreign" / "run.json").mkdir(parents=True)  # cannot be read, whoever asks
    store.delete(going)
    assert [line.run_id for line in store.list() if line.manifest] == [kept]
    aside = store.path / store.discard(kept)
    long_ago = time.time() - 30 * 24 * 3600
    os.utime(aside, (long_ago, long_ago))
    RunStore(store.path)
    assert not aside.exists()
