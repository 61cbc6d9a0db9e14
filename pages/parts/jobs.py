"""Runs in the background: started by one page, seen by all, and waited for without a click."""

from collections.abc import Callable, Mapping

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
STEPS = {"fetch": "Bars", "backtest": "Backtests"}

Steps = Mapping[str, Progress]
"""The last word of each step: symbols go through them side by side."""
RunJob = Job[Steps, Manifest]


def start(request: RunRequest, title: str | None = None) -> None:
    """Queue a run and make it the one this session waits for; the title is for a run that is not there yet."""
    label = ", ".join(request.symbols[:3]) + (" and more" if len(request.symbols) > 3 else "")
    steps: dict[str, Progress] = {}

    def work(report: Callable[[Steps], None], is_cancelled: Callable[[], bool]) -> Manifest:
        def on_progress(progress: Progress) -> None:
            steps[progress.step] = progress
            report(dict(steps))

        store = cached.store()
        manifest = run_and_save(request, store, reuse=True, on_progress=on_progress, is_cancelled=is_cancelled)
        if title and manifest.created_utc == request.created:
            store.annotate(manifest.run_id, title=title)
        return manifest

    st.session_state["job"] = cached.manager().submit(work, label)
    st.session_state["job.phase"] = "new"


def waiting() -> RunJob | None:
    """Return the run this session waits for, after giving it a moment to be over."""
    job: RunJob | None = st.session_state.get("job")
    if job is not None and st.session_state["job.phase"] == "new":
        st.session_state["job.phase"] = "running"
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
    said = str(error)
    if not isinstance(error, OrbError):
        logger.opt(exception=error).error("The run of {} broke", job.label)
        said = f"Something broke that should not have ({type(error).__name__}). The log has the details."
    st.session_state["job.said"] = ("error", said)
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
    cancelling = st.session_state["job.phase"] == "cancelling"
    with st.container(border=True):
        words, cancel = st.columns([5, 1], vertical_alignment="center")
        doing = "Cancelling" if cancelling else "Running"
        words.markdown(f"**{doing} {plain(job.label)}**")
        cancel.button(
            "Cancel",
            key="job.cancel",
            icon=":material/close:",
            on_click=_cancel,
            args=(job,),
            disabled=cancelling,
            width="stretch",
        )
        if job.state == "running" and not is_compiled():
            st.caption("The engine is being compiled, once: about 20 seconds. Later runs begin at once.")
        st.progress(*_how_far(job))


def _cancel(job: RunJob) -> None:
    st.session_state["job.phase"] = "cancelling"
    job.cancel()


def _how_far(job: RunJob) -> tuple[float, str]:
    steps = job.progress
    if steps is None:
        return 0.0, "Waiting for another run to finish" if job.state == "queued" else "Starting"
    if "save" in steps:
        return 1.0, "Saving"
    shares = [steps[name].done / steps[name].total for name in STEPS if name in steps]
    said = [
        f"{words} {steps[name].done} of {steps[name].total} ({plain(steps[name].symbol or '')})"
        for name, words in STEPS.items()
        if name in steps
    ]
    return sum(shares) / len(STEPS), " · ".join(said)
