"""Plotly figures from frames: the same ones for the app and for the report."""

from orb_core.charts.equity import equity_figure
from orb_core.charts.session import session_figure

__all__ = ["equity_figure", "session_figure"]
