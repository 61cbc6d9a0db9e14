"""One run as one HTML file that needs nothing beside it."""

from orb_core.report.contents import Contents, Example
from orb_core.report.page import report_html

__all__ = ["Contents", "Example", "report_html"]
