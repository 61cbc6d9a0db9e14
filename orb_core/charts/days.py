"""A run day by day: the calendar of its results, and bars of groups with their intervals."""

from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from orb_core.analytics.words import MINUS, WEEKDAYS, number, percent, r_multiple
from orb_core.charts.palette import Palette, base_layout, faded, palette

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ROW_PX: Final = 21
FEWEST_WEEKS: Final = 27
"""That a calendar has room for: fewer would make cells wider than a day looks."""
CELL: Final = 0.9
"""Of the room of a day."""
NO_TRADE: Final = "·"
GAP_PX: Final = 32
FAINT: Final = 0.15
STRONG_R: Final = 2.0
"""From here on a day has the full colour."""


def calendar_height(days: pd.DataFrame) -> int:
    """Return how many pixels `calendar_figure` needs."""
    when = pd.DatetimeIndex(days["session_date"])
    return int(when.year.nunique()) * (_rows(when) * ROW_PX + GAP_PX)


def calendar_figure(days: pd.DataFrame, *, left_out: Collection[str] = (), dark: bool = False) -> go.Figure:
    """Draw a cell per session: a band per year, a row per weekday, a column per week, from the first one of one year.

    Parameters
    ----------
    days : DataFrame
        One row per session date, in order: `session_date`, `trades` and `realized_r` of all symbols, `why` (text of the
        hover).
    left_out : collection of str
        Dates that are crossed out, as in "2024-01-31".
    dark : bool
    """
    colours = palette(dark=dark)
    when = pd.DatetimeIndex(days["session_date"])
    rows = _rows(when)
    years = np.unique(when.year)
    height = calendar_height(days)
    pitch = rows + GAP_PX / ROW_PX
    band = np.searchsorted(years, when.year)
    newyear = pd.to_datetime(when.year.astype(str) + "-01-01")
    week = ((when.day_of_year - 1 + newyear.day_of_week) // 7).to_numpy()
    up_from_below = (len(years) - band) * pitch - GAP_PX / ROW_PX - when.day_of_week.to_numpy() - 0.5
    r, trades = days["realized_r"].to_numpy(), days["trades"].to_numpy()
    crossed = [f"{day:%Y-%m-%d}" in left_out for day in when]
    figure = go.Figure(layout=base_layout(colours, height))
    figure.add_bar(  # bars, unlike heatmaps, can be clicked, and unlike markers grow with the page
        x=week,
        y=np.full(len(days), CELL),
        base=up_from_below - CELL / 2,
        width=CELL,
        marker={
            "color": [
                colours.band if out else _colour(value, n, colours)
                for value, n, out in zip(r, trades, crossed, strict=True)
            ],
            "line": {"width": 0},
        },
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        constraintext="none",
        text=[
            "✕" if out else _sign(value) if n else NO_TRADE for value, n, out in zip(r, trades, crossed, strict=True)
        ],
        textfont={"size": 11, "color": colours.text},
        customdata=[
            [
                f"{day:%Y-%m-%d}",
                f"{day:%A} {day.day} {day:%B %Y}",
                r_multiple(value) if n else "No trade",
                f"{why}<br>To be left out" if out else why,
            ]
            for day, value, n, why, out in zip(when, r, trades, days["why"], crossed, strict=True)
        ],
        hovertemplate="%{customdata[1]}<br>%{customdata[2]}<br>%{customdata[3]}<extra></extra>",
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        showlegend=False,
    )
    top = (len(years) - np.arange(len(years))) * pitch - GAP_PX / ROW_PX
    begin, end = (int(week.min()), int(week.max())) if len(years) == 1 else (0, 53)
    figure.update_layout(
        margin={"l": 44, "r": 8, "t": 8, "b": 4},
        dragmode=False,
        hovermode="closest",
        annotations=[*_year_names(years, top, rows, colours), *_month_names(when, week, band, top)],
        xaxis={"range": [begin - 0.6, max(end, begin + FEWEST_WEEKS - 1) + 0.6], "visible": False, "fixedrange": True},
        yaxis={"range": [0, len(years) * pitch], "visible": False, "fixedrange": True},
    )
    return figure


def groups_figure(
    groups: pd.DataFrame,
    names: Sequence[str],
    *,
    left_out: Collection[str] = (),
    dark: bool = False,
    height: int = 250,
) -> go.Figure:
    """Draw the average R of groups as bars, with the 95 % interval of each and its number of trades.

    Parameters
    ----------
    groups : DataFrame
        Columns of `breakdown.GROUP`.
    names : sequence of str
        What each group is called.
    left_out : collection of str
        Names of groups that are crossed out.
    dark : bool
    height : int
        In pixels.
    """
    colours = palette(dark=dark)
    average = groups["average_r"].to_numpy()
    figure = go.Figure(layout=base_layout(colours, height))
    figure.add_bar(
        x=list(names),
        y=average,
        marker={
            "color": [
                colours.band if name in left_out else faded(colours.up if r >= 0 else colours.down, 0.75)
                for name, r in zip(names, average, strict=True)
            ]
        },
        error_y={
            "type": "data",
            "symmetric": False,
            "array": (groups["average_r_high"] - average).fillna(0.0),
            "arrayminus": (average - groups["average_r_low"]).fillna(0.0),
            "color": colours.text,
            "thickness": 1,
            "width": 4,
        },
        customdata=[
            [number(n, 0), r_multiple(mean), _interval(low, high), percent(rate), r_multiple(total)]
            for n, rate, total, mean, low, high in groups[
                ["trades", "win_rate", "total_r", "average_r", "average_r_low", "average_r_high"]
            ].itertuples(index=False)
        ],
        hovertemplate="%{x}: %{customdata[0]} trades<br>%{customdata[1]} per trade, 95 %%: %{customdata[2]}"
        "<br>Win rate %{customdata[3]}, %{customdata[4]} in all<extra></extra>".replace("%%", "%"),
        unselected={"marker": {"opacity": 1}},
        showlegend=False,
    )
    figure.update_layout(
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        dragmode=False,
        xaxis={
            "type": "category",
            "tickmode": "array",
            "tickvals": list(names),
            "ticktext": [
                f"{'✕ ' if name in left_out else ''}{name}<br>{number(n, 0)}"
                for name, n in zip(names, groups["trades"], strict=True)
            ],
            "automargin": True,
            "fixedrange": True,
        },
        yaxis={
            "title": {"text": "R per trade"},
            "automargin": True,
            "nticks": 6,
            "gridcolor": colours.grid,
            "zerolinecolor": colours.opening_range,
            "fixedrange": True,
        },
    )
    return figure


def _rows(when: pd.DatetimeIndex) -> int:
    """Weekdays that need a row: five, or seven where markets are open at the weekend."""
    return 7 if (when.day_of_week > 4).any() else 5


def _interval(low: float, high: float) -> str:
    return f"{number(low, sign=True)} … {number(high, sign=True)}"


def _sign(r: float) -> str:
    return "" if abs(r) < 0.005 else "+" if r > 0 else MINUS


def _colour(r: float, trades: int, colours: Palette) -> str:
    if not trades:
        return colours.volume
    strength = FAINT + (colours.under_text - FAINT) * min(abs(r) / STRONG_R, 1.0)
    return faded(colours.up if r >= 0 else colours.down, strength)


def _year_names(years: NDArray[Any], top: NDArray[Any], rows: int, colours: Palette) -> list[dict[str, Any]]:
    plain = {"showarrow": False, "xref": "paper", "x": 0, "xanchor": "right", "xshift": -6, "yanchor": "middle"}
    names = [
        {**plain, "y": edge + 0.9, "text": f"<b>{year}</b>", "xanchor": "left", "xshift": -38}
        for year, edge in zip(years, top, strict=True)
    ]
    weekdays = [
        {**plain, "y": edge - row - 0.5, "text": WEEKDAYS[row], "font": {"size": 11, "color": colours.refused}}
        for edge in top
        for row in range(rows)
    ]
    return [*names, *weekdays]


def _month_names(
    when: pd.DatetimeIndex, week: NDArray[Any], band: NDArray[Any], top: NDArray[Any]
) -> list[dict[str, Any]]:
    """Each month's name above the first week it has a session in."""
    weeks = pd.DataFrame({"band": band, "month": when.month, "week": week})
    first = weeks.sort_values("week", kind="stable").drop_duplicates(["band", "month"])
    return [
        {
            "x": start + (0.5 if month > 1 else 0),
            "y": top[row] + 0.1,
            "text": MONTHS[month - 1],
            "showarrow": False,
            "yanchor": "bottom",
            "xanchor": "center",
            "font": {"size": 11},
        }
        for row, month, start in first.to_numpy().tolist()
    ]
