"""Which runs are compared: in the address, A and B first; picked, swapped and added here."""

from collections.abc import Sequence

import streamlit as st

from orb_core.store.stored_run import StoredRun
from pages.parts import cached
from pages.parts.run_words import symbols_text, title_text

LETTERS = "ABCDEF"
"""What runs are called on the page, in the order of the address."""
MOST = len(LETTERS)


def asked_for() -> list[str]:
    """Return the ids in the address, each once, in order."""
    ids = [run_id.strip() for run_id in st.query_params.get("runs", "").split(",")]
    return list(dict.fromkeys(filter(None, ids)))[:MOST]


def address(ids: Sequence[str]) -> dict[str, str]:
    """Return the query of a comparison."""
    return {"runs": ",".join(ids[:MOST])}


def short_name(of: StoredRun) -> str:
    """Name a run in a line."""
    return f"{title_text(of.manifest, of.notes)} · {symbols_text(of.manifest)}"


def pickers(ids: Sequence[str]) -> None:
    """Draw which run is A and which is B; the address follows."""
    names = {
        line.run_id: f"{title_text(line.manifest, line.notes)} · {symbols_text(line.manifest)} · "
        f"{line.manifest.created_utc.astimezone():%Y-%m-%d %H:%M}"
        for line in cached.runs()
        if line.manifest is not None and line.manifest.totals is not None
    }
    a, swap, b = st.columns([12, 1, 12], gap="small", vertical_alignment="bottom")
    for at, (column, name) in enumerate(((a, "A"), (b, "B"))):
        st.session_state[f"compare.{name}"] = ids[at] if at < len(ids) else None
        with column:
            st.selectbox(
                name,
                list(names),
                format_func=lambda run_id: names.get(run_id, run_id),
                key=f"compare.{name}",
                index=None,
                placeholder="Choose a run",
                on_change=_choose,
                args=(list(ids), at, f"compare.{name}"),
            )
    swap.button(
        "",
        key="compare.swap",
        icon=":material/swap_horiz:",
        help="Swap A and B",
        on_click=_go_to,
        args=([*ids[1::-1], *ids[2:]],),
        disabled=len(ids) < 2,
        width="stretch",
    )


def _choose(ids: list[str], at: int, key: str) -> None:
    """Put the chosen run in its place, or take it away; one that was elsewhere in the list changes places with it."""
    chosen = st.session_state[key]
    if chosen is None:
        ids.pop(at)
    elif chosen in ids and at < len(ids):
        there = ids.index(chosen)
        ids[there], ids[at] = ids[at], chosen
    elif at < len(ids):
        ids[at] = chosen
    else:
        ids.append(chosen)
    _go_to(ids)


def _go_to(ids: Sequence[str]) -> None:
    st.query_params["runs"] = ",".join(ids)
