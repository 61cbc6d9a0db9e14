import numpy as np
import pandas as pd
import pytest
import quantstats.stats as quantstats
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orb_core.analytics.equity import CASH, EQUITY, book, combine, daily_r, equity_curve, whole_steps
from orb_core.engine import records

START = pd.Timestamp("2024-01-02 14:30", tz="UTC")


def book_slowly(trades, config):
    """The words of the rule, one trade at a time, looking through all earlier trades each time."""
    trades = trades.sort_values("entry_timestamp", kind="stable")
    done = []
    for row in trades.itertuples():
        instrument = config.instrument(row.symbol)
        equity, notional = config.sizing.initial_capital, 0.0
        for other in sorted(done, key=lambda trade: trade["exit"]):
            if other["exit"] <= row.entry_timestamp:
                equity += other["pnl"]
            else:
                notional += other["notional"]
        unit_risk = instrument.point_value * row.risk
        unit_notional = instrument.point_value * row.entry_price
        wanted = equity * config.sizing.risk_pct / unit_risk
        allowed = (config.sizing.max_leverage * equity - notional) / unit_notional
        step = instrument.quantity_step
        quantity = max(0.0, np.floor(min(wanted, allowed) / step + 1e-9) * step)
        done.append(
            {
                "exit": row.exit_timestamp,
                "quantity": quantity,
                "equity_before": equity,
                "pnl": quantity * unit_risk * row.realized_r,
                "notional": quantity * unit_notional,
            }
        )
    return pd.DataFrame(done)


def test_a_trade_risks_its_share_of_equity_and_the_next_one_a_share_of_what_is_left(make_trades, make_config):
    booked = book(make_trades((0, 5, -1.0), (10, 20, 2.0)), make_config(risk_pct=0.01))
    assert booked["quantity"].tolist() == [1000, 990]
    assert booked["equity_before"].tolist() == [100_000, 99_000]
    assert booked["pnl"].tolist() == [-1000, 1980]


def test_a_trade_still_open_is_not_in_the_equity_of_the_next(make_trades, make_config):
    trades = combine([make_trades((0, 30, -1.0)), make_trades((10, 20, 1.0), (30, 40, 1.0), symbol="QQQ")])
    booked = book(trades, make_config(max_leverage=100.0))
    assert booked["equity_before"].tolist() == [100_000, 100_000, 100_000]
    assert booked["pnl"].tolist() == [-1000, 1000, 1000]


def test_a_trade_closed_at_the_very_time_of_an_entry_counts_in_its_equity(make_trades, make_config):
    booked = book(make_trades((0, 10, -1.0), (10, 20, 0.0)), make_config())
    assert booked["equity_before"].tolist() == [100_000, 99_000]


def test_equal_entries_are_sized_in_the_order_the_symbols_were_given(make_trades, make_config):
    config = make_config(max_leverage=1.5)
    spy, qqq = make_trades((0, 30, 1.0)), make_trades((0, 30, 1.0), symbol="QQQ")
    assert book(combine([spy, qqq]), config)["quantity"].tolist() == [1000, 500]
    assert book(combine([qqq, spy]), config)["symbol"].tolist() == ["QQQ", "SPY"]


def test_quantity_is_cut_so_that_everything_open_stays_within_the_leverage(make_trades, make_config):
    trades = combine(
        [
            make_trades((0, 30, 0.0), (40, 50, 0.0), risk=[0.1, 0.1]),
            make_trades((10, 20, 0.0), symbol="QQQ", risk=[0.1]),
        ]
    )
    booked = book(trades, make_config(max_leverage=4.0))
    # 1 % of 100,000 over 0.1 would be 10,000 units of 100 each; 400,000 may be open.
    assert booked["quantity"].tolist() == [4000, 0, 4000]


def test_the_point_value_and_the_quantity_step_are_the_instrument_s(make_trades, make_config):
    instruments = {"ES=F": (50.0, 1.0), "BTC-USD": (1.0, 1e-8)}
    trades = combine(
        [
            make_trades((0, 5, 1.0), symbol="ES=F", risk=[6.0], entry_price=[5000.0]),
            make_trades((10, 20, 1.0), symbol="BTC-USD", risk=[300.0], entry_price=[60_000.0]),
        ]
    )
    booked = book(trades, make_config(instruments))
    assert booked["quantity"].tolist() == [1, 3.34333333]  # 250,000 notional for 1 contract; 400,000 allows no second
    assert booked["pnl"].tolist() == pytest.approx([300.0, 1002.999999])


def test_a_fixed_quantity_is_taken_as_given_beyond_any_leverage(make_trades, make_config):
    booked = book(make_trades((0, 5, 2.0), (10, 20, -1.0)), make_config(mode="fixed_quantity", quantity=123_456.5))
    assert booked["quantity"].tolist() == [123_456.5, 123_456.5]
    assert booked["pnl"].tolist() == [246_913.0, -123_456.5]


@pytest.mark.parametrize(
    ("mode", "quantities", "equities"),
    [
        ("fixed_risk", [1000, 0, 0], [100_000, -1_000, -1_000]),
        ("fixed_quantity", [1000, 1000, 1000], [100_000, -1_000, 4_000]),
    ],
)
def test_an_account_that_is_gone_risks_a_share_of_nothing_while_a_fixed_quantity_stays(
    make_trades, make_config, mode, quantities, equities
):
    trades = make_trades((0, 10, -101.0), (20, 30, 5.0), (40, 50, 5.0))  # a gap of 101 R on 1 % of the capital
    booked = book(trades, make_config(mode=mode, quantity=1000, max_leverage=100.0))
    assert booked["quantity"].tolist() == quantities
    assert booked["equity_before"].tolist() == equities


