import json

import pandas as pd
import pytest

from orb_core.errors import DamagedRunError, StoreError
from orb_core.store.tables import ALL_TRADES, KINDS, arrow_schema, table_to_csv, table_to_parquet
from tests.store.made_runs import new_run


@pytest.fixture
def run(store):
    return store.load(store.save(new_run("SPY", "QQQ")))


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_as_arrow_has_it_holds_what_its_frame_does(run, kind):
    frame = run.frame("QQQ", kind)
    table = run.table(kind, "QQQ")

    assert table.schema.remove_metadata() == arrow_schema(KINDS[kind])
    pd.testing.assert_frame_equal(
        table.to_pandas().astype("str"), frame.astype("str"), check_dtype=False, check_column_type=False
    )


def test_the_table_of_all_symbols_is_the_common_one_where_there_is_one(run):
    assert run.table("trades").column_names == list(ALL_TRADES)
    assert run.table("trades").num_rows == len(run.all_trades())
    assert run.table("equity").column("trade_id").to_pylist() == run.equity()["trade_id"].tolist()


@pytest.mark.parametrize("kind", ["fills", "stops", "signals", "sessions"])
def test_other_tables_of_all_symbols_stand_one_below_the_other(run, kind):
    whole, (spy, qqq) = run.table(kind), [run.table(kind, symbol) for symbol in ("SPY", "QQQ")]

    assert whole.slice(0, spy.num_rows).to_pylist() == spy.to_pylist()
    assert whole.slice(spy.num_rows).to_pylist() == qqq.to_pylist()


def test_a_run_without_results_has_empty_tables(store):
    run = store.load(store.save(new_run("SPY", done={}, failed={"SPY": "no bars"})))

    assert run.table("trades").num_rows == run.table("sessions").num_rows == 0


def test_tables_written_again_are_the_stored_files(run):
    assert table_to_csv(run.table("trades")) == (run.folder / "all_trades.csv").read_bytes()
    assert table_to_parquet(run.table("trades")) == (run.folder / "all_trades.parquet").read_bytes()


@pytest.mark.parametrize("content", ["{}", '{"symbols": ["SPY"]}'])
def test_settings_that_are_not_there_are_said(run, content):
    (run.folder / "config.json").write_text(content)
    with pytest.raises(DamagedRunError, match="holds no configuration"):
        _ = run.config


@pytest.mark.parametrize("source", [{}, {"kind": None}, {"kind": ["file"]}])
def test_a_run_that_does_not_say_where_its_bars_came_from_is_damaged(store, run, source):
    manifest = run.folder / "run.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "source": source}))
    with pytest.raises(DamagedRunError, match="source missing or wrong"):
        store.load(run.run_id)


def test_what_is_not_there_or_broken_is_said(run):
    with pytest.raises(StoreError, match="no symbol 'IWM'"):
        run.table("trades", "IWM")
    with pytest.raises(StoreError, match="no table 'bars'"):
        run.table("bars", "SPY")
    (run.folder / "all_trades.parquet").write_bytes(b"PAR1")
    with pytest.raises(DamagedRunError, match=r"all_trades\.parquet"):
        run.table("trades")
