"""A session bar by bar: what of it was known at the close of each."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from orb_core.analytics.session_view import SessionView

AT_CLOSE: Final = ("session_end", "time_stop", "end_of_data")
"""How a trade ends at the close of a bar, its timestamp; all else happens in the bar that begins at its timestamp."""

TARGETS: Final = ("t1", "t2", "runner")


def visible(day: SessionView, bar: int) -> SessionView:
    """Return what was known of a session at the close of a bar.

    While the opening range is measured, its row holds the range so far, without state and triggers. A candidate is
    known from its entry bar on, a moved stop from the close that moved it, a fill from the bar it happened in, and
    what a trade brought from its exit on: before that, its exit is missing and its results are NaN.

    Parameters
    ----------
    day : SessionView
        With at least one bar.
    bar : int
        Position in `day.bars`.
    """
    bars = day.bars.iloc[: bar + 1]
    now = bars["timestamp_utc"].iloc[-1] + pd.Timedelta(minutes=day.bar_minutes)
    is_measured = now >= _range_end(day)
    stops = day.stops[day.stops["timestamp"] <= now]
    fills = day.fills[_has_happened(day.fills["timestamp"], day.fills["kind"], now)]
    trades = _trades_so_far(day.trades[day.trades["entry_timestamp"] < now], fills, stops, bars, now)
    return replace(
        day,
        bars=bars,
        vwap=day.vwap[: bar + 1],
        session=_session_so_far(day, bars, trades, now),
        upper_trigger=day.upper_trigger if is_measured else np.nan,
        lower_trigger=day.lower_trigger if is_measured else np.nan,
        signals=day.signals[day.signals["timestamp"] < now],
        trades=trades,
        fills=fills,
        stops=stops,
    )


def moments(day: SessionView, trade_id: str | None = None) -> dict[str, int]:
    """Return the bars worth jumping to: position by name, in order, without those that never came in this session.

    Parameters
    ----------
    day : SessionView
    trade_id : str, optional
        The trade whose signal (the last bar before its entry), entry, first fill and exit are meant; without one, the
        signal of the first candidate.
    """
    starts = day.bars["timestamp_utc"]
    closes = starts + pd.Timedelta(minutes=day.bar_minutes)
    found = {}
    if np.isfinite(day.session["or_high"]):
        found["OR end"] = int((closes < _range_end(day)).sum())
    trade = day.trades[day.trades["trade_id"] == trade_id]
    begins = trade["entry_timestamp"] if len(trade) else day.signals["timestamp"]
    if len(begins):
        found["Signal"] = int((starts < begins.iloc[0]).sum()) - 1
    if len(trade):
        row, fills = trade.iloc[0], day.fills[day.fills["trade_id"] == trade_id]
        found["Entry"] = int((starts < row["entry_timestamp"]).sum())
        left = fills[(fills["kind"] != "entry").to_numpy()]
        for name, at, kind in (
            ("First fill", left["timestamp"].iloc[0], left["kind"].iloc[0]),
            ("Exit", row["exit_timestamp"], row["exit_reason"]),
        ):
            found[name] = int(((closes if kind in AT_CLOSE else starts) < at).sum())
    return {name: bar for name, bar in found.items() if 0 <= bar < len(starts)}


def _range_end(day: SessionView) -> pd.Timestamp:
    end: pd.Timestamp = day.session["open"] + pd.Timedelta(minutes=int(day.session["or_minutes"]))
    return end


def _has_happened(
    timestamps: "pd.Series[pd.Timestamp]", kinds: "pd.Series[Any]", now: pd.Timestamp
) -> "pd.Series[bool]":
    return (timestamps < now) | ((timestamps == now) & kinds.isin(AT_CLOSE))


def _trades_so_far(
    trades: pd.DataFrame, fills: pd.DataFrame, stops: pd.DataFrame, bars: pd.DataFrame, now: pd.Timestamp
) -> pd.DataFrame:
    is_closed = _has_happened(trades["exit_timestamp"], trades["exit_reason"], now)
    ids = trades["trade_id"]
    moved = stops.drop_duplicates("trade_id", keep="last").set_index("trade_id")["price"]
    filled = fills.loc[fills["kind"].isin(TARGETS), "trade_id"].value_counts()
    results = ["exit_timestamp", "exit_price", "exit_reason", "gross_r", "cost_r", "realized_r"]
    results += ["max_favorable_r", "max_adverse_r"]
    held = [int((bars["timestamp_utc"] >= entered).sum()) for entered in trades["entry_timestamp"]]
    return trades.assign(
        **{name: trades[name].where(is_closed) for name in results},
        stop_final=ids.map(moved).fillna(trades["stop_initial"]).astype("float64"),
        targets_filled=ids.map(filled).fillna(0).astype("int8"),
        moved_to_breakeven=ids.isin(stops.loc[stops["kind"] == "breakeven", "trade_id"]),
        ambiguous=trades["ambiguous"] & is_closed,
        bars_held=trades["bars_held"].where(is_closed, held),
    )


def _session_so_far(day: SessionView, bars: pd.DataFrame, trades: pd.DataFrame, now: pd.Timestamp) -> "pd.Series[Any]":
    row = day.session.copy()
    elapsed = (now - row["open"]) // pd.Timedelta(minutes=1)
    row["bars"], row["missing_bars"] = len(bars), elapsed // day.bar_minutes - len(bars)
    row["trades"], row["realized_r"] = int(trades["realized_r"].notna().sum()), trades["realized_r"].sum()
    if now < _range_end(day):
        high, low = bars["high"].max(), bars["low"].min()
        row["or_minutes"], row["or_high"], row["or_low"], row["or_width"] = elapsed, high, low, high - low
        row["norm_vol"], row["or_state"] = np.nan, ""
    return row
