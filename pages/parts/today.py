"""Today: where each symbol's session stands, and what the next trade would be."""

from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from orb_core.analytics.today import SideNow, Today
from orb_core.analytics.words import FACTORS, NOTHING, OR_STATES, REFUSALS, SIDES, number, price_digits, zone_name
from orb_core.store.stored_run import StoredRun
from pages.parts import computed
from pages.parts.markup import plain

NAMED = 3


def today_panel(of: StoredRun) -> None:
    """Show the running or the last session of a run's symbols; nothing if its bars do not reach into it."""
    found = computed.sessions_today(of, datetime.now(tz=UTC)) if of.symbols else ()
    if not found:
        return
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    title = " · ".join(f"{each.symbol} {_stage(of, each)}" for each in found[:NAMED]) + more
    with st.expander(f"**Today** · {plain(title)}", icon=":material/today:", key="today"):
        rows = [row for each in found for row in _rows(of, each)]
        st.dataframe(
            rows,
            hide_index=True,
            height="content",
            alt="The running or last session of each symbol: range, triggers, stop, quantity, factors, score",
            column_config={"Symbol": st.column_config.TextColumn(pinned=True)},
        )
        first = found[0]
        st.caption(
            plain(
                f"Session of {first.session_date:%A} {first.session_date}, from the bars of this run; times are "
                f"{zone_name(first.timezone)} time. Extend the run to have newer bars."
            )
        )


def _stage(of: StoredRun, now: Today) -> str:
    ends = f"{now.range_ends.tz_convert(now.timezone):%H:%M}"
    if now.stage == "untradable":
        return f"not traded: {_lower(OR_STATES[now.session['or_state']])}"
    if now.stage == "in_trade":
        trade = now.open_trade
        return f"in a trade, {trade['direction']} from {_price(of, now, trade['entry_price'])}"
    return {
        "building": f"range until {ends}",
        "over": "done for the day",
        "waiting": "waits for a breakout",
    }[now.stage]


def _rows(of: StoredRun, now: Today) -> list[dict[str, str]]:
    """One row per side that may be traded; at least one, so that every symbol is listed."""
    session = now.session
    common = {
        "Symbol": now.symbol,
        "As of": f"{now.as_of.tz_convert(now.timezone):%H:%M}",
        "State": _upper(_stage(of, now)),
        "Last": _price(of, now, now.last_price),
        "Range": f"{_price(of, now, session['or_low'])} to {_price(of, now, session['or_high'])}",
    }
    if now.open_trade is not None:
        trade = now.open_trade
        entered = {"Side": SIDES[trade["direction"]], "Stop": _price(of, now, trade["stop_final"])}
        return [{**common, **entered}]
    return [{**common, **_side(of, now, side)} for side in now.sides] or [common]


def _side(of: StoredRun, now: Today, side: SideNow) -> dict[str, str]:
    agree = [FACTORS[factor.name] for factor in side.factors if factor.agrees]
    needed = f"{side.score:g} of {side.required:g}" if of.config.scoring.enabled else f"{side.score:g}, none asked"
    verdict = f"Refused: {_lower(REFUSALS[side.refusal])}" if side.refusal else "Would be taken"
    if not side.is_armed and not side.refusal:
        verdict = "Price is beyond it: has to come back first"
    return {
        "Side": SIDES[side.direction],
        "Trigger": _price(of, now, side.trigger),
        "Stop": _price(of, now, side.stop),
        "1 R =": _price(of, now, side.risk),
        "Targets": ", ".join(_price(of, now, t) for t in side.targets if not pd.isna(t)) or NOTHING,
        "Quantity": f"{side.quantity:,g}",
        "Factors that agree": ", ".join(agree) or "none",
        "Score": needed,
        "If it came now": verdict,
    }


def _price(of: StoredRun, now: Today, value: float) -> str:
    return number(value, price_digits(of.config.instrument(now.symbol).tick_size))


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
