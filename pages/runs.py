"""Runs: every run that was stored, by whatever front end, newest first; found, noted, compared, deleted."""

import hashlib
from datetime import datetime

import streamlit as st

from orb_core.analytics.words import counted
from orb_core.errors import OrbError
from pages.parts import cached, runs_edits
from pages.parts.compare_runs import MOST, address
from pages.parts.downloads import import_run
from pages.parts.frame import COMPARE, LAUNCH, RUN, RUNS, enter, stop_with
from pages.parts.markup import plain
from pages.parts.run_words import source_text
from pages.parts.runs_table import EDITABLE, Wanted, hold_keys, runs_columns, runs_table, shown_columns

TABLE_ROWS, TABLE_PX = 18, 600
UNREADABLE_OPEN = 3
FILTERS = ("find", "made", "starred", "more", "of_symbols", "of_tags", "of_source")

enter(RUNS)

try:
    lines = cached.runs()
except OrbError as error:
    stop_with(error)

readable = [line for line in lines if line.manifest is not None]
unreadable = [line for line in lines if line.manifest is None]


def wanted() -> Wanted:
    """Draw the filters and return what they ask for."""
    find, symbols, tags, sources, made, starred = st.columns(
        [5, 4, 4, 4, 5, 2], gap="small", vertical_alignment="bottom"
    )
    return Wanted(
        text=find.text_input(
            "Find",
            key="find",
            placeholder="Title, note, tag, setting, id",
            icon=":material/search:",
            bind="query-params",
        )
        or "",
        symbols=symbols.multiselect(
            "Symbols",
            sorted({symbol for line in readable for symbol in line.manifest.symbols}),
            key="of_symbols",
            placeholder="All",
            bind="query-params",
        ),
        tags=tags.multiselect("Tags", all_tags, key="of_tags", placeholder="All", bind="query-params"),
        sources=sources.multiselect(
            "Source",
            sorted({source_text(line.manifest) for line in readable}),
            key="of_source",
            placeholder="All",
            bind="query-params",
        ),
        made=made.date_input("Made", (), key="made", format="YYYY-MM-DD", bind="query-params"),
        starred=starred.toggle("☆ only", key="starred", bind="query-params"),
    )


def open_row(ids: list[str]) -> None:
    """Remember which row's button was pressed: a page is left outside of callbacks only."""
    st.session_state["runs.open"] = ids[st.session_state["runs.open_click"]["row"]]


def actions(n_shown: int) -> None:
    """Draw what can be done with the picked runs, and a word on the table."""
    picked = runs_edits.picked()  # asked once: a look into the session's state takes a lock
    ids = [line.run_id for line in readable if line.run_id in picked]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if st.button(
            f"Compare {len(ids)}" if len(ids) > 1 else "Compare",
            key="runs.compare",
            icon=":material/compare_arrows:",
            help=f"Tick two to {MOST} runs. The newer one is held against the older one.",
            disabled=not 2 <= len(ids) <= MOST,
        ):
            st.switch_page(COMPARE, query_params=address(ids[::-1]))
        st.button(
            f"Delete {len(ids)}" if ids else "Delete",
            key="runs.delete",
            icon=":material/delete:",
            on_click=runs_edits.delete,
            args=(ids,),
            disabled=not ids,
        )
        gone = len(st.session_state.get("runs.deleted", ()))
        if gone:
            st.markdown(f"Deleted {counted(gone, 'run')}.", width="content")
            st.button("Undo", key="runs.undo", icon=":material/undo:", on_click=runs_edits.undo)
            st.caption("until this page is left", width="content")
        st.space("stretch")
        import_run()
        st.toggle("More columns", key="more", bind="query-params", help="Win rate, Sharpe and id as well.")
    for problem in st.session_state.pop("runs.problems", ()):
        st.error(plain(problem), icon=":material/error:")
    if n_shown == 0:
        st.info("No run is like that. Take a filter away.", icon=":material/filter_alt_off:")


entered = not st.session_state.get("runs.here", False)
st.session_state["runs.here"] = True
if entered and st.session_state.get("runs.query") and not any(name in st.query_params for name in FILTERS):
    st.query_params.update(st.session_state["runs.query"])  # the menu leaves a page without its query
    st.rerun()
if "runs.open" in st.session_state:
    st.switch_page(RUN, query_params={"run": st.session_state.pop("runs.open")})

all_tags = sorted({tag for line in readable for tag in line.notes.tags})
count = st.container()
if not readable:
    count.markdown("#### Runs :gray[· 0]")
    folder = plain(str(cached.store().path))
    st.caption(f"No run is stored in {folder} yet. What Launch or the command line runs appears here by itself.")
    st.page_link(LAUNCH, label="Go to Launch", icon=":material/play_arrow:")
    if not st.session_state.get("runs.deleted"):
        import_run()
    if st.session_state.get("runs.deleted"):
        actions(1)
else:
    asked = wanted()
    shown = runs_edits.in_place(readable, asked.fits)
    of = f" of {len(readable)}" if len(shown) < len(readable) else ""
    count.markdown(f"#### Runs :gray[· {len(shown)}{of}]")
    actions(len(shown))
    st.session_state["runs.query"] = {n: st.query_params.get_all(n) for n in FILTERS if n in st.query_params}
    if shown:
        ids = [line.run_id for line in shown]
        table = runs_table(shown, runs_edits.picked())
        same_rows = hashlib.sha256("\n".join(ids).encode()).hexdigest()[:12]
        table_key = f"runs.table.{same_rows}.{st.session_state.get('runs.drawn', 0)}"
        runs_edits.before_drawing(table_key, shown)
        hold_keys()
        st.data_editor(
            table,
            column_config=runs_columns(
                table,
                all_tags,
                st.column_config.ButtonColumn(
                    "", width=40, type="tertiary", key="runs.open_click", on_click=open_row, args=(ids,)
                ),
            ),
            column_order=shown_columns(table, more=st.session_state["more"]),
            disabled=[name for name in table if name not in EDITABLE],
            hide_index=True,
            placeholder="–",
            key=table_key,
            on_change=runs_edits.take_edits,
            args=(table_key, shown),
            height=TABLE_PX if len(table) > TABLE_ROWS else "content",
            alt=f"{counted(len(shown), 'stored run')}, newest first",
        )
        st.caption(
            ":material/open_in_new: opens a run. Star, title, tags and note are edited in the table: double-click, or "
            f"Enter on the cell. When = this computer's time ({datetime.now().astimezone():%Z}). 1 R = what a trade "
            "risked, entry to stop."
        )

if unreadable:
    n, folder = counted(len(unreadable), "folder"), plain(str(cached.store().path))
    with st.expander(f"{n} cannot be read", expanded=len(unreadable) <= UNREADABLE_OPEN, icon=":material/warning:"):
        for line in unreadable:
            st.caption(f"{plain(line.reason or line.run_id)}.")
        st.caption(f"All in {folder}: what is damaged can be brought back from a copy, what is no run deleted.")
