"""The tables of a report: every cell in the words and numbers people read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from orb_core.analytics.breakdown import by_month, by_year, drawdown_table, refusals
from orb_core.analytics.days import by_range_width, day_outcomes, range_widths
from orb_core.analytics.words import (
    EXITS,
    FACTORS,
    NOTHING,
    REFUSALS,
    SIDES,
    how_it_ended,
    number,
    percent,
    price_digits,
    r_multiple,
)
from orb_core.config.catalogue import all_settings
from orb_core.config.load import differences
from orb_core.report.contents import Contents, SymbolFacts

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Table:
    """Rows of text below a head; columns from `numbers` on are right-aligned."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: int = 1


def symbols_table(contents: Contents) -> Table:
    """Each symbol's own figures, failed ones with their reason."""
    return Table(
        ("Symbol", "Trades", "Win rate", "Per trade", "95 %", "Total", "Worst drop"),
        tuple(
            (
                symbol,
                number(facts.metrics["total_trades"], 0),
                percent(facts.metrics["win_rate"]),
                r_multiple(facts.metrics["average_r"]),
                _range(*(facts.metrics["average_r_ci95"] or (None, None))),
                r_multiple(facts.metrics["total_r"]),
                r_multiple(facts.metrics["max_drawdown_r"]),
            )
            if facts.metrics
            else (symbol, facts.error or facts.status, *[NOTHING] * 5)
            for symbol, facts in contents.symbols.items()
        ),
    )


def settings_table(contents: Contents) -> Table:
    """What differs from the defaults."""
    known = all_settings()
    rows = []
    for path, (value, default) in differences(contents.config).items():
        field = known.get(path)
        extra = field.json_schema_extra if field and isinstance(field.json_schema_extra, dict) else {}
        title = field.title if field else None
        rows.append((title or path, _say(value, extra), _say(default, extra), path))
    return Table(("Setting", "This run", "Default", "Key"), tuple(rows), numbers=4)


def bars_table(contents: Contents) -> Table:
    """Where each symbol's bars begin and end, and what was found in them."""
    return Table(
        ("Symbol", "First bar", "Last bar", "Bars used", "Missing", "Sessions without bars", "Dropped", "Jumps"),
        tuple(
            (symbol, _day(facts.first_bar), _day(facts.last_bar), *_quality(facts))
            for symbol, facts in contents.symbols.items()
        ),
        numbers=3,
    )


def months_table(trades: pd.DataFrame) -> Table:
    """Total R by month, a row per year."""
    total = {(year, month): r for year, month, _, r in by_month(trades).itertuples(index=False)}
    return Table(
        ("Year", *MONTHS, "Total"),
        tuple(
            (
                str(year),
                *(number(total.get((year, month)), 1, sign=True) for month in range(1, 13)),
                number(of_year, 1, sign=True),
            )
            for year, of_year in by_year(trades)[["year", "total_r"]].itertuples(index=False)
        ),
    )


def drops_table(equity: pd.DataFrame) -> Table:
    """The five deepest drops."""
    return Table(
        ("Depth", "From", "Lowest", "Made good", "Trades", "Days"),
        tuple(
            (
                r_multiple(drop.depth_r),
                _day(drop.peak),
                _day(drop.bottom),
                _day(drop.recovered) or "not yet",
                number(drop.trades, 0),
                number(drop.days, 0),
            )
            for drop in _rows(drawdown_table(equity, 5))
        ),
    )


def groups_table(name: str, groups: pd.DataFrame, names: Sequence[str]) -> Table:
    """Groups with `breakdown.GROUP` columns."""
    columns = ["trades", "win_rate", "average_r", "average_r_low", "average_r_high", "total_r"]
    return Table(
        (name, "Trades", "Win rate", "Per trade", "95 %", "Total"),
        tuple(
            (label, number(n, 0), percent(rate), r_multiple(mean), _range(low, high), r_multiple(total))
            for label, (n, rate, mean, low, high, total) in zip(
                names, groups[columns].itertuples(index=False), strict=True
            )
        ),
    )


def parts_table(name: str, parts: Mapping[str, Mapping[str, Any]], words: Mapping[str, str]) -> Table:
    """Parts of the trades as `by_direction` and `by_exit_reason` of the metrics have them, the commonest first."""
    return Table(
        (name, "Trades", "Win rate", "Per trade", "Total"),
        tuple(
            (
                words[key],
                number(part["trades"], 0),
                percent(part["win_rate"]),
                r_multiple(part["average_r"]),
                r_multiple(part["total_r"]),
            )
            for key, part in sorted(parts.items(), key=lambda item: -item[1]["trades"])
        ),
    )


def sides_table(metrics: Mapping[str, Any]) -> Table:
    """Long and short."""
    return parts_table("Side", metrics["by_direction"], SIDES)


def exits_table(metrics: Mapping[str, Any]) -> Table:
    """By the reason the last part of a trade left for."""
    return parts_table("Left by", metrics["by_exit_reason"], EXITS)


def widths_table(trades: pd.DataFrame) -> Table:
    """R by the height of the opening range; no rows below three trades."""
    groups = by_range_width(trades)
    names = [
        f"{width.capitalize()}, to {number(edge)} × ATR"
        for width, edge in groups[["width", "up_to"]].itertuples(index=False)
    ]
    return groups_table("Opening range", groups, names)


