"""The parts of the session page: where to go next, the day in a sentence, its candidates and factors."""

import math
from datetime import date
from typing import Any

import pandas as pd
import streamlit as st

from orb_core.analytics.session_view import SessionView
from orb_core.analytics.words import (
    FACTORS,
    OR_STATES,
    SIDES,
    how_it_ended,
    number,
    price_digits,
    r_multiple,
    zone_name,
)
from orb_core.charts import session_figure
from orb_core.errors import DataError
from orb_core.store.stored_run import StoredRun
from pages.parts import cached, candles
from pages.parts.frame import SESSION
from pages.parts.markup import plain

WAYS = ("replay", "whole_day")
"""The switches of how a day is shown; those that are on are in its address."""
YES = "true"
CHART_PX = 500
"""Of the day's chart where the window has no more room; `style.css` says how it grows."""


def day_of(text: str) -> date:
    """Return the date in an address.

    Raises
    ------
    DataError
        It is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DataError(f"{text!r} is not a date; the address of a session has one such as date=2024-03-12") from None


def clock(view: SessionView, timestamp: pd.Timestamp) -> str:
    """Return the exchange's wall clock of a moment."""
    return f"{timestamp.tz_convert(view.timezone):%H:%M}"


def price(view: SessionView, value: float) -> str:
    """Write a price with the decimals of its tick."""
    return number(value, price_digits(view.tick_size))


def address(of: StoredRun, symbol: str, day: date, trade_id: str | None = None) -> dict[str, str]:
    """Return the query of a session."""
    return {
        "run": of.run_id,
        "symbol": symbol,
        "date": day.isoformat(),
        **({"trade": trade_id} if trade_id else {}),
    }


def navigation(of: StoredRun, view: SessionView, trade_id: str | None) -> None:
    """Draw the ways to the neighbouring sessions and trades."""
    trades = cached.frame(of, view.symbol, "trades")
    days = trades["session_date"].dt.date
    ids = trades["trade_id"].tolist()
    if trade_id in ids:
        before, after = ids.index(trade_id) - 1, ids.index(trade_id) + 1
    else:
        before, after = int((days < view.session_date).sum()) - 1, int((days <= view.session_date).sum())

    def of_trade(at: int) -> dict[str, str] | None:
        return address(of, view.symbol, days.iloc[at], ids[at]) if 0 <= at < len(ids) else None

    def of_day(day: date | None) -> dict[str, str] | None:
        return None if day is None else address(of, view.symbol, day)

    _go(view.symbol, "Day", "keyboard_double_arrow_left", of_day(view.previous_date))
    _go(view.symbol, "Day", "keyboard_double_arrow_right", of_day(view.next_date))
    _go(view.symbol, "Trade", "arrow_back", of_trade(before), "Shift+Left")
    _go(view.symbol, "Trade", "arrow_forward", of_trade(after), "Shift+Right")


def switch(way: str, *, off: str, on: str, icon: str, shortcut: str, disabled: bool = False) -> bool:
    """Draw one of the switches of how a day is shown, labelled with what it does; return whether it is on.

    It is a button: a toggle that has been clicked keeps the arrow keys from the buttons that they belong to.
    """
    is_on = st.query_params.get(way) == YES
    st.button(
        on if is_on else off,
        key=f"session.{way}",
        icon=f":material/{icon}:",
        shortcut=shortcut,
        disabled=disabled,
        on_click=_turn,
        args=(way,),
        kwargs={"is_on": not is_on},
    )
    return is_on


def _turn(way: str, *, is_on: bool) -> None:
    """Hold a way of looking in the address; told even where it is so already, as another answer may be on its way."""
    others = {name: st.query_params.get_all(name) for name in st.query_params if name != way}
    st.query_params.from_dict(others | ({way: [YES]} if is_on else {}))


def _go(symbol: str, label: str, icon: str, query: dict[str, str] | None, shortcut: str | None = None) -> None:
    back = icon.endswith(("left", "back"))
    pressed = st.button(
        label,
        key=f"session.{icon}",
        icon=f":material/{icon}:",
        icon_position="left" if back else "right",
        shortcut=shortcut,
        help=f"{'Previous' if back else 'Next'} {label.lower()} of {symbol}",
        disabled=query is None,
    )
    if pressed and query is not None:
        ways = {way: YES for way in WAYS if st.query_params.get(way) == YES}
        st.switch_page(SESSION, query_params={**query, **ways})


def day_sentence(view: SessionView) -> str:
    """Say what the opening range was, and whether it could be traded."""
    session = view.session
    if not math.isfinite(session["or_high"]):
        return f"{OR_STATES[session['or_state']]}."
    end = session["open"] + pd.Timedelta(minutes=int(session["or_minutes"]))
    state = OR_STATES[session["or_state"]] if session["or_state"] else "Still being measured"
    atr = f", {number(session['or_width'] / session['daily_atr'])} × ATR" if session["daily_atr"] > 0 else ""
    return (
        f"Opening range {clock(view, session['open'])}–{clock(view, end)}: {price(view, session['or_low'])} to "
        f"{price(view, session['or_high'])}, {price(view, session['or_width'])} points{atr}. "
        f"{state}."
    )


