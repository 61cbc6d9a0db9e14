"""Days to be left out of the next run, gathered on the Days tab: dates, weekdays, half days."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from orb_core.analytics.words import counted
from orb_core.config.fields import WEEKDAYS
from orb_core.data.sessions import session_table
from orb_core.store.stored_run import StoredRun
from pages.parts import forms
from pages.parts.frame import LAUNCH
from pages.parts.launching import fill_from

OF, DATES, DAYS, HALF, PICKING = "out.of", "out.dates", "out.weekdays", "out.half_days", "out.picking"
MENU_PX = 360
NO_FREE_LUNCH = "Days chosen by their result make any strategy look good."


def begin(of: StoredRun) -> None:
    """Start with nothing left out, the first time a session looks at a run's days."""
    if st.session_state.get(OF) != of.run_id:
        st.session_state.update({OF: of.run_id, DATES: [], DAYS: [], HALF: False})


def is_picking() -> bool:
    """Draw the switch that makes a click on a chart leave a day out; return whether it is on."""
    return st.toggle(
        "Pick days to leave out",
        key=PICKING,
        persist_state="session",
        help="A click on a day of the calendar, or on a weekday's bar, leaves it out or takes it in again.",
    )


def menu(of: StoredRun, ledger: pd.DataFrame) -> None:
    """Draw what is left out so far, to be changed and taken to Launch."""
    half_days = _half_days(of)
    occurring = {WEEKDAYS[day] for day in set(ledger["session_date"].dt.day_of_week)}
    labels = {day: day.capitalize() for day in of.config.session.weekdays if day in occurring}
    dates = st.session_state[DATES]
    said = [counted(len(dates), "date")] if dates else []
    said += [labels[day] for day in st.session_state[DAYS]]
    said += ["half days"] if st.session_state[HALF] else []
    label = f"Leave out: {', '.join(said)}" if said else "Leave out"
    with st.popover(label, icon=":material/event_busy:"), st.container(width=MENU_PX, gap="small"):
        st.pills(
            "Weekdays",
            list(labels),
            selection_mode="multi",
            format_func=labels.__getitem__,
            key=DAYS,
            persist_state="session",
        )
        st.toggle(
            f"Half days · {len(half_days)} in this run", key=HALF, persist_state="session", disabled=not half_days
        )
        st.multiselect(
            "Dates",
            ledger["session_date"].dt.strftime("%Y-%m-%d").unique().tolist(),
            key=DATES,
            placeholder="Pick or type a date",
            persist_state="session",
        )
        st.caption(f"This run stays as it is; the change is made to the settings on Launch. {NO_FREE_LUNCH}")
        if st.button("Take to Launch", key="out.take", type="primary", disabled=not said, width="stretch"):
            take(of)


def take(of: StoredRun, more: frozenset[str] = frozenset()) -> None:
    """Go to Launch with a run's settings, changed by what is left out and by these dates."""
    fill_from(of)
    session, chosen = of.config.session, st.session_state
    dates = {str(day) for day in session.exclude_dates} | {*chosen[DATES]} | more
    traded = [day for day in session.weekdays if day not in chosen[DAYS]]
    half_days = "skip" if chosen[HALF] else session.half_days
    for path, value in (("exclude_dates", sorted(dates)), ("weekdays", traded), ("half_days", half_days)):
        st.session_state[forms.key(f"session.{path}")] = value
    st.switch_page(LAUNCH, query_params={"run": of.run_id})


def left_out(of: StoredRun, days: "pd.Series[pd.Timestamp]") -> set[str]:
    """Return which of these days are left out so far."""
    numbers = [WEEKDAYS.index(day) for day in st.session_state[DAYS]]
    of_weekdays = days[days.dt.day_of_week.isin(numbers)].dt.strftime("%Y-%m-%d")
    return {*st.session_state[DATES], *of_weekdays, *(_half_days(of) if st.session_state[HALF] else ())}


def weekdays() -> list[str]:
    """Return the weekdays that are left out so far, as charts name them."""
    return [day.capitalize() for day in st.session_state[DAYS]]


def pick_day(chart: str) -> None:
    """Leave out the day that was clicked in a calendar, or take it in again."""
    for point in _points(chart):
        _toggle(DATES, point["customdata"][0])


def pick_weekday(chart: str) -> None:
    """Leave out the weekday whose bar was clicked, or take it in again."""
    for point in _points(chart):
        _toggle(DAYS, point["x"].lower())


def _points(chart: str) -> list[dict[str, Any]]:
    points: list[dict[str, Any]] = st.session_state[chart]["selection"]["points"]
    return points


def _toggle(key: str, item: str) -> None:
    kept = st.session_state[key]
    st.session_state[key] = [each for each in kept if each != item] if item in kept else [*kept, item]


def _half_days(of: StoredRun) -> list[str]:
    table = session_table(of.config.session, of.manifest.start, of.manifest.end)
    return [str(day) for day in np.datetime_as_string(table.dates[table.is_half_day])]
