"""Every setting: type, bounds, unit and words, declared once for YAML, command line, form, REST schema and docs.

What the settings do is written in docs/strategy.md; their defaults are in defaults.yaml and nowhere else.
"""

from typing import Literal, Self

from pydantic import ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from orb_core.config import rules
from orb_core.config.fields import CalendarName, Clock, Number, SessionDates, Settings, TimeZone, Weekdays, setting
from orb_core.config.instruments import PLAIN_INSTRUMENT, Instrument, Instruments

LONGEST_MINUTES = 24 * 60
MOST = 1_000_000
LARGEST = 1e9


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


_ADAPTIVE = [{"orb.adaptive": [True]}]
_VALIDITY = [{"orb.enable_validity_filter": [True]}]


class OpeningRangeSettings(Settings):
    """How long the opening range is, and which ranges may be traded."""

    model_config = ConfigDict(title="Opening range")

    base_minutes: int = setting(
        "Opening range",
        "Length of the opening range, from the session's open; a multiple of the bar interval.",
        ge=1,
        le=LONGEST_MINUTES,
        unit="minutes",
        step=5,
        basic=True,
    )
    adaptive: bool = setting(
        "Adapt to volatility",
        "Use a shorter range on quiet mornings and a longer one on wild ones.",
        basic=True,
    )
    short_or_minutes: int = setting(
        "Short range",
        "Length on quiet mornings; also the window by which the morning is judged.",
        ge=1,
        le=LONGEST_MINUTES,
        unit="minutes",
        step=5,
        when=_ADAPTIVE,
    )
    long_or_minutes: int = setting(
        "Long range",
        "Length on wild mornings.",
        ge=1,
        le=LONGEST_MINUTES,
        unit="minutes",
        step=5,
        when=_ADAPTIVE,
    )
    low_norm_vol: Number = setting(
        "Quiet below",
        "Height of the short window as a multiple of daily ATR, below which the short range is used.",
        ge=0,
        le=1000,
        unit="× ATR",
        step=0.01,
        when=_ADAPTIVE,
    )
    high_norm_vol: Number = setting(
        "Wild above",
        "Height of the short window as a multiple of daily ATR, above which the long range is used.",
        ge=0,
        le=1000,
        unit="× ATR",
        step=0.01,
        when=_ADAPTIVE,
    )
    atr_period: int = setting(
        "ATR length", "Sessions in Wilder's average of the daily true range.", ge=1, le=MOST, unit="sessions", step=1
    )
    enable_validity_filter: bool = setting(
        "Refuse odd ranges", "Leave out sessions whose opening range is too narrow or too wide."
    )
    min_atr_mult: Number = setting(
        "Narrowest range",
        "A range below this multiple of daily ATR is not traded.",
        ge=0,
        le=1000,
        unit="× ATR",
        step=0.01,
        when=_VALIDITY,
    )
    max_atr_mult: Number = setting(
        "Widest range",
        "A range above this multiple of daily ATR is not traded.",
        gt=0,
        le=1000,
        unit="× ATR",
        step=0.05,
        when=_VALIDITY,
    )


class BufferSettings(Settings):
    """How far beyond the opening range the triggers lie: the sum of these."""

    model_config = ConfigDict(title="Trigger buffer")

    fixed: Number = setting("Fixed buffer", "Fixed distance.", ge=0, le=LARGEST, unit="points", step=0.01)
    ticks: Number = setting(
        "Buffer in ticks", "Distance in ticks of the instrument.", ge=0, le=MOST, unit="ticks", step=1
    )
    use_atr: bool = setting("Add a share of ATR", "Widen the buffer with the market's volatility.")
    atr_mult: Number = setting(
        "Share of ATR",
        "Distance as a multiple of daily ATR.",
        ge=0,
        le=1000,
        unit="× ATR",
        step=0.01,
        when=[{"buffers.use_atr": [True]}],
    )


class EntrySettings(Settings):
    """What counts as a breakout, and which side may be traded."""

    model_config = ConfigDict(title="Entry")

    mode: Literal["touch", "close", "or_end"] = setting(
        "Enter on",
        "What triggers an entry.",
        labels={
            "touch": "Touch of the trigger (stop order)",
            "close": "Close beyond the trigger, at the next open",
            "or_end": "End of the range, in its direction",
        },
        basic=True,
    )
    direction: Literal["both", "long", "short", "or_candle"] = setting(
        "Direction",
        "Which side may be traded.",
        labels={
            "both": "Both sides",
            "long": "Long only",
            "short": "Short only",
            "or_candle": "The opening range's own direction",
        },
        basic=True,
    )


_REL_VOLUME = [{"factors.rel_volume.enabled": [True]}]
_PRICE_ACTION = [{"factors.price_action.enabled": [True]}]
_PROFILE = [{"factors.profile_proxy.enabled": [True]}]
_ADX = [{"factors.adx.enabled": [True]}]


