import math
from collections import defaultdict
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from orb_core.config.instruments import PLAIN_INSTRUMENT
from tests.engine.causality import Run, leak, worlds_with_cuts
from tests.engine.reference import Candidate, Reference, Tables
from tests.engine.runs import reference_of, run_engine, run_reference
from tests.strategies import SYMBOL, World, changed, worlds

TARGETS = ("t1", "t2", "runner")
AT_THE_CLOSE = ("session_end", "time_stop", "end_of_data")
OTHER_SIDE = {"long": "short", "short": "long"}

both_implementations = pytest.mark.parametrize("run", [run_engine, run_reference])


@both_implementations
@settings(max_examples=100, deadline=None)
@given(drawn=worlds_with_cuts())
def test_nothing_depends_on_bars_that_come_later(run: Run, drawn: tuple[World, int]):
    assert leak(run, *drawn) is None


# Mirror


def mirrored(world: World) -> World:
    """Prices p -> K - p, with K on the tick grid and every price above zero; settings of one side go to the other."""
    tick = world.config.instrument(SYMBOL).tick_size or world.step
    k = math.ceil((world.bars["high"].max() + world.bars["low"].min()) / tick) * tick
    bars = world.bars.assign(
        open=k - world.bars["open"],
        high=k - world.bars["low"],
        low=k - world.bars["high"],
        close=k - world.bars["close"],
    )
    bars[["open", "high", "low", "close"]] = bars[["open", "high", "low", "close"]].round(10)
    profile, direction = world.config.factors.profile_proxy, world.config.entry.direction
    factors = world.config.model_dump(mode="json")["factors"]
    factors["profile_proxy"] |= {"val_pct": 1 - profile.vah_pct, "vah_pct": 1 - profile.val_pct}
    return world.with_bars(bars).with_settings(
        factors=factors, entry={"direction": OTHER_SIDE.get(direction, direction)}
    )


class ShortOnATie(Reference):
    def side_of_a_tie(self, both: list[Candidate]) -> Candidate:
        return both[1]


class CountsTies(Reference):
    ties = 0

    def side_of_a_tie(self, both: list[Candidate]) -> Candidate:
        self.ties += 1
        return super().side_of_a_tie(both)


def without_prices(tables: Tables, swap: bool) -> list[list[object]]:
    names = {
        "trades": (
            *("direction", "entry_timestamp", "exit_timestamp", "exit_reason", "targets_filled", "gross_r", "cost_r"),
            *("realized_r", "max_favorable_r", "max_adverse_r", "bars_held", "ambiguous", "moved_to_breakeven"),
            *("signal_number", "score", "required", "price_action_flag", "profile_proxy_flag", "vwap_flag"),
        ),
        "signals": ("direction", "timestamp", "accepted", "reason", "score", "required", "rel_volume_flag"),
        "sessions": ("session_date", "or_minutes", "or_width", "daily_atr", "norm_vol", "or_state", "realized_r"),
    }
    return [
        [OTHER_SIDE[row[name]] if swap and name == "direction" else row[name] for name in columns]
        for kind, columns in names.items()
        for row in tables[kind]
    ]


def assert_same_rows(got: list[list[object]], want: list[list[object]]) -> None:
    assert len(got) == len(want)
    for mine, theirs in zip(got, want, strict=True):
        assert mine == [
            pytest.approx(v, rel=1e-7, abs=1e-7, nan_ok=True) if isinstance(v, float) else v for v in theirs
        ]


mirror_worlds = worlds(
    factors={"adx": {"enabled": False}},
    scoring={"enabled": False},
    costs={"commission_pct": 0.0},
    instruments={SYMBOL: {"costs": {"commission_pct": 0.0}}},
)


@settings(max_examples=80, deadline=None)
@given(mirror_worlds)
def test_mirrored_prices_swap_long_and_short_in_the_engine(world: World):
    counted = reference_of(world, CountsTies)
    counted.run()
    assume(counted.ties == 0)
    assert_same_rows(
        without_prices(run_engine(mirrored(world)), swap=True), without_prices(run_engine(world), swap=False)
    )


@settings(max_examples=80, deadline=None)
@given(mirror_worlds)
def test_mirrored_prices_swap_long_and_short_in_the_reference_ties_included(world: World):
    theirs = without_prices(run_reference(world), swap=False)
    assert_same_rows(without_prices(run_reference(mirrored(world), ShortOnATie), swap=True), theirs)


# Scale


def scaled(world: World, factor: float) -> World:
    """Every price and every setting in price units times `factor`."""
    settings_ = world.config.model_dump(mode="json")
    instrument = settings_["instruments"].get(SYMBOL) or PLAIN_INSTRUMENT.model_dump(mode="json")
    instrument["tick_size"] *= factor
    if instrument["costs"]["commission_per_unit"] is not None:
        instrument["costs"]["commission_per_unit"] *= factor
    trade = {name: settings_["trade"][name] * factor for name in ("extra_stop_buffer", "be_buffer")}
    bars = world.bars.copy()
    bars[["open", "high", "low", "close"]] *= factor
    config = changed(
        world.config,
        {
            "instruments": {SYMBOL: instrument},
            "buffers": {"fixed": settings_["buffers"]["fixed"] * factor},
            "trade": trade,
            "costs": {"commission_per_unit": settings_["costs"]["commission_per_unit"] * factor},
        },
    )
    return replace(world.with_bars(bars), config=config, step=world.step * factor)


