"""A run's days: where the R came from, and every session with what happened or why nothing did."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from orb_core.analytics.breakdown import by_hour, by_month, by_weekday
from orb_core.analytics.days import by_date
from orb_core.analytics.words import SHORT_OR_STATES, counted, number, price_digits, r_multiple, zone_name
from orb_core.charts.days import MONTHS, calendar_figure, groups_figure
from orb_core.config.hours import exchange_zone
from orb_core.store.stored_run import StoredRun
from pages.parts import cached, computed, leave_out
from pages.parts.frame import SESSION, is_dark
from pages.parts.tables import group_columns, r_column

STILL = {"displayModeBar": False}
YEARS_AT_ONCE = 2
TABLE_ROWS, TABLE_PX = 16, 535
SHOWN = ("All", "With a trade", "Without a trade")


def days_tab(of: StoredRun) -> None:
    """Show the calendar, the months, weekdays and hours, and the ledger."""
    if of.manifest.totals is None:
        st.caption("This run has no results; its Overview says why.")
        return
    ledger = computed.ledger(of)
    if ledger.empty:
        st.caption("This run has no sessions.")
        return
    picking = _calendar(of, ledger)
    trades = cached.trades(of)
    if not trades.empty:
        _months(trades)
        _groups(of, trades, picking=picking)
    _ledger(of, ledger)


def _calendar(of: StoredRun, ledger: pd.DataFrame) -> bool:
    """Draw the days; return whether a click leaves one out instead of showing it."""
    leave_out.begin(of)
    days = by_date(ledger)
    years = days["session_date"].dt.year
    listed = sorted(years.unique(), reverse=True)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            "**R by day** :gray[· + earned, − lost, stronger up to 2 R; a dot had no trade; select a day to "
            f"{'leave it out' if st.session_state.get(leave_out.PICKING) else 'see it'}]",
            width="content",
        )
        st.space("stretch")
        if len(listed) > YEARS_AT_ONCE:
            year = st.selectbox(
                "Year", listed, key="days.year", persist_state="session", label_visibility="collapsed", width=110
            )
            days = days[years == year]
        picking = leave_out.is_picking()
        leave_out.menu(of, ledger)
    key = "days.pick" if picking else "days.calendar"
    chosen = st.plotly_chart(
        calendar_figure(days, left_out=leave_out.left_out(of, days["session_date"]), dark=is_dark()),
        theme=None,
        key=key,
        config=STILL,
        on_select=partial(leave_out.pick_day, key) if picking else "rerun",
        selection_mode="points",
        alt=f"Calendar of {len(days)} sessions, each with its result in R; the list below has the same figures",
    )
    if chosen.selection.points and not picking:
        day = chosen.selection.points[0]["customdata"][0]
        of_day = ledger[ledger["session_date"] == pd.Timestamp(day)]
        _open_day(of, of_day.loc[of_day["trades"].idxmax()])
    return picking


def _months(trades: pd.DataFrame) -> None:
    table = by_month(trades).pivot_table(index="year", columns="month", values="total_r")
    table = table.reindex(columns=range(1, 13))
    table["Year"] = table.sum(axis=1)
    table.columns = pd.Index([*MONTHS, "Year"])
    st.markdown("**R by month** :gray[· of the session a trade was entered in]")
    st.dataframe(
        table.sort_index(ascending=False).rename_axis("").reset_index(),
        column_config={
            "": st.column_config.NumberColumn("", format="%d", pinned=True, width=60),
            **{name: r_column(name, "Total R of the trades entered.") for name in (*MONTHS, "Year")},
        },
        hide_index=True,
        height="content",
        placeholder="",
        alt="Total R by year and month",
    )


def _groups(of: StoredRun, trades: pd.DataFrame, *, picking: bool) -> None:
    timezone = exchange_zone(of.config.session)
    weekdays, hours = by_weekday(trades), by_hour(trades, timezone)
    for column, title, groups, names in zip(
        st.columns(2, gap="medium"),
        ("By weekday", f"By hour of entry, {zone_name(timezone)}"),
        (weekdays, hours),
        (weekdays["weekday"].tolist(), [f"{hour:02d}:00" for hour in hours["hour"]]),
        strict=True,
    ):
        with column:
            if groups is weekdays and picking:
                group_chart(title, groups, names, leave_out.weekdays(), leave_out.pick_weekday)
            else:
                group_chart(title, groups, names)
    st.caption("Bars: average R of a trade; whiskers: its 95 % range; below each name: how many trades.")


def group_chart(
    title: str,
    groups: pd.DataFrame,
    names: list[str],
    left_out: Collection[str] = (),
    on_pick: Callable[[str], None] | None = None,
) -> None:
    """Draw groups of trades as bars, with their table a click away; `on_pick` is told the chart's key when clicked."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{title}**", width="content")
        with st.popover("Table", type="tertiary"):
            st.dataframe(
                groups.drop(columns=groups.columns[0]).assign(name=names, win_rate=100 * groups["win_rate"]),
                column_config=group_columns(),
                column_order=list(group_columns()),
                hide_index=True,
                height="content",
                alt=f"{title}: trades, win rate and R of each group",
            )
    key = f"groups.{title}{'.pick' if on_pick else ''}"
    st.plotly_chart(
        groups_figure(groups, names, left_out=left_out, dark=is_dark()),
        theme=None,
        key=key,
        config=STILL,
        on_select=partial(on_pick, key) if on_pick else "ignore",
        selection_mode="points",
        alt=f"{title}: average R of a trade with its 95 % range and number of trades",
    )


