"""The table of runs."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from orb_core.store.runs import RunSummary
from pages.parts.run_words import changes_text, source_text, symbols_text, title_text
from pages.parts.tables import r_column

SPARSE = ("starred", "status", "tags")


def runs_table(lines: Sequence[RunSummary]) -> pd.DataFrame:
    """Return one row per readable run, in the order given."""
    return pd.DataFrame([_row(line) for line in lines])


def _row(line: RunSummary) -> dict[str, Any]:
    manifest, notes = line.manifest, line.notes
    totals = manifest.totals
    return {
        "starred": "★" if notes.starred else "",
        "title": title_text(manifest, notes),
        "status": "" if line.status == "complete" else line.status,
        "when": manifest.created_utc.astimezone().strftime("%Y-%m-%d %H:%M"),
        "symbols": symbols_text(manifest),
        "dates": f"{manifest.start} → {manifest.end}",
        "changed": changes_text(manifest.changed) if notes.title else f"{len(manifest.changed) or 'none'}",
        "trades": totals.trades if totals else None,
        "total": totals.total_r if totals else None,
        "up_to": totals.total_r_optimistic if totals else None,
        "average": totals.average_r if totals else None,
        "drop": totals.max_drawdown_r if totals else None,
        "equity": list(manifest.equity_r),
        "tags": list(notes.tags),
        "source": source_text(manifest),
    }


def runs_columns() -> dict[str, Any]:
    """Return how the columns of the table of runs are shown."""
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    return {
        "starred": text("☆", width=30),
        "title": text("Title", pinned=True, width="medium"),
        "status": text("Status"),
        "when": text("When"),
        "symbols": text("Symbols"),
        "dates": text("Dates"),
        "changed": text("Changed", help="Settings that differ from the defaults."),
        "trades": number("Trades", format="%d"),
        "total": r_column("Total R", "Sum of all trades after costs."),
        "up_to": r_column("Up to", "Total R if every unclear fill had gone the trade's way."),
        "average": r_column("R each", "Average result of a trade."),
        "drop": r_column("Worst drop", "Deepest fall of the running total below its highest point so far, in R."),
        "equity": st.column_config.LineChartColumn("Equity", help="Running total in R."),
        "tags": st.column_config.ListColumn("Tags"),
        "source": text("Source"),
    }


def shown_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns worth their place: stars, states and tags only where there are any."""
    return [name for name in table if name not in SPARSE or table[name].map(bool).any()]
