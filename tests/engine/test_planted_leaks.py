from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import Phase, find, settings

from orb_core.engine import backtest, indicators_nb, simulate_nb
from tests.engine.causality import Run, leak, worlds_with_cuts
from tests.engine.reference import Candidate, Reference
from tests.engine.reference_market import MINUTE_NS, Factor, Row
from tests.engine.runs import run_engine, run_reference

SEARCH = settings(max_examples=500, deadline=None, database=None, derandomize=True, phases=[Phase.generate])


def is_caught(run: Run, **fixed: object) -> bool:
    """Whether the check that the engine passes fails for this run in some world; `find` raises where it never does."""
    find(worlds_with_cuts(**fixed), lambda drawn: leak(run, *drawn) is not None, settings=SEARCH)
    return True


class TodaysAtr(Reference):
    def daily_atr(self) -> list[float]:
        return [*super().daily_atr()[1:], np.nan]


class FactorReadOneBarLate(Reference):
    def factors(self, j: int) -> dict[str, Factor]:
        return super().factors(min(j + 1, len(self.bars) - 1))


class RangeTradedBeforeItsEnd(Reference):
    def is_tradable(self, i: int) -> bool:
        return self.offset(i) > 0


class BreakoutSeenAtItsOwnClose(Reference):
    def close_candidate(self, i: int) -> Candidate | None:
        found = super().close_candidate(i)
        return found and replace(found, entry_bar=i, raw_fill=found.trigger)


class EntryAtTheCloseThatConfirmsIt(Reference):
    def close_candidate(self, i: int) -> Candidate | None:
        found = super().close_candidate(i)
        return found and replace(found, entry_bar=i, raw_fill=self.bars[i].close)


class VwapOfTheWholeDay(Reference):
    def vwap_bars(self, j: int) -> range:
        return self.ranges_of_day[self.session_of[j]]


class RangeLengthFromTheWholeMorning(Reference):
    def or_length(self, s: int) -> tuple[int, float]:
        orb = self.settings.orb
        early = [b for b in self.ranges_of_day[s] if self.offset(b) < 2 * orb.long_or_minutes]
        if not (orb.adaptive and self.atr[s] > 0 and early):
            return super().or_length(s)
        high, low = self.high_low(early)
        is_wild = high - low > orb.high_norm_vol * self.atr[s]
        return orb.long_or_minutes if is_wild else orb.short_or_minutes, (high - low) / self.atr[s]


class SwingStopThatKnowsTheEntryBar(Reference):
    def initial_stop(self, found: Candidate, entry: float) -> float:
        return super().initial_stop(replace(found, decided_at=min(found.decided_at + 2, len(self.bars) - 1)), entry)


class VolumeOfTheBarToCome(Reference):
    def volume_through(self, s: int, offset: float) -> float:
        return super().volume_through(s, offset + self.bar_ns / MINUTE_NS)


class LastBarKnownToBeTheLast(Reference):
    def is_scheduled_final(self, b: int) -> bool:
        return b == self.ranges_of_day[self.session_of[b]][-1]


class ProfileOfToday(Reference):
    def earlier_sessions_with_bars(self, s: int) -> list[int]:
        return [*super().earlier_sessions_with_bars(s), s]


SCORED: Row = {"scoring": {"enabled": True, "base_required": 0.0, "weak_trend_required": 0.0}}


def factor_settings(name: str, **values: object) -> Row:
    return SCORED | {"factors": {name: {"enabled": True} | values}}


@pytest.mark.parametrize(
    ("mutant", "fixed"),
    [
        (TodaysAtr, {"trade": {"stop_mode": "atr"}}),
        (FactorReadOneBarLate, SCORED | {"factors": {"vwap": {"enabled": True}}}),
        (RangeTradedBeforeItsEnd, {"entry": {"mode": "touch"}, "orb": {"base_minutes": 30, "adaptive": False}}),
        (BreakoutSeenAtItsOwnClose, {"entry": {"mode": "close"}}),
        (EntryAtTheCloseThatConfirmsIt, {"entry": {"mode": "close"}}),
        (VwapOfTheWholeDay, factor_settings("vwap", reset_mode="session")),
        (RangeLengthFromTheWholeMorning, {"orb": {"adaptive": True}}),
        (SwingStopThatKnowsTheEntryBar, {"trade": {"stop_mode": "swing", "swing_lookback": 2}}),
        (VolumeOfTheBarToCome, factor_settings("rel_volume", mode="time_of_day", lookback=1)),
        (LastBarKnownToBeTheLast, {"governance": {"flatten_at_session_end": True}}),
        (ProfileOfToday, factor_settings("profile_proxy")),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_leak_planted_in_the_reference_is_caught(mutant: type[Reference], fixed: Row):
    assert is_caught(partial(run_reference, rules=mutant), **fixed)


def test_a_leak_of_todays_atr_planted_in_the_engine_is_caught(monkeypatch):
    honest = indicators_nb.daily_atr_nb

    def leaking(sessions, *args):
        honest(sessions, *args)
        sessions["daily_atr"][:-1] = sessions["daily_atr"][1:]

    monkeypatch.setattr(indicators_nb, "daily_atr_nb", leaking)
    assert is_caught(run_engine, trade={"stop_mode": "atr"})


def test_a_range_of_the_whole_day_planted_in_the_engine_is_caught(monkeypatch):
    honest = simulate_nb.opening_ranges_nb

    def leaking(sessions, *args):
        honest(sessions, *args)
        sessions["upper"] = np.minimum(sessions["upper"], sessions["high"])
        sessions["or_low"] = sessions["low"]

    monkeypatch.setattr(simulate_nb, "opening_ranges_nb", leaking)
    assert is_caught(run_engine, trade={"stop_mode": "or_opposite"})


@pytest.mark.parametrize("factor", ["rel_volume", "price_action", "vwap", "adx"])
def test_a_factor_one_bar_late_planted_in_the_engine_is_caught(monkeypatch, factor: str):
    honest = backtest.factors

    def leaking(prepared, config):
        made = honest(prepared, config)
        return replace(made, **{factor: np.roll(getattr(made, factor), -1)})

    monkeypatch.setattr(backtest, "factors", leaking)
    assert is_caught(run_engine, **factor_settings(factor))
