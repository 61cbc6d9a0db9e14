"""Settings of the way to a trade: opening range, triggers, entry, factors and their score."""

from typing import Literal

from pydantic import ConfigDict

from orb_core.config.fields import LARGEST, LONGEST_MINUTES, MOST, Number, Settings, setting

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
