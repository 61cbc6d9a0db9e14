"""What a report is made of: everything it says comes from here, and nothing is computed from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd

from orb_core.analytics.intervals import Interval
from orb_core.analytics.session_view import SessionView
from orb_core.config.models import RunConfig


@dataclass(frozen=True)
class Example:
    """One trade that is shown with its chart: its row of `all_trades`, and its session."""

    trade: Any
    view: SessionView


@dataclass(frozen=True)
class SymbolFacts:
    """What is known of one symbol of a run.

    Attributes
    ----------
    status : str
        `complete`, `failed` or `cancelled`; all below is empty unless it is complete.
    error : str or None
    metrics, quality : mapping or None
        As they are stored.
    first_bar, last_bar : datetime or None
        Warm-up included.
    fingerprint : str or None
        SHA-256 that stands for its bars.
    """

    status: str
    error: str | None
    metrics: Mapping[str, Any] | None
    quality: Mapping[str, Any] | None
    first_bar: datetime | None
    last_bar: datetime | None
    fingerprint: str | None


@dataclass(frozen=True)
class Contents:
    """A run, or one symbol of it, as a report shows it.

    Attributes
    ----------
    run_id : str
    symbols : mapping
        Symbol → what is known of it, in the order asked for; only one in the report of a symbol.
    title, note : str
        What people wrote about it, empty if nothing.
    created : datetime
    start, end : date
    config : RunConfig
    config_hash : str
    source : mapping
        Fields of `service.SourceSpec`.
    timezone : str
        IANA name of the exchange's clock.
    warnings : tuple of str
        What the run said about itself, worst first.
    versions : mapping
        Of what computed it: name → version.
    metrics : mapping
        `summary(…).metrics`, empty where nothing was run.
    intervals : mapping
        `intervals.metric_intervals` of the same trades, empty where there are none.
    trades, equity, days, signals : DataFrame
        Columns of `store.tables.ALL_TRADES`, `equity.EQUITY` (on the exchange's clock), `ledger.ledger` and
        `records.SIGNALS`.
    best, worst : tuple of Example
        From the best down, and from the worst up; no trade is in both.
    """

    run_id: str
    symbols: Mapping[str, SymbolFacts]
    title: str
    note: str
    created: datetime
    start: date
    end: date
    config: RunConfig
    config_hash: str
    source: Mapping[str, Any]
    timezone: str
    warnings: tuple[str, ...]
    versions: Mapping[str, str]
    metrics: Mapping[str, Any]
    intervals: Mapping[str, Interval]
    trades: pd.DataFrame
    equity: pd.DataFrame
    days: pd.DataFrame
    signals: pd.DataFrame
    best: tuple[Example, ...]
    worst: tuple[Example, ...]

    @property
    def is_made_up(self) -> bool:
        """Whether its prices are synthetic."""
        return bool(self.source["kind"] == "synthetic")
