"""The bars that are kept: which, how complete, what is wrong with them; remove them, or run on them."""

from dataclasses import asdict
from datetime import date

import pandas as pd
import streamlit as st

from orb_core import data_service
from orb_core.analytics.words import counted, zone_name
from orb_core.charts import coverage_figure, gaps_figure
from orb_core.charts.bars_kept import GAP_SESSIONS, STATES
from orb_core.config.load import load_config
from orb_core.config.models import RunConfig
from orb_core.data.kept_bars import BarQuality, CoveredDay, Dataset, days_of
from orb_core.data.quality_findings import JUMP_RANGES
from orb_core.errors import OrbError
from orb_core.service import SourceSpec
from pages.parts import ask, data_cached, forms
from pages.parts.ask import SOURCES
from pages.parts.frame import LAUNCH, is_dark
from pages.parts.markup import plain

ORIGINS = {"yahoo": SOURCES["yahoo"], "import": SOURCES["imports"]}
TABLE_ROWS, TABLE_PX = 6, 220
JUMPS_NAMED = 3
CHART_CONFIG = {"displayModeBar": False, "scrollZoom": False}
FINDINGS = {
    "out_of_order": "Out of order (sorted)",
    "repeated": "The same moment twice (the last is used)",
    "not_a_number": "A price or time missing (left out)",
    "non_positive": "A price of zero or less (left out)",
    "impossible": "High or low inside open and close (left out)",
    "off_grid": "Between two bars (left out)",
    "outside_sessions": "Outside market hours (not traded)",
    "unknown_volume": "Volume unknown",
    "zero_volume": "Volume zero",
    "false_zero_volume": "Volume zero though the price moved",
}
"""Counts of a quality report, in words."""


def choose(origin: str, symbol: str, interval: str) -> None:
    """Make these bars the ones that are looked at."""
    st.query_params["bars"] = f"{origin}:{interval}:{symbol}"


def kept(config: RunConfig, *, is_busy: bool) -> None:
    """Show all kept bars, and the chosen ones from near."""
    found = data_cached.datasets()
    if not found:
        if not is_busy:
            nothing_kept()
        return
    st.caption("Select a row to look at its bars. Fetched sessions stay for good, though Yahoo forgets them.")
    columns = [*_line(found[0])] if any(dataset.about for dataset in found) else [*_line(found[0])][:-1]
    chosen = _chosen(found)
    table = f"data.table.{hash(tuple(found))}"
    st.dataframe(
        [_line(dataset) for dataset in found],
        column_config={
            "Bars": st.column_config.NumberColumn(format="%d min"),
        },
        column_order=columns,
        hide_index=True,
        key=table,
        on_select=lambda: _pick(table, found),
        placeholder="–",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [found.index(chosen)]}},
        height=TABLE_PX if len(found) > TABLE_ROWS else "content",
        alt=f"Kept bars of {len(found)} symbols and intervals; select one to look at it",
    )
    _from_near(chosen, config)


def _pick(table: str, found: list[Dataset]) -> None:
    rows = st.session_state[table].selection.rows
    if rows:
        dataset = found[rows[0]]
        choose(dataset.origin, dataset.symbol, dataset.interval)


def nothing_kept() -> None:
    """Say what this page is for, and how to begin."""
    with st.container(border=True):
        st.markdown("**No bars are kept yet.**")
        st.caption(
            "Fetch symbols from Yahoo, or import a file of minute bars, at the left. Yahoo keeps 1-minute bars for 30 "
            "days only: what is fetched stays here, so that your history grows. Made-up prices need nothing of this."
        )
        st.page_link(LAUNCH, label="Go to Launch", icon=":material/play_arrow:")


def _chosen(found: list[Dataset]) -> Dataset:
    asked = st.query_params.get("bars")
    return next((x for x in found if f"{x.origin}:{x.interval}:{x.symbol}" == asked), found[0])


def _line(of: Dataset) -> dict[str, object]:
    return {
        "Symbol": of.symbol,
        "Bars": int(of.interval.removesuffix("m")),
        "Source": ORIGINS[of.origin],
        "First": str(of.first),
        "Last": str(of.last),
        "Kept": counted(of.about.rows, "bar") if of.about else counted(of.sessions or 0, "session"),
        "File": of.about.file_name if of.about else None,
    }


def _from_near(of: Dataset, config: RunConfig) -> None:
    named, run, drop = st.columns([4, 1, 1], vertical_alignment="center", gap="small")
    source = "from Yahoo" if of.about is None else f"imported from {of.about.file_name}"
    minutes = of.interval.removesuffix("m")
    named.markdown(f"##### {plain(f'{of.symbol} · {minutes}-minute bars · {source}')}")
    if run.button("Run on Launch", key="data.run", icon=":material/play_arrow:", width="stretch"):
        _take_to_launch(of)
        st.switch_page(LAUNCH)
    if drop.button("Remove", key="data.remove", icon=":material/delete:", width="stretch"):
        _confirm(of)
    if of.about is None:
        _coverage(data_cached.coverage(of, config.session))
    try:
        found = data_cached.quality(of, config.session, config.orb.base_minutes)
    except OrbError as error:
        st.error(plain(str(error)), icon=":material/error:")
        st.caption("If the market hours at the left are not those of this symbol, choose others.")
        return
    if of.about is not None:
        _coverage(days_of(found.report))
    _quality(found)


