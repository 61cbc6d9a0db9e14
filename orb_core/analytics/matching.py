"""The trades of two runs matched one to one, and where the difference of each pair came from."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orb_core.analytics.equity import utc_ns

STATUSES: Final = ("same", "changed", "only_a", "only_b")
CHANGES: Final = {
    "": "",
    "entry": "Entered elsewhere",
    "stop": "Another stop",
    "exit": "Left elsewhere",
    "costs": "Other costs",
}
"""What a changed trade differs in first; entry before stop before exit before costs."""

SIDE: Final = (
    "trade_id",
    "entry_timestamp",
    "entry_price",
    "stop_initial",
    "risk",
    "exit_timestamp",
    "exit_price",
    "exit_reason",
    "cost_r",
    "realized_r",
)
_KEYS: Final = ["symbol", "session_date", "direction"]
ROUNDING: Final = 1e-9
"""Relative for prices, absolute for R: what is nearer than this is equal."""

Rows = NDArray[np.int64]


def match_trades(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """Match the trades of two runs and split the difference in R of every pair into parts.

    Two trades match that have symbol, session and direction in common: those entered at the same moment, then of all
    others the two entered nearest to each other, and so on until one run has none left. A pair is the *same* where
    times and reasons are equal and prices, risk and costs agree to 1e-9, else *changed*.

    With `d` +1 for long and -1 for short, entry `E`, exit `X` (the average over its fills), risk `k` and cost per unit
    `c`, a trade's R is `(d (X - E) - c) / k`. From A's to B's, one thing after the other is exchanged: entry_r is
    `-d (E_B - E_A) / k_A`, exit_r `d (X_B - X_A) / k_A`, costs_r `-(c_B - c_A) / k_A`, and unit_r is what remains,
    `R_B (1 - k_B / k_A)`: the same money counted in other units of risk.

    Parameters
    ----------
    a, b : DataFrame
        Columns of `records.TRADES`.

    Returns
    -------
    DataFrame
        In order of entry: symbol, session_date, direction; `status` (`STATUSES`), `change` (a key of `CHANGES`, empty
        unless changed); trade_id, entry, stop, risk, exit, cost_r and realized_r of both with `_a` and `_b`, missing
        where there is no such trade; `difference_r` = B - A, an absent trade counting 0; and its parts `only_a_r`,
        `only_b_r`, `entry_r`, `exit_r`, `unit_r`, `costs_r`, which add up to it.
    """
    rows_a, rows_b = _pairs(a, b)
    in_a, in_b = rows_a >= 0, rows_b >= 0
    left, right = _taken(a, rows_a), _taken(b, rows_b)
    change = np.where(in_a & in_b, _first_change(left, right), "")
    status = np.select([in_a & in_b & (change == ""), in_a & in_b, in_a], STATUSES[:3], STATUSES[3])
    r_a, r_b = (side["realized_r"].fillna(0.0).to_numpy() for side in (left, right))
    table = pd.DataFrame(
        {
            **{name: left[name].where(in_a, right[name]) for name in _KEYS},
            "status": pd.Categorical(status, categories=list(STATUSES)),
            "change": pd.Categorical(change, categories=list(CHANGES)),
            **{f"{name}_a": left[name] for name in SIDE},
            **{f"{name}_b": right[name] for name in SIDE},
            "difference_r": r_b - r_a,
            "only_a_r": np.where(in_b, 0.0, -r_a),
            "only_b_r": np.where(in_a, 0.0, r_b),
            **{name: part.where(in_a & in_b, 0.0) for name, part in _parts(left, right).items()},
        }
    )
    entered = table["entry_timestamp_a"].fillna(table["entry_timestamp_b"])
    return table.iloc[np.argsort(entered.to_numpy(), kind="stable")].reset_index(drop=True)


def _pairs(a: pd.DataFrame, b: pd.DataFrame) -> tuple[Rows, Rows]:
    """Rows of A and of B that belong together, -1 where the other run has no such trade."""
    left, right = _keyed(a, "a"), _keyed(b, "b")
    moments = left.merge(right, left_on=[*_KEYS, "entry_a"], right_on=[*_KEYS, "entry_b"])[["a", "b"]].to_numpy()
    left, right = left[~left["a"].isin(moments[:, 0])], right[~right["b"].isin(moments[:, 1])]
    near = _nearest(left.merge(right, on=_KEYS))
    alone_a = np.setdiff1d(left["a"], near[:, 0])
    alone_b = np.setdiff1d(right["b"], near[:, 1])
    return (
        np.concatenate((moments[:, 0], near[:, 0], alone_a, np.full(alone_b.size, -1))),
        np.concatenate((moments[:, 1], near[:, 1], np.full(alone_a.size, -1), alone_b)),
    )


def _keyed(trades: pd.DataFrame, name: str) -> pd.DataFrame:
    """What trades are matched by, and their row, which is called `name`."""
    return (
        trades[_KEYS]
        .astype({"symbol": "str", "direction": "str"})
        .assign(**{f"entry_{name}": utc_ns(trades["entry_timestamp"]), name: np.arange(len(trades))})
    )


def _nearest(candidates: pd.DataFrame) -> Rows:
    """Row of A and row of B of each pair, the nearest entries paired first; int64[pairs, 2]."""
    gap = (candidates["entry_a"] - candidates["entry_b"]).abs()
    ordered = candidates.assign(gap=gap).sort_values(["gap", "a", "b"])
    taken_a, taken_b, pairs = set(), set(), []
    for row_a, row_b in zip(ordered["a"].tolist(), ordered["b"].tolist(), strict=True):
        if row_a not in taken_a and row_b not in taken_b:
            taken_a.add(row_a)
            taken_b.add(row_b)
            pairs.append((row_a, row_b))
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _taken(trades: pd.DataFrame, rows: Rows) -> pd.DataFrame:
    """The trades of these rows, missing where a row is -1; text as text."""
    text = dict.fromkeys(("symbol", "direction", "exit_reason"), "str")
    return trades[[*_KEYS, *SIDE]].astype(text).reset_index(drop=True).reindex(rows).reset_index(drop=True)


def _first_change(left: pd.DataFrame, right: pd.DataFrame) -> NDArray[np.str_]:
    """The first thing in which two trades differ, empty where they are the same."""
    differs = {
        "entry": _moved(left, right, "entry_timestamp") | _apart(left, right, "entry_price"),
        "stop": _apart(left, right, "stop_initial") | _apart(left, right, "risk"),
        "exit": _moved(left, right, "exit_timestamp")
        | _apart(left, right, "exit_price")
        | _moved(left, right, "exit_reason"),
        "costs": _apart(left, right, "cost_r"),
    }
    return np.select(list(differs.values()), list(differs), "")


def _moved(left: pd.DataFrame, right: pd.DataFrame, name: str) -> NDArray[np.bool_]:
    return np.asarray(left[name] != right[name], dtype=np.bool_)


def _apart(left: pd.DataFrame, right: pd.DataFrame, name: str) -> NDArray[np.bool_]:
    is_close = np.isclose(left[name].to_numpy(), right[name].to_numpy(), rtol=ROUNDING, atol=0.0)
    return np.asarray(~is_close, dtype=np.bool_)


def _parts(left: pd.DataFrame, right: pd.DataFrame) -> dict[str, "pd.Series[float]"]:
    """The parts of a pair's difference, missing where there is no pair."""
    side = np.where(left["direction"] == "long", 1.0, -1.0)
    risk = left["risk"]
    cost_a, cost_b = left["cost_r"] * risk, right["cost_r"] * right["risk"]
    return {
        "entry_r": -side * (right["entry_price"] - left["entry_price"]) / risk,
        "exit_r": side * (right["exit_price"] - left["exit_price"]) / risk,
        "unit_r": right["realized_r"] * (1.0 - right["risk"] / risk),
        "costs_r": -(cost_b - cost_a) / risk,
    }
