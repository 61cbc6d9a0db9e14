"""What a run came to, on one screen: the same on Launch and on the run's own page."""

from collections.abc import Sequence

import streamlit as st

from orb_core.analytics.headline import Figure, cautions, headline
from orb_core.analytics.metric_groups import Metric, metric_groups
from orb_core.analytics.words import counted, number
from orb_core.charts import equity_figure
from orb_core.store.stored_run import StoredRun
from pages.parts import cached, computed
from pages.parts.equity_view import drops, equity_view
from pages.parts.frame import RUN, is_dark
from pages.parts.markup import plain
from pages.parts.run_words import bars_text, is_made_up, long_title_text, missing_days, source_text, symbols_text
from pages.parts.tables import endings_table, r_column, reasons_table, symbols_columns, symbols_table

CHART_PX = 330
CHART_CONFIG = {"displayModeBar": False, "scrollZoom": True}
FEW_SYMBOLS = 4
ROWS_BESIDE_CHART = 9
MOST_REASONS = 12


def screen(of: StoredRun) -> None:
    """Show a run's result on the Launch page, with the ways into it."""
    heading(of)
    overview(of)
    with st.container(horizontal=True, gap="small"):
        has_trades = of.manifest.totals is not None and of.manifest.totals.trades > 0
        if has_trades and st.button("Show trades", key="result.trades", icon=":material/table_rows:"):
            open_run(of, "Trades")
        if st.button("Open run", key="result.open", icon=":material/open_in_new:"):
            open_run(of)


def heading(of: StoredRun) -> None:
    """Name the run: symbols, what is special about it, dates; below, what it was run on and how."""
    manifest = of.manifest
    made_up = " :orange-badge[Made-up prices]" if is_made_up(manifest) else ""
    named = " · ".join(
        (symbols_text(manifest), long_title_text(manifest, of.notes, of.config), f"{manifest.start} → {manifest.end}")
    )
    missing = missing_days(manifest)
    partly = " :orange-badge[Some days have no bars]" if missing else ""
    st.markdown(f"#### {plain(named)}{made_up}{partly}", help=plain("; ".join(missing)) or None)
    st.caption(plain(" · ".join(_about(of))))


def _about(of: StoredRun) -> list[str]:
    manifest, config = of.manifest, of.config
    said = [bars_text(manifest)] if is_made_up(manifest) else [source_text(manifest), bars_text(manifest)]
    if manifest.totals:
        metrics = cached.metrics(of)
        idle = metrics["sessions"] - metrics["sessions_traded"]
        said.append(f"{counted(metrics['sessions'], 'session')}, {number(idle, 0)} without a trade")
    first = "stop" if config.execution.ambiguity == "conservative" else "target"
    said.append(f"{first} first where a bar is unclear")
    free = config.costs.commission_per_unit == config.costs.commission_pct == config.costs.slippage_ticks == 0
    return [*said, "no costs" if free else "costs on"]


def overview(of: StoredRun, extra: Sequence[Figure] = ()) -> None:
    """Show the headline, the worst warning, equity beside the symbols; with `extra`, all its views as well."""
    if of.manifest.totals is None:
        _nothing_ran(_warnings(of, ()))
        return
    metrics = cached.metrics(of)
    if metrics["total_trades"] == 0:
        _no_trades(of)
        return
    figures((*headline(metrics), *extra))
    days = (of.manifest.end - of.manifest.start).days + 1
    warn(_warnings(of, cautions(metrics, cached.trades(of), days=days)))
    left, right = st.columns([3, 2], gap="small")
    with left:
        if extra:
            equity_view(of)
        else:
            with st.container(key="result.chart"):
                st.plotly_chart(
                    equity_figure(cached.equity(of), dark=is_dark(), height=CHART_PX),
                    theme=None,
                    key="result.equity",
                    height="stretch",
                    config=CHART_CONFIG,
                    alt=f"Running total of {counted(metrics['total_trades'], 'trade')} in R, above its drawdown",
                )
    with right:
        _symbols(of)


def figures(shown: Sequence[Figure]) -> None:
    """Draw figures as a row of cards."""
    for column, figure in zip(st.columns(len(shown), gap="xsmall"), shown, strict=True):
        with column.container(border=True, height="stretch", gap=None):
            st.metric(figure.label, figure.value, help=plain(figure.meaning))
            st.caption(plain(figure.below))


