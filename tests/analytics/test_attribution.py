import math

import numpy as np
import pytest
import scipy.stats

from orb_core.analytics.attribution import factor_attribution
from orb_core.engine import records


def test_trades_are_split_by_the_flag(make_trades):
    trades = make_trades((0, 1, 2.0), (2, 3, 1.0), (4, 5, -1.0), vwap_flag=[1, 1, 0])
    row = factor_attribution(trades, ["vwap"]).iloc[0]
    assert row["factor"] == "vwap"
    assert (row["trades_with"], row["average_r_with"]) == (2, 1.5)
    assert (row["trades_without"], row["average_r_without"]) == (1, -1.0)
    assert row["difference_r"] == 2.5
    assert 1.0 <= row["average_r_with_low"] <= row["average_r_with_high"] <= 2.0
    assert math.isnan(row["difference_r_low"])


def test_a_flag_never_or_always_set_has_nothing_to_compare(make_trades):
    table = factor_attribution(make_trades((0, 1, 2.0), (2, 3, 1.0), adx_flag=[1, 1])).set_index("factor")
    assert list(table.index) == list(records.FACTORS)
    assert table.loc["adx", "trades_without"] == table.loc["vwap", "trades_with"] == 0
    assert table["difference_r"].isna().all()


def test_without_trades_there_is_a_row_per_factor_and_no_number(make_trades):
    table = factor_attribution(make_trades())
    assert table["trades_with"].tolist() == [0] * len(records.FACTORS)
    assert table["average_r_with"].isna().all()


def test_the_interval_of_the_difference_agrees_with_scipy(random_trades):
    trades = random_trades(300)
    trades["vwap_flag"] = (np.arange(300) % 3 == 0).astype("int8")
    row = factor_attribution(trades, ["vwap"]).iloc[0]
    r, flag = trades["realized_r"].to_numpy(), trades["vwap_flag"].to_numpy() == 1
    theirs = scipy.stats.bootstrap(
        (r[flag], r[~flag]),
        lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis),
        n_resamples=10_000,
        method="percentile",
        rng=np.random.default_rng(0),
        batch=1000,
    ).confidence_interval
    assert (row["difference_r_low"], row["difference_r_high"]) == pytest.approx((theirs.low, theirs.high), abs=0.02)
