"""The table of trades: its columns in words, and the sets they are shown in."""

from typing import Any, Final

import pandas as pd
import streamlit as st

from orb_core.analytics.words import FACTORS, SIDES, counted, how_it_ended, number, price_digits
from orb_core.store.stored_run import StoredRun
from pages.parts.tables import r_column

_WHO: Final = ("date", "symbol", "side", "in")
_DEFAULT: Final = (
    *_WHO,
    *(
        "r",
        "unclear",
        "ended",
        "held",
        "entry",
        "exit",
        "stop",
        "risk",
        "best",
        "worst",
        "or_minutes",
        "or_atr",
        "score",
    ),
)
_PRICES: Final = (
    *_WHO,
    *("out", "r", "entry", "stop", "stop_final", "t1", "t2", "runner", "exit", "risk", "or_low", "or_high"),
    *("quantity", "pnl"),
)
_VALUED: Final = ("rel_volume", "vwap", "adx")
"""Factors that read a number: a pattern has none, nor has a side of the middle of the day before."""
_FACTORS: Final = (
    *_WHO,
    *("r", "score", "needed"),
    *(f"{name}_{kind}" for name in FACTORS for kind in (("flag", "value") if name in _VALUED else ("flag",))),
)
COLUMN_SETS: Final[dict[str, tuple[str, ...]]] = {
    "Default": _DEFAULT,
    "Prices": _PRICES,
    "Factors": _FACTORS,
    "All": tuple(dict.fromkeys((*_DEFAULT, *_PRICES, *_FACTORS, "gross", "cost", "trade_id"))),
}


def trades_table(trades: pd.DataFrame) -> pd.DataFrame:
    """Return `StoredRun.all_trades` in words; rows stay where they are."""
    held = (trades["exit_timestamp"] - trades["entry_timestamp"]).dt.total_seconds() / 60
    ended = [
        how_it_ended(*how)
        for how in zip(trades["targets_filled"], trades["exit_reason"], trades["t1_price"], strict=True)
    ]
    factors = {f"{name}_flag": trades[f"{name}_flag"].map({1: "yes"}).fillna("no") for name in FACTORS}
    return pd.DataFrame(
        {
            "date": trades["session_date"].dt.strftime("%Y-%m-%d %a"),
            "symbol": trades["symbol"].astype(str),
            "side": trades["direction"].astype(str).map(SIDES),
            "in": trades["entry_local"].dt.strftime("%H:%M"),
            "out": _out(trades),
            "r": trades["realized_r"],
            "gross": trades["gross_r"],
            "cost": trades["cost_r"],
            "unclear": trades["ambiguous"].map({True: "unclear", False: ""}),
            "ended": ended,
            "held": held.round().astype("int64"),
            "entry": trades["entry_price"],
            "exit": trades["exit_price"],
            "stop": trades["stop_initial"],
            "stop_final": trades["stop_final"],
            "t1": trades["t1_price"],
            "t2": trades["t2_price"],
            "runner": trades["runner_price"],
            "risk": trades["risk"],
            "best": trades["max_favorable_r"],
            "worst": trades["max_adverse_r"],
            "or_minutes": trades["or_minutes"],
            "or_low": trades["or_low"],
            "or_high": trades["or_high"],
            "or_atr": trades["or_width"] / trades["daily_atr"],
            "score": trades["score"],
            "needed": trades["required"],
            **factors,
            **{f"{name}_value": trades[f"{name}_value"] for name in _VALUED},
            "quantity": trades["quantity"],
            "pnl": trades["pnl"],
            "trade_id": trades["trade_id"],
        },
        index=trades.index,
    )


def _out(trades: pd.DataFrame) -> "pd.Series[str]":
    """Return when each trade was left, with the date where that is a later day than its entry's."""
    out = trades["exit_local"].dt.strftime("%H:%M")
    later = trades["exit_local"].dt.normalize() > trades["entry_local"].dt.normalize()
    return out.mask(later, trades.loc[later, "exit_local"].dt.strftime("%m-%d %H:%M"))


def trades_columns(of: StoredRun, zone: str) -> dict[str, Any]:
    """Return how the columns of the trades table are shown: the symbol if there are several, factors that were on."""
    digits = max((price_digits(of.config.instrument(symbol).tick_size) for symbol in of.symbols), default=2)
    price = f"%.{digits}f"
    text, numeric = st.column_config.TextColumn, st.column_config.NumberColumn
    switches = of.config.factors.model_dump()
    factors = {}
    for name, words in FACTORS.items():
        is_on = switches[name]["enabled"]
        factors[f"{name}_flag"] = text(words, help="Whether the factor agreed.") if is_on else None
        if name in _VALUED:
            value = numeric(f"{words}, value", format=price if name == "vwap" else "%.2f")
            factors[f"{name}_value"] = value if is_on else None
    return {
        "date": text("Date", pinned=True, help="The session the trade was entered in."),
        "symbol": text("Symbol") if len(of.symbols) > 1 else None,
        "side": text("Side"),
        "in": text(f"In, {zone}", help=f"Start of the entry's bar, {zone} time."),
        "out": text("Out", help=f"Time of the last exit, {zone} time; with its date where that is a later one."),
        "r": r_column("R", "Result after costs, in multiples of what the trade risked, entry to stop."),
        "gross": r_column("Gross R", "Result before commission; slippage is in the prices."),
        "cost": numeric("Cost R", format="%.2f", help="Commission; slippage is in the prices."),
        "unclear": text("Unclear", width=70, help="A bar touched both stop and target: what came first is assumed."),
        "ended": text("How it ended", width=190),
        "held": numeric("Min held", help="Minutes from entry to the last exit."),
        "entry": numeric("Entry", format=price),
        "exit": numeric("Exit", format=price, help="Average over the parts."),
        "stop": numeric("Stop", format=price, help="The initial stop."),
        "stop_final": numeric("Last stop", format=price, help="The stop in force at the end."),
        "t1": numeric("T1", format=price),
        "t2": numeric("T2", format=price),
        "runner": numeric("Runner", format=price),
        "risk": numeric("1 R =", format=price, help="Points from entry to the initial stop."),
        "best": r_column("Best R", "Furthest the trade went its way."),
        "worst": r_column("Worst R", "Furthest the trade went against it."),
        "or_minutes": numeric("OR min", help="Length of the opening range in minutes."),
        "or_low": numeric("OR low", format=price),
        "or_high": numeric("OR high", format=price),
        "or_atr": numeric("OR/ATR", format="%.2f", help="Height of the opening range as a multiple of daily ATR."),
        "score": numeric("Score", format="%g", help="Points of the factors that agreed."),
        "needed": numeric("Needed", format="%g", help="Points that were needed for a trade."),
        **factors,
        "quantity": numeric("Quantity", format="%,g", help="Units held; 0 where the account was too small for any."),
        "pnl": numeric("Profit", format="%+,.2f", help="After costs, in the account's currency."),
        "trade_id": text("Id"),
    }


def totals_text(trades: pd.DataFrame, n_all: int) -> str:
    """Say what the trades looked at came to."""
    n, r = len(trades), trades["realized_r"]
    if n == 0:
        return f"None of {counted(n_all, 'trade')} is like that."
    of = f"{number(n, 0)} of " if n < n_all else ""
    return (
        f"{of}{counted(n_all, 'trade')} · {number(r.sum(), sign=True)} R · {number(r.mean(), sign=True)} R per trade"
        f" · win rate {number(100 * (r > 0).mean(), 1)} %"
    )
