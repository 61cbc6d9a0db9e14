"""Settings that are valid one by one and contradict each other: every rule with its own sentence.

A rule about a part (patterns, targets, the lengths of an adaptive range) applies only when that part is switched on.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from orb_core.config.hours import DAY, exchange_zone, regular_sessions
from orb_core.errors import ConfigError

if TYPE_CHECKING:
    from orb_core.config.models import UncheckedConfig

TOLERANCE: Final = 1e-9
INTERVALS: Final = (30, 15, 5, 2, 1)


class Contradiction(NamedTuple):
    """A rule that is broken: the setting it is told at, what is asked of it, and the other settings it depends on."""

    path: str
    message: str
    others: tuple[str, ...]


def contradictions(config: "UncheckedConfig") -> Iterator[Contradiction]:
    """Yield every rule the settings break."""
    yield from _range_lengths(config)
    yield from _interval(config)
    yield from _thresholds(config)
    yield from _factors(config)
    yield from _score(config)
    yield from _parts(config)
    yield from _hours(config)


def _lengths(config: "UncheckedConfig") -> dict[str, int]:
    """Minutes of every opening range these settings may use, by setting."""
    orb = config.orb
    lengths = {"orb.base_minutes": orb.base_minutes}
    if orb.adaptive:
        lengths["orb.short_or_minutes"] = orb.short_or_minutes
        lengths["orb.long_or_minutes"] = orb.long_or_minutes
    return lengths


def _range_lengths(config: "UncheckedConfig") -> Iterator[Contradiction]:
    orb = config.orb
    if not orb.adaptive:
        return
    otherwise = "or orb.adaptive be false"
    if orb.short_or_minutes > orb.base_minutes:
        yield Contradiction(
            "orb.short_or_minutes",
            f"must be <= orb.base_minutes ({orb.base_minutes}), {otherwise}",
            ("orb.base_minutes", "orb.adaptive"),
        )
    if orb.long_or_minutes < orb.base_minutes:
        yield Contradiction(
            "orb.long_or_minutes",
            f"must be >= orb.base_minutes ({orb.base_minutes}), {otherwise}",
            ("orb.base_minutes", "orb.adaptive"),
        )
    if orb.short_or_minutes >= orb.long_or_minutes:
        yield Contradiction(
            "orb.short_or_minutes",
            f"must be < orb.long_or_minutes ({orb.long_or_minutes}), {otherwise}",
            ("orb.long_or_minutes", "orb.adaptive"),
        )


def _interval(config: "UncheckedConfig") -> Iterator[Contradiction]:
    bar = config.data.bar_minutes
    lengths = _lengths(config)
    finer = next(m for m in INTERVALS if all(length % m == 0 for length in lengths.values()))
    for path, length in lengths.items():
        if length % bar:
            works = max(bar, bar * ((2 * length + bar) // (2 * bar)))
            yield Contradiction(
                path,
                f"must be a multiple of the bars' length, data.interval = {bar}m: "
                f"set it to {works}, or data.interval to {finer}m",
                ("data.interval", "orb.adaptive", *lengths),
            )


def _thresholds(config: "UncheckedConfig") -> Iterator[Contradiction]:
    orb = config.orb
    if orb.adaptive and orb.low_norm_vol >= orb.high_norm_vol:
        yield Contradiction(
            "orb.low_norm_vol",
            f"must be < orb.high_norm_vol ({orb.high_norm_vol})",
            ("orb.high_norm_vol", "orb.adaptive"),
        )
    if orb.enable_validity_filter and orb.min_atr_mult >= orb.max_atr_mult:
        yield Contradiction(
            "orb.min_atr_mult",
            f"must be < orb.max_atr_mult ({orb.max_atr_mult})",
            ("orb.max_atr_mult", "orb.enable_validity_filter"),
        )


def _factors(config: "UncheckedConfig") -> Iterator[Contradiction]:
    profile = config.factors.profile_proxy
    if profile.enabled and profile.val_pct >= profile.vah_pct:
        yield Contradiction(
            "factors.profile_proxy.val_pct",
            f"must be < factors.profile_proxy.vah_pct ({profile.vah_pct})",
            ("factors.profile_proxy.vah_pct", "factors.profile_proxy.enabled"),
        )
    patterns = config.factors.price_action
    if patterns.enabled and not (patterns.enable_engulfing or patterns.enable_structure):
        yield Contradiction(
            "factors.price_action.enabled",
            "must be false while factors.price_action.enable_engulfing and factors.price_action.enable_structure both "
            "are; switch one of them on",
            ("factors.price_action.enable_engulfing", "factors.price_action.enable_structure"),
        )


def _score(config: "UncheckedConfig") -> Iterator[Contradiction]:
    scoring, factors = config.scoring, config.factors
    if not scoring.enabled:
        return
    names = [name for name in type(factors).model_fields if getattr(factors, name).enabled]
    reachable = sum(getattr(scoring.weights, name) for name in names)
    required = ["scoring.base_required"]
    if factors.adx.enabled:
        required.append("scoring.weak_trend_required")
        if scoring.base_required > scoring.weak_trend_required:
            yield Contradiction(
                "scoring.base_required",
                f"must be <= scoring.weak_trend_required ({scoring.weak_trend_required:g}) while adx is enabled",
                ("scoring.weak_trend_required", "scoring.enabled", "factors.adx.enabled"),
            )
    for path in required:
        if getattr(scoring, path.removeprefix("scoring.")) > reachable + TOLERANCE:
            yield Contradiction(
                path,
                f"must be <= {reachable:g}, the sum of the weights of all enabled factors; no trade could pass",
                ("scoring.enabled", "scoring.weights", "factors"),
            )


def _parts(config: "UncheckedConfig") -> Iterator[Contradiction]:
    trade = config.trade
    if not trade.partials:
        return
    if trade.t1_pct + trade.t2_pct > 1 + TOLERANCE:
        yield Contradiction(
            "trade.t2_pct",
            f"must be <= 1 - trade.t1_pct ({1 - trade.t1_pct:g}); the parts are fractions of one position",
            ("trade.t1_pct", "trade.partials"),
        )
    parts = (
        ("trade.t1_r", trade.t1_r, trade.t1_pct),
        ("trade.t2_r", trade.t2_r, trade.t2_pct),
        ("trade.runner_r", trade.runner_r, 1 - trade.t1_pct - trade.t2_pct),
    )
    targets = [(path, r) for path, r, fraction in parts if r is not None and fraction > TOLERANCE]
    for (nearer, r), (farther, farther_r) in pairwise(targets):
        if r >= farther_r:
            yield Contradiction(
                farther,
                f"must be > {nearer} ({r:g}); a part of fraction 0 is left out",
                (nearer, "trade.t1_pct", "trade.t2_pct", "trade.partials"),
            )


def _hours(config: "UncheckedConfig") -> Iterator[Contradiction]:
    settings = config.session
    try:
        sessions = list(regular_sessions(settings))
    except ConfigError as error:
        yield Contradiction("session.calendar", str(error), ())
        return
    overrides = ("session.calendar", "session.timezone", "session.open", "session.close")
    if any(not session.open < session.close <= session.open + DAY for session in sessions):
        yield Contradiction(
            "session.close" if settings.close else "session.open",
            f"must leave a session of up to 24 hours; now it would be {_shown(config)}",
            overrides,
        )
        return
    minutes = max(session.minutes for session in sessions)
    for path, length in _lengths(config).items():
        if length >= minutes:
            yield Contradiction(
                path,
                f"must be shorter than the session of {minutes} minutes ({_shown(config)})",
                (*overrides, "orb.adaptive"),
            )
    cutoff = config.governance.time_cutoff
    if cutoff is not None and not any(s.minutes == 24 * 60 or s.open < s.first(cutoff) <= s.close for s in sessions):
        yield Contradiction(
            "governance.time_cutoff", f"must lie inside the session ({_shown(config)}), or be null", overrides
        )


def _shown(config: "UncheckedConfig") -> str:
    settings = config.session
    session = next(iter(regular_sessions(settings)))
    return f"{settings.calendar}, {session.open:%H:%M}–{session.close:%H:%M} {exchange_zone(settings)}"
