from datetime import date

import pandas as pd
import pytest
from hypothesis import given

from orb_core import EventLoopBacktest, load_config
from orb_core.analytics import summary
from orb_core.analytics.equity import combine
from orb_core.analytics.ledger import ledger, refusals, refused_for
from orb_core.analytics.words import r_multiple
from orb_core.config.load import config_from_mapping
from orb_core.data.synthetic import SyntheticSource
from orb_core.engine import records
from orb_core.errors import StoreError
from tests.strategies import SYMBOL, worlds

START, END = date(2023, 10, 2), date(2024, 3, 28)


def run(settings, symbols=("SPY", "QQQ")):
    config = config_from_mapping(settings)
    source = SyntheticSource(config.session, seed=0)
    return config, [
        EventLoopBacktest(config).run(source.fetch(symbol, date(2023, 9, 1), END, "1m"), symbol, START, END)
        for symbol in symbols
    ]


def ledger_of(results, config):
    tables = (combine([getattr(result, kind) for result in results]) for kind in ("sessions", "signals", "trades"))
    return ledger(*tables, config)


@pytest.fixture(scope="module")
def defaults():
    return run({})


def test_the_ledger_adds_up_to_the_run(defaults):
    config, results = defaults
    table, metrics = ledger_of(results, config), summary(results, config).metrics
    assert table["trades"].sum() == metrics["total_trades"] > 100
    assert table["realized_r"].sum() == pytest.approx(metrics["total_r"])
    assert table["candidates"].sum() == sum(len(result.signals) for result in results)
    assert len(table) == metrics["sessions"] * len(results)
    assert (table["trades"] > 0).groupby(table["session_date"]).any().sum() == metrics["sessions_traded"]


def test_a_breakout_that_was_taken_but_has_no_trade_is_an_error_that_names_it(defaults):
    config, results = defaults
    tables = [getattr(results[0], kind) for kind in ("sessions", "signals", "trades")]
    tables[2] = tables[2].iloc[1:]
    entered = results[0].trades["entry_timestamp"].iloc[0].tz_convert("America/New_York")
    with pytest.raises(StoreError, match=rf"SPY took a breakout at {entered:%H:%M} on {entered:%Y-%m-%d} that"):
        ledger(*tables, config)


def test_every_session_says_why_and_every_candidate_has_its_sentence(defaults):
    config, results = defaults
    table = ledger_of(results, config)
    assert (table["why"].str.len() > 0).all()
    assert (table["story"].str.len() == table["candidates"]).all()
    taken = table["story"].map(lambda story: sum(" taken: " in sentence for sentence in story))
    assert (taken == table["trades"]).all()
    both = table[(table["trades"] == 1) & (table["candidates"] == 3)].iloc[0]
    assert both["why"] == f"1 trade: {r_multiple(both['realized_r'])}; 2 refused"
    assert table["session_date"].is_monotonic_increasing
    assert table["session_date"].min() == pd.Timestamp(START)


def day(table, session_date, symbol="SPY"):
    return table[(table["session_date"] == session_date) & (table["symbol"] == symbol)].iloc[0]


def test_a_traded_day_tells_each_candidate_by_the_exchanges_clock(defaults):
    config, results = defaults
    spy = results[0]
    first = spy.signals.iloc[0]
    story = day(ledger_of(results, config), first["session_date"])["story"]
    clock = first["timestamp"].tz_convert("America/New_York")
    assert story[0].startswith(f"{clock:%H:%M} {'▲ long' if first['direction'] == 'long' else '▼ short'} ")


@pytest.mark.parametrize(
    ("settings", "state", "why"),
    [
        ({"session": {"weekdays": ["tue"]}}, "excluded", "Left out: Mondays are not traded"),
        ({"session": {"exclude_dates": ["2023-10-16"]}}, "excluded", "Left out: in the list of days left out"),
        ({"session": {"half_days": "skip"}}, "excluded", "Left out: a half day"),
        ({"orb": {"min_atr_mult": 50, "max_atr_mult": 60}}, "too_narrow", "The opening range was too narrow: 0."),
        ({"orb": {"min_atr_mult": 0, "max_atr_mult": 0.01}}, "too_wide", "The opening range was too wide: 0."),
        ({"buffers": {"ticks": 100000}}, "valid", "No breakout"),
        ({"buffers": {"ticks": 100000}, "entry": {"direction": "long"}}, "valid", "No breakout on the side that may"),
        ({"buffers": {"ticks": 100000}, "entry": {"mode": "close"}}, "valid", "No close beyond a trigger"),
        ({"governance": {"time_cutoff": "09:31"}}, "valid", "refused: after the 09:31 cutoff"),
        ({"scoring": {"base_required": 4, "weak_trend_required": 4}}, "valid", "refused: score 1, 4 needed"),
    ],
)
def test_a_day_without_a_trade_says_why(settings, state, why):
    config, results = run(settings, symbols=("SPY",))
    table = ledger_of(results, config)
    idle = table[(table["trades"] == 0) & (table["or_state"] == state)]
    assert idle["why"].str.contains(why, regex=False).any()
    assert idle["realized_r"].eq(0.0).all()


def test_days_without_bars_or_with_a_broken_range_say_so():
    config = load_config()
    bars = SyntheticSource(config.session, seed=0).fetch("SPY", date(2023, 10, 2), date(2023, 10, 6), "1m")
    local = bars["timestamp_utc"].dt.tz_convert("America/New_York")
    morning = (local.dt.day == 3) & (local.dt.hour < 11)
    whole_day = local.dt.day == 4
    table = ledger_of([EventLoopBacktest(config).run(bars[~morning & ~whole_day], "SPY")], config)
    assert day(table, "2023-10-03")["why"] == "No bars in the opening range"
    assert day(table, "2023-10-04")["why"] == "No bars at all"
    assert day(table, "2023-10-04")["missing_bars"] == 390


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("loss_lockout", "Locked out after 1 loss"),
        ("daily_loss", "The day's loss limit of 2.50 R was reached"),
        ("max_signals", "The day's limit of 2 trades was used up"),
        ("time_cutoff", "After the 15:00 cutoff"),
        ("second_chance_over", "60 minutes or more after the range, too late for another short"),
        ("score", "Score 1.5, 2 needed"),
        ("risk_too_small", "The stop was less than a tick from the entry"),
    ],
)
def test_a_refusal_names_the_limit_it_met(reason, sentence):
    limits = {"lockout_after_losses": 1, "max_daily_loss_r": 2.5, "max_signals_per_day": 2}
    said = refusals(config_from_mapping({"governance": limits}))[reason]
    assert said.format(direction="short", score=1.5, required=2.0) == sentence


def test_each_refused_candidate_says_the_limit_it_met_and_a_taken_one_nothing():
    facts = {"direction": "long", "score": 1.0, "required": 2.0}
    rows = [{"accepted": True, "reason": "", **facts}, {"accepted": False, "reason": "score", **facts}]
    assert refused_for(pd.DataFrame(rows), load_config()) == ["", "Score 1, 2 needed"]


def test_every_reason_to_refuse_has_its_sentence():
    assert list(refusals(load_config())) == list(records.REFUSALS[1:])


@given(world=worlds())
def test_the_ledger_of_any_run_adds_up(world):
    result = EventLoopBacktest(world.config).run(world.bars, SYMBOL, world.start, world.end)
    table = ledger_of([result], world.config)
    assert table["trades"].sum() == len(result.trades)
    assert table["candidates"].sum() == len(result.signals)
    assert table["realized_r"].sum() == pytest.approx(result.trades["realized_r"].sum())
    assert (table["why"].str.len() > 0).all()
