import json
import math
import re
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orb_core.engine import records
from orb_core.store.tables import (
    ALL_TRADES,
    KINDS,
    empty_frame,
    read_parquet,
    to_csv,
    to_json,
    to_parquet,
)
from tests.store.made_runs import new_run

TEXT, TIME, REAL, COUNT, FLAG = "text", "timestamp[ns, tz=UTC]", "double", "int64", "int8"
FACTOR_COLUMNS = [
    (f"{factor}_{part}", kind)
    for factor in ("rel_volume", "price_action", "profile_proxy", "vwap", "adx")
    for part, kind in (("value", REAL), ("flag", FLAG))
]
TRADES = [
    ("trade_id", TEXT),
    ("symbol", TEXT),
    ("session_date", "date32[day]"),
    ("direction", TEXT),
    ("entry_timestamp", TIME),
    ("entry_price", REAL),
    ("exit_timestamp", TIME),
    ("exit_price", REAL),
    ("exit_reason", TEXT),
    ("stop_initial", REAL),
    ("stop_final", REAL),
    ("risk", REAL),
    ("t1_price", REAL),
    ("t2_price", REAL),
    ("runner_price", REAL),
    ("targets_filled", FLAG),
    ("gross_r", REAL),
    ("cost_r", REAL),
    ("realized_r", REAL),
    ("max_favorable_r", REAL),
    ("max_adverse_r", REAL),
    ("bars_held", COUNT),
    ("ambiguous", "bool"),
    ("moved_to_breakeven", "bool"),
    ("signal_number", COUNT),
    ("or_minutes", COUNT),
    ("or_high", REAL),
    ("or_low", REAL),
    ("or_width", REAL),
    ("daily_atr", REAL),
    ("norm_vol", REAL),
    ("score", REAL),
    ("required", REAL),
    *FACTOR_COLUMNS,
]
# What other programs rely on. A change here is a new SCHEMA_VERSION.
SCHEMAS = {
    "trades": TRADES,
    "fills": [("trade_id", TEXT), ("timestamp", TIME), ("price", REAL), ("fraction", REAL), ("kind", TEXT)],
    "stops": [("trade_id", TEXT), ("timestamp", TIME), ("price", REAL), ("kind", TEXT)],
    "signals": [
        ("symbol", TEXT),
        ("session_date", "date32[day]"),
        ("timestamp", TIME),
        ("direction", TEXT),
        ("trigger", REAL),
        ("accepted", "bool"),
        ("reason", TEXT),
        ("score", REAL),
        ("required", REAL),
        *FACTOR_COLUMNS,
    ],
    "sessions": [
        ("symbol", TEXT),
        ("session_date", "date32[day]"),
        ("open", TIME),
        ("close", TIME),
        ("bars", COUNT),
        ("missing_bars", COUNT),
        ("or_minutes", COUNT),
        ("or_high", REAL),
        ("or_low", REAL),
        ("or_width", REAL),
        ("daily_atr", REAL),
        ("norm_vol", REAL),
        ("or_state", TEXT),
        ("warmup", "bool"),
        ("trades", COUNT),
        ("realized_r", REAL),
    ],
    "equity": [
        ("timestamp", TIME),
        ("trade_number", COUNT),
        ("trade_id", TEXT),
        ("realized_r", REAL),
        ("cumulative_r", REAL),
        ("drawdown_r", REAL),
        ("equity", REAL),
        ("drawdown_pct", REAL),
    ],
    "all_trades": [
        ("run_id", TEXT),
        *TRADES,
        ("quantity", REAL),
        ("equity_before", REAL),
        ("pnl", REAL),
        ("entry_local", "timestamp[ns]"),
        ("exit_local", "timestamp[ns]"),
    ],
}
COLUMNS = {**KINDS, "all_trades": ALL_TRADES}


def described(schema):
    text = pa.dictionary(pa.int32(), pa.string())
    return [(field.name, TEXT if field.type == text else str(field.type)) for field in schema]


@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_files_have_the_columns_and_types_that_other_programs_rely_on(kind, store):
    run_id = store.save(new_run())
    name = "all_trades" if kind == "all_trades" else f"SPY_{kind}"

    schema = pq.read_schema(store.path / run_id / f"{name}.parquet")

    assert described(schema) == SCHEMAS[kind]


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_table_without_rows_keeps_its_types(kind, tmp_path):
    columns = COLUMNS[kind]
    file = tmp_path / "empty.parquet"
    file.write_bytes(to_parquet(empty_frame(columns), columns))

    assert described(pq.read_schema(file)) == SCHEMAS[kind]
    pd.testing.assert_frame_equal(read_parquet(file, columns), empty_frame(columns))


@pytest.mark.parametrize("kind", ["trades", "fills", "stops", "signals", "sessions"])
def test_a_table_of_the_engine_comes_back_as_it_was(kind, store):
    run = new_run()
    run_id = store.save(run)

    read = store.read_frame(run_id, "SPY", kind)

    assert len(read) > 0
    pd.testing.assert_frame_equal(read, getattr(run.done["SPY"].result, kind))


