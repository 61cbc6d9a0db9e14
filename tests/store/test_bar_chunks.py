import pandas as pd
import pytest

from orb_core.data.bars import fingerprint
from orb_core.errors import DamagedRunError, StoreError
from orb_core.store import bar_chunks
from tests.store.made_runs import END, START, backtest, new_run, symbol_run


def chunks(store):
    return {path.name for path in (store.path / ".bars").iterdir()}


def only_from(month):
    """SPY's part of a run whose bars begin in this month."""
    bars = backtest("SPY")[1]
    return symbol_run("SPY", bars=bars[bars["timestamp_utc"] >= f"{month}-01"].reset_index(drop=True))


def test_the_bars_of_a_run_come_back_as_they_were(store):
    run = new_run()

    pd.testing.assert_frame_equal(store.bars(store.save(run), "SPY"), run.done["SPY"].bars)


def test_unknown_volumes_come_back_unknown(store):
    bars = backtest("SPY")[1].copy()
    bars.loc[::7, "volume"] = float("nan")

    pd.testing.assert_frame_equal(
        store.bars(store.save(new_run(done={"SPY": symbol_run("SPY", bars=bars)})), "SPY"), bars
    )


def test_there_is_a_chunk_per_calendar_month_named_by_its_bars(store):
    run_id = store.save(new_run())
    of_months = store.load(run_id).manifest.symbols["SPY"].bars

    assert list(of_months) == ["2024-01", "2024-02"]
    assert chunks(store) == {f"{name}.parquet" for name in of_months.values()}
    assert fingerprint(store.bars(run_id, "SPY", end=START)) == of_months["2024-01"]
    assert fingerprint(store.bars(run_id, "SPY", start=END)) == of_months["2024-02"]


def test_the_fingerprint_is_that_of_the_list_of_chunks(store):
    same = [store.load(store.save(new_run())).manifest.symbols["SPY"] for _ in range(2)]
    other = store.load(store.save(new_run(done={"SPY": only_from("2024-02")}))).manifest.symbols["SPY"]

    assert same[0].fingerprint == same[1].fingerprint != other.fingerprint
    assert other.bars == {"2024-02": same[0].bars["2024-02"]}


def test_runs_on_the_same_bars_share_them(store):
    store.save(new_run())
    before = {path: path.stat().st_mtime_ns for path in (store.path / ".bars").iterdir()}
    store.save(new_run())

    assert {path: path.stat().st_mtime_ns for path in (store.path / ".bars").iterdir()} == before


def test_two_symbols_with_the_same_bars_share_them(store):
    bars = backtest("SPY")[1]
    run = new_run("ES", "ES=F", done={symbol: symbol_run(symbol, bars=bars) for symbol in ("ES", "ES=F")})
    run_id = store.save(run)

    assert len(chunks(store)) == 2
    pd.testing.assert_frame_equal(store.bars(run_id, "ES=F"), bars)


def test_deleting_a_run_removes_the_bars_that_no_other_uses(store):
    store.save(new_run(run_id="january_and_february"))
    store.save(new_run(run_id="february", done={"SPY": only_from("2024-02")}))

    store.delete("january_and_february")
    assert chunks(store) == {f"{name}.parquet" for name in store.load("february").manifest.symbols["SPY"].bars.values()}
    pd.testing.assert_frame_equal(store.bars("february", "SPY"), only_from("2024-02").bars)

    store.delete("february")
    assert chunks(store) == set()
    assert store.list() == []


def test_a_damaged_manifest_still_keeps_the_bars_it_names(store):
    store.save(new_run(run_id="damaged"))
    store.save(new_run(run_id="other"))
    manifest = store.path / "damaged" / "run.json"
    manifest.write_bytes(manifest.read_bytes()[:-30])

    store.delete("other")

    assert len(chunks(store)) == 2


def test_a_folder_that_is_no_run_is_not_deleted(store):
    (store.path / "photos").mkdir(parents=True)

    with pytest.raises(StoreError, match=r"has no run\.json: it is not a run of this store"):
        store.delete("photos")
    assert (store.path / "photos").is_dir()


@pytest.mark.parametrize("moment", ["before the first look", "between the looks"])
def test_a_save_that_begins_while_a_run_is_deleted_keeps_its_bars(store, monkeypatch, moment):
    """The save finds its chunks in place, and the removal, already under way, must let them be."""
    store.save(new_run(run_id="old"))
    looks = iter(range(2))
    named = bar_chunks._named

    def look(runs):
        nth = next(looks)
        if (nth == 0) == (moment == "before the first look"):
            monkeypatch.setattr(bar_chunks, "_named", named)
            store.save(new_run(run_id="new"))
            monkeypatch.setattr(bar_chunks, "_named", look)
        return named(runs)

    monkeypatch.setattr(bar_chunks, "_named", look)
    store.delete("old")

    pd.testing.assert_frame_equal(store.bars("new", "SPY"), backtest("SPY")[1])
    assert not any(name.startswith(".unused-") for name in chunks(store))


def test_a_save_that_has_only_announced_its_bars_keeps_them(store, monkeypatch):
    store.save(new_run(run_id="old"))
    write_missing = bar_chunks.write_missing

    def deleted_meanwhile(runs, parts, workshop):
        write_missing(runs, parts, workshop)  # finds both in place
        store.delete("old")

    monkeypatch.setattr(bar_chunks, "write_missing", deleted_meanwhile)
    store.save(new_run(run_id="new"))

    pd.testing.assert_frame_equal(store.bars("new", "SPY"), backtest("SPY")[1])


def test_a_removal_that_crashed_is_finished_by_the_next(store):
    store.save(new_run(run_id="kept"))
    for chunk in (store.path / ".bars").iterdir():
        chunk.rename(chunk.with_name(f".unused-{chunk.name}"))
    (store.path / ".bars" / f".unused-{'0' * 64}.parquet").touch()

    bar_chunks.remove_unused(store.path)

    assert len(chunks(store)) == 2
    pd.testing.assert_frame_equal(store.bars("kept", "SPY"), backtest("SPY")[1])


def test_bars_that_are_gone_or_changed_are_named(store):
    run_id = store.save(new_run())
    january, february = sorted(
        (store.path / ".bars").iterdir(),
        key=lambda path: path.stem != store.load(run_id).manifest.symbols["SPY"].bars["2024-01"],
    )

    january.write_bytes(february.read_bytes())
    with pytest.raises(DamagedRunError, match=r"The bars of 2024-01 \(.*\) are not those the run used"):
        store.bars(run_id, "SPY")

    january.unlink()
    with pytest.raises(DamagedRunError, match=r"The bars of 2024-01 .* cannot be read: .*No such file"):
        store.bars(run_id, "SPY")
    assert len(store.bars(run_id, "SPY", start=END)) > 0
