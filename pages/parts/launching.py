"""Launch's own parts: the sidebar with Run on top, and the cards of the first visit."""

import streamlit as st

from orb_core.config.load import config_from_mapping, load_config, to_yaml
from orb_core.config.models import RunConfig
from orb_core.config.strict_yaml import parse_yaml
from orb_core.data_service import yahoo_reach
from orb_core.errors import OrbError
from orb_core.service import RunRequest, SourceSpec
from orb_core.store.stored_run import StoredRun
from pages.parts import ask, forms, jobs
from pages.parts.frame import DATA
from pages.parts.markup import complain
from pages.parts.run_words import title_text


@st.fragment
def sidebar() -> None:
    """Draw Run, what to run on, and the settings; the main area is drawn again only by Run."""
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
        _yaml_menu(config)
    forms.settings_form(wrong_settings)


def begin(of: StoredRun | None) -> None:
    """Fill the sidebar, the first time a session sees it, as the run that is shown was set up, else with defaults."""
    ask.begin()
    if forms.is_new():
        forms.use(load_config(), forms.DEFAULTS)
        if of is not None:
            fill_from(of)


def fill_from(of: StoredRun) -> None:
    """Take a run's settings, symbols and dates into the sidebar; only before it is drawn."""
    forms.use(of.config, title_text(of.manifest, of.notes))
    source = SourceSpec(**of.manifest.source)
    ask.use(of.symbols or tuple(of.manifest.symbols), source, of.manifest.start, of.manifest.end)


def _yaml_menu(config: RunConfig | None) -> None:
    with st.popover("YAML", help="Settings as a file: download, load", width="stretch"):
        st.download_button(
            "Download what differs from the defaults",
            data=to_yaml(config) if config else "",
            file_name="orb_config.yaml",
            mime="application/yaml",
            on_click="ignore",
            disabled=config is None,
            width="stretch",
        )
        st.file_uploader("Load a file", type=["yaml", "yml"], key="launch.yaml", on_change=_load_yaml)
        if "launch.yaml_problem" in st.session_state:
            complain(st.session_state["launch.yaml_problem"])


def _load_yaml() -> None:
    st.session_state.pop("launch.yaml_problem", None)
    file = st.session_state["launch.yaml"]
    if file is None:
        return
    try:
        forms.use(config_from_mapping(parse_yaml(file.getvalue().decode(), file.name), file.name), file.name)
    except (OrbError, UnicodeDecodeError) as error:
        st.session_state["launch.yaml_problem"] = str(error)


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
