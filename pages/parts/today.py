"""Today: where each symbol's session stands, and what the next trade would be."""

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from orb_core.analytics.today import SideNow, Today
from orb_core.analytics.words import (
    NOTHING,
    OR_STATES,
    REFUSALS,
    SIDES,
    number,
    price_digits,
    r_multiple,
    zone_name,
)
from orb_core.config.symbols import some_of
from orb_core.store.stored_run import StoredRun
from pages.parts import computed
from pages.parts.markup import plain
from pages.parts.run_words import is_made_up

SETTLED = ("over", "untradable")
"""Stages of a session in which nothing can be entered any more."""
COLUMNS = {
    "Symbol": None,
    "As of": "The end of the last bar.",
    "Side": None,
    "State": "What would become of a breakout that came with the next bar.",
    "Trades": "Those entered in this session.",
    "R": "What they came to, after costs.",
    "Range": "Low and high of the opening range so far.",
    "Trigger": "The price that a breakout has to touch.",
    "Stop": "Where the stop would be; of an open trade, where it is.",
    "1 R =": "From entry to stop, in points: what one unit risks.",
    "Quantity": "Units such as shares or contracts, for the account as the run left it.",
    "Score": "Weight of the factors that agree now, of what is asked for.",
    "Factors": "Those that agree with this side at the close of the last bar: relative volume, price action, prior "
    "day's value, VWAP, trend strength (ADX).",
    "Last": "The close of the last bar.",
    "Targets": None,
}
"""Columns of the table in order, the most needed first, and what each says."""
SHORT_FACTORS = {
    "rel_volume": "volume",
    "price_action": "price",
    "profile_proxy": "value",
    "vwap": "VWAP",
    "adx": "ADX",
}
IN_NUMBERS = ("Trades", "R", "Trigger", "Stop", "1 R =", "Quantity", "Last")


def today_panel(of: StoredRun) -> None:
    """Show the running or the last session of a run's symbols; nothing if its bars do not reach into it."""
    now = datetime.now(tz=UTC)
    found = computed.sessions_today(of, now) if of.symbols else ()
    if not found:
        return
    stages = some_of([f"{each.symbol} {_stage(of, each)}" for each in found], between=" · ")
    made_up = " :orange-badge[Made-up prices]" if is_made_up(of.manifest) else ""
    with st.expander(f"**{_title(found[0], now)}** · {plain(stages)}{made_up}", icon=":material/today:", key="today"):
        st.dataframe(
            _table(of, found),
            hide_index=True,
            height="content",
            placeholder=NOTHING,
            alt="Where the running or last session of each symbol stands",
            column_config={
                name: st.column_config.TextColumn(
                    help=said, pinned=name == "Symbol", alignment="right" if name in IN_NUMBERS else None
                )
                for name, said in COLUMNS.items()
            },
        )
        st.caption(plain(" ".join(_below(of, found))))


def _title(first: Today, now: datetime) -> str:
    if first.session_date == now.astimezone(ZoneInfo(first.timezone)).date():
        return "Today"
    return f"Last session · {plain(f'{first.session_date:%a %Y-%m-%d}')}"


def _table(of: StoredRun, found: Sequence[Today]) -> pd.DataFrame:
    """Return a row per symbol and side; of a day that is settled, what it brought and no empty columns."""
    table = pd.DataFrame([row for each in found for row in _rows(of, each)], columns=list(COLUMNS))
    if all(each.stage in SETTLED for each in found):
        return table.dropna(axis="columns", how="all")
    return table.drop(columns=["Trades", "R"])


def _below(of: StoredRun, found: Sequence[Today]) -> list[str]:
    said = [f"From the bars of this run; times are {zone_name(found[0].timezone)} time."]
    without = [symbol for symbol in of.symbols if symbol not in {each.symbol for each in found}]
    if without:
        said.append(f"No bars of this session yet: {some_of(without)}.")
    if any(each.as_of < each.session["close"] for each in found):
        said.append("Run again to have newer bars.")
    return said


def _stage(of: StoredRun, now: Today) -> str:
    ends = f"{now.range_ends.tz_convert(now.timezone):%H:%M}"
    if now.stage == "untradable":
        return f"not traded: {_lower(OR_STATES[now.session['or_state']])}"
    if now.open_trade is not None:
        trade = now.open_trade
        return f"in a trade, {trade['direction']} from {_price(of, now, trade['entry_price'])}"
    return {"building": f"range until {ends}", "over": "done for the day", "waiting": "waits for a breakout"}[now.stage]


def _rows(of: StoredRun, now: Today) -> list[dict[str, str]]:
    """One row per side that may be traded; at least one, so that every symbol is listed."""
    session = now.session
    common = {
        "Symbol": now.symbol,
        "As of": f"{now.as_of.tz_convert(now.timezone):%H:%M}",
        "State": _upper(_stage(of, now)),
        "Range": f"{_price(of, now, session['or_low'])} to {_price(of, now, session['or_high'])}",
        "Last": _price(of, now, now.last_price),
        "Trades": number(len(now.trades), 0),
        **({} if now.trades.empty else {"R": r_multiple(now.trades["realized_r"].sum())}),
    }
    if now.open_trade is not None:
        trade = now.open_trade
        entered = {
            "Side": SIDES[trade["direction"]],
            "State": f"In from {_price(of, now, trade['entry_price'])}, {r_multiple(trade['realized_r'])} so far",
            "Stop": _price(of, now, trade["stop_final"]),
        }
        return [{**common, **entered}]
    return [{**common, **_side(of, now, side)} for side in now.sides] or [common]


def _side(of: StoredRun, now: Today, side: SideNow) -> dict[str, str]:
    agree = [SHORT_FACTORS[factor.name] for factor in side.factors if factor.agrees]
    return {
        "Side": SIDES[side.direction],
        "State": _verdict(of, now, side),
        "Trigger": _price(of, now, side.trigger),
        "Stop": _price(of, now, side.stop),
        "1 R =": _price(of, now, side.risk),
        "Targets": ", ".join(_price(of, now, t) for t in side.targets if not pd.isna(t)) or NOTHING,
        "Quantity": f"{side.quantity:,g}",
        "Factors": ", ".join(agree) or "none",
        "Score": f"{side.score:g} of {side.required:g}" if of.config.scoring.enabled else f"{side.score:g}, none asked",
    }


def _verdict(of: StoredRun, now: Today, side: SideNow) -> str:
    if now.stage == "building":
        return _upper(_stage(of, now))
    if side.refusal:
        return f"Refused now: {_lower(REFUSALS[side.refusal])}"
    return "Would be taken" if side.is_armed else "Beyond it: has to come back first"


def _price(of: StoredRun, now: Today, value: float) -> str:
    return number(value, price_digits(of.config.instrument(now.symbol).tick_size))


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
