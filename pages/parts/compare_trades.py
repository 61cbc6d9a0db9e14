"""Trades of two runs side by side, as a table."""

from typing import Any, Final

import pandas as pd
import streamlit as st

from orb_core.analytics.matching import CHANGES
from orb_core.analytics.words import SIDES, counted, price_digits, zone_name
from orb_core.config.hours import exchange_zone
from orb_core.config.models import RunConfig
from pages.parts.tables import no_minus_zero, r_column

STATUS_WORDS: Final = {"same": "Same", "changed": "Changed", "only_a": "Only in A", "only_b": "Only in B"}
TABLE_ROWS, TABLE_PX = 14, 480


def matched_trades(trades: pd.DataFrame, config: RunConfig, *, key: str) -> "pd.Series[Any] | None":
    """List matched trades; return the one that is selected.

    Parameters
    ----------
    trades : DataFrame
        What `match_trades` returns, at least one row.
    config : RunConfig
        Of A: its clock and ticks are shown.
    key : str
        Of the table.
    """
    timezone = exchange_zone(config.session)
    chosen = st.dataframe(
        _table(trades, timezone),
        column_config=_columns(trades, config, zone_name(timezone)),
        hide_index=True,
        key=key,
        on_select="rerun",
        selection_mode="single-row",
        height=TABLE_PX if len(trades) > TABLE_ROWS else "content",
        lazy=False,
        placeholder="–",
        alt=f"{counted(len(trades), 'trade')} of A and B side by side, with the difference in R of each",
    )
    return trades.iloc[chosen.selection.rows[0]] if chosen.selection.rows else None


def _table(trades: pd.DataFrame, timezone: str) -> pd.DataFrame:
    change = trades["change"].astype(str).map(CHANGES)
    status = trades["status"].astype(str).map(STATUS_WORDS)
    return pd.DataFrame(
        {
            "date": trades["session_date"].dt.strftime("%Y-%m-%d %a"),
            "symbol": trades["symbol"].astype(str),
            "side": trades["direction"].astype(str).map(SIDES),
            "what": change.where(change != "", status),
            "difference": no_minus_zero(trades["difference_r"]),
            **{f"r_{of}": no_minus_zero(trades[f"realized_r_{of}"]) for of in "ab"},
            **{f"in_{of}": trades[f"entry_timestamp_{of}"].dt.tz_convert(timezone).dt.strftime("%H:%M") for of in "ab"},
            **{f"entry_{of}": trades[f"entry_price_{of}"] for of in "ab"},
            **{f"stop_{of}": trades[f"stop_initial_{of}"] for of in "ab"},
            **{f"exit_{of}": trades[f"exit_price_{of}"] for of in "ab"},
        }
    )


def _columns(trades: pd.DataFrame, config: RunConfig, zone: str) -> dict[str, Any]:
    symbols = trades["symbol"].astype(str).unique()
    price = f"%.{max(price_digits(config.instrument(symbol).tick_size) for symbol in symbols)}f"
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    shown: dict[str, Any] = {
        "date": text("Date", pinned=True),
        "symbol": text("Symbol") if len(symbols) > 1 else None,
        "side": text("Side"),
        "what": text("What differs", help="The first of entry, stop, exit and costs in which the two trades differ."),
        "difference": r_column("B − A", "R of B less R of A; a trade that is not there counts 0."),
    }
    for of in "ab":
        name = of.upper()
        shown[f"r_{of}"] = r_column(f"R, {name}", f"Result in {name} after costs.")
        shown[f"in_{of}"] = text(f"In {name}, {zone}", help="Start of the entry's bar.")
        shown[f"entry_{of}"] = number(f"Entry, {name}", format=price)
        shown[f"stop_{of}"] = number(f"Stop, {name}", format=price)
        shown[f"exit_{of}"] = number(f"Exit, {name}", format=price)
    return shown
