"""What is changed on the Runs page: notes in the table, and runs deleted until the page is left."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st
from loguru import logger

from orb_core.errors import OrbError
from orb_core.store.manifest import Notes
from orb_core.store.runs import RunStore, RunSummary
from pages.parts import cached

UNSEEN = object()

Cells = Mapping[int, Mapping[str, Any]]
"""Row → column → value, as a table editor keeps them."""


def new_cells(edited: Cells, applied: Cells) -> dict[int, dict[str, Any]]:
    """Return the cells that were edited since these were applied: an editor keeps all edits it ever saw."""
    return {
        row: fresh
        for row, cells in edited.items()
        if (fresh := {name: v for name, v in cells.items() if applied.get(row, {}).get(name, UNSEEN) != v})
    }


def merged(shown: Notes, now: Notes, edit: Mapping[str, Any]) -> Notes:
    """Return notes with an edit of what was shown, keeping what others have changed meanwhile.

    Tags are added and taken away one by one; a note that somebody else wrote meanwhile stays above the new one.
    """
    update: dict[str, Any] = {}
    if "starred" in edit:
        update["starred"] = bool(edit["starred"])
    if "title" in edit:
        update["title"] = (edit["title"] or "").strip() or None
    if "tags" in edit:
        given = [tag.strip() for tag in edit["tags"] or () if tag.strip()]
        kept = [tag for tag in now.tags if tag in given or tag not in shown.tags]
        update["tags"] = tuple(dict.fromkeys([*kept, *(tag for tag in given if tag not in shown.tags)]))
    if "note" in edit:
        text = (edit["note"] or "").strip()
        theirs = now.note if now.note not in (shown.note, text) else ""
        update["note"] = "\n".join(filter(None, (theirs, text)))
    return now.model_copy(update=update)


def save_edits(store: RunStore, lines: Sequence[RunSummary], cells: Cells) -> list[str]:
    """Write edited cells to the runs of these lines, and return what went wrong."""
    problems = []
    for row, edit in cells.items():
        line = lines[row]
        try:
            store.edit_notes(line.run_id, lambda now, line=line, edit=edit: merged(line.notes, now, edit))
        except OrbError as error:
            problems.append(str(error))
    return problems


def before_drawing(table_key: str, lines: Sequence[RunSummary]) -> None:
    """Remember the table that is about to be drawn; a new one begins without edits."""
    if table_key not in st.session_state:
        st.session_state.pop("runs.applied", None)
    st.session_state["runs.table"] = (table_key, lines)


def take_edits(table_key: str, lines: Sequence[RunSummary]) -> None:
    """Write what was just edited in the table of these runs; the callback of the table.

    A request that follows at once may end it halfway, at any look into the session's state. So what was written is
    noted last, and written twice rather than not at all.
    """
    edited: Cells = st.session_state[table_key]["edited_rows"]
    applied = st.session_state.get("runs.applied", ("", {}))
    before = applied[1] if applied[0] == table_key else {}
    if edited == before:
        return
    fresh = new_cells(edited, before)
    notes = {row: kept for row, cells in fresh.items() if (kept := {n: v for n, v in cells.items() if n != "picked"})}
    problems = save_edits(cached.store(), lines, notes)
    for row, cells in fresh.items():
        if "picked" in cells:
            (picked().add if cells["picked"] else picked().discard)(lines[row].run_id)
    if problems or any(not cells.get("title", True) for cells in notes.values()):
        redraw()  # the cell holds what the run does not: an empty title, or an edit that failed
    st.session_state["runs.problems"] = problems
    st.session_state["runs.rows"] = [line.run_id for line in lines]
    st.session_state["runs.applied"] = (table_key, {row: dict(cells) for row, cells in edited.items()})


def take_missed() -> None:
    """Write what the callback of the table could not, and Streamlit does not call it for again."""
    table = st.session_state.get("runs.table")
    if table and table[0] in st.session_state:
        take_edits(*table)


def in_place(lines: Sequence[RunSummary], wanted: Callable[[RunSummary], bool]) -> list[RunSummary]:
    """Return the wanted lines; right after an edit those that were shown, so that none moves under the hand."""
    rows = st.session_state.pop("runs.rows", None)
    if rows is None:
        return [line for line in lines if wanted(line)]
    by_id = {line.run_id: line for line in lines}
    return [by_id[run_id] for run_id in rows if run_id in by_id]


def picked() -> set[str]:
    """Return the ids of the picked runs."""
    return st.session_state.setdefault("runs.picked", set())


def redraw() -> None:
    """Give the table a new beginning, without edits of its own."""
    st.session_state["runs.drawn"] = st.session_state.get("runs.drawn", 0) + 1


def delete(run_ids: Sequence[str]) -> None:
    """Delete runs, to be undone until the page is left."""
    gone, problems = st.session_state.setdefault("runs.deleted", []), []
    for run_id in run_ids:
        try:
            gone.append((cached.store().discard(run_id), run_id))
        except OrbError as error:
            problems.append(str(error))
    picked().clear()
    redraw()
    st.session_state["runs.problems"] = problems


def undo() -> None:
    """Bring back all that was deleted since the page was entered."""
    problems = []
    for aside, run_id in st.session_state.pop("runs.deleted", []):
        try:
            cached.store().restore(aside, run_id)
        except OrbError as error:
            problems.append(str(error))
    st.session_state["runs.problems"] = problems


def leave() -> None:
    """Remove for good what was deleted, and forget the table: the page is left."""
    for name in ("runs.here", "runs.table", "runs.rows", "runs.applied"):
        st.session_state.pop(name, None)
    for aside, run_id in st.session_state.pop("runs.deleted", []):
        try:
            cached.store().purge(aside)
        except OrbError as error:
            logger.warning("{} could not be removed for good; it will be within a day: {}", run_id, error)