@pytest.mark.parametrize(
    ("quantity", "step", "expected"),
    [
        (0.3, 0.1, 0.3),
        (0.7 - 0.4, 0.1, 0.3),
        (0.39999, 0.1, 0.3),
        (2.9, 1.0, 2.0),
        (0.9, 1.0, 0.0),
        (-5.0, 1.0, 0.0),
        (399.0, 100.0, 300.0),
        (0.123456789, 1e-8, 0.12345678),
        (1.0, 0.3, 0.8999999999999999),
        (1e300, 1.0, 1e300),
    ],
)
def test_a_quantity_is_rounded_down_to_whole_steps(quantity, step, expected):
    assert whole_steps(quantity, step) == expected


@given(st.integers(0, 10**9), st.sampled_from([1.0, 0.1, 0.01, 0.001, 1e-8, 0.25, 5.0, 100.0]))
def test_a_quantity_that_is_whole_steps_already_stays(count, step):
    quantity = count * step
    assert whole_steps(quantity, step) == pytest.approx(quantity, rel=1e-15)
    assert whole_steps(whole_steps(quantity, step), step) == whole_steps(quantity, step)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    max_leverage=st.sampled_from([0.5, 1.0, 4.0, 50.0]),
    risk_pct=st.sampled_from([0.001, 0.01, 0.2]),
)
def test_the_account_agrees_with_a_slow_reading_of_the_rule(random_trades, make_config, seed, max_leverage, risk_pct):
    config = make_config({"ES=F": (50.0, 0.1)}, max_leverage=max_leverage, risk_pct=risk_pct)
    trades = combine([random_trades(25, symbol, seed) for symbol in ("SPY", "ES=F", "QQQ")])
    booked, slow = book(trades, config), book_slowly(trades, config)
    for name in CASH:
        np.testing.assert_allclose(booked[name], slow[name], rtol=1e-9, atol=1e-6)
    curve = equity_curve(booked, START, config.sizing.initial_capital)
    assert curve["equity"].iloc[-1] == pytest.approx(config.sizing.initial_capital + booked["pnl"].sum())
    assert curve["cumulative_r"].iloc[-1] == pytest.approx(trades["realized_r"].sum())


def test_booking_adds_three_columns_and_changes_no_other(random_trades, make_config):
    trades = random_trades(20)
    booked = book(trades, make_config())
    pd.testing.assert_frame_equal(booked[list(records.TRADES)], trades)
    assert booked.dtypes[list(CASH)].astype(str).to_dict() == CASH


def test_no_trades_book_to_an_empty_table_and_a_curve_of_its_start(make_trades, make_config):
    booked = book(make_trades(), make_config())
    assert booked.dtypes.astype(str).to_dict() == records.TRADES | CASH
    curve = equity_curve(booked, START, 100_000)
    assert curve.drop(columns="timestamp").to_dict("records") == [
        {
            "trade_number": 0,
            "trade_id": "",
            "realized_r": 0.0,
            "cumulative_r": 0.0,
            "drawdown_r": 0.0,
            "equity": 100_000.0,
            "drawdown_pct": 0.0,
        }
    ]
    assert curve["timestamp"].tolist() == [START]
    assert curve.dtypes.astype(str).to_dict() == EQUITY


def test_the_curve_follows_exits_not_entries(make_trades, make_config):
    trades = combine([make_trades((0, 30, -1.0)), make_trades((10, 20, 2.0), symbol="QQQ")])
    curve = equity_curve(book(trades, make_config(max_leverage=100)), START, 100_000)
    assert curve["trade_id"].tolist() == ["", "QQQ-1", "SPY-1"]
    assert curve["cumulative_r"].tolist() == [0, 2, 1]
    assert curve["drawdown_r"].tolist() == [0, 0, -1]
    assert curve["equity"].tolist() == [100_000, 102_000, 101_000]
    assert curve["drawdown_pct"].tolist() == pytest.approx([0, 0, -1 / 102])
    assert curve["timestamp"].tolist() == [START + pd.Timedelta(minutes=minutes) for minutes in (0, 20, 30)]
    assert curve.dtypes.astype(str).to_dict() == EQUITY


def test_the_greatest_fall_of_equity_agrees_with_quantstats(random_trades, make_config):
    curve = equity_curve(book(random_trades(300), make_config()), START, 100_000)
    returns = curve["equity"].pct_change().dropna()
    returns.index = pd.bdate_range("2020-01-01", periods=len(returns))
    assert curve["drawdown_pct"].min() == pytest.approx(quantstats.max_drawdown(returns), rel=1e-9)


def test_tables_of_several_symbols_keep_their_types(make_trades, make_sessions):
    trades = combine([make_trades((0, 5, 1.0)), make_trades(symbol="IWM"), make_trades((0, 5, 1.0), symbol="QQQ")])
    assert trades["symbol"].tolist() == ["SPY", "QQQ"]
    assert trades.dtypes.astype(str).to_dict() == records.TRADES
    assert combine([make_sessions(1.0)] * 2).dtypes.astype(str).to_dict() == records.SESSIONS


def test_daily_r_has_every_session_of_the_run_and_adds_symbols_by_date(make_sessions):
    sessions = combine([make_sessions(1.0, 0.0, -1.0, warmup=2), make_sessions(0.5, 0.0, 0.25, symbol="QQQ", warmup=2)])
    daily = daily_r(sessions)
    assert daily.tolist() == [1.5, 0.0, -0.75]
    assert daily.index.strftime("%m-%d").tolist() == ["01-02", "01-03", "01-04"]
