"""What is kept of a symbol, day by day, and which minutes its sessions lack."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import plotly.graph_objects as go

from orb_core.analytics.words import WEEKDAYS, zone_name
from orb_core.charts.palette import base_layout, faded, palette
from orb_core.data.kept_bars import BarQuality, CoveredDay

STATES: Final = {"complete": "Complete", "incomplete": "Bars missing", "empty": "Empty", "missing": "Not kept"}
GAP_SESSIONS: Final = 12
"""Sessions with missing minutes that are drawn, the newest; the table beside has all."""
_SHAPES: Final = {"complete": "square", "incomplete": "diamond", "empty": "x", "missing": "square-open"}
_FEWEST_WEEKS: Final = 26
_ROW_PX: Final = 18
_TICKS_APART: Final = 15
"""The second tick of a session is this part of it from its open at least: beside the open's, one label fits."""
_AROUND_PX: Final = 66
_TITLE_PX: Final = 18


def coverage_figure(days: Sequence[CoveredDay], *, dark: bool = False) -> go.Figure:
    """Draw sessions as a calendar: a column a week, a row a weekday; each state has its colour and its shape.

    Parameters
    ----------
    days : sequence of CoveredDay
        At least one.
    dark : bool
    """
    colours = palette(dark=dark)
    colour_of = {
        "complete": colours.up,
        "incomplete": colours.down,
        "empty": colours.refused,
        "missing": colours.refused,
    }
    rows = max(5, 1 + max(day.session_date.weekday() for day in days))
    figure = go.Figure(layout=base_layout(colours, rows * _ROW_PX + _AROUND_PX))
    for state, words in STATES.items():
        of_state = [day for day in days if day.state == state]
        figure.add_scatter(
            x=[_monday(day.session_date) for day in of_state],
            y=[WEEKDAYS[day.session_date.weekday()] for day in of_state],
            name=f"{words} · {len(of_state)}",
            mode="markers",
            marker={"symbol": _SHAPES[state], "size": 11, "color": colour_of[state]},
            customdata=[(f"{day.session_date:%a %Y-%m-%d}", _bars(day)) for day in of_state],
            hovertemplate=f"%{{customdata[0]}}<br>{words}%{{customdata[1]}}<extra></extra>",
            showlegend=bool(of_state),
        )
    last = _monday(days[-1].session_date)
    first = min(_monday(days[0].session_date), last - timedelta(weeks=_FEWEST_WEEKS))
    half = timedelta(days=4)
    figure.update_layout(
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        dragmode=False,
        xaxis={
            "range": [first - half, last + half],
            "showgrid": False,
            "zeroline": False,
            "tickformat": "%b %Y",
            "automargin": True,
        },
        yaxis={
            "categoryorder": "array",
            "categoryarray": WEEKDAYS[:rows],
            "range": [rows - 0.4, -0.6],
            "showgrid": False,
            "fixedrange": True,
            "automargin": True,
        },
    )
    return figure


def gaps_figure(quality: BarQuality, *, dark: bool = False) -> go.Figure:
    """Draw the missing minutes of the newest sessions that lack some as a strip each, the opening range marked.

    Parameters
    ----------
    quality : BarQuality
        With at least one gap.
    dark : bool
    """
    colours = palette(dark=dark)
    sessions = list(dict.fromkeys(gap.session_date for gap in quality.gaps))[:GAP_SESSIONS]
    gaps = [gap for gap in quality.gaps if gap.session_date in sessions]
    length, or_minutes = quality.session_minutes, quality.report.or_minutes
    figure = go.Figure(layout=base_layout(colours, len(sessions) * _ROW_PX + _AROUND_PX + _TITLE_PX))
    figure.add_bar(
        x=[length] * len(sessions),
        y=sessions,
        orientation="h",
        name="Bars there",
        marker={"color": faded(colours.up, 0.25), "line": {"width": 0}},
        hoverinfo="skip",
    )
    figure.add_bar(
        base=[gap.from_minute for gap in gaps],
        x=[gap.minutes for gap in gaps],
        y=[gap.session_date for gap in gaps],
        orientation="h",
        name="Bars missing",
        marker={"color": colours.down, "line": {"color": colours.down, "width": 1.5}},
        customdata=[gap.clocks for gap in gaps],
        hovertemplate="%{y}<br>Missing %{customdata}<extra></extra>",
    )
    opened = int(quality.open_clock[:2]) * 60 + int(quality.open_clock[3:])
    step = 60 if length <= 600 else 180
    ticks = [0, *(at for at in range(-opened % step, length + 1, step) if at > length // _TICKS_APART)]
    figure.update_layout(
        barmode="overlay",
        bargap=0.3,
        margin={"l": 8, "r": 22, "t": 28, "b": 8},  # half of the close's label
        dragmode=False,
        shapes=[
            {
                "type": "rect",
                "x0": 0,
                "x1": or_minutes,
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "line": {"color": colours.opening_range, "width": 1},
                "fillcolor": faded(colours.opening_range, 0.14),
            }
        ],
        annotations=[
            {
                "text": f"Opening range, {or_minutes} min",
                "x": 0,
                "y": 1,
                "yref": "paper",
                "xanchor": "left",
                "yanchor": "bottom",
                "showarrow": False,
                "font": {"size": 12},
            }
        ],
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.0, "yanchor": "bottom"},
        xaxis={
            "title": {"text": f"Time, {zone_name(quality.timezone)}", "standoff": 4},
            "range": [0, length],
            "tickvals": ticks,
            "ticktext": [f"{(opened + at) // 60 % 24:02d}:{(opened + at) % 60:02d}" for at in ticks],
            "ticklabeloverflow": "allow",
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
            "automargin": True,
        },
        yaxis={"type": "category", "autorange": "reversed", "automargin": True, "fixedrange": True},
    )
    return figure


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _bars(day: CoveredDay) -> str:
    return f": {day.present:,} of {day.expected:,} bars" if day.expected else ""
