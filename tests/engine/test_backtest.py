"""The engine as its callers see it; the rules themselves are tested against the reference."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orb_core import EventLoopBacktest, load_config
from orb_core.config.load import config_from_mapping
from orb_core.data.synthetic import SyntheticSource
from orb_core.engine import records, simulate_nb
from orb_core.errors import BarsError, ConfigError, NoBarsError, NoSessionsError

TABLES = {
    "trades": records.TRADES,
    "fills": records.FILLS,
    "stops": records.STOPS,
    "signals": records.SIGNALS,
    "sessions": records.SESSIONS,
}


@pytest.fixture(scope="module")
def bars() -> pd.DataFrame:
    source = SyntheticSource(load_config().session, seed=1)
    return source.fetch("SPY", date(2024, 1, 2), date(2024, 3, 28), "1m")


@pytest.mark.parametrize(("table", "columns"), TABLES.items())
def test_a_result_table_has_the_declared_columns_and_dtypes(bars, table, columns):
    frame = getattr(EventLoopBacktest(load_config()).run(bars), table)
    assert len(frame) > 0
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == columns


@pytest.mark.parametrize(("table", "columns"), TABLES.items())
def test_a_run_without_trades_has_the_same_tables(bars, table, columns):
    config = config_from_mapping({"orb": {"min_atr_mult": 50, "max_atr_mult": 60}})
    result = EventLoopBacktest(config).run(bars, start="2024-02-01")
    assert result.trades.empty
    assert {name: str(dtype) for name, dtype in getattr(result, table).dtypes.items()} == columns


def test_the_kernels_codes_are_positions_in_the_tables_words():
    names = {
        "OR_STATES": ("VALID", "EXCLUDED", "NO_OR_BARS", "ZERO_WIDTH", "INCOMPLETE", "TOO_NARROW", "TOO_WIDE"),
        "EXIT_REASONS": ("STOP", "BREAKEVEN", "TRAILING", "TARGET", "SESSION_END", "TIME_STOP", "END_OF_DATA"),
        "FACTORS": ("REL_VOLUME", "PRICE_ACTION", "PROFILE_PROXY", "VWAP", "ADX"),
    }
    for table, constants in names.items():
        words = getattr(records, table)
        assert [words[getattr(simulate_nb, constant)] for constant in constants] == [c.lower() for c in constants]
    refusals = ("LOSS_LOCKOUT", "DAILY_LOSS", "MAX_SIGNALS", "TIME_CUTOFF", "SECOND_CHANCE_OVER", "SCORE")
    assert [records.REFUSALS[getattr(simulate_nb, r)] for r in refusals] == [r.lower() for r in refusals]
    exits = zip(simulate_nb.FILL_EXIT, records.EXIT_REASONS, strict=True)
    assert [records.FILL_KINDS[kind] for kind, word in exits if word != "target"] == [
        word for word in records.EXIT_REASONS if word != "target"
    ]


def test_sessions_before_the_start_warm_up_and_bring_no_signals(bars):
    result = EventLoopBacktest(load_config()).run(bars, start="2024-02-01", end=date(2024, 2, 29))
    sessions = result.sessions
    assert sessions["warmup"].sum() == 20
    assert sessions.loc[~sessions["warmup"], "session_date"].min() == pd.Timestamp("2024-02-01")
    assert sessions["session_date"].max() == pd.Timestamp("2024-02-29")
    assert result.signals["session_date"].min() >= pd.Timestamp("2024-02-01")
    assert not sessions.loc[~sessions["warmup"], "daily_atr"].isna().any()
    assert result.dropped_bars == 0 + (bars["timestamp_utc"] >= pd.Timestamp("2024-03-01", tz="UTC")).sum() + 390 * (
        21 - 20  # January has 21 sessions, of which 20 warm up
    )


def test_without_dates_every_session_the_bars_touch_is_traded(bars):
    result = EventLoopBacktest(load_config()).run(bars)
    assert (result.start, result.end) == (date(2024, 1, 2), date(2024, 3, 28))
    assert not result.sessions["warmup"].any()
    assert len(result.sessions) == 61
    assert result.dropped_bars == 0


def test_sessions_without_bars_are_rows_too(bars):
    gap = bars["timestamp_utc"].dt.date.between(date(2024, 2, 5), date(2024, 2, 9))
    sessions = EventLoopBacktest(load_config()).run(bars[~gap]).sessions
    empty = sessions[sessions["bars"] == 0]
    assert len(empty) == 5
    assert set(empty["or_state"]) == {"no_or_bars"}
    assert (empty["missing_bars"] == 390).all()


def test_scratch_space_grows_when_a_run_is_busier_than_expected(bars):
    busy = config_from_mapping(
        {
            "governance": {"max_signals_per_day": 1000, "lockout_after_losses": None, "second_chance_minutes": None},
            "scoring": {"enabled": False},
            "trade": {"stop_mode": "swing", "swing_lookback": 1, "trail": {"mode": "swing"}},
        }
    )
    result = EventLoopBacktest(busy).run(bars)
    assert len(result.trades) > 4 * len(result.sessions)
    assert result.signals["accepted"].sum() == len(result.trades)
    assert result.fills.groupby("trade_id").size().min() >= 2
    np.testing.assert_allclose(result.trades["realized_r"].sum(), result.sessions["realized_r"].sum())


def test_the_bars_passed_in_are_left_as_they_are(bars):
    before = bars.copy(deep=True)
    EventLoopBacktest(load_config()).run(bars)
    pd.testing.assert_frame_equal(bars, before)


def test_stamps_of_any_resolution_give_the_same_result(bars):
    coarse = bars.assign(timestamp_utc=bars["timestamp_utc"].astype("datetime64[s, UTC]"))
    config = load_config()
    pd.testing.assert_frame_equal(
        EventLoopBacktest(config).run(coarse).trades, EventLoopBacktest(config).run(bars).trades
    )


def test_bars_of_another_interval_are_refused(bars):
    with pytest.raises(BarsError, match=r"grid of 5 minutes, but `data.interval` is 1m"):
        EventLoopBacktest(load_config()).run(bars.iloc[::5])
    with pytest.raises(BarsError, match=r"grid of 1 minutes, but `data.interval` is 5m"):
        EventLoopBacktest(config_from_mapping({"data": {"interval": "5m"}})).run(bars)


def test_minutes_without_trades_are_no_other_interval(bars):
    thin = bars.drop(bars.index[1::2]).drop(bars.index[6], errors="ignore")
    thin = pd.concat([thin, bars.iloc[[1]]]).sort_values("timestamp_utc")
    assert len(EventLoopBacktest(load_config()).run(thin).sessions) == 61


def test_a_range_without_a_session_is_refused(bars):
    with pytest.raises(NoSessionsError, match="2024-02-03 to 2024-02-04 holds no session of XNYS"):
        EventLoopBacktest(load_config()).run(bars, start="2024-02-03", end="2024-02-04")


def test_bars_outside_every_session_are_refused(bars):
    night = bars.assign(timestamp_utc=bars["timestamp_utc"] + pd.Timedelta(hours=10))
    with pytest.raises(NoBarsError, match=r"none of .* bars lies inside a session of XNYS"):
        EventLoopBacktest(load_config()).run(night)
    with pytest.raises(NoBarsError, match="from 2025-02-03 to 2025-02-28"):
        EventLoopBacktest(load_config()).run(bars, start="2025-02-03", end="2025-02-28")


def test_dates_that_are_no_dates_or_reversed_are_refused(bars):
    with pytest.raises(ConfigError, match="`start` is 'soon'"):
        EventLoopBacktest(load_config()).run(bars, start="soon")
    with pytest.raises(ConfigError, match="`start` is 5; it must be a date"):
        EventLoopBacktest(load_config()).run(bars, start=5)
    with pytest.raises(ConfigError, match="`end` is 2024-01-02, before `start` 2024-02-01"):
        EventLoopBacktest(load_config()).run(bars, start="2024-02-01", end="2024-01-02")


def test_unchecked_bars_are_refused_before_anything_is_computed(bars):
    with pytest.raises(BarsError):
        EventLoopBacktest(load_config()).run(bars.iloc[::-1])
    with pytest.raises(BarsError, match="names no time zone"):
        EventLoopBacktest(load_config()).run(bars.assign(timestamp_utc=bars["timestamp_utc"].dt.tz_localize(None)))
    with pytest.raises(BarsError, match="no column close"):
        EventLoopBacktest(load_config()).run(bars.drop(columns="close"))
    with pytest.raises(NoBarsError, match="there are none"):
        EventLoopBacktest(load_config()).run(bars.iloc[:0])


def test_importing_the_package_loads_nothing_heavy():
    import subprocess
    import sys

    code = "import orb_core, sys; print(sorted({'numba', 'pandas', 'numpy', 'pydantic'} & set(sys.modules)))"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