class RelVolumeSettings(Settings):
    """Whether more is traded than usual."""

    model_config = ConfigDict(title="Relative volume")

    enabled: bool = setting("Relative volume", "Count unusual volume as a reason to trade.", basic=True)
    mode: Literal["rolling", "time_of_day"] = setting(
        "Compared with",
        "What the volume is compared with.",
        labels={"rolling": "The bars before", "time_of_day": "The same time of earlier sessions"},
        when=_REL_VOLUME,
    )
    lookback: int = setting(
        "Look back",
        "Bars (compared with the bars before) or sessions (same time of earlier sessions) in the mean.",
        ge=1,
        le=MOST,
        unit="bars or sessions",
        step=1,
        when=_REL_VOLUME,
    )
    spike_mult: Number = setting(
        "Counts from",
        "Multiple of the mean from which it counts.",
        ge=0,
        le=LARGEST,
        unit="×",
        step=0.05,
        when=_REL_VOLUME,
    )


class PriceActionSettings(Settings):
    """Whether the last candles point the same way."""

    model_config = ConfigDict(title="Price action")

    enabled: bool = setting("Price action", "Count candle patterns in the trade's direction.", basic=True)
    pivot_len: int = setting(
        "Pattern length",
        "Bars in each of the two halves that structure compares.",
        ge=1,
        le=MOST,
        unit="bars",
        step=1,
        when=_PRICE_ACTION,
    )
    enable_engulfing: bool = setting("Engulfing candle", "A candle that swallows the one before.", when=_PRICE_ACTION)
    enable_structure: bool = setting(
        "Higher highs and lows", "Structure: higher high and higher low (short: lower) than before.", when=_PRICE_ACTION
    )


class ProfileProxySettings(Settings):
    """Where price stands in yesterday's range."""

    model_config = ConfigDict(title="Prior value area")

    enabled: bool = setting("Prior value area", "Count price on the right side of yesterday's range.", basic=True)
    val_pct: Number = setting(
        "Lower edge", "Lower edge as a fraction of yesterday's range.", ge=0, le=1, step=0.05, when=_PROFILE
    )
    vah_pct: Number = setting(
        "Upper edge", "Upper edge as a fraction of yesterday's range.", ge=0, le=1, step=0.05, when=_PROFILE
    )


class VwapSettings(Settings):
    """Whether price is on the right side of the volume-weighted average."""

    model_config = ConfigDict(title="VWAP")

    enabled: bool = setting("VWAP", "Count price beyond the volume-weighted average price.", basic=True)
    reset_mode: Literal["session", "or_end"] = setting(
        "Counted from",
        "Where the average begins.",
        labels={"session": "The session's open", "or_end": "The end of the opening range"},
        when=[{"factors.vwap.enabled": [True]}],
    )


class AdxSettings(Settings):
    """Whether there is a trend at all."""

    model_config = ConfigDict(title="ADX")

    enabled: bool = setting("ADX", "Count a trend, and ask for a higher score without one.", basic=True)
    period: int = setting("ADX length", "Bars of Wilder's smoothing.", ge=2, le=MOST, unit="bars", step=1, when=_ADX)
    threshold: Number = setting("Trend from", "ADX from which there is a trend.", ge=0, le=100, step=1, when=_ADX)


class FactorSettings(Settings):
    """Reasons for a breakout to be believed; each gives a flag per side."""

    model_config = ConfigDict(title="Factors")

    rel_volume: RelVolumeSettings = setting("Relative volume", "Is more traded than usual?")
    price_action: PriceActionSettings = setting("Price action", "Do the last candles point the same way?")
    profile_proxy: ProfileProxySettings = setting("Prior value area", "Where does price stand in yesterday's range?")
    vwap: VwapSettings = setting("VWAP", "Is price on the right side of the volume-weighted average?")
    adx: AdxSettings = setting("ADX", "Is there a trend at all?")


def _weight(title: str, factor: str) -> float:
    weight: float = setting(
        title,
        "Points this factor adds to the score when it agrees with the trade.",
        ge=0,
        le=MOST,
        unit="points",
        step=0.25,
        when=[{"scoring.enabled": [True], f"factors.{factor}.enabled": [True]}],
    )
    return weight


class FactorWeights(Settings):
    """What each factor adds to the score."""

    model_config = ConfigDict(title="Weights")

    rel_volume: Number = _weight("Relative volume", "rel_volume")
    price_action: Number = _weight("Price action", "price_action")
    profile_proxy: Number = _weight("Prior value area", "profile_proxy")
    vwap: Number = _weight("VWAP", "vwap")
    adx: Number = _weight("ADX", "adx")