def trade_sentence(view: SessionView, trade: Any) -> str:
    """Say what a trade did, from entry to its last exit; of one that is open, what it risks."""
    if trade.exit_timestamp is pd.NaT:
        return (
            f"{SIDES[trade.direction]} at {price(view, trade.entry_price)}, {clock(view, trade.entry_timestamp)}; "
            f"open. 1 R = {price(view, trade.risk)} points."
        )
    minutes = (trade.exit_timestamp - trade.entry_timestamp).total_seconds() / 60
    entered, left = (at.tz_convert(view.timezone) for at in (trade.entry_timestamp, trade.exit_timestamp))
    later = f"{left:%A} {left.day} {left:%B} " if left.date() > entered.date() else ""
    unclear = " Unclear fill: a bar touched both stop and target." if trade.ambiguous else ""
    return (
        f"{SIDES[trade.direction]} at {price(view, trade.entry_price)}, {entered:%H:%M} → "
        f"{later}{left:%H:%M} ({number(minutes, 0)} min). "
        f"{how_it_ended(trade.targets_filled, trade.exit_reason, trade.t1_price)}: "
        f"{r_multiple(trade.realized_r)} after costs; "
        f"at best {r_multiple(trade.max_favorable_r)}, at worst {r_multiple(trade.max_adverse_r)}. "
        f"1 R = {price(view, trade.risk)} points.{unclear}"
    )


def sentences(view: SessionView, trade: Any | None, *, no_trade: str = "") -> str:
    """Say what the day was, and below it what became of its trade."""
    said = [day_sentence(view), _which(view, trade) + trade_sentence(view, trade) if trade else no_trade]
    return "  \n".join(plain(sentence) for sentence in said if sentence)


def _which(view: SessionView, trade: Any) -> str:
    ids = view.trades["trade_id"].tolist()
    return f"Trade {ids.index(trade.trade_id) + 1} of {len(ids)}: " if len(ids) > 1 else ""


def chart(
    view: SessionView,
    trade: Any | None,
    *,
    key: str,
    known: str = "",
    whole_day: bool = False,
    newest: int | None = None,
) -> None:
    """Draw the day's candles, as high as the window has room for; `known` ends what a screen reader says of them."""
    figure = session_figure(
        view,
        trade_id=trade.trade_id if trade else None,
        whole_day=whole_day,
        newest=newest,
        colours=candles.colours(),
        height=CHART_PX,
    )
    with st.container(key="day.chart"):
        st.plotly_chart(
            figure,
            theme=None,
            key=key,
            height="stretch",
            config={"displayModeBar": False, "scrollZoom": True},
            alt=f"{view.symbol} on {view.session_date} as candles, with opening range, trade and stop{known}",
        )


def below(
    of: StoredRun,
    view: SessionView,
    trade: Any | None,
    no_breakouts: str = "",
) -> None:
    """Show, below the chart, the day's breakouts and what the factors said of the trade."""
    left, right = st.columns(2, gap="medium")
    with left:
        _candidates(view, no_breakouts or _why_none(view))
    with right:
        if trade:
            _factors(of, view, trade)


def _candidates(view: SessionView, none: str) -> None:
    """List the breakouts of the day, taken or not, and why."""
    st.markdown("**Breakouts of the day**")
    if view.signals.empty:
        st.caption(none)
        return
    st.dataframe(
        [
            {
                f"Time, {zone_name(view.timezone)}": clock(view, signal.timestamp),
                "Side": SIDES[signal.direction],
                "Trigger": price(view, signal.trigger),
                "What became of it": signal.refused_for or "Taken",
                "Score": signal.score,
                "Needed": signal.required,
            }
            for signal in view.signals.itertuples(index=False)
        ],
        hide_index=True,
        height="content",
        alt="Breakouts of the day, taken or refused, with the reason",
        column_config={name: st.column_config.NumberColumn(format="%g") for name in ("Score", "Needed")},
    )


def _why_none(view: SessionView) -> str:
    if view.session["or_state"] == "valid":
        return "None: price did not leave the opening range where it could be traded."
    return "None was looked for: the opening range was not tradable."


def _factors(of: StoredRun, view: SessionView, trade: Any) -> None:
    """Show what each factor said when the trade was taken."""
    weights = of.config.scoring.weights.model_dump()
    switches = of.config.factors.model_dump()
    st.markdown("**Factors at the signal**")
    st.dataframe(
        [
            {
                "Factor": words,
                "Value": _factor_value(view, name, getattr(trade, f"{name}_value")),
                "Agreed": "yes" if getattr(trade, f"{name}_flag") else "no",
                "Points": weights[name] if getattr(trade, f"{name}_flag") else 0.0,
            }
            for name, words in FACTORS.items()
            if switches[name]["enabled"]
        ],
        hide_index=True,
        height="content",
        alt="Factors at the signal: value, whether it agreed, points",
        column_config={"Points": st.column_config.NumberColumn(format="%g")},
    )
    needed = f"{trade.required:g} needed" if of.config.scoring.enabled else "none was asked for"
    st.caption(f"Score {trade.score:g}, {needed}.")


def _factor_value(view: SessionView, name: str, value: float) -> str:
    if name == "vwap":
        return price(view, value)
    return f"{number(value)} ×" if name == "rel_volume" and math.isfinite(value) else number(value)