def details(of: StoredRun) -> None:
    """Show the other metrics in closed groups, each with its range, its count and its formula; then the drops."""
    metrics = cached.metrics(of)
    for title, group in metric_groups(metrics).items():
        part = st.expander(f"{title} · {len(group)}", key=f"result.group.{title}", on_change="rerun")
        if part.open:
            with part, st.spinner("Redrawing the trades…"):
                _group(title, metric_groups(metrics, computed.intervals(of))[title])
    drops(of)


def _group(title: str, group: Sequence[Metric]) -> None:
    st.dataframe(
        [
            {"Metric": m.label, "Value": m.value, "95 %": m.range, "Of": m.of, "How it is computed": m.meaning}
            for m in group
        ],
        column_config={
            "95 %": st.column_config.TextColumn(
                help="Where luck alone could have put it: 10,000 redrawings (bootstrap), from 5,000 trades on the "
                "normal distribution that these then follow."
            ),
            "Of": st.column_config.TextColumn(help="What it is computed from."),
            "How it is computed": st.column_config.TextColumn(width="large"),
        },
        hide_index=True,
        height="content",
        alt=f"{title}: value of each metric, its 95 % range, its count and how it is computed",
    )


def _warnings(of: StoredRun, cautioned: Sequence[str]) -> list[str]:
    manifest = of.manifest
    failed = [f"{symbol} failed: {why}" for symbol, why in manifest.failures.items()]
    if manifest.status == "cancelled":
        missing = [symbol for symbol, record in manifest.symbols.items() if record.status == "cancelled"]
        failed.append(f"Cancelled: {len(missing)} of {len(manifest.symbols)} symbols were not run.")
    noted = [text for record in manifest.symbols.values() for text in record.warnings]
    return [*failed, *manifest.warnings, *cautioned, *noted]


def warn(said: Sequence[str]) -> None:
    """Show the worst warning; the others wait behind a button."""
    if not said:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":orange[:material/warning:] {plain(said[0])}", width="content")
        if len(said) > 1:
            with st.popover(f"+{len(said) - 1} more", type="tertiary"):
                for text in said[1 : 1 + MOST_REASONS]:
                    st.markdown(plain(text))
                if len(said) > 1 + MOST_REASONS:
                    st.caption(f"And {len(said) - 1 - MOST_REASONS} more.")


def _nothing_ran(why: Sequence[str]) -> None:
    with st.container(gap="xsmall"):
        st.markdown("**No symbol could be run.** Mend what is said here, at the left, and run again:")
        for text in why[:MOST_REASONS]:
            st.markdown(f":orange[:material/warning:] {plain(text)}")
        if len(why) > MOST_REASONS:
            st.caption(f"And {len(why) - MOST_REASONS} more like these.")


def _symbols(of: StoredRun) -> None:
    table = symbols_table(of)
    few = len(table) <= FEW_SYMBOLS
    st.dataframe(
        table,
        column_config=symbols_columns(),
        column_order=[c for c in table if c != "note" or table["note"].any()],
        hide_index=True,
        height="content" if len(table) <= ROWS_BESIDE_CHART else CHART_PX,
        placeholder="–",
        alt="Trades, win rate and R by symbol",
    )
    if few:
        st.dataframe(
            endings_table(cached.metrics(of)),
            column_config={
                "ended": st.column_config.TextColumn("How trades ended", pinned=True),
                "trades": st.column_config.NumberColumn("Trades", format="%,d"),
                "average": r_column("Per trade", "Average result of a trade."),
                "total": r_column("Total R", "Sum of all trades."),
            },
            hide_index=True,
            height="content",
            alt="Trades and R by how they ended",
        )


def _no_trades(of: StoredRun) -> None:
    st.markdown("**No trade was taken.** These are the reasons, by count:")
    st.dataframe(
        reasons_table(of),
        column_config={
            "why": st.column_config.TextColumn("Why", pinned=True),
            "what": st.column_config.TextColumn("Of"),
            "count": st.column_config.NumberColumn("Count", format="%,d"),
        },
        hide_index=True,
        height="content",
        width="content",
        alt="Why no trade was taken",
    )


def open_run(of: StoredRun, tab: str | None = None) -> None:
    """Go to a run's own page."""
    st.switch_page(RUN, query_params={"run": of.run_id, **({"tab": tab} if tab else {})})
