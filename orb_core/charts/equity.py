"""The running total of a run, and how far it fell."""

from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from orb_core.analytics.words import number, r_multiple, zone_name
from orb_core.charts.palette import base_layout, faded, palette

EQUITY_POINTS: Final = 2_000
FEW_TRADES: Final = 10


def thin_out(values: NDArray[np.float64], points: int) -> NDArray[np.int64]:
    """Return the positions of about `points` values that keep every peak and trough of a long line.

    The line is cut into equal stretches and each keeps its first, lowest and highest value; the last is always kept.
    """
    n = len(values)
    if n <= points:
        return np.arange(n)
    edges = np.linspace(0, n, points // 3 + 1).astype(np.int64)
    keep = [
        position
        for start, stop in pairwise(edges)
        for position in (start, start + np.argmin(values[start:stop]), start + np.argmax(values[start:stop]))
    ]
    return np.unique(np.array([*keep, n - 1]))


def equity_figure(
    equity: pd.DataFrame,
    *,
    dark: bool = False,
    by_time: bool = False,
    height: int = 330,
) -> go.Figure:
    """Draw the running total in R above its drawdown.

    Parameters
    ----------
    equity : DataFrame
        Columns of `analytics.equity.EQUITY`, of which trade_number, timestamp (on the clock to show), cumulative_r and
        drawdown_r are drawn.
    dark : bool
    by_time : bool
        The horizontal axis is the time of the exit instead of the trade's number.
    height : int
        In pixels.
    """
    colours = palette(dark=dark)
    figure = go.Figure(layout=base_layout(colours, height))
    zone = zone_name(str(equity["timestamp"].dt.tz))
    keep = thin_out(equity["cumulative_r"].to_numpy(), EQUITY_POINTS)
    shown = equity.iloc[keep]
    hover = "Trade %{customdata[0]}, %{customdata[1]}<br>Total %{customdata[2]}<br>Below the peak %{customdata[3]}"
    about = [
        [number(n, 0), f"{t:%Y-%m-%d}", r_multiple(r), r_multiple(d)]
        for n, t, r, d in shown[["trade_number", "timestamp", "cumulative_r", "drawdown_r"]].itertuples(index=False)
    ]
    figure.add_scatter(
        x=_places(shown, by_time=by_time),
        y=shown["cumulative_r"],
        name="Total R",
        mode="lines",
        line={"color": colours.up, "width": 2},
        customdata=about,
        hovertemplate=f"{hover}<extra></extra>",
    )
    figure.add_scatter(
        x=_places(shown, by_time=by_time),
        y=shown["drawdown_r"],
        name="Drop",
        mode="lines",
        line={"color": colours.stop, "width": 1},
        fill="tozeroy",
        fillcolor=faded(colours.stop, 0.30),
        yaxis="y2",
        hoverinfo="skip",
    )
    # Left to itself, the axis of a few trades counts in fractions of one.
    whole = {"dtick": 1} if not by_time and len(equity) <= FEW_TRADES else {}
    lines = {"gridcolor": colours.grid, "zerolinecolor": colours.opening_range, "zerolinewidth": 1, "tickformat": ","}
    figure.update_layout(
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        hovermode="x",
        showlegend=True,
        xaxis={
            "title": {"text": f"Exit, {zone} time" if by_time else "Trade number", "standoff": 4},
            "gridcolor": colours.grid,
            "zeroline": False,
            "anchor": "y2",
            "automargin": True,
            **whole,
        },
        yaxis={"domain": [0.34, 1], "title": {"text": "Total, R"}, "automargin": True, "nticks": 6, **lines},
        yaxis2={"domain": [0, 0.28], "title": {"text": "Drop, R"}, "automargin": True, "nticks": 4, **lines},
    )
    return figure


def _places(equity: pd.DataFrame, *, by_time: bool) -> "pd.Series[Any]":
    """Where on the horizontal axis: a clock's times without their zone, which plotly does not keep."""
    return equity["timestamp"].dt.tz_localize(None) if by_time else equity["trade_number"]