class ScoringSettings(Settings):
    """How many reasons a trade needs."""

    model_config = ConfigDict(title="Score")

    enabled: bool = setting("Ask for a score", "Trade only breakouts that enough factors agree with.")
    base_required: Number = setting(
        "Required score",
        "Score a trade needs.",
        ge=0,
        le=MOST,
        unit="points",
        step=0.5,
        when=[{"scoring.enabled": [True]}],
    )
    weak_trend_required: Number = setting(
        "Required without a trend",
        "Score a trade needs while ADX is below its threshold.",
        ge=0,
        le=MOST,
        unit="points",
        step=0.5,
        when=[{"scoring.enabled": [True], "factors.adx.enabled": [True]}],
    )
    weights: FactorWeights = setting("Weights", "What each factor adds to the score.")


class TrailSettings(Settings):
    """How the stop follows a trade that goes well."""

    model_config = ConfigDict(title="Trailing stop")

    mode: Literal["none", "r", "atr", "swing"] = setting(
        "Trailing stop",
        "What the stop follows.",
        labels={
            "none": "None",
            "r": "The best price, at a distance in R",
            "atr": "The best price, at a distance in daily ATR",
            "swing": "The extreme of the last bars",
        },
    )
    start_r: Number = setting(
        "Trails from",
        "Best profit from which the stop trails.",
        ge=0,
        le=1000,
        unit="R",
        step=0.25,
        when=[{"trade.trail.mode": ["r", "atr", "swing"]}],
    )
    distance: Number = setting(
        "Trailing distance",
        "Distance from the best price, in R or daily ATR.",
        gt=0,
        le=1000,
        unit="R or ATR",
        step=0.25,
        when=[{"trade.trail.mode": ["r", "atr"]}],
    )


_PARTIALS = [{"trade.partials": [True]}]


class TradeSettings(Settings):
    """Stop, targets and what happens in between. 1 R is what the trade risked, entry to stop."""

    model_config = ConfigDict(title="Trade")

    stop_mode: Literal["or_opposite", "or_midpoint", "swing", "atr", "atr_capped"] = setting(
        "Initial stop",
        "Where the first stop lies.",
        labels={
            "or_opposite": "Other side of the range",
            "or_midpoint": "Middle of the range",
            "swing": "Extreme of the last bars",
            "atr": "Distance in daily ATR",
            "atr_capped": "Other side of the range, at most a distance in ATR",
        },
        basic=True,
    )
    extra_stop_buffer: Number = setting(
        "Stop buffer",
        "Distance added beyond the range or swing the stop lies at.",
        ge=0,
        le=LARGEST,
        unit="points",
        step=0.01,
        when=[{"trade.stop_mode": ["or_opposite", "or_midpoint", "swing", "atr_capped"]}],
    )
    swing_lookback: int = setting(
        "Swing length",
        "Bars of the session whose extreme is the swing.",
        ge=1,
        le=MOST,
        unit="bars",
        step=1,
        when=[{"trade.stop_mode": ["swing"]}, {"trade.trail.mode": ["swing"]}],
    )
    atr_stop_mult: Number = setting(
        "Stop distance",
        "Distance from the entry as a multiple of daily ATR.",
        gt=0,
        le=1000,
        unit="× ATR",
        step=0.05,
        when=[{"trade.stop_mode": ["atr"]}],
    )
    atr_stop_cap_mult: Number = setting(
        "Stop at most",
        "Largest distance from the entry as a multiple of daily ATR.",
        gt=0,
        le=1000,
        unit="× ATR",
        step=0.05,
        when=[{"trade.stop_mode": ["atr_capped"]}],
    )
    partials: bool = setting("Take profit in parts", "Close a trade at up to three targets instead of one.", basic=True)
    t1_r: Number = setting(
        "First target", "Profit at the first target.", gt=0, le=1000, unit="R", step=0.25, basic=True, when=_PARTIALS
    )
    t1_pct: Number = setting(
        "First part",
        "Fraction of the position closed at the first target; 0 = no such target.",
        ge=0,
        le=1,
        step=0.05,
        basic=True,
        when=_PARTIALS,
    )
    t2_r: Number = setting(
        "Second target", "Profit at the second target.", gt=0, le=1000, unit="R", step=0.25, basic=True, when=_PARTIALS
    )
    t2_pct: Number = setting(
        "Second part",
        "Fraction of the position closed at the second target; 0 = no such target.",
        ge=0,
        le=1,
        step=0.05,
        basic=True,
        when=_PARTIALS,
    )
    runner_r: Number | None = setting(
        "Runner's target",
        "Profit at which the rest is closed; null = none, it rides to a stop or the close.",
        gt=0,
        le=1000,
        unit="R",
        step=0.25,
        basic=True,
        when=_PARTIALS,
    )
    primary_r: Number | None = setting(
        "Target",
        "Profit at which the whole trade is closed; null = none, it is held to a stop or the close.",
        gt=0,
        le=1000,
        unit="R",
        step=0.25,
        basic=True,
        when=[{"trade.partials": [False]}],
    )
    move_be_at_r: Number | None = setting(
        "Breakeven from",
        "Best profit from which the stop goes to the entry price; null = never.",
        ge=0,
        le=1000,
        unit="R",
        step=0.25,
        basic=True,
    )
    be_buffer: Number = setting(
        "Breakeven buffer",
        "How far beyond the entry price, in the trade's direction, the breakeven stop lies.",
        ge=-LARGEST,
        le=LARGEST,
        unit="points",
        step=0.01,
    )
    trail: TrailSettings = setting("Trailing stop", "How the stop follows a trade that goes well.")
    max_hold_minutes: int | None = setting(
        "Longest hold",
        "Minutes after which a trade is closed; null = no limit.",
        ge=1,
        le=MOST,
        unit="minutes",
        step=15,
    )


