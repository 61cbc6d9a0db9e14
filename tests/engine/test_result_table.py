import numpy as np
import pandas as pd
import pytest

from orb_core.engine.result_table import result_table

COLUMNS = {"r": "float64", "id": "str", "bars": "int64", "at": "datetime64[ns, UTC]", "day": "datetime64[s]"} | {
    "kind": "category",
    "price": "float64",
    "is_open": "bool",
}


def a_table(n):
    rows = np.zeros(n, np.dtype([("r", "f8"), ("bars", "i8"), ("price", "f8"), ("is_open", "?"), ("other", "i1")]))
    rows["r"], rows["bars"] = np.linspace(-1.0, 2.0, n), np.arange(n)
    made = {
        "id": pd.array([f"trade {i}" for i in range(n)], dtype="str"),
        "at": pd.DatetimeIndex(np.arange(n) * 10**9, tz="UTC"),
        "day": np.arange(n).astype("datetime64[D]").astype("datetime64[s]"),
        "kind": pd.Categorical(["stop"] * n, categories=["stop", "target"]),
        "price": np.full(n, np.nan),
    }
    by_hand = {name: made[name] if name in made else rows[name].copy() for name in COLUMNS}
    return result_table(made, rows, COLUMNS), pd.DataFrame(by_hand)


@pytest.mark.parametrize("n", [0, 1, 7])
def test_a_table_is_the_one_that_pandas_makes_of_the_same_columns(n):
    table, by_hand = a_table(n)
    pd.testing.assert_frame_equal(table, by_hand)
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == COLUMNS


def test_a_table_can_be_worked_on_like_any_other_and_leaves_the_next_one_alone():
    table, by_hand = a_table(7)
    for frame in (table, by_hand):
        frame.loc[2, "r"] = 9.0
        frame["new"] = frame["r"] * 2
        frame.columns.name = "mine"
    pd.testing.assert_frame_equal(table.sort_values("r"), by_hand.sort_values("r"))
    pd.testing.assert_frame_equal(
        table.groupby("id").sum(numeric_only=True), by_hand.groupby("id").sum(numeric_only=True)
    )
    again, untouched = a_table(7)
    pd.testing.assert_frame_equal(again, untouched)
    assert again.columns.name is None
