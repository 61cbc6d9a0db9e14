"""A run's trades; a row opens its session's chart."""

import streamlit as st

from orb_core.analytics.words import zone_name
from orb_core.data.sessions import session_table
from orb_core.store.stored_run import StoredRun
from pages.parts import cached
from pages.parts.frame import SESSION
from pages.parts.tables import trades_columns, trades_table

TABLE_ROWS, TABLE_PX = 16, 535


def trades_tab(of: StoredRun) -> None:
    """List the trades in order of entry."""
    trades = cached.trades(of) if of.manifest.totals else None
    if trades is None or trades.empty:
        st.caption("This run has no trades; its Overview says why.")
        return
    zone = zone_name(session_table(of.config.session, of.manifest.start, of.manifest.end).timezone)
    st.caption(f"Select a row to see its day. Times are {zone} time; R is after costs.")
    chosen = st.dataframe(
        trades_table(trades),
        column_config=trades_columns(of, zone),
        hide_index=True,
        key=f"trades.{of.run_id}",
        on_select="rerun",
        selection_mode="single-row",
        height=TABLE_PX if len(trades) > TABLE_ROWS else "content",
        lazy=False,
        alt=f"{len(trades)} trades in order of entry; select one to see it on its chart",
    )
    if chosen.selection.rows:
        trade = trades.iloc[chosen.selection.rows[0]]
        st.switch_page(
            SESSION,
            query_params={
                "run": of.run_id,
                "symbol": str(trade["symbol"]),
                "date": f"{trade['session_date']:%Y-%m-%d}",
                "trade": str(trade["trade_id"]),
            },
        )
