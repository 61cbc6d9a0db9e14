"""Result tables as people read them: columns in order, in words, numbers still numbers so that they sort."""

from typing import Any

import pandas as pd
import streamlit as st

from orb_core.analytics.words import EXITS, OR_STATES, REFUSALS
from orb_core.store.stored_run import StoredRun
from pages.parts import cached

R_FORMAT = "%+,.2f"
STATUS_WORDS = {"failed": "Failed", "cancelled": "Cancelled"}


def r_column(label: str, meaning: str) -> Any:
    """Return how a column in R is shown."""
    return st.column_config.NumberColumn(label, format=R_FORMAT, help=meaning)


def no_minus_zero(r: "pd.Series[float]") -> "pd.Series[float]":
    """Return R as it is, but for what two decimals would show as −0.00."""
    return r.mask((r <= 0) & (r > -0.005), 0.0)


def group_columns() -> dict[str, Any]:
    """Return how a table of groups of trades is shown, its columns in order."""
    return {
        "name": st.column_config.TextColumn("", pinned=True),
        "trades": st.column_config.NumberColumn("Trades", format="%,d"),
        "win_rate": st.column_config.NumberColumn("Win rate", format="%.1f %%"),
        "total_r": r_column("Total R", "Sum of the group's trades."),
        "average_r": r_column("Per trade", "Average result of a trade."),
        "average_r_low": r_column("95 % from", "Lower end of the range of the average (bootstrap, 10,000 draws)."),
        "average_r_high": r_column("to", "Upper end of the range of the average."),
    }


def symbols_table(of: StoredRun) -> pd.DataFrame:
    """Return one row per symbol of a run; the note fits beside the figures, its reason is among the warnings."""
    rows = []
    for symbol, record in of.manifest.symbols.items():
        totals = record.totals
        note = STATUS_WORDS.get(record.status, "Warning" if record.warnings else "")
        rows.append(
            {
                "symbol": symbol,
                "trades": totals.trades if totals else None,
                "win": 100 * totals.win_rate if totals and totals.win_rate is not None else None,
                "average": totals.average_r if totals else None,
                "total": totals.total_r if totals else None,
                "note": note,
            }
        )
    return pd.DataFrame(rows)


def symbols_columns() -> dict[str, Any]:
    """Return how the columns of the per-symbol table are shown."""
    return {
        "symbol": st.column_config.TextColumn("Symbol", pinned=True),
        "trades": st.column_config.NumberColumn("Trades", format="%,d"),
        "win": st.column_config.NumberColumn("Win rate", format="%.1f %%"),
        "average": r_column("Per trade", "Average result of a trade."),
        "total": r_column("Total R", "Sum of all trades."),
        "note": st.column_config.TextColumn("Note", help="In full in the warnings below the cards."),
    }


def endings_table(metrics: dict[str, Any]) -> pd.DataFrame:
    """Return how the trades ended: count, R per trade and total R by reason, the commonest first."""
    reasons = sorted(metrics["by_exit_reason"].items(), key=lambda item: -item[1]["trades"])
    return pd.DataFrame(
        [
            {"ended": EXITS[reason], "trades": of["trades"], "average": of["average_r"], "total": of["total_r"]}
            for reason, of in reasons
        ]
    )


def reasons_table(of: StoredRun) -> pd.DataFrame:
    """Return why there were no trades: sessions by the state of their range, breakouts by their refusal."""
    rows = []
    for column, words, what in (("or_state", OR_STATES, "sessions"), ("reason", REFUSALS, "breakouts")):
        kind = "sessions" if column == "or_state" else "signals"
        frames = [cached.frame(of, symbol, kind) for symbol in of.symbols]
        kept = [f[~f["warmup"]] if column == "or_state" else f[~f["accepted"]] for f in frames]
        counts = pd.concat([f[column].astype(str) for f in kept]).value_counts()
        rows += [{"why": words[name], "what": what, "count": int(n)} for name, n in counts.items()]
    return pd.DataFrame(rows, columns=["why", "what", "count"])
