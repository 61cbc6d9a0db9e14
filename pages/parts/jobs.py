"""Runs in the background: started by one page, seen by all, and waited for without a click."""

from collections.abc import Callable

import streamlit as st
from loguru import logger

from orb_core.errors import OrbError
from orb_core.jobs import Job
from orb_core.service import Progress, RunRequest, is_compiled, run_and_save
from orb_core.store.manifest import Manifest
from pages.parts import cached
from pages.parts.markup import plain

FIRST_WAIT_SECONDS = 0.8
"""Most runs are over by then, and their result is the first thing the page shows."""
POLL_SECONDS = 0.5
STEPS = {"fetch": "Bars", "backtest": "Backtest", "save": "Save"}

RunJob = Job[Progress, Manifest]


def start(request: RunRequest) -> None:
    """Queue a run and make it the one this session waits for."""
    label = ", ".join(request.symbols[:3]) + (" and more" if len(request.symbols) > 3 else "")

    def work(report: Callable[[Progress], None], is_cancelled: Callable[[], bool]) -> Manifest:
        return run_and_save(request, cached.store(), reuse=True, on_progress=report, is_cancelled=is_cancelled)

    st.session_state["job"] = cached.manager().submit(work, label)


def waiting() -> RunJob | None:
    """Return the run this session waits for, after giving it a moment to be over."""
    job: RunJob | None = st.session_state.get("job")
    if job is not None and st.session_state.get("job.polled") != job.id:
        st.session_state["job.polled"] = job.id
        job.wait(FIRST_WAIT_SECONDS)
    return job


def finish(job: RunJob) -> str | None:
    """Take a run that is over off the session; return its id, or say why there is none."""
    del st.session_state["job"]
    if job.state == "cancelled":
        st.session_state["job.said"] = ("info", f"{job.label}: cancelled. Nothing was saved.")
        return None
    error = job.error
    if error is None:
        return job.result.run_id
    if not isinstance(error, OrbError):
        logger.opt(exception=error).error("The run of {} broke", job.label)
        error = f"Something broke that should not have ({type(error).__name__}). The log has the details."
    st.session_state["job.said"] = ("error", str(error))
    return None


def say_what_happened() -> None:
    """Tell, once, of a run that ended without a result."""
    kind, text = st.session_state.pop("job.said", (None, ""))
    if kind == "error":
        st.error(plain(text), icon=":material/error:")
    elif kind == "info":
        st.info(plain(text), icon=":material/info:")


@st.fragment(run_every=POLL_SECONDS)
def progress_panel(job: RunJob) -> None:
    """Show how far a run is, with Cancel; the whole page is drawn again once it is over."""
    if job.is_over:
        st.rerun()
    with st.container(border=True):
        words, cancel = st.columns([5, 1], vertical_alignment="center")
        words.markdown(f"**Running {plain(job.label)}**")
        cancel.button("Cancel", key="job.cancel", icon=":material/close:", on_click=job.cancel, width="stretch")
        _draw(job.progress, queued=job.state == "queued")


def _draw(progress: Progress | None, *, queued: bool) -> None:
    if not queued and not is_compiled():
        st.caption("The engine is being compiled, once: about 20 seconds. Later runs begin at once.")
    if progress is None:
        st.progress(0.0, text="Waiting for another run to finish" if queued else "Starting")
        return
    names = list(STEPS)
    step = names.index(progress.step)
    share = progress.done / progress.total if progress.total else 0.0
    count = f" {progress.done} of {progress.total}" if progress.total > 1 else ""
    symbol = f" · {plain(progress.symbol)}" if progress.symbol else ""
    st.progress((step + share) / len(names), text=f"{STEPS[progress.step]}{count}{symbol}")