def test_equal_rows_give_equal_bytes_whatever_the_index_and_the_order_of_the_categories():
    columns = {"side": records.TEXT, "r": "float64"}
    one = pd.DataFrame({"side": pd.Categorical(["long", "short"], categories=["short", "long"]), "r": [1.0, np.nan]})
    other = pd.DataFrame(
        {"side": pd.Categorical(["long", "short"], categories=["unused", "long", "short"]), "r": [1.0, np.nan]},
        index=[7, 9],
    )

    assert to_parquet(one, columns) == to_parquet(other, columns)


def test_what_is_undefined_is_null_for_other_programs():
    file = to_parquet(pd.DataFrame({"r": [1.0, np.nan]}), {"r": "float64"})

    assert pq.read_table(BytesIO(file)).column("r").to_pylist() == [1.0, None]


def test_every_table_is_compressed_with_zstd(store):
    run_id = store.save(new_run())

    for file in (store.path / run_id).glob("*.parquet"):
        column = pq.ParquetFile(file).metadata.row_group(0).column(0)
        assert column.compression == "ZSTD", file.name


def test_a_file_with_other_columns_is_refused(tmp_path):
    file = tmp_path / "SPY_fills.parquet"
    pd.DataFrame({"price": [1.0]}).to_parquet(file)

    with pytest.raises(ValueError, match=r"SPY_fills\.parquet has columns or types other than this version writes"):
        read_parquet(file, records.FILLS)


def test_csv_marks_utc_and_leaves_the_undefined_empty():
    columns = {"side": records.TEXT, "at": records.TIME, "local": "datetime64[ns]", "day": records.DATE, "r": "float64"}
    at = pd.Timestamp("2024-01-02 14:46", tz="UTC")
    frame = pd.DataFrame(
        {"side": ["long"], "at": [at], "local": [at.tz_localize(None)], "day": ["2024-01-02"], "r": [0.1]}
    )
    frame = pd.concat([frame, frame.assign(r=np.nan)]).astype(columns)

    assert to_csv(frame, columns).decode().splitlines() == [
        '"side","at","local","day","r"',
        '"long",2024-01-02 14:46:00Z,2024-01-02 14:46:00,2024-01-02,0.1',
        '"long",2024-01-02 14:46:00Z,2024-01-02 14:46:00,2024-01-02,',
    ]


def test_json_has_null_for_nan_and_infinity_and_plain_numbers_for_those_of_numpy():
    value = {
        "nan": math.nan,
        "inf": -math.inf,
        "numpy": np.float64(0.5),
        "array": np.array([1.0, np.nan]),
        "n": np.int64(3),
    }

    assert json.loads(to_json(value)) == {"nan": None, "inf": None, "numpy": 0.5, "array": [1.0, None], "n": 3}


def test_the_page_of_results_lists_every_column_in_order():
    page = (Path(__file__).parents[2] / "docs" / "results.md").read_text(encoding="utf-8")
    parts = re.split(r"^## (.+)\n", page, flags=re.MULTILINE)
    listed = {
        title: re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
        for title, text in zip(parts[1::2], parts[2::2], strict=True)
    }

    assert listed["Trades"] + listed["Factors"] == list(records.TRADES)
    assert listed["Signals"] + listed["Factors"] == list(records.SIGNALS)
    assert listed["Fills"] == list(records.FILLS)
    assert listed["Stops"] == list(records.STOPS)
    assert listed["Sessions"] == list(records.SESSIONS)
    for name in set(ALL_TRADES) - set(records.TRADES):
        assert f"`{name}`" in page


VALUES = {
    records.TEXT: st.sampled_from(["long", "short", "", "a\tb", "ü", "=1+1"]),
    "str": st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    "float64": st.floats(),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "int8": st.integers(-128, 127),
    "bool": st.booleans(),
    records.TIME: st.integers(-(2**62), 2**62),
    records.DATE: st.integers(-100_000, 100_000).map(lambda day: day * 86_400),
    "datetime64[ns]": st.integers(-(2**62), 2**62),
}


@given(st.data())
def test_any_rows_come_back_as_they_were(data):
    columns = {f"column_{number}": dtype for number, dtype in enumerate(VALUES)}
    n = data.draw(st.integers(0, 5))
    frame = pd.DataFrame(
        {
            name: as_column(data.draw(st.lists(VALUES[dtype], min_size=n, max_size=n)), dtype)
            for name, dtype in columns.items()
        }
    )
    with TemporaryDirectory() as folder:
        file = Path(folder, "table.parquet")
        file.write_bytes(to_parquet(frame, columns))

        read = read_parquet(file, columns)

    pd.testing.assert_frame_equal(read, frame, check_exact=True, check_categorical=False)
    assert to_parquet(read, columns) == to_parquet(frame, columns)


def as_column(values, dtype):
    if dtype == records.TIME:
        return pd.Series(pd.DatetimeIndex(np.array(values, "datetime64[ns]"), tz="UTC"))
    if dtype == records.DATE:
        return pd.Series(np.array(values, "datetime64[s]"))
    if dtype == "datetime64[ns]":
        return pd.Series(np.array(values, "datetime64[ns]"))
    return pd.Series(values, dtype=dtype)
