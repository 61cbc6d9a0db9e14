"""Launch's own parts: the sidebar with Run on top, and the cards of the first visit."""

import streamlit as st

from orb_core.config.load import load_config
from orb_core.data_service import yahoo_reach
from orb_core.service import RunRequest, SourceSpec, request_again
from orb_core.store.stored_run import StoredRun
from pages.parts import ask, cached, drafts, forms, jobs
from pages.parts.frame import DATA
from pages.parts.markup import complain
from pages.parts.preset_menu import preset_menu
from pages.parts.run_words import title_text


@st.fragment
def sidebar(filled_as: RunRequest) -> None:
    """Draw Run, what to run on, and the settings; the main area is drawn again only by Run.

    Parameters
    ----------
    filled_as : RunRequest
        What `begin` fills a new session with here: all else is a draft, and outlives a reload.
    """
    config, wrong_settings = forms.current()
    wrong = ask.problems()
    with st.container(key="launch.run"):
        pressed = st.button(
            "Run",
            key="launch.run_button",
            type="primary",
            icon=":material/play_arrow:",
            shortcut="Ctrl+Enter",
            width="stretch",
        )
        if pressed and config is not None and not wrong:
            jobs.start(ask.request(config), forms.automatic_title(config))
            st.rerun()
        n = len(wrong) + len(wrong_settings)
        if n:
            complain(f"{n} {'field needs' if n == 1 else 'fields need'} mending before it can run")
    ask.fields(wrong)
    picker, menu = st.columns([2, 1], gap="small", vertical_alignment="bottom")
    with picker:
        forms.preset_picker()
    with menu:
        preset_menu(config, fill_from)
    forms.say_preset_problem()
    forms.settings_form(wrong_settings)
    drafts.keep(filled_as)


def begin(of: StoredRun | None) -> RunRequest:
    """Fill the sidebar, the first time a session sees it, as the run that is shown was set up, else with defaults.

    Returns
    -------
    RunRequest
        What that run was asked for, or the demo.

    Raises
    ------
    OrbError
        The run is gone, or what it was asked for cannot be read.
    """
    ask.begin()
    asked = demo() if of is None else request_again(of.run_id, cached.store())
    if forms.is_new():
        drafts.expect()
        forms.use(load_config(), forms.DEFAULTS)
        if of is not None:
            fill_from(of)
    return asked


def fill_from(of: StoredRun) -> None:
    """Take what a run was asked for into the sidebar; only before that is drawn, or in a callback.

    Raises
    ------
    OrbError
        The run is gone, or what it was asked for cannot be read.
    """
    asked = request_again(of.run_id, cached.store())
    forms.use(asked.config, title_text(of.manifest, of.notes))
    ask.use(asked.symbols, asked.source, asked.start, asked.end)


def demo() -> RunRequest:
    """Return a run that needs nothing: made-up prices of one year, the defaults."""
    start, end = ask.DEMO_DATES
    return RunRequest(
        config=load_config(), symbols=ask.DEMO_SYMBOLS, start=start, end=end, source=SourceSpec(kind="synthetic")
    )


def first_visit() -> None:
    """Offer the ways to a first result."""
    st.markdown("#### Opening range breakout, tested day by day")
    st.caption("Nothing has been run yet. 1 R = what a trade risked, entry to stop; every result is in R.")
    cards = st.columns(3, gap="small")
    with cards[0].container(border=True, height="stretch"):
        st.markdown("**Run the demo**")
        st.caption("A year of made-up prices for SPY with the default settings. Needs no network; takes a second.")
        st.space("stretch")
        st.button("Run the demo", key="launch.demo", type="primary", width="stretch", on_click=_run_demo)
    with cards[1].container(border=True, height="stretch"):
        st.markdown("**Fetch and run SPY**")
        st.caption("The last 30 days of 1-minute bars from Yahoo, with the default settings. Takes a few seconds.")
        st.space("stretch")
        st.button("Fetch and run SPY", key="launch.spy", width="stretch", on_click=_run_spy)
    with cards[2].container(border=True, height="stretch"):
        st.markdown("**Import files**")
        st.caption("Minute bars you have, as CSV or Parquet: see what they are recognised as, then run on them.")
        st.space("stretch")
        if st.button("Import files", key="launch.files", width="stretch"):
            st.switch_page(DATA)


def _run_demo() -> None:
    jobs.start(demo())


def _run_spy() -> None:
    config = load_config()
    start, end = yahoo_reach(config.session, config.data.interval)
    jobs.start(RunRequest(config=config, symbols=("SPY",), start=start, end=end, source=SourceSpec(kind="yahoo")))
