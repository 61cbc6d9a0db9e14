"""A run's trades, filtered and in columns of choice; a row opens its session's chart."""

import math

import pandas as pd
import streamlit as st

from orb_core.analytics.words import counted, zone_name
from orb_core.config.hours import exchange_zone
from orb_core.store.stored_run import StoredRun
from pages.parts import cached
from pages.parts.frame import SESSION
from pages.parts.markup import plain
from pages.parts.trades_filter import clear, filters
from pages.parts.trades_table import COLUMN_SETS, totals_text, trades_columns, trades_table

TABLE_ROWS = 21
"""More than these scroll in a table as high as the window has room for."""
PAGED_ABOVE, PAGE_ROWS = 20_000, 2_000
ORDERS = {"entry": "In order of entry", "best": "Best R first", "worst": "Worst R first"}


def trades_tab(of: StoredRun) -> None:
    """List the trades that the filters ask for."""
    trades = cached.trades(of) if of.manifest.totals else None
    if trades is None or trades.empty:
        st.caption("This run has no trades; its Overview says why.")
        return
    zone = zone_name(exchange_zone(of.config.session))
    asked = filters(trades, zone)
    found = trades[asked.fits(trades)]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(f":small[{plain(totals_text(found, len(trades)))}]", width="content")
        if asked.n_set:
            st.button(
                f"Clear {counted(asked.n_set, 'filter')}",
                key="trades.clear",
                type="tertiary",
                icon=":material/close:",
                on_click=clear,
            )
        st.space("stretch")
        columns = st.segmented_control(
            "Columns",
            list(COLUMN_SETS),
            default="Default",
            required=True,
            key="t_columns",
            label_visibility="collapsed",
            bind="query-params",
        )
    page = _page(found) if len(found) > PAGED_ABOVE else found
    if page.empty:
        return
    is_long = len(page) > TABLE_ROWS
    with st.container(key="trades.long" if is_long else "trades.short"):
        chosen = st.dataframe(
            trades_table(page),
            column_config=trades_columns(of, zone),
            column_order=COLUMN_SETS[columns],
            hide_index=True,
            key=f"trades.{of.run_id}",
            on_select="rerun",
            selection_mode="single-row",
            height="stretch" if is_long else "content",
            placeholder="–",
            lazy=False,
            alt=f"{counted(len(page), 'trade')}; select one to see it on its chart",
        )
    st.caption(f"Select a row to see its day. Times are {zone} time; R is after costs.")
    st.session_state["trades.query"] = {
        name: st.query_params.get_all(name) for name in st.query_params if name[:2] == "t_"
    }
    if chosen.selection.rows:
        trade = page.iloc[chosen.selection.rows[0]]
        st.switch_page(
            SESSION,
            query_params={
                "run": of.run_id,
                "symbol": str(trade["symbol"]),
                "date": f"{trade['session_date']:%Y-%m-%d}",
                "trade": str(trade["trade_id"]),
            },
        )


def _page(found: pd.DataFrame) -> pd.DataFrame:
    """Return one page of trades too many to send to a browser at once, in the order asked for."""
    pages = math.ceil(len(found) / PAGE_ROWS)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        order = st.selectbox(
            "Order",
            list(ORDERS),
            format_func=ORDERS.__getitem__,
            key="t_order",
            label_visibility="collapsed",
            width=180,
            bind="query-params",
        )
        number = st.pagination(pages, key="t_page", bind="query-params")
        st.caption(f"{PAGE_ROWS:,} trades a page")
    if order != "entry":
        found = found.sort_values("realized_r", ascending=order == "worst", kind="stable")
    begin = (min(number, pages) - 1) * PAGE_ROWS
    return found.iloc[begin : begin + PAGE_ROWS]