def _ledger(of: StoredRun, ledger: pd.DataFrame) -> None:
    traded = ledger["trades"] > 0
    st.markdown(
        f"**Every session** :gray[· {counted(len(ledger), _session_word(of))}, "
        f"of which {number(int(traded.sum()), 0)} with a trade, "
        f"{counted(int(ledger['candidates'].sum()), 'breakout')}, {r_multiple(float(ledger['realized_r'].sum()))}]"
    )
    bar = st.container(horizontal=True, vertical_alignment="center")
    with bar:
        which = st.segmented_control(
            "Which sessions",
            SHOWN,
            key="days.which",
            default=SHOWN[0],
            required=True,
            persist_state="session",
            label_visibility="collapsed",
        )
    kept = ledger if which == SHOWN[0] else ledger[traded if which == SHOWN[1] else ~traded]
    kept = kept.reset_index(drop=True)
    chosen = st.dataframe(
        _ledger_table(kept),
        column_config=_ledger_columns(of),
        hide_index=True,
        key=f"days.ledger.{of.run_id}.{which}",
        on_select="rerun",
        placeholder="–",
        selection_mode="multi-row",
        height=TABLE_PX if len(kept) > TABLE_ROWS else "content",
        lazy=False,
        alt=f"{len(kept)} sessions with their opening range, breakouts, trades, R and the reason",
    )
    rows = kept.iloc[chosen.selection.rows]
    with bar:
        _actions(of, rows)


def _session_word(of: StoredRun) -> str:
    """What one row of the ledger is: with several symbols a session has as many."""
    return "session" if len(of.symbols) == 1 else "symbol-day"


def _actions(of: StoredRun, rows: pd.DataFrame) -> None:
    days = sorted({f"{day:%Y-%m-%d}" for day in rows["session_date"]})
    if st.button("Show the day", key="days.show", icon=":material/candlestick_chart:", disabled=len(rows) != 1):
        _open_day(of, rows.iloc[0])
    label = f"Leave out {counted(len(days), 'day')}" if days else "Leave out"
    if st.button(
        label,
        key="days.leave_out",
        icon=":material/event_busy:",
        disabled=not days,
        help="Takes this run's settings to Launch with these days left out, as a change of the settings. "
        f"{leave_out.NO_FREE_LUNCH}",
    ):
        leave_out.take(of, frozenset(days))
    if len(rows) == 1:
        story = rows["story"].iloc[0]
        st.caption("  \n".join(story), width="content") if len(story) > 1 else None


def _open_day(of: StoredRun, session: "pd.Series[Any]") -> None:
    st.switch_page(
        SESSION,
        query_params={
            "run": of.run_id,
            "symbol": str(session["symbol"]),
            "date": f"{session['session_date']:%Y-%m-%d}",
        },
    )


def _ledger_table(ledger: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "date": ledger["session_date"].dt.strftime("%Y-%m-%d %a"),
            "symbol": ledger["symbol"].astype(str),
            "why": ledger["why"],
            "r": ledger["realized_r"].where(ledger["trades"] > 0),
            "trades": ledger["trades"],
            "candidates": ledger["candidates"],
            "state": ledger["or_state"].astype(str).map(SHORT_OR_STATES),
            "minutes": ledger["or_minutes"],
            "low": ledger["or_low"],
            "high": ledger["or_high"],
            "or_atr": ledger["or_width"] / ledger["daily_atr"],
            "missing": ledger["missing_bars"],
        }
    )


def _ledger_columns(of: StoredRun) -> dict[str, Any]:
    digits = max(price_digits(of.config.instrument(symbol).tick_size) for symbol in of.symbols)
    price = f"%.{digits}f"
    text, count = st.column_config.TextColumn, st.column_config.NumberColumn
    return {
        "date": text("Date", pinned=True),
        "symbol": text("Symbol") if len(of.symbols) > 1 else None,
        "why": text("What happened, or why nothing did", width=340),
        "r": r_column("R", "Total of the trades entered in this session, after costs."),
        "trades": count("Trades", format="%,d"),
        "candidates": count("Breakouts", format="%,d", help="Candidates for an entry, taken or refused."),
        "state": text("Opening range", width=110),
        "minutes": count("OR min", format="%,d", help="Length of the opening range in minutes."),
        "low": count("OR low", format=price),
        "high": count("OR high", format=price),
        "or_atr": count("OR/ATR", format="%.2f", help="Height of the opening range as a multiple of daily ATR."),
        "missing": count("Missing", format="%,d", help="Minutes of the session without a bar."),
    }
