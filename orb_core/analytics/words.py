"""Results in a trader's words: numbers as they are written, and the names behind the codes of the result tables."""

import math
from collections.abc import Mapping
from typing import Any, Final

from orb_core.config import fields

MINUS: Final = "\N{MINUS SIGN}"
NOTHING: Final = "\N{EN DASH}"

WEEKDAYS: Final = tuple(day.capitalize() for day in fields.WEEKDAYS)

SIDES: Final = {"long": "▲ long", "short": "▼ short"}

EXITS: Final = {
    "stop": "Stop",
    "breakeven": "Breakeven stop",
    "trailing": "Trailing stop",
    "target": "All targets",
    "session_end": "Session's close",
    "time_stop": "Time limit",
    "end_of_data": "End of the data",
}

REFUSALS: Final = {
    "loss_lockout": "Locked out after losses",
    "daily_loss": "The day's loss limit was reached",
    "max_signals": "The day's trades were used up",
    "time_cutoff": "After the entry cutoff",
    "second_chance_over": "Too late for a second try on this side",
    "score": "Too few factors agreed",
    "risk_too_small": "The stop was too close to the entry",
}

OR_STATES: Final = {
    "valid": "Tradable",
    "excluded": "Left out by the session settings",
    "no_or_bars": "No bars in the opening range",
    "zero_width": "The opening range had no width",
    "incomplete": "Minutes missing in the opening range",
    "too_narrow": "The opening range was too narrow",
    "too_wide": "The opening range was too wide",
}

SHORT_OR_STATES: Final = {
    "valid": "Tradable",
    "excluded": "Left out",
    "no_or_bars": "No bars",
    "zero_width": "No width",
    "incomplete": "Incomplete",
    "too_narrow": "Too narrow",
    "too_wide": "Too wide",
}
"""Where "Opening range" stands above them."""

FACTORS: Final = {
    "rel_volume": "Relative volume",
    "price_action": "Price action",
    "profile_proxy": "Prior day's value",
    "vwap": "VWAP",
    "adx": "Trend strength (ADX)",
}


def number(value: float | None, digits: int = 2, *, sign: bool = False) -> str:
    """Write a number with a real minus sign; a dash where there is none, and never a minus on a zero.

    >>> number(-1234.5, 1), number(0.125, 2, sign=True), number(None)
    ('−1,234.5', '+0.12', '–')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{abs(value):,.{digits}f}"
    if not any(c in "123456789" for c in text):
        return text
    return (MINUS if value < 0 else "+" if sign else "") + text


def counted(n: int, thing: str) -> str:
    """Write how many there are of a thing whose plural ends in s.

    >>> counted(1, "trade"), counted(1200, "day")
    ('1 trade', '1,200 days')
    """
    return f"{number(n, 0)} {thing}{'' if n == 1 else 's'}"


def r_multiple(value: float | None) -> str:
    """Write a multiple of the initial risk as it is written everywhere: sign, two decimals, unit.

    >>> r_multiple(0.0605), r_multiple(-9.8)
    ('+0.06 R', '−9.80 R')
    """
    text = number(value, 2, sign=True)
    return text if text == NOTHING else f"{text} R"


def percent(fraction: float | None, digits: int = 1) -> str:
    """Write a fraction as a percentage.

    >>> percent(0.441)
    '44.1 %'
    """
    text = number(None if fraction is None else 100 * fraction, digits)
    return text if text == NOTHING else f"{text} %"


def price_digits(tick_size: float) -> int:
    """Return how many decimals a price on this tick grid needs (2 to 8).

    >>> price_digits(0.25), price_digits(0.00005), price_digits(1.0)
    (2, 5, 2)
    """
    digits = 2
    while digits < 8 and abs(tick_size - round(tick_size, digits)) > 1e-10:
        digits += 1
    return digits


def zone_name(timezone: str) -> str:
    """Name a time zone as people do.

    >>> zone_name("America/New_York"), zone_name("UTC")
    ('New York', 'UTC')
    """
    return timezone.rsplit("/", 1)[-1].replace("_", " ")


def breakeven_win_rate(metrics: Mapping[str, Any]) -> float | None:
    """Return the win rate at which these average wins and losses would come out at nothing.

    `|average loss| / (average win + |average loss|)`; None without a win or without a loss.
    """
    win, loss = metrics.get("average_win_r"), metrics.get("average_loss_r")
    return None if win is None or loss is None else -loss / (win - loss)


def how_it_ended(targets_filled: int, exit_reason: str, t1_price: float) -> str:
    """Say how a trade left the market; without a price of T1 its first target is T2.

    >>> how_it_ended(1, "breakeven", 101.5), how_it_ended(0, "stop", 101.5), how_it_ended(3, "target", 101.5)
    ('T1, then breakeven stop', 'Stop', 'All targets')
    """
    exit_words = EXITS[exit_reason]
    if exit_reason == "target":
        return "Target" if targets_filled == 1 else exit_words
    if targets_filled == 0:
        return exit_words
    first = 2 if math.isnan(t1_price) else 1
    filled = " + ".join(f"T{first + i}" for i in range(targets_filled))
    return f"{filled}, then {exit_words[0].lower()}{exit_words[1:]}"
