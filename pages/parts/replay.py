"""The session page's replay: the day bar by bar, with what was known at each and nothing after it.

The page's address holds the bar that was stepped or jumped to, or paused at; while it plays, it stays as it is.
"""

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
SHOWN = "replay.shown"
"""The trade and the bar in the address that the replay is of: any other address is gone to."""
SAID = "replay.said"
"""The bar that this address stands for."""
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
    shown = (of.run_id, day.symbol, day.session_date, trade_id, st.query_params.get("bar"))
    if st.session_state.get(SHOWN) != shown:
        st.session_state[SHOWN] = shown
        st.session_state[PLAYING] = False
        st.session_state[BAR] = st.session_state[SAID] = _asked(day, shown[-1], moments(day, trade_id).get("OR end", 0))
    tick = TICK_SECONDS if st.session_state[PLAYING] else None
    st.fragment(_replay, run_every=tick)(of, day, trade_id, is_ticking=tick is not None)


def _asked(day: SessionView, text: str | None, otherwise: int) -> int:
    """Return the bar in an address, which counts from 1 as the page does; `otherwise` where that is none of the day."""
    bars = {str(bar + 1): bar for bar in range(len(day.bars))}
    return bars.get(text or "", otherwise)


def _go_to(bar: int) -> None:
    """Show a bar and stand still there."""
    st.session_state[BAR] = bar
    st.session_state[PLAYING] = False


def _say(bar: int) -> None:
    """Hold a bar in the address.

    Not while the clock runs: a tick that is already on its way from the browser carries the address of before, and a
    run of the whole page by that one would go back to its bar.
    """
    st.query_params["bar"] = str(bar + 1)
    st.session_state[SHOWN] = (*st.session_state[SHOWN][:-1], str(bar + 1))
    st.session_state[SAID] = bar


def _replay(of: StoredRun, day: SessionView, trade_id: str | None, *, is_ticking: bool) -> None:
    if st.session_state[PLAYING] != is_ticking:
        if st.session_state[SHOWN][-1] not in {None, st.query_params.get("bar")}:
            _say(st.session_state[SAID])  # a key pressed right after a step brings the address before that
        st.rerun()  # the clock starts and stops with the whole page
    last = len(day.bars) - 1
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        _controls(day, trade_id, last)
        speed = _speed()
        place = st.empty()
    if st.session_state[PLAYING]:
        st.session_state[BAR] = min(st.session_state[BAR] + speed, last)
        if st.session_state[BAR] == last:
            st.session_state[PLAYING] = False
            st.rerun()
    elif st.session_state[BAR] != st.session_state[SAID]:
        _say(st.session_state[BAR])
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
        on_click=lambda: _go_to(st.session_state[BAR]) if playing else st.session_state.update({PLAYING: True}),
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
