"""Two or more runs on one chart: where the R of one became that of the other, and their totals over time."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from orb_core.analytics.compare import BridgePart
from orb_core.analytics.words import counted, r_multiple
from orb_core.charts.equity import EQUITY_POINTS, thin_out
from orb_core.charts.palette import base_layout, palette

DASHES: Final = ("dash", "solid", "dot", "dashdot", "longdash", "longdashdot")


def bridge_figure(
    total_a: float, total_b: float, parts: Sequence[BridgePart], *, dark: bool = False, height: int = 300
) -> go.Figure:
    """Draw the way from A's total R to B's, part by part; a part without any trade is left out.

    Parameters
    ----------
    total_a, total_b : float
    parts : sequence of BridgePart
        They add up to the difference.
    dark : bool
    height : int
        In pixels.
    """
    colours = palette(dark=dark)
    steps = [part for part in parts if part.trades]
    figure = go.Figure(layout=base_layout(colours, height))
    values = [total_a, *(part.r for part in steps), total_b]
    figure.add_waterfall(
        y=["A", *(part.label for part in steps), "B"],
        x=values,
        orientation="h",
        measure=["absolute", *("relative" for _ in steps), "total"],
        text=[r_multiple(value) for value in values],
        textposition="outside",
        cliponaxis=False,
        increasing={"marker": {"color": colours.up}},
        decreasing={"marker": {"color": colours.down}},
        totals={"marker": {"color": colours.refused}},
        connector={"line": {"color": colours.opening_range, "width": 1}},
        customdata=[
            f"A on the shared days: {r_multiple(total_a)}",
            *(f"{p.label}: {r_multiple(p.r)}, {counted(p.trades, 'trade')}" for p in steps),
            f"B on the shared days: {r_multiple(total_b)}",
        ],
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=False,
    )
    reached = np.concatenate(([0.0, total_a], total_a + np.cumsum([part.r for part in steps]), [total_b]))
    room = 0.22 * max(float(reached.max() - reached.min()), 1.0)
    figure.update_layout(
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        dragmode=False,
        yaxis={"autorange": "reversed", "automargin": True, "fixedrange": True},
        xaxis={
            "title": {"text": "Total, R", "standoff": 4},
            "automargin": True,
            "nticks": 6,
            "range": [float(reached.min()) - room, float(reached.max()) + room],
            "showgrid": False,  # lines would cross the labels; A and B stand on zero
            "zeroline": False,
            "fixedrange": True,
        },
    )
    return figure


def totals_figure(
    lines: Mapping[str, "pd.Series[float]"], *, title: str, dark: bool = False, height: int = 300
) -> go.Figure:
    """Draw the running totals of several runs over time; one alone is a solid line without a legend.

    Parameters
    ----------
    lines : mapping
        Name → total R, its index the time.
    title : str
        Of the horizontal axis.
    dark : bool
    height : int
        In pixels.
    """
    colours = palette(dark=dark)
    inks = (colours.text, colours.up, colours.down, colours.vwap, colours.target, colours.stop)
    figure = go.Figure(layout=base_layout(colours, height))
    for n, (name, total) in enumerate(lines.items(), start=int(len(lines) == 1)):
        shown = total.iloc[thin_out(np.asarray(total, dtype=np.float64), EQUITY_POINTS)]
        figure.add_scatter(
            x=shown.index,
            y=shown,
            name=name,
            mode="lines",
            line={"color": inks[n % len(inks)], "dash": DASHES[n % len(DASHES)], "width": 1.5 if n == 0 else 2},
            customdata=[r_multiple(value) for value in shown],
            hovertemplate="%{fullData.name}, %{x|%Y-%m-%d}: %{customdata}<extra></extra>",
        )
    figure.update_layout(
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        hovermode="x",
        showlegend=len(lines) > 1,
        xaxis={"title": {"text": title, "standoff": 4}, "gridcolor": colours.grid, "automargin": True},
        yaxis={
            "title": {"text": "Total, R"},
            "gridcolor": colours.grid,
            "zerolinecolor": colours.opening_range,
            "automargin": True,
            "nticks": 6,
        },
    )
    return figure
