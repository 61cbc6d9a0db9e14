"""Runs side by side, two or more: a table of what each came to, and their totals on one chart."""

from collections.abc import Mapping

import streamlit as st

from orb_core.analytics.words import percent, zone_name
from orb_core.charts.compare import totals_figure
from orb_core.store.stored_run import StoredRun
from pages.parts import cached
from pages.parts.compare_runs import short_name
from pages.parts.frame import RUN, is_dark
from pages.parts.run_words import is_made_up
from pages.parts.tables import r_column

CHART_PX = 260


def several(runs: Mapping[str, StoredRun]) -> None:
    """Show more than two runs, by their letters, in one table and on one chart."""
    figures(runs, titled=True)
    lines, zones = {}, {}
    for name, of in runs.items():
        exits = cached.equity(of).set_index("timestamp")["cumulative_r"]
        zones[zone_name(str(exits.index.tz))] = None
        lines[name] = exits.tz_localize(None)
    st.plotly_chart(
        totals_figure(lines, title=f"Exit, {' and '.join(zones)} time", dark=is_dark(), height=CHART_PX),
        theme=None,
        key="compare.several",
        config={"displayModeBar": False, "scrollZoom": True},
        alt=f"Running totals of {len(runs)} runs over time, in R",
    )


def figures(runs: Mapping[str, StoredRun], *, titled: bool = False) -> None:
    """Show what each run came to on all of its own days, with the way into each."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**Each run as a whole** :gray[· its own days]{_made_up(runs)}", width="content")
        with st.container(horizontal=True, width="content", gap="small"):
            for name, of in runs.items():
                st.page_link(RUN, label=f"Open {name}", query_params={"run": of.run_id})
    st.dataframe(
        [_row(name, of, titled=titled) for name, of in runs.items()],
        hide_index=True,
        height="content",
        column_config={
            "": st.column_config.TextColumn("", pinned=True),
            "Run": st.column_config.TextColumn(width="medium"),
            "Trades": st.column_config.NumberColumn(format="%,d"),
            "Total R": r_column("Total R", "Sum of all trades after costs."),
            "Up to": r_column("Up to", "Total R if every unclear fill had gone the trade's way."),
            "Per trade": r_column("Per trade", "Average result of a trade."),
            "Worst drop": r_column("Worst drop", "Deepest fall of the running total in R."),
            "Sharpe": st.column_config.NumberColumn(format="%.2f"),
        },
        placeholder="–",
        alt="Trades, R, win rate, worst drop and Sharpe of each run",
    )


def _made_up(runs: Mapping[str, StoredRun]) -> str:
    names = [name for name, of in runs.items() if is_made_up(of.manifest)]
    if not names:
        return ""
    where = "" if len(names) == len(runs) else f" in {', '.join(names)}"
    return f" :orange-badge[Made-up prices{where}]"


def _row(name: str, of: StoredRun, *, titled: bool) -> dict[str, object]:
    metrics = cached.metrics(of)
    earned = metrics if metrics["total_trades"] else {}  # without a trade no R, rather than one of +0.00
    return {
        "": name,
        **({"Run": short_name(of)} if titled else {}),
        "Trades": metrics["total_trades"],
        "Total R": earned.get("total_r"),
        "Up to": earned.get("total_r_optimistic"),
        "Per trade": earned.get("average_r"),
        "Win rate": percent(metrics["win_rate"]),
        "Worst drop": earned.get("max_drawdown_r"),
        "Sharpe": metrics["sharpe"],
        "Dates": f"{of.manifest.start} → {of.manifest.end}",
    }
