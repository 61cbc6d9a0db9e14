from datetime import date

import pytest

from orb_core import EventLoopBacktest, load_config
from orb_core.analytics import summary
from orb_core.analytics.equity import combine, daily_r
from orb_core.data.synthetic import SyntheticSource

START, END = date(2023, 10, 2), date(2023, 12, 29)


@pytest.fixture(scope="module")
def config():
    return load_config()


@pytest.fixture(scope="module")
def results(config):
    source = SyntheticSource(config.session, seed=0)
    return [
        EventLoopBacktest(config).run(source.fetch(symbol, date(2023, 9, 1), END, "1m"), symbol, START, END)
        for symbol in ("SPY", "QQQ")
    ]


def test_money_and_r_are_conserved_from_trades_to_the_end_of_the_curve(results, config):
    run = summary(results, config)
    assert run.metrics["total_trades"] > 100
    assert run.equity["equity"].iloc[-1] == pytest.approx(config.sizing.initial_capital + run.trades["pnl"].sum())
    assert run.metrics["total_r"] == pytest.approx(sum(result.trades["realized_r"].sum() for result in results))
    assert run.metrics["total_r"] == pytest.approx(daily_r(combine([result.sessions for result in results])).sum())


def test_numbers_of_a_symbol_lie_within_those_of_the_run(results, config):
    whole = summary(results, config)
    parts = [summary(result, config, whole.trades) for result in results]
    for name in ("total_trades", "winning_trades", "total_cost_r", "total_pnl", "ambiguous_trades"):
        assert sum(part.metrics[name] for part in parts) == pytest.approx(whole.metrics[name])
    low, high = sorted(part.metrics["exposure"] for part in parts)
    assert 0 < low <= whole.metrics["exposure"] <= high < 1
    assert {part.metrics["sessions"] for part in parts} == {whole.metrics["sessions"]} == {63}


def test_open_positions_never_exceed_the_leverage(results, config):
    trades = summary(results, config).trades
    for entry in trades["entry_timestamp"]:
        is_open = (trades["entry_timestamp"] <= entry) & (trades["exit_timestamp"] > entry)
        notional = (trades["quantity"] * trades["entry_price"])[is_open].sum()
        equity = trades.loc[trades["entry_timestamp"] == entry, "equity_before"].min()
        assert notional <= config.sizing.max_leverage * equity * (1 + 1e-9)
