import numpy as np
import pandas as pd
import pytest

from orb_core.data.bars import COLUMNS, as_bars, bar_frame, check_bars, fingerprint, starts_ns
from orb_core.errors import BarsError

OPEN_NS = pd.Timestamp("2024-01-02T14:30Z").value
MINUTE_NS = 60_000_000_000


def some_bars(n: int = 5) -> pd.DataFrame:
    close = 100.0 + np.arange(n) * 0.01
    values = {
        "open": close - 0.01,
        "high": close + 0.02,
        "low": close - 0.03,
        "close": close,
        "volume": np.full(n, 9.0),
    }
    return bar_frame(OPEN_NS + np.arange(n) * MINUTE_NS, values)


def changed(row: int, **cells: float) -> pd.DataFrame:
    bars = some_bars()
    for name, value in cells.items():
        bars.loc[row, name] = value
    return bars


def test_a_bar_table_has_the_columns_and_dtypes_all_parts_rely_on():
    bars = some_bars()
    assert tuple(bars.columns) == COLUMNS
    assert [str(t) for t in bars.dtypes] == ["datetime64[ns, UTC]"] + ["float64"] * 5
    assert starts_ns(bars).tolist() == [OPEN_NS + i * MINUTE_NS for i in range(5)]
    check_bars(bars)
    check_bars(bars.iloc[:0])


@pytest.mark.parametrize(
    "cells",
    [
        {"low": 0.0},
        {"low": -1.0},
        {"open": np.nan},
        {"high": np.nan},
        {"low": np.nan},
        {"close": np.nan},
        {"high": np.inf},
        {"high": 50.0},
        {"low": 500.0},
        {"open": 101.0},
        {"close": 99.0},
        {"volume": -1.0},
        {"volume": np.inf},
    ],
)
def test_an_impossible_bar_is_named_with_its_row_and_values(cells):
    with pytest.raises(BarsError, match=r"SPY\.csv: row 3 \(2024-01-02 14:33:00\+00:00\) has open"):
        check_bars(changed(3, **cells), "SPY.csv")


def test_an_unknown_volume_is_allowed():
    check_bars(changed(3, volume=np.nan))


@pytest.mark.parametrize("rows", [[0, 2, 1, 3], [0, 1, 1, 2]])
def test_stamps_out_of_order_or_repeated_are_refused(rows):
    with pytest.raises(BarsError, match=r"row 2 .* does not come after row 1"):
        check_bars(some_bars().iloc[rows].reset_index(drop=True))


def test_naive_stamps_are_refused_with_the_way_out():
    bars = some_bars()
    bars["timestamp_utc"] = bars["timestamp_utc"].dt.tz_localize(None)
    for function in (check_bars, as_bars):
        with pytest.raises(BarsError, match=r"names no time zone.*tz_localize"):
            function(bars)


def test_a_missing_stamp_is_refused():
    bars = some_bars()
    bars.loc[2, "timestamp_utc"] = pd.NaT
    with pytest.raises(BarsError, match="row 2 has no timestamp_utc"):
        check_bars(bars)


def test_a_missing_column_is_named_beside_those_that_are_there():
    with pytest.raises(BarsError, match=r"no column volume; .* here are timestamp_utc, open, high, low, close$"):
        check_bars(some_bars().drop(columns="volume"))


def test_other_dtypes_are_refused_by_the_check_and_mended_by_the_conversion():
    bars = some_bars()
    stored = bars.assign(
        timestamp_utc=bars["timestamp_utc"].dt.tz_convert("America/New_York").dt.as_unit("us"),
        volume=bars["volume"].astype("int64"),
        extra=1,
    ).set_index("extra")
    with pytest.raises(BarsError, match="volume is int64"):
        check_bars(stored)
    pd.testing.assert_frame_equal(as_bars(stored), bars)


def test_text_that_is_no_number_is_an_error_of_ours():
    with pytest.raises(BarsError, match="cannot be read as numbers"):
        as_bars(some_bars().assign(open="many"))


def test_the_fingerprint_depends_on_every_cell_and_on_nothing_else():
    bars = some_bars()
    known = fingerprint(bars)
    assert known == fingerprint(bars.set_index(np.arange(5) + 7)) == fingerprint(as_bars(bars))
    others = [changed(3, **{name: 99.98}) for name in COLUMNS[1:]]
    others.append(bars.assign(timestamp_utc=bars["timestamp_utc"] + pd.Timedelta(minutes=1)))
    others.append(bars.iloc[:4])
    assert len({known, *map(fingerprint, others)}) == 8


def test_the_fingerprint_is_the_same_on_every_machine():
    expected = "bc9bc0af8d0e1372658bd9da9278f10dadf3385d12101de998d9a0dd26e9225d"
    assert fingerprint(changed(1, volume=np.nan)) == expected