def _coverage(days: list[CoveredDay]) -> None:
    counts = {state: sum(day.state == state for day in days) for state in STATES}
    said = ", ".join(f"{counts[state]} {words.lower()}" for state, words in STATES.items() if counts[state])
    st.plotly_chart(
        coverage_figure(days, dark=is_dark()),
        theme=None,
        key="data.coverage",
        config=CHART_CONFIG,
        alt=f"Sessions by day: {said}",
    )


def _quality(found: BarQuality) -> None:
    report = found.report
    there = [row for row in report.sessions if row.present]
    lacking = [row for row in reversed(there) if row.present < row.expected]
    thin = report.incomplete_ranges()
    about = f"{counted(len(there), 'session')} with {counted(report.bars_used, 'bar')}"
    about += f" · times are {zone_name(found.timezone)} time"
    st.markdown(f"**Quality** :gray[· {plain(about)}]")
    for note in report.notes:
        st.markdown(f":orange[:material/warning:] {plain(note)}")
    if not lacking:
        st.markdown(":green[:material/check:] No session lacks a minute.")
    else:
        n = len(lacking)
        words = f"{n} of {counted(len(there), 'session')} {'lacks' if n == 1 else 'lack'} minutes"
        opening = f"; the opening range of {len(thin)} is not whole" if thin else "; every opening range is whole"
        newest = f" The newest {GAP_SESSIONS} are drawn." if n > GAP_SESSIONS else ""
        st.markdown(f":orange[:material/warning:] {words}{opening}.{newest}")
        left, right = st.columns([3, 2], gap="small")
        left.plotly_chart(
            gaps_figure(found, dark=is_dark()),
            theme=None,
            key="data.gaps",
            config=CHART_CONFIG,
            alt=f"{words}: the missing minutes of each; the table beside lists them",
        )
        right.dataframe(
            [
                {
                    "Session": row.date,
                    "Bars": f"{row.present} of {row.expected}",
                    "Opening range": f"{row.or_present} of {row.or_expected}",
                    "Missing": ", ".join(row.missing),
                }
                for row in lacking
            ],
            hide_index=True,
            height="content" if n <= TABLE_ROWS else TABLE_PX,
            alt="Sessions with missing minutes",
        )
    counts = asdict(report)
    findings: list[dict[str, object]] = [
        {"Found": words, "Bars": counts[name]} for name, words in FINDINGS.items() if counts[name]
    ]
    if report.jumps:
        moments = [pd.Timestamp(jump.timestamp_utc).tz_convert(found.timezone) for jump in report.jumps]
        some = ", ".join(f"{moment:%Y-%m-%d %H:%M}" for moment in moments[-JUMPS_NAMED:])
        findings.append(
            {"Found": f"Jumps beyond {JUMP_RANGES} usual ranges (kept)", "Bars": len(moments), "Newest": some}
        )
    if findings:
        st.dataframe(findings, hide_index=True, height="content", width="content", alt="What was found in the bars")
    else:
        st.caption("Nothing else stands out: no bar twice, out of order, impossible or without volume.")


@st.dialog("Remove these bars?")
def _confirm(of: Dataset) -> None:
    if of.about is None:
        gone = f"{counted(of.sessions, 'session')}, {of.first} to {of.last}, {'is' if of.sessions == 1 else 'are'}"
        lost = f"{gone} removed from this computer. Yahoo keeps "
        lost += f"{of.interval.removesuffix('m')}-minute bars for {data_service.yahoo_days(of.interval)} days: older "
        lost += "sessions cannot be fetched again."
    else:
        lost = f"{of.about.rows:,} bars are removed; {of.about.file_name} itself is not touched."
    st.markdown(f"**{plain(of.symbol)}**: {plain(lost)}")
    st.caption("Stored runs have bars of their own and stay as they are.")
    with st.container(horizontal=True, gap="small"):
        gone = st.button("Remove", key="data.remove_now", type="primary", on_click=removed, args=(of,))
        if st.button("Keep", key="data.remove_not") or gone:
            st.rerun()


def removed(of: Dataset) -> None:
    """Remove bars, and say so."""
    try:
        data_service.remove(of)
    except OrbError as error:
        st.session_state["data.said"] = [("error", str(error))]
        return
    st.session_state["data.said"] = [("done", f"{of.symbol}: {of.interval} bars removed.")]
    st.session_state.pop("data.imported", None)
    st.query_params.pop("bars", None)


def _take_to_launch(of: Dataset) -> None:
    """Fill Launch's sidebar with these bars and all of their dates."""
    if forms.is_new():
        forms.use(load_config(), forms.DEFAULTS)
    st.session_state[forms.key("data.interval")] = of.interval
    source = SourceSpec("yahoo") if of.about is None else SourceSpec("file", data_service.imports().path)
    last = data_service.last_session(of, data_cached.launch_config().session)
    ask.use((of.symbol,), source, of.first, min(last, date.today()))  # noqa: DTZ011 — the widget's own limit
    st.session_state["ask.mended"] = ()
