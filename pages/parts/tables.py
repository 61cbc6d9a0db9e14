"""Result tables as people read them: columns in order, in words, numbers still numbers so that they sort."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from orb_core.analytics.words import EXITS, OR_STATES, REFUSALS, breakeven_win_rate, counted, number
from orb_core.store.stored_run import StoredRun
from pages.parts import cached
from pages.parts.settings import by_path, flatten

R_FORMAT = "%+,.2f"
STATUS_WORDS = {"failed": "Failed", "cancelled": "Cancelled"}
DECIDED_BY = {
    "incomplete": "data.validate_or",
    "too_narrow": "orb.min_atr_mult",
    "too_wide": "orb.max_atr_mult",
    "loss_lockout": "governance.lockout_after_losses",
    "daily_loss": "governance.max_daily_loss_r",
    "max_signals": "governance.max_signals_per_day",
    "time_cutoff": "governance.time_cutoff",
    "second_chance_over": "governance.second_chance_minutes",
    "score": "scoring.base_required",
}
"""State of an opening range or reason of a refusal → the setting that decides it."""


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


def symbols_table(of: StoredRun, trades: pd.DataFrame) -> pd.DataFrame:
    """Return one row per symbol of a run; the note fits beside the figures, its reason is among the warnings."""
    rows, breakeven = [], _breakeven(trades)
    for symbol, record in of.manifest.symbols.items():
        totals = record.totals
        note = STATUS_WORDS.get(record.status, "Warning" if record.warnings else "")
        rows.append(
            {
                "symbol": symbol,
                "trades": totals.trades if totals else None,
                "win": 100 * totals.win_rate if totals and totals.win_rate is not None else None,
                "breakeven": breakeven.get(symbol),
                "average": totals.average_r if totals else None,
                "total": totals.total_r if totals else None,
                "note": note,
            }
        )
    return pd.DataFrame(rows)


def _breakeven(trades: pd.DataFrame) -> dict[str, float]:
    """Return the win rate in % at which each symbol's trades would come out at nothing; NaN without a win or a loss."""
    r, symbol = trades["realized_r"], trades["symbol"]
    wins, losses = (side.groupby(symbol, observed=True).mean() for side in (r.where(r > 0), r.where(r < 0)))
    return {
        str(name): 100 * breakeven_win_rate({"average_win_r": wins[name], "average_loss_r": losses[name]})
        for name in wins.index
    }


def symbols_columns() -> dict[str, Any]:
    """Return how the columns of the per-symbol table are shown."""
    return {
        "symbol": st.column_config.TextColumn("Symbol", pinned=True),
        "trades": st.column_config.NumberColumn("Trades", format="%,d"),
        "win": st.column_config.NumberColumn("Win rate", format="%.1f %%"),
        "breakeven": st.column_config.NumberColumn(
            "Even at", format="%.1f %%", help="The win rate at which these average wins and losses break even."
        ),
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
    frames = {kind: [cached.frame(of, symbol, kind) for symbol in of.symbols] for kind in ("sessions", "signals")}
    states = pd.concat([table.loc[~table["warmup"], "or_state"].astype(str) for table in frames["sessions"]])
    refused = pd.concat([table.loc[~table["accepted"], "reason"].astype(str) for table in frames["signals"]])
    words = {**OR_STATES, "valid": "Tradable, but no breakout was taken"}
    return pd.DataFrame([*_shares(of, states, words, "session"), *_shares(of, refused, REFUSALS, "breakout")])


def _shares(of: StoredRun, codes: "pd.Series[str]", words: Mapping[str, str], thing: str) -> list[dict[str, str]]:
    of_all = f"of {counted(len(codes), thing)}"
    return [
        {"count": f"{number(n, 0)} {of_all}", "why": words[code], "setting": _decided_by(of, code)}
        for code, n in codes.value_counts().items()
    ]


def _decided_by(of: StoredRun, code: str) -> str:
    path = DECIDED_BY.get(code)
    if path is None:
        return ""
    setting = by_path()[path]
    return f"{setting.title}: {setting.say(flatten(of.config)[path])}"
