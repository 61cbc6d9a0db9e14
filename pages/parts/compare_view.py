"""Run B beside run A: the verdict, what differs, where the R went, and every trade matched."""

import pandas as pd
import streamlit as st

from orb_core.analytics.compare import Comparison
from orb_core.analytics.words import counted, number, r_multiple
from orb_core.charts.compare import bridge_figure, totals_figure
from orb_core.store.stored_run import StoredRun
from pages.parts import computed
from pages.parts.compare_several import figures
from pages.parts.compare_trades import STATUS_WORDS, matched_trades
from pages.parts.frame import RUN, SESSION, is_dark
from pages.parts.markup import plain
from pages.parts.result import warn
from pages.parts.run_words import missing_days
from pages.parts.settings import by_path, in_titles
from pages.parts.tables import no_minus_zero, r_column

SETTINGS_AT_ONCE = 6
CHART_PX = 290
STILL = {"displayModeBar": False}
DIFFERING, ALL = "Changed or unmatched", "All"
NONE_OF_IT = {
    "Same": "No trade is the same in both runs.",
    "Changed": "No trade of both runs differs between them.",
    "Only in A": "A made no trade that B did not make.",
    "Only in B": "B made no trade that A did not make.",
}


def comparison_view(a: StoredRun, b: StoredRun, *, figured: bool = False) -> None:
    """Show everything about the pair, except what each came to where that is `figured` above already."""
    found = computed.comparison(a, b)
    _verdict(found)
    gaps = [f"Run {name}: {text}" for name, of in (("A", a), ("B", b)) for text in missing_days(of.manifest)]
    warn([*(in_titles(sentence) for sentence in found.banner), *gaps])
    if figured:
        _settings(found)
    else:
        left, right = st.columns([2, 3], gap="medium")
        with left:
            _settings(found)
        with right:
            figures({"A": a, "B": b})
    if found.days.empty:
        return
    if found.traded_the_same:
        _same(a, b, found)
        return
    left, right = st.columns(2, gap="medium")
    with left:
        _bridge(found)
    with right:
        _totals(found)
    _trades(a, b, found)


def _verdict(found: Comparison) -> None:
    p = found.difference.p_value
    if found.days.empty or found.traded_the_same:
        st.markdown(f"##### {plain(found.verdict)}")
        return
    st.markdown(
        f"##### {plain(found.verdict)}",
        help="The days both runs have are redrawn 10,000 times, each with its two results together (paired bootstrap). "
        "“Could be chance” where the 95 % range includes 0. "
        + plain(f"Two-sided p: {number(p, 3)}; days are taken as independent of each other."),
    )


def _settings(found: Comparison) -> None:
    rows = []
    for path, (of_a, of_b) in found.settings.items():
        setting = by_path().get(path)
        title, say = (setting.title, setting.say) if setting else (path, str)
        rows.append({"Setting": title, "A": say(of_a), "B": say(of_b), "Key": path})
    if not rows:
        st.markdown("**Settings** :gray[· the same in both]")
        if found.traded_the_same and not found.banner:
            st.caption("The same settings on the same bars: B is A once more.")
        return
    st.markdown(f"**Settings that differ** :gray[· {len(rows)}]")
    st.dataframe(
        rows[:SETTINGS_AT_ONCE],
        hide_index=True,
        height="content",
        column_config={"Setting": st.column_config.TextColumn(pinned=True)},
        alt="Settings that differ between A and B",
    )
    if len(rows) > SETTINGS_AT_ONCE:
        with st.popover(f"+{len(rows) - SETTINGS_AT_ONCE} more", type="tertiary"):
            st.dataframe(rows[SETTINGS_AT_ONCE:], hide_index=True, height="content", alt="More settings that differ")
    if found.traded_the_same:
        st.caption("On the shared days none of this changed a trade.")


