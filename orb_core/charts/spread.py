"""How the results of trades are spread, and how far trades went either way before they ended."""

from typing import Final, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from orb_core.analytics.words import number, r_multiple
from orb_core.charts.palette import base_layout, faded, palette

Excursion = Literal["max_adverse_r", "max_favorable_r"]

_AXES: Final[dict[Excursion, str]] = {
    "max_adverse_r": "Worst on the way, R (MAE)",
    "max_favorable_r": "Best on the way, R (MFE)",
}


def histogram_figure(bins: pd.DataFrame, *, dark: bool = False, height: int = 250) -> go.Figure:
    """Draw how many trades ended at which R.

    Parameters
    ----------
    bins : DataFrame
        What `breakdown.r_histogram` returns.
    dark : bool
    height : int
        In pixels.
    """
    colours = palette(dark=dark)
    width = bins["to_r"] - bins["from_r"]
    figure = go.Figure(layout=base_layout(colours, height))
    figure.add_bar(
        x=bins["from_r"] + width / 2,
        y=bins["trades"],
        width=width,
        marker={
            "color": [faded(colours.up if r >= 0 else colours.down, 0.75) for r in bins["from_r"]],
            "line": {"color": colours.paper, "width": 1},
        },
        customdata=[
            f"{number(n, 0)} from {r_multiple(low)} to {r_multiple(high)}"
            for low, high, n in bins[["from_r", "to_r", "trades"]].itertuples(index=False)
        ],
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=False,
    )
    lines = {"gridcolor": colours.grid, "automargin": True, "fixedrange": True}
    whole = {"dtick": 1} if bins["trades"].max() < 6 else {"nticks": 6, "tickformat": ",d"}
    figure.update_layout(
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        dragmode=False,
        xaxis={**lines, "title": {"text": "Result, R", "standoff": 4}, "zerolinecolor": colours.opening_range},
        yaxis={**lines, "title": {"text": "Trades"}, "zeroline": False, **whole},
    )
    return figure


def excursion_figure(
    trades: pd.DataFrame,
    column: Excursion,
    *,
    drawn: NDArray[np.int64] | None = None,
    dark: bool = False,
    height: int = 300,
) -> go.Figure:
    """Draw the result of each trade over how far it went for or against it: a dot is a win, a cross is not.

    Parameters
    ----------
    trades : DataFrame
        Columns of `records.TRADES`.
    column : str
    drawn : int64[], optional
        Positions of the trades that are drawn; the legend counts all. Default: every trade.
    dark : bool
    height : int
        In pixels.
    """
    colours = palette(dark=dark)
    figure = go.Figure(layout=base_layout(colours, height))
    is_drawn = np.isin(np.arange(len(trades)), drawn) if drawn is not None else np.ones(len(trades), np.bool_)
    is_win = (trades["realized_r"] > 0).to_numpy()
    for name, rows, colour, symbol in (
        ("Wins", is_win, colours.up, "circle"),
        ("Others", ~is_win, colours.down, "x"),
    ):
        shown = trades.loc[rows & is_drawn, ["symbol", "session_date", "realized_r", column]]
        days = shown["session_date"].dt.strftime("%Y-%m-%d")
        figure.add_scatter(
            x=shown[column].to_numpy(),
            y=shown["realized_r"].to_numpy(),
            name=f"{name} · {number(int(rows.sum()), 0)}",
            mode="markers",
            marker={"color": faded(colour, 0.6), "size": 6, "symbol": symbol},
            customdata=np.array(
                [
                    f"{ticker} {day}<br>ended at {r_multiple(r)}, {r_multiple(way)} on the way"
                    for ticker, day, r, way in zip(
                        shown["symbol"], days, shown["realized_r"], shown[column], strict=True
                    )
                ],
                dtype=object,
            ),
            hovertemplate="%{customdata}<extra></extra>",
        )
    lines = {"gridcolor": colours.grid, "automargin": True, "fixedrange": True, "zerolinecolor": colours.opening_range}
    figure.update_layout(
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        dragmode=False,
        hovermode="closest",
        xaxis={**lines, "title": {"text": _AXES[column], "standoff": 4}},
        yaxis={**lines, "title": {"text": "Result, R"}, "nticks": 6},
    )
    return figure
