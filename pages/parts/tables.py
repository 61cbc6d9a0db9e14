"""Result tables as people read them: columns in order, in words, numbers still numbers so that they sort."""

from typing import Any

import pandas as pd
import streamlit as st

from orb_core.analytics.words import EXITS, OR_STATES, REFUSALS, SIDES, how_it_ended, price_digits
from orb_core.store.stored_run import StoredRun
from pages.parts import cached

R_FORMAT = "%+.2f"


def r_column(label: str, meaning: str) -> Any:
    """Return how a column in R is shown."""
    return st.column_config.NumberColumn(label, format=R_FORMAT, help=meaning)


def group_columns() -> dict[str, Any]:
    """Return how a table of groups of trades is shown, its columns in order."""
    return {
        "name": st.column_config.TextColumn("", pinned=True),
        "trades": st.column_config.NumberColumn("Trades", format="%d"),
        "win_rate": st.column_config.NumberColumn("Win", format="%.1f %%"),
        "total_r": r_column("Total R", "Sum of the group's trades."),
        "average_r": r_column("R each", "Average result of a trade."),
        "average_r_low": r_column("95 % from", "Lower end of the range of the average (bootstrap, 10,000 draws)."),
        "average_r_high": r_column("to", "Upper end of the range of the average."),
    }


def trades_table(trades: pd.DataFrame) -> pd.DataFrame:
    """Return `all_trades` in the words and order of the trades table; rows stay where they are.

    Parameters
    ----------
    trades : DataFrame
        `StoredRun.all_trades()`.
    """
    day = trades["session_date"]
    held = (trades["exit_timestamp"] - trades["entry_timestamp"]).dt.total_seconds() / 60
    ended = [
        how_it_ended(filled, reason)
        for filled, reason in zip(trades["targets_filled"], trades["exit_reason"], strict=True)
    ]
    return pd.DataFrame(
        {
            "date": day.dt.strftime("%Y-%m-%d %a"),
            "symbol": trades["symbol"].astype(str),
            "side": trades["direction"].astype(str).map(SIDES),
            "in": trades["entry_local"].dt.strftime("%H:%M"),
            "r": trades["realized_r"],
            "unclear": trades["ambiguous"].map({True: "unclear", False: ""}),
            "ended": ended,
            "held": held.round().astype("int64"),
            "entry": trades["entry_price"],
            "exit": trades["exit_price"],
            "stop": trades["stop_initial"],
            "risk": trades["risk"],
            "best": trades["max_favorable_r"],
            "worst": trades["max_adverse_r"],
            "or_minutes": trades["or_minutes"],
            "or_atr": trades["or_width"] / trades["daily_atr"],
            "score": [f"{s:g} / {n:g}" for s, n in zip(trades["score"], trades["required"], strict=True)],
        },
        index=trades.index,
    )


def trades_columns(of: StoredRun, zone: str) -> dict[str, Any]:
    """Return how the columns of the trades table are shown; the symbol only if there are several."""
    digits = max((price_digits(of.config.instrument(symbol).tick_size) for symbol in of.symbols), default=2)
    price = f"%.{digits}f"
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    return {
        "date": text("Date", pinned=True, help="The session the trade was entered in."),
        "symbol": text("Symbol") if len(of.symbols) > 1 else None,
        "side": text("Side"),
        "in": text(f"In, {zone}", help=f"Start of the entry's bar, {zone} time."),
        "r": r_column("R", "Result after costs, in multiples of what the trade risked, entry to stop."),
        "unclear": text("Unclear", width=70, help="A bar touched both stop and target: what came first is assumed."),
        "ended": text("How it ended", width=190),
        "held": number("Min held", help="Minutes from entry to the last exit."),
        "entry": number("Entry", format=price),
        "exit": number("Exit", format=price, help="Average over the parts."),
        "stop": number("Stop", format=price, help="The initial stop."),
        "risk": number("1 R =", format=price, help="Points from entry to the initial stop."),
        "best": r_column("Best R", "Furthest the trade went its way."),
        "worst": r_column("Worst R", "Furthest the trade went against it."),
        "or_minutes": number("OR min", help="Length of the opening range in minutes."),
        "or_atr": number("OR/ATR", format="%.2f", help="Height of the opening range as a multiple of daily ATR."),
        "score": text("Score", help="Points of the factors that agreed / points required."),
    }


def symbols_table(of: StoredRun) -> pd.DataFrame:
    """Return one row per symbol of a run, failed ones with their reason."""
    rows = []
    for symbol, record in of.manifest.symbols.items():
        totals = record.totals
        note = record.error or ("cancelled" if record.status == "cancelled" else " ".join(record.warnings))
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
        "trades": st.column_config.NumberColumn("Trades", format="%d"),
        "win": st.column_config.NumberColumn("Win", format="%.1f %%"),
        "average": r_column("R each", "Average result of a trade."),
        "total": r_column("Total R", "Sum of all trades."),
        "note": st.column_config.TextColumn("Note", width="medium"),
    }


def endings_table(metrics: dict[str, Any]) -> pd.DataFrame:
    """Return how the trades ended: count, R each and total R by reason, the commonest first."""
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