def _bridge(found: Comparison) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown("**From A to B** :gray[· R on the shared days]", width="content")
        with st.popover("Table", type="tertiary"):
            st.dataframe(
                pd.DataFrame(
                    {
                        "Part": [part.label for part in found.bridge],
                        "R": no_minus_zero(pd.Series([part.r for part in found.bridge])),
                        "Trades": [part.trades for part in found.bridge],
                    }
                ),
                hide_index=True,
                height="content",
                column_config={"R": r_column("R", "Share in the difference.")},
                alt="The parts of the difference in R, with their trades",
            )
            st.caption(f"Together {plain(r_multiple(found.difference.difference))}, the difference of the two.")
    st.plotly_chart(
        bridge_figure(found.total_a, found.total_b, found.bridge, dark=is_dark(), height=CHART_PX),
        theme=None,
        key="compare.bridge",
        config=STILL,
        alt=f"From A's {r_multiple(found.total_a)} to B's {r_multiple(found.total_b)}, part by part",
    )


def _same(a: StoredRun, b: StoredRun, found: Comparison) -> None:
    """Show once what is the same in both."""
    tab, label = ("Days", "Why {} did not trade") if found.trades.empty else ("Trades", "Trades of {}")
    if not found.trades.empty:
        _totals(found)
    with st.container(horizontal=True):
        for name, of in (("A", a), ("B", b)):
            st.page_link(RUN, label=label.format(name), query_params={"run": of.run_id, "tab": tab})


def _totals(found: Comparison) -> None:
    days = found.days.set_index("session_date")
    totals = {"A": days["a"].cumsum(), "B": days["b"].cumsum()}
    shown = ["session_date", "a", "b", "c"]
    if found.traded_the_same:
        totals, shown = {"A and B": totals["A"]}, shown[:3]
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**Totals** :gray[· {counted(len(days), 'shared day')}, R on the day of entry]", width="content")
        with st.popover("Table", type="tertiary"):
            st.dataframe(
                found.days.assign(
                    session_date=found.days["session_date"].dt.strftime("%Y-%m-%d"),
                    c=no_minus_zero(found.days["b"] - found.days["a"]),
                ),
                hide_index=True,
                column_order=shown,
                column_config={
                    "session_date": "Day",
                    "a": r_column("A", "R of the trades entered on that day in A."),
                    "b": r_column("B", "R of the trades entered on that day in B."),
                    "c": r_column("B − A", "The difference of the day."),
                },
                alt="R of A and B on every shared day",
            )
    st.plotly_chart(
        totals_figure(totals, title="", dark=is_dark(), height=CHART_PX),
        theme=None,
        key="compare.totals",
        config={**STILL, "scrollZoom": True},
        alt="Running totals of A and B over the shared days, in R",
    )


def _trades(a: StoredRun, b: StoredRun, found: Comparison) -> None:
    status = found.trades["status"].astype(str)
    counts = {name: int((status == name).sum()) for name in STATUS_WORDS}
    words = " · ".join(f"{STATUS_WORDS[name]} {number(n, 0)}" for name, n in counts.items())
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**Trades, one to one** :gray[· {words}]", width="content")
        which = st.segmented_control(
            "Which trades",
            (DIFFERING, *STATUS_WORDS.values(), ALL),
            key="compare.which",
            default=DIFFERING,
            required=True,
            persist_state="session",
            label_visibility="collapsed",
        )
    kept = {DIFFERING: status != "same", ALL: status != ""}.get(which)
    shown = found.trades[status.map(STATUS_WORDS) == which if kept is None else kept]
    links = st.container(horizontal=True, vertical_alignment="center")
    if shown.empty:
        st.caption(NONE_OF_IT[which])
        return
    chosen = matched_trades(shown, a.config, key=f"compare.trades.{a.run_id}.{b.run_id}.{which}")
    with links:
        if chosen is None:
            st.caption("Select a trade to see its day in either run.")
            return
        for name, of in (("A", a), ("B", b)):
            _link_to_day(name, of, chosen)


def _link_to_day(name: str, of: StoredRun, trade: "pd.Series[object]") -> None:
    trade_id = trade[f"trade_id_{name.lower()}"]
    day = f"{trade['session_date']:%Y-%m-%d}"
    query = {"run": of.run_id, "symbol": str(trade["symbol"]), "date": day}
    if isinstance(trade_id, str):
        query["trade"] = trade_id
    st.page_link(
        SESSION,
        label=plain(f"{trade['symbol']} {day} in {name}"),
        icon=":material/candlestick_chart:",
        query_params=query,
    )
