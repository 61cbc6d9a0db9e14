"""Patterns of a run's trades: how R is spread, and what it goes with."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from orb_core.analytics.breakdown import r_histogram
from orb_core.analytics.metrics import Floats
from orb_core.analytics.words import FACTORS, counted, number, r_multiple
from orb_core.charts.patterns import POINTS, against_figure, by_lot, score_figure
from orb_core.charts.spread import excursion_figure, histogram_figure
from orb_core.store.stored_run import StoredRun
from pages.parts import cached, computed
from pages.parts.days_tab import STILL
from pages.parts.frame import is_dark
from pages.parts.tables import group_columns, no_minus_zero, r_column

FEWEST = 10
"""Trades with a factor, and without it, for a verdict on their difference."""
CHART_PX, TABLE_PX = 225, 620
SCORE = "Score"
AGAINST = {
    "Opening range / ATR": "Height of the opening range as a multiple of the daily ATR up to the day before.",
    "Opening gap / ATR": (
        "Open of the session less the last close of the session before, as a multiple of the daily ATR up to then: "
        "above 0 where it opened in the trade's direction, up for a long one and down for a short one."
    ),
    "Minutes held": "From entry to the last exit: known only afterwards.",
    SCORE: "Points of the factors that agreed at the signal.",
}
"""What R is drawn against, and what that means."""


def patterns_tab(of: StoredRun) -> None:
    """Show the spread of R, how far trades went, and R against what was known, factor by factor."""
    trades = cached.trades(of) if of.manifest.totals else pd.DataFrame()
    if trades.empty:
        st.caption("This run has no trades to find patterns in; its Overview says why.")
        return
    lot = f" Points are {POINTS} of the {len(trades):,} trades, picked by lot; all else counts every trade."
    st.caption(
        "Ranges are 95 % (bootstrap, 10,000 draws). Looking at many patterns, some stand out by chance alone: "
        "what you find here is an idea to test on other days, not a result." + (lot if len(trades) > POINTS else "")
    )
    left, right = st.columns(2, gap="medium")
    with left:
        _histogram(trades)
    with right:
        _excursion(trades)
    by_factor, by_score = computed.attribution(of)
    _against(of, trades, by_factor, by_score)
    _factors(by_factor)


def _histogram(trades: pd.DataFrame) -> None:
    r, bins = trades["realized_r"], r_histogram(trades)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(
            f"**Spread of R** :gray[· average {r_multiple(r.mean())}, median {r_multiple(r.median())}]", width="content"
        )
        with st.popover("Table", type="tertiary"):
            st.dataframe(
                bins,
                column_config={
                    "from_r": r_column("From", "Included."),
                    "to_r": r_column("to", "Not included."),
                    "trades": st.column_config.NumberColumn("Trades", format="%,d"),
                },
                hide_index=True,
                alt="How many trades ended in each step of R",
            )
    st.plotly_chart(
        histogram_figure(bins, dark=is_dark(), height=CHART_PX),
        theme=None,
        key="patterns.histogram",
        config=STILL,
        alt=f"How many of {len(trades)} trades ended at which R",
    )


def _excursion(trades: pd.DataFrame) -> None:
    words = {"max_favorable_r": "Best on the way", "max_adverse_r": "Worst on the way"}
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown("**How far trades went**", width="content")
        column = st.segmented_control(
            "Which way",
            list(words),
            format_func=words.__getitem__,
            key="patterns.excursion",
            default="max_favorable_r",
            required=True,
            persist_state="session",
            label_visibility="collapsed",
        )
    st.plotly_chart(
        excursion_figure(trades, column, drawn=by_lot(len(trades)), dark=is_dark(), height=CHART_PX),
        theme=None,
        key="patterns.excursions",
        config=STILL,
        alt=f"{words[column]} of each trade against its result, in R",
    )


def _against(of: StoredRun, trades: pd.DataFrame, by_factor: pd.DataFrame, by_score: pd.DataFrame) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        heading = st.container(width="content")
        st.space("stretch")
        what = st.segmented_control(
            "Against what",
            list(AGAINST),
            key="patterns.against",
            default=next(iter(AGAINST)),
            required=True,
            persist_state="session",
            label_visibility="collapsed",
        )
        values = _known(of, what, trades)
        groups = by_score if what == SCORE else computed.quarters(of, what, trades, values)
        missing = int(np.isnan(values).sum())
        left_out = f" :gray[· {counted(missing, 'trade')} without it]" if missing else ""
        heading.markdown(f"**R against**{left_out}", width="content", help=AGAINST[what])
        with st.popover("Table", type="tertiary"):
            _against_table(what, groups)
    if what == SCORE and by_factor.empty:
        st.caption("No factor was switched on: no trade has a score.")
        return
    if groups.empty:
        st.caption("Not known of any trade: too few sessions came before them.")
        return
    look = {"dark": is_dark(), "height": CHART_PX}
    if what == SCORE:
        figure = score_figure(groups, **look)
        drawn = "Average R of a trade by its score at the signal, with its 95 % range and number of trades"
    else:
        title = f"{what}, above 0 in the trade's direction" if what == "Opening gap / ATR" else what
        figure = against_figure(values, trades, groups, title=title, **look)
        drawn = f"Result of each trade in R against {what.lower()}, and the average of each quarter of the trades"
    st.plotly_chart(figure, theme=None, key=f"patterns.{what}", config=STILL, alt=drawn)


def _against_table(what: str, groups: pd.DataFrame) -> None:
    number = st.column_config.NumberColumn
    named: dict[str, Any] = (
        {"score": number("Score")}
        if what == SCORE
        else {"low": number("From", format="%.2f"), "high": number("to", format="%.2f")}
    )
    st.dataframe(
        groups.assign(win_rate=100 * groups["win_rate"]),
        column_config={**named, **group_columns()},
        column_order=[*named, *list(group_columns())[1:]],
        hide_index=True,
        width=TABLE_PX,
        height="content",
        alt=f"{what}: trades, win rate and R of each {'score' if what == SCORE else 'quarter of the trades'}",
    )


def _known(of: StoredRun, what: str, trades: pd.DataFrame) -> Floats:
    """Return what R is drawn against, one number a trade, NaN where it has none."""
    if what == SCORE:
        return trades["score"].to_numpy()
    if what == "Opening gap / ATR":
        return computed.gaps(of)
    if what == "Minutes held":
        return (trades["exit_timestamp"] - trades["entry_timestamp"]).dt.total_seconds().to_numpy() / 60
    return (trades["or_width"] / trades["daily_atr"]).to_numpy()


def _factors(by_factor: pd.DataFrame) -> None:
    st.markdown("**With and without each factor** :gray[· of the trades taken]")
    if by_factor.empty:
        st.caption("No factor was switched on.")
        return
    ranges = {
        name: list(zip(by_factor[f"{name}_low"], by_factor[f"{name}_high"], strict=True))
        for name in ("difference_r", "average_r_with", "average_r_without")
    }
    st.dataframe(
        pd.DataFrame(
            {
                "factor": by_factor["factor"].map(FACTORS),
                "difference": no_minus_zero(by_factor["difference_r"]),
                "range": [_range(*ends) for ends in ranges["difference_r"]],
                "verdict": [
                    _verdict(*ends, n)
                    for ends, n in zip(
                        ranges["difference_r"], by_factor[["trades_with", "trades_without"]].min(axis=1), strict=True
                    )
                ],
                "with": no_minus_zero(by_factor["average_r_with"]),
                "range_with": [_range(*ends) for ends in ranges["average_r_with"]],
                "n_with": by_factor["trades_with"],
                "without": no_minus_zero(by_factor["average_r_without"]),
                "range_without": [_range(*ends) for ends in ranges["average_r_without"]],
                "n_without": by_factor["trades_without"],
            }
        ),
        column_config={
            "factor": st.column_config.TextColumn("Factor", pinned=True),
            "difference": r_column("Difference", "R per trade with the factor less that without it."),
            "range": st.column_config.TextColumn("Its range", help="95 % range of the difference."),
            "verdict": st.column_config.TextColumn("Verdict", help="Whether the range of the difference leaves out 0."),
            "with": r_column("With", "Average of the trades the factor agreed with."),
            "range_with": st.column_config.TextColumn("Range with", help="95 % range of the average with the factor."),
            "n_with": st.column_config.NumberColumn("Trades with", format="%,d"),
            "without": r_column("Without", "Average of the other trades."),
            "range_without": st.column_config.TextColumn("Range without", help="95 % range of the average without it."),
            "n_without": st.column_config.NumberColumn("Trades without", format="%,d"),
        },
        hide_index=True,
        height="content",
        placeholder="–",
        alt="Average R of trades with and without each factor, the difference, and their 95 % ranges",
    )
    st.caption(
        "Trades without one factor had enough others to be taken. What switching a factor off would do takes a run "
        "without it: clone this one."
    )


def _range(low: float, high: float) -> str:
    return "–" if np.isnan(low) else f"{number(low, sign=True)} … {number(high, sign=True)}"


def _verdict(low: float, high: float, n: int) -> str:
    """What a difference says whose smaller side has n trades: redrawing a handful makes their range far too narrow."""
    if np.isnan(low) or n < FEWEST:
        return "too few trades"
    return "could be chance" if low <= 0 <= high else "hardly chance"
