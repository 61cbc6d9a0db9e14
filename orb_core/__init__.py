"""ORB Confluence: an honest laboratory for the Opening Range Breakout strategy.

The public face for notebooks: `load_config` and `EventLoopBacktest`, loaded when first asked for so that importing
the package costs nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orb_core.config.load import load_config
    from orb_core.engine.backtest import EventLoopBacktest

__all__ = ["EventLoopBacktest", "load_config"]


def __getattr__(name: str) -> Any:
    if name == "load_config":
        from orb_core.config.load import load_config

        return load_config
    if name == "EventLoopBacktest":
        from orb_core.engine.backtest import EventLoopBacktest

        return EventLoopBacktest
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
