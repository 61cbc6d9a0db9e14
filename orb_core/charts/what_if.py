"""The stop × target grid of a run's entries."""

from typing import Final

import plotly.graph_objects as go

from orb_core.analytics.metrics import Floats
from orb_core.analytics.words import number, r_multiple
from orb_core.charts.palette import base_layout, palette
from orb_core.engine.what_if import Grid, Target

_TARGETS: Final = {"own": "Own targets", "none": "No target"}
_HEIGHT_PX: Final = 420


def target_label(target: Target) -> str:
    """Return what a column of the grid is called."""
    return _TARGETS[target] if isinstance(target, str) else r_multiple(target)


def stop_label(stop: float) -> str:
    """Return what a row of the grid is called."""
    return r_multiple(-stop)


def what_if_figure(grid: Grid, values: Floats, own: tuple[int, int], *, dark: bool = False) -> go.Figure:
    """Draw a result in R for every stop and target; the cell of the run's own settings is framed, the best one dotted.

    Parameters
    ----------
    grid : Grid
        Its stops are the rows, its targets the columns.
    values : float64[stops, targets]
        In R.
    own : (int, int)
        Row and column of the run itself.
    dark : bool
    """
    colours = palette(dark=dark)
    bound = max(float(abs(values).max()), 1e-9)
    figure = go.Figure(layout=base_layout(colours, _HEIGHT_PX))
    figure.add_heatmap(
        z=values,
        x=[target_label(target) for target in grid.targets],
        y=[stop_label(stop) for stop in grid.stops],
        text=[[number(value, 2, sign=True) for value in row] for row in values],
        texttemplate="%{text}",
        textfont={"color": colours.text},
        colorscale=[[0, colours.down], [0.5, colours.paper], [1, colours.up]],
        zmin=-bound,
        zmax=bound,
        opacity=colours.under_text,
        xgap=2,
        ygap=2,
        showscale=False,
        hovertemplate="stop at %{y}, target %{x}: %{text} R<extra></extra>",
    )
    best = divmod(int(values.argmax()), values.shape[1])
    for (row, column), dash in ((best, "dot"), (own, "solid")):
        figure.add_shape(
            type="rect",
            x0=column - 0.5,
            x1=column + 0.5,
            y0=row - 0.5,
            y1=row + 0.5,
            line={"color": colours.entry, "width": 2, "dash": dash},
        )
    gap = {"ticks": "outside", "ticklen": 6, "tickcolor": "rgba(0,0,0,0)"}
    axis = {"type": "category", "showgrid": False, **gap, "automargin": True, "fixedrange": True}
    figure.update_layout(
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        dragmode=False,
        xaxis={**axis, "title": {"text": "Target", "standoff": 4}},
        yaxis={**axis, "title": {"text": "Stop, from the entry", "standoff": 8}, "autorange": "reversed"},
    )
    return figure
