"""What leaves and enters the app as a file: a run's trades, and whole runs."""

from functools import partial

import streamlit as st

from orb_core.errors import OrbError
from orb_core.store.run_zip import pack, unpack
from orb_core.store.stored_run import StoredRun
from pages.parts import cached
from pages.parts.markup import complain


def downloads(of: StoredRun) -> None:
    """Offer the trades as tables, and the run as a zip that another store can import."""
    kinds = {"CSV": ("csv", "text/csv"), "Parquet": ("parquet", "application/vnd.apache.parquet")}
    for label, (suffix, mime) in kinds.items():
        st.download_button(
            f"Trades, {label}",
            data=partial((of.folder / f"all_trades.{suffix}").read_bytes),
            file_name=f"{of.run_id}_trades.{suffix}",
            mime=mime,
            key=f"run.download.{suffix}",
            icon=":material/download:",
            on_click="ignore",
        )
    st.download_button(
        "Run, zip",
        data=partial(pack, of),
        file_name=f"{of.run_id}.zip",
        mime="application/zip",
        key="run.download.zip",
        icon=":material/folder_zip:",
        on_click="ignore",
        help="Everything of this run, its bars included. Runs can import it, here or elsewhere.",
    )


def import_run() -> None:
    """Offer to take in a run zip."""
    with st.popover("Import", icon=":material/upload:", help="Take in a run that was downloaded as a zip"):
        st.file_uploader("A run zip", type=["zip"], key="runs.zip", on_change=_take_in)
        if "runs.zip_problem" in st.session_state:
            complain(st.session_state["runs.zip_problem"])
        elif st.session_state["runs.zip"] is not None:
            st.caption("Imported. It stands in the list by the day it was made.")


def _take_in() -> None:
    st.session_state.pop("runs.zip_problem", None)
    file = st.session_state["runs.zip"]
    if file is None:
        return
    try:
        unpack(cached.store(), file.getvalue(), file.name)
    except OrbError as error:
        st.session_state["runs.zip_problem"] = str(error)
