"""How R goes with something known of each trade."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from orb_core.analytics.words import counted, number, r_multiple
from orb_core.charts.days import groups_figure
from orb_core.charts.palette import base_layout, faded, palette

POINTS: Final = 500
"""A browser draws so many in a fifth of a second, and more only on top of each other; as many are drawn by lot."""


def by_lot(n: int) -> NDArray[np.int64]:
    """Return the positions of at most `POINTS` of `n` rows, in order; the same ones every time."""
    if n <= POINTS:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, POINTS, replace=False))


def against_figure(
    x: NDArray[Any], trades: pd.DataFrame, quarters: pd.DataFrame, *, title: str, dark: bool = False, height: int = 250
) -> go.Figure:
    """Draw R against something known of each trade, with the average of each quarter of the trades and its range.

    Parameters
    ----------
    x : float64[trades]
        NaN where a trade has none.
    trades : DataFrame
        Columns of `records.TRADES`.
    quarters : DataFrame
        What `quarters.by_quarter` returns for the same.
    title : str
        Of the horizontal axis.
    dark : bool
    height : int
        In pixels.
    """
    colours = palette(dark=dark)
    figure = go.Figure(layout=base_layout(colours, height))
    rows = by_lot(len(trades))
    figure.add_scatter(
        x=x[rows],
        y=trades["realized_r"].to_numpy()[rows],
        mode="markers",
        marker={"color": faded(colours.refused, 0.45), "size": 5},
        customdata=np.array(_about(trades.iloc[rows]), dtype=object),
        hovertemplate="%{customdata}<extra></extra>",
        name=f"Trades · {number(int(np.isfinite(x).sum()), 0)}",
    )
    low, high = quarters["average_r_low"].to_numpy(), quarters["average_r_high"].to_numpy()
    average = quarters["average_r"].to_numpy()
    figure.add_scatter(
        x=quarters["middle"],
        y=average,
        mode="markers",
        name=f"Average of a quarter of the trades ({_sizes(quarters['trades'])} each), and its 95 % range",
        marker={"color": colours.up, "size": 9, "symbol": "diamond"},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": np.nan_to_num(high - average),
            "arrayminus": np.nan_to_num(average - low),
            "color": colours.up,
            "thickness": 2,
            "width": 5,
        },
        customdata=[
            f"{number(q.low)} to {number(q.high)}: {counted(q.trades, 'trade')}, {r_multiple(q.average_r)} per trade"
            f"<br>95 %: {number(q.average_r_low, sign=True)} … {number(q.average_r_high, sign=True)}"
            for q in _rows(quarters)
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    lines = {"gridcolor": colours.grid, "zerolinecolor": colours.opening_range, "automargin": True, "fixedrange": True}
    figure.update_layout(
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        dragmode=False,
        hovermode="closest",
        showlegend=True,
        xaxis={**lines, "title": {"text": title, "standoff": 4}},
        yaxis={**lines, "title": {"text": "Result, R"}, "nticks": 6},
    )
    return figure


def score_figure(by_score: pd.DataFrame, *, dark: bool = False, height: int = 250) -> go.Figure:
    """Draw the average R of a trade by its score at the signal, with its range and the number of trades.

    Parameters
    ----------
    by_score : DataFrame
        What `breakdown.by_score` returns.
    dark : bool
    height : int
        In pixels.
    """
    names = [f"{score:g}" for score in by_score["score"]]
    figure = groups_figure(by_score, names, dark=dark, height=height)
    return figure.update_layout(
        bargap=max(0.2, 1 - 0.08 * len(names)),  # a few bars do not fill a whole page
        xaxis={
            "title": {"text": "Score at the signal, points", "standoff": 4},
            "ticktext": [f"{name}<br>{counted(n, 'trade')}" for name, n in zip(names, by_score["trades"], strict=True)],
        },
    )


def _sizes(counts: "pd.Series[int]") -> str:
    fewest, most = (number(n, 0) for n in (counts.min(), counts.max()))
    return fewest if fewest == most else f"{fewest} to {most}"


def _about(trades: pd.DataFrame) -> list[str]:
    days = trades["session_date"].dt.strftime("%Y-%m-%d")
    return [
        f"{symbol} {day}: {r_multiple(r)}"
        for symbol, day, r in zip(trades["symbol"], days, trades["realized_r"], strict=True)
    ]


def _rows(frame: pd.DataFrame) -> Iterator[Any]:
    yield from frame.itertuples(index=False)
