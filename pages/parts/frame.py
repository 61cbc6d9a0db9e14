"""What every page has around it: the menu, the guard for cold links, the way back, the colours in use."""

from pathlib import Path
from typing import NoReturn

import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.scriptrunner import StopException

from orb_core.errors import OrbError
from pages.parts import jobs, runs_edits
from pages.parts.markup import plain

LAUNCH = "pages/launch.py"
RUNS = "pages/runs.py"
RUN = "pages/run.py"
SESSION = "pages/session.py"
COMPARE = "pages/compare.py"
DATA = "pages/data.py"

SIDEBAR_PX = 340
STYLE = Path(__file__).with_name("style.css")
COLOURS = {
    "paper": "backgroundColor",
    "sidebar": "sidebar.backgroundColor",
    "border": "borderColor",
    "text": "textColor",
    "primary": "primaryColor",
}
"""Names of colours in `STYLE`, and the option of the theme that each stands for."""
ICON = Path(__file__).with_name("icon.svg")


def menu() -> StreamlitPage:
    """Register the pages, draw the menu, and return the page that is asked for."""
    st.session_state["frame.entered"] = True
    page = _navigation("top")
    theme = f"theme.{'dark' if is_dark() else 'light'}"
    colours = "; ".join(f"--{name}: {st.get_option(f'{theme}.{option}')}" for name, option in COLOURS.items())
    st.html(f"<style>:root {{ {colours} }}\n{STYLE.read_text(encoding='utf-8')}</style>")
    return page


def enter(here: str | None = None) -> None:
    """Guard a page: the first line of each. Below the menu it shows the runs in progress.

    Parameters
    ----------
    here : str, optional
        The page, if it is `LAUNCH`, which shows its own run itself, or `RUNS`, with what lasts until it is left.

    The first request after a server start that goes straight to a page's own address runs that page without
    streamlit_app.py, thus without menu and layout. Naming the pages once and running again mends it.
    """
    if not st.session_state.get("frame.entered"):
        st.session_state["frame.entered"] = True
        _navigation("hidden")
        st.rerun()
    runs_edits.take_missed()
    if here != RUNS:
        runs_edits.leave()
    jobs.strip(RUN, without=st.session_state.get("job") if here == LAUNCH else None)


def _navigation(position: str) -> StreamlitPage:
    st.set_page_config(page_icon=str(ICON), layout="wide", initial_sidebar_state=SIDEBAR_PX)
    return st.navigation(
        [
            st.Page(
                LAUNCH,
                title="Launch",
                icon=":material/play_arrow:",
                default=True,
                help="Set a strategy, run it, look at the result.",
            ),
            st.Page(RUNS, title="Runs", icon=":material/list:", url_path="runs", help="Every run, newest first."),
            st.Page(
                DATA,
                title="Data",
                icon=":material/database:",
                url_path="data",
                help="Bars that are kept: fetch, import, check, remove.",
            ),
            st.Page(RUN, title="Run", icon=":material/monitoring:", url_path="run", visibility="hidden"),
            st.Page(
                COMPARE, title="Compare", icon=":material/compare_arrows:", url_path="compare", visibility="hidden"
            ),
            st.Page(
                SESSION, title="Session", icon=":material/candlestick_chart:", url_path="session", visibility="hidden"
            ),
        ],
        position=position,
    )


def is_dark() -> bool:
    """Say whether the app is shown in its dark colours."""
    return st.context.theme.type == "dark"


def breadcrumb(*steps: tuple[str, str, dict[str, str]], here: str) -> None:
    """Draw the way back: each step a label, a page and its query parameters; then where this is."""
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        for label, page, query in steps:
            st.page_link(page, label=label, query_params=query)
            st.markdown(":gray[:material/chevron_right:]", width="content")
        st.markdown(f":small[{here}]", width="content")


def stop_with(error: OrbError) -> NoReturn:
    """Say what is wrong in the place of the page, with a way on, and draw no more of it."""
    st.error(plain(str(error)), icon=":material/error:")
    st.page_link(RUNS, label="All runs", icon=":material/list:")
    raise StopException  # st.stop() raises it too, but first forgets what was pressed in a fragment meanwhile
