"""Settings of a trade and of the day: stop, targets, limits, fills, costs and size."""

from typing import Literal

from pydantic import ConfigDict

from orb_core.config.fields import LARGEST, LONGEST_MINUTES, MOST, Clock, Number, Settings, setting


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
        "Share of the position closed at the first target; 0 = no such target.",
        ge=0,
        le=1,
        unit="× position",
        step=0.05,
        basic=True,
        when=_PARTIALS,
    )
    t2_r: Number = setting(
        "Second target", "Profit at the second target.", gt=0, le=1000, unit="R", step=0.25, basic=True, when=_PARTIALS
    )
    t2_pct: Number = setting(
        "Second part",
        "Share of the position closed at the second target; 0 = no such target.",
        ge=0,
        le=1,
        unit="× position",
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
