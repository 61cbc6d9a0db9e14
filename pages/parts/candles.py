"""The colours of candles: a preference, and no setting of any run."""

import streamlit as st

from orb_core.charts.palette import Palette, palette
from orb_core.errors import OrbError
from orb_core.store.preferences import Preferences, load_preferences, save_preferences
from pages.parts.frame import is_dark
from pages.parts.markup import plain

SWITCH = "candles.green_red"


def switch() -> None:
    """Draw the switch between blue and orange candles and green and red ones."""
    st.session_state[SWITCH] = load_preferences().green_red
    st.toggle(
        "Green/red",
        key=SWITCH,
        on_change=_prefer,
        help="Candles green and red instead of blue and orange, from now on. Rising ones are hollow either way.",
    )


def colours() -> Palette:
    """Return the colours in use, candles as preferred."""
    return palette(dark=is_dark(), green_red=load_preferences().green_red)


def _prefer() -> None:
    try:
        save_preferences(Preferences(green_red=st.session_state[SWITCH]))
    except OrbError as error:
        st.toast(plain(str(error)), icon=":material/error:")
