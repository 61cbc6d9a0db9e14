"""Which of a run's trades are looked at: the filters, kept in the address, and what they ask for."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import date, time
from typing import Any, Final

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from orb_core.analytics.words import EXITS, FACTORS, SIDES, WEEKDAYS

OUTCOMES: Final = {"win": "Wins", "loss": "Losses", "scratch": "At zero", "unclear": "Unclear fills"}
AGREED: Final = {
    f"{side}{name}": f"{words}{said}"
    for name, words in FACTORS.items()
    for side, said in (("", ": yes"), ("-", ": no"))
}
KEY: Final = "t_{}"


@dataclass(frozen=True)
class TradeFilter:
    """What is asked of a trade; what is empty or None asks for nothing.

    Attributes
    ----------
    symbol, side, outcome, ended : collection of str
        One of them; outcomes are keys of `OUTCOMES`, ends of `words.EXITS`.
    factor : collection of str
        All of them: a factor's name where it agreed, `-` before it where it did not.
    r_from, r_to : float or None
        Realized R, both included.
    days : tuple of date
        First and last session, both included; the last may be missing.
    weekday : collection of str
        Of `words.WEEKDAYS`.
    time_from, time_to : time or None
        Start of the entry's bar on the exchange's clock, both included.
    """

    symbol: Collection[str] = ()
    side: Collection[str] = ()
    outcome: Collection[str] = ()
    ended: Collection[str] = ()
    factor: Collection[str] = ()
    r_from: float | None = None
    r_to: float | None = None
    days: tuple[date, ...] = ()
    weekday: Collection[str] = ()
    time_from: time | None = None
    time_to: time | None = None

    @property
    def n_set(self) -> int:
        """Return how many of the filters ask for something."""
        return sum(getattr(self, each.name) not in (None, (), []) for each in fields(self))

    def fits(self, trades: pd.DataFrame) -> NDArray[np.bool_]:
        """Return which trades of `StoredRun.all_trades` are asked for."""
        fit = np.ones(len(trades), np.bool_)
        for name, asked in (("symbol", self.symbol), ("direction", self.side), ("exit_reason", self.ended)):
            if asked:
                fit &= trades[name].isin(list(asked)).to_numpy()
        r = trades["realized_r"].to_numpy()
        if self.outcome:
            kinds = {"win": r > 0, "loss": r < 0, "scratch": r == 0, "unclear": trades["ambiguous"].to_numpy()}
            fit &= np.any([kinds[name] for name in self.outcome], axis=0)
        for name in self.factor:
            fit &= (trades[f"{name.removeprefix('-')}_flag"].to_numpy() > 0) != name.startswith("-")
        day = trades["session_date"].to_numpy().astype("datetime64[D]")
        if self.weekday:
            # Day 0 of the epoch was a Thursday.
            fit &= np.isin((day.astype(np.int64) + 3) % 7, [WEEKDAYS.index(name) for name in self.weekday])
        entered = trades["entry_local"].to_numpy().astype("datetime64[m]").astype(np.int64) % (24 * 60)
        days = [np.datetime64(each) for each in self.days]
        for values, low, high in (
            (r, self.r_from, self.r_to),
            (day, *(*days, None, None)[:2]),
            (entered, _minutes(self.time_from), _minutes(self.time_to)),
        ):
            fit &= _within(values, low, high)
        return fit


def _minutes(clock: time | None) -> int | None:
    return None if clock is None else 60 * clock.hour + clock.minute


def _within(values: NDArray[Any], low: Any, high: Any) -> NDArray[np.bool_]:
    fit = np.ones(len(values), np.bool_)
    if low is not None:
        fit &= values >= low
    if high is not None:
        fit &= values <= high
    return fit


def filters(trades: pd.DataFrame, zone: str) -> TradeFilter:
    """Draw the filters: the common ones in a row, the rest behind a button; return what they ask for."""
    symbols = [str(name) for name in trades["symbol"].unique()]
    days = trades["session_date"].dt.day_of_week.unique()
    first, last = trades["session_date"].min().date(), trades["session_date"].max().date()
    common: dict[str, Any] = {"bind": "query-params", "placeholder": "All"}
    asked: dict[str, Any] = {}
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        if len(symbols) > 1:
            asked["symbol"] = st.multiselect("Symbol", sorted(symbols), key=KEY.format("symbol"), width=190, **common)
        asked["side"] = _pills("Side", SIDES, "side")
        asked["outcome"] = _pills("Outcome", OUTCOMES, "outcome")
        asked["ended"] = st.multiselect(
            "How it ended", list(EXITS), format_func=EXITS.__getitem__, key=KEY.format("ended"), width=190, **common
        )
        with st.popover("More", icon=":material/filter_alt:", help="Factors, R, dates, weekdays, time of entry"):
            asked["factor"] = st.multiselect(
                "Factors at the signal",
                list(AGREED),
                format_func=AGREED.__getitem__,
                key=KEY.format("factor"),
                **common,
            )
            from_r, to_r = st.columns(2, gap="small")
            asked["r_from"] = _number(from_r, "R from", "r_from")
            asked["r_to"] = _number(to_r, "R to", "r_to")
            asked["days"] = st.date_input(
                "Days", (), first, last, key=KEY.format("days"), format="YYYY-MM-DD", bind="query-params"
            )
            asked["weekday"] = _pills("Weekday", {WEEKDAYS[d]: WEEKDAYS[d] for d in sorted(days)}, "weekday")
            since, until = st.columns(2, gap="small")
            asked["time_from"] = _time(since, f"In from, {zone}", "time_from")
            asked["time_to"] = _time(until, "In to", "time_to")
    return TradeFilter(**asked)


def clear() -> None:
    """Ask for nothing; a callback. A field whose value is only taken away finds it in the address again."""
    for each in fields(TradeFilter):
        if (name := KEY.format(each.name)) in st.session_state:
            st.session_state[name] = each.default


def _pills(label: str, options: dict[str, str], name: str) -> list[str]:
    return st.pills(
        label,
        list(options),
        selection_mode="multi",
        format_func=options.__getitem__,
        key=KEY.format(name),
        bind="query-params",
    )


def _number(place: Any, label: str, name: str) -> float | None:
    return place.number_input(
        label, value=None, step=0.5, format="%g", placeholder="any", key=KEY.format(name), bind="query-params"
    )


def _time(place: Any, label: str, name: str) -> time | None:
    return place.time_input(label, value=None, step=300, key=KEY.format(name), bind="query-params")
