"""Runs in the background: started by one page, seen by all, and waited for without a click."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from orb_core.analytics.words import counted
from orb_core.config.symbols import first_of
from orb_core.jobs import Job
from orb_core.store.manifest import Manifest
from pages.parts import cached
from pages.parts.markup import plain

if TYPE_CHECKING:
    from orb_core.service import Progress, RunRequest

FIRST_WAIT_SECONDS = 0.8
"""Most runs are over by then, and their result is the first thing the page shows."""
POLL_SECONDS = 0.25
STEPS = {"fetch": "Bars", "backtest": "Backtests"}

Steps = Mapping[str, "Progress"]
"""The last word of each step: symbols go through them side by side."""
RunJob = Job[Steps, Manifest]


def start(request: RunRequest, title: str | None = None) -> None:
    """Queue a run and make it the one this session waits for; the title is for a run that is not there yet."""
    from orb_core.service import run_and_save  # not for the pages that only show what is in progress

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

    st.session_state["job"] = cached.manager().submit(work, first_of(request.symbols))
    st.session_state["job.phase"] = "new"
    st.session_state["job.asked"] = request.created


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
    st.session_state.get("jobs.seen", set()).discard(job.id)
    if job.state == "cancelled":
        st.session_state["job.said"] = ("info", f"{job.label}: cancelled. Nothing was saved.")
        return None
    if job.error is None:
        manifest = job.result
        if manifest.created_utc != st.session_state["job.asked"]:
            st.session_state["job.said"] = ("same", f"Nothing changed: this is {manifest.run_id}, stored before.")
        return manifest.run_id
    st.session_state["job.said"] = ("error", job.failure)
    return None


def say_what_happened() -> None:
    """Tell, once, of a run that ended without a result, or with one that was there."""
    kind, text = st.session_state.pop("job.said", (None, ""))
    if kind == "error":
        st.error(plain(text), icon=":material/error:")
    elif kind == "info":
        st.info(plain(text), icon=":material/info:")
    elif kind == "same":
        st.toast(plain(text), icon=":material/info:")


def strip(result_page: str, without: RunJob | None = None) -> None:
    """Show, on any page, the runs in progress, whoever started them, and those that ended while they were shown.

    Parameters
    ----------
    result_page : str
        The page of a run.
    without : Job, optional
        One that the page shows itself.
    """
    seen: set[str] = st.session_state.setdefault("jobs.seen", set())
    jobs = [job for job in cached.manager().jobs if job is not without]
    seen.update(job.id for job in jobs if not job.is_over)
    shown = [job for job in jobs if job.id in seen]
    working = any(not job.is_over for job in shown)
    st.fragment(_strip, run_every=POLL_SECONDS if working else None)(shown, result_page, working=working)


def _strip(jobs: Sequence[RunJob], result_page: str, *, working: bool) -> None:
    if working and all(job.is_over for job in jobs):
        st.rerun()  # once more, without a clock
    for job in jobs:
        with st.container(horizontal=True, gap="small", vertical_alignment="center", key=f"job.{job.id}"):
            if job.is_over:
                _ended(job, result_page)
            else:
                done, words = _how_far(job)
                said = "Cancelling" if job.is_unwanted else "Running"
                st.markdown(
                    f":material/progress_activity: **{said} {plain(job.label)}** :gray[{plain(words)}]", width="content"
                )
                st.progress(done, width=160)
                st.button(
                    "Cancel",
                    key=f"job.cancel.{job.id}",
                    type="tertiary",
                    on_click=_give_up,
                    args=(job,),
                    disabled=job.is_unwanted,
                )


def _give_up(job: RunJob) -> None:
    """Ask a run to stop, and wait for it no longer: what it has finished is saved while the page goes on."""
    job.cancel()
    if st.session_state.get("job") is job:
        del st.session_state["job"]


def _ended(job: RunJob, result_page: str) -> None:
    if job.state == "done":
        said = f":green[:material/check_circle:] **{plain(job.label)} is done**"
        if job.result.status == "cancelled":
            states = [record.status for record in job.result.symbols.values()]
            n_run = len(states) - states.count("cancelled")
            said = f":material/block: {plain(job.label)}: cancelled. {n_run} of {len(states)} symbols are kept."
        st.markdown(said, width="content")
        st.page_link(result_page, label="Show the result", query_params={"run": job.result.run_id})
    elif job.state == "cancelled":
        st.markdown(f":material/block: {plain(job.label)}: cancelled. Nothing was saved.", width="content")
    else:
        st.markdown(f":red[:material/error:] {plain(job.label)}: {plain(job.failure)}", width="content")
    st.button("Dismiss", key=f"job.dismiss.{job.id}", type="tertiary", on_click=_dismiss, args=(job,))


def _dismiss(job: RunJob) -> None:
    st.session_state["jobs.seen"].discard(job.id)


@st.fragment(run_every=POLL_SECONDS)
def progress_panel(job: RunJob) -> None:
    """Show how far a run is, with Cancel; the whole page is drawn again once it is over, or waited for no longer."""
    from orb_core.service import is_compiled

    if job.is_over or st.session_state.get("job") is not job:
        st.rerun()
    with st.container(border=True):
        name_with_cancel(job, "Running", "job.cancel", _give_up)
        if job.state == "running" and not is_compiled():
            st.caption("The engine is being compiled, once: about 20 seconds. Later runs begin at once.")
        done, words = _how_far(job)
        st.progress(done, plain(words))


def name_with_cancel(job: Job[Any, Any], doing: str, key: str, give_up: Callable[[Any], None] = Job.cancel) -> None:
    """Draw what is being done, beside the button that stops it."""
    words, cancel = st.columns([5, 1], vertical_alignment="center")
    words.markdown(f"**{'Cancelling' if job.is_unwanted else doing} {plain(job.label)}**")
    cancel.button(
        "Cancel",
        key=key,
        icon=":material/close:",
        on_click=give_up,
        args=(job,),
        disabled=job.is_unwanted,
        width="stretch",
    )


def _how_far(job: RunJob) -> tuple[float, str]:
    steps = job.progress
    if steps is None:
        return 0.0, "Waiting for another run to finish" if job.state == "queued" else "Starting"
    if "save" in steps:
        return 1.0, "Saving what is finished" if job.is_unwanted else "Saving"
    shares = [steps[name].done / steps[name].total for name in STEPS if name in steps]
    said = [
        f"{words} of {steps[name].done} of {counted(steps[name].total, 'symbol')} ({steps[name].symbol or ''})"
        for name, words in STEPS.items()
        if name in steps
    ]
    return sum(shares) / len(STEPS), " · ".join(said)
