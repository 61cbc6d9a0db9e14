"""What the app keeps of kept bars between two looks, under what changes whenever they do."""

from datetime import UTC, date, datetime

import streamlit as st

from orb_core import data_service
from orb_core.config.load import load_config
from orb_core.config.models import RunConfig, SessionSettings
from orb_core.data.kept_bars import BarQuality, CoveredDay, Dataset
from orb_core.jobs import JobManager
from pages.parts import forms

MINUTE_SECONDS = 60


@st.cache_resource
def fetches() -> JobManager:
    """Return the queue of this server's fetches: one at a time, as Yahoo answers one at a time, and no run waits."""
    return JobManager(max_workers=1)


def launch_config() -> RunConfig:
    """Return the settings of Launch, the defaults where there are none or they need mending."""
    config = None if forms.is_new() else forms.current()[0]
    return config or load_config()


def datasets() -> list[Dataset]:
    """Return all kept bars."""
    return _datasets(data_service.kept_stamp())


def coverage(of: Dataset, session: SessionSettings) -> list[CoveredDay]:
    """Return which sessions are archived."""
    return _coverage(data_service.kept_stamp(), of, session, datetime.now(tz=UTC).date())


def quality(of: Dataset, session: SessionSettings, or_minutes: int) -> BarQuality:
    """Return what is wrong with kept bars."""
    return _quality(data_service.kept_stamp(), of, session, or_minutes)


def yahoo_dates(symbols: tuple[str, ...], interval: str) -> tuple[date, date, date]:
    """Return the first session that can be had, archived ones included, and Yahoo's own first and last."""
    return _yahoo_dates(data_service.kept_stamp(), symbols, interval, launch_config())


@st.cache_data(max_entries=2, show_spinner=False)
def _datasets(stamp: str) -> list[Dataset]:  # noqa: ARG001 — part of the key
    return data_service.datasets()


@st.cache_data(max_entries=16, show_spinner=False)
def _coverage(stamp: str, of: Dataset, session: SessionSettings, today: date) -> list[CoveredDay]:  # noqa: ARG001
    return data_service.coverage(of, session, today)


@st.cache_data(max_entries=16, show_spinner="Looking at every bar")
def _quality(stamp: str, of: Dataset, session: SessionSettings, or_minutes: int) -> BarQuality:  # noqa: ARG001
    return data_service.quality(of, session, or_minutes)


@st.cache_data(max_entries=32, ttl=MINUTE_SECONDS, show_spinner=False)
def _yahoo_dates(
    stamp: str,  # noqa: ARG001
    symbols: tuple[str, ...],
    interval: str,
    config: RunConfig,
) -> tuple[date, date, date]:
    first, last = data_service.yahoo_reach(config.session, interval)
    archived = data_service.archived_from(symbols, interval, config)
    return min(first, archived or first), first, last
