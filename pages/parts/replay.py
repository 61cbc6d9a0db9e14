"""The session page's replay: the day bar by bar, with what was known at each and nothing after it."""

import pandas as pd
import streamlit as st

from orb_core.analytics.replay import moments, visible
from orb_core.analytics.session_view import SessionView
from orb_core.analytics.words import counted
from orb_core.charts.session import BARS_AROUND_TRADE
from orb_core.store.stored_run import StoredRun
from pages.parts.day import below, chart, clock, sentences

TICK_SECONDS = 0.5
SPEEDS = (1, 2, 5, 15)
BAR = "replay.bar"
PLAYING = "replay.playing"
SPEED = "replay.speed"
HELP = {
    "OR end": "The bar that completes the opening range",
    "Signal": "The last bar before the entry, on which the factors are read",
    "Entry": "The bar of the entry",
    "First fill": "The bar in which a part of the trade is first left",
    "Exit": "The bar in which the rest of the trade is left",
}


def replay(of: StoredRun, day: SessionView, trade_id: str | None) -> None:
    """Draw the replay of a day that has bars; it begins where the opening range is complete.

    Parameters
    ----------
    of : StoredRun
    day : SessionView
    trade_id : str or None
        The trade that the jumps lead to.
    """
    shown = (of.run_id, day.symbol, day.session_date, trade_id)
    if st.session_state.get("replay.of") != shown:
        st.session_state["replay.of"] = shown
        st.session_state[PLAYING] = False
        st.session_state[BAR] = moments(day, trade_id).get("OR end", 0)
    tick = TICK_SECONDS if st.session_state[PLAYING] else None
    st.fragment(_replay, run_every=tick)(of, day, trade_id, is_ticking=tick is not None)


def _go_to(bar: int) -> None:
    st.session_state[BAR] = bar
    st.session_state[PLAYING] = False


def _replay(of: StoredRun, day: SessionView, trade_id: str | None, *, is_ticking: bool) -> None:
    last = len(day.bars) - 1
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        _controls(day, trade_id, last)
        speed = _speed()
        place = st.empty()
    if st.session_state[PLAYING]:
        st.session_state[BAR] = min(st.session_state[BAR] + speed, last)
        st.session_state[PLAYING] = st.session_state[BAR] < last
    if st.session_state[PLAYING] != is_ticking:
        st.rerun()  # the clock starts and stops with the whole page
    bar = st.session_state[BAR]
    view = visible(day, bar)
    now = view.bars["timestamp_utc"].iloc[-1] + pd.Timedelta(minutes=day.bar_minutes)
    place.markdown(f"**{clock(day, now)}** :gray[bar {bar + 1} of {last + 1}]", width="content")
    trades = list(view.trades.itertuples(index=False))
    trade = trades[-1] if trades else None
    st.caption(sentences(view, trade, no_trade="No trade yet."))
    known = f", as far as it was known at {clock(day, now)}"
    chart(view, trade, key="replay.chart", known=known, newest=BARS_AROUND_TRADE)
    below(of, view, trade, no_breakouts="None so far.")


def _speed() -> int:
    """Draw a button that goes through the speeds: a control to choose from would take the arrow keys for itself."""
    speed: int = st.session_state.setdefault(SPEED, SPEEDS[0])
    faster = SPEEDS[(SPEEDS.index(speed) + 1) % len(SPEEDS)]
    st.button(
        f"{speed}×",
        key="replay.faster",
        icon=":material/speed:",
        help=f"{counted(speed, 'bar')} every half second; press for {faster}",
        shortcut="S",
        on_click=lambda: st.session_state.update({SPEED: faster}),
    )
    return speed


def _controls(day: SessionView, trade_id: str | None, last: int) -> None:
    bar, playing = st.session_state[BAR], st.session_state[PLAYING]
    st.button(
        "Pause" if playing else "Play",
        key="replay.play",
        icon=":material/pause:" if playing else ":material/play_arrow:",
        shortcut="Space",
        disabled=bar >= last,
        on_click=lambda: st.session_state.update({PLAYING: not playing}),
    )
    for name, icon, to, shortcut in (
        ("One bar back", "chevron_left", bar - 1, "Left"),
        ("One bar on", "chevron_right", bar + 1, "Right"),
    ):
        st.button(
            "",
            key=f"replay.{icon}",
            icon=f":material/{icon}:",
            help=name,
            shortcut=shortcut,
            disabled=not 0 <= to <= last,
            on_click=_go_to,
            args=(to,),
        )
    places = moments(day, trade_id)
    for name, words in HELP.items():
        st.button(
            name,
            key=f"replay.{name}",
            help=words,
            type="tertiary",
            disabled=name not in places,
            on_click=_go_to,
            args=(places.get(name, bar),),
        )
