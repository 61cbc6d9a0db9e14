"""Every setting: type, bounds, unit and words, declared once for YAML, command line, form, REST schema and docs.

What the settings do is written in docs/strategy.md; their defaults are in defaults.yaml and nowhere else.
"""

from typing import Literal, Self

from pydantic import ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from orb_core.config import rules
from orb_core.config.fields import CalendarName, Clock, SessionDates, Settings, TimeZone, Weekdays, setting
from orb_core.config.instruments import (
    PLAIN_INSTRUMENT,
    Instrument,
    InstrumentCosts,
    Instruments,
    InstrumentSettings,
)
from orb_core.config.signal_settings import (
    AdxSettings,
    BufferSettings,
    EntrySettings,
    FactorSettings,
    FactorWeights,
    OpeningRangeSettings,
    PriceActionSettings,
    ProfileProxySettings,
    RelVolumeSettings,
    ScoringSettings,
    VwapSettings,
)
from orb_core.config.trade_settings import (
    CostSettings,
    ExecutionSettings,
    GovernanceSettings,
    SizingSettings,
    TradeSettings,
    TrailSettings,
)

__all__ = [
    "AdxSettings",
    "BufferSettings",
    "CostSettings",
    "DataSettings",
    "EntrySettings",
    "ExecutionSettings",
    "FactorSettings",
    "FactorWeights",
    "GovernanceSettings",
    "Instrument",
    "InstrumentCosts",
    "InstrumentSettings",
    "OpeningRangeSettings",
    "PriceActionSettings",
    "ProfileProxySettings",
    "RelVolumeSettings",
    "RunConfig",
    "ScoringSettings",
    "SessionSettings",
    "SizingSettings",
    "TradeSettings",
    "TrailSettings",
    "UncheckedConfig",
    "VwapSettings",
]


class SessionSettings(Settings):
    """When the market is open, and which days are traded."""

    model_config = ConfigDict(title="Sessions")

    calendar: CalendarName = setting(
        "Calendar",
        "Trading days, hours, holidays and half days: an exchange_calendars name, such as XNYS, CMES or 24/7.",
    )
    open: Clock | None = setting(
        "Session opens", "Override of the open, local time; anchors the opening range of round-the-clock markets."
    )
    close: Clock | None = setting("Session closes", "Override of the close, local time; an early close still wins.")
    timezone: TimeZone | None = setting(
        "Time zone", "IANA zone of open, close and the entry cutoff; null = the calendar's own."
    )
    weekdays: Weekdays = setting("Weekdays", "Days that are traded; sessions of other days are left out.", min_length=1)
    half_days: Literal["trade", "skip"] = setting(
        "Half days",
        "What to do with sessions that close early.",
        labels={"trade": "Trade them", "skip": "Leave them out"},
    )
    exclude_dates: SessionDates = setting("Days left out", "Session dates that are not traded, such as FOMC days.")


class DataSettings(Settings):
    """Which bars are used."""

    model_config = ConfigDict(title="Data")

    interval: Literal["1m", "2m", "5m", "15m", "30m"] = setting(
        "Bars",
        "Length of a bar.",
        labels={name: f"{name[:-1]} minute{'s' * (name != '1m')}" for name in ("1m", "2m", "5m", "15m", "30m")},
    )
    warmup_sessions: int = setting(
        "Warm-up", "Sessions before the start that only feed the indicators.", ge=0, le=10_000, unit="sessions", step=5
    )
    validate_or: Literal["none", "warn", "skip"] = setting(
        "Gaps in the range",
        "What to do with sessions whose opening range lacks bars.",
        labels={"none": "Trade them", "warn": "Trade them, and warn", "skip": "Leave them out"},
    )

    @property
    def bar_minutes(self) -> int:
        """Length of a bar in minutes."""
        return int(self.interval.removesuffix("m"))


class UncheckedConfig(Settings):
    """Every setting of a run, each valid by itself; together they may contradict each other."""

    session: SessionSettings = setting("Sessions", "When the market is open, and which days are traded.")
    instruments: Instruments = setting("Instruments", "What is traded, by symbol; what is not here: 0.01, 1, 1.")
    orb: OpeningRangeSettings = setting("Opening range", "How long it is, and which ranges may be traded.")
    buffers: BufferSettings = setting("Trigger buffer", "How far beyond the opening range the triggers lie.")
    entry: EntrySettings = setting("Entry", "What counts as a breakout, and which side may be traded.")
    factors: FactorSettings = setting("Factors", "Reasons for a breakout to be believed.")
    scoring: ScoringSettings = setting("Score", "How many reasons a trade needs.")
    trade: TradeSettings = setting("Trade", "Stop, targets and what happens in between.")
    governance: GovernanceSettings = setting("Limits of the day", "When to stop trading for the day.")
    execution: ExecutionSettings = setting("Fills", "What is assumed where a bar does not say what came first.")
    costs: CostSettings = setting("Costs", "What trading costs, unless an instrument says otherwise.")
    sizing: SizingSettings = setting("Position size", "How much is traded.")
    data: DataSettings = setting("Data", "Which bars are used.")

    def instrument(self, symbol: str) -> Instrument:
        """Return what is known of a symbol or alias; a symbol without an entry has tick 0.01, point value 1, step 1."""
        name = symbol.upper()
        if name not in self.instruments:
            name = next((own for own, entry in self.instruments.items() if name in entry.aliases), name)
        entry = self.instruments.get(name, PLAIN_INSTRUMENT)
        costs = self.costs.model_dump() | entry.costs.model_dump(exclude_none=True)
        return Instrument(
            symbol=name,
            tick_size=entry.tick_size,
            point_value=entry.point_value,
            quantity_step=entry.quantity_step,
            **costs,
        )


class RunConfig(UncheckedConfig):
    """Every setting of a run, checked to agree with each other."""

    @model_validator(mode="after")
    def _settings_agree(self) -> Self:
        contradictions = list(rules.contradictions(self))
        if contradictions:
            sentences = "; ".join(f"{found.path}: {found.message}" for found in contradictions)
            raise PydanticCustomError("contradiction", "{sentences}", {"sentences": sentences, "found": contradictions})
        return self