def ranges_table(contents: Contents) -> Table:
    """How high opening ranges were."""
    return Table(
        ("Symbol", "Tradable sessions", "Minutes", "Height, points", "Height, × daily ATR", "Half of them between"),
        tuple(
            (
                of.symbol,
                number(of.sessions, 0),
                number(of.minutes, 0),
                number(of.width, price_digits(contents.config.instrument(of.symbol).tick_size)),
                number(of.atr_median),
                f"{number(of.atr_low)} … {number(of.atr_high)}",
            )
            for of in _rows(range_widths(contents.days))
        ),
    )


def outcomes_table(days: pd.DataFrame) -> Table:
    """What became of the sessions."""
    return Table(
        ("What became of it", "Sessions", "Trades", "Total"),
        tuple(
            (outcome, number(sessions, 0), number(trades, 0), r_multiple(r) if trades else NOTHING)
            for outcome, sessions, trades, r in day_outcomes(days).itertuples(index=False)
        ),
    )


def refusals_table(signals: pd.DataFrame) -> Table:
    """Why candidates were refused."""
    return Table(
        ("Refused because", "Candidates"),
        tuple((REFUSALS[reason], number(n, 0)) for reason, n in refusals(signals).itertuples(index=False)),
    )


def factors_table(attribution: pd.DataFrame) -> Table:
    """What each factor that was on was worth."""
    return Table(
        ("Factor", "With it", "Per trade", "Without it", "Per trade", "Difference", "95 %"),
        tuple(
            (
                FACTORS[row.factor],
                number(row.trades_with, 0),
                r_multiple(row.average_r_with),
                number(row.trades_without, 0),
                r_multiple(row.average_r_without),
                r_multiple(row.difference_r),
                _range(row.difference_r_low, row.difference_r_high),
            )
            for row in _rows(attribution)
        ),
    )


def examples_table(contents: Contents) -> Table:
    """The trades whose charts follow."""
    trades = [example.trade for example in (*contents.best, *contents.worst)]
    return Table(
        ("Trade", "Side", "How it ended", "In", "Held", "Entry", "Stop", "Exit", "R", "Best R", "Worst R"),
        tuple(
            (
                f"{trade.symbol} {trade.session_date:%Y-%m-%d}",
                SIDES[trade.direction],
                how_it_ended(trade.targets_filled, trade.exit_reason, trade.t1_price),
                f"{trade.entry_local:%H:%M}",
                f"{number((trade.exit_timestamp - trade.entry_timestamp).total_seconds() / 60, 0)} min",
                *(
                    number(price, price_digits(contents.config.instrument(trade.symbol).tick_size))
                    for price in (trade.entry_price, trade.stop_initial, trade.exit_price)
                ),
                number(trade.realized_r, 2, sign=True),
                number(trade.max_favorable_r, 2, sign=True),
                number(trade.max_adverse_r, 2, sign=True),
            )
            for trade in trades
        ),
        numbers=3,
    )


def hashes_table(contents: Contents) -> Table:
    """What tells whether two runs are the same: settings, bars, code."""
    bars = ((f"Bars of {symbol}", facts.fingerprint or NOTHING) for symbol, facts in contents.symbols.items())
    return Table(("What", "Value"), (("Settings", contents.config_hash), *bars, *contents.versions.items()), numbers=2)


def costs_text(contents: Contents) -> str:
    """What trading cost, by symbol where they differ."""
    said: dict[str, list[str]] = {}
    for symbol in contents.symbols:
        costs = contents.config.instrument(symbol)
        parts = (
            (costs.commission_per_unit, f"commission {costs.commission_per_unit:g} per unit and side"),
            (costs.commission_pct, f"commission {percent(costs.commission_pct, 3)} of the value of each side"),
            (costs.slippage_ticks, f"slippage {costs.slippage_ticks:g} ticks"),
        )
        text = ", ".join(words for amount, words in parts if amount) or "no costs"
        said.setdefault(text, []).append(symbol)
    return "; ".join(text if len(said) == 1 else f"{', '.join(symbols)}: {text}" for text, symbols in said.items())


def _say(value: Any, extra: Mapping[str, Any]) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    labels = extra.get("labels", {})
    if isinstance(value, tuple | list):
        return ", ".join(labels.get(str(item), str(item)) for item in value) or "none"
    shown = labels.get(str(value), f"{value:g}" if isinstance(value, float) else str(value))
    return f"{shown} {extra.get('unit', '')}".strip()


def _rows(frame: pd.DataFrame) -> Iterator[Any]:
    yield from frame.itertuples(index=False)


def _quality(facts: SymbolFacts) -> tuple[str, ...]:
    found = facts.quality
    if found is None:
        return (NOTHING,) * 5
    dropped = (found[name] for name in ("not_a_number", "non_positive", "impossible", "off_grid", "repeated"))
    return (
        number(found["bars_used"], 0),
        number(found["missing_bars"], 0),
        number(found["sessions_without_bars"], 0),
        number(sum(dropped), 0),
        number(len(found["jumps"]), 0),
    )


def _range(low: float | None, high: float | None) -> str:
    text = number(low, sign=True)
    return text if text == NOTHING else f"{text} … {number(high, sign=True)}"


def _day(when: Any) -> str:
    return "" if when is None or when is pd.NaT else f"{when:%Y-%m-%d}"
