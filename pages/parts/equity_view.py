"""A run's equity on its own page: in R by trade or by time, or in % of capital beside buy and hold; and its drops."""

import streamlit as st

from orb_core.analytics.breakdown import drawdown_table
from orb_core.analytics.words import counted, number, zone_name
from orb_core.charts import equity_figure
from orb_core.charts.capital import capital_figure
from orb_core.store.stored_run import StoredRun
from pages.parts import cached, computed
from pages.parts.frame import is_dark
from pages.parts.tables import r_column

BY_TRADE, BY_TIME, CAPITAL = "R by trade", "R by time", "% of capital"
CHART_PX = 330
CHART_CONFIG = {"displayModeBar": False, "scrollZoom": True}


def equity_view(of: StoredRun) -> None:
    """Draw the equity in the way that is chosen."""
    with st.container(horizontal=True, vertical_alignment="center"):
        way = st.segmented_control(
            "Equity",
            (BY_TRADE, BY_TIME, CAPITAL),
            key="equity.way",
            default=BY_TRADE,
            required=True,
            persist_state="session",
            label_visibility="collapsed",
        )
        whole = f"All {len(of.symbols)} symbols"
        symbol = None
        if len(of.symbols) > 1 and way != CAPITAL:
            chosen = st.selectbox(
                "Symbol",
                (whole, *of.symbols),
                key="equity.symbol",
                persist_state="session",
                label_visibility="collapsed",
                width=170,
            )
            symbol = None if chosen == whole else chosen
    equity = cached.equity(of, symbol)
    if way == CAPITAL:
        held = computed.benchmark(of)
        figure = capital_figure(equity, held, dark=is_dark(), height=CHART_PX)
        alt = "Gain of the run in % of capital beside that of holding its symbols"
    else:
        figure = equity_figure(equity, dark=is_dark(), by_time=way == BY_TIME, height=CHART_PX)
        alt = f"Running total of {counted(len(equity) - 1, 'trade')} in R, above its drawdown"
    with st.container(key="run.chart"):
        st.plotly_chart(figure, theme=None, key="run.equity", height="stretch", config=CHART_CONFIG, alt=alt)
    if way == CAPITAL:
        _say_benchmark(of)


def _say_benchmark(of: StoredRun) -> None:
    held, equity = computed.benchmark(of), cached.equity(of)["equity"]
    if held is None:
        return
    gained = 100 * (equity.iloc[-1] / equity.iloc[0] - 1)
    each = "" if len(of.symbols) == 1 else " in equal parts"
    st.caption(
        f"This run {number(gained, 1, sign=True)} %, buy and hold{each} "
        f"{number(100 * held['return_pct'].iloc[-1], 1, sign=True)} %: bought at the first open and kept, no costs; "
        "prices as they are, so dividends are missing unless the bars are adjusted."
    )


def drops(of: StoredRun) -> None:
    """List the deepest drops in a closed group."""
    part = st.expander("Deepest drops", key="result.group.drops", on_change="rerun")
    if not part.open:
        return
    equity = cached.equity(of)
    table = drawdown_table(equity)
    if table.empty:
        part.caption("The running total never fell below its highest point.")
        return
    zone = zone_name(str(equity["timestamp"].dt.tz))
    for name in ("peak", "bottom", "recovered"):
        table[name] = table[name].dt.strftime("%Y-%m-%d")
    part.dataframe(
        table.fillna({"recovered": "not yet"}),
        column_config={
            "depth_r": r_column("Depth, R", "Fall of the running total below its highest point."),
            "peak": "From",
            "bottom": "Lowest",
            "recovered": st.column_config.TextColumn(
                "Made good", help=f"The day it was back at the peak; dates are those of {zone} time."
            ),
            "trades": st.column_config.NumberColumn("Trades", format="%,d"),
            "days": st.column_config.NumberColumn("Days", format="%,d"),
        },
        hide_index=True,
        height="content",
        alt="The deepest drops of the running total, deepest first",
    )
