"""Fetching from Yahoo on the Data page: what to fetch, how far it is, what came of it."""

from collections.abc import Callable
from contextlib import suppress

import streamlit as st

from orb_core import data_service
from orb_core.analytics.words import counted
from orb_core.config.models import RunConfig
from orb_core.config.symbols import first_of, normalize_symbols
from orb_core.data_service import FetchOutcome, FetchProgress
from orb_core.errors import SymbolError
from orb_core.jobs import Job
from pages.parts import cached, data_cached
from pages.parts.ask import SUGGESTED
from pages.parts.jobs import POLL_SECONDS, name_with_cancel
from pages.parts.markup import complain, plain
from pages.parts.settings import by_path

FIRST_WAIT_SECONDS = 0.4
HOURS = {
    "XNYS": "New York stocks",
    "CMES": "CME futures",
    "24/7": "Round the clock",
    "24/5": "Round the clock, weekdays",
}
"""Calendars offered by name; that of Launch is offered too."""

ICONS = {
    "error": ":red[:material/error:]",
    "warning": ":orange[:material/warning:]",
    "done": ":green[:material/check:]",
}

FetchJob = Job[FetchProgress, FetchOutcome]


def begin() -> None:
    """Fill the fields in, the first time a session sees them."""
    config = data_cached.launch_config()
    st.session_state.setdefault("data.symbols", [])
    st.session_state.setdefault("data.interval", config.data.interval)
    st.session_state.setdefault("data.calendar", config.session.calendar)


def config() -> RunConfig:
    """Return the settings of Launch with the interval and the market hours chosen here."""
    base = data_cached.launch_config()
    calendar, interval = st.session_state["data.calendar"], st.session_state["data.interval"]
    session = base.session
    if calendar != session.calendar:
        session = session.model_copy(update={"calendar": calendar, "open": None, "close": None, "timezone": None})
    return base.model_copy(update={"session": session, "data": base.data.model_copy(update={"interval": interval})})


def form() -> None:
    """Draw what to fetch."""
    st.markdown("**Fetch from Yahoo**")
    symbols = st.session_state["data.symbols"]
    kept = [dataset.symbol for dataset in data_cached.datasets() if dataset.origin == "yahoo"]
    st.multiselect(
        "Symbols",
        list(dict.fromkeys([*symbols, *kept, *cached.recent_symbols(), *SUGGESTED])),
        key="data.symbols",
        accept_new_options=True,
        on_change=_read_symbols,
        placeholder="Pick, type or paste",
        help="Several may be pasted at once, separated by commas, spaces or lines.",
        persist_state="session",
    )
    interval, hours = st.columns(2, gap="small")
    setting = by_path()["data.interval"]
    interval.selectbox(
        setting.title,
        list(setting.labels),
        format_func=setting.labels.__getitem__,
        key="data.interval",
        persist_state="session",
    )
    hours.selectbox(
        "Market hours",
        list(dict.fromkeys([*HOURS, data_cached.launch_config().session.calendar])),
        format_func=lambda name: HOURS.get(name, name),
        key="data.calendar",
        help="Which sessions there are to fetch, and which bars each should have.",
        persist_state="session",
    )
    wanted = config()
    first, last = data_service.yahoo_reach(wanted.session, wanted.data.interval)
    days = data_service.yahoo_days(wanted.data.interval)
    st.caption(
        f"Yahoo keeps these bars for {days} days: now {first} to {last}. Only sessions that are not kept yet are asked "
        "for, and whatever is fetched stays here for good."
    )
    wrong = _problem()
    running = "data.job" in st.session_state
    st.button(
        "Fetch",
        key="data.fetch",
        type="primary",
        icon=":material/download:",
        width="stretch",
        disabled=running or not symbols or wrong is not None,
        on_click=start,
        args=(tuple(symbols), wanted),
    )
    if wrong:
        complain(wrong)


def _read_symbols() -> None:
    """Take apart what was pasted at once."""
    with suppress(SymbolError):
        st.session_state["data.symbols"] = list(normalize_symbols(st.session_state["data.symbols"]).symbols)


def _problem() -> str | None:
    if not st.session_state["data.symbols"]:
        return None
    try:
        normalize_symbols(st.session_state["data.symbols"])
    except SymbolError as error:
        return str(error)
    return None


def start(symbols: tuple[str, ...], wanted: RunConfig) -> None:
    """Queue a fetch and make it the one this session waits for."""
    names = normalize_symbols(symbols).symbols

    def work(report: Callable[[FetchProgress], None], is_cancelled: Callable[[], bool]) -> FetchOutcome:
        return data_service.fetch(names, wanted, on_progress=report, is_cancelled=is_cancelled)

    st.session_state["data.job"] = data_cached.fetches().submit(work, first_of(names))
    st.session_state["data.phase"] = "new"
    st.session_state.pop("data.said", None)


def waiting() -> FetchJob | None:
    """Return the fetch this session waits for; one that is over is taken off, and what came of it noted."""
    job: FetchJob | None = st.session_state.get("data.job")
    if job is None:
        return None
    if st.session_state["data.phase"] == "new":
        st.session_state["data.phase"] = "running"
        job.wait(FIRST_WAIT_SECONDS)
    if not job.is_over:
        return job
    del st.session_state["data.job"]
    st.session_state["data.said"] = _outcome(job)
    return None


def say_what_happened() -> None:
    """Tell what came of the last fetch, until the next one."""
    with st.container(gap="xsmall"):
        for kind, sentence in st.session_state.get("data.said", ()):
            st.markdown(f"{ICONS[kind]} {plain(sentence)}")


def _outcome(job: FetchJob) -> list[tuple[str, str]]:
    if job.state == "cancelled":
        return [("done", f"{job.label}: cancelled. The sessions fetched until then are kept.")]
    if job.error is not None:
        return [("error", job.failure)]
    outcome = job.result
    said = [("error", f"{symbol}: {why}") for symbol, why in outcome.failures.items()]
    for symbol, update in outcome.updates.items():
        if update.asked:
            said.append(("done", f"{symbol}: {counted(update.with_bars, 'session')} fetched."))
        elif not update.failure:
            said.append(("done", f"{symbol}: nothing new; every session that Yahoo has is kept already."))
        if update.missing and not update.failure:
            first = update.missing[0]
            more = len(update.missing) - 1
            also = f", and of {more} more" if more else ""
            said.append(("warning", f"{symbol}: no bars of {first.session_date} ({first.reason}){also}."))
    if outcome.not_asked:
        said.append(("warning", f"Not asked for: {', '.join(outcome.not_asked)}. Try again later."))
    return said


@st.fragment(run_every=POLL_SECONDS)
def progress_panel(job: FetchJob) -> None:
    """Show how far a fetch is, with Cancel; the whole page is drawn again once it is over."""
    if job.is_over:
        st.rerun()
    with st.container(border=True):
        name_with_cancel(job, "Fetching", "data.cancel")
        st.progress(*_how_far(job))


def _how_far(job: FetchJob) -> tuple[float, str]:
    step = job.progress
    if step is None:
        return 0.0, "Waiting for other work to finish" if job.state == "queued" else "Starting"
    within = step.done / step.total if step.total else 0.0
    sessions = f": {step.done} of {step.total} sessions" if step.total else ""
    return (step.at - 1 + within) / step.of, f"{plain(step.symbol)} ({step.at} of {step.of}){sessions}"