@both_implementations
@settings(max_examples=60, deadline=None)
@given(world=worlds(), power=st.integers(-2, 5))
def test_prices_and_price_settings_times_a_power_of_two_keep_every_r(run: Run, world: World, power: int):
    names = ("trade_id", "exit_reason", "exit_timestamp", "gross_r", "cost_r", "realized_r", "max_adverse_r")
    rows = [[[row[name] for name in names] for row in run(w)["trades"]] for w in (world, scaled(world, 2.0**power))]
    assert_same_rows(rows[1], rows[0])


# Fills


def bars_by_start(world: World) -> dict[int, pd.Series]:
    starts = world.bars["timestamp_utc"].astype("int64")
    return dict(zip(starts, world.bars.to_dict("records"), strict=True))


@both_implementations
@settings(max_examples=80, deadline=None)
@given(world=worlds())
def test_no_fill_lies_outside_its_bar_slippage_apart(run: Run, world: World):
    tables, bars, instrument = run(world), bars_by_start(world), world.config.instrument(SYMBOL)
    directions = {trade["trade_id"]: 1 if trade["direction"] == "long" else -1 for trade in tables["trades"]}
    for fill in tables["fills"]:
        against = 1 if fill["kind"] == "entry" else 0 if fill["kind"] in TARGETS else -1
        slippage = directions[fill["trade_id"]] * against * instrument.slippage_ticks * instrument.tick_size
        price = fill["price"] - slippage
        bar = bars[fill["timestamp"] - (world.bar_ns if fill["kind"] in AT_THE_CLOSE else 0)]
        assert bar["low"] - 1e-8 * price <= price <= bar["high"] + 1e-8 * price, fill


@both_implementations
@settings(max_examples=80, deadline=None)
@given(world=worlds())
def test_the_books_balance(run: Run, world: World):
    tables, instrument = run(world), world.config.instrument(SYMBOL)
    fills, booked, closed = defaultdict(list), defaultdict(float), defaultdict(int)
    for fill in tables["fills"]:
        fills[fill["trade_id"]].append(fill)
    hours = [(row["open"], row["close"], row["session_date"]) for row in tables["sessions"]]
    for trade in tables["trades"]:
        entry, *exits = fills.pop(trade["trade_id"])
        d = 1 if trade["direction"] == "long" else -1
        assert (entry["kind"], entry["fraction"], entry["price"]) == ("entry", 1.0, trade["entry_price"])
        assert sum(fill["fraction"] for fill in exits) == pytest.approx(1.0)
        exit_price = sum(fill["fraction"] * fill["price"] for fill in exits)
        commission = 2 * instrument.commission_per_unit / instrument.point_value
        cost = commission + instrument.commission_pct * (trade["entry_price"] + exit_price)
        assert trade["exit_price"] == pytest.approx(exit_price)
        assert trade["gross_r"] == pytest.approx(d * (exit_price - trade["entry_price"]) / trade["risk"], abs=1e-6)
        assert trade["realized_r"] == pytest.approx(trade["gross_r"] - cost / trade["risk"], abs=1e-9)
        assert trade["max_favorable_r"] >= 0 >= trade["max_adverse_r"]
        assert trade["risk"] > 0
        assert trade["exit_timestamp"] == exits[-1]["timestamp"] >= trade["entry_timestamp"]
        date = next(day for first, last, day in hours if first < last and first <= last_bar(trade, world) < last)
        booked[date] += trade["realized_r"]
        closed[date] += 1
    assert not fills
    for row in tables["sessions"]:
        assert (row["trades"], row["realized_r"]) == (
            closed[row["session_date"]],
            pytest.approx(booked[row["session_date"]]),
        )


def last_bar(trade: dict, world: World) -> int:
    return trade["exit_timestamp"] - (world.bar_ns if trade["exit_reason"] in AT_THE_CLOSE else 0)


# Costs and the two policies

NO_LIMITS = {"max_signals_per_day": 1_000_000, "lockout_after_losses": None, "max_daily_loss_r": None}


@both_implementations
@settings(max_examples=40, deadline=None)
@given(
    world=worlds(governance=NO_LIMITS, instruments={SYMBOL: {"costs": {"commission_per_unit": None}}}),
    more=st.sampled_from([0.001, 0.01, 1.0]),
)
def test_a_higher_commission_lowers_every_trade_and_changes_nothing_else(run: Run, world: World, more: float):
    dearer = world.with_settings(costs={"commission_per_unit": world.config.costs.commission_per_unit + more})
    for cheap, dear in zip(run(world)["trades"], run(dearer)["trades"], strict=True):
        assert dear["realized_r"] < cheap["realized_r"]
        assert (dear["trade_id"], dear["gross_r"]) == (cheap["trade_id"], cheap["gross_r"])


@both_implementations
@settings(max_examples=80, deadline=None)
@given(world=worlds(scoring={"enabled": False}))
def test_the_policies_differ_from_the_first_ambiguous_trade_on_and_not_before(run: Run, world: World):
    trades = {}
    for policy in ("conservative", "optimistic"):
        trades[policy] = run(world.with_settings(execution={"ambiguity": policy}))["trades"]
    for one, other in zip(trades["conservative"], trades["optimistic"], strict=False):
        if one["ambiguous"] or other["ambiguous"]:
            assert one["entry_timestamp"] == other["entry_timestamp"]
            assert one["ambiguous"] == other["ambiguous"]
            return
        assert repr(one) == repr(other)
    assert len(trades["conservative"]) == len(trades["optimistic"])