class GovernanceSettings(Settings):
    """When to stop trading for the day. Per symbol; everything starts anew each session."""

    model_config = ConfigDict(title="Limits of the day")

    max_signals_per_day: int = setting(
        "Trades a day", "Most trades entered in a session.", ge=1, le=MOST, unit="trades", step=1, basic=True
    )
    lockout_after_losses: int | None = setting(
        "Stop after losses",
        "Full losses in a row after which the session is over; null = off.",
        ge=1,
        le=MOST,
        unit="losses",
        step=1,
    )
    max_daily_loss_r: Number | None = setting(
        "Stop after losing", "Loss after which the session is over; null = off.", gt=0, le=1000, unit="R", step=0.5
    )
    time_cutoff: Clock | None = setting(
        "No entries from", "Local time from which no trade is entered; null = no cutoff.", basic=True
    )
    second_chance_minutes: int | None = setting(
        "Second entries until",
        "Minutes after the range's end in which the same side may be entered again; null = no limit.",
        ge=0,
        le=LONGEST_MINUTES,
        unit="minutes",
        step=15,
    )
    flatten_at_session_end: bool = setting("Flat at the close", "Close every open trade with the session's last bar.")


class ExecutionSettings(Settings):
    """What is assumed where a bar does not say what came first."""

    model_config = ConfigDict(title="Fills")

    ambiguity: Literal["conservative", "optimistic"] = setting(
        "Unclear fills",
        "What came first when a bar reached both stop and target.",
        labels={"conservative": "The stop (cautious)", "optimistic": "The target (hopeful)"},
    )
    limit_fill: Literal["touch", "through"] = setting(
        "Targets fill",
        "How far price must go for a target to fill.",
        labels={"touch": "When touched", "through": "When traded through by a tick"},
    )


class CostSettings(Settings):
    """What trading costs, unless an instrument says otherwise."""

    model_config = ConfigDict(title="Costs")

    commission_per_unit: Number = setting(
        "Commission", "Commission per share or contract and side.", ge=0, le=MOST, unit="$", step=0.001, basic=True
    )
    commission_pct: Number = setting(
        "Commission share", "Commission as a fraction of the notional of each side.", ge=0, le=1, step=0.0001
    )
    slippage_ticks: Number = setting(
        "Slippage",
        "Slippage of every market and stop fill, against the trade.",
        ge=0,
        le=MOST,
        unit="ticks",
        step=1,
        basic=True,
    )


_FIXED_RISK = [{"sizing.mode": ["fixed_risk"]}]


class SizingSettings(Settings):
    """How much is traded. It turns R into money and never changes a trade's R."""

    model_config = ConfigDict(title="Position size")

    mode: Literal["fixed_risk", "fixed_quantity"] = setting(
        "Size by",
        "What decides the quantity.",
        labels={"fixed_risk": "A fixed share of the account at risk", "fixed_quantity": "A fixed quantity"},
    )
    initial_capital: Number = setting("Capital", "Account at the start.", gt=0, le=1e15, unit="$", step=1000)
    risk_pct: Number = setting(
        "Risk per trade",
        "Fraction of the account a trade risks: 0.01 is 1 %.",
        gt=0,
        le=1,
        step=0.001,
        when=_FIXED_RISK,
    )
    quantity: Number = setting(
        "Quantity",
        "Shares or contracts of every trade.",
        gt=0,
        le=LARGEST,
        unit="units",
        step=1,
        when=[{"sizing.mode": ["fixed_quantity"]}],
    )
    max_leverage: Number = setting(
        "Most leverage",
        "Largest notional of all open positions as a multiple of the account.",
        gt=0,
        le=MOST,
        unit="×",
        step=0.5,
        when=_FIXED_RISK,
    )


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
