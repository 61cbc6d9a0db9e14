"""The colours of candles: a preference, and no setting of any run."""

import streamlit as st

from orb_core.errors import OrbError
from orb_core.store.preferences import Preferences, load_preferences, save_preferences
from pages.parts.markup import plain

SWITCH = "candles.green_red"


def candles_switch() -> None:
    """Draw the switch between blue and orange candles and green and red ones."""
    st.session_state[SWITCH] = is_green_red()
    st.toggle(
        "Green/red",
        key=SWITCH,
        on_change=_prefer,
        help="Candles green and red instead of blue and orange, from now on. Rising ones are hollow either way.",
    )


def is_green_red() -> bool:
    """Say whether candles are to be green and red."""
    return load_preferences().green_red


def _prefer() -> None:
    try:
        save_preferences(Preferences(green_red=st.session_state[SWITCH]))
    except OrbError as error:
        st.toast(plain(str(error)), icon=":material/error:")
