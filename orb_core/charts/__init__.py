"""Plotly figures from frames: the same ones for the app and for the report."""

from orb_core.charts.bars_kept import coverage_figure, gaps_figure
from orb_core.charts.equity import equity_figure
from orb_core.charts.session import session_figure

__all__ = ["coverage_figure", "equity_figure", "gaps_figure", "session_figure"]
