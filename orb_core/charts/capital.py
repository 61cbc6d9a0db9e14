"""What became of the capital: traded, and simply invested."""

from typing import Final

import pandas as pd
import plotly.graph_objects as go

from orb_core.analytics.words import number, zone_name
from orb_core.charts.equity import EQUITY_POINTS, thin_out
from orb_core.charts.palette import base_layout, palette

TRADED: Final = "This run"
HELD: Final = "Buy and hold"


def capital_figure(
    equity: pd.DataFrame, held: pd.DataFrame | None, *, dark: bool = False, height: int = 330
) -> go.Figure:
    """Draw the gain in % of the capital at the start, beside that of holding the symbols all the time.

    Parameters
    ----------
    equity : DataFrame
        What `equity.equity_curve` returns, on the clock that is shown.
    held : DataFrame, optional
        What `benchmark.held_together` returns.
    dark : bool
    height : int
        In pixels.
    """
    colours = palette(dark=dark)
    figure = go.Figure(layout=base_layout(colours, height))
    times, gained = equity["timestamp"], equity["equity"] / equity["equity"].iloc[0] - 1
    zone = str(times.dt.tz)
    if held is not None:
        held = held.assign(timestamp=held["timestamp"].dt.tz_convert(zone))
    if held is not None and held["timestamp"].iloc[-1] > times.iloc[-1]:
        # After its last trade the run's capital stays as it is.
        times = pd.concat([times, held["timestamp"].iloc[-1:]], ignore_index=True)
        gained = pd.concat([gained, gained.iloc[-1:]], ignore_index=True)
    lines = [(TRADED, times, gained, {"color": colours.up, "width": 2})]
    if held is not None:
        of_held = {"color": colours.refused, "width": 1.5, "dash": "dash"}
        lines.append((HELD, held["timestamp"], held["return_pct"], of_held))
    for name, at, gain, line in lines:
        keep = thin_out(gain.to_numpy(), EQUITY_POINTS)
        figure.add_scatter(
            x=at.iloc[keep].dt.tz_localize(None),
            y=100 * gain.iloc[keep],
            name=name,
            mode="lines",
            line=line,
            customdata=[f"{number(100 * value, sign=True)} %" for value in gain.iloc[keep]],
            hovertemplate=f"{name}, %{{x|%Y-%m-%d}}: %{{customdata}}<extra></extra>",
        )
    figure.update_layout(
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        hovermode="closest",
        showlegend=True,
        xaxis={
            "title": {"text": f"{zone_name(zone)} time", "standoff": 4},
            "gridcolor": colours.grid,
            "automargin": True,
        },
        yaxis={
            "title": {"text": "Gain, % of capital"},
            "gridcolor": colours.grid,
            "zerolinecolor": colours.opening_range,
            "automargin": True,
        },
    )
    return figure
