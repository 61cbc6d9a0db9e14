"""Numbers about trades: money, metrics, breakdowns."""

from orb_core.analytics.summary import Summary, summary

__all__ = ["Summary", "summary"]
